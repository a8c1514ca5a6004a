//! A1, A2: what a model says, streamed: written once and kept, against written for each request anew, and
//! against frames that a test has written itself.

use std::hint::black_box;

use futures_executor::block_on;
use mockwire::Reply;
use mockwire::providers::anthropic::Messages;
use mockwire::providers::openai::ChatCompletions;
use mockwire::providers::{Answer, ModelApi};
use mockwire::sync::MockTransport;

use super::float;
use crate::alloc::counted;
use crate::harness::{Lane, Plan, Series, interleave, nanoseconds};
use crate::report::{Bound, Row};

const WORDS: usize = 100;

const ASKED: &str =
    r#"{"model":"m","max_tokens":64,"stream":true,"messages":[{"role":"user","content":"hi"}]}"#;

pub(super) fn rows(plan: Plan) -> Vec<Row> {
    let mut rows = of::<Messages>(plan, "A1", "https://api.test/v1/messages");
    let chat = "https://api.test/v1/chat/completions";
    rows.extend(of::<ChatCompletions>(plan, "A2", chat));
    rows
}

fn of<A: ModelApi>(plan: Plan, goal: &str, url: &'static str) -> Vec<Row> {
    let answer = Answer::text("word ".repeat(WORDS));
    let kept = || {
        let transport = MockTransport::new();
        A::on(&transport).reply(answer.clone());
        transport
    };
    let anew = || {
        let (transport, answer) = (MockTransport::new(), answer.clone());
        // Each reply is a new one, which knows nothing of the others.
        A::on(&transport).reply_with(move |_| answer.clone());
        transport
    };
    let frames = || {
        let written = block_on(frames(&kept(), url));
        let transport = MockTransport::new();
        transport.post(url).reply(Reply::stream(written));
        transport
    };
    let count = plan.iterations(1_000);
    let slice = |make: &dyn Fn() -> MockTransport| {
        let transport = make();
        ask(&transport, url, 1);
        nanoseconds(count, |_| ask(&transport, url, 1))
    };
    let lanes = vec![
        Lane::new("kept", || slice(&kept)),
        Lane::new("written anew", || slice(&anew)),
        Lane::new("frames of the test's own", || slice(&frames)),
    ];
    let series = interleave(plan, lanes);
    let [ours, again, floor] = &series[..] else {
        unreachable!("three lanes");
    };
    let id = |what: &str| format!("{goal}-{what}");
    let faster = "an answer of 100 words streamed once more / written anew for each request";
    let cost =
        "the same / frames that the test has written itself, without ids and times of their own";
    let counts = "allocations of the same, beyond those of the test's own frames";
    vec![
        Row::faster(&id("anew"), faster, ours, again, 5.0),
        Row::cost(&id("frames"), cost, ours, floor, Bound::Unbounded),
        Row::absolute(
            &id("allocations"),
            counts,
            &beyond(&kept(), &frames(), url),
            "allocs",
            Bound::Unbounded,
        ),
        Row::shown(&id("floor"), floor, "ns"),
    ]
}

async fn frames(transport: &MockTransport, url: &str) -> Vec<bytes::Bytes> {
    use futures_util::StreamExt;

    let request = http::Request::post(url).body(ASKED).expect("a request");
    let response = transport.call(request).await.expect("a response");
    let frames = response.into_body();
    frames.map(|frame| frame.expect("a frame")).collect().await
}

fn ask(transport: &MockTransport, url: &str, times: usize) {
    for _ in 0..times {
        assert!(black_box(block_on(frames(transport, url))).len() >= WORDS);
    }
}

/// How many allocations more the first asks for than the second, per request.
fn beyond(transport: &MockTransport, other: &MockTransport, url: &str) -> Series {
    const MANY: usize = 100;
    let allocations = |transport: &MockTransport| {
        ask(transport, url, 10);
        let (_, tally) = counted(|| ask(transport, url, MANY));
        float(tally.allocations) / float(MANY)
    };
    Series::of("allocations", [allocations(transport) - allocations(other)])
}
