//! WebSocket connections whose server end plays a script.

use std::time::Duration;

use futures::{FutureExt, SinkExt, StreamExt, poll};
use mockwire::{Message, MessagePattern, Outcome, Side, SocketScript, Timing};
use serde_json::json;

use super::chat::{URL, drain, open, playing, said};
use super::support::handshake;
use super::{MockTransport, test};

const MS: Duration = Duration::from_millis(1);

#[test]
fn a_script_says_what_it_is_told_and_closes() {
    let script = SocketScript::new()
        .expect("hi")
        .expect(MessagePattern::json_partial(json!({"a": 1})))
        .send("hello")
        .send(vec![1, 2])
        .close(1000, "bye");
    let transport = playing(script);
    let mut socket = open(&transport);
    transport.block_on(async {
        socket.send("hi".into()).await.unwrap();
        socket.send(json!({"a": 1, "b": 2}).into()).await.unwrap();
    });
    let got = drain(&transport, &mut socket);
    let expected = [
        Ok(Message::text("hello")),
        Ok(Message::binary(vec![1, 2])),
        Ok(Message::close(1000, "bye")),
    ];
    assert_eq!(got, expected);
    assert_eq!(
        said(&transport),
        [
            "client: text \"hi\"",
            "client: text \"{\\\"a\\\":1,\\\"b\\\":2}\"",
            "server: text \"hello\"",
            "server: 2 bytes",
            "server: close 1000 \"bye\"",
            "client: close 1000 \"bye\"",
        ]
    );
    let captured = transport.last_request().unwrap();
    assert_eq!(captured.outcome, Outcome::Done);
    assert_eq!(captured.response.unwrap().status, 101);
    assert_eq!(captured.delivered, 7);
    assert_eq!(transport.in_flight(), 0);
    transport.verify();
}

#[test]
fn a_connection_without_steps_takes_everything_until_the_client_closes() {
    let transport = playing(SocketScript::new());
    let mut socket = open(&transport);
    transport.block_on(async {
        for n in 0..1000 {
            socket.send(n.to_string().into()).await.unwrap();
        }
        socket.close_with(3000, "done").unwrap();
    });
    let got = drain(&transport, &mut socket);
    assert_eq!(got, [Ok(Message::close(3000, "done"))]);
    assert_eq!(transport.last_request().unwrap().messages.len(), 1002);
    transport.verify();
}

#[test]
fn an_echo_sends_back_until_the_client_closes() {
    let transport = playing(SocketScript::new().echo());
    let mut socket = open(&transport);
    transport.block_on(async {
        for n in 0..200 {
            let message = Message::text(n.to_string());
            socket.send(message.clone()).await.unwrap();
            assert_eq!(socket.next().await.unwrap().unwrap(), message);
        }
        socket.close().await.unwrap();
        // Closing twice is nothing.
        socket.close().await.unwrap();
        let end = socket.next().await.unwrap().unwrap();
        assert_eq!(end, Message::close(1000, ""));
        assert!(socket.next().await.is_none());
        assert!(socket.next().await.is_none());
    });
}

#[test]
fn an_echo_of_so_many_goes_on_with_the_script() {
    let transport = playing(SocketScript::new().echo_times(2).send("enough"));
    let mut socket = open(&transport);
    transport.block_on(async {
        for text in ["a", "b", "c"] {
            socket.send(text.into()).await.unwrap();
        }
        socket.close().await.unwrap();
    });
    let texts: Vec<_> = drain(&transport, &mut socket)
        .into_iter()
        .map(|message| message.unwrap().to_string())
        .collect();
    assert_eq!(
        texts,
        ["text \"a\"", "text \"b\"", "text \"enough\"", "close 1000"]
    );
}

#[test]
fn delays_order_what_is_said_and_nobody_waits() {
    let hour = Duration::from_secs(3600);
    let script = SocketScript::new()
        .open_after(hour)
        .send("first")
        .delay(hour)
        .send("second")
        .delay(hour)
        .close(1001, "");
    let transport = playing(script);
    let mut socket = open(&transport);
    assert_eq!(transport.now(), hour);
    assert_eq!(drain(&transport, &mut socket).len(), 3);
    assert_eq!(transport.now(), 3 * hour);
    let times: Vec<_> = transport.last_request().unwrap().messages;
    let times: Vec<_> = times.iter().map(|message| message.at).collect();
    assert_eq!(times, [hour, 2 * hour, 3 * hour, 3 * hour]);
}

#[test]
fn a_script_that_nobody_looked_at_says_everything_at_its_time() {
    let transport = MockTransport::builder().timing(Timing::Manual).build();
    let script = SocketScript::new()
        .delay(10 * MS)
        .send("a")
        .delay(10 * MS)
        .send("b");
    let endpoint = transport.websocket(URL).accept(script);
    let mut socket = open(&transport);
    assert!(socket.next().now_or_never().is_none());
    transport.advance(500 * MS);
    assert!(socket.next().now_or_never().is_some());
    let times: Vec<_> = endpoint.messages().iter().map(|it| it.at).collect();
    assert_eq!(times, [10 * MS, 20 * MS]);
}

#[test]
fn time_moves_by_hand_when_it_is_told_to() {
    let transport = MockTransport::builder().timing(Timing::Manual).build();
    let script = SocketScript::new()
        .open_after(5 * MS)
        .delay(5 * MS)
        .send("late");
    transport.websocket(URL).accept(script);
    let mut connect = transport.connect(handshake(URL));
    assert!((&mut connect).now_or_never().is_none());
    transport.advance(4 * MS);
    assert!((&mut connect).now_or_never().is_none());
    transport.advance(MS);
    let mut socket = connect.now_or_never().unwrap().unwrap();
    transport.advance(4 * MS);
    assert!(socket.next().now_or_never().is_none());
    transport.advance(MS);
    let message = socket.next().now_or_never().unwrap();
    assert_eq!(message, Some(Ok(Message::text("late"))));
}

#[test]
fn time_also_steps_on_an_executor_that_is_not_ours() {
    let script = SocketScript::new().open_after(MS).delay(MS).send("late");
    let transport = playing(script);
    let got = futures::executor::block_on(async {
        let mut socket = transport.connect(handshake(URL)).await?;
        socket.next().await.unwrap()
    });
    assert_eq!(got.unwrap(), Message::text("late"));
    assert_eq!(transport.now(), 2 * MS);
}

#[test]
fn what_is_not_as_expected_closes_the_connection_and_fails_verification() {
    let transport = playing(SocketScript::new().expect("hi").send("hello"));
    let mut socket = open(&transport);
    transport.block_on(socket.send("ho".into())).unwrap();
    let got = drain(&transport, &mut socket);
    let reason = "expected text \"hi\", got text \"ho\"";
    assert_eq!(got, [Ok(Message::close(1008, reason))]);
    let report = transport.try_verify().unwrap_err();
    assert_eq!(report.unmet_messages.len(), 1);
    let unmet = &report.unmet_messages[0];
    assert_eq!(unmet.connection, 1);
    assert_eq!(unmet.expected, "text \"hi\"");
    assert_eq!(unmet.actual, "text \"ho\"");
    assert!(unmet.site.contains("sockets.rs"), "{}", unmet.site);
    let text = report.to_string();
    assert!(text.contains("expected text \"hi\""), "{text}");
    transport.clear();
    transport.verify();
}

#[test]
fn what_does_not_come_fails_verification() {
    let script = || {
        SocketScript::new()
            .expect("hi")
            .send("a")
            .expect("ho")
            .close(1000, "")
    };
    let actual = |transport: &MockTransport| {
        let report = transport.try_verify().unwrap_err();
        let unmet = report.unmet_messages;
        assert_eq!(unmet.len(), 1);
        (unmet[0].expected.clone(), unmet[0].actual.clone())
    };
    let expected = |text: &str| format!("text {text:?}");
    // Still open.
    let transport = playing(script());
    let mut socket = open(&transport);
    assert_eq!(actual(&transport), (expected("hi"), "nothing came".into()));
    // Closed by the client.
    transport.block_on(socket.send("hi".into())).unwrap();
    socket.close_with(1000, "over").unwrap();
    let closed = "close 1000 \"over\"".to_owned();
    assert_eq!(actual(&transport), (expected("ho"), closed));
    // Gone.
    let transport = playing(script());
    drop(open(&transport));
    assert_eq!(
        actual(&transport),
        (expected("hi"), "the client has gone".into())
    );
    // Not played at all: that the rule was not asked is another matter.
    let transport = playing(script());
    transport.verify();
}

#[test]
fn what_comes_before_it_is_expected_is_not_lost() {
    let script = SocketScript::new()
        .delay(MS)
        .expect("a")
        .send("b")
        .expect("c");
    let transport = playing(script);
    let mut socket = open(&transport);
    transport.block_on(async {
        socket.send("a".into()).await.unwrap();
        socket.send("c".into()).await.unwrap();
        socket.close().await.unwrap();
    });
    let got = drain(&transport, &mut socket);
    assert_eq!(got, [Ok(Message::text("b")), Ok(Message::close(1000, ""))]);
    transport.verify();
}

#[test]
fn a_ping_is_answered_by_the_other_end() {
    let transport = playing(SocketScript::new().ping("are you there?"));
    let mut socket = open(&transport);
    let got = transport.block_on(socket.next()).unwrap().unwrap();
    assert_eq!(got, Message::Ping("are you there?".into()));
    transport
        .block_on(socket.send(Message::Ping("and you?".into())))
        .unwrap();
    let got = transport.block_on(socket.next()).unwrap().unwrap();
    assert_eq!(got, Message::Pong("and you?".into()));
    assert_eq!(
        said(&transport),
        [
            "server: a ping",
            "client: a pong",
            "client: a ping",
            "server: a pong"
        ]
    );
}

#[test]
fn a_ping_does_not_move_a_delay() {
    let transport = MockTransport::builder().timing(Timing::Manual).build();
    transport
        .websocket(URL)
        .accept(SocketScript::new().delay(10 * MS).send("a"));
    let mut socket = open(&transport);
    transport.advance(5 * MS);
    let ping = Message::Ping("p".into());
    socket.send(ping).now_or_never().unwrap().unwrap();
    assert!(socket.next().now_or_never().is_some());
    transport.advance(5 * MS);
    let got = socket.next().now_or_never().unwrap();
    assert_eq!(got, Some(Ok(Message::text("a"))));
}

#[test]
fn a_scope_verifies_what_its_scripts_expect() {
    let transport = MockTransport::new();
    let scope = transport.scope();
    scope
        .websocket(URL)
        .accept(SocketScript::new().expect("hi"));
    drop(open(&transport));
    let report = scope.close().unwrap_err();
    assert_eq!(report.unmet_messages[0].actual, "the client has gone");
    transport.verify();
}

#[test]
fn a_script_waits_for_a_client_that_does_not_read() {
    let mut script = SocketScript::new();
    for n in 0..100 {
        script = script.send(n.to_string());
    }
    let transport = playing(script.close(1000, ""));
    let mut socket = open(&transport);
    let before = transport.last_request().unwrap().messages.len();
    assert!(before < 100, "{before}");
    let got = drain(&transport, &mut socket);
    assert_eq!(got.len(), 101);
    assert_eq!(got[99], Ok(Message::text("99")));
}

#[test]
fn a_client_waits_for_a_script_that_does_not_read() {
    let transport = playing(SocketScript::new().delay(Duration::from_secs(1)).echo());
    let mut socket = open(&transport);
    transport.block_on(async {
        let mut sent = 0;
        while poll!(socket.feed(Message::text("x"))).is_ready() {
            sent += 1;
        }
        assert_eq!(sent, 64);
        // The time that the script waits for has to come first.
        socket.feed("y".into()).await.unwrap();
    });
    assert_eq!(transport.now(), Duration::from_secs(1));
    assert_eq!(transport.last_request().unwrap().blocked_sends, 1);
}

#[test]
fn the_journal_keeps_so_much_of_what_was_said() {
    let transport = MockTransport::builder()
        .max_requests(4)
        .max_body_bytes(3)
        .build();
    transport.websocket(URL).accept(SocketScript::new().echo());
    let mut socket = open(&transport);
    transport.block_on(async {
        for text in ["one", "three", "five"] {
            socket.send(text.into()).await.unwrap();
            // Who reads gets the whole of it.
            assert_eq!(socket.next().await.unwrap().unwrap(), Message::text(text));
        }
    });
    let captured = transport.last_request().unwrap();
    assert_eq!(captured.dropped_messages, 2);
    let kept: Vec<_> = captured.messages;
    let texts: Vec<_> = kept
        .iter()
        .map(|it| it.message.as_text().unwrap())
        .collect();
    assert_eq!(texts, ["thr", "thr", "fiv", "fiv"]);
    assert_eq!(
        (kept[0].bytes, kept[0].number, kept[0].from),
        (5, 3, Side::Client)
    );
    assert_eq!(kept[3].from, Side::Server);
    drop(socket);
    assert_eq!(transport.last_request().unwrap().messages, kept);
}
