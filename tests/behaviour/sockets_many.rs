//! The WebSocket connections of one rule: many at once, one after the other, and their end.

use std::time::Duration;

use futures::future::{join, join_all, join3};
use futures::{FutureExt, SinkExt, StreamExt};
use mockwire::{ErrorKind, Fault, Message, MessagePattern, Side, SocketScript};

use super::chat::{URL, open};
use super::support::handshake;
use super::{MockTransport, ServerSocket, test};

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
    let transport = MockTransport::new();
    let endpoint = transport.websocket(URL).accept_by_hand();
    transport.block_on(async {
        let mut taken = transport.connect(handshake(URL)).await.unwrap();
        let mut server = endpoint.next().await.unwrap();
        let mut waiting = transport.connect(handshake(URL)).await.unwrap();
        endpoint.rule().remove().unwrap();
        let error = waiting.next().await.unwrap().unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::SocketAborted);
        server.send("still".into()).await.unwrap();
        assert_eq!(taken.next().await, Some(Ok(Message::text("still"))));
        let error = endpoint.next().await.unwrap_err();
        assert_eq!(error.code(), "MOCKWIRE_STALE_HANDLE");
    });
    let transport = MockTransport::new();
    let endpoint = transport.websocket(URL).accept_by_hand();
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
        let transport = MockTransport::new();
        let endpoint = transport.websocket(URL).accept_by_hand();
        let mut client = open(&transport);
        let mut server = transport.block_on(endpoint.next()).unwrap();
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
fn an_end_from_before_a_reset_reaches_nobody() {
    let transport = MockTransport::new();
    transport.websocket(URL).accept(SocketScript::new().echo());
    let mut old = open(&transport);
    transport.reset();
    let endpoint = transport.websocket(URL).accept_by_hand();
    let mut client = open(&transport);
    let mut server = transport.block_on(endpoint.next()).unwrap();
    let error = transport.block_on(old.send("crossed".into())).unwrap_err();
    assert_eq!(error.code(), "MOCKWIRE_STALE_HANDLE");
    assert!(old.info().is_err());
    drop(old);
    transport.block_on(async {
        client.send("own".into()).await.unwrap();
        assert_eq!(server.next().await, Some(Ok(Message::text("own"))));
    });
    assert_eq!(client.info().unwrap().connection_id, "conn_1");
    assert_eq!(endpoint.messages()[0].number, 1);
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
