//! A test that is recorded once, then replayed. `cargo run --example recorded`

use mockwire::cassette::{Options, RecordMode, Speed};
use mockwire::sse::Event;
use mockwire::sync::{MockTransport, Recorder};
use mockwire::{Reply, Result, Script};

/// The code under test: asks, and reads the stream.
async fn ask(transport: &MockTransport) -> Result<String> {
    let request = http::Request::post("https://api.test/chat").header("x-api-key", "s3cr3t-key");
    let request = request.body(r#"{"say": "hi"}"#).expect("a request");
    transport.call(request).await?.into_body().text().await
}

fn main() -> Result<()> {
    // The real transport: here another mock; see `mockwire::upstream` for reqwest and tower.
    let real = MockTransport::new();
    let events = ["Hel", "lo"].map(|text| Event::json([text]).named("delta"));
    real.post("/chat")
        .reply(Reply::script(Script::new().events(events)));

    let path = std::env::temp_dir().join("mockwire-recorded.json");
    let recorder = Recorder::open(&path, Options::new().mode(RecordMode::Record))?;
    let transport = MockTransport::new();
    transport
        .otherwise()
        .record(&recorder, move |request| real.call(request));
    let live = transport.block_on(ask(&transport))?;
    recorder.save()?;
    println!("{}", std::fs::read_to_string(&path).unwrap_or_default());

    let options = Options::new().mode(RecordMode::Strict).speed(Speed::Real);
    let replay = Recorder::open(&path, options)?;
    let transport = MockTransport::new();
    transport.otherwise().replay(&replay);
    assert_eq!(transport.block_on(ask(&transport))?, live);
    replay.assert_all_used();
    Ok(())
}
