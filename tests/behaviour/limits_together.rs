//! Limits where there is more than plain requests: WebSocket connections, outages, killed hosts.

use std::time::Duration;

use futures::{FutureExt, pin_mut};
use mockwire::{Error, ErrorKind, Fault, Outcome, RateLimit, Reply, SocketScript, Timing};

use super::support::get;
use super::{MockTransport, test};

const SOCKET: &str = "wss://api.test/socket";
const OTHER: &str = "https://other.test/";

/// One exchange at once.
fn narrow() -> MockTransport {
    let transport = MockTransport::builder()
        .timing(Timing::Manual)
        .max_concurrent(1)
        .build();
    transport.websocket(SOCKET).accept(SocketScript::new());
    transport.otherwise().reply(Reply::status(204));
    transport
}

fn handshake() -> http::Request<()> {
    http::Request::get(SOCKET).body(()).unwrap()
}

fn in_flight(transport: &MockTransport) -> (usize, usize) {
    let now = transport.concurrency().unwrap();
    (now.in_flight, now.waiting)
}

fn refused(error: &Error) -> u16 {
    match error.kind() {
        ErrorKind::HandshakeRefused { response, .. } => response.status.as_u16(),
        kind => panic!("{kind}"),
    }
}

#[test]
fn a_connection_is_in_flight_as_long_as_the_client_has_it() {
    let transport = narrow();
    let socket = transport.connect(handshake()).now_or_never();
    let socket = socket.unwrap().unwrap();
    let call = transport.call(get(OTHER));
    pin_mut!(call);
    assert!(call.as_mut().now_or_never().is_none());
    assert_eq!(in_flight(&transport), (1, 1));
    transport.advance(Duration::from_secs(2));
    drop(socket);
    assert_eq!(in_flight(&transport), (1, 0));
    let response = call.now_or_never().unwrap().unwrap();
    assert_eq!(response.status(), 204);
    assert_eq!(in_flight(&transport), (0, 0));
    assert_eq!(transport.requests()[1].queued, Duration::from_secs(2));
}

#[test]
fn a_handshake_waits_to_be_admitted() {
    let transport = narrow();
    let hold = transport.get("/held").priority(1).hold();
    let call = transport.call(get("https://api.test/held"));
    let mut call = Box::pin(call);
    assert!(call.as_mut().now_or_never().is_none());
    let connect = transport.connect(handshake());
    pin_mut!(connect);
    assert!(connect.as_mut().now_or_never().is_none());
    let mut given_up = Box::pin(transport.connect(handshake()));
    assert!(given_up.as_mut().now_or_never().is_none());
    assert_eq!(in_flight(&transport), (1, 2));
    drop(given_up);
    assert_eq!(in_flight(&transport), (1, 1));
    drop(call);
    let socket = connect.now_or_never().unwrap().unwrap();
    assert_eq!(in_flight(&transport), (1, 0));
    drop(socket);
    assert_eq!(in_flight(&transport), (0, 0));
    let captured = transport.requests();
    let is_cancelled = |it: &mockwire::Captured| matches!(it.outcome, Outcome::Cancelled);
    assert!(captured.iter().all(is_cancelled));
    drop(hold);
}

// A panic ends a WebAssembly module.
#[cfg(not(target_arch = "wasm32"))]
#[test]
fn a_connection_that_fails_gives_back_what_it_held() {
    let transport = narrow();
    let endpoint = transport
        .websocket("wss://api.test/panics")
        .priority(1)
        .accept_with(
            |_: super::ServerSocket| -> std::future::Ready<mockwire::Result<()>> {
                panic!("on purpose")
            },
        );
    let request = http::Request::get("wss://api.test/panics").body(());
    let failed = transport.connect(request.unwrap()).now_or_never();
    let error = failed.unwrap().unwrap_err();
    assert_eq!(error.code(), "MOCKWIRE_HANDLER_PANICKED");
    assert_eq!(in_flight(&transport), (0, 0));
    drop(endpoint);
}

#[test]
fn a_connection_that_is_refused_gives_back_what_it_held() {
    let transport = narrow();
    transport
        .websocket("wss://api.test/no")
        .priority(1)
        .reply(Reply::status(403));
    let request = http::Request::get("wss://api.test/no").body(());
    let failed = transport.connect(request.unwrap()).now_or_never();
    assert_eq!(refused(&failed.unwrap().unwrap_err()), 403);
    assert_eq!(in_flight(&transport), (0, 0));
}

#[test]
fn handshakes_count_against_rates() {
    let limit = || RateLimit::fixed_window(1, Duration::from_secs(60));
    let of_all = MockTransport::builder().rate_limit(limit()).build();
    of_all.websocket(SOCKET).accept(SocketScript::new());
    let of_rule = MockTransport::new();
    of_rule
        .websocket(SOCKET)
        .rate_limit(limit())
        .accept(SocketScript::new());
    for transport in [of_all, of_rule] {
        let socket = transport.connect(handshake()).now_or_never();
        let socket = socket.unwrap().unwrap();
        let captured = transport.requests().remove(0);
        let head = captured.response.unwrap();
        assert_eq!(head.status, 101);
        assert_eq!(head.headers["ratelimit-remaining"], "0");
        let error = transport.connect(handshake()).now_or_never();
        assert_eq!(refused(&error.unwrap().unwrap_err()), 429);
        drop(socket);
    }
}

#[test]
fn a_host_that_is_down_fails_at_once() {
    let transport = narrow();
    let socket = transport.connect(handshake()).now_or_never();
    transport.outage("other.test", .., Fault::DnsFailure);
    let failed = transport.call(get(OTHER)).now_or_never().unwrap();
    assert_eq!(failed.unwrap_err().code(), "ENOTFOUND");
    assert_eq!(in_flight(&transport), (1, 0));
    drop(socket);
}

#[test]
fn a_host_may_go_down_while_requests_wait_for_it() {
    let transport = narrow();
    let second = Duration::from_secs(1);
    transport.outage("other.test", second.., Fault::DnsFailure);
    let socket = transport.connect(handshake()).now_or_never();
    let call = transport.call(get(OTHER));
    pin_mut!(call);
    assert!(call.as_mut().now_or_never().is_none());
    transport.advance(second);
    assert!(call.as_mut().now_or_never().is_none());
    drop(socket);
    let error = call.now_or_never().unwrap().unwrap_err();
    assert_eq!(error.code(), "ENOTFOUND");
    assert_eq!(in_flight(&transport), (0, 0));
}

#[test]
fn what_a_kill_ends_gives_back_what_it_held() {
    let transport = narrow();
    let socket = transport.connect(handshake()).now_or_never();
    let here = || transport.call(get("https://api.test/"));
    let (waits, other) = (here(), transport.call(get(OTHER)));
    pin_mut!(waits, other);
    assert!(waits.as_mut().now_or_never().is_none());
    assert!(other.as_mut().now_or_never().is_none());
    assert_eq!(in_flight(&transport), (1, 2));
    transport.kill("api.test");
    assert_eq!(in_flight(&transport), (1, 0));
    let error = waits.now_or_never().unwrap().unwrap_err();
    assert_eq!(error.code(), "ECONNRESET");
    assert_eq!(other.now_or_never().unwrap().unwrap().status(), 204);
    assert_eq!(in_flight(&transport), (0, 0));
    drop(socket);
    assert_eq!(in_flight(&transport), (0, 0));
    assert_eq!(transport.concurrency().unwrap().peak, 1);
}
