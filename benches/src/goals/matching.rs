//! N6, N7, N8: what registered mocks and body conditions cost a request that is not theirs.

use std::hint::black_box;

use bytes::Bytes;
use futures_executor::block_on;

use super::{among, float, id, slice};
use crate::alloc::{Tally, counted};
use crate::fixtures;
use crate::harness::{Lane, Plan, Series, interleave, nanoseconds};
use crate::report::{Bound, Row};
use crate::subject::{Condition, Subject};

/// Unrelated mocks with a condition, in N7.
const UNRELATED: usize = 1_000;
/// Members of the JSON body in N8: parsing it costs some hundred allocations.
const KEYS: usize = 200;

pub(super) fn rows<S: Subject>(plan: Plan) -> Vec<Row> {
    let mut rows = routes::<S>(plan);
    rows.extend(conditions::<S>(plan));
    rows.extend(parses::<S>(plan));
    rows
}

fn routes<S: Subject>(plan: Plan) -> Vec<Row> {
    let count = plan.iterations(5_000);
    let lane = |others: usize| {
        Lane::new(format!("{} mocks", others + 1), move || {
            slice(count, || among::<S>(others))
        })
    };
    let series = interleave(plan, [0, 999, 9_999].map(lane).into());
    let what = "whole request, 1000 exact routes / 1";
    let more = "whole request, 10,000 exact routes / 1";
    vec![
        Row::cost(
            &id::<S>("N6"),
            what,
            &series[1],
            &series[0],
            Bound::AtMost(1.05),
        ),
        Row::cost(
            &id::<S>("N6-10k"),
            more,
            &series[2],
            &series[0],
            Bound::AtMost(1.05),
        ),
        Row::shown(&format!("N6-floor-{}", S::MODE), &series[0], "ns"),
    ]
}

fn conditions<S: Subject>(plan: Plan) -> Vec<Row> {
    let count = plan.iterations(5_000);
    let crowded = |condition| {
        move || {
            let transport = S::new();
            for n in 0..UNRELATED {
                transport.serve_if(&fixtures::other_path(n), condition, S::reply());
            }
            transport.serve(fixtures::PATH, S::reply());
            transport
        }
    };
    let mut lanes = vec![Lane::new("alone", || slice(count, || among::<S>(0)))];
    for condition in Condition::ALL {
        lanes.push(Lane::new(format!("{condition:?}"), move || {
            slice(count, crowded(condition))
        }));
    }
    let series = interleave(plan, lanes);
    let slope = |crowded: &Series| {
        crowded.zip(&series[0], |with, without| {
            (with - without) / float(UNRELATED)
        })
    };
    series[1..]
        .iter()
        .map(|crowded| {
            let name = crowded.name.to_lowercase();
            let what = format!("time added per unrelated {name} mock, of {UNRELATED}");
            let goal = format!("N7-{name}-{}", S::MODE);
            Row::absolute(&goal, &what, &slope(crowded), "ns", Bound::AtMost(1.0))
        })
        .collect()
}

/// How often the body is parsed, in units of one parse of the same body. Counted in allocations,
/// which a tree of values cannot avoid, and timed, for parsers that do without.
fn parses<S: Subject>(plan: Plan) -> Vec<Row> {
    let json = fixtures::wide_json(KEYS);
    let text = Bytes::from(vec![b'x'; json.len()]);
    let parse = || serde_json::from_slice::<serde_json::Value>(black_box(&json));
    let (_, one) = counted(parse);
    let plain = asked_with::<S>(&json, 0).allocations - asked_with::<S>(&text, 0).allocations;
    let ten = asked_with::<S>(&json, 10).allocations - asked_with::<S>(&json, 0).allocations;
    let exact = |count: i64| Series::of("parses", [float(count) / float(one.allocations)]);

    let count = plan.iterations(500);
    let lanes = vec![
        Lane::new("one parse", || {
            // Kept, as a record keeps what was found out about a request.
            let mut kept = Vec::with_capacity(count);
            nanoseconds(count, |_| kept.push(black_box(parse())))
        }),
        Lane::new("no candidate", || timed_with::<S>(&json, 0, count)),
        Lane::new("ten candidates", || timed_with::<S>(&json, 10, count)),
    ];
    let series = interleave(plan, lanes);
    let added = series[2].zip(&series[1], |ten, none| ten - none);
    let timed = added.zip(&series[0], |added, one| added / one);

    let none = "body parses without a body condition, counted in allocations";
    let some = "body parses with 10 JSON candidates, counted in allocations";
    let time = "time added by 10 JSON candidates, in parses of the same body";
    vec![
        Row::absolute(
            &id::<S>("N8"),
            none,
            &exact(plain),
            "parses",
            Bound::AtMost(0.0),
        ),
        Row::absolute(
            &id::<S>("N8-ten"),
            some,
            &exact(ten),
            "parses",
            Bound::AtMost(1.2),
        ),
        Row::absolute(
            &id::<S>("N8-time"),
            time,
            &timed,
            "parses",
            Bound::AtMost(1.5),
        ),
    ]
}

/// One round trip of `body` past `candidates` JSON mocks of the same route, none of which match.
fn asked_with<S: Subject>(body: &Bytes, candidates: usize) -> Tally {
    let transport = crowd::<S>(candidates);
    let uri = fixtures::uri(fixtures::PATH);
    let once = || block_on(transport.round_trip(fixtures::with_body(&uri, body.clone())));
    once();
    once();
    counted(once).1
}

fn timed_with<S: Subject>(body: &Bytes, candidates: usize, count: usize) -> f64 {
    let transport = crowd::<S>(candidates);
    let uri = fixtures::uri(fixtures::PATH);
    nanoseconds(count, |_| {
        let request = fixtures::with_body(&uri, body.clone());
        black_box(block_on(transport.round_trip(request)));
    })
}

/// The JSON candidates, then the rule for the same route that takes anything: the first match in
/// declaration order wins, so every candidate has to be looked at.
fn crowd<S: Subject>(candidates: usize) -> S {
    let transport = S::new();
    for _ in 0..candidates {
        transport.serve_if(fixtures::PATH, Condition::Json, S::reply());
    }
    transport.serve(fixtures::PATH, S::reply());
    transport
}
