//! What stays in memory, counted by the allocator: exact, so these are tests and no benchmarks.

use bytes::Bytes;
use futures_util::StreamExt;
use mockwire::futures::Body;
use mockwire::{MockTransport, Mode, Reply, Script};
use mockwire_benches::alloc::counted;

const FRAMES: usize = 100_000;

fn endless<M: Mode>(transport: &MockTransport<M>, script: Script) -> Body<M> {
    transport
        .get("/")
        .reply(Reply::script(script.repeat_forever()));
    let request = http::Request::get("https://api.test/").body(()).unwrap();
    transport
        .block_on(transport.call(request))
        .unwrap()
        .into_body()
}

fn read<M: Mode>(transport: &MockTransport<M>, body: &mut Body<M>, frames: usize) {
    for _ in 0..frames {
        let frame = transport.block_on(body.next());
        assert!(frame.is_some_and(|frame| frame.is_ok()));
    }
}

fn stays_flat<M: Mode>(transport: &MockTransport<M>) {
    let gap = std::time::Duration::from_millis(1);
    let scripts = [
        Script::new().frames(["data: tick\n\n", "data: tock\n\n"]),
        Script::new().frame("data: tick\n\n").gap(gap).jitter(0.5),
        Script::new().event(mockwire::sse::Event::data("tick")),
    ];
    for script in scripts {
        let mut body = endless(transport, script);
        // The journal keeps the beginning of a body, up to its cap.
        read(transport, &mut body, FRAMES);
        let ((), tally) = counted(|| read(transport, &mut body, FRAMES));
        assert_eq!(tally.live, 0);
        drop(body);
        transport.reset();
    }
}

#[test]
fn an_endless_stream_keeps_memory_flat_in_both_modes() {
    stays_flat(&mockwire::local::MockTransport::new());
    stays_flat(&mockwire::sync::MockTransport::new());
}

#[test]
fn a_stream_that_is_kept_is_noticed() {
    // The control: whoever keeps the frames is seen.
    let transport = mockwire::local::MockTransport::new();
    let mut body = endless(&transport, Script::new().frame("data: tick\n\n"));
    let (kept, tally) = counted(|| {
        let mut kept: Vec<Bytes> = Vec::new();
        for _ in 0..FRAMES {
            kept.extend(transport.block_on(body.next()).unwrap());
        }
        kept
    });
    assert_eq!(kept.len(), FRAMES);
    assert!(tally.live > 1_000_000, "{tally:?}");
}

#[test]
fn a_cancelled_stream_leaves_nothing_behind() {
    let transport = mockwire::sync::MockTransport::builder()
        .max_requests(4)
        .build();
    let gap = std::time::Duration::from_millis(10);
    let script = Script::new()
        .frame("data: tick\n\n")
        .gap(gap)
        .repeat_forever();
    transport.get("/").reply(Reply::script(script));
    let cycle = || {
        let request = http::Request::get("https://api.test/").body(()).unwrap();
        let mut body = transport
            .block_on(transport.call(request))
            .unwrap()
            .into_body();
        read(&transport, &mut body, 3);
        // One more is waited for when the client gives up.
        let next = body.next();
        assert!(futures_util::FutureExt::now_or_never(next).is_none());
    };
    (0..100).for_each(|_| cycle());
    let ((), tally) = counted(|| (0..1000).for_each(|_| cycle()));
    assert_eq!(tally.live, 0);
    assert_eq!(transport.in_flight(), 0);
}
