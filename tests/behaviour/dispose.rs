//! The end of a transport, and a new beginning.

use std::sync::{Arc, Mutex};

use futures::{FutureExt, StreamExt};
use mockwire::state::{Cache, CacheLimits, SessionKey, SessionOptions, Sessions};
use mockwire::{Completion, ErrorKind, Priority, Reply, Request, RequestQueue, Stop};

use super::support::{failure, fetch, get, is_matched, send};
use super::{MockTransport, Mode, test};

#[test]
fn a_disposed_transport_answers_nothing_on_any_handle() {
    let transport = MockTransport::new();
    transport.get("/").reply("ok");
    let other = transport.clone();
    assert!(!other.is_disposed());
    transport.dispose();
    assert!(transport.is_disposed() && other.is_disposed());
    for handle in [&transport, &other] {
        assert_eq!(failure(handle, get("/")).kind(), &ErrorKind::Disposed);
    }
}

#[test]
fn disposing_twice_is_fine() {
    let transport = MockTransport::new();
    transport.dispose();
    transport.dispose();
    assert!(transport.is_disposed());
    assert_eq!(transport.in_flight(), 0);
    transport.clear();
    transport.reset();
    // It does not come back to life.
    assert_eq!(failure(&transport, get("/")).code(), "MOCKWIRE_DISPOSED");
}

#[test]
fn a_disposed_transport_takes_no_rules() {
    let transport = MockTransport::new();
    let when = transport.get("/");
    transport.dispose();
    assert_eq!(
        when.try_reply("x").unwrap_err().kind(),
        &ErrorKind::Disposed
    );
}

#[test]
fn what_is_left_can_be_asked_without_a_trap() {
    let transport = MockTransport::new();
    let rule = transport.get("/").once().reply("ok");
    let hold = transport.get("/held").hold();
    let scope = transport.scope();
    assert!(is_matched(&transport, get("/")));
    transport.dispose();
    assert_eq!(rule.calls(), 0);
    assert!(rule.remove().is_err());
    assert!(rule.requests().is_empty());
    assert!(transport.requests().is_empty());
    assert!(transport.last_request().is_none());
    assert_eq!(transport.dropped_requests(), 0);
    assert_eq!(transport.scenario("s"), "started");
    assert!(hold.next().now_or_never().unwrap().is_err());
    transport.advance(std::time::Duration::from_secs(1));
    scope.close().unwrap();
    let _ = format!("{transport:?} {rule:?} {hold:?}");
}

#[test]
fn held_calls_fail_when_the_transport_is_disposed() {
    let transport = MockTransport::new();
    let hold = transport.get("/").hold();
    let mut taken_call = transport.call(get("/"));
    let mut waiting_call = transport.call(get("/"));
    transport.block_on(async {
        assert!(futures::poll!(&mut taken_call).is_pending());
        let taken = hold.next().await.unwrap();
        assert!(futures::poll!(&mut waiting_call).is_pending());
        transport.dispose();
        for call in [taken_call, waiting_call] {
            assert_eq!(call.await.unwrap_err().kind(), &ErrorKind::Disposed);
        }
        assert_eq!(taken.reply("x").unwrap_err().kind(), &ErrorKind::Disposed);
    });
}

#[test]
fn disposing_wakes_who_waits() {
    // `join` polls the waiters first: only a wake lets `block_on` come back to them.
    let transport = MockTransport::new();
    let hold = transport.get("/").hold();
    let _other = transport.get("/never").hold();
    let dispose = async { transport.dispose() };
    let (call, next, wait, ()) = transport.block_on(async {
        futures::join!(
            transport.call(get("/never")),
            hold.next(),
            transport.wait_for_requests(2),
            dispose
        )
    });
    assert_eq!(call.unwrap_err().kind(), &ErrorKind::Disposed);
    assert_eq!(next.unwrap_err().kind(), &ErrorKind::Disposed);
    assert_eq!(wait.unwrap_err().kind(), &ErrorKind::Disposed);
}

#[test]
fn a_body_ends_with_an_error_when_the_transport_is_disposed() {
    let transport = MockTransport::new();
    transport.get("/").reply(Reply::stream(["a", "b", "c"]));
    let mut body = send(&transport, get("/")).unwrap().into_body();
    let results: Vec<_> = MockTransport::new().block_on(async {
        assert_eq!(body.next().await.unwrap().unwrap(), "a");
        transport.dispose();
        body.collect().await
    });
    let last: &Result<_, mockwire::Error> = results.last().unwrap();
    assert_eq!(last.as_ref().unwrap_err().kind(), &ErrorKind::Disposed);
    // One error, and then the end.
    assert_eq!(results.iter().filter(|it| it.is_err()).count(), 1);
}

#[test]
fn a_handler_may_dispose_of_its_own_transport() {
    let transport = MockTransport::new();
    let inner = transport.clone();
    transport.get("/").reply_with(move |_: &Request| {
        inner.dispose();
        "said before the end"
    });
    assert_eq!(failure(&transport, get("/")).kind(), &ErrorKind::Disposed);
    assert!(transport.is_disposed());
}

#[test]
fn an_asynchronous_handler_may_dispose_of_its_own_transport() {
    let transport = MockTransport::new();
    let inner = transport.clone();
    transport.get("/").reply_async(move |_: Request| {
        let inner = inner.clone();
        async move {
            inner.dispose();
            "said before the end"
        }
    });
    assert_eq!(failure(&transport, get("/")).kind(), &ErrorKind::Disposed);
}

#[test]
fn a_predicate_may_dispose_of_its_own_transport() {
    let transport = MockTransport::new();
    let inner = transport.clone();
    transport
        .get("/")
        .matching(move |_: &Request| {
            inner.dispose();
            true
        })
        .reply("x");
    let error = failure(&transport, get("/"));
    assert!(transport.is_disposed());
    // Its rule has gone meanwhile: that is either an end or no match, and no trap.
    assert!(
        error.is_unmatched() || error.kind() == &ErrorKind::Disposed,
        "{error}"
    );
}

#[test]
fn a_reset_makes_the_transport_as_new() {
    let transport = MockTransport::new();
    transport.get("/").once().reply("old");
    transport.set_scenario("s", "moved");
    assert!(is_matched(&transport, get("/")));
    assert!(!is_matched(&transport, get("/")));
    transport.reset();
    assert!(transport.requests().is_empty());
    assert_eq!(transport.scenario("s"), "started");
    assert_eq!(transport.in_flight(), 0);
    transport.verify();
    transport.get("/").once().reply("new");
    assert_eq!(fetch(&transport, get("/")).unwrap(), "new");
    transport.verify();
}

#[test]
fn what_was_going_on_is_stale_after_a_reset() {
    let transport = MockTransport::new();
    let hold = transport.get("/held").hold();
    transport.get("/").reply(Reply::stream(["a", "b"]));
    let mut call = transport.call(get("/held"));
    let mut body = send(&transport, get("/")).unwrap().into_body();
    assert!((&mut call).now_or_never().is_none());
    transport.reset();
    transport.get("/").reply("new");
    transport.block_on(async {
        assert_eq!(call.await.unwrap_err().code(), "MOCKWIRE_STALE_HANDLE");
        assert_eq!(
            hold.next().await.unwrap_err().code(),
            "MOCKWIRE_STALE_HANDLE"
        );
        let mut last = None;
        while let Some(frame) = body.next().await {
            last = Some(frame);
        }
        let error = last.unwrap().unwrap_err();
        assert_eq!(error.code(), "MOCKWIRE_STALE_HANDLE");
    });
    // Nothing of the old ones is noted among the new.
    assert!(transport.requests().is_empty());
    assert_eq!(fetch(&transport, get("/")).unwrap(), "new");
    assert_eq!(transport.last_request().unwrap().sequence, 1);
}

#[test]
fn an_old_exchange_cannot_finish_a_new_one() {
    // The old body is dropped when a new exchange has its place in the table.
    let transport = MockTransport::new();
    transport.get("/").reply(Reply::stream(["a", "b"]));
    let old = send(&transport, get("/")).unwrap();
    transport.reset();
    transport.get("/").reply(Reply::stream(["a", "b"]));
    let new = send(&transport, get("/")).unwrap();
    drop(old);
    assert_eq!(transport.in_flight(), 1);
    let captured = transport.last_request().unwrap();
    assert_eq!(captured.outcome, mockwire::Outcome::Pending);
    assert_eq!(transport.block_on(new.into_body().text()).unwrap(), "ab");
}

#[test]
fn disposing_drops_what_handlers_captured() {
    let captured = Arc::new(Mutex::new(()));
    let transport = MockTransport::new();
    let held = captured.clone();
    let inner = transport.clone();
    transport.get("/").reply_with(move |_: &Request| {
        // Refers to its own transport: only disposing breaks the cycle.
        let _ = (&held, &inner);
        "x"
    });
    assert_eq!(Arc::strong_count(&captured), 2);
    transport.dispose();
    assert_eq!(Arc::strong_count(&captured), 1);
}

#[test]
fn whoever_waits_for_a_session_is_told_of_the_end() {
    let transport = MockTransport::new();
    let sessions: Sessions<Mode> = Sessions::new(&transport, SessionOptions::new());
    let session = sessions.create(SessionKey::new()).unwrap();
    let begun = session.send("begun").unwrap();
    let turn = transport.block_on(sessions.next_turn()).unwrap();
    let waiting = session.send("waiting").unwrap();
    let reserved = sessions.reserve().unwrap();
    // `join` polls the waiters first: only a wake lets `block_on` come back to them.
    let dispose = async { transport.dispose() };
    let (begun, waiting, next, (), ()) = transport.block_on(async {
        futures::join!(
            begun,
            waiting,
            sessions.next_turn(),
            turn.interrupted(),
            dispose
        )
    });
    let ends = [begun.map(drop), waiting.map(drop), next.map(drop)];
    let late = [
        turn.push("late"),
        turn.finish(),
        session.send("late").map(drop),
        sessions.create(SessionKey::new().user("ada")).map(drop),
        sessions.get_or_create(&SessionKey::new()).map(drop),
        sessions.reserve().map(drop),
        reserved.create(SessionKey::new().user("bob")).map(drop),
    ];
    for end in ends.into_iter().chain(late) {
        assert_eq!(end.unwrap_err().kind(), &ErrorKind::Disposed);
    }
    // What there was can still be read.
    assert_eq!(sessions.list().len(), 1);
    assert_eq!(sessions.available(), usize::MAX - 1);
    assert_eq!(session.state().unwrap().request_count(), 2);
}

#[test]
fn an_answer_that_was_given_before_the_end_is_kept() {
    let transport = MockTransport::new();
    let sessions: Sessions<Mode> = Sessions::new(&transport, SessionOptions::new());
    let receipt = sessions.create(SessionKey::new()).unwrap().send("hi");
    let turn = transport.block_on(sessions.next_turn()).unwrap();
    turn.push("hello").unwrap();
    turn.finish().unwrap();
    transport.dispose();
    let answer = receipt.unwrap().now_or_never().unwrap();
    assert_eq!(answer.unwrap().text(), "hello");
}

#[test]
fn a_queue_ends_with_its_transport() {
    let transport = MockTransport::new();
    let queue: RequestQueue<&str, Mode> = RequestQueue::new(&transport, 1);
    let taken = queue.push("taken", Priority::Normal).unwrap();
    let (_, running) = queue.next().now_or_never().unwrap().unwrap();
    let waiting = queue.push("waiting", Priority::Normal).unwrap();
    let dispose = async { transport.dispose() };
    let (waiting, next, ()) =
        transport.block_on(async { futures::join!(waiting, queue.next(), dispose) });
    assert_eq!(waiting, Completion::Cancelled);
    assert!(next.is_none());
    assert_eq!(queue.status().stopped, Some(Stop::Cancel));
    let late = queue.push("late", Priority::Normal).unwrap_err();
    assert_eq!(late.kind(), &ErrorKind::Disposed);
    // What a worker has taken, it may finish.
    running.done();
    assert_eq!(taken.now_or_never(), Some(Completion::Done));
}

#[test]
fn who_gives_up_waiting_is_forgotten() {
    let transport = MockTransport::new();
    let sessions: Sessions<Mode> = Sessions::new(&transport, SessionOptions::new());
    let queue: RequestQueue<&str, Mode> = RequestQueue::new(&transport, 1);
    let woken = Arc::new(Woken::default());
    let waker = std::task::Waker::from(woken.clone());
    let mut context = std::task::Context::from_waker(&waker);
    for _ in 0..2 {
        assert!(sessions.next_turn().poll_unpin(&mut context).is_pending());
        assert!(queue.next().poll_unpin(&mut context).is_pending());
    }
    transport.dispose();
    assert_eq!(woken.0.load(std::sync::atomic::Ordering::Relaxed), 0);
    assert!(sessions.next_turn().now_or_never().unwrap().is_err());
}

#[derive(Default)]
struct Woken(std::sync::atomic::AtomicUsize);

impl std::task::Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
}

#[test]
fn what_handlers_remember_with_goes_with_the_transport() {
    // Each refers to its own transport, and is captured by a rule of it: a cycle, until then.
    for end in [MockTransport::dispose, MockTransport::reset] {
        let captured = Arc::new(String::from("fixture"));
        let transport = MockTransport::new();
        let cache: Cache<Mode, Arc<String>> = Cache::new(&transport, CacheLimits::new());
        let sessions: Sessions<Mode> = Sessions::new(&transport, SessionOptions::new());
        let queue: RequestQueue<Arc<String>, Mode> = RequestQueue::new(&transport, 1);
        cache.put("fixture", captured.clone());
        drop(queue.push(captured.clone(), Priority::Normal).unwrap());
        transport.get("/").reply_with(move |_: &Request| {
            let _ = (&sessions, &queue);
            cache.get("fixture").unwrap().to_string()
        });
        assert_eq!(fetch(&transport, get("/")).unwrap(), "fixture");
        assert_eq!(Arc::strong_count(&captured), 3);
        end(&transport);
        assert_eq!(Arc::strong_count(&captured), 1);
    }
}

#[test]
fn a_handler_that_resets_its_transport_gives_no_response() {
    for is_disposed in [false, true] {
        let transport = MockTransport::new();
        let inner = transport.clone();
        transport.get("/").reply_with(move |_: &Request| {
            if is_disposed {
                inner.dispose();
            } else {
                inner.reset();
            }
            "said before the end"
        });
        let error = send(&transport, get("/")).unwrap_err();
        let expected = if is_disposed {
            "MOCKWIRE_DISPOSED"
        } else {
            "MOCKWIRE_STALE_HANDLE"
        };
        assert_eq!(error.code(), expected);
        assert_eq!(transport.in_flight(), 0);
    }
}

#[test]
fn who_reads_a_stream_that_gives_nothing_is_told_of_the_end() {
    let transport = MockTransport::new();
    transport
        .get("/")
        .reply_stream(Reply::status(200), |_: &Request| {
            futures::stream::pending::<mockwire::Result<&str>>()
        });
    let body = send(&transport, get("/")).unwrap().into_body();
    let stalled = transport
        .try_block_on(futures::future::pending::<()>())
        .unwrap_err();
    assert!(
        !stalled.to_string().contains("has given nothing"),
        "nobody has asked: {stalled}"
    );
    let read = async {
        let mut body = body;
        body.next().await.unwrap()
    };
    let end = async { transport.dispose() };
    let (read, ()) = transport.block_on(futures::future::join(read, end));
    assert_eq!(read.unwrap_err().kind(), &ErrorKind::Disposed);
}

#[test]
fn a_stream_that_never_ends_ends_with_the_transport() {
    let transport = MockTransport::new();
    transport
        .get("/")
        .reply_stream(Reply::status(200), |_: &Request| {
            futures::stream::repeat("tick ").map(Ok::<_, mockwire::Error>)
        });
    let mut body = send(&transport, get("/")).unwrap().into_body();
    transport.block_on(async {
        assert_eq!(body.next().await.unwrap().unwrap(), "tick ");
        transport.reset();
        assert_eq!(
            body.next().await.unwrap().unwrap_err().code(),
            "MOCKWIRE_STALE_HANDLE"
        );
        assert!(body.next().await.is_none());
    });
}
