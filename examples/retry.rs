//! A client that tries again as it is told to, in no time. `cargo run --example retry`

use std::time::Duration;

use mockwire::providers::{Answer, ApiError, gemini};
use mockwire::sync::MockTransport;
use mockwire::{Error, Script};
use serde_json::json;

/// The code under test: it waits a second longer each time, and takes no broken stream.
async fn ask(transport: &MockTransport) -> Result<String, Error> {
    let url = "https://google.test/v1beta/models/gemini-3:streamGenerateContent?alt=sse";
    for second in 1.. {
        let body = json!({"contents": [{"role": "user", "parts": [{"text": "hi"}]}]});
        let response = transport.call(http::Request::post(url).body(body).expect("a request"));
        let response = response.await?;
        if response.status() == 200 {
            if let Ok(text) = response.into_body().text().await {
                return Ok(text);
            }
        }
        transport.sleep(Duration::from_secs(second)).await?;
    }
    unreachable!("it never gives up")
}

fn main() -> Result<(), Error> {
    let transport = MockTransport::new();
    let reset = Answer::text("Hel lo").script(Script::new().cut_at(100).reset());
    let answers = [ApiError::overloaded().into(), reset, Answer::text("Hello")];
    gemini::generate_content(&transport).reply_sequence(answers, mockwire::SequenceEnd::Fail);

    let text = transport.block_on(ask(&transport))?;
    assert!(text.contains("Hello"));
    assert_eq!(transport.now(), Duration::from_secs(1 + 2));
    transport.verify();
    println!(
        "answered after {:?}, in {} attempts",
        transport.now(),
        transport.requests().len()
    );
    Ok(())
}
