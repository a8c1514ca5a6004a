//! A chat: what the model says, and what it was asked. `cargo run --example chat --features reqwest`

use mockwire::providers::{Answer, anthropic};
use mockwire::sync::MockTransport;
use reqwest_middleware::ClientBuilder;
use serde_json::{Value, json};

const URL: &str = "https://api.anthropic.com/v1/messages";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let transport = MockTransport::new();
    anthropic::messages(&transport)
        .last_user_message("Is it warm?")
        .reply(Answer::text("Yes, it is."));

    // The code under test: its client has the transport as the last middleware.
    let client = ClientBuilder::new(reqwest::Client::new())
        .with(transport.clone())
        .build();
    let mut body = json!({"model": "claude", "max_tokens": 64, "system": "Be brief."});
    body["messages"] = json!([{"role": "user", "content": "Is it warm?"}]);
    let message: Value = client.post(URL).json(&body).send().await?.json().await?;
    assert_eq!(message["content"][0]["text"], "Yes, it is.");

    // The same answer is a stream of events where the request asks for one.
    body["stream"] = true.into();
    let stream = client.post(URL).json(&body).send().await?.text().await?;
    assert!(stream.contains("event: content_block_delta"));

    let captured = transport.last_request().unwrap();
    let asked = anthropic::conversation(&captured.request)?;
    assert_eq!(asked.system.as_deref(), Some("Be brief."));
    transport.verify();
    println!("{} said {}", asked.model, message["content"][0]["text"]);
    Ok(())
}
