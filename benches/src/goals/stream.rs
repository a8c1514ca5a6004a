//! N11: what an event of a stream costs on its way through the body, and that an endless stream
//! costs no memory.

use std::hint::black_box;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use mockwire::Script;

use super::{float, id};
use crate::alloc::counted;
use crate::harness::{Lane, Plan, Series, interleave, nanoseconds};
use crate::report::{Bound, Row};
use crate::subject::Subject;

const EVENTS: usize = 1_000;
const ENDLESS: usize = 100_000;

pub(super) fn rows<S: Subject>(plan: Plan) -> Vec<Row> {
    let passes = plan.iterations(200);
    let timed = |mut read: Box<dyn FnMut() -> usize>| {
        move || nanoseconds(passes, |_| assert_eq!(read(), EVENTS)) / float(EVENTS)
    };
    let floor = Lane::new(
        "prebuilt frames, polled",
        timed(Box::new(|| drain(&mut Prebuilt::new()))),
    );
    let transport = S::new();
    transport.stream(script());
    let ours = Lane::new("script", || {
        let bodies: Vec<_> = (0..passes).map(|_| transport.open()).collect();
        let mut bodies = bodies.into_iter();
        let mut next = || bodies.next().map(|mut body| drain(&mut body));
        nanoseconds(passes, |_| assert_eq!(next(), Some(EVENTS))) / float(EVENTS)
    });
    let series = interleave(plan, vec![ours, floor]);
    let (read, tally) = {
        let mut body = transport.open();
        counted(move || drain(&mut body))
    };
    assert_eq!(read, EVENTS);
    let allocations = Series::of("allocations", [float(tally.allocations) / float(EVENTS)]);
    let exact = |goal: &str, what: &str, value: f64, unit: &'static str, most: f64| {
        let series = Series::of(what, [value]);
        Row::absolute(&id::<S>(goal), what, &series, unit, Bound::AtMost(most))
    };
    let (plain, timed) = (
        endless::<S>(Duration::ZERO),
        endless::<S>(Duration::from_millis(1)),
    );
    vec![
        Row::cost(
            &id::<S>("N11"),
            "an event through the body / a prebuilt frame polled",
            &series[0],
            &series[1],
            Bound::AtMost(2.0),
        ),
        Row::absolute(
            &id::<S>("N11-allocations"),
            "allocations per event",
            &allocations,
            "allocations",
            Bound::AtMost(0.0),
        ),
        exact(
            "N11-endless",
            "memory kept by 100,000 frames of an endless stream",
            plain,
            "B",
            0.0,
        ),
        exact(
            "N11-endless-timed",
            "the same, with a gap before each frame",
            timed,
            "B",
            0.0,
        ),
        Row::shown(&format!("N11-floor-{}", S::MODE), &series[1], "ns"),
    ]
}

fn event() -> Bytes {
    Bytes::from(format!(
        "event: delta\ndata: {{\"text\":\"{}\"}}\n\n",
        "x".repeat(70)
    ))
}

fn script() -> Script {
    Script::new().frames((0..EVENTS).map(|_| event()))
}

/// Bytes that are alive after so many frames, and were not after the first ones.
fn endless<S: Subject>(gap: Duration) -> f64 {
    let transport = S::new();
    let script = Script::new()
        .frames([event(), event()])
        .gap(gap)
        .repeat_forever();
    transport.stream(script);
    let mut body = transport.open();
    let mut read = |frames: usize| {
        transport_reads::<S>(&transport, &mut body, frames);
    };
    // The journal keeps the beginning of a body, up to its cap.
    read(ENDLESS / 4);
    let ((), tally) = counted(|| read(ENDLESS));
    float(tally.live)
}

fn transport_reads<S: Subject>(
    transport: &S,
    body: &mut (impl Stream<Item = mockwire::Result<Bytes>> + Unpin),
    frames: usize,
) {
    for _ in 0..frames {
        let next = std::future::poll_fn(|cx| Pin::new(&mut *body).poll_next(cx));
        let frame = transport.run(next);
        assert!(black_box(frame).is_some_and(|frame| frame.is_ok()));
    }
}

fn drain(body: &mut (impl Stream<Item = mockwire::Result<Bytes>> + Unpin)) -> usize {
    let mut context = Context::from_waker(Waker::noop());
    let mut frames = 0;
    while let Poll::Ready(Some(frame)) = Pin::new(&mut *body).poll_next(&mut context) {
        assert!(!black_box(frame.expect("no failure")).is_empty());
        frames += 1;
    }
    frames
}

/// The floor: a list of frames, given out one by one.
struct Prebuilt {
    frames: std::sync::Arc<[Bytes]>,
    next: usize,
}

impl Prebuilt {
    fn new() -> Self {
        static FRAMES: std::sync::LazyLock<std::sync::Arc<[Bytes]>> =
            std::sync::LazyLock::new(|| (0..EVENTS).map(|_| event()).collect());
        Self {
            frames: FRAMES.clone(),
            next: 0,
        }
    }
}

impl Stream for Prebuilt {
    type Item = mockwire::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let frame = self.frames.get(self.next).cloned();
        self.next += 1;
        Poll::Ready(frame.map(Ok))
    }
}
