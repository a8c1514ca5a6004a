//! Requests to a provider that answers one thing, and its streams taken apart.

use mockwire::providers::{Answer, ModelApi, Split};
use mockwire::sse::Reader;
use mockwire::sync::{Body, MockTransport};
use proptest::prelude::*;
use serde_json::Value;

/// A transport on which the model says this.
pub(crate) fn saying<A: ModelApi>(answer: &Answer) -> MockTransport {
    let transport = MockTransport::builder().seed(7).build();
    A::on(&transport).reply(answer.clone());
    transport
}

pub(crate) fn post(transport: &MockTransport, url: &str, body: &Value) -> http::Response<Body> {
    let request = http::Request::post(url).body(body.clone()).unwrap();
    transport.block_on(transport.call(request)).unwrap()
}

pub(crate) fn bytes(transport: &MockTransport, response: http::Response<Body>) -> Vec<u8> {
    let body = transport.block_on(response.into_body().bytes()).unwrap();
    body.into()
}

pub(crate) fn json(transport: &MockTransport, response: http::Response<Body>) -> Value {
    serde_json::from_slice(&bytes(transport, response)).unwrap()
}

/// The events that a client reads off a stream: name and data.
pub(crate) fn events(text: &[u8]) -> Vec<(String, String)> {
    let mut reader = Reader::new();
    reader.push(text);
    let events = reader.map(|event| event.map(|event| (event.event, event.data)).unwrap());
    events.collect()
}

/// The data of these events as JSON.
pub(crate) fn payloads(events: &[(String, String)]) -> Vec<Value> {
    let parsed = events
        .iter()
        .map(|(_, data)| serde_json::from_str(data).unwrap());
    parsed.collect()
}

pub(crate) fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 100,
        failure_persistence: None, // the failing input is printed: it becomes a test of its own
        ..ProptestConfig::default()
    }
}

/// Answers of all kinds of blocks, cut in all kinds of ways.
pub(crate) fn answers() -> impl Strategy<Value = Answer> {
    let json = prop::collection::btree_map("[a-z]{1,3}", "\\PC{0,8}", 0..3);
    let block = prop_oneof![
        "\\PC{0,20}".prop_map(|text| (0, text, None)),
        "\\PC{0,20}".prop_map(|text| (1, text, None)),
        "\\PC{0,20}".prop_map(|text| (2, text, None)),
        json.prop_map(|map| (3, String::new(), Some(serde_json::to_value(map).unwrap()))),
        Just((4, String::new(), None)),
    ];
    let split = prop_oneof![
        (0_usize..9).prop_map(Split::Bytes),
        (0_usize..5).prop_map(Split::Characters),
        (0_usize..3).prop_map(Split::Words),
        (0_usize..3).prop_map(Split::Tokens),
        Just(Split::Whole),
    ];
    (prop::collection::vec(block, 0..5), split).prop_map(|(blocks, split)| {
        let answer = blocks
            .into_iter()
            .fold(Answer::new(), |answer, block| match block {
                (0, text, _) => answer.say(text),
                (1, text, _) => answer.thinking(text),
                (2, text, _) => answer.redacted_thinking(text),
                (4, _, _) => answer.tool("no_arguments", ()),
                (_, _, arguments) => answer.tool("tool", arguments.unwrap_or_default()),
            });
        answer.split(split)
    })
}
