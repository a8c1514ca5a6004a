//! Futures and wakers, of whoever waits for something.

use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use mockwire::{Error, Reply, Request, Timing};

use super::{
    MockTransport, Owned, arm, armed, assert_intrudes, fetch, intrude, intrusions, owned_bytes,
    poll, predicate, request, watched,
};

#[test]
fn a_handlers_future_is_dropped_outside() {
    watched(|| {
        let pending = || {
            let transport = armed();
            transport.post("/").reply_async(|_: Request| {
                let owned = Owned;
                async move {
                    let _owned = owned;
                    std::future::pending::<Reply>().await
                }
            });
            let mut call = transport.call(request(()));
            assert!(poll(&mut call).is_pending());
            (transport, call)
        };
        let (_transport, call) = pending();
        assert_intrudes("dropping the call", || drop(call));
        let (transport, mut call) = pending();
        assert_intrudes("disposing", || transport.dispose()); // wakes, and drops the waker
        assert_intrudes("the call finds out", || {
            assert!(poll(&mut call).is_ready());
        });
        let (transport, call) = pending();
        transport.reset();
        assert_intrudes("dropping the call", || drop(call));
    });
}

#[test]
fn a_reply_that_comes_too_late_is_dropped_outside() {
    watched(|| {
        for how in ["dropped", "reset", "disposed"] {
            let transport = armed();
            let hold = transport.post("/").hold();
            let mut call = transport.call(request(()));
            assert!(poll(&mut call).is_pending());
            let held = hold.next().now_or_never().unwrap().unwrap();
            let mut call = Some(call);
            match how {
                "dropped" => drop(call.take()),
                "reset" => transport.reset(),
                _ => transport.dispose(),
            }
            let reply = Reply::bytes(owned_bytes());
            assert_intrudes(how, || held.reply(reply).unwrap_err());
        }
    });
}

#[test]
fn a_reply_that_nobody_fetches_is_dropped_outside() {
    watched(|| {
        for how in ["dropped", "reset", "disposed", "removed"] {
            let transport = armed();
            let hold = transport.post("/").hold();
            let mut call = transport.call(request(()));
            assert!(poll(&mut call).is_pending());
            let held = hold.next().now_or_never().unwrap().unwrap();
            held.reply(Reply::bytes(owned_bytes())).unwrap();
            assert_intrudes(how, || match how {
                "dropped" => drop(call),
                "reset" => transport.reset(),
                "disposed" => transport.dispose(),
                _ => {
                    transport.rule(hold.rule()).unwrap().remove().unwrap();
                    drop(call);
                }
            });
        }
    });
}

#[test]
fn a_held_request_is_dropped_outside() {
    watched(|| {
        for how in ["dropped", "reset", "disposed"] {
            let transport = armed();
            let hold = transport.post("/").hold();
            let mut call = transport.call(request(owned_bytes()));
            assert!(poll(&mut call).is_pending());
            transport.clear(); // leaves the exchange as its only owner, and the call
            let held = hold.next().now_or_never().unwrap().unwrap();
            drop(held);
            assert_intrudes(how, || {
                match how {
                    "dropped" => {}
                    "reset" => transport.reset(),
                    _ => transport.dispose(),
                }
                drop(call);
            });
        }
    });
}

#[test]
fn who_waits_for_a_held_reply_is_woken_outside() {
    watched(|| {
        let transport = armed();
        let hold = transport.post("/").hold();
        let held = || {
            let mut call = transport.call(request(()));
            assert!(poll(&mut call).is_pending());
            (call, hold.next().now_or_never().unwrap().unwrap())
        };
        let (_call, it) = held();
        assert_intrudes("replying", || it.reply("x").unwrap());
        let (_call, it) = held();
        assert_intrudes("dropping the held request", || drop(it));
        let (mut call, _it) = held();
        // Polled again, with another waker: the first one goes.
        assert_intrudes("replacing the waker", || {
            assert!(poll(&mut call).is_pending());
        });
        assert_intrudes("dropping the call", || drop(call));
    });
}

#[test]
fn who_polls_a_call_that_is_gone_drops_the_waker_outside() {
    watched(|| {
        let transport = armed();
        let _hold = transport.post("/").hold();
        let mut call = transport.call(request(()));
        assert!(poll(&mut call).is_pending());
        transport.reset();
        assert_intrudes("polling", || {
            assert!(poll(&mut call).is_ready());
        });
    });
}

#[test]
fn who_waits_for_a_held_request_is_woken_and_dropped_outside() {
    watched(|| {
        let transport = armed();
        let hold = transport.post("/").hold();
        let waiting = || {
            let mut next = hold.next();
            assert!(poll(&mut next).is_pending());
        };
        waiting();
        let mut call = transport.call(request(()));
        assert_intrudes("a request arrives", || {
            assert!(poll(&mut call).is_pending());
        });
        let mut next = hold.next();
        assert_intrudes("taking it", || assert!(poll(&mut next).is_ready()));
        waiting();
        assert_intrudes("removing the rule", || {
            transport.rule(hold.rule()).unwrap().remove().unwrap();
        });
        let mut next = hold.next();
        assert_intrudes("the rule is gone", || assert!(poll(&mut next).is_ready()));
        let hold = transport.post("/").hold();
        let mut next = hold.next();
        assert!(poll(&mut next).is_pending());
        assert_intrudes("resetting", || transport.reset());
    });
}

#[test]
fn who_waits_for_requests_is_woken_and_dropped_outside() {
    watched(|| {
        let transport = MockTransport::builder().timing(Timing::Manual).build();
        transport.otherwise().reply("x");
        // What intrudes makes requests, too: the wait is for one that it does not make.
        let wait = || {
            let wait = transport.wait_for_requests(1);
            let mut wait = wait.matching(mockwire::get("/never"));
            assert!(poll(&mut wait).is_pending());
            wait
        };
        arm(&transport);
        let mut waiting = wait();
        assert_intrudes("a request arrives", || fetch(&transport).unwrap());
        assert_intrudes("polling again", || {
            assert!(poll(&mut waiting).is_pending());
        });
        assert_intrudes("dropping the wait", || drop(waiting));
        let mut waiting = wait();
        assert_intrudes("the deadline", || {
            transport.advance(Duration::from_secs(30));
        });
        assert!(poll(&mut waiting).is_ready());
        drop(waiting);
        let _waiting = wait();
        assert_intrudes("resetting", || transport.reset());
        let _waiting = wait();
        assert_intrudes("disposing", || transport.dispose());
        let mut wait = transport.wait_for_requests(1);
        assert_intrudes("disposed", || {
            assert!(poll(&mut wait).is_ready());
            drop(wait);
        });
    });
}

#[test]
fn a_predicate_of_a_wait_runs_outside() {
    watched(|| {
        let transport = armed();
        transport.otherwise().reply("x");
        fetch(&transport).unwrap();
        let owned = Owned;
        let wait =
            transport
                .wait_for_requests(1)
                .matching(mockwire::predicate(move |_: &Request| {
                    let _ = &owned;
                    intrude();
                    true
                }));
        assert_intrudes("looking", || {
            wait.now_or_never().unwrap().unwrap();
        });
    });
}

#[test]
fn matchers_of_assertions_run_and_drop_outside() {
    watched(|| {
        let transport = armed();
        transport.otherwise().reply("x");
        fetch(&transport).unwrap();
        let matcher = || mockwire::predicate(predicate());
        assert_intrudes("assert_called", || transport.assert_called(matcher(), 1..));
        assert_intrudes("assert_in_order", || {
            transport.assert_in_order([matcher()]);
        });
        assert_intrudes("requests_matching", || {
            drop(transport.requests_matching(matcher()));
        });
    });
}

#[test]
fn a_stalled_future_is_dropped_outside() {
    watched(|| {
        let transport = armed();
        let owned = Owned;
        let stalled = assert_intrudes("stalling", || {
            transport.try_block_on(async move {
                let _owned = owned;
                std::future::pending::<()>().await;
            })
        });
        assert_eq!(stalled.unwrap_err().code(), "MOCKWIRE_STALLED");
    });
}

#[test]
fn a_live_body_is_polled_and_dropped_outside() {
    struct Live(Owned, u8);

    impl http_body::Body for Live {
        type Data = Bytes;
        type Error = Error;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<http_body::Frame<Bytes>, Error>>> {
            intrude();
            let _ = &self.0;
            self.1 -= 1;
            Poll::Ready((self.1 > 0).then(|| Ok(http_body::Frame::data(owned_bytes()))))
        }
    }

    watched(|| {
        let transport = armed();
        transport
            .post("/")
            .passthrough(|_: http::Request<Bytes>| async {
                Ok::<_, Error>(http::Response::new(Live(Owned, 3)))
            });
        let before = intrusions();
        assert_eq!(fetch(&transport).unwrap(), "ownedowned");
        assert!(intrusions() >= before + 4, "three polls and a drop");
        let call = transport.call(request(()));
        let response = call.now_or_never().unwrap().unwrap();
        assert_intrudes("dropping the response", || drop(response));
        let call = transport.call(request(()));
        let response = call.now_or_never().unwrap().unwrap();
        transport.reset();
        assert_intrudes("dropping it after a reset", || drop(response));
    });
}

#[test]
fn a_handler_that_panics_leaves_the_transport_usable() {
    watched(|| {
        let transport = armed();
        let owned = Owned;
        transport
            .post("/")
            .once()
            .reply_with(move |_: &Request| -> Reply {
                let _ = &owned;
                let _local = Owned; // dropped while unwinding
                panic!("a panic on purpose")
            });
        transport.post("/").reply("x");
        let error = assert_intrudes("unwinding", || fetch(&transport).unwrap_err());
        assert_eq!(error.code(), "MOCKWIRE_HANDLER_PANICKED");
        assert_eq!(fetch(&transport).unwrap(), "x");
    });
}

#[test]
fn a_call_polled_by_hand_uses_the_waker_outside() {
    watched(|| {
        // A future that is polled to its end, with a fresh waker for each poll: every clone that
        // was parked on the way is dropped on the way.
        let transport = armed();
        let hold = transport.post("/").hold();
        let mut call = pin!(transport.call(request(())));
        for _ in 0..3 {
            assert!(poll(&mut call).is_pending());
        }
        let held = hold.next().now_or_never().unwrap().unwrap();
        assert_intrudes("replying", || held.reply("x").unwrap());
        assert!(poll(&mut call).is_ready());
    });
}
