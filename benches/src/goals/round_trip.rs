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

pub(super) fn rows<S: Subject>(plan: Plan, loopback: &Loopback) -> Vec<Row> {
    let mut rows = times::<S>(plan, loopback);
    rows.extend(allocations::<S>());
    rows
}

fn times<S: Subject>(plan: Plan, loopback: &Loopback) -> Vec<Row> {
    let count = plan.iterations(5_000);
    let few = plan.iterations(250);
    let peers = [Peer::WiremockPooled, Peer::Httpmock, Peer::Mockito];
    let served = peers.map(|peer| (peer, loopback.serve(peer)));
    let mut lanes = vec![
        Lane::new("mockwire", || slice(count, || among::<S>(OTHERS))),
        Lane::new("hand-made tower mock, 1000 routes", || {
            slice(count, || HandMade::new(OTHERS))
        }),
        Lane::new("mockwire as a tower service", || {
            slice(count, || among::<S>(OTHERS).service())
        }),
    ];
    for (peer, served) in &served {
        lanes.push(Lane::new(
            format!("{}, 1 mock, loopback", peer.name()),
            move || crate::harness::nanoseconds(1, |_| loopback.ask(served, few)) / float(few),
        ));
    }
    let series = interleave(plan, lanes);
    let [ours, floor, tower, wiremock, httpmock, mockito] = &series[..] else {
        unreachable!("six lanes");
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
        Row::faster(
            &id::<S>("N2-wiremock"),
            "N1 against wiremock",
            ours,
            wiremock,
            35.0,
        ),
        Row::faster(
            &id::<S>("N2-httpmock"),
            "N1 against httpmock",
            ours,
            httpmock,
            30.0,
        ),
        Row::faster(
            &id::<S>("N2-mockito"),
            "N1 against mockito",
            ours,
            mockito,
            110.0,
        ),
        Row::shown(&format!("N2-peer-wiremock-{}", S::MODE), wiremock, "ns"),
        Row::shown(&format!("N2-peer-httpmock-{}", S::MODE), httpmock, "ns"),
        Row::shown(&format!("N2-peer-mockito-{}", S::MODE), mockito, "ns"),
    ]
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
