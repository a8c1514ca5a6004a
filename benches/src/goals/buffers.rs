//! M1: what a request costs in memory, with and without what the journal keeps; and whether buffers
//! would be cheaper from a pool.

use std::cell::RefCell;
use std::hint::black_box;
use std::sync::Mutex;

use bytes::Bytes;

use super::{among, ask, float, id};
use crate::alloc::counted;
use crate::fixtures;
use crate::harness::{Lane, Plan, Series, interleave, nanoseconds};
use crate::report::{Bound, Row};
use crate::subject::Subject;

/// Requests counted; the growth of what the journal keeps is spread over them.
const MANY: usize = 10_000;

/// Mocks registered besides the one that is asked for.
const OTHERS: usize = 999;

pub(super) fn rows<S: Subject>() -> Vec<Row> {
    let transport = among::<S>(OTHERS);
    let uri = fixtures::uri(fixtures::PATH);
    ask(&transport, &uri, 100);
    let (_, whole) = counted(|| ask(&transport, &uri, MANY));
    // Dropped at once, so that nothing is kept of these but their sum.
    let (_, callers) = counted(|| (0..MANY).for_each(|_| drop(fixtures::request(&uri))));
    let per = |what: &str, count: i64| Series::of(what, [float(count) / float(MANY)]);
    let asked = whole.bytes - callers.bytes;
    let row = |name: &str, what: &str, series: Series, unit, bound| {
        Row::absolute(&id::<S>(name), what, &series, unit, bound)
    };
    vec![
        row(
            "M1-passing",
            "bytes asked for per request, without the caller's and without what the journal keeps",
            per("bytes", asked - (whole.live - kept_of_callers(&uri))),
            "B",
            Bound::AtMost(1024.0),
        ),
        row(
            "M1-whole",
            "the same with what the journal keeps",
            per("bytes", asked),
            "B",
            Bound::Unbounded,
        ),
        row(
            "M1-allocs",
            "allocations per request, without the caller's",
            per("allocations", whole.allocations - callers.allocations),
            "allocs",
            Bound::Unbounded,
        ),
    ]
}

/// What the callers of so many requests have asked for, and the journal now keeps.
fn kept_of_callers(uri: &http::Uri) -> i64 {
    let (requests, tally) = counted(|| {
        let request = |_| fixtures::request(uri);
        (0..MANY).map(request).collect::<Vec<_>>()
    });
    let values = size_of_val(&requests[..]);
    tally.live - i64::try_from(values).expect("a few megabytes")
}

/// A body of 528 B, made and dropped: from the allocator, and from pools.
pub(super) fn pooling(plan: Plan) -> Vec<Row> {
    let count = plan.iterations(200_000);
    let local: RefCell<Vec<Vec<u8>>> = RefCell::default();
    let shared: Mutex<Vec<Vec<u8>>> = Mutex::default();
    let lanes = vec![
        Lane::new("a buffer from the allocator", || {
            nanoseconds(count, |_| drop(black_box(filled(Vec::new()))))
        }),
        Lane::new("a buffer from a pool of one thread", || {
            nanoseconds(count, |_| {
                let buffer = local.borrow_mut().pop().unwrap_or_default();
                local.borrow_mut().push(black_box(filled(buffer)));
            })
        }),
        Lane::new("a buffer from a pool behind a lock", || {
            nanoseconds(count, |_| {
                let buffer = locked(&shared).pop().unwrap_or_default();
                locked(&shared).push(black_box(filled(buffer)));
            })
        }),
        Lane::new("a shared body, cloned", || {
            let body = Bytes::from_static(fixtures::REPLY);
            nanoseconds(count, |_| drop(black_box(body.clone())))
        }),
    ];
    let series = interleave(plan, lanes);
    let allocator = &series[0];
    let against =
        |id: &str, ours: &Series| Row::cost(id, &ours.name, ours, allocator, Bound::Unbounded);
    vec![
        Row::shown("M2-allocator", allocator, "ns"),
        against("M2-pool-local", &series[1]),
        against("M2-pool-sync", &series[2]),
        against("M2-shared", &series[3]),
    ]
}

/// Whatever was in it is gone: nobody gets another one's bytes.
fn filled(mut buffer: Vec<u8>) -> Vec<u8> {
    buffer.clear();
    buffer.extend_from_slice(black_box(fixtures::REPLY));
    buffer
}

fn locked<T>(pool: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    pool.lock().expect("nobody panics with the pool")
}
