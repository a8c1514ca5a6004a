//! Foreign code that calls back into its transport, in every place where there is some.

use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use bytes::Bytes;
use futures::{FutureExt, Sink, SinkExt, StreamExt};
use mockwire::connections::ConnectionContext;
use mockwire::{Error, Message, Priority, Reply, Request, SequenceEnd, SocketScript, Stop, Timing};

use super::{
    Endpoint, INTRUSION, MockTransport, Mode, RequestQueue, ServerSocket, Socket, intrude,
    intrusions, watched,
};

/// A value of the user: calls into the transport when it is dropped.
#[derive(Debug)]
struct Owned;

impl Drop for Owned {
    fn drop(&mut self) {
        intrude();
    }
}

impl AsRef<[u8]> for Owned {
    fn as_ref(&self) -> &[u8] {
        b"owned"
    }
}

impl std::fmt::Display for Owned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("owned")
    }
}

impl std::error::Error for Owned {}

impl<'de> serde::Deserialize<'de> for Owned {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        intrude(); // parsing is foreign code as well
        serde::de::IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

/// A waker that calls into the transport when it is woken and when it is dropped.
struct Intruder;

impl Wake for Intruder {
    fn wake(self: Arc<Self>) {
        intrude();
    }
}

impl Drop for Intruder {
    fn drop(&mut self) {
        intrude();
    }
}

fn intruder() -> Waker {
    Waker::from(Arc::new(Intruder))
}

/// Bytes that call into the transport when the last of them is dropped.
fn owned_bytes() -> Bytes {
    Bytes::from_owner(Owned)
}

/// Makes foreign code use this transport, in every way that takes the lock.
fn arm(transport: &MockTransport) {
    let transport = transport.clone();
    let intrusion = move || {
        let _ = transport.in_flight();
        let _ = transport.requests();
        let _ = transport.now();
        let _ = transport.scenario("s");
        let _ = transport.is_disposed();
        let _ = transport.concurrency();
        transport.set_scenario("intruded", "yes");
        transport.state().update("intruded", |_| true);
        transport.state().put(true);
        let _ = transport.try_verify();
        let _ = transport.call(get()).now_or_never();
        let _ = format!("{transport:?}");
    };
    drop(INTRUSION.replace(Some(Rc::new(intrusion))));
}

/// A transport that its foreign code uses.
fn armed() -> MockTransport {
    // The intrusion makes requests of its own: what no rule matches is no failure here.
    let transport = MockTransport::new();
    arm(&transport);
    transport
}

fn get() -> http::Request<()> {
    http::Request::get("https://api.test/intruded")
        .body(())
        .unwrap()
}

fn request(body: impl Into<mockwire::Content>) -> http::Request<mockwire::Content> {
    http::Request::post("https://api.test/")
        .body(body.into())
        .unwrap()
}

fn fetch(transport: &MockTransport) -> mockwire::Result<Bytes> {
    transport.block_on(async { transport.call(request(())).await?.into_body().bytes().await })
}

/// Polls once, with a waker that intrudes.
fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    let waker = intruder();
    Pin::new(future).poll(&mut Context::from_waker(&waker))
}

/// What took place in `f` that foreign code came of.
#[track_caller]
fn assert_intrudes<R>(what: &str, f: impl FnOnce() -> R) -> R {
    let before = intrusions();
    let result = f();
    assert!(intrusions() > before, "no foreign code ran: {what}");
    result
}

/// A handler that owns a value of the user.
fn handler() -> impl Fn(&Request) -> Reply + Send + Sync + 'static {
    let owned = Owned;
    move |_| {
        let _ = &owned;
        Reply::text("handled")
    }
}

/// A predicate that owns a value of the user.
fn predicate() -> impl Fn(&Request) -> bool + Send + Sync + 'static {
    let owned = Owned;
    move |_| {
        let _ = &owned;
        true
    }
}

#[test]
fn the_detector_runs_whenever_a_value_is_dropped() {
    watched(|| {
        // The control of this file: a dropped value does call into the transport.
        let transport = armed();
        let before = intrusions();
        drop(Owned);
        assert_eq!(intrusions(), before + 1);
        assert_eq!(transport.scenario("intruded"), "yes");
        drop(owned_bytes());
        drop(intruder());
        assert_eq!(intrusions(), before + 3);
    });
}

#[test]
fn handlers_predicates_and_parsers_may_use_the_transport() {
    watched(|| {
        let transport = armed();
        let rule = transport.post("/").matching(|_: &Request| {
            intrude();
            true
        });
        rule.reply_with(|request: &Request| {
            intrude();
            request.view::<Owned>().map(|_| "handled")
        });
        let before = intrusions();
        assert_eq!(
            fetch(&transport).unwrap_err().code(),
            "MOCKWIRE_HANDLER_FAILED"
        );
        let response = transport.call(request("{}")).now_or_never().unwrap();
        assert_eq!(response.unwrap().status(), 200);
        assert!(intrusions() >= before + 5);
    });
}

#[test]
fn who_reads_a_request_or_makes_the_reply_of_an_exchange_may_use_the_transport() {
    watched(|| {
        let transport = armed();
        let read = mockwire::reading("body", |request| {
            intrude();
            Some(request.text().ok()?.into())
        });
        let owned = Owned;
        let rule = transport
            .post("/")
            .and(read.exists())
            .reply(Reply::from_exchange(move |exchange| {
                let _ = &owned;
                intrude();
                exchange.sequence().to_string()
            }));
        let before = intrusions();
        assert_eq!(fetch(&transport).unwrap(), "1");
        assert!(intrusions() >= before + 2);
        assert_intrudes("diagnosing", || {
            transport.assert_called(mockwire::reading("body", |_| None).missing(), 1..);
            let read = mockwire::reading("body", |_| {
                intrude();
                None
            });
            assert!(transport.requests_matching(read.exists()).is_empty());
        });
        assert_intrudes("removing the rule", || rule.remove().unwrap());
    });
}

#[test]
fn an_asynchronous_handler_may_use_the_transport() {
    watched(|| {
        let transport = armed();
        transport.post("/").reply_async(|_: Request| {
            intrude();
            async {
                intrude();
                "handled"
            }
        });
        let before = intrusions();
        assert_eq!(fetch(&transport).unwrap(), "handled");
        assert_eq!(intrusions(), before + 2);
    });
}

#[test]
fn what_a_rule_owns_is_dropped_outside_when_it_is_removed() {
    watched(|| {
        let transport = armed();
        for register in [
            |it: &MockTransport| it.post("/").reply_with(handler()),
            |it: &MockTransport| it.post("/").matching(predicate()).reply("x"),
            |it: &MockTransport| it.post("/").reply(Reply::bytes(owned_bytes())),
            |it: &MockTransport| {
                let replies = [Reply::stream([owned_bytes()]), Reply::bytes(owned_bytes())];
                it.post("/").reply_sequence(replies, SequenceEnd::Cycle)
            },
        ] {
            let rule = register(&transport);
            assert_intrudes("removing the rule", || rule.remove().unwrap());
            let _rule = register(&transport);
            assert_intrudes("resetting", || transport.reset());
        }
    });
}

#[test]
fn what_a_scope_owns_is_dropped_outside_when_it_ends() {
    watched(|| {
        let transport = armed();
        let scope = transport.scope();
        scope.post("/").reply_with(handler());
        scope.get("/").matching(predicate()).reply("x");
        assert_intrudes("closing the scope", || scope.close().unwrap());
    });
}

#[test]
fn what_rules_own_is_dropped_outside_when_the_transport_is_disposed() {
    watched(|| {
        let transport = armed();
        transport.post("/").reply_with(handler());
        transport.post("/").matching(predicate()).reply("x");
        transport.post("/").reply(Reply::bytes(owned_bytes()));
        assert_intrudes("disposing", || transport.dispose());
    });
}

#[test]
fn what_a_refused_rule_owns_is_dropped_outside() {
    watched(|| {
        let transport = armed();
        let scope = transport.scope();
        let of_scope = [
            scope.post("/").matching(predicate()),
            scope.post("/").matching(predicate()),
        ];
        scope.close().unwrap();
        for when in of_scope {
            let error = assert_intrudes("its scope is gone", || when.try_reply("x").unwrap_err());
            assert_eq!(error.code(), "MOCKWIRE_STALE_HANDLE");
        }
        let when = transport.post("/").matching(predicate());
        let other = transport.post("/");
        transport.dispose();
        let error = assert_intrudes("disposed", || when.try_reply("x").unwrap_err());
        assert_eq!(error.code(), "MOCKWIRE_DISPOSED");
        let reply = Reply::bytes(owned_bytes());
        assert_intrudes("disposed", || other.try_reply(reply).unwrap_err());
    });
}

#[test]
fn a_rule_that_removes_itself_is_dropped_outside() {
    watched(|| {
        let transport = armed();
        let (inner, owned) = (transport.clone(), Owned);
        transport.post("/").reply_with(move |_: &Request| {
            let _ = &owned;
            let captured = inner.requests().into_iter().rfind(|it| it.rule.is_some());
            let mine = captured.unwrap().rule.unwrap();
            inner.rule(mine).unwrap().remove().unwrap();
            "handled"
        });
        // The last of the rule goes with the call that it answers.
        assert_intrudes("the call is over", || fetch(&transport).unwrap());
    });
}

#[test]
fn request_bodies_are_dropped_outside() {
    watched(|| {
        let with_capture = || {
            let transport = MockTransport::builder().max_requests(1).build();
            transport.post("/").reply("x");
            let call = transport.call(request(owned_bytes()));
            drop(call.now_or_never().unwrap().unwrap());
            arm(&transport);
            transport
        };
        let transport = with_capture();
        assert_intrudes("evicting", || fetch(&transport).unwrap());
        let transport = with_capture();
        assert_intrudes("clearing", || transport.clear());
        let transport = with_capture();
        assert_intrudes("resetting", || transport.reset());
        let transport = with_capture();
        assert_intrudes("disposing", || transport.dispose());
        let call = transport.call(request(owned_bytes()));
        assert_intrudes("refusing the call", || {
            call.now_or_never().unwrap().unwrap_err()
        });
    });
}

#[test]
fn a_request_body_that_the_journal_cuts_is_dropped_outside() {
    watched(|| {
        let transport = MockTransport::builder().max_body_bytes(2).build();
        arm(&transport);
        transport.post("/").reply("x");
        let call = transport.call(request(owned_bytes()));
        assert_intrudes("keeping a copy", || {
            drop(call.now_or_never().unwrap().unwrap());
        });
        assert_eq!(transport.request(1).unwrap().request.body(), "ow");
    });
}

#[test]
fn views_are_dropped_outside() {
    watched(|| {
        let with_view = || {
            let transport = MockTransport::builder().max_requests(1).build();
            transport.post("/").reply("x");
            let call = transport.call(request("{}"));
            drop(call.now_or_never().unwrap().unwrap());
            let captured = transport.last_request().unwrap();
            drop(captured.request.view::<Owned>().unwrap());
            drop(captured);
            arm(&transport);
            transport
        };
        let transport = with_view();
        assert_intrudes("evicting", || fetch(&transport).unwrap());
        let transport = with_view();
        assert_intrudes("clearing", || transport.clear());
        let transport = with_view();
        assert_intrudes("disposing", || transport.dispose());
    });
}

#[test]
fn captured_response_bodies_are_dropped_outside() {
    watched(|| {
        let with_capture = || {
            let transport = MockTransport::builder().max_requests(1).build();
            transport.post("/").once().reply_with(|_: &Request| {
                Reply::stream([owned_bytes(), owned_bytes()]).header("x", "1")
            });
            transport.post("/").reply("x");
            fetch(&transport).unwrap();
            arm(&transport);
            transport
        };
        let transport = with_capture();
        assert_intrudes("evicting", || fetch(&transport).unwrap());
        let transport = with_capture();
        assert_intrudes("clearing", || transport.clear());
        let transport = with_capture();
        assert_intrudes("resetting", || transport.reset());
    });
}

#[test]
fn a_response_body_that_outlives_its_exchange_is_dropped_outside() {
    watched(|| {
        for dispose in [false, true] {
            let transport = armed();
            transport
                .post("/")
                .reply_with(|_: &Request| Reply::stream([owned_bytes(), owned_bytes()]));
            let call = transport.call(request(()));
            let mut body = call.now_or_never().unwrap().unwrap().into_body();
            drop(body.next().now_or_never().unwrap().unwrap().unwrap());
            if dispose {
                transport.dispose();
            } else {
                transport.reset();
            }
            // What it has taken for the journal finds no journal entry any more.
            assert_intrudes("the last frame", || {
                let last = body.next().now_or_never().unwrap().unwrap();
                assert!(last.is_err());
                drop((last, body));
            });
        }
    });
}

#[test]
fn errors_of_handlers_are_dropped_outside() {
    watched(|| {
        let with_failure = || {
            let transport = MockTransport::builder().max_requests(1).build();
            transport
                .post("/")
                .once()
                .reply_with(|_: &Request| Err::<Reply, _>(Owned));
            transport.post("/").reply("x");
            drop(fetch(&transport).unwrap_err());
            arm(&transport);
            transport
        };
        let transport = with_failure();
        assert_intrudes("evicting", || fetch(&transport).unwrap());
        let transport = with_failure();
        assert_intrudes("clearing", || transport.clear());
        let transport = with_failure();
        assert_intrudes("disposing", || transport.dispose());
    });
}

#[test]
fn an_error_of_an_exchange_that_is_gone_is_dropped_outside() {
    watched(|| {
        let transport = armed();
        let inner = transport.clone();
        transport.post("/").reply_with(move |_: &Request| {
            inner.reset();
            Err::<Reply, _>(Owned)
        });
        assert_intrudes("failing", || drop(fetch(&transport).unwrap_err()));
    });
}

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

/// The request of a WebSocket handshake.
fn handshake() -> http::Request<()> {
    http::Request::get("wss://api.test/socket")
        .body(())
        .unwrap()
}

/// An armed transport with a rule for WebSockets, and the client's end of a connection.
fn armed_socket(
    accept: impl FnOnce(mockwire::When<Mode>) -> Endpoint,
) -> (MockTransport, Endpoint, Socket) {
    let transport = armed();
    let endpoint = accept(transport.websocket("wss://api.test/socket"));
    let connect = transport.connect(handshake()).now_or_never();
    (transport, endpoint, connect.unwrap().unwrap())
}

fn sending(socket: &mut Socket, message: impl Into<Message>) -> mockwire::Result<()> {
    let sent = socket.send(message.into()).now_or_never();
    sent.expect("there is room")
}

#[test]
fn what_is_sent_is_dropped_outside() {
    watched(|| {
        let quiet = |when: mockwire::When<Mode>| when.accept(SocketScript::new());
        let (transport, _endpoint, mut socket) = armed_socket(quiet);
        // A script that does not care for it drops it; the transcript has the last of it.
        sending(&mut socket, owned_bytes()).unwrap();
        assert_intrudes("the connection is gone, and its transcript", || {
            drop(socket);
            transport.clear();
        });
        let (transport, _endpoint, mut socket) = armed_socket(quiet);
        socket.close_with(1000, "").unwrap();
        assert_intrudes("the connection is closed", || {
            let closed = socket.send(owned_bytes().into()).now_or_never();
            closed.unwrap().unwrap_err();
        });
        let ping = Message::Ping(vec![0; 126].into());
        assert!(socket.send(ping).now_or_never().unwrap().is_err());
        transport.dispose();
        let gone = Pin::new(&mut socket).start_send(owned_bytes().into());
        assert_eq!(gone.unwrap_err().code(), "MOCKWIRE_DISPOSED");
    });
}

#[test]
fn what_waits_at_an_end_is_dropped_outside() {
    watched(|| {
        for how in ["leave", "reset", "dispose", "full journal"] {
            let builder = MockTransport::builder();
            let transport = match how {
                "full journal" => builder.max_requests(1).build(),
                _ => builder.build(),
            };
            arm(&transport);
            let url = "wss://api.test/socket";
            let endpoint = transport.websocket(url).accept_by_hand();
            let connect = transport.connect(handshake()).now_or_never();
            let mut client = connect.unwrap().unwrap();
            let server = endpoint.next().now_or_never().unwrap().unwrap();
            sending(&mut client, owned_bytes()).unwrap();
            assert_intrudes(how, || match how {
                "leave" => {
                    drop((server, client));
                    transport.clear();
                }
                "reset" => transport.reset(),
                "dispose" => transport.dispose(),
                _ => {
                    // Both the queue and the transcript have it.
                    sending(&mut client, "another").unwrap();
                    drop(server);
                }
            });
        }
    });
}

#[test]
fn who_waits_for_a_socket_is_woken_and_dropped_outside() {
    watched(|| {
        let by_hand = |when: mockwire::When<Mode>| when.accept_by_hand();
        let (transport, endpoint, mut client) = armed_socket(by_hand);
        let mut server = endpoint.next().now_or_never().unwrap().unwrap();
        assert!(poll(&mut server.next()).is_pending());
        assert_intrudes("the reader replaces its waker", || {
            assert!(poll(&mut server.next()).is_pending());
        });
        assert_intrudes("the reader is woken", || sending(&mut client, "a").unwrap());
        while client.feed(Message::text("x")).now_or_never().is_some() {}
        assert!(poll(&mut client.feed(Message::text("x"))).is_pending());
        assert_intrudes("the writer is woken", || {
            server.next().now_or_never().unwrap();
        });
        let mut next = endpoint.next();
        assert!(poll(&mut next).is_pending());
        assert_intrudes("who waits for a connection is woken", || {
            drop(transport.connect(handshake()).now_or_never());
        });
        let mut wait = endpoint.wait_for_message("this");
        assert!(poll(&mut wait).is_pending());
        assert_intrudes("who waits for a message is woken", || {
            server.next().now_or_never().unwrap();
            sending(&mut client, "that").unwrap();
        });
        assert!(poll(&mut wait).is_pending());
        assert_intrudes("the wait is given up", || drop(wait));
        drop(server.collect::<Vec<_>>().now_or_never());
        assert!(poll(&mut client.next()).is_ready());
        // Those that wait when the transport goes.
        let (transport, _endpoint, mut client) = armed_socket(by_hand);
        assert!(poll(&mut client.next()).is_pending());
        assert_intrudes("disposing", || transport.dispose());
        let transport = armed();
        transport
            .websocket("wss://api.test/socket")
            .accept(SocketScript::new().open_after(Duration::from_secs(1)));
        let mut connect = transport.connect(handshake());
        assert!(poll(&mut connect).is_pending());
        assert_intrudes("giving up", || drop(connect));
    });
}

#[test]
fn a_handler_of_sockets_may_use_the_transport() {
    watched(|| {
        let handler = |when: mockwire::When<Mode>| {
            let owned = Arc::new(Owned);
            when.accept_with(move |mut socket: ServerSocket| {
                intrude();
                let owned = owned.clone();
                async move {
                    intrude();
                    while let Some(Ok(message)) = socket.next().await {
                        intrude();
                        socket.send(message).await?;
                    }
                    drop(owned);
                    Ok::<_, Error>(())
                }
            })
        };
        let (transport, endpoint, mut socket) = armed_socket(handler);
        assert_intrudes("the handler runs", || sending(&mut socket, "a").unwrap());
        assert!(socket.next().now_or_never().is_some());
        endpoint.rule().remove().unwrap();
        assert_intrudes("the rule is gone, and so is the handler", || drop(socket));
        transport.dispose();
    });
}

#[test]
fn what_the_state_holds_is_made_cloned_and_dropped_outside() {
    /// Like [`Owned`], and calls into the transport when it is cloned, too.
    struct Cloned(#[allow(dead_code)] Owned);
    impl Clone for Cloned {
        fn clone(&self) -> Self {
            intrude();
            Self(Owned)
        }
    }
    watched(|| {
        let transport = armed();
        let state = transport.state();
        state.put(Cloned(Owned));
        assert_intrudes("clone", || state.typed::<Cloned>());
        assert_intrudes("replace", || state.put(Cloned(Owned)));
        assert_intrudes("change", || {
            state.update_typed(|_| {
                intrude();
                Cloned(Owned)
            })
        });
        assert_intrudes("update", || {
            state.update("turn", |_| {
                intrude();
                1
            })
        });
        state.set("owned", "{}");
        let read = || state.get_as::<Owned>("owned").map(drop);
        assert_intrudes("parse", read).unwrap();
        assert_intrudes("clear", || state.clear());
        state.put(Cloned(Owned));
        assert_intrudes("reset", || transport.reset());
        assert!(state.typed::<Cloned>().is_none());
    });
}

#[test]
fn what_a_cache_holds_is_fetched_cloned_weighed_and_dropped_outside() {
    use mockwire::state::{Cache, CacheLimits, Weight};

    /// Calls into the transport, and into the cache, whenever anything is done with it.
    #[derive(Debug)]
    struct Value(#[allow(dead_code)] Owned);
    impl Clone for Value {
        fn clone(&self) -> Self {
            intrude();
            Self(Owned)
        }
    }
    impl Weight for Value {
        fn weight(&self) -> usize {
            intrude();
            1
        }
    }
    watched(|| {
        let transport = armed();
        let limits = CacheLimits::new().entries(1).ttl(Duration::from_secs(1));
        let cache = Cache::<_, Value>::new(&transport, limits);
        let armed = INTRUSION.with_borrow(Clone::clone).unwrap();
        let used = cache.clone();
        INTRUSION.set(Some(Rc::new(move || {
            armed();
            let _ = (used.len(), used.stats());
            let _ = used.remove("intruded");
        })));
        let give = || async {
            intrude();
            Ok::<_, Error>(Value(Owned))
        };
        assert_intrudes("put", || cache.put("a", Value(Owned)));
        assert_intrudes("get", || cache.get("a"));
        assert_intrudes("evict", || cache.put("b", Value(Owned)));
        assert_intrudes("fetch", || {
            cache
                .get_or_fetch("c", give)
                .now_or_never()
                .unwrap()
                .unwrap()
        });
        transport.advance(Duration::from_secs(1));
        assert_intrudes("expire", || cache.len());
        cache.put("d", Value(Owned));
        assert_intrudes("remove", || cache.remove("d"));
        cache.put("e", Value(Owned));
        assert_intrudes("clear", || cache.clear());
        // Wakers: of one who waits and then does not, and of one who is woken.
        let never = futures::future::pending::<Result<Value, Error>>;
        let mut fetching = cache.get_or_fetch("f", never);
        let mut waiting = cache.get_or_fetch("f", give);
        let mut leaving = cache.get_or_fetch("f", give);
        assert!(poll(&mut fetching).is_pending());
        assert!(poll(&mut waiting).is_pending());
        assert_intrudes("wait again", || poll(&mut waiting).is_pending());
        assert!(poll(&mut leaving).is_pending());
        assert_intrudes("leave", || drop(leaving));
        assert_intrudes("crash", || drop(fetching));
        assert_intrudes("land", || poll(&mut waiting).is_ready());
    });
}

#[test]
fn who_waits_for_sessions_is_woken_and_what_they_hold_dropped_outside() {
    use mockwire::state::{SessionKey, SessionOptions, Sessions};
    watched(|| {
        let transport = armed();
        let sessions = Sessions::new(&transport, SessionOptions::new());
        let armed = INTRUSION.with_borrow(Clone::clone).unwrap();
        let used = sessions.clone();
        INTRUSION.set(Some(Rc::new(move || {
            armed();
            let _ = (used.list(), used.available(), used.get(&SessionKey::new()));
            let session = used.get_or_create(&SessionKey::new().thread("intruded"));
            let _ = session.map(|it| it.send("intruded").map(drop));
        })));
        let key = SessionKey::new();
        let session = sessions.create(key.clone()).unwrap();
        session.state().unwrap().put(Arc::new(Owned));

        let mut next = sessions.next_turn();
        assert!(poll(&mut next).is_pending());
        let mut receipt = assert_intrudes("send", || session.send("1")).unwrap();
        let dropped = session.send("2").unwrap();
        assert!(poll(&mut receipt).is_pending());
        assert_intrudes("wait again", || poll(&mut receipt).is_pending());
        let turn = sessions.next_turn().now_or_never().unwrap().unwrap();
        assert!(poll(&mut turn.interrupted()).is_pending());
        assert_intrudes("kill", || sessions.kill());
        let mut next = sessions.next_turn();
        assert!(poll(&mut next).is_pending());
        assert_intrudes("restart", || sessions.restart());
        drop(turn);
        let turn = sessions.next_turn().now_or_never().unwrap().unwrap();
        assert_intrudes("finish", || turn.finish()).unwrap();
        assert!(receipt.now_or_never().unwrap().is_ok());
        let mut waiting = dropped;
        assert!(poll(&mut waiting).is_pending());
        assert_intrudes("forget", || drop(waiting));
        let mut told = session.send("3").unwrap();
        assert!(poll(&mut told).is_pending());
        assert_intrudes("remove", || sessions.remove(&key));
        // What the state of a session holds.
        let session = sessions.create(key.clone()).unwrap();
        session.state().unwrap().put(Arc::new(Owned));
        assert_intrudes("drop the state", || sessions.remove(&key));
        let session = sessions.create(key.clone()).unwrap();
        session.state().unwrap().put(Arc::new(Owned));
        let removed = assert_intrudes("inactive", || sessions.remove_inactive(Duration::ZERO));
        assert!(removed.contains(&key));
    });
}

#[test]
fn what_identifies_connections_may_use_the_transport() {
    watched(|| {
        for whole in [true, false] {
            let transport = MockTransport::new();
            arm(&transport);
            let owned = Owned;
            let url = "wss://api.test/socket";
            let when = transport.websocket(url).identify(move |_: &Request| {
                let _ = &owned;
                intrude();
                let builder = ConnectionContext::builder().user("ada").thread("notes");
                if whole { builder.run("1") } else { builder }
            });
            let endpoint = when.accept(SocketScript::new());
            let connect = || transport.connect(handshake()).now_or_never();
            assert_intrudes("a connection is identified", || {
                assert_eq!(connect().unwrap().is_ok(), whole);
            });
            assert_intrudes("the rule is gone", || endpoint.rule().remove().unwrap());
            transport.dispose();
        }
    });
}

#[test]
fn who_is_queued_is_read_woken_and_dropped_outside() {
    watched(|| {
        let transport = MockTransport::builder()
            .max_concurrent(1)
            .max_waiting(100)
            .concurrency_key(|_: &Request| {
                intrude();
                "key".to_owned()
            })
            .priority_of(|_: &Request| {
                intrude();
                Priority::High
            })
            .build();
        arm(&transport);
        let hold = transport.post("/").hold();
        let mut first = transport.call(request(()));
        assert_intrudes("reading the key", || assert!(poll(&mut first).is_pending()));
        let mut second = transport.call(request(owned_bytes()));
        assert!(poll(&mut second).is_pending());
        assert_intrudes("replacing the waker", || {
            assert!(poll(&mut second).is_pending());
        });
        assert_intrudes("admitting the next one", || drop(first));
        assert!(poll(&mut second).is_pending());
        let mut third = transport.call(request(owned_bytes()));
        assert!(poll(&mut third).is_pending());
        assert_intrudes("dropping who waits", || drop(third));
        let mut last = transport.call(request(()));
        assert!(poll(&mut last).is_pending());
        assert_intrudes("disposing", || transport.dispose());
        assert!(poll(&mut last).is_ready());
        drop((hold, second));
    });
}

#[test]
fn the_items_and_workers_of_a_queue_are_dropped_and_woken_outside() {
    watched(|| {
        let transport = MockTransport::new();
        let queue = RequestQueue::new(&transport, 1).max_waiting(2);
        let used = queue.clone();
        let intrusion = move || assert!(used.status().peak <= 1);
        drop(INTRUSION.replace(Some(Rc::new(intrusion))));
        let mut worker = queue.next();
        assert!(poll(&mut worker).is_pending());
        let mut first = assert_intrudes("waking a worker", || {
            queue.push(Owned, Priority::Low).unwrap()
        });
        assert!(poll(&mut first).is_pending());
        assert_intrudes("replacing the waker of a ticket", || {
            assert!(poll(&mut first).is_pending());
        });
        let second = queue.push(Owned, Priority::Low).unwrap();
        assert_intrudes("refusing an item", || {
            drop(queue.push(Owned, Priority::Low).unwrap_err());
        });
        assert_intrudes("cancelling an item", || drop(first.cancel()));
        assert!(poll(&mut first).is_ready());
        let (item, running) = queue.next().now_or_never().flatten().unwrap();
        let mut second = second;
        assert!(poll(&mut second).is_pending());
        assert_intrudes("finishing an item", || running.done());
        drop(item);
        let mut third = queue.push(Owned, Priority::Low).unwrap();
        assert!(poll(&mut third).is_pending());
        assert_intrudes("stopping", || queue.stop(Stop::Cancel));
        // The intrusion holds the queue, and the queue its items.
        drop(INTRUSION.take());
    });
}

#[test]
fn what_a_rate_limit_reads_it_reads_outside() {
    watched(|| {
        let limit = || {
            mockwire::RateLimit::fixed_window(1, Duration::from_secs(1))
                .tokens(|_: &Request| {
                    intrude();
                    1
                })
                .per_key(|request: &Request| {
                    intrude();
                    request.path().to_owned()
                })
        };
        let transport = MockTransport::builder().rate_limit(limit()).build();
        arm(&transport);
        transport.post("/").rate_limit(limit()).reply("x");
        assert_intrudes("answering", || fetch(&transport).unwrap());
        assert_intrudes("refusing", || fetch(&transport).unwrap());
    });
}

#[test]
fn what_is_kept_of_an_answer_is_dropped_outside() {
    use mockwire::providers::anthropic;

    const URL: &str = "https://api.test/v1/messages";

    /// The body of a request: asks the same rule when it is dropped.
    struct Asked(#[allow(dead_code)] Owned);
    impl AsRef<[u8]> for Asked {
        fn as_ref(&self) -> &[u8] {
            br#"{"model": "owned", "messages": []}"#
        }
    }
    watched(|| {
        let transport = MockTransport::new();
        anthropic::messages(&transport).reply("Hello");
        let ask = {
            let transport = transport.clone();
            move |body: Bytes| {
                let request = http::Request::post(URL).body(body).unwrap();
                transport.call(request).now_or_never().unwrap().unwrap();
            }
        };
        let again = ask.clone();
        let intrusion = move || again(r#"{"model": "intruded"}"#.into());
        drop(INTRUSION.replace(Some(Rc::new(intrusion))));
        ask(Bytes::from_owner(Asked(Owned)));
        transport.clear();
        // Now only what is kept of the answer has the body, until enough others have come.
        assert_intrudes("the request is let go", || {
            for number in 0..16 {
                ask(format!(r#"{{"model": "{number}"}}"#).into());
            }
        });
    });
}
