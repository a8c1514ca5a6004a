//! N1, N2, N3: the whole round trip against the floor, the peers, and in allocations.

use futures_executor::block_on;

use super::{among, float, id, slice};
use crate::alloc::counted;
use crate::fixtures;
use crate::floor::HandMade;
use crate::harness::{Lane, Plan, Series, interleave};
use crate::peers::{Loopback, Peer};
use crate::report::{Bound, Row};
use crate::subject::{Subject, Transport};

/// Mocks registered besides the one that is asked for.
const OTHERS: usize = 999;

/// How many round trips a slice of ours has.
const COUNT: usize = 5_000;

pub(super) fn rows<S: Subject>(plan: Plan, loopback: &Loopback) -> Vec<Row> {
    let mut rows = against_floor::<S>(plan);
    rows.extend(against_peers::<S>(plan, loopback));
    rows.extend(allocations::<S>());
    rows
}

/// Without the peers among the lanes: what a server and its client leave in the caches costs whoever is next.
fn against_floor<S: Subject>(plan: Plan) -> Vec<Row> {
    // A slice takes milliseconds: many of them, so that a busy moment of the machine is one of many.
    let plan = plan.with_slices(plan.slices * 5);
    let lanes = vec![
        Lane::new("mockwire", || slice(COUNT, || among::<S>(OTHERS))),
        Lane::new("hand-made tower mock, 1000 routes", || {
            slice(COUNT, || HandMade::new(OTHERS))
        }),
        Lane::new("mockwire as a tower service", || {
            slice(COUNT, || among::<S>(OTHERS).service())
        }),
    ];
    let series = interleave(plan, lanes);
    let [ours, floor, tower] = &series[..] else {
        unreachable!("three lanes");
    };
    let n1 = "round trip among 1000 exact routes, recorded, body collected / hand-made tower mock";
    vec![
        Row::cost(&id::<S>("N1"), n1, ours, floor, Bound::AtMost(1.25)),
        Row::shown(&format!("N1-floor-{}", S::MODE), floor, "ns"),
        Row::cost(
            &id::<S>("N1-tower"),
            "the same, called as a tower service with a `Full` body",
            tower,
            floor,
            Bound::Unbounded,
        ),
    ]
}

fn against_peers<S: Subject>(plan: Plan, loopback: &Loopback) -> Vec<Row> {
    let few = plan.iterations(250);
    let peers = [
        (Peer::WiremockPooled, "wiremock", 35.0),
        (Peer::Httpmock, "httpmock", 30.0),
        (Peer::Mockito, "mockito", 110.0),
    ];
    let served = peers.map(|(peer, ..)| (peer, loopback.serve(peer)));
    let mut lanes = vec![Lane::new("mockwire", || {
        slice(plan.iterations(COUNT), || among::<S>(OTHERS))
    })];
    for (peer, served) in &served {
        lanes.push(Lane::new(
            format!("{}, 1 mock, loopback", peer.name()),
            move || crate::harness::nanoseconds(1, |_| loopback.ask(served, few)) / float(few),
        ));
    }
    let series = interleave(plan, lanes);
    let (ours, theirs) = (&series[0], &series[1..]);
    let mut rows = Vec::new();
    for ((_, name, least), theirs) in peers.into_iter().zip(theirs) {
        let what = format!("N1 against {name}");
        rows.push(Row::faster(
            &id::<S>(&format!("N2-{name}")),
            &what,
            ours,
            theirs,
            least,
        ));
        rows.push(Row::shown(
            &format!("N2-peer-{name}-{}", S::MODE),
            theirs,
            "ns",
        ));
    }
    rows
}

/// Allocations of a round trip that are not those of building the request.
fn allocations<S: Subject>() -> Vec<Row> {
    let ours = added(&among::<S>(OTHERS));
    let tower = added(&among::<S>(OTHERS).service());
    let floor = added(&HandMade::new(OTHERS));
    let service = "the same, called as a tower service with a `Full` body";
    let what =
        "allocations added to a round trip, body collected (building the request not counted)";
    vec![
        Row::absolute(&id::<S>("N3"), what, &ours, "allocs", Bound::AtMost(6.0)),
        Row::absolute(
            &id::<S>("N3-tower"),
            service,
            &tower,
            "allocs",
            Bound::AtMost(6.0),
        ),
        Row::shown(&format!("N3-floor-{}", S::MODE), &floor, "allocs"),
    ]
}

fn added(transport: &impl Transport) -> Series {
    let uri = fixtures::uri(fixtures::PATH);
    let one = || {
        let request = fixtures::request(&uri);
        let (_, tally) = counted(|| block_on(transport.round_trip(request)));
        float(tally.allocations)
    };
    // The log's growth falls on a few requests; the median is the steady cost, the max shows it.
    Series::of(
        "hand-made tower mock, 1000 routes",
        (0..1_000).map(|_| one()).skip(10),
    )
}
