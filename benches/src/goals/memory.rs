//! N4, N10, N12: what is kept per recorded request, per mock, and after a transport is gone.

use futures_executor::block_on;
use http::Request;

use super::{among, ask, float, id};
use crate::alloc::{counted, now};
use crate::fixtures;
use crate::floor::HandMade;
use crate::harness::Series;
use crate::report::{Bound, Row};
use crate::subject::{Condition, Subject, Transport};

/// Requests recorded, mocks registered, transports created: enough for one byte each to show.
const MANY: usize = 10_000;

pub(super) fn rows<S: Subject>() -> Vec<Row> {
    let mut rows = recording::<S>();
    rows.extend(registering::<S>());
    rows.push(leaking::<S>());
    rows
}

fn recording<S: Subject>() -> Vec<Row> {
    let wire = wire_bytes();
    let own = own_bytes();
    let ours = kept(&among::<S>(0));
    let floor = kept(&HandMade::new(0));
    let parsed = kept(&{
        let transport = S::new();
        transport.serve_if(fixtures::PATH, Condition::Json, S::reply());
        transport.serve(fixtures::PATH, S::reply());
        transport
    });
    let beyond = |kept: f64, own: f64| Series::of("hand-made tower mock", [kept - own]);
    let what = format!("kept per recorded request beyond the {own:.0} B it weighs at its caller");
    let strict = format!("kept per recorded request beyond its {wire:.0} B on the wire");
    let service = "the same, called as a tower service with a `Full` body";
    let looked = "the same where a rule has looked at the body as JSON";
    let copies = "body copies from caller to record";
    let id4 = id::<S>("N4");
    vec![
        Row::absolute(&id4, &what, &beyond(ours, own), "B", Bound::AtMost(256.0)),
        Row::absolute(
            &id::<S>("N4-wire"),
            &strict,
            &beyond(ours, wire),
            "B",
            Bound::Unbounded,
        ),
        Row::absolute(
            &id::<S>("N4-parsed"),
            looked,
            &beyond(parsed, own),
            "B",
            Bound::Unbounded,
        ),
        Row::shown(&format!("N4-floor-{}", S::MODE), &beyond(floor, own), "B"),
        Row::absolute(
            &id::<S>("N4-copies"),
            copies,
            &copied(S::clone),
            "copies",
            Bound::AtMost(0.0),
        ),
        Row::absolute(
            &id::<S>("N4-copies-tower"),
            service,
            &copied(S::service),
            "copies",
            Bound::AtMost(0.0),
        ),
    ]
}

/// Bytes alive per recorded request, the replies collected and dropped.
fn kept(transport: &impl Transport) -> f64 {
    let uri = fixtures::uri(fixtures::PATH);
    ask(transport, &uri, 100);
    let (_, tally) = counted(|| ask(transport, &uri, MANY));
    float(tally.live) / float(MANY)
}

/// What a request weighs while its caller holds it: the value and all it allocated.
fn own_bytes() -> f64 {
    let uri = fixtures::uri(fixtures::PATH);
    let (request, tally) = counted(|| fixtures::request(&uri));
    let value = size_of_val::<Request<bytes::Bytes>>(&request);
    float(tally.live) + float(value)
}

/// What a request weighs in an HTTP/1.1 message.
fn wire_bytes() -> f64 {
    let request = fixtures::request(&fixtures::uri(fixtures::PATH));
    let fields: usize = request
        .headers()
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    float(
        request.method().as_str().len()
            + request.uri().to_string().len()
            + fields
            + request.body().len(),
    )
}

/// Whether the recorded body is the caller's own memory, when `caller` has made the call.
fn copied<S: Subject, T: Transport>(caller: impl Fn(&S) -> T) -> Series {
    let transport = among::<S>(0);
    let request = fixtures::request(&fixtures::uri(fixtures::PATH));
    let sent = request.body().as_ptr();
    block_on(caller(&transport).round_trip(request));
    let copies = usize::from(transport.recorded_body(0).as_ptr() != sent);
    Series::of("copies", [float(copies)])
}

fn registering<S: Subject>() -> Vec<Row> {
    let reply = S::reply();
    let transport = S::new();
    let (_, tally) = counted(|| {
        for n in 0..MANY {
            transport.serve(&fixtures::other_path(n), reply.clone());
        }
    });
    let per = |count: i64| Series::of("registered", [float(count) / float(MANY)]);
    let live = "live bytes per registered mock (the reply's body shared)";
    let allocs = "allocations per registered mock";
    vec![
        Row::absolute(
            &id::<S>("N10-bytes"),
            live,
            &per(tally.live),
            "B",
            Bound::AtMost(512.0),
        ),
        Row::absolute(
            &id::<S>("N10-allocs"),
            allocs,
            &per(tally.allocations),
            "allocs",
            Bound::AtMost(6.0),
        ),
    ]
}

fn leaking<S: Subject>() -> Row {
    let uri = fixtures::uri(fixtures::PATH);
    let cycle = || ask(&among::<S>(0), &uri, 1);
    (0..100).for_each(|_| cycle());
    let before = now();
    (0..MANY).for_each(|_| cycle());
    let leaked = Series::of("leaked", [float((now() - before).live) / float(MANY)]);
    let what = format!("leaked per create + 1 request + drop, over {MANY} cycles");
    Row::absolute(&id::<S>("N12"), &what, &leaked, "B", Bound::AtMost(0.0))
}
