//! The request queue: order, bounds, workers, cancellation, stopping.

use std::time::Duration;

use futures::{FutureExt, join, pin_mut};
use mockwire::{Completion, ErrorKind, Priority, Stop, Timing};

use super::{MockTransport, RequestQueue, test};

const fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn queue<T>(workers: usize) -> (MockTransport, RequestQueue<T>) {
    let transport = MockTransport::builder().timing(Timing::Manual).build();
    let queue = RequestQueue::new(&transport, workers);
    (transport, queue)
}

/// What a single worker takes, in this order.
fn taken<T>(queue: &RequestQueue<T>) -> Vec<T> {
    let mut items = Vec::new();
    while let Some(Some((item, running))) = queue.next().now_or_never() {
        items.push(item);
        running.done();
    }
    items
}

#[test]
fn the_most_urgent_is_first_and_equals_keep_their_order() {
    use Priority::{Critical, High, Low, Normal};
    let (_, queue) = queue(1);
    let items = [
        (Low, "l1"),
        (Normal, "n1"),
        (Critical, "c1"),
        (High, "h1"),
        (Normal, "n2"),
        (Critical, "c2"),
        (Low, "l2"),
        (High, "h2"),
    ];
    for (priority, item) in items {
        drop(queue.push(item, priority).unwrap());
    }
    assert_eq!(
        taken(&queue),
        ["c1", "c2", "h1", "h2", "n1", "n2", "l1", "l2"]
    );
}

#[test]
fn no_more_are_worked_on_than_there_are_workers() {
    let transport = MockTransport::new();
    let queue = RequestQueue::new(&transport, 3);
    let tickets: Vec<_> = (0..10)
        .map(|n| queue.push(n, Priority::Normal).unwrap())
        .collect();
    queue.stop(Stop::Drain);
    let work = queue.run(|_| async { transport.sleep(millis(10)).await.unwrap() });
    transport.block_on(work);
    // Ten items in four rounds of three: a lower and an upper bound in one.
    assert_eq!(transport.now(), millis(40));
    let status = queue.status();
    assert_eq!((status.peak, status.done, status.running), (3, 10, 0));
    for ticket in tickets {
        assert_eq!(ticket.now_or_never(), Some(Completion::Done));
    }
}

#[test]
fn workers_of_ones_own_share_the_width() {
    let (_, queue) = queue(2);
    for n in 0..3 {
        drop(queue.push(n, Priority::Normal).unwrap());
    }
    let (_, first) = queue.next().now_or_never().flatten().unwrap();
    let (_, second) = queue.next().now_or_never().flatten().unwrap();
    let third = queue.next();
    pin_mut!(third);
    assert!(third.as_mut().now_or_never().is_none());
    first.done();
    let (item, third) = third.now_or_never().flatten().unwrap();
    assert_eq!((item, third.number(), queue.status().running), (2, 3, 2));
    drop(second);
    third.done();
    let status = queue.status();
    assert_eq!((status.done, status.cancelled), (2, 1));
}

#[test]
fn a_full_queue_is_a_typed_error_and_taking_makes_room() {
    let (_, queue) = queue(1);
    let queue = queue.max_waiting(2);
    let push = |n: u8| queue.push(n, Priority::Normal).map(drop);
    push(1).unwrap();
    push(2).unwrap();
    let error = push(3).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::QueueFull { waiting: 2 });
    assert_eq!(error.code(), "MOCKWIRE_QUEUE_FULL");
    let (item, running) = queue.next().now_or_never().flatten().unwrap();
    assert_eq!(item, 1);
    push(4).unwrap();
    running.done();
    assert_eq!(taken(&queue), [2, 4]);
}

#[test]
fn what_is_cancelled_while_it_waits_never_runs() {
    let (_, queue) = queue(1);
    let first = queue.push("first", Priority::Normal).unwrap();
    let second = queue.push("second", Priority::Normal).unwrap();
    let third = queue.push("third", Priority::Normal).unwrap();
    assert_eq!(second.cancel(), Some("second"));
    assert_eq!(second.cancel(), None);
    let (item, running) = queue.next().now_or_never().flatten().unwrap();
    // Too late: it is being worked on.
    assert_eq!((item, first.cancel()), ("first", None));
    running.done();
    assert_eq!(first.cancel(), None);
    assert_eq!(taken(&queue), ["third"]);
    let ended = [first, second, third].map(|ticket| ticket.now_or_never().unwrap());
    assert_eq!(
        ended,
        [Completion::Done, Completion::Cancelled, Completion::Done]
    );
}

#[test]
fn a_ticket_may_be_dropped_and_its_item_is_worked_on_all_the_same() {
    let (_, queue) = queue(1);
    drop(queue.push("item", Priority::Normal).unwrap());
    assert_eq!(taken(&queue), ["item"]);
}

#[test]
fn stopping_drains_or_cancels_and_takes_nothing_more() {
    for (how, done) in [(Stop::Drain, 4), (Stop::Cancel, 1)] {
        let transport = MockTransport::new();
        let queue = RequestQueue::new(&transport, 1);
        let tickets: Vec<_> = (0..4)
            .map(|n| queue.push(n, Priority::Normal).unwrap())
            .collect();
        let stop = async {
            transport.sleep(millis(5)).await.unwrap();
            queue.stop(how);
            let error = queue.push(9, Priority::Critical).unwrap_err();
            assert_eq!(error.code(), "MOCKWIRE_QUEUE_STOPPED");
        };
        let work = queue.run(|_| async { transport.sleep(millis(10)).await.unwrap() });
        transport.block_on(async { join!(work, stop) });
        assert_eq!(
            transport.now(),
            millis(10 * done),
            "what runs goes on: {how:?}"
        );
        let status = queue.status();
        assert_eq!((status.done, status.cancelled), (done, 4 - done));
        assert_eq!(status.stopped, Some(how));
        for (n, ticket) in (0..).zip(tickets) {
            let expected = if n < done {
                Completion::Done
            } else {
                Completion::Cancelled
            };
            assert_eq!(ticket.now_or_never(), Some(expected), "item {n}, {how:?}");
        }
    }
}

#[test]
fn draining_can_become_cancelling_but_not_the_other_way() {
    let (_, queue) = queue(1);
    let ticket = queue.push((), Priority::Normal).unwrap();
    queue.stop(Stop::Drain);
    assert_eq!(queue.status().waiting, 1);
    queue.stop(Stop::Cancel);
    queue.stop(Stop::Drain);
    assert_eq!(queue.status().stopped, Some(Stop::Cancel));
    assert_eq!(ticket.now_or_never(), Some(Completion::Cancelled));
    assert!(queue.next().now_or_never().unwrap().is_none());
}

#[test]
fn idle_workers_are_told_that_the_queue_was_stopped() {
    let (transport, queue) = queue::<()>(4);
    let work = queue.run(|()| async {});
    pin_mut!(work);
    assert!(work.as_mut().now_or_never().is_none());
    queue.stop(Stop::Drain);
    transport.block_on(work);
}

#[test]
fn a_worker_that_gives_up_frees_its_place_and_ends_its_item() {
    let (_, queue) = queue(1);
    let ticket = queue.push("slow", Priority::Normal).unwrap();
    let next = queue.push("next", Priority::Normal).unwrap();
    {
        let work = queue.run(|_| std::future::pending());
        pin_mut!(work);
        assert!(work.now_or_never().is_none());
        assert_eq!(queue.status().running, 1);
    }
    assert_eq!(ticket.now_or_never(), Some(Completion::Cancelled));
    assert_eq!(taken(&queue), ["next"]);
    assert_eq!(next.now_or_never(), Some(Completion::Done));
}

#[test]
fn ageing_ends_starvation() {
    // Something urgent comes whenever a worker is free. A low item waits for its turn.
    let position = |ageing: Option<Duration>| {
        let (transport, mut queue) = queue(1);
        if let Some(step) = ageing {
            queue = queue.ageing(step);
        }
        drop(queue.push("low", Priority::Low).unwrap());
        for n in 0..1000 {
            drop(queue.push("urgent", Priority::Critical).unwrap());
            transport.advance(millis(10));
            let (item, running) = queue.next().now_or_never().flatten().unwrap();
            running.done();
            if item == "low" {
                return Some(n);
            }
        }
        None
    };
    assert_eq!(position(None), None);
    // Three steps of 100 ms, and it is as urgent as the others and older.
    assert_eq!(position(Some(millis(100))), Some(29));
}

// As wasm32 a panic ends the process.
#[cfg(not(target_arch = "wasm32"))]
#[test]
fn a_queue_without_workers_is_refused() {
    let text = super::support::panic_text(|| drop(queue::<()>(0)));
    assert!(text.contains("without workers"), "{text}");
    let text = super::support::panic_text(|| drop(queue::<()>(1).1.ageing(Duration::ZERO)));
    assert!(text.contains("ageing takes time"), "{text}");
}
