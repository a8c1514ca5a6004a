//! Who WebSocket connections belong to, and what has passed over them.

use std::time::Duration;

use futures::future::{join, join_all};
use futures::{SinkExt, StreamExt};
use mockwire::connections::{ConnectionBuilder, ConnectionContext, ConnectionInfo, Traffic};
use mockwire::{ErrorKind, Message, Outcome, Part, Request, SocketScript, Timing};
use serde_json::json;

use super::support::handshake;
use super::{MockTransport, ServerSocket, Socket, test};

const URL: &str = "wss://api.test/ada/notes";
const MS: Duration = Duration::from_millis(1);

/// Says who a connection belongs to by its path.
fn by_path(handshake: &Request) -> ConnectionBuilder {
    let param = |name| handshake.param(name).unwrap().to_owned();
    ConnectionContext::builder()
        .user(param("user"))
        .thread(param("thread"))
        .run("run_1")
}

fn connect(transport: &MockTransport, url: &str) -> mockwire::Result<Socket> {
    transport.block_on(transport.connect(handshake(url)))
}

fn traffic(sent: (u64, u64), received: (u64, u64)) -> Traffic {
    Traffic {
        messages_sent: sent.0,
        bytes_sent: sent.1,
        messages_received: received.0,
        bytes_received: received.1,
    }
}

#[test]
fn a_handshake_says_who_its_connection_belongs_to() {
    let transport = MockTransport::new();
    let rule = transport.websocket("/{user}/{thread}").identify(by_path);
    let endpoint = rule.accept(SocketScript::new());
    let ada = connect(&transport, URL).unwrap();
    let bob = connect(&transport, "wss://api.test/bob/notes").unwrap();
    let info = ada.info().unwrap();
    let expected = ConnectionInfo {
        connection_id: "conn_1".into(),
        user: Some("ada".into()),
        thread: Some("notes".into()),
        run: Some("run_1".into()),
        connected_at: Duration::ZERO,
        last_activity: Duration::ZERO,
        active: true,
        state: json!(null),
        traffic: Traffic::default(),
    };
    assert_eq!(info, expected);
    let open: Vec<_> = endpoint
        .connections()
        .into_iter()
        .map(|it| it.info)
        .collect();
    assert_eq!(open, [info, bob.info().unwrap()]);
    let keys: Vec<_> = open
        .iter()
        .map(|info| info.isolation_key().unwrap().to_string())
        .collect();
    assert_eq!(keys, ["ada/notes", "bob/notes"]);
}

#[test]
fn without_it_a_connection_belongs_to_nobody() {
    let transport = MockTransport::new();
    let endpoint = transport.websocket(URL).accept(SocketScript::new().echo());
    let mut socket = connect(&transport, URL).unwrap();
    transport.block_on(async {
        socket.send("hello".into()).await.unwrap();
        socket.next().await.unwrap().unwrap();
    });
    let info = endpoint.connections().remove(0).info;
    assert_eq!((&*info.connection_id, info.active), ("conn_1", true));
    assert_eq!((&info.user, &info.thread, &info.run), (&None, &None, &None));
    assert_eq!(info.isolation_key(), None);
    assert_eq!(info.traffic, traffic((1, 5), (1, 5)));
    info.validate().unwrap();
    let error = ConnectionContext::try_from(info).unwrap_err();
    assert_eq!(error.code(), "MOCKWIRE_MISSING_FIELD");
}

#[test]
fn connections_are_counted_by_transport() {
    let transport = MockTransport::new();
    transport
        .websocket("/{user}/{thread}")
        .accept(SocketScript::new());
    let named = |_: &Request| by_nobody().connection_id("conn_2");
    transport
        .websocket("/named")
        .identify(named)
        .accept(SocketScript::new());
    let id = |url: &str| {
        let socket = connect(&transport, &format!("wss://api.test{url}")).unwrap();
        (socket.info().unwrap().connection_id, socket)
    };
    let (first, socket) = id("/a/b");
    assert_eq!(first, "conn_1");
    drop(socket);
    // What somebody has is not counted; what nobody has any more is not used again.
    let (mine, held) = id("/named");
    assert_eq!(mine, "conn_2");
    assert_eq!(id("/a/b").0, "conn_3");
    drop(held);
    assert_eq!(id("/a/b").0, "conn_4");
    let other = MockTransport::new();
    other.websocket(URL).accept(SocketScript::new());
    let socket = connect(&other, URL).unwrap();
    assert_eq!(socket.info().unwrap().connection_id, "conn_1");
}

fn by_nobody() -> ConnectionBuilder {
    ConnectionContext::builder()
        .user("ada")
        .thread("notes")
        .run("run_1")
}

#[test]
fn what_cannot_be_said_of_a_connection_refuses_it() {
    let transport = MockTransport::new();
    let whole = |builder: ConnectionBuilder| builder.thread("notes").run("run_1");
    transport
        .websocket("/missing")
        .identify(move |_: &Request| whole(ConnectionContext::builder()))
        .accept_by_hand();
    transport
        .websocket("/empty")
        .identify(move |_: &Request| whole(ConnectionContext::builder().user("")))
        .accept_by_hand();
    let twice = transport
        .websocket("/twice")
        .identify(|_: &Request| by_nobody().connection_id("mine"))
        .accept(SocketScript::new());
    let error = |path: &str| {
        let error = connect(&transport, &format!("wss://api.test{path}")).unwrap_err();
        let captured = transport.last_request().unwrap();
        assert_eq!(captured.outcome, Outcome::Failed(error.clone()));
        assert_eq!(captured.response, None);
        error
    };
    let kind = ErrorKind::MissingField {
        of: "connection context",
        field: "user",
    };
    assert_eq!(*error("/missing").kind(), kind);
    let is_refused = |error: mockwire::Error| {
        let ErrorKind::Invalid { part, .. } = error.kind() else {
            panic!("{error}");
        };
        assert_eq!(*part, Part::Connection);
    };
    is_refused(error("/empty"));
    let mut first = connect(&transport, "wss://api.test/twice").unwrap();
    is_refused(error("/twice"));
    assert_eq!(twice.connections().len(), 1);
    // One that is over is not in the way, whoever has it still.
    transport.block_on(async {
        first.close().await.unwrap();
        while first.next().await.is_some() {}
    });
    assert!(!first.info().unwrap().active);
    let second = connect(&transport, "wss://api.test/twice").unwrap();
    drop(first);
    is_refused(error("/twice"));
    drop(second);
    connect(&transport, "wss://api.test/twice").unwrap();
    assert_eq!(transport.in_flight(), 0);
}

#[cfg(not(target_arch = "wasm32"))]
#[test]
fn a_panic_while_it_is_identified_fails_the_handshake() {
    let transport = MockTransport::new();
    let identify = |_: &Request| -> ConnectionBuilder { panic!("who?") };
    transport.websocket(URL).identify(identify).accept_by_hand();
    let error = connect(&transport, URL).unwrap_err();
    let ErrorKind::HandlerPanicked { rule, message } = error.kind() else {
        panic!("{error}");
    };
    assert_eq!(message, "who?");
    assert!(rule.contains("sockets_context.rs"), "{rule}");
    assert_eq!(transport.in_flight(), 0);
}

#[test]
fn messages_are_counted_as_the_server_sees_them() {
    let transport = MockTransport::builder().timing(Timing::Manual).build();
    let rule = transport.websocket("/{user}/{thread}").identify(by_path);
    let endpoint = rule.accept_by_hand();
    let mut client = connect(&transport, URL).unwrap();
    let mut server = transport.block_on(endpoint.next()).unwrap();
    let now = |socket: &ServerSocket| {
        let info = socket.info().unwrap();
        (info.traffic, info.last_activity)
    };
    transport.block_on(async {
        transport.advance(MS);
        client.send("héllo".into()).await.unwrap();
        assert_eq!(now(&server), (traffic((0, 0), (1, 6)), MS));
        transport.advance(MS);
        server.send(vec![1, 2, 3].into()).await.unwrap();
        server.send("".into()).await.unwrap();
        assert_eq!(now(&server), (traffic((2, 3), (1, 6)), 2 * MS));
        // A ping and its answer are activity.
        transport.advance(MS);
        client.send(Message::Ping("alive".into())).await.unwrap();
        assert_eq!(now(&server), (traffic((2, 3), (1, 6)), 3 * MS));
        transport.advance(MS);
        client.close().await.unwrap();
        assert!(client.info().unwrap().active);
        // Half closed: the server may say more.
        server.send("wait".into()).await.unwrap();
        server.close().await.unwrap();
        transport.advance(MS);
        assert_eq!(now(&server), (traffic((3, 7), (1, 6)), 4 * MS));
        assert!(server.send("late".into()).await.is_err());
    });
    let (of_client, of_server) = (client.info().unwrap(), server.info().unwrap());
    assert_eq!(of_client, of_server);
    assert!(!of_client.active);
    assert_eq!(of_client.connected_at, Duration::ZERO);
}

#[test]
fn a_connection_is_in_use_until_one_end_has_gone() {
    let transport = MockTransport::new();
    let endpoint = transport.websocket(URL).accept_by_hand();
    let client = connect(&transport, URL).unwrap();
    let server = transport.block_on(endpoint.next()).unwrap();
    drop(client);
    assert!(!server.info().unwrap().active);
    let transport = MockTransport::new();
    let script = SocketScript::new().send("a").abort();
    transport.websocket(URL).accept(script);
    let client = connect(&transport, URL).unwrap();
    let info = client.info().unwrap();
    assert_eq!(
        (info.active, info.traffic),
        (false, traffic((1, 1), (0, 0)))
    );
}

#[test]
fn a_connection_is_made_when_it_opens_unless_it_is_told_otherwise() {
    let hour = Duration::from_secs(3600);
    let transport = MockTransport::new();
    let script = || SocketScript::new().open_after(3 * hour).send("hello");
    transport.websocket("/usual").accept(script());
    let old = |_: &Request| by_nobody().connected_at(MS).state("waiting");
    let endpoint = transport.websocket("/old").identify(old).accept(script());
    let usual = connect(&transport, "wss://api.test/usual").unwrap();
    let info = usual.info().unwrap();
    assert_eq!(
        (info.connected_at, info.last_activity),
        (3 * hour, 3 * hour)
    );
    let _old = connect(&transport, "wss://api.test/old").unwrap();
    let open = endpoint.connections().remove(0);
    assert_eq!(open.at, 6 * hour);
    assert_eq!(
        (open.info.connected_at, open.info.last_activity),
        (MS, 6 * hour)
    );
    assert_eq!(open.info.state, json!("waiting"));
    let warning = open.age_warning.unwrap();
    assert_eq!((warning.age, warning.limit), (6 * hour - MS, 2 * hour));
}

#[test]
fn an_old_connection_is_worth_a_warning() {
    let transport = MockTransport::builder().timing(Timing::Manual).build();
    let eager = |_: &Request| by_nobody().warn_after(5 * MS);
    let endpoint = transport.websocket(URL).identify(eager).accept_by_hand();
    let client = connect(&transport, URL).unwrap();
    let server = transport.block_on(endpoint.next()).unwrap();
    transport.advance(5 * MS);
    assert_eq!(server.age_warning().unwrap(), None);
    transport.advance(MS);
    let warning = server.age_warning().unwrap().unwrap();
    assert_eq!((warning.age, warning.limit), (6 * MS, 5 * MS));
    assert_eq!(endpoint.connections()[0].age_warning, Some(warning));
    drop(client);
    assert_eq!(server.age_warning().unwrap(), None);
}

#[test]
fn the_test_keeps_what_it_wants_to_know() {
    let transport = MockTransport::new();
    let endpoint = transport.websocket(URL).accept_by_hand();
    let client = connect(&transport, URL).unwrap();
    let server = transport.block_on(endpoint.next()).unwrap();
    server.set_state(json!({"step": 1})).unwrap();
    assert_eq!(client.info().unwrap().state["step"], 1);
    assert_eq!(endpoint.connections()[0].info.state["step"], 1);
    transport.reset();
    let code = "MOCKWIRE_STALE_HANDLE";
    assert_eq!(server.set_state("x").unwrap_err().code(), code);
    assert_eq!(client.info().unwrap_err().code(), code);
    transport.dispose();
    assert_eq!(
        server.age_warning().unwrap_err().code(),
        "MOCKWIRE_DISPOSED"
    );
}

#[test]
fn a_thousand_contexts_and_no_crossed_message() {
    const N: usize = 1000;
    const ROUNDS: usize = 3;
    let transport = MockTransport::new();
    // Ten threads of each user, so that both names count.
    let rule = transport.websocket("/{user}/{thread}").identify(by_path);
    let endpoint = rule.accept_by_hand();
    let key = |n: usize| format!("user {}/thread {}", n / 10, n % 10);
    let client = |n: usize| {
        let url = format!("wss://api.test/user%20{}/thread%20{}", n / 10, n % 10);
        let connect = transport.connect(handshake(&url));
        let key = key(n);
        async move {
            let mut socket = connect.await.unwrap();
            let own = |socket: &Socket| {
                let info = socket.info().unwrap();
                assert_eq!(info.isolation_key().unwrap().to_string(), key);
                info
            };
            for round in 0..ROUNDS {
                socket.send(format!("{key} {round}").into()).await.unwrap();
                let got = socket.next().await.unwrap().unwrap();
                assert_eq!(got, Message::text(format!("for {key} {round}")));
                let traffic = own(&socket).traffic;
                let so_far = round as u64 + 1;
                assert_eq!(traffic.messages_received, so_far);
                assert_eq!(traffic.messages_sent, so_far);
                let bytes = so_far * (key.len() as u64 + 2);
                assert_eq!(
                    (traffic.bytes_received, traffic.bytes_sent),
                    (bytes, bytes + 4 * so_far)
                );
            }
            socket.close().await.unwrap();
            while socket.next().await.is_some() {}
            let info = own(&socket);
            assert!(!info.active);
            info.connection_id
        }
    };
    let serve = |mut server: ServerSocket| async move {
        let key = server.info().unwrap().isolation_key().unwrap().to_string();
        while let Some(Ok(message)) = server.next().await {
            if let Some(text) = message.as_text() {
                // What comes is from whom the context says.
                assert!(text.starts_with(&format!("{key} ")), "{text} for {key}");
                server.send(format!("for {text}").into()).await.unwrap();
            }
        }
    };
    let test = async {
        let mut servers = Vec::new();
        for _ in 0..N {
            servers.push(endpoint.next().await.unwrap());
        }
        let open = endpoint.connections();
        assert_eq!(open.len(), N);
        for (n, it) in open.iter().enumerate() {
            assert_eq!(it.info.connection_id, format!("conn_{}", n + 1));
            assert_eq!(it.info.isolation_key().unwrap().to_string(), key(n));
        }
        join_all(servers.into_iter().rev().map(serve)).await;
    };
    let clients = join_all((0..N).map(client));
    let (ids, ()) = transport.block_on(join(clients, test));
    let ids: std::collections::BTreeSet<_> = ids.into_iter().collect();
    assert_eq!(ids.len(), N);
    assert_eq!(endpoint.messages().len(), N * (2 * ROUNDS + 2));
}
