//! N9: create a mock, ask it once, drop it.

use super::{among, ask, float, id};
use crate::fixtures;
use crate::floor::HandMade;
use crate::harness::{Lane, Plan, interleave, nanoseconds};
use crate::peers::{Loopback, Peer};
use crate::report::{Bound, Row};
use crate::subject::Subject;

pub(super) fn rows<S: Subject>(plan: Plan, loopback: &Loopback) -> Vec<Row> {
    let count = plan.iterations(5_000);
    let few = plan.iterations(60);
    let uri = fixtures::uri(fixtures::PATH);
    let peer = |peer: Peer| {
        Lane::new(peer.name(), move || {
            nanoseconds(1, |_| loopback.cycle(peer, few)) / float(few)
        })
    };
    let lanes = vec![
        Lane::new("mockwire", || {
            nanoseconds(count, |_| ask(&among::<S>(0), &uri, 1))
        }),
        Lane::new("hand-made tower mock", || {
            nanoseconds(count, |_| ask(&HandMade::new(0), &uri, 1))
        }),
        peer(Peer::WiremockPooled),
        peer(Peer::WiremockUnpooled),
    ];
    let series = interleave(plan, lanes);
    let [ours, floor, pooled, unpooled] = &series[..] else {
        unreachable!("four lanes");
    };
    let what = "create + 1 request + drop";
    vec![
        Row::absolute(&id::<S>("N9"), what, ours, "ns", Bound::AtMost(3_000.0)),
        Row::faster(
            &id::<S>("N9-pooled"),
            "N9 against wiremock's pool",
            ours,
            pooled,
            7.0,
        ),
        Row::faster(
            &id::<S>("N9-unpooled"),
            "N9 against wiremock's own server",
            ours,
            unpooled,
            100.0,
        ),
        Row::shown(&format!("N9-floor-{}", S::MODE), floor, "ns"),
        Row::shown(&format!("N9-peer-pooled-{}", S::MODE), pooled, "ns"),
        Row::shown(&format!("N9-peer-unpooled-{}", S::MODE), unpooled, "ns"),
    ]
}
