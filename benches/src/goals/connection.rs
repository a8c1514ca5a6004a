//! C1 to C5: what a connection's context costs, in time, allocations and bytes.

use std::fmt::Write;
use std::hint::black_box;
use std::time::Duration;

use mockwire::connections::{ConnectionBuilder, ConnectionContext, ConnectionKey, Connections};

use super::float;
use crate::alloc::counted;
use crate::harness::{Lane, Plan, Series, interleave, nanoseconds};
use crate::report::{Bound, Row};

/// Connections that are open at once.
const MANY: usize = 1_000;
/// Each of the four operations has a microsecond.
const TIME: Bound = Bound::AtMost(1_000.0);
const NONE: Bound = Bound::AtMost(0.0);
/// A context is to stay below a KiB, however long its names may be.
const SIZE: Bound = Bound::AtMost(1_023.0);

pub(super) fn rows(plan: Plan) -> Vec<Row> {
    let mut rows = times(plan);
    rows.extend(allocations());
    rows.extend(sizes());
    rows
}

fn builder(n: usize) -> ConnectionBuilder {
    ConnectionContext::builder()
        .user(format!("user_01K4Z8Q2M7XW{n:05}"))
        .thread(format!("thread_01K4Z8R9BSNV{n:05}"))
        .run(format!("run_01K4Z8S0D3HT{n:05}"))
}

/// The longest names that are allowed.
fn longest(n: usize) -> ConnectionBuilder {
    let name = |of: &str| format!("{of}{n:0>width$}", width = 128 - of.len());
    ConnectionContext::builder()
        .connection_id(name("connection"))
        .user(name("user"))
        .thread(name("thread"))
        .run(name("run"))
}

fn opened(count: usize, make: fn(usize) -> ConnectionBuilder) -> (Connections, Vec<ConnectionKey>) {
    let mut connections = Connections::new();
    let mut open = |n| {
        connections
            .open(make(n), Duration::ZERO)
            .expect("all alike")
    };
    let keys = (0..count).map(&mut open).collect();
    (connections, keys)
}

fn times(plan: Plan) -> Vec<Row> {
    let count = plan.iterations(100_000);
    let (connections, keys) = opened(MANY, builder);
    let context = |n: usize| connections.get(keys[n % MANY]).expect("open");
    let mut used = connections.clone();
    let mut text = String::new();
    let lanes = vec![
        Lane::new("create", || {
            let builders = (0..MANY).map(|n| builder(n).connection_id(format!("conn_{n}")));
            let mut builders = builders.collect::<Vec<_>>().into_iter();
            let mut made = Vec::with_capacity(MANY);
            let elapsed = nanoseconds(MANY, |_| {
                made.push(builders.next().expect("one each").build());
            });
            assert!(made.iter().all(Result::is_ok));
            elapsed
        }),
        Lane::new("names and create", || {
            nanoseconds(count / 10, |n| {
                black_box(builder(n).connection_id("conn_1").build()).expect("all alike");
            })
        }),
        Lane::new("open", || {
            let builders: Vec<_> = (0..MANY).map(builder).collect();
            let mut builders = builders.into_iter();
            let mut connections = Connections::new();
            let elapsed = nanoseconds(MANY, |_| {
                let builder = builders.next().expect("one each");
                let key = connections.open(builder, Duration::ZERO);
                black_box(key).expect("all alike");
            });
            assert_eq!(connections.len(), MANY);
            elapsed
        }),
        Lane::new("activity", || {
            nanoseconds(count, |n| {
                let now = Duration::from_nanos(n as u64);
                used.touch(black_box(keys[n % MANY]), now).expect("open");
            })
        }),
        Lane::new("key", || {
            nanoseconds(count, |n| {
                let (key, other) = (context(n).isolation_key(), context(n + 1).isolation_key());
                assert!(black_box(key) != black_box(other));
            })
        }),
        Lane::new("key as text", || {
            nanoseconds(count, |n| {
                text.clear();
                write!(text, "{}", context(n).isolation_key()).expect("a string takes it");
                black_box(&text);
            })
        }),
        Lane::new("info", || {
            nanoseconds(count, |n| {
                black_box(context(n).info());
            })
        }),
    ];
    let series = interleave(plan, lanes);
    let row = |id: &str, what: &str, at: usize| Row::absolute(id, what, &series[at], "ns", TIME);
    vec![
        row("C1-create", "a context is made of names that are there", 0),
        row("C1-names", "the same, and its names are made", 1),
        row(
            "C1-open",
            "the same among 1000, with an id from the counter",
            2,
        ),
        row(
            "C2-activity",
            "activity is noted, one of 1000 open connections",
            3,
        ),
        row(
            "C3-key",
            "two contexts are looked up, and their keys compared",
            4,
        ),
        row("C3-text", "a key is written into a text that is there", 5),
        row("C4-info", "a snapshot is taken", 6),
    ]
}

fn allocations() -> Vec<Row> {
    let (mut connections, keys) = opened(MANY, builder);
    let (_, activity) = counted(|| {
        for (n, key) in keys.iter().enumerate() {
            let context = connections.get_mut(*key).expect("open");
            context.touch(Duration::from_nanos(n as u64));
            context.sent(n, Duration::from_nanos(n as u64));
            context.received(n, Duration::from_nanos(n as u64));
        }
    });
    let mut text = String::with_capacity(1_024);
    let (_, key) = counted(|| {
        for (_, context) in connections.iter() {
            let key = black_box(context.isolation_key());
            text.clear();
            write!(text, "{key}").expect("a string takes it");
        }
    });
    let (_, info) = counted(|| {
        for (_, context) in connections.iter() {
            black_box(context.info());
        }
    });
    let per = |name: &str, count: i64| Series::of(name, [float(count) / float(MANY)]);
    let row = |id: &str, what: &str, count: i64, bound: Bound| {
        Row::absolute(id, what, &per(what, count), "allocs", bound)
    };
    vec![
        row(
            "C2-allocs",
            "allocations as activity and messages are noted",
            activity.allocations,
            NONE,
        ),
        row(
            "C3-allocs",
            "allocations as a key is made and written",
            key.allocations,
            NONE,
        ),
        row(
            "C4-allocs",
            "allocations of a snapshot: its four names",
            info.allocations,
            Bound::AtMost(4.0),
        ),
    ]
}

fn sizes() -> Vec<Row> {
    let row = |id: &str, what: &str, live: f64| {
        Row::absolute(id, what, &Series::of(what, [live]), "B", SIZE)
    };
    let alone = {
        let (context, tally) = counted(|| builder(1).connection_id("conn_1").build());
        let context = context.expect("all alike");
        float(tally.live) + float(size_of_val::<ConnectionContext>(&context))
    };
    let among = |count: usize, make: fn(usize) -> ConnectionBuilder| {
        let ((connections, keys), tally) = counted(|| opened(count, make));
        let live = tally.live - i64::try_from(size_of_val(&*keys)).expect("small");
        assert_eq!(connections.len(), count);
        float(live) / float(count)
    };
    vec![
        row(
            "C5-context",
            "bytes of a context alone, its names included",
            alone,
        ),
        row(
            "C5-open",
            "bytes per context, 1000 of them open",
            among(MANY, builder),
        ),
        row(
            "C5-longest",
            "bytes per context, 1000 of them open, each name as long as it may be",
            among(MANY, longest),
        ),
        row(
            "C5-grown",
            "bytes per context, 1025 of them open: the store has just grown",
            among(1_025, builder),
        ),
    ]
}
