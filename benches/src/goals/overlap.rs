//! overlap-10k: ten thousand requests in flight on one transport at once, none lost.

use std::collections::HashSet;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use bytes::Bytes;
use futures_util::FutureExt;

use super::{float, id};
use crate::fixtures;
use crate::harness::{Plan, Series};
use crate::report::{Bound, Row};
use crate::subject::Subject;

const OVERLAPPING: usize = 10_000;

pub(super) fn rows<S: Subject>(plan: Plan) -> Vec<Row> {
    let runs: Vec<Run> = (0..plan.rounds).map(|_| overlap::<S>()).collect();
    let series = |value: fn(&Run) -> f64| Series::of("overlap", runs.iter().map(value));
    let flight = "requests in flight at once, all held";
    let lost = "requests not answered with their own body after release";
    let time = "10,000 held requests sent, released and completed";
    let goal = float(OVERLAPPING);
    vec![
        Row::absolute(
            &id::<S>("overlap-10k"),
            lost,
            &series(|run| run.lost),
            "requests",
            Bound::AtMost(0.0),
        ),
        Row::absolute(
            &id::<S>("overlap-10k-held"),
            flight,
            &series(|run| run.in_flight),
            "requests",
            Bound::AtLeast(goal),
        ),
        Row::absolute(
            &id::<S>("overlap-10k-time"),
            time,
            &series(|run| run.milliseconds),
            "ms",
            Bound::Unbounded,
        ),
    ]
}

struct Run {
    in_flight: f64,
    lost: f64,
    milliseconds: f64,
}

fn overlap<S: Subject>() -> Run {
    let transport = S::new();
    let hold = transport.hold(fixtures::PATH);
    let uri = fixtures::uri(fixtures::PATH);
    let start = Instant::now();
    let mut calls: Vec<_> = (0..OVERLAPPING)
        .map(|n| {
            let body = Bytes::from(n.to_string());
            Some(Box::pin(
                transport.round_trip(fixtures::with_body(&uri, body)),
            ))
        })
        .collect();

    let mut context = Context::from_waker(Waker::noop());
    for call in calls.iter_mut().flatten() {
        assert!(
            call.poll_unpin(&mut context).is_pending(),
            "answered before its release"
        );
    }
    let in_flight = transport.in_flight();
    assert_eq!(
        S::release(&hold),
        in_flight,
        "every request in flight can be answered"
    );

    let mut answered = HashSet::new();
    // A few passes: what is due is polled to its end, and nothing here waits for anyone else.
    for _ in 0..3 {
        for (n, slot) in calls.iter_mut().enumerate() {
            let Some(call) = slot else { continue };
            if let Poll::Ready(body) = call.poll_unpin(&mut context) {
                *slot = None;
                if body == n.to_string().as_bytes() {
                    answered.insert(n);
                }
            }
        }
    }
    let milliseconds = start.elapsed().as_secs_f64() * 1e3;
    assert_eq!(
        transport.recorded(),
        OVERLAPPING,
        "every request is recorded"
    );
    Run {
        in_flight: float(in_flight),
        lost: float(OVERLAPPING - answered.len()),
        milliseconds,
    }
}
