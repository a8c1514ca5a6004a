//! A stream that breaks, a client that tries again, and an hour that takes no time.
//!
//! `cargo run --example streams`

use std::time::Duration;

use futures_util::StreamExt;
use mockwire::sse::{Event, Reader};
use mockwire::{Reply, Script, SequenceEnd, sync::MockTransport};
use serde_json::json;

const URL: &str = "https://api.test/events";

/// A client of one's own: reads events, and after a failure comes back with what it saw last.
async fn read(transport: &MockTransport) -> mockwire::Result<Vec<String>> {
    let (mut seen, mut last_id) = (Vec::new(), String::new());
    loop {
        let request = http::Request::get(URL).header("last-event-id", &last_id);
        let request = request.body(()).expect("a request");
        let mut body = transport.call(request).await?.into_body();
        let mut reader = Reader::new();
        loop {
            match body.next().await {
                Some(Ok(bytes)) => reader.push(&bytes),
                Some(Err(_)) => break,
                None => return Ok(seen),
            }
            while let Some(message) = reader.next().transpose()? {
                last_id.clone_from(&message.last_event_id);
                seen.push(message.data);
            }
        }
        // An hour of back-off, in the transport's time.
        transport.sleep(Duration::from_secs(3600)).await?;
    }
}

fn main() -> mockwire::Result<()> {
    let transport = MockTransport::new();
    let event = |id: u32| Event::json(json!({"n": id})).id(id.to_string());
    let gap = Duration::from_millis(250);
    let broken = Script::new()
        .events([event(1), event(2), event(3)])
        .gap(gap)
        .cut_at(40)
        .reset();
    let whole = Script::new().events([event(3), event(4)]).gap(gap);
    transport
        .get(URL)
        .reply_sequence([broken, whole].map(Reply::script), SequenceEnd::Fail);

    let seen = transport.block_on(read(&transport))?;
    println!("seen: {seen:?}");
    println!("time: {:?}", transport.now());
    for request in transport.requests() {
        let from = request.request.header("last-event-id").unwrap_or_default();
        let how = request.outcome.as_str();
        println!(
            "#{} from {from:?}: {how}, {} bytes",
            request.sequence, request.delivered
        );
    }
    transport.verify();
    Ok(())
}
