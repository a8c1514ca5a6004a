//! Streams that break, and what real clients make of them: `reqwest`, and `eventsource-stream` over
//! it. Where a client takes a broken stream for a whole one, the test says so.
#![cfg(not(target_arch = "wasm32"))]

use std::time::Duration;

use eventsource_stream::Eventsource;
use futures::{StreamExt, TryStreamExt};
use mockwire::sse::Event;
use mockwire::sync::MockTransport;
use mockwire::{Error, Fault, Outcome, Reply, Script, TokioTimer};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use serde_json::json;

const URL: &str = "https://api.test/stream";

fn client(transport: &MockTransport) -> ClientWithMiddleware {
    ClientBuilder::new(reqwest::Client::new())
        .with(transport.clone())
        .build()
}

/// A client that is answered with this script.
fn answered_with(script: Script) -> (MockTransport, ClientWithMiddleware) {
    let transport = MockTransport::builder().timer(TokioTimer::new()).build();
    transport.get(URL).reply(Reply::script(script));
    let client = client(&transport);
    (transport, client)
}

fn message() -> Script {
    let delta = |text| Event::json(json!({"text": text})).named("delta");
    Script::new()
        .events([delta("Grü"), delta("ße")])
        .terminal_event(Event::json(json!({})).named("stop"))
}

/// What a client of server-sent events gets: the names of the events, and the failure at the end.
async fn events(client: &ClientWithMiddleware) -> (Vec<String>, Option<String>) {
    let response = client.get(URL).send().await.unwrap();
    let mut events = response.bytes_stream().eventsource();
    let mut names = Vec::new();
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => names.push(event.event),
            Err(error) => return (names, Some(error.to_string())),
        }
    }
    (names, None)
}

async fn text(client: &ClientWithMiddleware) -> reqwest::Result<String> {
    client.get(URL).send().await.unwrap().text().await
}

/// The scripted failure, from inside the client's error.
fn fault(error: &reqwest::Error) -> Option<Fault> {
    Error::find(error).and_then(Error::fault)
}

#[tokio::test(start_paused = true)]
async fn a_whole_stream_is_the_control() {
    let (transport, client) = answered_with(message());
    assert_eq!(
        events(&client).await,
        (vec!["delta".into(), "delta".into(), "stop".into()], None)
    );
    assert!(
        text(&client)
            .await
            .unwrap()
            .ends_with("event: stop\ndata: {}\n\n")
    );
    assert!(
        transport
            .requests()
            .iter()
            .all(|it| it.outcome == Outcome::Done)
    );
}

#[tokio::test(start_paused = true)]
async fn an_end_without_the_terminal_event_is_taken_for_an_end() {
    // Neither client can know: whoever needs the terminal event has to look for it.
    let (_, client) = answered_with(message().without_terminal());
    assert_eq!(
        events(&client).await,
        (vec!["delta".into(), "delta".into()], None)
    );
    assert!(text(&client).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_reset_in_mid_body_is_an_error_of_the_body() {
    let (transport, client) = answered_with(message().cut_at(40).reset());
    let error = text(&client).await.unwrap_err();
    assert!(error.is_body() || error.is_decode(), "{error:?}");
    assert_eq!(fault(&error), Some(Fault::ConnectionReset));
    let (names, failure) = events(&client).await;
    assert_eq!(names, ["delta"]);
    assert!(failure.is_some());
    let captured = transport.last_request().unwrap();
    assert!(matches!(captured.outcome, Outcome::Failed(error) if error.is_fault()));
    assert_eq!(captured.delivered, 40);
}

#[tokio::test(start_paused = true)]
async fn an_end_inside_a_character_is_patched_over_by_reqwest_and_noticed_by_the_event_parser() {
    // `data: {"text":"Gr` and the first byte of `ü`, then a clean end.
    let start = "event: delta\ndata: {\"text\":\"Gr".len() as u64 + 1;
    let (_, client) = answered_with(message().cut_at(start));
    assert!(text(&client).await.unwrap().ends_with("Gr\u{fffd}"));
    let (names, failure) = events(&client).await;
    assert!(names.is_empty());
    assert!(failure.is_some_and(|it| it.contains("UTF8")));
}

#[tokio::test(start_paused = true)]
async fn half_an_event_is_silently_dropped() {
    let first = "event: delta\ndata: {\"text\":\"Grü\"}\n\n".len() as u64;
    let (_, client) = answered_with(message().cut_at(first + 20));
    assert_eq!(events(&client).await, (vec!["delta".into()], None));
}

#[tokio::test(start_paused = true)]
async fn half_a_json_text_is_an_error_of_decoding() {
    let script = Script::new().frame("{\"text\": \"Gr").reset();
    let (_, client) = answered_with(script);
    let broken = client.get(URL).send().await.unwrap();
    let error = broken.json::<serde_json::Value>().await.unwrap_err();
    assert_eq!(fault(&error), Some(Fault::ConnectionReset));
    let (_, client) = answered_with(Script::new().frame("{\"text\": \"Gr"));
    let cut = client.get(URL).send().await.unwrap();
    let error = cut.json::<serde_json::Value>().await.unwrap_err();
    assert!(error.is_decode());
    assert_eq!(fault(&error), None);
}

#[tokio::test(start_paused = true)]
async fn a_stall_meets_the_clients_timeout_and_nobody_waits() {
    let (transport, client) = answered_with(message().without_terminal().stall());
    let reading = async {
        let response = client.get(URL).send().await.unwrap();
        let names = response.bytes_stream().eventsource().map_ok(|it| it.event);
        names.try_collect::<Vec<_>>().await
    };
    let timed_out = tokio::time::timeout(Duration::from_secs(600), reading).await;
    assert!(timed_out.is_err());
    assert_eq!(transport.now(), Duration::from_secs(600));
    let captured = transport.last_request().unwrap();
    assert_eq!(captured.outcome, Outcome::Cancelled);
    assert!(captured.delivered > 0);
    assert_eq!(transport.in_flight(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_error_event_in_mid_stream_is_an_event_like_any_other() {
    let error = json!({"type": "error", "error": {"type": "overloaded_error"}});
    let script = message()
        .event(Event::json(error).named("error"))
        .without_terminal();
    let (_, client) = answered_with(script);
    assert_eq!(
        events(&client).await,
        (vec!["delta".into(), "delta".into(), "error".into()], None)
    );
}

#[tokio::test(start_paused = true)]
async fn a_429_whose_body_is_dropped_unread_is_over_at_once() {
    let (transport, client) = {
        let transport = MockTransport::new();
        let limited = Reply::json(json!({"error": "slow down"})).with_status(429);
        let endless = Script::new().frame("...").repeat_forever();
        transport.get(URL).reply_sequence(
            [
                limited,
                Reply::script(endless).with_status(429),
                Reply::text("well"),
            ],
            mockwire::SequenceEnd::Fail,
        );
        let client = client(&transport);
        (transport, client)
    };
    let mut attempts = 0;
    let answer = loop {
        attempts += 1;
        let response = client.get(URL).send().await.unwrap();
        if response.status() != 429 {
            break response.text().await.unwrap();
        }
    };
    assert_eq!((attempts, answer.as_str()), (3, "well"));
    assert_eq!(transport.in_flight(), 0);
    let outcomes = transport.requests().into_iter().map(|it| it.outcome);
    let outcomes: Vec<_> = outcomes.collect();
    assert_eq!(
        outcomes,
        [Outcome::Cancelled, Outcome::Cancelled, Outcome::Done]
    );
}
