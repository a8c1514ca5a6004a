//! Scripts of WebSocket connections, as JSON: `tests/js/socket-script.test.mjs` plays the same ones
//! in the npm package, and expects the same of them.

use std::collections::HashMap;
use std::fmt::Write as _;

use futures::{SinkExt, StreamExt};
use mockwire::{CloseFrame, Message, SocketMessage, SocketScript};
use serde::Deserialize;

use super::support::handshake;
use super::{MockTransport, test};

const URL: &str = "wss://api.test/chat";
const SCENES: &str = include_str!("../fixtures/socket-scripts.json");

#[derive(Deserialize)]
struct Scene {
    name: String,
    script: SocketScript,
    /// What the client says when the connection is open.
    #[serde(default)]
    says: Vec<String>,
    /// What the client answers to what.
    #[serde(default)]
    answers: HashMap<String, String>,
    /// With what the client closes then.
    closes: Option<Closes>,
    transcript: Vec<String>,
    /// Whether something was expected that did not come.
    #[serde(default)]
    unmet: bool,
}

#[derive(Deserialize)]
struct Closes {
    code: u16,
    reason: String,
}

/// Time, side, kind, content.
fn shown(message: &SocketMessage) -> String {
    let hex = |bytes: &[u8]| {
        bytes.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    };
    let content = match &message.message {
        Message::Text(text) => format!("text {text}"),
        Message::Binary(bytes) => format!("binary {}", hex(bytes)),
        Message::Ping(bytes) => format!("ping {}", hex(bytes)),
        Message::Pong(bytes) => format!("pong {}", hex(bytes)),
        Message::Close(Some(CloseFrame { code, reason })) => format!("close {code} {reason}"),
        Message::Close(None) => String::from("close"),
    };
    format!("{} {} {content}", message.at.as_millis(), message.from)
}

/// What the client said, then what the server said: a client that says several things at once may
/// be answered in between, or not.
fn by_side(mut lines: Vec<String>) -> Vec<String> {
    lines.sort_by_key(|line| line.contains(" server "));
    lines
}

#[test]
fn the_same_scripts_play_the_same_here_and_in_javascript() {
    let scenes: Vec<Scene> = serde_json::from_str(SCENES).unwrap();
    for scene in scenes {
        let transport = MockTransport::new();
        transport.websocket(URL).accept(scene.script);
        transport.block_on(async {
            let mut socket = transport.connect(handshake(URL)).await.unwrap();
            for text in scene.says {
                socket.send(text.into()).await.unwrap();
            }
            if let Some(Closes { code, reason }) = scene.closes {
                socket.close_with(code, reason).unwrap();
            }
            while let Some(Ok(message)) = socket.next().await {
                if let Some(answer) = message.as_text().and_then(|it| scene.answers.get(it)) {
                    socket.send(answer.as_str().into()).await.unwrap();
                }
            }
        });
        let messages = transport.last_request().unwrap().messages;
        let said: Vec<String> = messages.iter().map(shown).collect();
        let expected = scene.transcript;
        assert_eq!(by_side(said), by_side(expected), "{}", scene.name);
        let verdict = transport.try_verify();
        assert_eq!(verdict.is_err(), scene.unmet, "{}", scene.name);
    }
}
