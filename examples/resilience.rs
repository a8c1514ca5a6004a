//! How two clients behave while a server is busy: `cargo run --example resilience`.

use std::time::Duration;

use mockwire::{Error, RateLimit, sync::MockTransport};

const URL: &str = "https://api.test/v1/payments";

/// A server that takes one payment in five seconds.
fn busy_server() -> MockTransport {
    let transport = MockTransport::new();
    let limit = RateLimit::fixed_window(1, Duration::from_secs(5));
    transport.post(URL).rate_limit(limit).reply("paid");
    transport
}

/// Tries again every second, whatever the server says.
async fn hasty(transport: &MockTransport, amount: &str) -> Result<String, Error> {
    loop {
        let request = http::Request::post(URL).body(amount.to_owned());
        let response = transport.call(request.expect("a valid URL")).await?;
        if response.status() == 200 {
            return response.into_body().text().await;
        }
        transport.sleep(Duration::from_secs(1)).await?;
    }
}

/// Waits as long as the server asks for, and says that it is the same payment.
async fn patient(transport: &MockTransport, amount: &str) -> Result<String, Error> {
    loop {
        let request = http::Request::post(URL).header("idempotency-key", amount);
        let request = request.body(amount.to_owned()).expect("a valid URL");
        let response = transport.call(request).await?;
        let wait = response.headers().get("retry-after").cloned();
        let text = response.into_body().text().await?;
        let Some(seconds) = wait.and_then(|wait| wait.to_str().ok()?.parse().ok()) else {
            return Ok(text);
        };
        transport.sleep(Duration::from_secs(seconds)).await?;
    }
}

fn main() -> Result<(), Error> {
    let transport = busy_server();
    transport.block_on(async {
        hasty(&transport, "1")
            .await
            .and(hasty(&transport, "2").await)
    })?;
    println!("{}\n", transport.verdict());
    assert!(transport.verdict().try_honoured_retry_after().is_err());

    let transport = busy_server();
    transport.block_on(async {
        patient(&transport, "1")
            .await
            .and(patient(&transport, "2").await)
    })?;
    println!("{}", transport.verdict());
    transport.verdict().assert_resilient();
    transport.verdict().assert_idempotent();
    Ok(())
}
