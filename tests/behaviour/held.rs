//! Requests that wait until the test replies.

use futures::future::{join, join_all};
use futures::{FutureExt, poll};
use mockwire::{ErrorKind, Fault, Outcome, Reply};

use super::support::{failure, fetch, get, is_matched, send};
use super::{MockTransport, test};

#[test]
fn a_held_request_waits_for_the_tests_reply() {
    let transport = MockTransport::new();
    let hold = transport.get("/slow/{id}").hold();
    let mut call = transport.call(get("/slow/7"));
    transport.block_on(async {
        assert!(poll!(&mut call).is_pending());
        let held = hold.next().await.unwrap();
        assert_eq!(held.request().path(), "/slow/7");
        assert_eq!(held.request().param("id"), Some("7"));
        // Taken, but not answered: the caller still waits.
        assert!(poll!(&mut call).is_pending());
        assert_eq!(transport.in_flight(), 1);
        held.reply(Reply::text("at last").header("x", "1")).unwrap();
        let response = call.await.unwrap();
        assert_eq!(response.headers()["x"], "1");
        assert_eq!(response.into_body().text().await.unwrap(), "at last");
    });
    assert_eq!(transport.in_flight(), 0);
    transport.verify();
}

#[test]
fn the_test_may_wait_before_the_request_comes() {
    let transport = MockTransport::new();
    let hold = transport.get("/").hold();
    let test = async { hold.next().await.unwrap().reply("hello").unwrap() };
    let call = async { transport.call(get("/")).await.unwrap().status() };
    // `join` polls in order: the test waits first, and is woken by the arrival.
    let ((), status) = transport.block_on(join(test, call));
    assert_eq!(status, 200);
}

#[test]
fn requests_are_taken_in_order_of_arrival() {
    let transport = MockTransport::new();
    let hold = transport.get("/{n}").hold();
    let calls = (0..5).map(|n| {
        let call = transport.call(get(&format!("/{n}")));
        async { call.await?.into_body().text().await }
    });
    let test = async {
        for n in 0..5 {
            let held = hold.next().await.unwrap();
            let expected = n.to_string();
            assert_eq!(held.request().param("n"), Some(expected.as_str()));
            held.reply(format!("reply {n}")).unwrap();
        }
    };
    let (texts, ()) = transport.block_on(join(join_all(calls), test));
    let texts: Vec<_> = texts.into_iter().map(Result::unwrap).collect();
    assert_eq!(
        texts,
        ["reply 0", "reply 1", "reply 2", "reply 3", "reply 4"]
    );
}

#[test]
fn replies_may_come_in_another_order() {
    let transport = MockTransport::new();
    let hold = transport.get("/{n}").hold();
    let call = |n: u32| {
        let call = transport.call(get(&format!("/{n}")));
        async { call.await?.into_body().text().await }
    };
    let test = async {
        let first = hold.next().await.unwrap();
        let second = hold.next().await.unwrap();
        second.reply("to the second").unwrap();
        first.reply("to the first").unwrap();
    };
    let (first, second, ()) = transport.block_on(async { futures::join!(call(1), call(2), test) });
    assert_eq!(first.unwrap(), "to the first");
    assert_eq!(second.unwrap(), "to the second");
}

#[test]
fn a_held_request_may_be_failed() {
    let transport = MockTransport::new();
    let hold = transport.get("/").hold();
    let test = async {
        let held = hold.next().await.unwrap();
        held.fail(Fault::ConnectionReset).unwrap();
    };
    let (result, ()) = transport.block_on(join(transport.call(get("/")), test));
    assert_eq!(result.unwrap_err().fault(), Some(Fault::ConnectionReset));
}

#[test]
fn a_held_request_that_is_dropped_fails_its_caller() {
    let transport = MockTransport::new();
    let hold = transport.get("/").hold();
    let test = async { drop(hold.next().await.unwrap()) };
    let (result, ()) = transport.block_on(join(transport.call(get("/")), test));
    assert_eq!(result.unwrap_err().kind(), &ErrorKind::HeldDropped);
    assert_eq!(transport.in_flight(), 0);
}

#[test]
fn a_malformed_reply_to_a_held_request_is_the_tests_error() {
    let transport = MockTransport::new();
    let hold = transport.get("/").hold();
    let test = async {
        let held = hold.next().await.unwrap();
        held.reply(Reply::status(1)).unwrap_err()
    };
    let (result, error) = transport.block_on(join(transport.call(get("/")), test));
    assert_eq!(error.code(), "MOCKWIRE_INVALID_STATUS");
    // `reply` took the held request, so its caller is not left waiting for ever.
    assert_eq!(result.unwrap_err().kind(), &ErrorKind::HeldDropped);
}

#[test]
fn a_caller_that_has_gone_is_not_handed_out() {
    let transport = MockTransport::new();
    let hold = transport.get("/{n}").hold();
    let mut gone = transport.call(get("/gone"));
    let mut stays = transport.call(get("/stays"));
    transport.block_on(async {
        assert!(poll!(&mut gone).is_pending());
        assert!(poll!(&mut stays).is_pending());
        drop(gone);
        let held = hold.next().await.unwrap();
        assert_eq!(held.request().param("n"), Some("stays"));
        held.reply("hi").unwrap();
        assert_eq!(stays.await.unwrap().status(), 200);
    });
    assert_eq!(transport.requests()[0].outcome, Outcome::Cancelled);
}

#[test]
fn replying_to_a_caller_that_has_gone_is_a_stale_handle() {
    let transport = MockTransport::new();
    let hold = transport.get("/").hold();
    let mut call = transport.call(get("/"));
    let error = transport.block_on(async {
        assert!(poll!(&mut call).is_pending());
        let held = hold.next().await.unwrap();
        drop(call);
        held.reply("too late").unwrap_err()
    });
    assert_eq!(error.code(), "MOCKWIRE_STALE_HANDLE");
}

#[test]
fn removing_the_rule_fails_what_nobody_has_taken() {
    let transport = MockTransport::new();
    let hold = transport.get("/").hold();
    let mut taken_call = transport.call(get("/"));
    let mut waiting_call = transport.call(get("/"));
    transport.block_on(async {
        assert!(poll!(&mut taken_call).is_pending());
        let taken = hold.next().await.unwrap();
        assert!(poll!(&mut waiting_call).is_pending());
        transport.rule(hold.rule()).unwrap().remove().unwrap();
        let error = waiting_call.await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::HeldDropped);
        // What the test holds in its hand it may still answer.
        taken.reply("still").unwrap();
        assert_eq!(taken_call.await.unwrap().status(), 200);
        let error = hold.next().await.unwrap_err();
        assert_eq!(error.code(), "MOCKWIRE_STALE_HANDLE");
    });
    assert!(!is_matched(&transport, get("/")));
}

#[test]
fn who_waits_for_a_held_request_is_told_that_the_rule_is_gone() {
    let transport = MockTransport::new();
    let hold = transport.get("/").hold();
    let remove = async { transport.rule(hold.rule()).unwrap().remove().unwrap() };
    let (next, ()) = transport.block_on(join(hold.next(), remove));
    assert_eq!(next.unwrap_err().code(), "MOCKWIRE_STALE_HANDLE");
}

#[test]
fn two_rules_hold_for_themselves() {
    let transport = MockTransport::new();
    let a = transport.get("/a").hold();
    let b = transport.get("/b").hold();
    let mut call = transport.call(get("/b"));
    transport.block_on(async {
        assert!(poll!(&mut call).is_pending());
        assert!(a.next().now_or_never().is_none());
        let held = b.next().await.unwrap();
        held.reply("b").unwrap();
        assert_eq!(call.await.unwrap().status(), 200);
    });
}

#[test]
fn a_held_request_delays_nobody_else() {
    let transport = MockTransport::new();
    let hold = transport.get("/slow").hold();
    transport.get("/fast").reply("fast");
    let mut slow = transport.call(get("/slow"));
    assert!((&mut slow).now_or_never().is_none());
    for _ in 0..3 {
        assert_eq!(fetch(&transport, get("/fast")).unwrap(), "fast");
    }
    let held = hold.next().now_or_never().unwrap().unwrap();
    held.reply("slow").unwrap();
    assert_eq!(slow.now_or_never().unwrap().unwrap().status(), 200);
}

#[test]
fn a_bounded_hold_holds_so_many() {
    let transport = MockTransport::new();
    let _hold = transport.get("/").once().hold();
    let mut held = transport.call(get("/"));
    assert!((&mut held).now_or_never().is_none());
    assert!(failure(&transport, get("/")).is_unmatched());
    drop(held);
    // The turn is taken: a cancelled call has been a call.
    assert!(failure(&transport, get("/")).is_unmatched());
}

#[test]
fn a_thousand_requests_are_held_at_once() {
    const N: usize = 1000;
    let transport = MockTransport::new();
    let hold = transport.get("/{n}").hold();
    let calls = (0..N).map(|n| {
        let call = transport.call(get(&format!("/{n}")));
        async { call.await?.into_body().text().await }
    });
    let test = async {
        // None is released before all are there: that they overlap is not a matter of luck.
        let mut all = Vec::new();
        for _ in 0..N {
            all.push(hold.next().await.unwrap());
        }
        assert_eq!(transport.in_flight(), N);
        for held in all.into_iter().rev() {
            let n = held.request().param("n").unwrap().to_owned();
            held.reply(n).unwrap();
        }
    };
    let (texts, ()) = transport.block_on(join(join_all(calls), test));
    for (n, text) in texts.into_iter().enumerate() {
        assert_eq!(text.unwrap(), n.to_string());
    }
    assert_eq!(transport.in_flight(), 0);
}

#[test]
fn a_held_reply_may_stream() {
    let transport = MockTransport::new();
    let hold = transport.get("/").hold();
    let test = async {
        let held = hold.next().await.unwrap();
        held.reply(Reply::stream(["a", "b"])).unwrap();
    };
    let (response, ()) = transport.block_on(join(transport.call(get("/")), test));
    let text = transport.block_on(response.unwrap().into_body().text());
    assert_eq!(text.unwrap(), "ab");
}

#[test]
fn a_dropped_hold_keeps_its_requests_waiting() {
    let transport = MockTransport::new();
    drop(transport.get("/").hold());
    let error = transport
        .try_block_on(transport.call(get("/")))
        .unwrap_err();
    assert_eq!(error.code(), "MOCKWIRE_STALLED");
    assert!(send(&transport, get("/other")).is_err());
}

#[test]
fn waiting_for_long_keeps_one_waker() {
    struct Noop;
    impl std::task::Wake for Noop {
        fn wake(self: std::sync::Arc<Self>) {}
    }
    let noop = std::sync::Arc::new(Noop);
    let waker = std::task::Waker::from(noop.clone());
    let mut context = std::task::Context::from_waker(&waker);
    let transport = MockTransport::new();
    let hold = transport.get("/").hold();
    // Polled again and again, as part of a `select!` in a loop is, by new futures each time.
    for _ in 0..100 {
        assert!(hold.next().poll_unpin(&mut context).is_pending());
    }
    // The two of this test, and one that the transport keeps.
    assert_eq!(std::sync::Arc::strong_count(&noop), 3);
}

#[test]
fn who_waits_for_a_request_to_hold_is_told_of_which_rule() {
    let transport = MockTransport::new();
    let hold = transport.get("/").hold();
    let error = transport
        .try_block_on(hold.next())
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.contains("held.rs:") && error.contains("none has come"),
        "{error}"
    );
}
