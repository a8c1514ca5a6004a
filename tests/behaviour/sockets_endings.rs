//! How a WebSocket connection whose server end plays a script comes to its end.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use mockwire::{ErrorKind, Fault, Message, Outcome, SocketScript};

use super::chat::{drain, open, playing, said};
use super::test;

const MS: Duration = Duration::from_millis(1);

#[test]
fn a_close_frame_does_not_wait_for_a_delay() {
    let transport = playing(
        SocketScript::new()
            .delay(Duration::from_secs(60))
            .send("late"),
    );
    let mut socket = open(&transport);
    socket.close_with(1000, "").unwrap();
    assert_eq!(
        drain(&transport, &mut socket),
        [Ok(Message::close(1000, ""))]
    );
    assert_eq!(transport.now(), Duration::ZERO);
}

#[test]
fn both_ends_may_close_at_once() {
    let transport = playing(SocketScript::new().delay(MS).close(4000, "server"));
    let mut socket = open(&transport);
    transport.advance(MS);
    // The script's close frame is on its way when the client sends its own.
    let sent = transport.block_on(socket.feed("early".into()));
    sent.unwrap();
    socket.close_with(4001, "client").unwrap();
    let got = drain(&transport, &mut socket);
    assert_eq!(got, [Ok(Message::close(4000, "server"))]);
    assert_eq!(
        said(&transport)[1..],
        ["client: text \"early\"", "client: close 4001 \"client\""]
    );
    assert_eq!(transport.last_request().unwrap().outcome, Outcome::Done);
}

#[test]
fn nothing_can_be_sent_after_closing() {
    let transport = playing(SocketScript::new().echo());
    let mut socket = open(&transport);
    socket.close_with(1000, "").unwrap();
    let error = transport.block_on(socket.send("late".into())).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::SocketClosed);
    let error = socket.close_with(1000, "").unwrap_err();
    assert_eq!(error.code(), "MOCKWIRE_SOCKET_CLOSED");
    // What the server has closed, neither.
    let transport = playing(SocketScript::new().close(1000, ""));
    let mut socket = open(&transport);
    drain(&transport, &mut socket);
    let error = transport.block_on(socket.send("late".into())).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::SocketClosed);
}

#[test]
fn an_abort_is_seen_after_what_was_said_before() {
    let transport = playing(SocketScript::new().send("a").abort());
    let mut socket = open(&transport);
    let got = drain(&transport, &mut socket);
    assert_eq!(got.len(), 2);
    let error = got[1].clone().unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::SocketAborted);
    assert!(error.to_string().contains("1006"));
    let outcome = transport.last_request().unwrap().outcome;
    assert_eq!(outcome, Outcome::Failed(error));
    let error = transport.block_on(socket.send("late".into())).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::SocketAborted);
}

#[test]
fn a_fault_is_seen_as_it_was_scripted() {
    let transport = playing(SocketScript::new().send("a").fault(Fault::ConnectionReset));
    let got = drain(&transport, &mut open(&transport));
    assert_eq!(got[0], Ok(Message::text("a")));
    let fault = got[1].as_ref().unwrap_err().fault();
    assert_eq!(fault, Some(Fault::ConnectionReset));
}

#[test]
fn a_fault_may_come_after_so_many_messages() {
    for n in [0, 1, 3] {
        let script = SocketScript::new().echo().fault_after(n, Fault::Timeout);
        let transport = playing(script);
        let mut socket = open(&transport);
        transport.block_on(async {
            for text in ["a", "b", "c", "d"] {
                let _ = socket.send(text.into()).await;
            }
        });
        let got = drain(&transport, &mut socket);
        assert_eq!(got.iter().filter(|it| it.is_ok()).count() as u64, n);
        let last = got.last().unwrap().as_ref().unwrap_err();
        assert_eq!(last.fault(), Some(Fault::Timeout));
    }
}

#[test]
fn what_may_not_be_sent_is_refused() {
    let transport = playing(SocketScript::new().echo());
    let mut socket = open(&transport);
    for code in [0, 999, 1004, 1005, 1006, 1015, 2999, 5000] {
        let error = socket.close_with(code, "").unwrap_err();
        assert_eq!(error.code(), "MOCKWIRE_INVALID_MESSAGE", "{code}");
    }
    let long = Message::Ping(vec![0; 126].into());
    let error = transport.block_on(socket.send(long)).unwrap_err();
    assert_eq!(error.code(), "MOCKWIRE_INVALID_MESSAGE");
    // None of it has harmed the connection.
    transport.block_on(socket.send("still".into())).unwrap();
    let got = transport.block_on(socket.next());
    assert_eq!(got, Some(Ok(Message::text("still"))));
}

#[test]
fn a_client_that_drops_its_end_has_gone() {
    let transport = playing(SocketScript::new().echo());
    let socket = open(&transport);
    drop(socket);
    assert_eq!(
        transport.last_request().unwrap().outcome,
        Outcome::Cancelled
    );
    // One that has closed before has not.
    let mut socket = open(&transport);
    socket.close_with(1000, "").unwrap();
    drop(socket);
    assert_eq!(transport.last_request().unwrap().outcome, Outcome::Done);
}
