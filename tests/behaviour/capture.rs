//! What the transport remembers of each request.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use mockwire::{Captured, Outcome, Reply, Request};
use serde_json::{Value, json};

use super::support::{fetch, get, is_matched, post, request, send, with_header};
use super::{MockTransport, test};

fn paths(captured: &[Captured]) -> Vec<&str> {
    captured.iter().map(|it| it.request.path()).collect()
}

#[test]
fn every_request_is_captured_matched_or_not() {
    let transport = MockTransport::new();
    let rule = transport
        .post("/a")
        .reply(Reply::text("four").header("x", "1"));
    let sent = with_header(post("/a?q=1", "body"), "x-h", "v");
    fetch(&transport, sent).unwrap();
    assert!(!is_matched(&transport, request("PUT", "/b", ())));

    let all = transport.requests();
    assert_eq!(all.len(), 2);
    let first = &all[0];
    assert_eq!(first.sequence, 1);
    assert_eq!(first.request.method(), "POST");
    assert_eq!(first.request.url(), "https://api.test/a?q=1");
    assert_eq!(first.request.query("q").as_deref(), Some("1"));
    assert_eq!(first.request.header("X-H"), Some("v"));
    assert_eq!(first.request.text().unwrap(), "body");
    assert_eq!(first.request.version(), http::Version::HTTP_11);
    assert_eq!(first.rule, Some(rule.id()));
    assert_eq!(first.outcome, Outcome::Done);
    assert_eq!(first.delivered, 4);
    let response = first.response.as_ref().unwrap();
    assert_eq!(response.status, 200);
    assert_eq!(response.headers["x"], "1");

    let second = &all[1];
    assert_eq!(second.sequence, 2);
    assert_eq!(second.request.method(), "PUT");
    assert_eq!(
        (&second.outcome, second.rule, &second.response),
        (&Outcome::Unmatched, None, &None)
    );
}

#[test]
fn requests_are_numbered_in_order_of_arrival() {
    let transport = MockTransport::new();
    transport.get("/*").reply("ok");
    for n in 0..4 {
        fetch(&transport, get(&format!("/{n}"))).unwrap();
    }
    let all = transport.requests();
    assert_eq!(paths(&all), ["/0", "/1", "/2", "/3"]);
    let numbers: Vec<_> = all.iter().map(|it| it.sequence).collect();
    assert_eq!(numbers, [1, 2, 3, 4]);
    assert_eq!(transport.request(2).unwrap().request.path(), "/1");
    assert_eq!(transport.last_request().unwrap().request.path(), "/3");
    assert!(transport.request(0).is_none());
    assert!(transport.request(5).is_none());
}

#[test]
fn a_request_arrives_when_its_future_is_first_polled() {
    let transport = MockTransport::new();
    transport.get("/*").reply("ok");
    let first = transport.call(get("/made-first"));
    let second = transport.call(get("/made-second"));
    assert!(transport.requests().is_empty());
    transport.block_on(second).unwrap();
    transport.block_on(first).unwrap();
    assert_eq!(
        paths(&transport.requests()),
        ["/made-second", "/made-first"]
    );
    // Negative control: a future that is never polled is no request.
    drop(transport.call(get("/never")));
    assert_eq!(transport.requests().len(), 2);
}

#[test]
fn a_dropped_future_is_noted_as_cancelled() {
    let transport = MockTransport::new();
    let _hold = transport.get("/").hold();
    let mut call = transport.call(get("/"));
    assert!((&mut call).now_or_never().is_none());
    assert_eq!(transport.last_request().unwrap().outcome, Outcome::Pending);
    drop(call);
    let captured = transport.last_request().unwrap();
    assert_eq!(captured.outcome, Outcome::Cancelled);
    assert_eq!(captured.response, None);
}

#[test]
fn a_snapshot_does_not_change() {
    let transport = MockTransport::new();
    transport.get("/").reply(Reply::stream(["a", "b"]));
    let response = send(&transport, get("/")).unwrap();
    let before = transport.last_request().unwrap();
    transport.block_on(response.into_body().text()).unwrap();
    let after = transport.last_request().unwrap();
    assert_eq!((&before.outcome, before.delivered), (&Outcome::Pending, 0));
    assert_eq!((&after.outcome, after.delivered), (&Outcome::Done, 2));
}

#[test]
fn each_outcome_has_a_word() {
    let transport = MockTransport::new();
    transport.get("/done").reply("x");
    transport.get("/failed").reply(mockwire::Fault::Timeout);
    fetch(&transport, get("/done")).unwrap();
    fetch(&transport, get("/failed")).unwrap_err();
    fetch(&transport, get("/unmatched")).unwrap_err();
    drop(send(&transport, get("/done")).unwrap());
    let pending = send(&transport, get("/done")).unwrap();
    let words: Vec<_> = transport
        .requests()
        .iter()
        .map(|captured| captured.outcome.as_str())
        .collect();
    assert_eq!(
        words,
        ["done", "failed", "unmatched", "cancelled", "pending"]
    );
    drop(pending);
}

#[test]
fn a_capture_is_one_line_of_text() {
    let transport = MockTransport::new();
    transport
        .post("/a")
        .reply(Reply::text("four").with_status(201));
    fetch(&transport, post("/a", ())).unwrap();
    assert_eq!(
        transport.last_request().unwrap().to_string(),
        "#1 POST https://api.test/a -> 201 (done, 4 bytes)"
    );
}

#[test]
fn captures_are_queried_with_the_same_matchers() {
    let transport = MockTransport::new();
    transport.otherwise().reply("ok");
    for (path, body) in [("/a", r#"{"n": 1}"#), ("/b", "{}"), ("/a", r#"{"n": 2}"#)] {
        fetch(&transport, post(path, body)).unwrap();
    }
    let found = transport.requests_matching(mockwire::post("/a"));
    assert_eq!(found.len(), 2);
    let found = transport.requests_matching(mockwire::post("/a").and(mockwire::json_at("/n", 2)));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].sequence, 3);
    let found = transport.requests_matching(mockwire::nth(2..=2));
    assert_eq!(paths(&found), ["/b"]);
    let found = transport.requests_matching(mockwire::predicate(|request: &Request| {
        request.body().len() == 2
    }));
    assert_eq!(paths(&found), ["/b"]);
    assert!(transport.requests_matching(mockwire::get("/a")).is_empty());
}

#[test]
fn the_time_of_arrival_is_the_transports() {
    let transport = MockTransport::new();
    transport.get("/").reply("ok");
    fetch(&transport, get("/")).unwrap();
    transport.advance(Duration::from_secs(90));
    fetch(&transport, get("/")).unwrap();
    let times: Vec<_> = transport.requests().iter().map(|it| it.at).collect();
    assert_eq!(times, [Duration::ZERO, Duration::from_secs(90)]);
}

#[test]
fn a_long_body_is_cut_in_the_journal_and_marked() {
    let transport = MockTransport::builder().max_body_bytes(4).build();
    transport.post("/").reply("ok");
    fetch(&transport, post("/", "12345678")).unwrap();
    fetch(&transport, post("/", "1234")).unwrap();
    let all = transport.requests();
    assert_eq!(all[0].request.body(), "1234");
    assert_eq!(all[0].request.body_len(), 8);
    assert!(all[0].request.is_truncated());
    // Negative control: what just fits is whole.
    assert_eq!(all[1].request.body(), "1234");
    assert_eq!(all[1].request.body_len(), 4);
    assert!(!all[1].request.is_truncated());
    assert_ne!(all[0].request, all[1].request);
}

#[test]
fn a_mebibyte_of_each_body_is_kept_by_default() {
    let transport = MockTransport::new();
    transport.post("/").reply("ok");
    fetch(&transport, post("/", vec![b'x'; (1 << 20) + 1])).unwrap();
    let captured = transport.last_request().unwrap();
    assert_eq!(captured.request.body().len(), 1 << 20);
    assert!(captured.request.is_truncated());
}

#[test]
fn the_oldest_captures_go_first_and_are_counted() {
    let transport = MockTransport::builder().max_requests(3).build();
    transport.get("/*").reply("ok");
    for n in 0..5 {
        fetch(&transport, get(&format!("/{n}"))).unwrap();
    }
    assert_eq!(paths(&transport.requests()), ["/2", "/3", "/4"]);
    assert_eq!(transport.dropped_requests(), 2);
    assert!(transport.request(2).is_none());
    assert_eq!(transport.request(3).unwrap().request.path(), "/2");
    transport.clear();
    assert_eq!(transport.dropped_requests(), 0);
}

#[test]
fn a_journal_of_nothing_still_answers() {
    let transport = MockTransport::builder().max_requests(0).build();
    transport.get("/").times(2).reply(Reply::stream(["a", "b"]));
    for _ in 0..2 {
        assert_eq!(fetch(&transport, get("/")).unwrap(), "ab");
    }
    assert!(transport.requests().is_empty());
    assert!(transport.last_request().is_none());
    assert_eq!(transport.dropped_requests(), 2);
    transport.verify();
}

#[test]
fn an_exchange_outlives_its_capture() {
    let transport = MockTransport::builder().max_requests(1).build();
    transport.get("/").reply(Reply::stream(["a", "b"]));
    let body = send(&transport, get("/")).unwrap().into_body();
    fetch(&transport, get("/")).unwrap();
    assert_eq!(transport.block_on(body.text()).unwrap(), "ab");
    assert_eq!(transport.in_flight(), 0);
    // Its end was not noted in somebody else's capture.
    let captured = transport.last_request().unwrap();
    assert_eq!((captured.sequence, captured.outcome), (2, Outcome::Done));
}

#[test]
fn clearing_forgets_the_captures_and_the_numbers_go_on() {
    let transport = MockTransport::new();
    transport.get("/").reply("ok");
    fetch(&transport, get("/")).unwrap();
    assert!(!is_matched(&transport, get("/unmatched")));
    transport.clear();
    assert!(transport.requests().is_empty());
    assert!(transport.last_request().is_none());
    transport.verify();
    fetch(&transport, get("/")).unwrap();
    assert_eq!(transport.last_request().unwrap().sequence, 3);
}

#[test]
fn a_reset_counts_from_one_again() {
    let transport = MockTransport::new();
    transport.get("/").reply("ok");
    fetch(&transport, get("/")).unwrap();
    transport.reset();
    assert!(!is_matched(&transport, get("/")));
    assert_eq!(transport.last_request().unwrap().sequence, 1);
}

#[test]
fn a_view_is_parsed_once_per_request_and_type() {
    #[derive(serde::Deserialize)]
    struct Chat {
        model: String,
    }
    let transport = MockTransport::new();
    transport.post("/").reply("ok");
    fetch(&transport, post("/", r#"{"model": "small"}"#)).unwrap();
    let captured = transport.last_request().unwrap();
    let first: Arc<Chat> = captured.request.view().unwrap();
    assert_eq!(first.model, "small");
    // The same value, not an equal one: also through another snapshot of the request.
    let again: Arc<Chat> = transport.last_request().unwrap().request.view().unwrap();
    assert!(Arc::ptr_eq(&first, &again));
    // Another type is another view.
    let value: Arc<Value> = captured.request.view().unwrap();
    assert_eq!(*value, json!({"model": "small"}));
    assert!(Arc::ptr_eq(&value, &captured.request.json_value().unwrap()));
}

#[test]
fn a_view_of_another_request_is_another_one() {
    let transport = MockTransport::new();
    transport.post("/").reply("ok");
    for n in 0..2 {
        fetch(&transport, post("/", json!({"n": n}))).unwrap();
    }
    for (n, captured) in transport.requests().iter().enumerate() {
        assert_eq!(captured.request.json_value().unwrap()["n"], n);
    }
}

#[test]
fn a_body_that_does_not_fit_the_type_is_an_error_each_time() {
    let transport = MockTransport::new();
    transport.post("/").reply("ok");
    fetch(&transport, post("/", r#"{"model": 1}"#)).unwrap();
    let request = transport.last_request().unwrap().request;
    for _ in 0..2 {
        let error = request.view::<Vec<u32>>().unwrap_err();
        assert_eq!(error.code(), "MOCKWIRE_INVALID_JSON");
    }
    // And another type of the same body is not spoilt by it.
    assert_eq!(request.json_value().unwrap()["model"], 1);
}

#[test]
fn the_head_of_a_response_is_captured_whoever_made_it() {
    let transport = MockTransport::new();
    transport.get("/rule").reply(Reply::status(201));
    transport
        .get("/handler")
        .reply_with(|_: &Request| Reply::status(202).header("x", "1"));
    transport
        .get("/sequence")
        .reply_sequence([Reply::status(203)], mockwire::SequenceEnd::Fail);
    for (path, status) in [("/rule", 201), ("/handler", 202), ("/sequence", 203)] {
        fetch(&transport, get(path)).unwrap();
        let response = transport.last_request().unwrap().response.unwrap();
        assert_eq!(response.status, status);
    }
    // A failure has no head.
    transport.get("/fault").reply(mockwire::Fault::Timeout);
    fetch(&transport, get("/fault")).unwrap_err();
    assert_eq!(transport.last_request().unwrap().response, None);
}

#[test]
fn what_the_client_took_of_a_response_is_captured() {
    let transport = MockTransport::builder().max_body_bytes(6).build();
    transport.get("/full").reply("four");
    transport
        .get("/stream")
        .reply(Reply::stream(["ab", "cd", "ef", "gh"]));
    transport
        .get("/handler")
        .reply_with(|_: &Request| Reply::stream(["ab", "cd", "ef", "gh"]));
    transport
        .get("/template")
        .reply(Reply::template("{{path}}"));
    for (path, body) in [
        ("/full", "four"),
        ("/stream", "abcdef"),
        ("/handler", "abcdef"),
        ("/template", "/templ"),
    ] {
        fetch(&transport, get(path)).unwrap();
        assert_eq!(transport.last_request().unwrap().response_body, body);
        // Of a body that is not read to its end, as much as was read.
        drop(send(&transport, get(path)).unwrap());
        assert_eq!(transport.last_request().unwrap().response_body, "");
    }
    let mut body = send(&transport, get("/handler")).unwrap().into_body();
    let frame = transport.block_on(futures::StreamExt::next(&mut body));
    assert_eq!(frame.unwrap().unwrap(), "ab");
    drop(body);
    assert_eq!(transport.last_request().unwrap().response_body, "ab");
}

#[test]
fn the_journal_keeps_no_more_memory_than_its_cap() {
    /// Says when the last reference to its bytes is gone.
    struct Owned(#[allow(dead_code)] Arc<()>);
    impl AsRef<[u8]> for Owned {
        fn as_ref(&self) -> &[u8] {
            b"more than four"
        }
    }

    let alive = Arc::new(());
    let counted = alive.clone();
    let transport = MockTransport::builder().max_body_bytes(4).build();
    transport.post("/").reply_with(move |_: &Request| {
        Reply::bytes(bytes::Bytes::from_owner(Owned(counted.clone())))
    });
    let request = bytes::Bytes::from_owner(Owned(alive.clone()));
    fetch(&transport, post("/", request)).unwrap();
    let captured = transport.last_request().unwrap();
    assert_eq!(captured.request.body(), "more");
    assert_eq!(captured.response_body, "more");
    // One here, one in the handler: none in the journal, which has copied what it keeps.
    assert_eq!(Arc::strong_count(&alive), 2);
}

#[test]
fn a_removed_rule_leaves_what_it_answered() {
    let transport = MockTransport::new();
    let rule = transport.get("/").reply(Reply::status(201));
    fetch(&transport, get("/")).unwrap();
    rule.remove().unwrap();
    let captured = transport.last_request().unwrap();
    assert_eq!(captured.rule, Some(rule.id()));
    assert_eq!(captured.response.unwrap().status, 201);
}

#[cfg(feature = "compression")]
#[test]
fn a_compressed_capture_reads_like_any_other() {
    let body = json!({"text": "lorem ipsum ".repeat(1000)});
    let length = body.to_string().len();
    for (cap, kept) in [(1 << 20, length), (5000, 5000)] {
        let builder = MockTransport::builder().compress_bodies_above(1000);
        let transport = builder.max_body_bytes(cap).build();
        transport.post("/{id}").reply("ok");
        fetch(&transport, post("/small", "x".repeat(1000))).unwrap();
        fetch(
            &transport,
            with_header(post("/large", body.clone()), "x-h", "v"),
        )
        .unwrap();
        let [small, large] = &transport.requests()[..] else {
            panic!("two requests");
        };
        assert_eq!(small.request.body().len(), 1000);
        assert_eq!(large.request.body(), &body.to_string().as_bytes()[..kept]);
        assert_eq!(large.request.body_len(), length);
        assert_eq!(large.request.is_truncated(), kept < length);
        assert_eq!(large.request.header("x-h"), Some("v"));
        // What is asked of it is asked of the body as it was.
        let lorem = mockwire::body_contains("lorem ipsum");
        assert_eq!(transport.requests_matching(lorem).len(), 1);
        assert_eq!(large.request.json_value().is_ok(), kept == length);
        assert_eq!(transport.request(2).unwrap(), *large);
    }
}

#[cfg(feature = "compression")]
#[test]
fn a_body_that_does_not_compress_is_kept_as_well() {
    // Bytes without a pattern: packed they are no smaller.
    let mut state = 1u32;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    })
    .take(10_000)
    .collect();
    let transport = MockTransport::builder().compress_bodies_above(0).build();
    transport.post("/").reply("ok");
    fetch(&transport, post("/", noise.clone())).unwrap();
    fetch(&transport, post("/", ())).unwrap();
    assert_eq!(transport.request(1).unwrap().request.body(), &noise);
    assert_eq!(transport.request(2).unwrap().request.body(), "");
}
