//! L1, L2: a real HTTP client kept, over a connection in memory.

use hyper_util::client::legacy::connect::Connect;

use super::{among, float};
use crate::alloc::counted;
use crate::duplex::DuplexConnector;
use crate::fixtures;
use crate::harness::{Lane, Plan, Series, interleave, nanoseconds};
use crate::peers::{Loopback, Peer};
use crate::real_client::RealClient;
use crate::report::{Bound, Row};
use crate::subject::{Sync, Transport, connector};

/// Mocks registered besides the one that is asked for.
const OTHERS: usize = 999;

pub(super) fn rows(plan: Plan, loopback: &Loopback) -> Vec<Row> {
    let mut rows = times(plan, loopback);
    rows.extend(allocations());
    rows
}

fn times(plan: Plan, loopback: &Loopback) -> Vec<Row> {
    let count = plan.iterations(5_000);
    let few = plan.iterations(250);
    let wiremock = loopback.serve(Peer::WiremockPooled);
    let lanes = vec![
        Lane::new("mockwire", || {
            let transport = among::<Sync>(OTHERS);
            let elapsed = slice(count, connector(&transport));
            assert_eq!(transport.recorded(), count + count / 10 + 1);
            elapsed
        }),
        Lane::new("bare hyper over a duplex", || slice(count, DuplexConnector)),
        Lane::new("wiremock (pooled), 1 mock, loopback", || {
            nanoseconds(1, |_| loopback.ask(&wiremock, few)) / float(few)
        }),
    ];
    let series = interleave(plan, lanes);
    let [ours, floor, wiremock] = &series[..] else {
        unreachable!("three lanes");
    };
    let l1 = "hyper-util's client, in memory, among 1000 exact routes, recorded / bare duplex";
    vec![
        Row::cost("L1-time", l1, ours, floor, Bound::AtMost(1.3)),
        Row::shown("L1-floor", floor, "ns"),
        Row::faster("L2-wiremock", "L1 against wiremock", ours, wiremock, 4.4),
        Row::shown("L2-peer-wiremock", wiremock, "ns"),
    ]
}

/// Time per request of a client that has its connection already.
fn slice<C: Connect + Clone + Send + std::marker::Sync + 'static>(
    count: usize,
    connector: C,
) -> f64 {
    let client = RealClient::new(connector);
    let uri = fixtures::uri(fixtures::PATH);
    client.ask(&uri, count / 10 + 1);
    nanoseconds(1, |_| client.ask(&uri, count)) / float(count)
}

/// Allocations of a whole round trip, at both ends.
fn allocations() -> Vec<Row> {
    let ours = per_request(connector(&among::<Sync>(OTHERS)));
    let floor = per_request(DuplexConnector);
    let what = "allocations of a round trip, client and server, building the request included";
    vec![
        Row::absolute("L1-allocs", what, &ours, "allocs", Bound::AtMost(30.0)),
        Row::shown("L1-allocs-floor", &floor, "allocs"),
    ]
}

fn per_request<C: Connect + Clone + Send + std::marker::Sync + 'static>(connector: C) -> Series {
    let client = RealClient::new(connector);
    let uri = fixtures::uri(fixtures::PATH);
    client.ask(&uri, 10);
    let one = || {
        let (_, tally) = counted(|| client.ask(&uri, 1));
        float(tally.allocations)
    };
    Series::of("bare hyper over a duplex", (0..1_000).map(|_| one()))
}
