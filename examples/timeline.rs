//! Two busy seconds and a quiet minute, and its timeline: as JSON, as an HTTP archive, as a trace for Perfetto,
//! and as a picture. Everything happens in the transport's own time, so it takes no time at all.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::Duration;

use futures::future::{Either, join_all, select};
use futures::{SinkExt, StreamExt, join, pin_mut};
use mockwire::{Rate, RateLimit, Reply, RetryAfter, Script, SocketScript, sync::MockTransport};
use serde_json::json;

const MESSAGES: &str = "https://api.test/v1/messages";
const EMBEDDINGS: &str = "https://vectors.test/v1/embeddings";
const MODELS: &str = "https://registry.test/v1/models";
const REPORT: &str = "https://files.test/reports/2025-01.csv";
const SEARCH: &str = "https://search.test/?q=waterfall";
const FEED: &str = "wss://live.test/feed";

fn main() -> Result<(), Box<dyn Error>> {
    let transport = MockTransport::builder()
        .seed(7)
        .max_concurrent_per_host(2)
        .build();
    write_rules(&transport);
    transport.block_on(async {
        let (_, _, _, embedded, listed, listened, _) = join!(
            chat(&transport),
            download(&transport),
            search(&transport),
            embed(&transport),
            list_models(&transport),
            listen(&transport),
            operate(&transport),
        );
        embedded.and(listed).and(listened)
    })?;

    let timeline = transport.timeline();
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/timeline");
    fs::create_dir_all(&directory)?;
    for (name, text) in [
        ("timeline.json", timeline.to_json()),
        ("timeline.har", timeline.to_har()),
        ("timeline.trace.json", timeline.to_chrome_trace()),
        ("timeline.svg", timeline.to_svg()),
    ] {
        let path = directory.join(name);
        fs::write(&path, &text)?;
        println!("{:>7} bytes  {}", text.len(), path.display());
    }

    println!();
    for retry in timeline.retries() {
        let delay = retry.delay;
        println!(
            "#{} tries #{} again, after {delay:?}",
            retry.sequence, retry.of
        );
    }
    for outage in &timeline.outages {
        let (down, recovery) = (outage.duration(), outage.recovery());
        println!(
            "{} was down for {down:?}, and answered again after {recovery:?}",
            outage.host
        );
    }
    Ok(())
}

/// What the servers do.
fn write_rules(transport: &MockTransport) {
    let tokens = (0..24).map(|at| format!("data: {{\"delta\":\"token {at}\"}}\n\n"));
    let answer = Script::new()
        .first_byte(millis(70))
        .frames(tokens)
        .rate(Rate::FramesPerSecond(60))
        .jitter(0.6);
    let answer = Reply::script(answer).header("content-type", "text/event-stream");
    transport.post(MESSAGES).reply(answer.delay(millis(80)));

    let vectors = Reply::json(json!({"vectors": [[0.1, 0.7], [0.4, 0.2]]}));
    transport
        .post(EMBEDDINGS)
        .rate_limit(RateLimit::fixed_window(1, millis(450)).retry_after(RetryAfter::Millis))
        .reply(vectors.delay(millis(45)));

    let models = Reply::json(json!({"models": ["small", "large"]})).delay(millis(90));
    let busy = Reply::status(503).delay(millis(150));
    transport.get(MODELS).reply_after_failures(1, busy, models);

    let lines = (0..40).map(|line| format!("{line},{}\n", "x".repeat(900)));
    let broken = Script::new()
        .frames(lines)
        .gap(millis(12))
        .cut_at(16_000)
        .reset();
    let whole = Script::new()
        .frames((0..14).map(|_| "x".repeat(2_500)))
        .gap(millis(14));
    transport
        .get(REPORT)
        .once()
        .reply(Reply::script(broken).delay(millis(60)));
    transport
        .get(REPORT)
        .reply(Reply::script(whole).delay(millis(50)));

    transport.get(SEARCH).reply(Reply::never());

    let feed = SocketScript::new()
        .open_after(millis(70))
        .expect("subscribe")
        .send("welcome");
    let feed = (0..13).fold(feed, |feed, price| {
        feed.delay(millis(110)).send(format!("price {price}"))
    });
    transport
        .websocket(FEED)
        .accept(feed.close(1000, "market closed"));
}

/// Four conversations with a host that lets two go on at once. It is killed in the midst of them.
async fn chat(transport: &MockTransport) {
    let asks = [
        "Tell me a story",
        "A shorter one",
        "A sad one",
        "And the moral of it",
    ];
    let chats = asks.iter().enumerate().map(|(number, ask)| async move {
        sleep(transport, 25 * number as u64).await;
        let body = json!({"model": "small", "stream": true, "prompt": ask}).to_string();
        for attempt in 0..5 {
            let request = http::Request::post(MESSAGES)
                .header("authorization", "Bearer never shown")
                .body(body.clone())
                .expect("a request");
            let read = async { transport.call(request).await?.into_body().bytes().await };
            if read.await.is_ok() {
                return;
            }
            sleep(transport, 110 << attempt).await;
        }
    });
    join_all(chats).await;
}

/// A client that does what `retry-after-ms` says.
async fn embed(transport: &MockTransport) -> Result<(), mockwire::Error> {
    sleep(transport, 180).await;
    for text in ["first", "second"] {
        let body = json!({"input": text}).to_string();
        loop {
            let request = http::Request::post(EMBEDDINGS)
                .header("idempotency-key", text)
                .body(body.clone())
                .expect("a request");
            let response = transport.call(request).await?;
            let wait = response.headers().get("retry-after-ms");
            let wait = wait.and_then(|wait| wait.to_str().ok()?.parse().ok());
            response.into_body().bytes().await?;
            match wait {
                Some(wait) => sleep(transport, wait).await,
                None => break,
            }
        }
    }
    Ok(())
}

/// Asks again after a failure, and once more when a minute has passed.
async fn list_models(transport: &MockTransport) -> Result<(), mockwire::Error> {
    sleep(transport, 40).await;
    for wait in [200, 60_000, 0] {
        read(transport, MODELS).await?;
        sleep(transport, wait).await;
    }
    Ok(())
}

/// A download that breaks, and begins anew.
async fn download(transport: &MockTransport) {
    sleep(transport, 110).await;
    while read(transport, REPORT).await.is_err() {
        sleep(transport, 100).await;
    }
}

/// A search that nobody answers; the client gives up, and asks where nobody is.
async fn search(transport: &MockTransport) {
    sleep(transport, 130).await;
    let (asking, patience) = (read(transport, SEARCH), sleep(transport, 300));
    pin_mut!(asking, patience);
    if let Either::Right(_) = select(asking, patience).await {
        let nowhere = read(transport, "https://search.test/fallback").await;
        assert!(nowhere.is_err_and(|error| error.is_unmatched()));
    }
}

async fn listen(transport: &MockTransport) -> Result<(), mockwire::Error> {
    sleep(transport, 30).await;
    let request = http::Request::get(FEED).body(()).expect("a request");
    let mut socket = transport.connect(request).await?;
    socket.send("subscribe".into()).await?;
    let mut heard = 0;
    while let Some(message) = socket.next().await {
        heard += 1;
        if message?.is_data() && heard % 4 == 0 {
            socket.send("still here".into()).await?;
        }
    }
    Ok(())
}

/// The host of the conversations goes down for a while.
async fn operate(transport: &MockTransport) {
    sleep(transport, 900).await;
    transport.kill("api.test");
    sleep(transport, 270).await;
    transport.restart("api.test");
}

async fn read(transport: &MockTransport, url: &str) -> Result<(), mockwire::Error> {
    let request = http::Request::get(url).body(()).expect("a request");
    let body = transport.call(request).await?.into_body();
    body.bytes().await.map(drop)
}

async fn sleep(transport: &MockTransport, time: u64) {
    let slept = transport.sleep(millis(time)).await;
    slept.expect("the transport is there");
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
