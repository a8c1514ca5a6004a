//! One module per group of goals; each returns rows, most of them for one mode.

mod answers;
mod buffers;
mod connection;
mod cycle;
mod echo;
mod matching;
mod memory;
mod overlap;
mod real_client;
mod round_trip;
mod stream;
mod threads;

use std::hint::black_box;

use futures_executor::block_on;
use http::Uri;

use crate::fixtures;
use crate::harness::{Plan, nanoseconds};
use crate::peers::Loopback;
use crate::report::{Row, worst};
use crate::subject::{Subject, Transport};

/// The rows of the goals in `wanted` for one mode, or of all goals when nothing is named. Goals
/// that are measured together come together.
#[must_use]
pub fn rows<S: Subject>(plan: Plan, loopback: &Loopback, wanted: &[String]) -> Vec<Row> {
    let wants = |goals: &[&str]| wants(wanted, goals);
    let mut rows = Vec::new();
    if wants(&["N1", "N2", "N3"]) {
        rows.extend(round_trip::rows::<S>(plan, loopback));
    }
    if wants(&["N6", "N7", "N8"]) {
        rows.extend(matching::rows::<S>(plan));
    }
    if wants(&["N4", "N10", "N12"]) {
        rows.extend(memory::rows::<S>());
    }
    if wants(&["M1"]) {
        rows.extend(buffers::rows::<S>());
    }
    if wants(&["N9"]) {
        rows.extend(cycle::rows::<S>(plan, loopback));
    }
    if wants(&["N11"]) {
        rows.extend(stream::rows::<S>(plan));
    }
    if wants(&["overlap-10k"]) {
        rows.extend(overlap::rows::<S>(plan));
    }
    if wants(&["W1"]) {
        rows.extend(echo::rows::<S>(plan));
    }
    rows
}

/// The rows of the goals in `wanted`, or of all, that are not measured in both modes.
#[must_use]
pub fn rows_without_mode(plan: Plan, loopback: &Loopback, wanted: &[String]) -> Vec<Row> {
    let mut rows = Vec::new();
    if wants(wanted, &["A1", "A2"]) {
        rows.extend(answers::rows(plan));
    }
    if wants(wanted, &["C1", "C2", "C3", "C4", "C5"]) {
        rows.extend(connection::rows(plan));
    }
    if wants(wanted, &["M2"]) {
        rows.extend(buffers::pooling(plan));
    }
    if wants(wanted, &["N5", "T1"]) {
        rows.extend(threads::rows(plan));
    }
    if wants(wanted, &["L1", "L2"]) {
        rows.extend(real_client::rows(plan, loopback));
    }
    rows
}

fn wants(wanted: &[String], goals: &[&str]) -> bool {
    wanted.is_empty() || wanted.iter().any(|name| goals.contains(&name.as_str()))
}

/// The goals, by their plain names.
const GOALS: [&str; 26] = [
    "A1",
    "A2",
    "C1",
    "C2",
    "C3",
    "C4",
    "C5",
    "L1",
    "L2",
    "M1",
    "M2",
    "N1",
    "N2",
    "N3",
    "N4",
    "N5",
    "N6",
    "N7",
    "N8",
    "N9",
    "N10",
    "N11",
    "N12",
    "overlap-10k",
    "T1",
    "W1",
];

/// The rows, each goal's led by the worst of its judged rows under the goal's plain name.
#[must_use]
pub fn with_worst(rows: &[Row]) -> Vec<Row> {
    let mut led = Vec::with_capacity(rows.len() + GOALS.len());
    for goal in GOALS {
        let prefix = format!("{goal}-");
        let own = rows.iter().filter(|row| row.id.starts_with(&prefix));
        let mut own: Vec<Row> = own.cloned().collect();
        own.sort_by(|a, b| a.id.cmp(&b.id));
        led.extend(worst(goal, &own));
        led.append(&mut own);
    }
    led
}

/// The mode's own id for a goal.
fn id<S: Subject>(goal: &str) -> String {
    format!("{goal}-{}", S::MODE)
}

/// A transport with `others` mocks that are never asked for, then the one that is.
#[must_use]
pub fn among<S: Subject>(others: usize) -> S {
    let transport = S::new();
    let reply = S::reply();
    for n in 0..others {
        transport.serve(&fixtures::other_path(n), reply.clone());
    }
    transport.serve(fixtures::PATH, reply);
    transport
}

/// One slice: `make` builds a transport, which is then asked `count` times; only the asking is
/// timed. Building anew each time keeps the record short and every slice alike.
fn slice<T: Transport>(count: usize, make: impl Fn() -> T) -> f64 {
    let transport = make();
    let uri = fixtures::uri(fixtures::PATH);
    ask(&transport, &uri, count / 10 + 1);
    let elapsed = nanoseconds(count, |_| ask(&transport, &uri, 1));
    assert_eq!(
        transport.recorded(),
        count + count / 10 + 1,
        "every request is recorded"
    );
    elapsed
}

/// `count` whole round trips: build the request, get the reply, collect its body.
pub fn ask(transport: &impl Transport, uri: &Uri, count: usize) {
    for _ in 0..count {
        let body = block_on(transport.round_trip(fixtures::request(uri)));
        assert_eq!(black_box(body).len(), fixtures::REPLY.len());
    }
}

#[allow(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn float(count: impl TryInto<i64, Error: std::fmt::Debug>) -> f64 {
    count.try_into().expect("a small count") as f64
}
