//! What goes well: requests, responses, streams, and connections that are used again.

use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use http_body_util::{BodyExt, Full};
use mockwire::sse::Event;
use mockwire::sync::MockTransport;
use mockwire::{Outcome, Reply, Request, Script, TokioTimer};
use serde_json::json;

use super::{URL, client, fetch, get, next, text, until};

const fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

#[tokio::test]
async fn a_message_goes_out_and_comes_back_whole() {
    let transport = MockTransport::new();
    transport
        .post(URL)
        .header("x-api-key", "secret")
        .json_partial(json!({"model": "small"}))
        .once()
        .reply(Reply::json(json!({"text": "hello"})).header("request-id", "req_1"));

    let asked = json!({"model": "small", "messages": []}).to_string();
    let request = http::Request::post(format!("{URL}?beta=true"))
        .header("x-api-key", "secret")
        .body(Full::from(asked.clone()));
    let response = client(&transport).0.request(request.unwrap()).await;
    let response = response.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.version(), http::Version::HTTP_11);
    assert_eq!(response.headers()["request-id"], "req_1");
    assert_eq!(response.headers()["content-length"], "16");
    // The transport reads no clock.
    assert!(!response.headers().contains_key("date"));
    assert_eq!(
        text(response.into_body()).await.unwrap(),
        r#"{"text":"hello"}"#
    );

    let captured = transport.last_request().unwrap();
    let url = format!("{URL}?beta=true");
    assert_eq!(captured.request.url().to_string(), url);
    assert_eq!(captured.request.header("host"), Some("api.test"));
    assert_eq!(captured.request.header("x-api-key"), Some("secret"));
    assert_eq!(captured.request.body(), asked.as_bytes());
    assert_eq!(captured.response_body, r#"{"text":"hello"}"#);
    assert_eq!(captured.outcome, Outcome::Done);
    // That a connection was made is no exchange.
    assert_eq!(captured.sequence, 1);
    transport.verify();
}

#[tokio::test]
async fn ports_schemes_and_hosts_are_the_connections() {
    let transport = MockTransport::new();
    let echo = |request: &Request| Reply::text(request.url().to_string());
    transport.otherwise().reply_with(echo);
    let (client, _) = client(&transport);
    for url in [
        "http://api.test/",
        "https://api.test/a?b=c",
        "http://api.test:8080/",
        "http://[::1]:81/x",
    ] {
        assert_eq!(fetch(&client, url).await, url);
    }
}

#[tokio::test]
async fn responses_without_a_body_are_over_at_once() {
    let transport = MockTransport::new();
    transport.get("/none").reply(Reply::status(204));
    transport.on(mockwire::head("/head")).reply("hello");
    let (client, connections) = client(&transport);
    let response = client.request(get("http://api.test/none")).await.unwrap();
    assert_eq!(response.status(), 204);
    let head = http::Request::head("http://api.test/head");
    let head = head.body(Full::default()).unwrap();
    let response = client.request(head).await.unwrap();
    assert_eq!(text(response.into_body()).await.unwrap(), "");
    assert_eq!(connections.count(), 1);
    assert_eq!(transport.in_flight(), 0);
}

#[tokio::test]
async fn a_connection_is_used_again_and_those_at_once_have_their_own() {
    let transport = MockTransport::new();
    transport.get("/now").reply("now");
    let hold = transport.get("/held").hold();
    let (client, connections) = client(&transport);
    for _ in 0..5 {
        assert_eq!(fetch(&client, "https://api.test/now").await, "now");
    }
    assert_eq!(connections.count(), 1);

    let calls = (0..3).map(|_| fetch(&client, "https://api.test/held"));
    let answers = async {
        for n in 0..3 {
            hold.next().await.unwrap().reply(n.to_string()).unwrap();
        }
    };
    let (mut texts, ()) = tokio::join!(join_all(calls), answers);
    texts.sort();
    assert_eq!(texts, ["0", "1", "2"]);
    assert_eq!(connections.count(), 3);
    // Another origin is another connection.
    assert_eq!(fetch(&client, "http://api.test/now").await, "now");
    assert_eq!(connections.count(), 4);
}

#[tokio::test(start_paused = true)]
async fn events_come_when_their_time_has_come() {
    let transport = MockTransport::builder().timer(TokioTimer::new()).build();
    let script = Script::new()
        .event(Event::data("one"))
        .wait(millis(250))
        .event(Event::data("two"))
        .terminal("data: [DONE]\n\n");
    transport.get(URL).reply(Reply::script(script));
    let (client, _) = client(&transport);
    let response = client.request(get(URL)).await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut body = response.into_body();
    let mut received = Vec::new();
    while let Some(piece) = next(&mut body).await {
        received.push((piece.unwrap(), transport.now()));
    }
    let expected = [
        (Bytes::from("data: one\n\n"), millis(0)),
        (Bytes::from("data: two\n\n"), millis(250)),
        (Bytes::from("data: [DONE]\n\n"), millis(250)),
    ];
    assert_eq!(received, expected);
    assert_eq!(transport.last_request().unwrap().outcome, Outcome::Done);
}

#[tokio::test]
async fn in_instant_time_nobody_waits() {
    let transport = MockTransport::new();
    let script = Script::new()
        .frame("one ")
        .wait(millis(3_600_000))
        .frame("two");
    transport.get(URL).reply(Reply::script(script));
    assert_eq!(fetch(&client(&transport).0, URL).await, "one two");
    assert_eq!(transport.now(), millis(3_600_000));
}

#[tokio::test]
async fn a_frame_is_made_when_the_client_has_read_what_came_before() {
    let transport = MockTransport::new();
    let endless = Script::new().frame("0123456789").repeat_forever();
    transport.get(URL).reply(Reply::script(endless));
    let (client, _) = client(&transport);
    let mut body = client.request(get(URL)).await.unwrap().into_body();
    let mut read = 0;
    for _ in 0..1000 {
        read += next(&mut body).await.unwrap().unwrap().len() as u64;
    }
    drop(body);
    until(|| transport.in_flight() == 0).await;
    let captured = transport.last_request().unwrap();
    assert_eq!(captured.outcome, Outcome::Cancelled);
    // What the client reads ahead is a piece or two.
    assert!((read..=read + 20).contains(&captured.delivered));
}

#[tokio::test]
async fn large_bodies_go_through_both_ways() {
    let transport = MockTransport::new();
    transport
        .post("/")
        .reply_with(|request: &Request| Reply::bytes(request.body().clone()));
    let large: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    // In pieces without a length, and whole with one.
    let pieces = large.chunks(100_000).map(|piece| {
        let piece = Bytes::copy_from_slice(piece);
        Ok::<_, std::convert::Infallible>(http_body::Frame::data(piece))
    });
    let pieces: Vec<_> = pieces.collect();
    let streamed = http_body_util::StreamBody::new(futures::stream::iter(pieces)).boxed();
    let whole = Full::new(Bytes::from(large.clone())).boxed();
    let client = hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new())
        .build(transport.connector());
    for body in [streamed, whole] {
        let request = http::Request::post("http://api.test/").body(body);
        let response = client.request(request.unwrap()).await.unwrap();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert!(body == large);
    }
    assert_eq!(transport.requests()[1].request.body_len(), large.len());
}

#[tokio::test]
async fn limits_apply_as_to_any_other_client() {
    let transport = MockTransport::builder().max_concurrent(1).build();
    transport
        .get(URL)
        .reply(Reply::text("well").delay(millis(100)));
    let (client, connections) = client(&transport);
    let texts = join_all((0..4).map(|_| fetch(&client, URL))).await;
    assert_eq!(texts, ["well"; 4]);
    assert_eq!(connections.count(), 4);
    let queued = transport.requests().into_iter().map(|it| it.queued);
    let mut queued: Vec<_> = queued.collect();
    queued.sort();
    assert_eq!(queued, [millis(0), millis(100), millis(200), millis(300)]);
    assert_eq!(transport.concurrency().unwrap().peak, 1);
}

#[tokio::test]
async fn a_handler_may_call_back() {
    let transport = MockTransport::new();
    let inner = transport.clone();
    transport.get(URL).reply_with(move |_: &Request| {
        inner.advance(millis(1));
        Reply::text(inner.requests().len().to_string())
    });
    assert_eq!(fetch(&client(&transport).0, URL).await, "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_requests_at_once_get_their_own_replies() {
    let transport = MockTransport::new();
    transport
        .get("/{n}")
        .reply(Reply::template("reply {{param.n}}"));
    let (client, _) = client(&transport);
    let calls = (0..200).map(|n| {
        let client = client.clone();
        tokio::spawn(async move {
            let text = fetch(&client, &format!("https://api.test/{n}")).await;
            assert_eq!(text, format!("reply {n}"));
        })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
    assert_eq!(transport.requests().len(), 200);
}
