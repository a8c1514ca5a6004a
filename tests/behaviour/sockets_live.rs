//! WebSocket connections whose server end is with a handler, or with the test.

use std::time::Duration;

use futures::future::join;
use futures::{FutureExt, SinkExt, StreamExt, poll};
use mockwire::{ErrorKind, Fault, Message, Outcome};

use super::chat::{URL, open};
use super::support::handshake;
use super::{Endpoint, MockTransport, ServerSocket, Socket, test};

fn by_hand() -> (MockTransport, Endpoint) {
    let transport = MockTransport::new();
    let endpoint = transport.websocket(URL).protocol("v1").accept_by_hand();
    (transport, endpoint)
}

/// A connection, with both its ends.
fn pair() -> (MockTransport, Socket, ServerSocket) {
    let transport = MockTransport::new();
    let endpoint = transport.websocket(URL).accept_by_hand();
    let client = open(&transport);
    let server = transport.block_on(endpoint.next()).unwrap();
    (transport, client, server)
}

async fn shout(mut socket: ServerSocket) -> mockwire::Result<()> {
    while let Some(message) = socket.next().await.transpose()? {
        if let Some(text) = message.as_text() {
            socket.send(text.to_uppercase().into()).await?;
        }
    }
    Ok(())
}

#[test]
fn a_handler_has_the_servers_end() {
    let transport = MockTransport::new();
    transport.websocket(URL).accept_with(shout);
    let mut socket = open(&transport);
    transport.block_on(async {
        for text in ["a", "b"] {
            socket.send(text.into()).await.unwrap();
            let got = socket.next().await.unwrap().unwrap();
            assert_eq!(got, Message::text(text.to_uppercase()));
        }
        socket.close_with(4000, "done").unwrap();
        let got = socket.next().await.unwrap().unwrap();
        assert_eq!(got, Message::close(4000, "done"));
        assert!(socket.next().await.is_none());
    });
    assert_eq!(transport.last_request().unwrap().outcome, Outcome::Done);
}

#[test]
fn a_handler_goes_on_while_the_client_only_sends() {
    let transport = MockTransport::new();
    transport
        .websocket(URL)
        .accept_with(|mut socket: ServerSocket| async move {
            while let Some(Ok(message)) = socket.next().await {
                if message.as_text() == Some("last") {
                    return;
                }
            }
        });
    let mut socket = open(&transport);
    transport.block_on(async {
        // Far more than the queue has room for.
        for _ in 0..1000 {
            socket.send("x".into()).await.unwrap();
        }
        socket.send("last".into()).await.unwrap();
        // The handler has returned without closing.
        let error = socket.next().await.unwrap().unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::SocketAborted);
    });
}

#[test]
fn a_handler_may_speak_first_and_wait_for_the_transports_time() {
    let transport = MockTransport::new();
    let clock = transport.clone();
    transport
        .websocket(URL)
        .accept_with(move |mut socket: ServerSocket| {
            let clock = clock.clone();
            async move {
                socket.send("hello".into()).await?;
                // There is no request: it waits until the deadline.
                let wait = clock.wait_for_requests(99).within(Duration::from_secs(5));
                assert!(wait.await.is_err());
                socket.close_with(1000, "late")
            }
        });
    let mut socket = open(&transport);
    let got: Vec<_> = transport.block_on((&mut socket).collect());
    let expected = [Ok(Message::text("hello")), Ok(Message::close(1000, "late"))];
    assert_eq!(got, expected);
    assert_eq!(transport.now(), Duration::from_secs(5));
}

#[test]
fn what_a_handler_fails_with_reaches_the_client() {
    let transport = MockTransport::new();
    transport
        .websocket(URL)
        .accept_with(|_: ServerSocket| async { Err::<(), _>("out of order") });
    let mut socket = open(&transport);
    let error = transport.block_on(socket.next()).unwrap().unwrap_err();
    assert_eq!(error.code(), "MOCKWIRE_HANDLER_FAILED");
    assert!(error.to_string().contains("sockets_live.rs"), "{error}");
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(source, "out of order");
    let outcome = transport.last_request().unwrap().outcome;
    assert_eq!(outcome, Outcome::Failed(error));
}

#[cfg(not(target_arch = "wasm32"))]
#[test]
fn a_panic_of_a_handler_reaches_the_client() {
    let transport = MockTransport::new();
    transport
        .websocket(URL)
        .accept_with(|mut socket: ServerSocket| async move {
            let message = socket.next().await;
            assert!(message.is_none(), "oh no");
        });
    let mut socket = open(&transport);
    transport.block_on(async {
        socket.send("x".into()).await.unwrap();
        let error = socket.next().await.unwrap().unwrap_err();
        let ErrorKind::HandlerPanicked { message, rule } = error.kind() else {
            panic!("{error}");
        };
        assert_eq!(message, "oh no");
        assert!(rule.contains("sockets_live.rs"));
        assert!(socket.next().await.is_none());
    });
    // Also before there is a future.
    let transport = MockTransport::new();
    transport
        .websocket(URL)
        .accept_with(|_: ServerSocket| -> std::future::Ready<()> { panic!("at once") });
    let connect = transport.connect(handshake(URL));
    let error = transport.block_on(connect).unwrap_err();
    assert_eq!(error.code(), "MOCKWIRE_HANDLER_PANICKED");
    let outcome = transport.last_request().unwrap().outcome;
    assert_eq!(outcome, Outcome::Failed(error));
    assert_eq!(transport.in_flight(), 0);
}

#[test]
fn the_test_takes_the_servers_end() {
    let (transport, endpoint) = by_hand();
    let mut request = handshake(URL);
    let value = "v1".parse().unwrap();
    request
        .headers_mut()
        .insert("sec-websocket-protocol", value);
    let test = async {
        let mut server = endpoint.next().await.unwrap();
        assert_eq!(server.request().path(), "/chat");
        assert_eq!(server.protocol(), Some("v1"));
        assert_eq!(server.connection(), 1);
        server.send("hello".into()).await.unwrap();
        let got = server.next().await.unwrap().unwrap();
        server.close_with(1000, "").unwrap();
        // The client's answer, and the end.
        let rest: Vec<_> = (&mut server).collect().await;
        (got, rest)
    };
    let client = async {
        let mut client = transport.connect(request).await.unwrap();
        assert_eq!(client.protocol(), Some("v1"));
        assert_eq!(client.connection(), 1);
        let got = client.next().await.unwrap().unwrap();
        client.send(got).await.unwrap();
        client.collect::<Vec<_>>().await
    };
    let (of_client, (got, rest)) = transport.block_on(join(client, test));
    assert_eq!(got, Message::text("hello"));
    assert_eq!(of_client, [Ok(Message::close(1000, ""))]);
    assert_eq!(rest, [Ok(Message::close(1000, ""))]);
    assert_eq!(transport.in_flight(), 0);
    assert_eq!(transport.last_request().unwrap().messages.len(), 4);
}

#[test]
fn an_end_that_is_dropped_is_gone_for_the_other() {
    let (transport, mut client, mut server) = pair();
    transport
        .block_on(server.send("last words".into()))
        .unwrap();
    server.abort();
    let got: Vec<_> = transport.block_on((&mut client).collect());
    assert_eq!(got[0], Ok(Message::text("last words")));
    let error = got[1].as_ref().unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::SocketAborted);

    let (transport, client, mut server) = pair();
    drop(client);
    let got: Vec<_> = transport.block_on((&mut server).collect());
    assert_eq!(got.len(), 1);
    let error = got[0].as_ref().unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::SocketAborted);
    let error = transport.block_on(server.send("x".into())).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::SocketAborted);
    assert_eq!(
        transport.last_request().unwrap().outcome,
        Outcome::Cancelled
    );
}

#[test]
fn an_end_that_waits_is_woken_when_the_other_goes() {
    let (transport, mut client, server) = pair();
    let ((), got) = transport.block_on(join(async { drop(server) }, client.next()));
    assert!(got.unwrap().is_err());
    let (transport, client, mut server) = pair();
    let (got, ()) = transport.block_on(join(server.next(), async { drop(client) }));
    assert!(got.unwrap().is_err());
}

#[test]
fn closing_is_answered_by_whoever_reads_it() {
    let (transport, mut client, mut server) = pair();
    client.close_with(3001, "bye").unwrap();
    transport.block_on(async {
        assert!(poll!(client.next()).is_pending());
        assert_eq!(server.next().await, Some(Ok(Message::close(3001, "bye"))));
        assert_eq!(server.next().await, None);
        let late = server.send("late".into()).await.unwrap_err();
        assert_eq!(late.kind(), &ErrorKind::SocketClosed);
        drop(server);
        assert_eq!(client.next().await, Some(Ok(Message::close(3001, "bye"))));
        assert_eq!(client.next().await, None);
    });
    assert_eq!(transport.last_request().unwrap().outcome, Outcome::Done);
}

#[test]
fn two_close_frames_may_cross() {
    let (transport, mut client, mut server) = pair();
    client.close_with(4001, "client").unwrap();
    server.close_with(4002, "server").unwrap();
    transport.block_on(async {
        assert_eq!(
            client.next().await,
            Some(Ok(Message::close(4002, "server")))
        );
        assert_eq!(
            server.next().await,
            Some(Ok(Message::close(4001, "client")))
        );
        assert_eq!((client.next().await, server.next().await), (None, None));
    });
    assert_eq!(transport.last_request().unwrap().messages.len(), 2);
}

#[test]
fn the_test_may_fail_a_connection() {
    let (transport, mut client, server) = pair();
    server.fail(Fault::ConnectionReset).unwrap();
    let error = transport.block_on(client.next()).unwrap().unwrap_err();
    assert_eq!(error.fault(), Some(Fault::ConnectionReset));
}

#[test]
fn who_sends_waits_until_the_other_end_reads() {
    let (transport, mut client, mut server) = pair();
    transport.block_on(async {
        let mut sent = 0;
        while poll!(client.feed(Message::text("x"))).is_ready() {
            sent += 1;
        }
        assert_eq!(sent, 64);
        let read = async {
            server.next().await.unwrap().unwrap();
        };
        let (sent, ()) = join(client.send("y".into()), read).await;
        sent.unwrap();
    });
    // It is one and the same wait.
    assert_eq!(transport.last_request().unwrap().blocked_sends, 1);
    // One large message fills a queue, too.
    let (transport, mut client, server) = pair();
    transport.block_on(async {
        client.send(vec![0; 2 << 20].into()).await.unwrap();
        assert!(poll!(client.feed(Message::text("x"))).is_pending());
        // Whoever waits is told when nobody will read any more.
        let (sent, ()) = join(client.send("x".into()), async { drop(server) }).await;
        assert!(sent.is_err());
    });
}

#[test]
fn a_sender_that_nobody_reads_is_reported_as_stalled() {
    let (transport, mut client, _server) = pair();
    let flood = async {
        loop {
            client.send("x".into()).await.unwrap();
        }
    };
    let error = transport
        .try_block_on::<_>(flood.map(|(): ()| ()))
        .unwrap_err();
    assert_eq!(error.code(), "MOCKWIRE_STALLED");
    assert!(error.to_string().contains("GET wss://api.test/chat"));
}
