//! The first test of the README, as a program: `cargo run --example first_test`.

use mockwire::{Reply, sync::MockTransport};
use serde_json::json;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let transport = MockTransport::new();
    transport
        .post("https://api.test/v1/messages")
        .header("x-api-key", "secret")
        .json_partial(json!({"model": "small"}))
        .times(1)
        .reply(Reply::json(json!({"text": "hello"})));

    // What your client does; give it `transport.clone()` as its reqwest middleware or tower service.
    let request = http::Request::post("https://api.test/v1/messages")
        .header("x-api-key", "secret")
        .body(r#"{"model": "small", "max_tokens": 8}"#)?;
    let response = transport.block_on(transport.call(request))?;

    assert_eq!(response.status(), 200);
    let captured = transport.last_request().unwrap();
    assert_eq!(captured.request.json_value()?["max_tokens"], 8);
    transport.verify();

    println!(
        "{} was answered with {}",
        captured.request,
        response.status()
    );
    Ok(())
}
