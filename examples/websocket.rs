//! A WebSocket whose server plays a script, and one that is a handler.
//!
//! `cargo run --example websocket`

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use mockwire::sync::{MockTransport, ServerSocket};
use mockwire::{Message, SocketScript};

fn main() -> mockwire::Result<()> {
    let transport = MockTransport::new();
    let greeter = SocketScript::new()
        .expect("hello")
        .delay(Duration::from_secs(5))
        .send("welcome")
        .close(1000, "bye");
    transport
        .websocket("wss://api.test/greeter")
        .accept(greeter);
    transport.websocket("wss://api.test/shout").accept_with(
        |mut socket: ServerSocket| async move {
            while let Some(message) = socket.next().await.transpose()? {
                let loud = message.as_text().unwrap_or_default().to_uppercase();
                socket.send(loud.into()).await?;
            }
            Ok::<_, mockwire::Error>(())
        },
    );

    let request = |url| http::Request::get(url).body(()).expect("a request");
    transport.block_on(async {
        let mut client = transport.connect(request("wss://api.test/greeter")).await?;
        client.send("hello".into()).await?;
        while let Some(message) = client.next().await.transpose()? {
            println!("{:?}: {message:?}", transport.now());
        }
        let mut client = transport.connect(request("wss://api.test/shout")).await?;
        client.send("is anybody there?".into()).await?;
        assert_eq!(
            client.next().await.transpose()?,
            Some(Message::text("IS ANYBODY THERE?"))
        );
        client.close().await
    })?;
    for captured in transport.requests() {
        println!("{}: {} messages", captured.request, captured.messages.len());
    }
    transport.verify();
    Ok(())
}
