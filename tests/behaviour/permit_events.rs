//! What is told of the permits of a transport that limits concurrency.

use std::time::Duration;

use futures::future::join_all;
use futures::{FutureExt, StreamExt};
use mockwire::PermitEventKind::{self, Abandoned, Acquired, Released, Waiting};
use mockwire::{Outcome, PermitEvent, Reply, Timing};

use super::support::get;
use super::{MockTransport, test};

const TAKES: Duration = Duration::from_millis(10);

fn transport(limit: usize) -> MockTransport {
    let transport = MockTransport::builder()
        .max_concurrent(limit)
        .max_concurrent_per_host(1)
        .build();
    transport.otherwise().reply(Reply::status(204).delay(TAKES));
    transport
}

/// `(request, host, what, milliseconds)`
fn told(event: PermitEvent) -> (u64, String, PermitEventKind, u128) {
    let millis = event.at.as_millis();
    (event.sequence, event.key, event.kind, millis)
}

#[test]
fn every_permit_is_told_of_in_order_and_at_its_time() {
    let transport = transport(2);
    let mut events = transport.permit_events();
    let hosts = ["a", "a", "b", "c"].map(|host| format!("https://{host}.test/"));
    let calls = hosts.iter().map(|host| transport.call(get(host)));
    transport.block_on(join_all(calls));
    let told: Vec<_> = events.drain().into_iter().map(told).collect();
    let host = |name: &str| format!("{name}.test");
    assert_eq!(
        told,
        [
            (1, host("a"), Acquired, 0),
            (2, host("a"), Waiting, 0),
            (3, host("b"), Acquired, 0),
            (4, host("c"), Waiting, 0),
            (1, host("a"), Released, 10),
            (2, host("a"), Acquired, 10),
            (3, host("b"), Released, 10),
            (4, host("c"), Acquired, 10),
            (2, host("a"), Released, 20),
            (4, host("c"), Released, 20),
        ]
    );
    assert!(events.drain().is_empty());
    assert_eq!(events.missed(), 0);
    // They say the same as the captures.
    for captured in transport.requests() {
        let of_it = told
            .iter()
            .filter(|(number, ..)| *number == captured.sequence);
        let at = |kind| of_it.clone().find(|it| it.2 == kind).unwrap().3;
        let acquired = captured.at + captured.queued;
        assert_eq!(at(Acquired), acquired.as_millis());
    }
}

#[test]
fn who_gives_up_or_is_reset_is_told_of_too() {
    let transport = transport(1);
    let mut events = transport.permit_events();
    let mut calls: Vec<_> = (0..4).map(|_| transport.call(get("/"))).collect();
    for call in &mut calls {
        assert!(call.now_or_never().is_none());
    }
    drop(calls.remove(1));
    transport.reset();
    let told: Vec<_> = events.drain().into_iter().map(told).collect();
    let kinds: Vec<_> = told.iter().map(|it| (it.0, it.2)).collect();
    assert_eq!(
        kinds[4..],
        [
            (2, Abandoned),
            (1, Released),
            (3, Abandoned),
            (4, Abandoned)
        ]
    );
    // It goes on after a reset, with numbers from 1.
    transport.otherwise().reply("ok");
    drop(transport.call(get("/")).now_or_never());
    assert_eq!(events.drain()[0].sequence, 1);
}

#[test]
fn it_is_a_stream_that_ends_with_the_transport() {
    let transport = MockTransport::builder()
        .timing(Timing::Manual)
        .max_concurrent(1)
        .build();
    let hold = transport.get("/").hold();
    let mut events = transport.permit_events();
    let mut next = events.next();
    assert!((&mut next).now_or_never().is_none());
    let mut call = transport.call(get("/"));
    assert!((&mut call).now_or_never().is_none());
    let first = next.now_or_never().unwrap().unwrap();
    assert_eq!((first.kind, first.sequence), (Acquired, 1));

    // Whoever waits for an event is woken by it.
    let (event, ()) = transport.block_on(async {
        futures::join!(events.next(), async {
            drop(call);
        })
    });
    assert_eq!(event.unwrap().kind, Released);

    let mut next = events.next();
    assert!((&mut next).now_or_never().is_none());
    transport.dispose();
    assert_eq!(next.now_or_never(), Some(None));
    drop(hold);
}

#[test]
fn who_begins_later_or_watches_in_vain_is_told_nothing() {
    let transport = transport(1);
    drop(transport.call(get("/")).now_or_never());
    let mut late = transport.permit_events();
    assert!(late.drain().is_empty());
    drop(transport.call(get("/")).now_or_never());
    assert_eq!(late.drain().len(), 2);

    let unlimited = MockTransport::new();
    unlimited.get("/").reply("ok");
    let mut none = unlimited.permit_events();
    drop(unlimited.call(get("/")).now_or_never());
    assert!(none.drain().is_empty());
    assert!(none.next().now_or_never().is_none());
}

#[test]
fn what_nobody_reads_is_bounded_and_counted() {
    let transport = MockTransport::builder()
        .max_concurrent(1)
        .max_requests(1)
        .build();
    transport.otherwise().reply(Reply::status(204));
    let mut events = transport.permit_events();
    for _ in 0..9_000 {
        transport.block_on(transport.call(get("/"))).unwrap();
    }
    assert_eq!(events.missed(), 2 * 9_000 - 16_384);
    let left = events.drain();
    assert_eq!(left.len(), 16_384);
    assert_eq!((left[0].sequence, left[0].kind), (809, Acquired));
    assert_eq!(transport.last_request().unwrap().outcome, Outcome::Done);
}
