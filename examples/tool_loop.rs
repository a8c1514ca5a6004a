//! An agent that calls tools until the model is done. `cargo run --example tool_loop`

use mockwire::providers::{Answer, Dialogue, Prompt, openai};
use mockwire::sync::MockTransport;
use serde_json::{Value, json};

/// The code under test.
async fn agent(transport: &MockTransport, question: &str) -> mockwire::Result<Value> {
    let mut messages = vec![json!({"role": "user", "content": question})];
    loop {
        let body = json!({"model": "gpt", "messages": messages});
        let request = http::Request::post("https://api.openai.com/v1/chat/completions");
        let call = transport.call(request.body(body).expect("a request"));
        let answer: Value = call.await?.into_body().json().await?;
        let message = &answer["choices"][0]["message"];
        let Some(calls) = message["tool_calls"].as_array() else {
            return Ok(message["content"].clone());
        };
        messages.push(message.clone());
        for call in calls {
            messages.push(json!({"role": "tool", "tool_call_id": call["id"], "content": "21 °C"}));
        }
    }
}

fn main() -> mockwire::Result<()> {
    let transport = MockTransport::new();
    let weather = Answer::new().tool("weather", json!({"city": "Paris"}));
    let results = Prompt::new().tool_result_contains("weather", "21");
    let dialogue = Dialogue::new().turn("Is it warm?", weather.tool("clock", ()));
    openai::chat_completions(&transport)
        .dialogue(dialogue.turn(results.tool_result("clock"), "Yes, it is."));

    let said = transport.block_on(agent(&transport, "Is it warm?"))?;
    assert_eq!(said, "Yes, it is.");
    transport.verify();
    println!("{said} ({} requests)", transport.requests().len());
    Ok(())
}
