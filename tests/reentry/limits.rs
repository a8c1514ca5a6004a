//! Queues and limits.

use std::rc::Rc;
use std::time::Duration;

use futures::FutureExt;
use mockwire::{Priority, Request, Stop};

use super::{
    INTRUSION, MockTransport, Owned, RequestQueue, arm, assert_intrudes, fetch, intrude,
    owned_bytes, poll, request, watched,
};

#[test]
fn who_is_queued_is_read_woken_and_dropped_outside() {
    watched(|| {
        let transport = MockTransport::builder()
            .max_concurrent(1)
            .max_waiting(100)
            .concurrency_key(|_: &Request| {
                intrude();
                "key".to_owned()
            })
            .priority_of(|_: &Request| {
                intrude();
                Priority::High
            })
            .build();
        arm(&transport);
        let hold = transport.post("/").hold();
        let mut first = transport.call(request(()));
        assert_intrudes("reading the key", || assert!(poll(&mut first).is_pending()));
        let mut second = transport.call(request(owned_bytes()));
        assert!(poll(&mut second).is_pending());
        assert_intrudes("replacing the waker", || {
            assert!(poll(&mut second).is_pending());
        });
        assert_intrudes("admitting the next one", || drop(first));
        assert!(poll(&mut second).is_pending());
        let mut third = transport.call(request(owned_bytes()));
        assert!(poll(&mut third).is_pending());
        assert_intrudes("dropping who waits", || drop(third));
        let mut last = transport.call(request(()));
        assert!(poll(&mut last).is_pending());
        assert_intrudes("disposing", || transport.dispose());
        assert!(poll(&mut last).is_ready());
        drop((hold, second));
    });
}

#[test]
fn the_items_and_workers_of_a_queue_are_dropped_and_woken_outside() {
    watched(|| {
        let transport = MockTransport::new();
        let queue = RequestQueue::new(&transport, 1).max_waiting(2);
        let used = queue.clone();
        let intrusion = move || assert!(used.status().peak <= 1);
        drop(INTRUSION.replace(Some(Rc::new(intrusion))));
        let mut worker = queue.next();
        assert!(poll(&mut worker).is_pending());
        let mut first = assert_intrudes("waking a worker", || {
            queue.push(Owned, Priority::Low).unwrap()
        });
        assert!(poll(&mut first).is_pending());
        assert_intrudes("replacing the waker of a ticket", || {
            assert!(poll(&mut first).is_pending());
        });
        let second = queue.push(Owned, Priority::Low).unwrap();
        assert_intrudes("refusing an item", || {
            drop(queue.push(Owned, Priority::Low).unwrap_err());
        });
        assert_intrudes("cancelling an item", || drop(first.cancel()));
        assert!(poll(&mut first).is_ready());
        let (item, running) = queue.next().now_or_never().flatten().unwrap();
        let mut second = second;
        assert!(poll(&mut second).is_pending());
        assert_intrudes("finishing an item", || running.done());
        drop(item);
        let mut third = queue.push(Owned, Priority::Low).unwrap();
        assert!(poll(&mut third).is_pending());
        assert_intrudes("stopping", || queue.stop(Stop::Cancel));
        // The intrusion holds the queue, and the queue its items.
        drop(INTRUSION.take());
    });
}

#[test]
fn what_a_rate_limit_reads_it_reads_outside() {
    watched(|| {
        let limit = || {
            mockwire::RateLimit::fixed_window(1, Duration::from_secs(1))
                .tokens(|_: &Request| {
                    intrude();
                    1
                })
                .per_key(|request: &Request| {
                    intrude();
                    request.path().to_owned()
                })
        };
        let transport = MockTransport::builder().rate_limit(limit()).build();
        arm(&transport);
        transport.post("/").rate_limit(limit()).reply("x");
        assert_intrudes("answering", || fetch(&transport).unwrap());
        assert_intrudes("refusing", || fetch(&transport).unwrap());
    });
}
