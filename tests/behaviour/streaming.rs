//! Bodies that come in frames.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::StreamExt;
use http_body::Body as _;
use mockwire::{Fault, Outcome, Reply};

use super::support::{fetch, get, send};
use super::{MockTransport, test};

fn streaming(chunks: &[&'static str]) -> MockTransport {
    let transport = MockTransport::new();
    transport
        .get("/")
        .reply(Reply::stream(chunks.iter().copied()));
    transport
}

#[test]
fn each_chunk_is_a_frame_of_its_own() {
    let transport = streaming(&["one ", "two ", "three"]);
    let mut body = send(&transport, get("/")).unwrap().into_body();
    transport.block_on(async {
        for expected in ["one ", "two ", "three"] {
            assert_eq!(body.next().await.unwrap().unwrap(), expected);
        }
        assert!(body.next().await.is_none());
        // The end stays the end.
        assert!(body.next().await.is_none());
    });
}

#[test]
fn empty_chunks_are_no_frames() {
    let transport = streaming(&["", "a", "", "b", ""]);
    let frames: Vec<_> =
        transport.block_on(send(&transport, get("/")).unwrap().into_body().collect());
    let frames: Vec<_> = frames.into_iter().map(Result::unwrap).collect();
    assert_eq!(frames, ["a", "b"]);
}

#[test]
fn a_stream_of_nothing_is_an_empty_body() {
    let transport = streaming(&[]);
    assert_eq!(fetch(&transport, get("/")).unwrap(), "");
    assert_eq!(transport.last_request().unwrap().outcome, Outcome::Done);
}

#[test]
fn the_exchange_is_over_with_the_last_frame() {
    let transport = streaming(&["a", "b"]);
    let mut body = send(&transport, get("/")).unwrap().into_body();
    transport.block_on(async {
        assert_eq!(transport.in_flight(), 1);
        body.next().await.unwrap().unwrap();
        assert_eq!(transport.last_request().unwrap().outcome, Outcome::Pending);
        body.next().await.unwrap().unwrap();
    });
    // Many clients stop asking when they have what they need: that is no cancellation.
    assert_eq!(transport.in_flight(), 0);
    drop(body);
    let captured = transport.last_request().unwrap();
    assert_eq!((captured.outcome, captured.delivered), (Outcome::Done, 2));
}

#[test]
fn a_dropped_body_frees_the_exchange_and_is_noted_with_what_was_delivered() {
    let transport = streaming(&["four", "more", "never"]);
    let mut body = send(&transport, get("/")).unwrap().into_body();
    transport.block_on(async {
        body.next().await.unwrap().unwrap();
        body.next().await.unwrap().unwrap();
    });
    drop(body);
    assert_eq!(transport.in_flight(), 0);
    let captured = transport.last_request().unwrap();
    assert_eq!(captured.outcome, Outcome::Cancelled);
    assert_eq!(captured.delivered, 8);
}

#[test]
fn a_response_that_nobody_reads_is_cancelled() {
    let transport = streaming(&["a"]);
    transport.get("/full").reply("full");
    for path in ["/", "/full"] {
        drop(send(&transport, get(path)).unwrap());
        let captured = transport.last_request().unwrap();
        assert_eq!(
            (captured.outcome, captured.delivered),
            (Outcome::Cancelled, 0)
        );
    }
}

#[test]
fn a_stream_of_a_handlers_own_is_asked_only_when_the_client_asks() {
    let transport = MockTransport::new();
    let made = Arc::new(AtomicUsize::new(0));
    let (counting, clock) = (made.clone(), transport.clone());
    let head = Reply::status(200).header("content-type", "text/plain");
    transport.get("/{n}").reply_stream(head, move |request| {
        let (counting, clock) = (counting.clone(), clock.clone());
        let name = request.param("n").unwrap_or_default().to_owned();
        futures::stream::iter(1..).then(move |n| {
            let (counting, clock, name) = (counting.clone(), clock.clone(), name.clone());
            async move {
                clock.sleep(Duration::from_millis(10)).await?;
                counting.fetch_add(1, Ordering::Relaxed);
                Ok::<_, mockwire::Error>(format!("{name}{n} "))
            }
        })
    });
    let mut body = send(&transport, get("/x")).unwrap().into_body();
    for expected in ["x1 ", "x2 "] {
        let frame = transport.block_on(body.next());
        assert_eq!(frame.unwrap().unwrap(), expected);
    }
    assert_eq!(made.load(Ordering::Relaxed), 2);
    assert_eq!(transport.now(), Duration::from_millis(20));
    drop(body);
    assert_eq!(transport.last_request().unwrap().delivered, 6);
}

#[test]
fn what_a_handlers_stream_fails_with_ends_the_body() {
    let transport = MockTransport::new();
    transport
        .get("/fault")
        .reply_stream(Reply::status(200), |_| {
            futures::stream::iter([Ok("a"), Err(Fault::ConnectionReset)])
        });
    transport.get("/own").reply_stream(Reply::status(200), |_| {
        futures::stream::iter([Ok("a"), Err("out of words")])
    });
    let fault = fetch(&transport, get("/fault")).unwrap_err();
    assert_eq!(fault.fault(), Some(Fault::ConnectionReset));
    let own = fetch(&transport, get("/own")).unwrap_err();
    assert_eq!(own.code(), "MOCKWIRE_HANDLER_FAILED");
    assert!(format!("{own:?}").contains("out of words"), "{own:?}");
    assert_eq!(transport.in_flight(), 0);
}

#[test]
fn a_character_may_be_cut_in_two() {
    let bytes = "é€😀".as_bytes();
    let transport = MockTransport::new();
    transport
        .get("/")
        .reply(Reply::stream(bytes.iter().map(|byte| vec![*byte])));
    let frames: Vec<_> =
        transport.block_on(send(&transport, get("/")).unwrap().into_body().collect());
    assert_eq!(frames.len(), bytes.len());
    assert_eq!(fetch(&transport, get("/")).unwrap(), "é€😀");
}

#[test]
fn what_is_not_utf8_is_no_text_but_bytes() {
    let transport = MockTransport::new();
    transport.get("/").reply(Reply::bytes(&b"ab\xff"[..]));
    let error = fetch(&transport, get("/")).unwrap_err();
    assert_eq!(error.code(), "MOCKWIRE_INVALID_BODY");
    let body = send(&transport, get("/")).unwrap().into_body();
    assert_eq!(transport.block_on(body.bytes()).unwrap(), &b"ab\xff"[..]);
}

#[test]
fn a_body_is_parsed_as_json_or_says_why_not() {
    #[derive(serde::Deserialize, Debug, PartialEq)]
    struct Message {
        id: u32,
    }
    let transport = MockTransport::new();
    transport
        .get("/")
        .reply(Reply::stream([r#"{"id""#, ": 7}"]));
    transport.get("/bad").reply(r#"{"id": "seven"}"#);
    let body = send(&transport, get("/")).unwrap().into_body();
    let message: Message = transport.block_on(body.json()).unwrap();
    assert_eq!(message, Message { id: 7 });
    let body = send(&transport, get("/bad")).unwrap().into_body();
    let error = transport.block_on(body.json::<Message>()).unwrap_err();
    assert_eq!(error.code(), "MOCKWIRE_INVALID_JSON");
    assert!(error.to_string().contains("seven"), "{error}");
}

#[test]
fn a_body_says_its_length_when_a_server_would() {
    let transport = streaming(&["a", "b"]);
    transport.get("/full").reply("four");
    transport.get("/none").reply(Reply::status(204));
    let body = |path| send(&transport, get(path)).unwrap().into_body();
    assert_eq!(body("/full").size_hint().exact(), Some(4));
    assert!(!body("/full").is_end_stream());
    assert_eq!(body("/none").size_hint().exact(), Some(0));
    assert!(body("/none").is_end_stream());
    // A streamed one comes without a length.
    assert_eq!(body("/").size_hint().exact(), None);
    assert!(!body("/").is_end_stream());
}

#[test]
fn a_body_is_an_http_body() {
    use http_body_util::BodyExt;
    let transport = streaming(&["a", "b"]);
    let body = send(&transport, get("/")).unwrap().into_body();
    let collected = transport.block_on(BodyExt::collect(body)).unwrap();
    assert_eq!(collected.to_bytes(), "ab");
}

#[test]
fn bodies_of_one_rule_are_read_each_at_its_own_pace() {
    let transport = streaming(&["1", "2", "3"]);
    let mut a = send(&transport, get("/")).unwrap().into_body();
    let mut b = send(&transport, get("/")).unwrap().into_body();
    transport.block_on(async {
        assert_eq!(a.next().await.unwrap().unwrap(), "1");
        assert_eq!(a.next().await.unwrap().unwrap(), "2");
        assert_eq!(b.next().await.unwrap().unwrap(), "1");
        assert_eq!(a.next().await.unwrap().unwrap(), "3");
        assert_eq!(b.next().await.unwrap().unwrap(), "2");
        drop(b);
        assert!(a.next().await.is_none());
    });
    let outcomes: Vec<_> = transport
        .requests()
        .into_iter()
        .map(|captured| captured.outcome)
        .collect();
    assert_eq!(outcomes, [Outcome::Done, Outcome::Cancelled]);
}

#[test]
fn a_body_outlives_its_rule_and_every_handle() {
    let transport = MockTransport::new();
    let rule = transport.get("/").reply(Reply::stream(["a", "b"]));
    let body = send(&transport, get("/")).unwrap().into_body();
    rule.remove().unwrap();
    drop((rule, transport));
    let text = MockTransport::new().block_on(body.text());
    assert_eq!(text.unwrap(), "ab");
}

#[test]
fn clearing_the_captures_leaves_a_body_alone() {
    let transport = streaming(&["a", "b"]);
    let mut body = send(&transport, get("/")).unwrap().into_body();
    transport.block_on(async {
        body.next().await.unwrap().unwrap();
        transport.clear();
        assert_eq!(body.next().await.unwrap().unwrap(), "b");
        assert!(body.next().await.is_none());
    });
    assert!(transport.requests().is_empty());
    assert_eq!(transport.in_flight(), 0);
}

#[cfg(not(target_arch = "wasm32"))]
#[test]
fn a_stream_that_panics_or_fails_names_its_rule() {
    use mockwire::{ErrorKind, Request};

    let transport = MockTransport::new();
    transport
        .get("/panics")
        .reply_stream(Reply::status(200), |_: &Request| {
            futures::stream::iter(["one ", "two"]).map(|frame| {
                assert_ne!(frame, "two", "a panic on purpose");
                Ok::<_, Fault>(frame)
            })
        });
    transport
        .get("/fails")
        .reply_stream(Reply::status(200), |_: &Request| {
            futures::stream::iter([Ok("one "), Err("out of paper")])
        });
    for (path, what) in [("/panics", "a panic on purpose"), ("/fails", "failed")] {
        let error = fetch(&transport, get(path)).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains(what) && text.contains("streaming.rs:"),
            "{text}"
        );
        assert!(matches!(
            error.kind(),
            ErrorKind::HandlerPanicked { .. } | ErrorKind::HandlerFailed { .. }
        ));
        assert_eq!(
            transport.last_request().unwrap().outcome,
            Outcome::Failed(error)
        );
        assert_eq!(transport.in_flight(), 0);
    }
}
