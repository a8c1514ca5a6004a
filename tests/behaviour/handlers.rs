//! Replies that a closure makes.

use std::error::Error as _;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures::channel::oneshot;
use mockwire::{ErrorKind, Fault, Outcome, Reply, Request};

use super::support::{failure, fetch, get, is_matched, post, send};
use super::{MockTransport, test};

/// A user's error, to be found again as the source.
#[derive(Debug, PartialEq)]
struct Teapot;

impl std::fmt::Display for Teapot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("I am a teapot")
    }
}

impl std::error::Error for Teapot {}

#[test]
fn a_handler_makes_the_reply_of_the_request() {
    let transport = MockTransport::new();
    transport
        .post("/users/{id}")
        .reply_with(|request: &Request| {
            let name = request.json_value()?["name"].clone();
            let id = request.param("id").unwrap_or_default();
            Ok::<_, mockwire::Error>(Reply::text(format!("{id} is {name}")).with_status(201))
        });
    let response = send(&transport, post("/users/7", r#"{"name": "Ada"}"#)).unwrap();
    assert_eq!(response.status(), 201);
    let text = transport.block_on(response.into_body().text());
    assert_eq!(text.unwrap(), r#"7 is "Ada""#);
}

#[test]
fn an_asynchronous_handler_may_wait() {
    let (sender, receiver) = oneshot::channel::<&'static str>();
    let receiver = Mutex::new(Some(receiver));
    let transport = MockTransport::new();
    transport.get("/").reply_async(move |_: Request| {
        let receiver = receiver.lock().unwrap().take();
        async move { receiver.unwrap().await }
    });
    let call = transport.call(get("/"));
    let (response, sent) = transport.block_on(async {
        futures::join!(call, async {
            // The call is polled first: by now it waits for the channel.
            assert_eq!(transport.in_flight(), 1);
            sender.send("at last")
        })
    });
    sent.unwrap();
    let text = transport.block_on(response.unwrap().into_body().text());
    assert_eq!(text.unwrap(), "at last");
}

#[test]
fn an_error_of_a_handler_reaches_the_caller_with_its_source() {
    let transport = MockTransport::new();
    transport
        .get("/now")
        .reply_with(|_: &Request| Err::<Reply, _>(Teapot));
    transport
        .get("/later")
        .reply_async(|_: Request| async { Err::<Reply, _>(Teapot) });
    for path in ["/now", "/later"] {
        let error = failure(&transport, get(path));
        assert_eq!(error.code(), "MOCKWIRE_HANDLER_FAILED");
        let ErrorKind::HandlerFailed { rule } = error.kind() else {
            panic!("{error:?}");
        };
        assert!(rule.contains("handlers.rs:"), "{rule}");
        let source = error.source().expect("a source");
        assert_eq!(source.downcast_ref::<Teapot>(), Some(&Teapot));
        assert!(format!("{error:?}").contains("caused by: I am a teapot"));
        let captured = transport.last_request().unwrap();
        assert_eq!(captured.outcome, Outcome::Failed(error));
        assert!(captured.rule.is_some() && captured.response.is_none());
    }
    // Never swallowed into "no match": every request was matched.
    transport.verify();
}

#[test]
fn a_malformed_reply_of_a_handler_is_the_callers_error() {
    let transport = MockTransport::new();
    transport
        .get("/status")
        .reply_with(|_: &Request| Reply::status(42));
    transport
        .get("/body")
        .reply_with(|_: &Request| Reply::text("no").with_status(204));
    transport
        .get("/header")
        .reply_async(|_: Request| async { Reply::status(200).header("x", "a\nb") });
    for (path, code) in [
        ("/status", "MOCKWIRE_INVALID_STATUS"),
        ("/body", "MOCKWIRE_BODY_NOT_ALLOWED"),
        ("/header", "MOCKWIRE_INVALID_HEADER_VALUE"),
    ] {
        assert_eq!(failure(&transport, get(path)).code(), code);
    }
    assert_eq!(transport.in_flight(), 0);
}

#[cfg(not(target_arch = "wasm32"))]
#[test]
fn a_panicking_handler_is_an_error_and_the_transport_goes_on() {
    let transport = MockTransport::new();
    transport
        .get("/now")
        .reply_with(|request: &Request| -> Reply { panic!("at {}", request.path()) });
    transport
        .get("/closure")
        .reply_async(|request: Request| -> std::future::Ready<Reply> {
            panic!("at {}", request.path())
        });
    transport
        .get("/later")
        .reply_async(|request: Request| async move {
            let path = request.path();
            if path == "/later" {
                panic!("at {path}");
            }
            Reply::status(200)
        });
    transport
        .get("/predicate")
        .matching(|request: &Request| panic!("at {}", request.path()))
        .reply("never");
    for path in ["/now", "/closure", "/later", "/predicate"] {
        let error = failure(&transport, get(path));
        let ErrorKind::HandlerPanicked { rule, message } = error.kind() else {
            panic!("{error:?}");
        };
        assert_eq!(*message, format!("at {path}"));
        assert!(rule.contains("handlers.rs:"), "{rule}");
    }
    transport.get("/fine").reply("fine");
    assert_eq!(fetch(&transport, get("/fine")).unwrap(), "fine");
    assert_eq!(transport.in_flight(), 0);
    transport.assert_no_unmatched();
}

#[test]
fn a_handler_may_call_its_own_transport() {
    let transport = MockTransport::new();
    let inner = transport.clone();
    transport.get("/outer").reply_with(move |_: &Request| {
        // Everything that a test may do, a handler may.
        inner.get("/added").reply("added");
        let added = fetch(&inner, get("/added"))?;
        let count = inner.requests().len();
        inner.set_scenario("s", "moved");
        inner.advance(std::time::Duration::from_secs(1));
        Ok::<_, mockwire::Error>(format!("{added} after {count}"))
    });
    assert_eq!(fetch(&transport, get("/outer")).unwrap(), "added after 2");
    assert_eq!(transport.scenario("s"), "moved");
    assert_eq!(transport.now(), std::time::Duration::from_secs(1));
    transport.reset(); // the handler refers to its transport: ends the cycle
}

#[test]
fn an_asynchronous_handler_may_call_its_own_transport() {
    let transport = MockTransport::new();
    transport.get("/inner").reply("inner");
    let inner = transport.clone();
    transport.get("/outer").reply_async(move |_: Request| {
        let call = inner.call(get("/inner"));
        async move { call.await?.into_body().text().await }
    });
    assert_eq!(fetch(&transport, get("/outer")).unwrap(), "inner");
    // The inner request arrived while the outer one was going on.
    let paths: Vec<_> = transport
        .requests()
        .iter()
        .map(|captured| captured.request.path().to_owned())
        .collect();
    assert_eq!(paths, ["/outer", "/inner"]);
    transport.reset();
}

#[test]
fn a_handler_that_calls_itself_recurses() {
    let transport = MockTransport::new();
    let inner = transport.clone();
    transport
        .get("/down/{n}")
        .reply_with(move |request: &Request| {
            let n: u32 = request.param("n").unwrap().parse().unwrap();
            match n {
                0 => Ok("bottom".to_owned()),
                n => fetch(&inner, get(&format!("/down/{}", n - 1))),
            }
        });
    assert_eq!(fetch(&transport, get("/down/20")).unwrap(), "bottom");
    assert_eq!(transport.requests().len(), 21);
    transport.reset();
}

#[test]
fn a_handler_may_remove_its_own_rule() {
    let transport = MockTransport::new();
    let inner = transport.clone();
    transport.get("/").reply_with(move |_: &Request| {
        let mine = inner.last_request().unwrap().rule.unwrap();
        inner.rule(mine).unwrap().remove().unwrap();
        "once"
    });
    assert_eq!(fetch(&transport, get("/")).unwrap(), "once");
    assert!(!is_matched(&transport, get("/")));
}

#[test]
fn a_predicate_may_use_its_transport() {
    let transport = MockTransport::new();
    let inner = transport.clone();
    transport
        .get("/")
        .matching(move |_: &Request| inner.requests().len() == 2)
        .reply("the second");
    assert!(!is_matched(&transport, get("/")));
    assert!(is_matched(&transport, get("/")));
    transport.reset();
}

#[test]
fn dropping_the_call_drops_the_handlers_future() {
    struct Guard(Arc<AtomicBool>);
    impl Drop for Guard {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let dropped = Arc::new(AtomicBool::new(false));
    let flag = dropped.clone();
    let transport = MockTransport::new();
    transport.get("/").reply_async(move |_: Request| {
        let guard = Guard(flag.clone());
        async move {
            let _guard = guard;
            std::future::pending::<Reply>().await
        }
    });
    let mut call = transport.call(get("/"));
    let polled = transport.block_on(async { futures::poll!(&mut call) });
    assert!(polled.is_pending());
    assert!(!dropped.load(Ordering::Relaxed));
    assert_eq!(transport.in_flight(), 1);
    drop(call);
    assert!(dropped.load(Ordering::Relaxed));
    assert_eq!(transport.in_flight(), 0);
    assert_eq!(
        transport.last_request().unwrap().outcome,
        Outcome::Cancelled
    );
}

#[test]
fn a_handler_runs_when_the_request_arrives_and_once() {
    let runs = Arc::new(AtomicUsize::new(0));
    let counter = runs.clone();
    let transport = MockTransport::new();
    transport.get("/").reply_with(move |_: &Request| {
        counter.fetch_add(1, Ordering::Relaxed);
        Reply::stream(["a", "b", "c"])
    });
    let call = transport.call(get("/"));
    assert_eq!(runs.load(Ordering::Relaxed), 0);
    let response = transport.block_on(call).unwrap();
    assert_eq!(runs.load(Ordering::Relaxed), 1);
    let text = transport.block_on(response.into_body().text());
    assert_eq!(text.unwrap(), "abc");
    assert_eq!(runs.load(Ordering::Relaxed), 1);
}

#[test]
fn a_handler_sees_the_whole_body_whatever_the_journal_keeps() {
    let transport = MockTransport::builder().max_body_bytes(4).build();
    transport
        .post("/")
        .body_contains("tail")
        .reply_with(|request: &Request| {
            assert!(!request.is_truncated());
            request.body().len().to_string()
        });
    assert_eq!(fetch(&transport, post("/", "head and tail")).unwrap(), "13");
    assert!(transport.last_request().unwrap().request.is_truncated());
}

#[test]
fn a_fault_that_a_handler_returns_is_what_the_client_sees() {
    let transport = MockTransport::new();
    transport
        .get("/")
        .reply_with(|_: &Request| Err::<Reply, _>(Fault::ConnectionReset));
    let error = failure(&transport, get("/"));
    assert_eq!(error.fault(), Some(Fault::ConnectionReset));
}
