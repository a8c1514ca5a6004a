//! tokio's clock moves the transport's time: paused, so that nobody waits.

use std::future::pending;
use std::time::Duration;

use futures::StreamExt;
use mockwire::futures::Body;
use mockwire::{MockTransport, Mode, Outcome, Reply, Script, TokioTimer};

const fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn get(path: &str) -> http::Request<()> {
    let url = format!("https://api.test{path}");
    http::Request::get(url).body(()).unwrap()
}

fn script(name: &str, dues: &[u64]) -> Script {
    let mut script = Script::new();
    let mut now = 0;
    for due in dues {
        let frame = format!("{name}{due} ");
        script = script.wait(millis(due - now)).frame(frame);
        now = *due;
    }
    script
}

async fn body<M: Mode>(transport: &MockTransport<M>, path: &str) -> Body<M> {
    transport.call(get(path)).await.unwrap().into_body()
}

async fn merged<M: Mode>(transport: &MockTransport<M>) -> String {
    let reply = |name, dues: &[u64]| Reply::script(script(name, dues));
    transport.get("/a").reply(reply("a", &[5, 6, 20, 30]));
    transport.get("/b").reply(reply("b", &[7, 20, 29]));
    let (a, b) = (body(transport, "/a").await, body(transport, "/b").await);
    let frames = futures::stream::select(b, a).collect::<Vec<_>>().await;
    let bytes = frames.into_iter().flat_map(Result::unwrap).collect();
    String::from_utf8(bytes).unwrap()
}

#[tokio::test(start_paused = true)]
async fn merged_streams_keep_the_order_of_their_times_in_both_modes() {
    let local = mockwire::local::MockTransport::builder()
        .timer(TokioTimer::new())
        .build();
    let sync = mockwire::sync::MockTransport::builder()
        .timer(TokioTimer::new())
        .build();
    let expected = "a5 a6 b7 a20 b20 b29 a30 ";
    assert_eq!(merged(&local).await, expected);
    assert_eq!(merged(&sync).await, expected);
    assert_eq!(local.now(), millis(60));
}

#[tokio::test(start_paused = true)]
async fn a_back_off_of_a_minute_is_tokios_own_and_takes_no_time() {
    let transport = mockwire::sync::MockTransport::builder()
        .timer(TokioTimer::new())
        .build();
    let late = Reply::text("well").delay(millis(250));
    let replies = [Reply::status(503), Reply::status(503), late];
    transport
        .get("/")
        .reply_sequence(replies, mockwire::SequenceEnd::Fail);
    while transport.call(get("/")).await.unwrap().status() != 200 {
        let backed_off = tokio::time::timeout(Duration::from_secs(60), pending::<()>());
        assert!(backed_off.await.is_err());
    }
    let at: Vec<_> = transport.requests().iter().map(|it| it.at).collect();
    assert_eq!(at, [millis(0), millis(60_000), millis(120_000)]);
    assert_eq!(transport.now(), millis(120_250));
}

#[tokio::test(start_paused = true)]
async fn a_stalled_stream_meets_the_clients_own_timeout() {
    let transport = mockwire::sync::MockTransport::builder()
        .timer(TokioTimer::new())
        .build();
    let stalled = Script::new().frame("data: 1\n\n").stall();
    transport.get("/").reply(Reply::script(stalled));
    let mut body = body(&transport, "/").await;
    assert_eq!(body.next().await.unwrap().unwrap(), "data: 1\n\n");
    let next = tokio::time::timeout(Duration::from_secs(30), body.next()).await;
    assert!(next.is_err());
    drop(body);
    let captured = transport.last_request().unwrap();
    assert_eq!(
        (captured.outcome, captured.delivered),
        (Outcome::Cancelled, 9)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_on_other_threads_read_streams_in_instant_time() {
    let transport = mockwire::sync::MockTransport::new();
    transport
        .get("/")
        .reply(Reply::script(script("x", &[1, 1000, 60_000])));
    let readers: Vec<_> = (0..8)
        .map(|_| {
            let transport = transport.clone();
            tokio::spawn(async move { body(&transport, "/").await.text().await.unwrap() })
        })
        .collect();
    for reader in readers {
        assert_eq!(reader.await.unwrap(), "x1 x1000 x60000 ");
    }
    assert!(transport.now() >= millis(60_000));
}
