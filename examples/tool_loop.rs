//! An agent that calls tools until the model is done. `cargo run --example tool_loop`

use mockwire::providers::{Answer, Dialogue, Prompt, openai};
use mockwire::sync::MockTransport;
use serde_json::{Value, json};

/// The code under test.
async fn agent(transport: &MockTransport, question: &str) -> mockwire::Result<String> {
    let mut messages = vec![json!({"role": "user", "content": question})];
    loop {
        let body = json!({"model": "gpt", "messages": messages});
        let request = http::Request::post("https://api.openai.com/v1/chat/completions");
        let request = request.body(body).expect("a request");
        let text = transport.call(request).await?.into_body().text().await?;
        let answer: Value = serde_json::from_str(&text).expect("JSON");
        let message = answer["choices"][0]["message"].clone();
        messages.push(message.clone());
        let Some(calls) = message["tool_calls"].as_array() else {
            return Ok(message["content"].as_str().unwrap_or_default().to_owned());
        };
        for call in calls {
            messages.push(json!({"role": "tool", "tool_call_id": call["id"], "content": "21 °C"}));
        }
    }
}

fn main() -> mockwire::Result<()> {
    let transport = MockTransport::new();
    let both = Answer::new()
        .tool("weather", json!({"city": "Paris"}))
        .tool("clock", ());
    let results = Prompt::new()
        .tool_result_contains("weather", "21")
        .tool_result("clock");
    openai::chat_completions(&transport).dialogue(
        Dialogue::new()
            .turn("Is it warm?", both)
            .turn(results, "Yes, it is."),
    );

    let said = transport.block_on(agent(&transport, "Is it warm?"))?;
    assert_eq!(said, "Yes, it is.");
    transport.verify();
    println!("{said} ({} requests)", transport.requests().len());
    Ok(())
}
