//! Requests to a provider that answers one thing, and its streams taken apart.

use mockwire::providers::{Answer, ModelApi};
use mockwire::sse::Reader;
use mockwire::sync::{Body, MockTransport};
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
