//! Verdicts: the texts, which are to be read as their user reads them; that grouping loses and
//! doubles nothing, whatever comes; and the JSON.
#![cfg(not(target_arch = "wasm32"))]

use std::collections::HashMap;
use std::pin::Pin;
use std::time::Duration;

use futures::{Future, FutureExt};
use mockwire::sync::MockTransport;
use mockwire::verdict::{Criteria, Verdict};
use mockwire::{Content, Error, Fault, Reply, SequenceEnd, Timing};
use proptest::prelude::*;

fn request(method: &str, target: &str) -> http::request::Builder {
    let url = format!("https://api.test{target}");
    http::Request::builder().method(method).uri(url)
}

/// Makes a request, and takes its response to the end.
fn fetch(transport: &MockTransport, request: http::Request<&'static str>) {
    let taken: Result<_, Error> =
        transport.block_on(async { transport.call(request).await?.into_body().bytes().await });
    let _ = taken;
}

fn get(target: &str) -> http::Request<&'static str> {
    request("GET", target).body("").unwrap()
}

fn pay(key: &str) -> http::Request<&'static str> {
    let request = request("POST", "/v1/payments").header("idempotency-key", key);
    request.body(r#"{"amount":10}"#).unwrap()
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn status(status: u16) -> Reply {
    Reply::text("why").with_status(status)
}

fn busy() -> Reply {
    status(429).header("retry-after", "3")
}

fn answering(replies: impl IntoIterator<Item = Reply>) -> MockTransport {
    let transport = MockTransport::new();
    transport
        .post("/v1/payments")
        .reply_sequence(replies, SequenceEnd::RepeatLast);
    transport.get("/v1/models").reply("large, small");
    transport
}

fn models(transport: &MockTransport) {
    fetch(transport, get("/v1/models"));
}

/// A client that does what many do.
fn naive() -> MockTransport {
    let transport = answering([
        busy(),
        busy(),
        status(503),
        Reply::fault(Fault::ConnectionReset),
        status(400),
    ]);
    models(&transport);
    let mut unread = Vec::new();
    for attempt in 1..=6 {
        let call = transport.call(pay(&format!("key-{attempt}")));
        unread.extend(transport.block_on(call));
        transport.advance(seconds(1));
    }
    models(&transport);
    // Kept, so that the bodies stay open.
    std::mem::forget(unread);
    transport
}

#[test]
fn a_naive_client() {
    insta::assert_snapshot!(naive().verdict());
}

#[test]
fn an_assertion_that_fails() {
    insta::assert_snapshot!(naive().verdict().try_honoured_retry_after().unwrap_err());
    insta::assert_snapshot!(naive().verdict().try_max_attempts(3).unwrap_err());
}

#[test]
fn a_client_as_it_should_be() {
    let transport = answering([
        busy(),
        Reply::fault(Fault::ConnectTimeout),
        status(503),
        Reply::text("paid"),
    ]);
    models(&transport);
    for wait in [0, 3, 1, 2] {
        transport.advance(seconds(wait));
        fetch(&transport, pay("key-1"));
    }
    insta::assert_snapshot!(transport.verdict());
}

#[test]
fn a_client_that_gives_up_and_one_that_hedges() {
    let transport = answering([status(500), status(500)]);
    for wait in [1, 2] {
        fetch(&transport, pay("key-1"));
        transport.advance(seconds(wait));
    }
    transport
        .get("/v1/slow")
        .reply(Reply::text("well").delay(seconds(1)));
    let slow = || transport.call(get("/v1/slow"));
    let (first, second) = transport.block_on(futures::future::join(slow(), slow()));
    drop((first, second));
    transport.post("/v1/jobs").reply(Reply::never());
    let never = request("POST", "/v1/jobs").body("").unwrap();
    assert!(transport.call(never).now_or_never().is_none());
    insta::assert_snapshot!(transport.verdict());
}

#[test]
fn a_storm_and_many_calls() {
    let transport = MockTransport::builder().max_requests(70).build();
    transport.get("/v1/{call}").reply(status(503));
    for _ in 0..40 {
        fetch(&transport, get("/v1/storm"));
        transport.advance(Duration::from_micros(1_234_567));
    }
    for call in 0..40 {
        let target = format!("/v1/call-{call}");
        fetch(&transport, get(&target));
    }
    insta::assert_snapshot!(transport.verdict());
}

#[test]
fn nothing_at_all() {
    insta::assert_snapshot!(MockTransport::new().verdict());
}

#[test]
fn secrets_are_not_told() {
    let transport = MockTransport::new();
    transport.get("/").reply(status(503));
    for _ in 0..2 {
        let secret = http::Request::get("https://user:hunter2@api.test/")
            .header("authorization", "Bearer hunter2")
            .header("x-idempotency-key", "hunter2");
        fetch(&transport, secret.body("").unwrap());
    }
    let verdict = transport.verdict();
    assert!(verdict.to_string().contains("<redacted>@api.test"));
    let all = format!(
        "{verdict}{verdict:?}{}",
        serde_json::to_string(&verdict).unwrap()
    );
    assert!(!all.contains("hunter2"), "{all}");
}

#[test]
fn the_json_has_milliseconds_and_words() {
    let json = serde_json::to_value(naive().verdict()).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&json["calls"][1]).unwrap());
}

// Grouping.

/// A request, and how it is answered.
#[derive(Clone, Debug)]
struct Sent {
    method: &'static str,
    path: &'static str,
    body: &'static str,
    idempotency_key: Option<&'static str>,
    request_id: Option<&'static str>,
    retry_count: Option<&'static str>,
    job: Option<&'static str>,
    status: u16,
    /// How long the answer takes, in milliseconds.
    delay: u64,
    /// How long after the request before.
    after: u64,
}

fn sent() -> impl Strategy<Value = Sent> {
    let one_of =
        |values: &'static [&'static str]| prop::option::weighted(0.3, prop::sample::select(values));
    let what = (
        prop::sample::select(&["GET", "POST"][..]),
        prop::sample::select(&["/a", "/b"][..]),
        prop::sample::select(&["", "x"][..]),
        prop::sample::select(&[200, 200, 404, 429, 503][..]),
    );
    let names = (
        one_of(&["k1", "k2"]),
        one_of(&["r1", "r2"]),
        one_of(&["0", "1", "2", "many"]),
        one_of(&["j1", "j2"]),
    );
    (what, names, 0..3u64, 0..3u64).prop_map(|(what, names, delay, after)| Sent {
        method: what.0,
        path: what.1,
        body: what.2,
        status: what.3,
        idempotency_key: names.0,
        request_id: names.1,
        retry_count: names.2,
        job: names.3,
        delay,
        after,
    })
}

impl Sent {
    fn request(&self) -> http::Request<Content> {
        let mut request = request(self.method, self.path)
            .header("x-status", self.status)
            .header("x-delay", self.delay);
        for (name, value) in [
            ("idempotency-key", self.idempotency_key),
            ("x-request-id", self.request_id),
            ("x-stainless-retry-count", self.retry_count),
            ("x-job", self.job),
        ] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        request.body(self.body.into()).unwrap()
    }
}

type Exchange = Pin<Box<dyn Future<Output = ()>>>;

/// Makes the requests, each while those before may still be going on. Some are never answered.
fn play(requests: &[Sent]) -> MockTransport {
    let transport = MockTransport::builder().timing(Timing::Manual).build();
    transport
        .on(mockwire::url("/**"))
        .reply_with(|request: &mockwire::Request| {
            let number = |name| request.header(name).unwrap().parse::<u16>().unwrap();
            let delay = Duration::from_millis(number("x-delay").into());
            status(number("x-status")).delay(delay)
        });
    let mut going_on: Vec<Exchange> = Vec::new();
    for sent in requests {
        transport.advance(Duration::from_millis(sent.after));
        going_on.retain_mut(|exchange| exchange.now_or_never().is_none());
        let call = transport.call(sent.request());
        let mut exchange: Exchange = Box::pin(async move {
            let body = call.await.unwrap().into_body();
            let _ = body.bytes().await;
        });
        if (&mut exchange).now_or_never().is_none() {
            going_on.push(exchange);
        }
    }
    transport
}

fn numbers(verdict: &Verdict) -> Vec<Vec<u64>> {
    let calls = verdict.calls.iter();
    calls
        .map(|call| call.attempts.iter().map(|it| it.sequence).collect())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_request_is_an_attempt_of_exactly_one_call(
        requests in prop::collection::vec(sent(), 0..40),
        is_grouped in any::<bool>(),
    ) {
        let transport = play(&requests);
        let criteria = if is_grouped {
            Criteria::new().group_by(|captured| captured.request.header("x-job").map(str::to_owned))
        } else {
            Criteria::new()
        };
        let verdict = transport.verdict_with(&criteria);
        let calls = numbers(&verdict);

        let mut all = calls.concat();
        all.sort_unstable();
        prop_assert_eq!(all, (1..=requests.len() as u64).collect::<Vec<_>>());
        prop_assert!(calls.iter().all(|call| call.is_sorted()));
        prop_assert!(calls.iter().map(|call| call[0]).is_sorted());

        let sent = |number: u64| &requests[number as usize - 1];
        let mut call_of_job = HashMap::new();
        for (index, call) in calls.iter().enumerate() {
            let is_by_job = is_grouped && sent(call[0]).job.is_some();
            for (place, number) in call.iter().enumerate().skip(1) {
                let (it, mut before) = (sent(*number), call[..place].iter().map(|it| sent(*it)));
                let is_like = |one: &Sent| (one.method, one.path, one.body) == (it.method, it.path, it.body);
                let is_named_like = |one: &Sent| it.request_id.is_some() && one.request_id == it.request_id;
                let is_new = it.retry_count == Some("0") && it.idempotency_key.is_none();
                prop_assert!(is_by_job || before.any(|one| is_named_like(one) || is_like(one) && !is_new));
            }
            if is_grouped {
                for number in call {
                    let Some(job) = sent(*number).job else { continue };
                    prop_assert_eq!(*call_of_job.entry(job).or_insert(index), index);
                }
                let jobs = call.iter().map(|number| sent(*number).job);
                let first = sent(call[0]).job;
                prop_assert!(jobs.into_iter().all(|job| job == first));
            }
        }
        // And the rest of it comes out whatever comes in.
        prop_assert!(verdict.to_string().starts_with("the client "));
        prop_assert!(serde_json::to_string(&verdict).is_ok());
        for finding in verdict.findings() {
            prop_assert!(finding.sequences().iter().all(|number| (1..=requests.len() as u64).contains(number)));
            prop_assert!(!finding.advice().is_empty() && !finding.to_string().is_empty());
        }
    }
}
