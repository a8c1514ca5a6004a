//! W1: a message to a WebSocket server that sends it back, against a bare pair of channels.

use std::hint::black_box;

use futures_channel::mpsc;
use futures_executor::block_on;
use futures_util::{SinkExt, StreamExt};
use mockwire::Message;

use super::id;
use crate::harness::{Lane, Plan, Series, interleave, nanoseconds};
use crate::report::{Bound, Row};
use crate::subject::Subject;

/// As many messages as wait for an end of a connection.
const QUEUED: usize = 64;

/// What is sent: as much as a small JSON message has.
const TEXT: &str = r#"{"type":"message","id":"0123456789","text":"hello, is it me you hear?"}"#;

pub(super) fn rows<S: Subject>(plan: Plan) -> Vec<Row> {
    let count = plan.iterations(2_000);
    let lanes = vec![
        Lane::new("mockwire", || through::<S>(count, S::echo)),
        Lane::new("pair of channels", || through_channels(count)),
        Lane::new("mockwire, echoed by a handler", || {
            through::<S>(count, S::echo_by_handler)
        }),
    ];
    let series = interleave(plan, lanes);
    let [ours, floor, handler] = &series[..] else {
        unreachable!("three lanes");
    };
    rows_of::<S>(ours, floor, handler)
}

fn rows_of<S: Subject>(ours: &Series, floor: &Series, handler: &Series) -> Vec<Row> {
    let echo = "a text sent to a WebSocket that echoes it, and read, both captured / channel pair";
    vec![
        Row::cost(&id::<S>("W1"), echo, ours, floor, Bound::AtMost(3.0)),
        Row::cost(
            &id::<S>("W1-handler"),
            "the same, echoed by a handler instead of a script",
            handler,
            floor,
            Bound::Unbounded,
        ),
        Row::shown(&format!("W1-floor-{}", S::MODE), floor, "ns"),
    ]
}

fn through<S: Subject>(count: usize, open: impl Fn(&S) -> S::Socket) -> f64 {
    let transport = S::new();
    let mut socket = open(&transport);
    let mut once = || {
        block_on(async {
            let sent = socket.send(Message::text(TEXT)).await;
            sent.expect("the connection is open");
            let got = socket.next().await.expect("an echo");
            assert_eq!(black_box(got), Ok(Message::text(TEXT)));
        });
    };
    for _ in 0..count / 10 {
        once();
    }
    nanoseconds(count, |_| once())
}

fn through_channels(count: usize) -> f64 {
    let (mut to_server, mut server) = mpsc::channel::<Message>(QUEUED);
    let (mut to_client, mut client) = mpsc::channel::<Message>(QUEUED);
    let mut once = || {
        block_on(async {
            let sent = to_server.send(Message::text(TEXT)).await;
            sent.expect("the server is there");
            let heard = server.next().await.expect("a message");
            to_client.send(heard).await.expect("the client is there");
            let got = client.next().await.expect("an echo");
            assert_eq!(black_box(got), Message::text(TEXT));
        });
    };
    for _ in 0..count / 10 {
        once();
    }
    nanoseconds(count, |_| once())
}
