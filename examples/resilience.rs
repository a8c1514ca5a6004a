//! How two clients behave while a server is busy: `cargo run --example resilience`.

use std::time::Duration;

use mockwire::{Error, RateLimit, sync::MockTransport};

/// A server that takes one payment in five seconds.
fn busy_server() -> MockTransport {
    let transport = MockTransport::new();
    let limit = RateLimit::fixed_window(1, Duration::from_secs(5));
    transport.post("/pay").rate_limit(limit).reply("paid");
    transport
}

fn payment(amount: &'static str, key: Option<&str>) -> http::Request<&'static str> {
    let mut request = http::Request::post("https://api.test/pay");
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    request.body(amount).expect("a valid request")
}

/// Tries again every second, whatever the server says.
async fn hasty(transport: &MockTransport, amount: &'static str) -> Result<(), Error> {
    while transport.call(payment(amount, None)).await?.status() != 200 {
        transport.sleep(Duration::from_secs(1)).await?;
    }
    Ok(())
}

/// Waits as long as the server asks for, says that it is the same payment, and reads every body.
async fn patient(transport: &MockTransport, amount: &'static str) -> Result<(), Error> {
    loop {
        let response = transport.call(payment(amount, Some(amount))).await?;
        let asked = response.headers().get("retry-after").cloned();
        response.into_body().text().await?;
        match asked.and_then(|asked| asked.to_str().ok()?.parse().ok()) {
            Some(seconds) => transport.sleep(Duration::from_secs(seconds)).await?,
            None => return Ok(()),
        }
    }
}

fn main() -> Result<(), Error> {
    let transport = busy_server();
    transport.block_on(hasty(&transport, "10 EUR"))?;
    transport.block_on(hasty(&transport, "20 EUR"))?;
    println!("{}\n", transport.verdict());
    assert!(transport.verdict().try_honoured_retry_after().is_err());

    let transport = busy_server();
    transport.block_on(patient(&transport, "10 EUR"))?;
    transport.block_on(patient(&transport, "20 EUR"))?;
    println!("{}", transport.verdict());
    transport.verdict().assert_resilient();
    Ok(())
}
