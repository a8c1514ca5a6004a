//! How fast WebSocket connections may be made.

use std::time::Duration;

use futures::future::join_all;
use mockwire::connections::{ConnectionBuilder, ConnectionContext, ConnectionRate};
use mockwire::{ErrorKind, Outcome, Request, SocketScript, Timing};

use super::support::handshake;
use super::{MockTransport, Socket, test};

const URL: &str = "wss://api.test/chat";
const MS: Duration = Duration::from_millis(1);

fn connect(transport: &MockTransport, url: &str) -> mockwire::Result<Socket> {
    transport.block_on(transport.connect(handshake(url)))
}

#[test]
fn too_fast_is_refused_and_time_helps() {
    let transport = MockTransport::builder().timing(Timing::Manual).build();
    let rate = ConnectionRate::new(2, 1500 * MS).unwrap();
    let rule = transport.websocket(URL).connection_rate(rate);
    let endpoint = rule.accept(SocketScript::new());
    let _first = connect(&transport, URL).unwrap();
    transport.advance(100 * MS);
    // That one is gone at once makes no room.
    drop(connect(&transport, URL).unwrap());
    for _ in 0..2 {
        let error = connect(&transport, URL).unwrap_err();
        assert_eq!(error.code(), "MOCKWIRE_CONNECTION_RATE_EXCEEDED");
        let kind = ErrorKind::ConnectionRateExceeded {
            limit: 2,
            window: 1500 * MS,
            retry_after: 1400 * MS,
        };
        assert_eq!(*error.kind(), kind);
        let captured = transport.last_request().unwrap();
        assert_eq!(captured.outcome, Outcome::Failed(error));
        let response = captured.response.unwrap();
        assert_eq!(response.status, 429);
        assert_eq!(response.headers["retry-after"], "2");
    }
    assert_eq!(endpoint.connections().len(), 1);
    transport.advance(1399 * MS);
    connect(&transport, URL).unwrap_err();
    transport.advance(MS);
    let third = connect(&transport, URL).unwrap();
    assert_eq!(third.info().unwrap().connection_id, "conn_3");
    connect(&transport, URL).unwrap_err();
    assert_eq!(transport.in_flight(), 2);
}

#[test]
fn a_client_that_waits_as_it_is_told_gets_in() {
    let transport = MockTransport::new();
    let rate = ConnectionRate::new(3, Duration::from_secs(60)).unwrap();
    let rule = transport.websocket(URL).connection_rate(rate);
    rule.accept(SocketScript::new());
    let client = async || loop {
        match transport.connect(handshake(URL)).await {
            Ok(socket) => return socket,
            Err(error) => match *error.kind() {
                ErrorKind::ConnectionRateExceeded { retry_after, .. } => {
                    transport.sleep(retry_after).await.unwrap();
                }
                _ => panic!("{error}"),
            },
        }
    };
    let sockets = transport.block_on(join_all((0..10).map(|_| client())));
    assert_eq!(sockets.len(), 10);
    assert_eq!(transport.now(), Duration::from_secs(180));
}

#[test]
fn each_rule_has_its_own_rate_and_every_connection_its_turn() {
    let transport = MockTransport::new();
    let rate = ConnectionRate::new(1, MS).unwrap();
    let rule = |path: &str| transport.websocket(path).connection_rate(rate.clone());
    let first = rule("/a").accept(SocketScript::new());
    rule("/b").accept_by_hand();
    let ok = |path: &str| connect(&transport, &format!("wss://api.test{path}")).is_ok();
    assert_eq!(["/a", "/b", "/a"].map(ok), [true, true, false]);
    // What is refused before does not count.
    let nobody = |_: &Request| -> ConnectionBuilder { ConnectionContext::builder() };
    let picky = rule("/c").identify(nobody).accept_by_hand();
    let code = || connect(&transport, "wss://api.test/c").unwrap_err().code();
    assert_eq!([code(), code()], ["MOCKWIRE_MISSING_FIELD"; 2]);
    picky.rule().remove().unwrap();
    // A rule that takes its place begins anew.
    first.rule().remove().unwrap();
    rule("/a").accept(SocketScript::new());
    assert!(ok("/a"));
}
