//! A client that tries again after failures, in no time. `cargo run --example retry`

use std::time::Duration;

use mockwire::providers::{Answer, ApiError, gemini};
use mockwire::sync::MockTransport;
use mockwire::{Error, Script, SequenceEnd};
use serde_json::json;

const URL: &str = "https://google.test/v1beta/models/gemini-3:streamGenerateContent?alt=sse";

/// The code under test: it waits a second longer each time, and takes no broken stream.
async fn ask(transport: &MockTransport) -> Result<String, Error> {
    for second in 1.. {
        let body = json!({"contents": [{"role": "user", "parts": [{"text": "hi"}]}]});
        let request = http::Request::post(URL).body(body).expect("a request");
        let response = transport.call(request).await?;
        match (
            response.status().as_u16(),
            response.into_body().text().await,
        ) {
            (200, Ok(text)) => return Ok(text),
            _ => transport.sleep(Duration::from_secs(second)).await?,
        }
    }
    unreachable!("it never gives up")
}

fn main() -> Result<(), Error> {
    let transport = MockTransport::new();
    let broken = Answer::text("Hel lo").script(Script::new().cut_at(100).reset());
    let answers = [ApiError::overloaded().into(), broken, Answer::text("Hello")];
    gemini::generate_content(&transport).reply_sequence(answers, SequenceEnd::Fail);

    assert!(transport.block_on(ask(&transport))?.contains("Hello"));
    assert_eq!(transport.now(), Duration::from_secs(1 + 2));
    transport.verify();
    Ok(())
}
