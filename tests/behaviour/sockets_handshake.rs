//! How a WebSocket connection is opened, and how it is not.

use futures::FutureExt;
use futures::future::join;
use mockwire::{ErrorKind, Fault, Outcome, Reply, SequenceEnd, SocketScript};
use serde_json::json;

use super::chat::{URL, playing};
use super::support::{failure, get, handshake};
use super::{MockTransport, test};

#[test]
fn a_connection_that_never_opens_is_reported_as_stalled() {
    let transport = playing(SocketScript::new().never_open());
    let error = transport
        .try_block_on(transport.connect(handshake(URL)))
        .unwrap_err();
    assert_eq!(error.code(), "MOCKWIRE_STALLED");
    assert!(
        error.to_string().contains("GET wss://api.test/chat"),
        "{error}"
    );
    // Whoever has a deadline of its own may give up.
    let mut connect = transport.connect(handshake(URL));
    assert!((&mut connect).now_or_never().is_none());
    drop(connect);
    let captured = transport.last_request().unwrap();
    assert_eq!(captured.outcome, Outcome::Cancelled);
    assert_eq!(captured.response, None);
    assert_eq!(transport.in_flight(), 0);
}

#[test]
fn a_subprotocol_is_chosen_among_those_offered() {
    let transport = playing(SocketScript::new().protocol("v2"));
    let connect = |offered: Option<&str>| {
        let mut request = handshake(URL);
        if let Some(offered) = offered {
            let value = offered.parse().unwrap();
            request
                .headers_mut()
                .append("sec-websocket-protocol", value);
        }
        transport.block_on(transport.connect(request))
    };
    assert_eq!(connect(Some("v1, v2")).unwrap().protocol(), Some("v2"));
    let error = connect(Some("v1")).unwrap_err();
    let kind = ErrorKind::ProtocolMismatch {
        offered: vec!["v1".into()],
        chosen: "v2".into(),
    };
    assert_eq!(error.kind(), &kind);
    assert_eq!(
        transport.last_request().unwrap().outcome,
        Outcome::Failed(error)
    );
    assert_eq!(
        connect(None).unwrap_err().code(),
        "MOCKWIRE_PROTOCOL_MISMATCH"
    );
    // A client may offer what the server does not care for (RFC 6455 §4.2.2).
    let transport = playing(SocketScript::new());
    let mut request = handshake(URL);
    let value = "v1".parse().unwrap();
    request
        .headers_mut()
        .append("sec-websocket-protocol", value);
    let socket = transport.block_on(transport.connect(request)).unwrap();
    assert_eq!(socket.protocol(), None);
}

#[test]
fn a_handshake_may_be_refused() {
    let transport = MockTransport::new();
    transport.websocket(URL).reply(
        Reply::json(json!({"error": "who?"}))
            .with_status(401)
            .header("x", "1"),
    );
    let error = transport
        .block_on(transport.connect(handshake(URL)))
        .unwrap_err();
    let ErrorKind::HandshakeRefused { response, body } = error.kind() else {
        panic!("{error}");
    };
    assert_eq!(response.status, 401);
    assert_eq!(response.headers["x"], "1");
    assert_eq!(body, "{\"error\":\"who?\"}");
    assert!(error.to_string().contains("401"));
    assert_eq!(transport.last_request().unwrap().outcome, Outcome::Done);
}

#[test]
fn whatever_answers_a_request_may_refuse_a_handshake() {
    let transport = MockTransport::new();
    let end = SequenceEnd::RepeatLast;
    transport
        .websocket("/sequence")
        .reply_sequence([500, 503].map(Reply::status), end);
    transport
        .websocket("/handler")
        .reply_async(|_| async { Reply::status(403) });
    transport
        .websocket("/fault")
        .reply(Fault::ConnectionRefused);
    let hold = transport.websocket("/held").hold();
    let status = |path: &str| {
        let connect = transport.connect(handshake(&format!("wss://api.test{path}")));
        match transport.block_on(connect).unwrap_err().kind() {
            ErrorKind::HandshakeRefused { response, .. } => response.status.as_u16(),
            ErrorKind::Fault(Fault::ConnectionRefused) => 0,
            other => panic!("{other}"),
        }
    };
    assert_eq!([status("/sequence"), status("/sequence")], [500, 503]);
    assert_eq!(status("/handler"), 403);
    assert_eq!(status("/fault"), 0);
    let test = async {
        hold.next()
            .await
            .unwrap()
            .reply(Reply::status(429))
            .unwrap();
    };
    let connect = transport.connect(handshake("wss://api.test/held"));
    let (connected, ()) = transport.block_on(join(connect, test));
    assert_eq!(connected.unwrap_err().code(), "MOCKWIRE_HANDSHAKE_REFUSED");
}

#[test]
fn a_handshake_that_nobody_answers_is_unmatched() {
    let transport = MockTransport::new();
    transport.get("https://api.test/chat").reply("plain");
    let error = transport
        .block_on(transport.connect(handshake(URL)))
        .unwrap_err();
    assert!(error.is_unmatched());
    let hint = error.diagnosis().unwrap().hint.unwrap();
    assert!(hint.contains("begin it with `websocket`"));
    assert!(error.to_string().ends_with(hint));
    // The other way round.
    let transport = playing(SocketScript::new());
    let error = failure(&transport, get("/chat"));
    let hint = error.diagnosis().unwrap().hint.unwrap();
    assert!(hint.contains("open the connection with `connect`"));
    // Neither where something else is wrong.
    let error = failure(&transport, get("/other"));
    assert_eq!(error.diagnosis().unwrap().hint, None);
}

#[test]
fn a_plain_call_of_a_rule_for_sockets_is_told_so() {
    let transport = playing(SocketScript::new());
    let request = http::Request::get(URL).header("upgrade", "websocket");
    let call = transport.call(request.body(()).unwrap());
    let error = transport.block_on(call).unwrap_err();
    assert_eq!(error.code(), "MOCKWIRE_SOCKET_ONLY");
    assert!(
        error.to_string().contains("sockets_handshake.rs"),
        "{error}"
    );
}

#[test]
fn what_is_wrong_with_a_handshake_is_said() {
    let transport = playing(SocketScript::new());
    let code = |request: http::request::Builder| {
        let connect = transport.connect(request.body(()).unwrap());
        transport.block_on(connect).unwrap_err().code()
    };
    let post = http::Request::post(URL);
    assert_eq!(code(post), "MOCKWIRE_INVALID_METHOD");
    let ftp = http::Request::get("ftp://api.test/chat");
    assert_eq!(code(ftp), "MOCKWIRE_INVALID_URL");
    assert_eq!(transport.requests().len(), 0);
    // `https:` stands for `wss:`, on either side.
    let request = http::Request::get("https://api.test/chat").body(());
    let connect = transport.connect(request.unwrap());
    assert!(transport.block_on(connect).is_ok());
    let url = transport.last_request().unwrap().request.url().to_string();
    assert_eq!(url, URL);
    let transport = MockTransport::new();
    transport
        .websocket("https://api.test/chat")
        .accept(SocketScript::new());
    let connect = transport.connect(handshake(URL));
    assert!(transport.block_on(connect).is_ok());
}

#[test]
fn a_script_with_a_mistake_is_refused() {
    let transport = MockTransport::new();
    let script = SocketScript::new().close(1006, "");
    let error = transport.websocket(URL).try_accept(script).unwrap_err();
    assert_eq!(error.code(), "MOCKWIRE_INVALID_MESSAGE");
    let script = SocketScript::new().protocol("not a token");
    let error = transport.websocket(URL).try_accept(script).unwrap_err();
    assert_eq!(error.code(), "MOCKWIRE_INVALID_HEADER_VALUE");
}

#[test]
fn rules_for_sockets_are_rules_like_any_other() {
    let transport = MockTransport::new();
    let endpoint = transport
        .websocket("wss://api.test/{room}")
        .header("authorization", "Bearer t")
        .times(2)
        .accept(SocketScript::new().send("hello"));
    let connect = |token: &str| {
        let mut request = handshake("wss://api.test/lobby");
        let value = format!("Bearer {token}").parse().unwrap();
        request.headers_mut().insert("authorization", value);
        transport.block_on(transport.connect(request))
    };
    assert!(connect("other").unwrap_err().is_unmatched());
    transport.clear();
    let sockets = [connect("t").unwrap(), connect("t").unwrap()];
    assert!(connect("t").unwrap_err().is_unmatched());
    assert_eq!(endpoint.rule().calls(), 2);
    assert_eq!(transport.in_flight(), 2);
    drop(sockets);
    assert_eq!(transport.in_flight(), 0);
    transport.clear();
    transport.verify();
}
