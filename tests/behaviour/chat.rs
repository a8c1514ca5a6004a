//! What the tests of WebSockets share: one URL, and a client of what is there.

use futures::StreamExt;
use mockwire::{Message, Result, SocketScript};

use super::support::handshake;
use super::{MockTransport, Socket};

pub(super) const URL: &str = "wss://api.test/chat";

/// A transport with one rule that plays a script, registered where this is called.
#[track_caller]
pub(super) fn playing(script: SocketScript) -> MockTransport {
    let transport = MockTransport::new();
    transport.websocket(URL).accept(script);
    transport
}

pub(super) fn open(transport: &MockTransport) -> Socket {
    let connect = transport.connect(handshake(URL));
    transport.block_on(connect).unwrap()
}

/// All that the client gets until the end.
pub(super) fn drain(transport: &MockTransport, socket: &mut Socket) -> Vec<Result<Message>> {
    transport.block_on(socket.collect())
}

/// What both ends have said on the latest connection.
pub(super) fn said(transport: &MockTransport) -> Vec<String> {
    let messages = transport.last_request().unwrap().messages;
    messages.iter().map(ToString::to_string).collect()
}
