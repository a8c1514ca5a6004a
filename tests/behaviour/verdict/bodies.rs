//! Bodies that are read, cancelled or left.

use futures::StreamExt;
use mockwire::Reply;
use mockwire::verdict::Finding;

use super::super::support::{get, handshake, send};
use super::super::{MockTransport, test};
use super::{findings, kinds};

#[test]
fn a_body_is_read_cancelled_or_left() {
    let transport = MockTransport::new();
    transport.get("/").reply(Reply::stream(["one", "two"]));
    let body = || send(&transport, get("/")).unwrap().into_body();
    transport.block_on(body().bytes()).unwrap();
    drop(body());
    let mut begun = body();
    transport.block_on(begun.next()).unwrap().unwrap();
    let untouched = body();
    let verdict = transport.verdict();
    let of = |sequence| vec![sequence];
    let expected = [
        Finding::BodyCancelled { sequences: of(2) },
        Finding::BodyLeftOpen { sequences: of(3) },
        Finding::BodyLeftOpen { sequences: of(4) },
    ];
    assert_eq!(findings(&verdict), expected);
    assert!(verdict.try_bodies_drained().is_err());
    assert!(verdict.try_bodies_released().is_err());
    assert!(verdict.try_resilient().is_err());

    drop((begun, untouched));
    let verdict = transport.verdict();
    assert_eq!(kinds(&verdict), ["body cancelled"; 3]);
    verdict.assert_bodies_released();
    verdict.assert_resilient();
    assert!(verdict.try_bodies_drained().is_err());
    let outcomes: Vec<_> = verdict
        .calls
        .iter()
        .map(|call| call.attempts[0].outcome.as_str())
        .collect();
    assert_eq!(outcomes, ["done", "cancelled", "cancelled", "cancelled"]);
}

#[test]
fn an_answer_without_a_body_leaves_none_open() {
    let transport = MockTransport::new();
    transport.get("/").reply(Reply::status(204));
    let kept = send(&transport, get("/")).unwrap();
    transport.verdict().assert_bodies_drained();
    drop(kept);
}

#[test]
fn a_websocket_that_is_open_is_no_body_left_open() {
    let transport = MockTransport::new();
    let _chat = transport.websocket("wss://api.test/chat").accept_by_hand();
    let open = transport.connect(handshake("wss://api.test/chat"));
    let open = transport.block_on(open).unwrap();
    let verdict = transport.verdict();
    assert_eq!(verdict.calls[0].attempts[0].status, Some(101));
    assert_eq!(kinds(&verdict), [""; 0], "{verdict}");
    drop(open);
}
