//! WebSocket connections.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt, Sink, SinkExt, StreamExt};
use mockwire::connections::ConnectionContext;
use mockwire::{Error, Message, Request, SocketScript};

use super::{
    Endpoint, MockTransport, Mode, Owned, ServerSocket, Socket, arm, armed, assert_intrudes,
    intrude, owned_bytes, poll, watched,
};

/// The request of a WebSocket handshake.
fn handshake() -> http::Request<()> {
    http::Request::get("wss://api.test/socket")
        .body(())
        .unwrap()
}

/// An armed transport with a rule for WebSockets, and the client's end of a connection.
fn armed_socket(
    accept: impl FnOnce(mockwire::When<Mode>) -> Endpoint,
) -> (MockTransport, Endpoint, Socket) {
    let transport = armed();
    let endpoint = accept(transport.websocket("wss://api.test/socket"));
    let connect = transport.connect(handshake()).now_or_never();
    (transport, endpoint, connect.unwrap().unwrap())
}

fn sending(socket: &mut Socket, message: impl Into<Message>) -> mockwire::Result<()> {
    let sent = socket.send(message.into()).now_or_never();
    sent.expect("there is room")
}

#[test]
fn what_is_sent_is_dropped_outside() {
    watched(|| {
        let quiet = |when: mockwire::When<Mode>| when.accept(SocketScript::new());
        let (transport, _endpoint, mut socket) = armed_socket(quiet);
        // A script that does not care for it drops it; the transcript has the last of it.
        sending(&mut socket, owned_bytes()).unwrap();
        assert_intrudes("the connection is gone, and its transcript", || {
            drop(socket);
            transport.clear();
        });
        let (transport, _endpoint, mut socket) = armed_socket(quiet);
        socket.close_with(1000, "").unwrap();
        assert_intrudes("the connection is closed", || {
            let closed = socket.send(owned_bytes().into()).now_or_never();
            closed.unwrap().unwrap_err();
        });
        let ping = Message::Ping(vec![0; 126].into());
        assert!(socket.send(ping).now_or_never().unwrap().is_err());
        transport.dispose();
        let gone = Pin::new(&mut socket).start_send(owned_bytes().into());
        assert_eq!(gone.unwrap_err().code(), "MOCKWIRE_DISPOSED");
    });
}

#[test]
fn what_waits_at_an_end_is_dropped_outside() {
    watched(|| {
        for how in ["leave", "reset", "dispose", "full journal"] {
            let builder = MockTransport::builder();
            let transport = match how {
                "full journal" => builder.max_requests(1).build(),
                _ => builder.build(),
            };
            arm(&transport);
            let url = "wss://api.test/socket";
            let endpoint = transport.websocket(url).accept_by_hand();
            let connect = transport.connect(handshake()).now_or_never();
            let mut client = connect.unwrap().unwrap();
            let server = endpoint.next().now_or_never().unwrap().unwrap();
            sending(&mut client, owned_bytes()).unwrap();
            assert_intrudes(how, || match how {
                "leave" => {
                    drop((server, client));
                    transport.clear();
                }
                "reset" => transport.reset(),
                "dispose" => transport.dispose(),
                _ => {
                    // Both the queue and the transcript have it.
                    sending(&mut client, "another").unwrap();
                    drop(server);
                }
            });
        }
    });
}

#[test]
fn who_waits_for_a_socket_is_woken_and_dropped_outside() {
    watched(|| {
        let by_hand = |when: mockwire::When<Mode>| when.accept_by_hand();
        let (transport, endpoint, mut client) = armed_socket(by_hand);
        let mut server = endpoint.next().now_or_never().unwrap().unwrap();
        assert!(poll(&mut server.next()).is_pending());
        assert_intrudes("the reader replaces its waker", || {
            assert!(poll(&mut server.next()).is_pending());
        });
        assert_intrudes("the reader is woken", || sending(&mut client, "a").unwrap());
        while client.feed(Message::text("x")).now_or_never().is_some() {}
        assert!(poll(&mut client.feed(Message::text("x"))).is_pending());
        assert_intrudes("the writer is woken", || {
            server.next().now_or_never().unwrap();
        });
        let mut next = endpoint.next();
        assert!(poll(&mut next).is_pending());
        assert_intrudes("who waits for a connection is woken", || {
            drop(transport.connect(handshake()).now_or_never());
        });
        let mut wait = endpoint.wait_for_message("this");
        assert!(poll(&mut wait).is_pending());
        assert_intrudes("who waits for a message is woken", || {
            server.next().now_or_never().unwrap();
            sending(&mut client, "that").unwrap();
        });
        assert!(poll(&mut wait).is_pending());
        assert_intrudes("the wait is given up", || drop(wait));
        drop(server.collect::<Vec<_>>().now_or_never());
        assert!(poll(&mut client.next()).is_ready());
        // Those that wait when the transport goes.
        let (transport, _endpoint, mut client) = armed_socket(by_hand);
        assert!(poll(&mut client.next()).is_pending());
        assert_intrudes("disposing", || transport.dispose());
        let transport = armed();
        transport
            .websocket("wss://api.test/socket")
            .accept(SocketScript::new().open_after(Duration::from_secs(1)));
        let mut connect = transport.connect(handshake());
        assert!(poll(&mut connect).is_pending());
        assert_intrudes("giving up", || drop(connect));
    });
}

#[test]
fn a_handler_of_sockets_may_use_the_transport() {
    watched(|| {
        let handler = |when: mockwire::When<Mode>| {
            let owned = Arc::new(Owned);
            when.accept_with(move |mut socket: ServerSocket| {
                intrude();
                let owned = owned.clone();
                async move {
                    intrude();
                    while let Some(Ok(message)) = socket.next().await {
                        intrude();
                        socket.send(message).await?;
                    }
                    drop(owned);
                    Ok::<_, Error>(())
                }
            })
        };
        let (transport, endpoint, mut socket) = armed_socket(handler);
        assert_intrudes("the handler runs", || sending(&mut socket, "a").unwrap());
        assert!(socket.next().now_or_never().is_some());
        endpoint.rule().remove().unwrap();
        assert_intrudes("the rule is gone, and so is the handler", || drop(socket));
        transport.dispose();
    });
}

#[test]
fn what_identifies_connections_may_use_the_transport() {
    watched(|| {
        for whole in [true, false] {
            let transport = MockTransport::new();
            arm(&transport);
            let owned = Owned;
            let url = "wss://api.test/socket";
            let when = transport.websocket(url).identify(move |_: &Request| {
                let _ = &owned;
                intrude();
                let builder = ConnectionContext::builder().user("ada").thread("notes");
                if whole { builder.run("1") } else { builder }
            });
            let endpoint = when.accept(SocketScript::new());
            let connect = || transport.connect(handshake()).now_or_never();
            assert_intrudes("a connection is identified", || {
                assert_eq!(connect().unwrap().is_ok(), whole);
            });
            assert_intrudes("the rule is gone", || endpoint.rule().remove().unwrap());
            transport.dispose();
        }
    });
}
