//! A real `reqwest` client, with the mock as its last middleware: no request reaches the network.
#![cfg(not(target_arch = "wasm32"))]

use std::error::Error as _;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use mockwire::sync::MockTransport;
use mockwire::{Error, Fault, Outcome, Reply, Request};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Middleware, Next};
use serde_json::{Value, json};

const MESSAGES: &str = "https://api.test/v1/messages";

/// A client's retries: on 429 it waits as long as `retry-after` says, at most twice. It waits in the
/// transport's time, so the captures tell how long it waited.
struct Retry(MockTransport);

#[async_trait::async_trait]
impl Middleware for Retry {
    async fn handle(
        &self,
        request: reqwest::Request,
        extensions: &mut http::Extensions,
        next: Next<'_>,
    ) -> reqwest_middleware::Result<reqwest::Response> {
        for _ in 0..2 {
            let again = request.try_clone().expect("a body that is not streamed");
            let response = next.clone().run(again, extensions).await?;
            let wait = response.headers().get("retry-after");
            let wait = wait.and_then(|value| value.to_str().ok()?.parse().ok());
            match wait {
                Some(seconds) if response.status() == 429 => {
                    self.0.advance(Duration::from_secs(seconds));
                }
                _ => return Ok(response),
            }
        }
        next.run(request, extensions).await
    }
}

fn client(transport: &MockTransport) -> ClientWithMiddleware {
    ClientBuilder::new(reqwest::Client::new())
        .with(Retry(transport.clone()))
        .with(transport.clone())
        .build()
}

/// The transport's own error, from inside that of the client.
fn inner(error: &reqwest_middleware::Error) -> &Error {
    match error {
        reqwest_middleware::Error::Middleware(error) => error.downcast_ref().unwrap(),
        reqwest_middleware::Error::Reqwest(error) => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn a_json_message_goes_out_and_comes_back() {
    let transport = MockTransport::new();
    transport
        .post(MESSAGES)
        .header("x-api-key", "secret")
        .json_partial(json!({"model": "small"}))
        .once()
        .reply(Reply::json(json!({"text": "hello"})).header("request-id", "req_1"));

    let asked = json!({"model": "small", "messages": [{"role": "user", "content": "hi"}]});
    let response = client(&transport)
        .post(MESSAGES)
        .header("x-api-key", "secret")
        .json(&asked)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.url().as_str(), MESSAGES);
    assert_eq!(response.headers()["request-id"], "req_1");
    assert_eq!(response.content_length(), Some(16));
    let message: Value = response.json().await.unwrap();
    assert_eq!(message, json!({"text": "hello"}));

    let captured = transport.last_request().unwrap();
    assert_eq!(captured.request.method(), "POST");
    assert_eq!(captured.request.url(), MESSAGES);
    assert_eq!(*captured.request.json_value().unwrap(), asked);
    assert_eq!(
        captured.request.header("content-type"),
        Some("application/json")
    );
    assert_eq!(captured.outcome, Outcome::Done);
    assert_eq!(captured.response_body, r#"{"text":"hello"}"#);
    transport.verify();
}

#[tokio::test]
async fn an_event_stream_arrives_chunk_by_chunk() {
    let chunks = [
        "event: message_start\ndata: {}\n\n",
        "event: delta\ndata: Hel",
        "lo\n\n",
        "event: message_stop\ndata: {}\n\n",
    ];
    let transport = MockTransport::new();
    transport
        .post(MESSAGES)
        .json_partial(json!({"stream": true}))
        .reply(Reply::stream(chunks).header("content-type", "text/event-stream"));
    let response = client(&transport)
        .post(MESSAGES)
        .json(&json!({"stream": true}))
        .send()
        .await
        .unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    assert_eq!(response.content_length(), None);
    let received: Vec<Bytes> = response
        .bytes_stream()
        .map(|chunk| chunk.unwrap())
        .collect()
        .await;
    assert_eq!(received, chunks);
    assert_eq!(transport.last_request().unwrap().outcome, Outcome::Done);
}

#[tokio::test]
async fn a_429_is_retried_after_what_it_says_and_then_succeeds() {
    let transport = MockTransport::new();
    transport.post(MESSAGES).reply_after_failures(
        2,
        Reply::status(429).header("retry-after", "3"),
        Reply::json(json!({"text": "at last"})),
    );
    let asked = json!({"model": "small"});
    let response = client(&transport).post(MESSAGES).json(&asked).send().await;
    let message: Value = response.unwrap().json().await.unwrap();
    assert_eq!(message["text"], "at last");

    let captured = transport.requests();
    let statuses: Vec<_> = captured
        .iter()
        .map(|it| it.response.as_ref().unwrap().status.as_u16())
        .collect();
    assert_eq!(statuses, [429, 429, 200]);
    let waits: Vec<_> = captured.iter().map(|it| it.at.as_secs()).collect();
    assert_eq!(waits, [0, 3, 6]);
    // Each attempt carried the whole body.
    for it in &captured {
        assert_eq!(*it.request.json_value().unwrap(), asked);
    }
}

#[tokio::test]
async fn requests_are_captured_in_the_order_in_which_they_were_made() {
    let transport = MockTransport::new();
    transport.otherwise().reply("ok");
    let client = client(&transport);
    for n in 0..3 {
        let url = format!("https://api.test/{n}");
        client.get(url).query(&[("page", n)]).send().await.unwrap();
    }
    transport.assert_in_order([
        mockwire::get("/0").and(mockwire::query("page", "0")),
        mockwire::get("/1"),
        mockwire::get("/2"),
    ]);
}

#[tokio::test]
async fn dropping_the_body_midway_is_noted() {
    let transport = MockTransport::new();
    transport
        .get("/")
        .reply(Reply::stream(["one ", "two ", "three"]));
    let mut response = client(&transport)
        .get("https://api.test/")
        .send()
        .await
        .unwrap();
    assert_eq!(response.chunk().await.unwrap().unwrap(), "one ");
    assert_eq!(transport.in_flight(), 1);
    drop(response);
    let captured = transport.last_request().unwrap();
    assert_eq!(captured.outcome, Outcome::Cancelled);
    assert_eq!(captured.delivered, 4);
    assert_eq!(captured.response_body, "one ");
    assert_eq!(transport.in_flight(), 0);
}

#[tokio::test]
async fn dropping_the_request_midway_is_noted() {
    let transport = MockTransport::new();
    let hold = transport.get("/").hold();
    let client = client(&transport);
    let task = tokio::spawn(client.get("https://api.test/").send());
    let held = hold.next().await.unwrap();
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    assert_eq!(
        transport.last_request().unwrap().outcome,
        Outcome::Cancelled
    );
    assert_eq!(
        held.reply("too late").unwrap_err().code(),
        "MOCKWIRE_STALE_HANDLE"
    );
}

/// Those that reqwest itself can report are in `client_errors/reqwest.rs`.
#[tokio::test]
async fn failures_that_need_a_connection_come_as_typed_errors() {
    for fault in [
        Fault::ConnectionClosed,
        Fault::ConnectionReset,
        Fault::MalformedResponse,
    ] {
        let transport = MockTransport::new();
        transport.get("/").reply(fault);
        let result = client(&transport).get("https://api.test/").send().await;
        let error = result.unwrap_err();
        assert!(error.is_middleware());
        assert_eq!(inner(&error).fault(), Some(fault));
        assert!(error.to_string().contains(&fault.to_string()), "{error}");
        transport.verify();
    }
}

#[tokio::test]
async fn an_unmatched_request_comes_with_its_diagnosis() {
    let transport = MockTransport::new();
    transport.post(MESSAGES).header("x-plan", "pro").reply("ok");
    let result = client(&transport)
        .post(MESSAGES)
        .header("x-plan", "free")
        .header("authorization", "Bearer s3cr3t")
        .send()
        .await;
    let error = result.unwrap_err();
    assert!(inner(&error).is_unmatched());
    assert!(Error::find(&error).is_some_and(Error::is_unmatched));
    let text = format!("{error} {error:?}");
    assert!(text.contains("header x-plan"), "{text}");
    assert!(!text.contains("s3cr3t"), "{text}");
}

#[tokio::test]
async fn a_body_that_fails_midway_fails_the_clients_body() {
    let transport = MockTransport::new();
    transport
        .get("/")
        .passthrough(|_: http::Request<Bytes>| async {
            let frames = [
                Ok(http_body::Frame::data(Bytes::from("some "))),
                Err(Error::from(Fault::ConnectionReset)),
            ];
            let body = http_body_util::StreamBody::new(futures::stream::iter(frames));
            Ok::<_, Error>(http::Response::new(body))
        });
    let mut response = client(&transport)
        .get("https://api.test/")
        .send()
        .await
        .unwrap();
    assert_eq!(response.chunk().await.unwrap().unwrap(), "some ");
    let error = response.chunk().await.unwrap_err();
    let found = Error::find(&error).unwrap();
    assert_eq!(found.code(), "MOCKWIRE_PASSTHROUGH_FAILED");
    let cause = Error::find(found.source().unwrap());
    assert_eq!(cause.and_then(Error::fault), Some(Fault::ConnectionReset));
}

#[tokio::test]
async fn a_streamed_request_body_is_read_to_its_end() {
    let transport = MockTransport::new();
    transport
        .post("/")
        .reply_with(|request: &Request| request.body().len().to_string());
    let chunks = ["one ", "two"].map(Ok::<_, std::io::Error>);
    let body = reqwest::Body::wrap_stream(futures::stream::iter(chunks));
    // Without the retries, which would need the body twice.
    let client = ClientBuilder::new(reqwest::Client::new())
        .with(transport.clone())
        .build();
    let response = client.post("https://api.test/").body(body).send().await;
    assert_eq!(response.unwrap().text().await.unwrap(), "7");
    assert_eq!(transport.last_request().unwrap().request.body(), "one two");
}

#[tokio::test]
async fn error_statuses_are_the_clients_to_judge() {
    let transport = MockTransport::new();
    transport.get("/").reply(Reply::status(503));
    let response = client(&transport)
        .get("https://api.test/")
        .send()
        .await
        .unwrap();
    let error = response.error_for_status().unwrap_err();
    assert_eq!(error.status().unwrap(), 503);
    assert_eq!(error.url().unwrap().as_str(), "https://api.test/");
}

#[tokio::test]
async fn many_requests_at_once_get_their_own_replies() {
    let transport = MockTransport::new();
    transport
        .get("/{n}")
        .reply(Reply::template("reply {{param.n}}"));
    let client = client(&transport);
    let calls = (0..100).map(|n| {
        let client = client.clone();
        tokio::spawn(async move {
            let url = format!("https://api.test/{n}");
            let response = client.get(url).send().await.unwrap();
            assert_eq!(response.text().await.unwrap(), format!("reply {n}"));
        })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
    assert_eq!(transport.requests().len(), 100);
}
