//! WebSocket connections whose server end is with a handler or with the test; many of them.

use std::time::Duration;

use futures::future::{join, join_all, join3};
use futures::{FutureExt, SinkExt, StreamExt, poll};
use mockwire::{ErrorKind, Fault, Message, MessagePattern, Outcome, Side, SocketScript};

use super::support::handshake;
use super::{Endpoint, MockTransport, ServerSocket, Socket, test};

const URL: &str = "wss://api.test/chat";

fn open(transport: &MockTransport) -> Socket {
    transport
        .block_on(transport.connect(handshake(URL)))
        .unwrap()
}

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

#[test]
fn a_message_goes_to_all_clients() {
    let transport = MockTransport::new();
    let endpoint = transport.websocket(URL).accept(SocketScript::new().echo());
    let mut clients: Vec<_> = (0..5).map(|_| open(&transport)).collect();
    let gone = clients.remove(2);
    drop(gone);
    let closing = &mut clients[0];
    closing.close_with(1000, "").unwrap();
    let connections: Vec<_> = endpoint.connections();
    let numbers: Vec<_> = connections.iter().map(|it| it.connection).collect();
    assert_eq!(numbers, [2, 4, 5]);
    assert_eq!(endpoint.broadcast("to all").unwrap(), 3);
    for client in &mut clients[1..] {
        let got = transport.block_on(client.next());
        assert_eq!(got, Some(Ok(Message::text("to all"))));
    }
    assert!(endpoint.broadcast(Message::close(1005, "")).is_err());
    assert_eq!(endpoint.broadcast(Message::close(1001, "")).unwrap(), 3);
    assert_eq!(endpoint.connections(), []);
}

#[test]
fn a_client_may_connect_again() {
    let transport = MockTransport::new();
    let script = SocketScript::new()
        .send("hello")
        .fault_after(1, Fault::ConnectionReset);
    let endpoint = transport.websocket(URL).accept(script);
    for n in 1..=3 {
        let mut socket = open(&transport);
        assert_eq!(socket.connection(), n);
        let got: Vec<_> = transport.block_on((&mut socket).collect());
        assert_eq!(got[0], Ok(Message::text("hello")));
        assert!(got[1].is_err());
    }
    assert_eq!(endpoint.rule().calls(), 3);
    let connections: Vec<_> = endpoint.messages().iter().map(|it| it.connection).collect();
    assert_eq!(connections, [1, 2, 3]);
}

#[test]
fn a_thousand_connections_and_no_crossed_message() {
    const N: usize = 1000;
    let transport = MockTransport::new();
    let endpoint = transport.websocket("wss://api.test/{n}").accept_by_hand();
    let client = |n: usize| {
        let connect = transport.connect(handshake(&format!("wss://api.test/{n}")));
        async move {
            let mut socket = connect.await.unwrap();
            for round in 0..3 {
                socket.send(format!("{n}.{round}").into()).await.unwrap();
                let got = socket.next().await.unwrap().unwrap();
                assert_eq!(got, Message::text(format!("{n} got {n}.{round}")));
            }
            socket.close().await.unwrap();
            socket.collect::<Vec<_>>().await.len()
        }
    };
    let test = async {
        let mut servers = Vec::new();
        for _ in 0..N {
            servers.push(endpoint.next().await.unwrap());
        }
        assert_eq!(endpoint.connections().len(), N);
        let serve = |mut server: ServerSocket| async move {
            let n = server.request().param("n").unwrap().to_owned();
            while let Some(Ok(message)) = server.next().await {
                if let Some(text) = message.as_text() {
                    server.send(format!("{n} got {text}").into()).await.unwrap();
                }
            }
        };
        join_all(servers.into_iter().rev().map(serve)).await;
    };
    let clients = join_all((0..N).map(client));
    let (ends, ()) = transport.block_on(join(clients, test));
    assert!(ends.into_iter().all(|messages| messages == 1));
    assert_eq!(endpoint.messages().len(), N * 8);
    assert_eq!(transport.in_flight(), 0);
}

#[test]
fn a_test_waits_for_what_a_client_says() {
    let transport = MockTransport::new();
    let endpoint = transport.websocket(URL).accept(SocketScript::new().echo());
    let client = async {
        let mut socket = transport.connect(handshake(URL)).await.unwrap();
        for text in ["a", "b", "c"] {
            socket.send(text.into()).await.unwrap();
            // The echo of it is not what a client says.
            socket.next().await.unwrap().unwrap();
        }
        socket
    };
    let b = endpoint.wait_for_message("b");
    let c = endpoint.wait_for_message(MessagePattern::contains("c"));
    let (b, c, socket) = transport.block_on(join3(b, c, client));
    let (b, c) = (b.unwrap(), c.unwrap());
    assert_eq!((b.number, b.from, b.connection), (3, Side::Client, 1));
    assert_eq!(c.message, Message::text("c"));
    // What was said before counts, on connections that are gone as well.
    drop(socket);
    let a = endpoint.wait_for_message("a").now_or_never();
    assert_eq!(a.unwrap().unwrap().number, 1);
    assert_eq!(transport.now(), Duration::ZERO);
}

#[test]
fn a_wait_for_a_message_gives_up_at_its_deadline() {
    let transport = MockTransport::new();
    let endpoint = transport.websocket(URL).accept(SocketScript::new());
    let mut socket = open(&transport);
    transport.block_on(socket.send("other".into())).unwrap();
    let hour = Duration::from_secs(3600);
    let wait = endpoint.wait_for_message("this").within(hour);
    let error = transport.block_on(wait).unwrap_err();
    assert_eq!(error.code(), "MOCKWIRE_TIMED_OUT");
    let text = error.to_string();
    assert!(text.contains("text \"this\" (1 others came)"), "{text}");
    assert_eq!(transport.now(), hour);
    // Also where the executor is not ours.
    let wait = endpoint.wait_for_message("this").within(hour);
    assert!(futures::executor::block_on(wait).is_err());
    assert_eq!(transport.now(), 2 * hour);
    let wait = endpoint.wait_for_message("this");
    let disposing = async { transport.dispose() };
    let (waited, ()) = transport.block_on(join(wait, disposing));
    assert_eq!(waited.unwrap_err().kind(), &ErrorKind::Disposed);
}

#[test]
fn removing_the_rule_leaves_its_connections() {
    let transport = MockTransport::new();
    let endpoint = transport.websocket(URL).accept(SocketScript::new().echo());
    let mut socket = open(&transport);
    endpoint.rule().remove().unwrap();
    transport.block_on(async {
        socket.send("still".into()).await.unwrap();
        assert_eq!(socket.next().await, Some(Ok(Message::text("still"))));
        let again = transport.connect(handshake(URL)).await;
        assert!(again.unwrap_err().is_unmatched());
    });
    assert_eq!(endpoint.connections().len(), 1);
}

#[test]
fn removing_the_rule_ends_what_the_test_has_not_taken() {
    let (transport, endpoint) = by_hand();
    let request = || {
        let mut request = handshake(URL);
        let value = "v1".parse().unwrap();
        request
            .headers_mut()
            .insert("sec-websocket-protocol", value);
        request
    };
    transport.block_on(async {
        let mut taken = transport.connect(request()).await.unwrap();
        let mut server = endpoint.next().await.unwrap();
        let mut waiting = transport.connect(request()).await.unwrap();
        let next = endpoint.rule();
        next.remove().unwrap();
        let error = waiting.next().await.unwrap().unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::SocketAborted);
        server.send("still".into()).await.unwrap();
        assert_eq!(taken.next().await, Some(Ok(Message::text("still"))));
        let error = endpoint.next().await.unwrap_err();
        assert_eq!(error.code(), "MOCKWIRE_STALE_HANDLE");
    });
    let (transport, endpoint) = by_hand();
    let remove = async { endpoint.rule().remove().unwrap() };
    let (next, ()) = transport.block_on(join(endpoint.next(), remove));
    assert_eq!(next.unwrap_err().code(), "MOCKWIRE_STALE_HANDLE");
}

#[test]
fn connections_end_with_the_transport() {
    for (dispose, code) in [
        (true, "MOCKWIRE_DISPOSED"),
        (false, "MOCKWIRE_STALE_HANDLE"),
    ] {
        let (transport, mut client, mut server) = pair();
        let end = async {
            if dispose {
                transport.dispose();
            } else {
                transport.reset();
            }
        };
        let (of_client, of_server, ()) =
            transport.block_on(join3(client.next(), server.next(), end));
        assert_eq!(of_client.unwrap().unwrap_err().code(), code);
        assert_eq!(of_server.unwrap().unwrap_err().code(), code);
        transport.block_on(async {
            assert_eq!(client.next().await, None);
            let error = client.send("x".into()).await.unwrap_err();
            assert_eq!(error.code(), code);
            assert!(server.close().await.is_ok());
        });
        assert_eq!(client.connection(), 0);
        drop((client, server));
        assert_eq!(transport.requests().len(), 0);
    }
    // One that was not open yet.
    let transport = MockTransport::new();
    transport
        .websocket(URL)
        .accept(SocketScript::new().never_open());
    let dispose = async { transport.dispose() };
    let connect = transport.connect(handshake(URL));
    let (connected, ()) = transport.block_on(join(connect, dispose));
    assert_eq!(connected.unwrap_err().kind(), &ErrorKind::Disposed);
}

#[test]
fn only_an_endpoint_by_hand_gives_server_ends() {
    let transport = MockTransport::new();
    let endpoint = transport.websocket(URL).accept(SocketScript::new());
    let error = transport.block_on(endpoint.next()).unwrap_err();
    assert_eq!(error.code(), "MOCKWIRE_INVALID_OPTION");
}

#[test]
fn clearing_the_journal_leaves_connections_alone() {
    let transport = MockTransport::new();
    let endpoint = transport.websocket(URL).accept(SocketScript::new().echo());
    let mut socket = open(&transport);
    transport.clear();
    transport.block_on(async {
        socket.send("still".into()).await.unwrap();
        assert_eq!(socket.next().await, Some(Ok(Message::text("still"))));
    });
    assert_eq!(transport.requests().len(), 0);
    assert_eq!(endpoint.messages().len(), 2);
    drop(socket);
    assert_eq!(endpoint.messages().len(), 0);
}
