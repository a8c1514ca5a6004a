//! Named behaviours for everyday profiling: `cargo bench -p mockwire-benches --bench behaviour`.
//!
//! Each runs in both modes next to the hand-made floor. Goals are judged elsewhere, in `goals`.

use divan::Bencher;
use divan::counter::ItemsCount;
use mockwire_benches::floor::HandMade;
use mockwire_benches::goals::{among, ask};
use mockwire_benches::subject::{Condition, Local, Subject, Sync};
use mockwire_benches::{alloc, fixtures, harness};

/// Requests per sample: the transport is built anew for each, so that its record stays short.
const REQUESTS: usize = 200;

fn main() {
    alloc::keep_freed_memory();
    harness::pin();
    divan::main();
}

fn round_trips<T: mockwire_benches::subject::Transport>(
    bencher: Bencher<'_, '_>,
    make: impl Fn() -> T,
) {
    let uri = fixtures::uri(fixtures::PATH);
    bencher
        .counter(ItemsCount::new(REQUESTS))
        .with_inputs(make)
        .bench_local_refs(|transport| ask(transport, &uri, REQUESTS));
}

/// One request through a transport with one rule.
#[divan::bench(types = [Local, Sync], sample_size = 1)]
fn admit<S: Subject>(bencher: Bencher<'_, '_>) {
    round_trips(bencher, || among::<S>(0));
}

/// The same, by hand.
#[divan::bench(sample_size = 1)]
fn admit_by_hand(bencher: Bencher<'_, '_>) {
    round_trips(bencher, || HandMade::new(0));
}

/// Exact routes in the way.
#[divan::bench(types = [Local, Sync], args = [1, 100, 10_000], sample_size = 1)]
fn match_rules<S: Subject>(bencher: Bencher<'_, '_>, others: usize) {
    round_trips(bencher, || among::<S>(others));
}

/// Rules of the same route in the way, each with a body condition that fails.
#[divan::bench(types = [Local, Sync], args = [1, 10], sample_size = 1)]
fn match_bodies<S: Subject>(bencher: Bencher<'_, '_>, candidates: usize) {
    round_trips(bencher, || {
        let transport = S::new();
        for _ in 0..candidates {
            transport.serve_if(fixtures::PATH, Condition::Json, S::reply());
        }
        transport.serve(fixtures::PATH, S::reply());
        transport
    });
}

/// Reading the record back.
#[divan::bench(types = [Local, Sync], sample_size = 1)]
fn capture<S: Subject>(bencher: Bencher<'_, '_>) {
    let uri = fixtures::uri(fixtures::PATH);
    bencher
        .counter(ItemsCount::new(REQUESTS))
        .with_inputs(|| {
            let transport = among::<S>(0);
            ask(&transport, &uri, REQUESTS);
            transport
        })
        .bench_local_refs(|transport| transport.recorded());
}

/// Create, ask once, drop.
#[divan::bench(types = [Local, Sync])]
fn create_and_drop<S: Subject>() {
    ask(&among::<S>(0), &fixtures::uri(fixtures::PATH), 1);
}
