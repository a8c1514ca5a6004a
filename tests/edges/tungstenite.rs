//! A real WebSocket client over the transport's bytes.

use std::io;
use std::time::Duration;

use async_tungstenite::WebSocketStream;
use async_tungstenite::tungstenite::client::IntoClientRequest;
use async_tungstenite::tungstenite::protocol::CloseFrame;
use async_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Control, Data, OpCode};
use async_tungstenite::tungstenite::protocol::frame::{Frame, FrameHeader};
use async_tungstenite::tungstenite::{Error as WireError, Message};
use futures::{AsyncReadExt, AsyncWriteExt, SinkExt, StreamExt};
use mockwire::connections::ConnectionRate;
use mockwire::futures::{Duplex, ServerSocket};
use mockwire::sync::MockTransport;
use mockwire::{
    Error, ErrorKind, Fault, Message as Sent, Outcome, Reply, Side, SocketScript, Threaded,
};

const URL: &str = "wss://api.test/chat";

type Client = WebSocketStream<Duplex<Threaded>>;

fn playing(script: SocketScript) -> MockTransport {
    let transport = MockTransport::new();
    transport.websocket(URL).accept(script);
    transport
}

async fn try_open(transport: &MockTransport) -> Result<Client, WireError> {
    let bytes = transport.connect_bytes();
    let (client, response) = async_tungstenite::client_async(URL, bytes).await?;
    assert_eq!(response.status(), 101);
    Ok(client)
}

fn open(transport: &MockTransport) -> Client {
    transport.block_on(try_open(transport)).unwrap()
}

/// What the client gets until the end.
fn drain(transport: &MockTransport, client: &mut Client) -> Vec<Message> {
    let all = client.map(Result::unwrap).collect();
    transport.block_on(all)
}

fn close(code: u16, reason: &str) -> Message {
    Message::Close(Some(CloseFrame {
        code: code.into(),
        reason: reason.to_owned().into(),
    }))
}

fn said(transport: &MockTransport) -> Vec<String> {
    let messages = transport.last_request().unwrap().messages;
    messages.iter().map(ToString::to_string).collect()
}

#[test]
fn the_handshake_asks_the_same_rules() {
    let transport = playing(SocketScript::new().send("hello"));
    let mut client = open(&transport);
    let got = transport.block_on(client.next()).unwrap().unwrap();
    assert_eq!(got, Message::text("hello"));
    let captured = transport.last_request().unwrap();
    assert_eq!(captured.request.url().to_string(), URL);
    assert_eq!(captured.request.header("host"), Some("api.test"));
    assert!(captured.request.header("sec-websocket-key").is_some());
    assert_eq!(captured.response.unwrap().status, 101);
}

#[test]
fn without_tls_the_scheme_is_ws() {
    let transport = MockTransport::new();
    transport
        .websocket("ws://api.test:8080/a?b=1")
        .accept(SocketScript::new());
    let bytes = transport.connect_bytes().without_tls();
    let connected = async_tungstenite::client_async("ws://api.test:8080/a?b=1", bytes);
    transport.block_on(connected).unwrap();
}

#[test]
fn a_subprotocol_is_negotiated() {
    let transport = playing(SocketScript::new().protocol("v2"));
    let connect = |offered: &'static str| {
        let mut request = URL.into_client_request().unwrap();
        let value = offered.parse().unwrap();
        request
            .headers_mut()
            .insert("sec-websocket-protocol", value);
        transport.block_on(async_tungstenite::client_async(
            request,
            transport.connect_bytes(),
        ))
    };
    let (_, response) = connect("v1, v2").unwrap();
    assert_eq!(response.headers()["sec-websocket-protocol"], "v2");
    let WireError::Io(error) = connect("v1").unwrap_err() else {
        panic!("not the error of the bytes");
    };
    let error = source(&error);
    assert_eq!(error.code(), "MOCKWIRE_PROTOCOL_MISMATCH");
}

/// The error that an error of the bytes stands for.
fn source(error: &io::Error) -> &Error {
    Error::find(error).unwrap()
}

#[test]
fn a_refusal_is_a_response() {
    let transport = MockTransport::new();
    let reply = Reply::text("who are you?")
        .with_status(401)
        .header("x", "1");
    transport.websocket(URL).reply(reply);
    let Err(WireError::Http(response)) = transport.block_on(try_open(&transport)) else {
        panic!("not refused");
    };
    assert_eq!(response.status(), 401);
    assert_eq!(response.headers()["x"], "1");
    let body = response.body().as_deref();
    assert_eq!(body, Some(&b"who are you?"[..]));
}

#[test]
fn who_connects_too_fast_gets_429() {
    let transport = MockTransport::new();
    let rate = ConnectionRate::new(1, Duration::from_millis(1500)).unwrap();
    let rule = transport.websocket(URL).connection_rate(rate);
    rule.accept(SocketScript::new());
    let _first = transport.block_on(try_open(&transport)).unwrap();
    let Err(WireError::Http(response)) = transport.block_on(try_open(&transport)) else {
        panic!("not refused");
    };
    assert_eq!(response.status(), 429);
    assert_eq!(response.headers()["retry-after"], "2");
}

#[test]
fn what_is_no_response_is_an_error_of_the_bytes() {
    let transport = MockTransport::new();
    let Err(WireError::Io(error)) = transport.block_on(try_open(&transport)) else {
        panic!("matched");
    };
    assert!(source(&error).is_unmatched());
    assert!(error.to_string().contains("no rule matched"), "{error}");
    let transport = MockTransport::new();
    transport.websocket(URL).reply(Fault::ConnectionReset);
    let Err(WireError::Io(error)) = transport.block_on(try_open(&transport)) else {
        panic!("connected");
    };
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    assert_eq!(source(&error).fault(), Some(Fault::ConnectionReset));
}

#[test]
fn a_connection_that_never_opens_is_reported_as_stalled() {
    let transport = playing(SocketScript::new().never_open());
    let error = transport.try_block_on(try_open(&transport)).unwrap_err();
    assert_eq!(error.code(), "MOCKWIRE_STALLED");
}

#[test]
fn messages_go_both_ways_and_delays_take_no_time() {
    let script = SocketScript::new()
        .expect("hi")
        .expect(vec![1, 2].into_iter().collect::<bytes::Bytes>())
        .delay(Duration::from_secs(3600))
        .send("hello")
        .send(vec![3, 4])
        .close(4000, "bye");
    let transport = playing(script);
    let mut client = open(&transport);
    transport.block_on(async {
        client.send(Message::text("hi")).await.unwrap();
        client.send(Message::binary(vec![1, 2])).await.unwrap();
    });
    let got = drain(&transport, &mut client);
    let expected = [
        Message::text("hello"),
        Message::binary(vec![3, 4]),
        close(4000, "bye"),
    ];
    assert_eq!(got, expected);
    drop(client);
    let captured = transport.last_request().unwrap();
    assert_eq!(captured.messages.len(), 6);
    assert_eq!(captured.messages[5].from, Side::Client);
    assert_eq!(captured.messages[5].message, Sent::close(4000, "bye"));
    assert_eq!(captured.outcome, Outcome::Done);
    assert_eq!(transport.in_flight(), 0);
    transport.verify();
}

#[test]
fn a_message_may_come_in_fragments() {
    let transport = playing(SocketScript::new().echo());
    let mut client = open(&transport);
    let fragment = |payload: &'static [u8], code: Data, last: bool| {
        Message::Frame(Frame::message(payload, OpCode::Data(code), last))
    };
    transport.block_on(async {
        // Also within a character; a ping may come in between.
        let text = "naïve".as_bytes();
        client
            .send(fragment(&text[..3], Data::Text, false))
            .await
            .unwrap();
        client.send(Message::Ping("p".into())).await.unwrap();
        client
            .send(fragment(&text[3..], Data::Continue, false))
            .await
            .unwrap();
        client
            .send(fragment(b"!", Data::Continue, true))
            .await
            .unwrap();
        let got = client.next().await.unwrap().unwrap();
        assert_eq!(got, Message::Pong("p".into()));
        let got = client.next().await.unwrap().unwrap();
        assert_eq!(got, Message::text("naïve!"));
    });
}

#[test]
fn a_large_message_takes_its_turns() {
    let transport = playing(SocketScript::new().echo());
    let client = open(&transport);
    let large: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let (mut sender, mut receiver) = client.split();
    let sent = async {
        // Three in a row, each far larger than the bytes that wait in between.
        for _ in 0..3 {
            sender.send(Message::binary(large.clone())).await.unwrap();
        }
    };
    let received = async {
        for _ in 0..3 {
            let got = receiver.next().await.unwrap().unwrap();
            assert_eq!(got, Message::binary(large.clone()));
        }
    };
    transport.block_on(async { futures::join!(sent, received) });
}

#[test]
fn a_client_that_does_not_read_makes_the_script_wait() {
    let mut script = SocketScript::new();
    for _ in 0..200 {
        script = script.send(vec![0; 10_000]);
    }
    let transport = playing(script.close(1000, ""));
    let mut client = open(&transport);
    let said = transport.last_request().unwrap().messages.len();
    assert!(said < 100, "{said}");
    assert_eq!(drain(&transport, &mut client).len(), 201);
}

#[test]
fn pings_are_answered_once_on_both_ends() {
    let transport = playing(SocketScript::new().ping("from the server").expect("done"));
    let mut client = open(&transport);
    transport.block_on(async {
        let got = client.next().await.unwrap().unwrap();
        assert_eq!(got, Message::Ping("from the server".into()));
        client
            .send(Message::Ping("from the client".into()))
            .await
            .unwrap();
        let got = client.next().await.unwrap().unwrap();
        assert_eq!(got, Message::Pong("from the client".into()));
        client.send(Message::text("done")).await.unwrap();
        client.close(None).await.unwrap();
    });
    assert_eq!(drain(&transport, &mut client).len(), 1);
    let said = said(&transport);
    let pings = [
        // The client sends its pong with whatever it sends next.
        "server: a ping",
        "client: a ping",
        "server: a pong",
        "client: a pong",
    ];
    assert_eq!(said[..4], pings);
    assert_eq!(said.len(), 7, "{said:?}");
    transport.verify();
}

#[test]
fn the_client_may_close() {
    let transport = playing(SocketScript::new().echo());
    let mut client = open(&transport);
    let frame = CloseFrame {
        code: CloseCode::Away,
        reason: "bye".into(),
    };
    transport.block_on(client.close(Some(frame))).unwrap();
    let got = drain(&transport, &mut client);
    assert_eq!(got, [close(1001, "bye")]);
    assert_eq!(
        said(&transport),
        ["client: close 1001 \"bye\"", "server: close 1001 \"bye\""]
    );
    assert_eq!(transport.last_request().unwrap().outcome, Outcome::Done);
    // Without a code.
    let mut client = open(&transport);
    transport.block_on(client.close(None)).unwrap();
    assert_eq!(drain(&transport, &mut client), [Message::Close(None)]);
}

#[test]
fn an_end_that_is_dropped_is_gone_for_the_other() {
    let transport = playing(SocketScript::new().send("last words").abort());
    let mut client = open(&transport);
    transport.block_on(async {
        let got = client.next().await.unwrap().unwrap();
        assert_eq!(got, Message::text("last words"));
        let error = client.next().await.unwrap().unwrap_err();
        assert!(
            matches!(error, WireError::Protocol(_)),
            "{error}: reset without closing handshake"
        );
    });
    let transport = MockTransport::new();
    let endpoint = transport.websocket(URL).accept_by_hand();
    let client = open(&transport);
    transport.block_on(async {
        let mut server = endpoint.next().await.unwrap();
        drop(client);
        let error = server.next().await.unwrap().unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::SocketAborted);
    });
    // The same where the client only stops sending.
    let mut client = open(&transport);
    transport.block_on(async {
        let mut server = endpoint.next().await.unwrap();
        client.get_mut().close().await.unwrap();
        assert!(client.next().await.unwrap().is_err());
        assert!(server.next().await.unwrap().is_err());
    });
}

#[test]
fn a_fault_is_an_error_of_the_bytes() {
    let transport = playing(SocketScript::new().send("a").fault(Fault::ConnectionReset));
    let mut client = open(&transport);
    transport.block_on(async {
        client.next().await.unwrap().unwrap();
        let Some(Err(WireError::Io(error))) = client.next().await else {
            panic!("no error");
        };
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    });
}

#[test]
fn a_handler_has_the_servers_end() {
    let transport = MockTransport::new();
    let shout = |mut socket: ServerSocket<Threaded>| async move {
        while let Some(message) = socket.next().await.transpose()? {
            if let Some(text) = message.as_text() {
                socket.send(text.to_uppercase().into()).await?;
            }
        }
        Ok::<_, Error>(())
    };
    transport.websocket(URL).accept_with(shout);
    let mut client = open(&transport);
    transport.block_on(async {
        client.send(Message::text("hello")).await.unwrap();
        let got = client.next().await.unwrap().unwrap();
        assert_eq!(got, Message::text("HELLO"));
        client.close(None).await.unwrap();
    });
    assert_eq!(drain(&transport, &mut client), [Message::Close(None)]);
}

#[test]
fn what_is_not_expected_closes_with_1008() {
    let transport = playing(SocketScript::new().expect("hi"));
    let mut client = open(&transport);
    transport
        .block_on(client.send(Message::text("ho")))
        .unwrap();
    let got = drain(&transport, &mut client);
    assert_eq!(got, [close(1008, "expected text \"hi\", got text \"ho\"")]);
    assert!(transport.try_verify().is_err());
}

/// Bytes after the handshake, and what comes back: the code of the close frame.
fn code_after(bytes: &[u8]) -> u16 {
    let transport = playing(SocketScript::new().echo());
    let code = transport.block_on(async {
        let mut raw = transport.connect_bytes();
        let request = "GET /chat HTTP/1.1\r\nHost: api.test\r\nConnection: upgrade\r\n\
            Upgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\n\
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        raw.write_all(request.as_bytes()).await.unwrap();
        raw.write_all(bytes).await.unwrap();
        let mut all = Vec::new();
        raw.read_to_end(&mut all).await.unwrap();
        let head = all.windows(4).position(|it| it == b"\r\n\r\n").unwrap();
        let text = String::from_utf8_lossy(&all[..head]).to_lowercase();
        // The vector of RFC 6455 §1.3.
        let accept = "sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=";
        assert!(
            text.starts_with("http/1.1 101") && text.contains(accept),
            "{text}"
        );
        let frame = &all[head + 4..];
        assert_eq!(frame[0], 0x88, "a close frame: {frame:?}");
        u16::from_be_bytes([frame[2], frame[3]])
    });
    assert_eq!(transport.in_flight(), 0);
    code
}

/// A masked frame, with a mask of zeros.
fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    let head = [opcode, 0x80 | length, 0, 0, 0, 0];
    [&head, payload].concat()
}

#[test]
fn what_is_no_frame_is_refused_with_the_right_code() {
    let unmasked = [0x81, 1, b'a'];
    assert_eq!(code_after(&unmasked), 1002);
    let reserved_bit = frame(0xC1, b"a");
    assert_eq!(code_after(&reserved_bit), 1002);
    let reserved_opcode = frame(0x83, b"a");
    assert_eq!(code_after(&reserved_opcode), 1002);
    let continuation_of_nothing = frame(0x80, b"a");
    assert_eq!(code_after(&continuation_of_nothing), 1002);
    let fragmented_ping = frame(0x09, b"a");
    assert_eq!(code_after(&fragmented_ping), 1002);
    let not_utf8 = frame(0x81, &[0xff, 0xfe]);
    assert_eq!(code_after(&not_utf8), 1007);
    let reserved_code = frame(0x88, &1005_u16.to_be_bytes());
    assert_eq!(code_after(&reserved_code), 1002);
    let half_a_code = frame(0x88, &[3]);
    assert_eq!(code_after(&half_a_code), 1002);
    let reason_not_utf8 = frame(0x88, &[3, 0xe8, 0xff]);
    assert_eq!(code_after(&reason_not_utf8), 1007);
    // The control: what is right is answered with the same.
    let proper = frame(0x88, &3000_u16.to_be_bytes());
    assert_eq!(code_after(&proper), 3000);
}

#[test]
fn a_violation_is_noted_and_fails_verification() {
    let transport = playing(SocketScript::new().expect("hi"));
    let mut client = open(&transport);
    let header = FrameHeader {
        opcode: OpCode::Control(Control::Reserved(11)),
        ..FrameHeader::default()
    };
    let reserved = Frame::from_payload(header, "x".into());
    transport
        .block_on(client.send(Message::Frame(reserved)))
        .unwrap();
    let got = drain(&transport, &mut client);
    assert!(matches!(&got[..], [Message::Close(Some(frame))] if frame.code == CloseCode::Protocol));
    let captured = transport.last_request().unwrap();
    assert!(matches!(captured.outcome, Outcome::Failed(_)));
    assert_eq!(captured.messages.len(), 1);
    assert_eq!(captured.messages[0].from, Side::Server);
    let report = transport.try_verify().unwrap_err();
    assert_eq!(report.unmet_messages.len(), 1);
}

#[test]
fn a_request_that_is_no_handshake_is_answered_with_400() {
    let transport = playing(SocketScript::new());
    for request in [
        "GET /chat HTTP/1.1\r\nHost: api.test\r\n\r\n",
        "POST /chat HTTP/1.1\r\nHost: api.test\r\n\r\n",
        "what?\r\n\r\n",
        "GET /chat HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
            Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    ] {
        let text = transport.block_on(async {
            let mut raw = transport.connect_bytes();
            raw.write_all(request.as_bytes()).await.unwrap();
            let mut text = String::new();
            raw.read_to_string(&mut text).await.unwrap();
            text
        });
        assert!(text.starts_with("HTTP/1.1 400 "), "{text}");
    }
    assert_eq!(transport.requests().len(), 0);
}

#[test]
fn it_works_on_an_executor_that_is_not_ours() {
    let script = SocketScript::new().delay(Duration::from_secs(5)).echo();
    let transport = playing(script);
    futures::executor::block_on(async {
        let mut client = try_open(&transport).await.unwrap();
        client.send(Message::text("hi")).await.unwrap();
        assert_eq!(client.next().await.unwrap().unwrap(), Message::text("hi"));
    });
    let tokio = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    tokio.block_on(async move {
        let task = tokio::spawn(async move {
            let mut client = try_open(&transport).await.unwrap();
            client.send(Message::text("hi")).await.unwrap();
            client.next().await.unwrap().unwrap()
        });
        assert_eq!(task.await.unwrap(), Message::text("hi"));
    });
}
