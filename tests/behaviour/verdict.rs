//! How clients behave, told by a verdict: good ones pass, and each thing that a bad one does is found.
//! The clients are written by hand, and back off in the transport's time.

use std::time::Duration;

use futures::future::{Either, join, select};
use futures::{FutureExt, StreamExt};
use mockwire::verdict::{Attempt, Criteria, Finding, Severity, Verdict, Violation};
use mockwire::{
    Content, Error, Fault, Outcome, RateLimit, Reply, RetryAfter, Script, SequenceEnd, Timing,
};

use super::support::{fetch, get, handshake, post, send, with_header};
use super::{Body, MockTransport, test};

const fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

const fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// Where an idempotency key comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keys {
    None,
    OnePerAttempt,
    OnePerCall,
    OneForAll,
}

/// A client that tries again, well or badly.
struct Client {
    transport: MockTransport,
    attempts: usize,
    honours_retry_after: bool,
    first_wait: Duration,
    factor: u32,
    is_worth_it: fn(u16) -> bool,
    keys: Keys,
    next_key: u64,
    reads: bool,
    unread: Vec<Body>,
}

impl Client {
    /// As one should be.
    fn good(transport: &MockTransport) -> Self {
        Self {
            transport: transport.clone(),
            attempts: 5,
            honours_retry_after: true,
            first_wait: millis(500),
            factor: 2,
            is_worth_it: |status| status == 429 || status >= 500,
            keys: Keys::OnePerCall,
            next_key: 0,
            reads: true,
            unread: Vec::new(),
        }
    }

    /// As many are written.
    fn bad(transport: &MockTransport) -> Self {
        Self {
            attempts: 20,
            honours_retry_after: false,
            first_wait: seconds(1),
            factor: 1,
            is_worth_it: |status| status >= 400,
            keys: Keys::OnePerAttempt,
            reads: false,
            ..Self::good(transport)
        }
    }

    async fn pay(&mut self, amount: &str) -> Result<u16, Error> {
        let mut wait = self.first_wait;
        let mut attempt = 1;
        if self.keys == Keys::OnePerCall {
            self.next_key += 1;
        }
        loop {
            let request = self.request(amount);
            let status = match self.transport.call(request).await {
                Ok(response) => {
                    let asked = response.headers().get("retry-after");
                    let asked = asked.and_then(|it| it.to_str().ok()?.parse().ok());
                    if let (Some(asked), true) = (asked, self.honours_retry_after) {
                        wait = seconds(asked);
                    }
                    let status = response.status().as_u16();
                    let body = response.into_body();
                    if self.reads {
                        body.bytes().await?;
                    } else {
                        self.unread.push(body);
                    }
                    Ok(status)
                }
                Err(error) => Err(error),
            };
            let is_worth_it = status.as_ref().map_or(true, |it| (self.is_worth_it)(*it));
            if !is_worth_it || attempt == self.attempts {
                return status;
            }
            self.transport.sleep(wait).await?;
            wait *= self.factor;
            attempt += 1;
        }
    }

    fn request(&mut self, amount: &str) -> http::Request<Content> {
        let request = post("/payments", amount.to_owned());
        if self.keys == Keys::OnePerAttempt {
            self.next_key += 1;
        }
        match self.keys {
            Keys::None => request,
            _ => with_header(
                request,
                "idempotency-key",
                &format!("key-{}", self.next_key),
            ),
        }
    }
}

/// The answers that `/payments` gives, one after the other.
fn answering(replies: impl IntoIterator<Item = Reply>) -> MockTransport {
    let transport = MockTransport::new();
    let replies: Vec<_> = replies.into_iter().collect();
    transport
        .post("/payments")
        .reply_sequence(replies, SequenceEnd::RepeatLast);
    transport
}

fn status(status: u16) -> Reply {
    Reply::text("why").with_status(status)
}

fn busy(retry_after: &str) -> Reply {
    status(429).header("retry-after", retry_after)
}

fn ok() -> Reply {
    Reply::text("paid")
}

/// What a client does with these answers.
fn run(client: fn(&MockTransport) -> Client, replies: impl IntoIterator<Item = Reply>) -> Verdict {
    let transport = answering(replies);
    let mut client = client(&transport);
    let _ = transport.block_on(client.pay("10"));
    transport.verdict()
}

fn findings(verdict: &Verdict) -> Vec<Finding> {
    verdict.findings().cloned().collect()
}

fn kinds(verdict: &Verdict) -> Vec<&'static str> {
    verdict
        .findings()
        .map(|finding| match finding {
            Finding::BodyCancelled { .. } => "body cancelled",
            Finding::BodyLeftOpen { .. } => "body left open",
            Finding::DidNotBackOff { .. } => "did not back off",
            Finding::FutileRetry { .. } => "futile retry",
            Finding::GaveUp { .. } => "gave up",
            Finding::Hedged { .. } => "hedged",
            Finding::IdempotencyKeyChanged { .. } => "key changed",
            Finding::IdempotencyKeyMissing { .. } => "key missing",
            Finding::IdempotencyKeyReused { .. } => "key reused",
            Finding::NeverRetried { .. } => "never retried",
            Finding::RetriedAtOnce { .. } => "at once",
            Finding::RetriedTooEarly { .. } => "too early",
            Finding::TooManyAttempts { .. } => "too many",
            _ => "something new",
        })
        .collect()
}

/// The numbers of the attempts, call by call.
fn grouped(verdict: &Verdict) -> Vec<Vec<u64>> {
    let numbers = |attempts: &[Attempt]| attempts.iter().map(|it| it.sequence).collect();
    let calls = verdict.calls.iter();
    calls.map(|call| numbers(&call.attempts)).collect()
}

fn waits(verdict: &Verdict) -> Vec<Option<Duration>> {
    let attempts = verdict.calls.iter().flat_map(|call| &call.attempts);
    attempts.map(|attempt| attempt.waited).collect()
}

#[test]
fn a_client_that_does_everything_well_passes_everything() {
    let verdict = run(
        Client::good,
        [
            busy("3"),
            Reply::fault(Fault::ConnectionReset),
            status(503),
            status(500),
            ok(),
        ],
    );
    assert_eq!(kinds(&verdict), [""; 0], "{verdict}");
    assert!(verdict.is_resilient());
    verdict.assert_resilient();
    verdict.assert_honoured_retry_after();
    verdict.assert_backed_off();
    verdict.assert_max_attempts(5);
    verdict.assert_idempotent();
    verdict.assert_bodies_drained();
    verdict.assert_bodies_released();
    verdict.assert_no_futile_retries();
    verdict.assert_never_gave_up();
    verdict.assert_not_hedged();

    assert_eq!(grouped(&verdict), [[1, 2, 3, 4, 5]]);
    let growing = [3, 6, 12, 24].map(|it| Some(seconds(it)));
    assert_eq!(waits(&verdict)[1..], growing);
    let call = &verdict.calls[0];
    assert_eq!(call.request, "POST https://api.test/payments");
    let asked = call.attempts[0].asked.unwrap();
    assert_eq!((asked.wait, asked.field), (seconds(3), "retry-after"));
    let statuses: Vec<_> = call.attempts.iter().map(|it| it.status).collect();
    assert_eq!(statuses, [Some(429), None, Some(503), Some(500), Some(200)]);
    assert_eq!(call.attempts[4].at, seconds(45));
    assert_eq!(call.attempts[4].delivered, 4);
}

#[test]
fn a_client_that_does_everything_badly_fails_everything() {
    let replies = [
        busy("3"),
        status(503),
        status(503),
        status(503),
        status(400),
    ];
    let verdict = run(Client::bad, replies);
    assert!(!verdict.is_resilient());
    let mut found = kinds(&verdict);
    found.dedup();
    let expected = [
        "too many",
        "too early",
        "futile retry",
        "did not back off",
        "key changed",
        "body left open",
    ];
    assert_eq!(found, expected, "{verdict}");
    assert!(verdict.try_resilient().is_err());
    assert!(verdict.try_honoured_retry_after().is_err());
    assert!(verdict.try_backed_off().is_err());
    assert!(verdict.try_max_attempts(19).is_err());
    assert!(verdict.try_idempotent().is_err());
    assert!(verdict.try_bodies_drained().is_err());
    assert!(verdict.try_bodies_released().is_err());
    assert!(verdict.try_no_futile_retries().is_err());
    // And what it did not do is not held against it.
    verdict.assert_max_attempts(20);
    verdict.assert_never_gave_up();
    verdict.assert_not_hedged();
}

#[test]
fn a_violation_has_the_calls_and_the_findings_that_it_is_about() {
    let transport = answering([busy("3"), ok()]);
    let mut client = Client::bad(&transport);
    transport.block_on(client.pay("10")).unwrap();
    transport.block_on(client.pay("20")).unwrap();
    let violation: Violation = transport.verdict().try_honoured_retry_after().unwrap_err();
    assert_eq!(violation.calls.len(), 1);
    let [
        Finding::RetriedTooEarly {
            sequence: 2,
            after: 1,
            asked,
            waited,
        },
    ] = violation.calls[0].findings[..]
    else {
        panic!("{violation}");
    };
    assert_eq!((asked.wait, waited), (seconds(3), seconds(1)));
    let text = violation.to_string();
    assert!(
        text.starts_with("the client should honour `retry-after`, and did not\n"),
        "{text}"
    );
    assert!(text.contains("2s too early"), "{text}");
    let _: &dyn std::error::Error = &violation;
}

#[cfg(not(target_arch = "wasm32"))]
#[test]
fn assertions_panic_with_the_violation_where_they_stand() {
    use super::support::{panic_place, panic_text};

    let verdict = run(
        Client::bad,
        [busy("3"), status(503), status(503), status(400)],
    );
    let assertions: [fn(&Verdict); 8] = [
        Verdict::assert_resilient,
        Verdict::assert_honoured_retry_after,
        Verdict::assert_backed_off,
        |verdict| verdict.assert_max_attempts(2),
        Verdict::assert_idempotent,
        Verdict::assert_bodies_drained,
        Verdict::assert_bodies_released,
        Verdict::assert_no_futile_retries,
    ];
    for assertion in assertions {
        let text = panic_text(|| assertion(&verdict));
        assert!(text.starts_with("the client should "), "{text}");
    }
    let place = panic_place(|| verdict.assert_resilient());
    assert!(
        place.ends_with("verdict.rs") && place.contains("behaviour"),
        "{place}"
    );
}

// Waits.

#[test]
fn the_wait_that_was_asked_for_is_enough_and_a_millisecond_less_is_not() {
    let epoch = seconds(1_735_689_600);
    let refusals = [
        (RetryAfter::Seconds, "retry-after"),
        (RetryAfter::HttpDate, "retry-after"),
        (RetryAfter::Millis, "retry-after-ms"),
    ];
    for (style, field) in refusals {
        for (short, is_early) in [(Duration::ZERO, false), (millis(1), true)] {
            let transport = MockTransport::builder().epoch(epoch).build();
            let limit = RateLimit::fixed_window(1, seconds(60)).retry_after(style);
            transport.get("/").rate_limit(limit).reply("ok");
            transport.advance(millis(10_500));
            fetch(&transport, get("/")).unwrap();
            fetch(&transport, get("/")).unwrap();
            let asked = transport.verdict().calls[1].attempts[0].asked.unwrap();
            assert_eq!(asked.field, field);
            // What the limit says is rounded up: in seconds, or to the second of a date.
            assert!(
                asked.wait >= millis(49_500) && asked.wait < millis(50_500),
                "{asked:?}"
            );
            transport.advance(asked.wait - short);
            let status = send(&transport, get("/")).unwrap().status();
            assert_eq!(status == 429, is_early && style != RetryAfter::Seconds);
            let verdict = transport.verdict();
            assert_eq!(
                verdict.try_honoured_retry_after().is_err(),
                is_early,
                "{verdict}"
            );
        }
    }
}

#[test]
fn a_wait_is_counted_from_the_answer_not_from_the_request() {
    let transport = MockTransport::new();
    let slow = busy("2").delay(seconds(10));
    transport
        .get("/")
        .reply_sequence([slow, ok()], SequenceEnd::Fail);
    let patient = async {
        transport.call(get("/")).await?.into_body().bytes().await?;
        transport.sleep(seconds(2)).await?;
        transport.call(get("/")).await?.into_body().bytes().await
    };
    transport.block_on(patient).unwrap();
    let verdict = transport.verdict();
    assert_eq!(waits(&verdict), [None, Some(seconds(2))]);
    verdict.assert_resilient();
}

#[test]
fn a_date_that_has_passed_and_a_field_that_nobody_can_read_ask_for_no_wait() {
    for (value, asked) in [
        ("Wed, 01 Jan 2020 00:00:00 GMT", Some(Duration::ZERO)),
        ("in a while", None),
    ] {
        let verdict = run(Client::good, [busy(value), ok()]);
        let attempt = &verdict.calls[0].attempts[0];
        assert_eq!(attempt.asked.map(|it| it.wait), asked, "{value}");
        verdict.assert_resilient();
    }
}

#[test]
fn waits_that_stay_are_no_back_off_and_those_that_an_answer_asks_for_are_not_counted() {
    let constant = |transport: &MockTransport| Client {
        factor: 1,
        ..Client::good(transport)
    };
    let verdict = run(constant, [status(503), status(500), status(502), ok()]);
    let expected = Finding::DidNotBackOff {
        sequences: vec![2, 3, 4],
        waits: vec![millis(500); 3],
    };
    assert_eq!(findings(&verdict), [expected]);
    assert!(verdict.try_backed_off().is_err());

    let verdict = run(constant, [busy("2"), busy("2"), busy("2"), ok()]);
    assert_eq!(kinds(&verdict), [""; 0], "{verdict}");
    // One wait cannot grow.
    let verdict = run(constant, [status(503), ok()]);
    assert_eq!(kinds(&verdict), [""; 0], "{verdict}");
}

#[test]
fn full_jitter_is_allowed_for_by_saying_so() {
    let transport = answering([status(503), status(503), status(503), ok()]);
    transport
        .block_on(async {
            for wait in [900, 100, 1200, 0] {
                let sent = transport.call(post("/payments", ())).await?;
                sent.into_body().bytes().await?;
                transport.sleep(millis(wait)).await?;
            }
            Ok::<_, Error>(())
        })
        .unwrap();
    assert!(transport.verdict().try_backed_off().is_err());
    let criteria = Criteria::new().jitter(1.0);
    transport.verdict_with(&criteria).assert_backed_off();
}

#[test]
fn no_wait_at_all_is_found_even_once() {
    let hasty = |transport: &MockTransport| Client {
        first_wait: Duration::ZERO,
        ..Client::good(transport)
    };
    let verdict = run(hasty, [status(503), status(503), ok()]);
    let sequences = vec![2, 3];
    assert_eq!(findings(&verdict), [Finding::RetriedAtOnce { sequences }]);
    // A connection may have been idle for too long: to try once more at once is what clients do.
    let reset = || Reply::fault(Fault::ConnectionReset);
    let verdict = run(hasty, [reset(), ok()]);
    assert_eq!(kinds(&verdict), [""; 0], "{verdict}");
    let verdict = run(hasty, [reset(), reset(), ok()]);
    let sequences = vec![3];
    assert_eq!(findings(&verdict), [Finding::RetriedAtOnce { sequences }]);
}

// What is worth another attempt.

#[test]
fn what_another_attempt_does_not_change_should_not_be_tried_again() {
    let stubborn = |transport: &MockTransport| Client {
        is_worth_it: |status| status >= 400,
        ..Client::good(transport)
    };
    for final_status in [400, 401, 403, 404, 405, 410, 413, 415, 422, 451] {
        let verdict = run(stubborn, [status(final_status), ok()]);
        let expected = Finding::FutileRetry {
            sequence: 2,
            after: 1,
            status: final_status,
        };
        assert_eq!(findings(&verdict), [expected]);
        assert!(verdict.try_no_futile_retries().is_err());
        run(Client::good, [status(final_status)]).assert_resilient();
    }
    for either in [408, 409, 423, 425, 429, 500, 501, 502, 503, 504, 505, 529] {
        run(stubborn, [status(either), ok()]).assert_resilient();
    }
}

#[test]
fn the_server_may_say_whether_to_try_again() {
    let no = status(503).header("x-should-retry", "false");
    let verdict = run(Client::good, [no.clone(), ok()]);
    assert_eq!(kinds(&verdict), ["futile retry"]);
    let obedient = |transport: &MockTransport| Client {
        attempts: 1,
        ..Client::good(transport)
    };
    run(obedient, [no]).assert_never_gave_up();
    let yes = status(400).header("x-should-retry", "true");
    let verdict = run(obedient, [yes]);
    assert_eq!(kinds(&verdict), ["never retried"]);
}

#[test]
fn other_credentials_make_a_refused_request_another_one() {
    for (second, expected) in [("new", 0), ("old", 1)] {
        let transport = MockTransport::new();
        transport
            .get("/me")
            .bearer("new")
            .reply_sequence([ok()], SequenceEnd::RepeatLast);
        transport.get("/me").reply(status(401));
        for token in ["old", second] {
            let request = with_header(get("/me"), "authorization", &format!("Bearer {token}"));
            fetch(&transport, request).unwrap();
        }
        let verdict = transport.verdict();
        assert_eq!(grouped(&verdict), [[1, 2]]);
        assert_eq!(verdict.findings().count(), expected, "{verdict}");
    }
}

#[test]
fn giving_up_is_noted_and_never_trying_again_is_a_risk() {
    let verdict = run(Client::good, [status(503)]);
    let sequences = vec![1, 2, 3, 4, 5];
    let status_503 = Some(503);
    let gave_up = Finding::GaveUp {
        sequences,
        status: status_503,
    };
    assert_eq!(gave_up.severity(), Severity::Note);
    assert_eq!(findings(&verdict), [gave_up]);
    verdict.assert_resilient();
    assert!(verdict.try_never_gave_up().is_err());

    let once = |transport: &MockTransport| Client {
        attempts: 1,
        ..Client::good(transport)
    };
    let verdict = run(once, [Reply::fault(Fault::Timeout)]);
    let never = Finding::NeverRetried {
        sequence: 1,
        status: None,
    };
    assert_eq!(never.severity(), Severity::Warning);
    assert_eq!(findings(&verdict), [never]);
    // Nobody needs to wait for an hour.
    run(once, [busy("3600")]).assert_resilient();
}

#[test]
fn what_may_do_harm_twice_need_not_be_tried_again() {
    let careful = |transport: &MockTransport| Client {
        attempts: 1,
        keys: Keys::None,
        ..Client::good(transport)
    };
    run(careful, [status(500)]).assert_never_gave_up();
    run(careful, [Reply::fault(Fault::ConnectionReset)]).assert_never_gave_up();
    // What was turned away, and what was never sent, has done nothing.
    for harmless in [status(503), Reply::fault(Fault::ConnectionRefused)] {
        assert_eq!(kinds(&run(careful, [harmless])), ["never retried"]);
    }
}

#[test]
fn a_request_that_the_test_has_no_rule_for_is_not_held_against_the_client() {
    let transport = MockTransport::builder().unmatched_status(404).build();
    for _ in 0..2 {
        fetch(&transport, get("/nowhere")).unwrap();
    }
    let verdict = transport.verdict();
    assert_eq!(grouped(&verdict), [[1, 2]]);
    assert_eq!(kinds(&verdict), [""; 0], "{verdict}");
}

// Idempotency keys.

#[test]
fn one_key_for_all_attempts_of_a_call_and_another_for_the_next_is_right() {
    let transport = answering([status(500), ok(), status(500), ok()]);
    let mut client = Client::good(&transport);
    transport.block_on(client.pay("10")).unwrap();
    transport.block_on(client.pay("10")).unwrap();
    let verdict = transport.verdict();
    assert_eq!(grouped(&verdict), [[1, 2], [3, 4]]);
    verdict.assert_idempotent();
}

#[test]
fn a_new_key_for_each_attempt_makes_them_different_requests() {
    let changing = |transport: &MockTransport| Client {
        keys: Keys::OnePerAttempt,
        ..Client::good(transport)
    };
    let verdict = run(changing, [status(500), status(500), ok()]);
    let expected = Finding::IdempotencyKeyChanged {
        header: "idempotency-key".to_owned(),
        first: 1,
        sequences: vec![2, 3],
    };
    assert_eq!(findings(&verdict), [expected]);
    assert!(verdict.try_idempotent().is_err());
}

#[test]
fn a_key_that_comes_only_with_the_retry_comes_too_late() {
    let transport = answering([status(500), ok()]);
    fetch(&transport, post("/payments", "10")).unwrap();
    transport.advance(seconds(1));
    let again = with_header(post("/payments", "10"), "idempotency-key", "key-1");
    fetch(&transport, again).unwrap();
    let verdict = transport.verdict();
    let expected = Finding::IdempotencyKeyChanged {
        header: "idempotency-key".to_owned(),
        first: 2,
        sequences: vec![1],
    };
    assert_eq!(findings(&verdict), [expected]);
}

#[test]
fn a_missing_key_is_a_risk_when_nobody_knows_what_an_attempt_did() {
    let keyless = |transport: &MockTransport| Client {
        keys: Keys::None,
        ..Client::good(transport)
    };
    let missing = |unknown: &[u64]| Finding::IdempotencyKeyMissing {
        method: "POST".to_owned(),
        sequences: vec![1, 2],
        unknown: unknown.to_vec(),
    };
    // The server has said that it did nothing.
    let verdict = run(keyless, [status(503), ok()]);
    assert_eq!(findings(&verdict), [missing(&[])]);
    verdict.assert_resilient();
    assert!(verdict.try_idempotent().is_err());

    let cut = Script::new().frame("pa").reset();
    for unknown in [
        Reply::fault(Fault::ConnectionReset),
        Reply::fault(Fault::Timeout),
        Reply::script(cut),
    ] {
        let transport = answering([unknown, ok()]);
        let mut client = keyless(&transport);
        let paid = transport.block_on(client.pay("10"));
        if paid.is_err() {
            // A body that breaks is not tried again by this client: so its caller does.
            transport.advance(seconds(1));
            transport.block_on(client.pay("10")).unwrap();
        }
        let verdict = transport.verdict();
        assert_eq!(findings(&verdict), [missing(&[1])], "{verdict}");
        assert!(verdict.try_resilient().is_err());
    }
    // What was never sent did nothing either.
    let verdict = run(keyless, [Reply::fault(Fault::DnsFailure), ok()]);
    assert_eq!(findings(&verdict), [missing(&[])]);
}

#[test]
fn methods_that_are_idempotent_need_no_key() {
    for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"] {
        let transport = MockTransport::new();
        transport
            .on(mockwire::method_is(method))
            .reply_sequence([status(500), ok()], SequenceEnd::Fail);
        for _ in 0..2 {
            fetch(&transport, super::support::request(method, "/x", "body")).unwrap();
            transport.advance(seconds(1));
        }
        transport.verdict().assert_idempotent();
    }
}

#[test]
fn a_key_that_stands_for_two_requests_is_found() {
    let transport = answering([ok()]);
    let mut client = Client::good(&transport);
    client.keys = Keys::OneForAll;
    transport.block_on(client.pay("10")).unwrap();
    transport.block_on(client.pay("20")).unwrap();
    transport.block_on(client.pay("10")).unwrap();
    let verdict = transport.verdict();
    // The same key with the same content is the same request, as it is for the server.
    assert_eq!(grouped(&verdict), [vec![1, 3], vec![2]]);
    let expected = Finding::IdempotencyKeyReused {
        header: "idempotency-key".to_owned(),
        first: 1,
        sequence: 2,
    };
    assert_eq!(findings(&verdict), [expected]);
    assert!(verdict.try_idempotent().is_err());
}

#[test]
fn the_header_field_with_the_key_may_have_any_name() {
    let transport = answering([status(500), ok()]);
    for _ in 0..2 {
        let request = with_header(post("/payments", "10"), "PayPal-Request-Id", "1");
        fetch(&transport, request).unwrap();
        transport.advance(seconds(1));
    }
    assert!(transport.verdict().try_idempotent().is_err());
    let criteria = Criteria::new().idempotency_header("PayPal-Request-Id");
    transport.verdict_with(&criteria).assert_idempotent();
}

// Bodies.

#[test]
fn a_body_is_read_cancelled_or_left() {
    let transport = MockTransport::new();
    transport.get("/").reply(Reply::stream(["one", "two"]));
    let body = || send(&transport, get("/")).unwrap().into_body();
    transport.block_on(body().bytes()).unwrap();
    drop(body());
    let mut begun = body();
    transport.block_on(begun.next()).unwrap().unwrap();
    let untouched = body();
    let verdict = transport.verdict();
    let of = |sequence| vec![sequence];
    let expected = [
        Finding::BodyCancelled { sequences: of(2) },
        Finding::BodyLeftOpen { sequences: of(3) },
        Finding::BodyLeftOpen { sequences: of(4) },
    ];
    assert_eq!(findings(&verdict), expected);
    assert!(verdict.try_bodies_drained().is_err());
    assert!(verdict.try_bodies_released().is_err());
    assert!(verdict.try_resilient().is_err());

    drop((begun, untouched));
    let verdict = transport.verdict();
    assert_eq!(kinds(&verdict), ["body cancelled"; 3]);
    verdict.assert_bodies_released();
    verdict.assert_resilient();
    assert!(verdict.try_bodies_drained().is_err());
    let outcomes: Vec<_> = verdict
        .calls
        .iter()
        .map(|call| call.attempts[0].outcome.as_str())
        .collect();
    assert_eq!(outcomes, ["done", "cancelled", "cancelled", "cancelled"]);
}

#[test]
fn an_answer_without_a_body_leaves_none_open() {
    let transport = MockTransport::new();
    transport.get("/").reply(Reply::status(204));
    let kept = send(&transport, get("/")).unwrap();
    transport.verdict().assert_bodies_drained();
    drop(kept);
}

#[test]
fn a_websocket_that_is_open_is_no_body_left_open() {
    let transport = MockTransport::new();
    let _chat = transport.websocket("wss://api.test/chat").accept_by_hand();
    let open = transport.connect(handshake("wss://api.test/chat"));
    let open = transport.block_on(open).unwrap();
    let verdict = transport.verdict();
    assert_eq!(verdict.calls[0].attempts[0].status, Some(101));
    assert_eq!(kinds(&verdict), [""; 0], "{verdict}");
    drop(open);
}

// Attempts that go on at the same time.

#[test]
fn attempts_at_the_same_time_are_noted_and_a_risk_where_they_may_do_harm() {
    let hedged = |request: fn() -> http::Request<Content>| {
        let transport = MockTransport::new();
        transport
            .on(mockwire::url("/"))
            .reply(ok().delay(seconds(2)));
        let late = async {
            transport.sleep(seconds(1)).await?;
            transport.call(request()).await?.into_body().bytes().await
        };
        let early = async { transport.call(request()).await?.into_body().bytes().await };
        let (early, late) = transport.block_on(join(early, late));
        early.unwrap();
        late.unwrap();
        transport.verdict()
    };
    let safe = hedged(|| get("/"));
    let sequences = vec![2];
    let finding = Finding::Hedged {
        sequences: sequences.clone(),
        safe: true,
    };
    assert_eq!(finding.severity(), Severity::Note);
    assert_eq!(findings(&safe), [finding]);
    assert_eq!(waits(&safe), [None, None]);
    safe.assert_resilient();
    assert!(safe.try_not_hedged().is_err());

    let with_key = hedged(|| with_header(post("/", "10"), "idempotency-key", "1"));
    assert_eq!(kinds(&with_key), ["hedged"]);
    with_key.assert_idempotent();

    let harmful = hedged(|| post("/", "10"));
    let finding = Finding::Hedged {
        sequences,
        safe: false,
    };
    assert_eq!(finding.severity(), Severity::Warning);
    assert_eq!(harmful.findings().next(), Some(&finding));
    assert!(harmful.try_resilient().is_err());
    assert!(harmful.try_idempotent().is_err());

    // Different keys say that these are different calls.
    let transport = MockTransport::new();
    transport.post("/").reply(ok().delay(seconds(1)));
    let pay = |key: &'static str| {
        let request = with_header(post("/", "10"), "idempotency-key", key);
        transport
            .call(request)
            .then(|it| it.unwrap().into_body().bytes())
    };
    let (one, two) = transport.block_on(join(pay("1"), pay("2")));
    one.and(two).unwrap();
    assert_eq!(grouped(&transport.verdict()), [[1], [2]]);
}

#[test]
fn a_client_that_gives_up_and_asks_again_has_made_two_attempts_of_one_call() {
    let transport = MockTransport::new();
    transport
        .get("/")
        .reply_sequence([Reply::never(), ok()], SequenceEnd::Fail);
    let impatient = async {
        let call = transport.call(get("/"));
        let timeout = transport.sleep(seconds(30));
        match select(call, timeout).await {
            Either::Left((answer, _)) => panic!("answered: {answer:?}"),
            Either::Right((slept, call)) => {
                drop(call);
                slept?;
            }
        }
        transport.call(get("/")).await?.into_body().text().await
    };
    transport.block_on(impatient).unwrap();
    let verdict = transport.verdict();
    assert_eq!(grouped(&verdict), [[1, 2]]);
    assert_eq!(waits(&verdict), [None, Some(Duration::ZERO)]);
    assert_eq!(verdict.calls[0].attempts[0].status, None);
    assert_eq!(verdict.calls[0].attempts[0].outcome, Outcome::Cancelled);
    verdict.assert_resilient();
}

#[test]
fn too_many_attempts_are_a_storm() {
    let verdict = run(Client::bad, [status(503)]);
    let sequences: Vec<u64> = (1..=20).collect();
    let expected = Finding::TooManyAttempts {
        sequences,
        limit: 10,
    };
    assert_eq!(expected.severity(), Severity::Error);
    assert_eq!(verdict.findings().next(), Some(&expected));

    let transport = answering([status(503)]);
    let mut client = Client::good(&transport);
    transport.block_on(client.pay("10")).unwrap();
    let criteria = Criteria::new().max_attempts(4);
    let verdict = transport.verdict_with(&criteria);
    assert!(kinds(&verdict).contains(&"too many"));
}

// Which requests are one call.

#[test]
fn equal_requests_are_one_call_until_one_of_them_succeeds() {
    let transport = MockTransport::new();
    transport.get("/").reply_sequence(
        [status(503), ok(), ok(), status(404), status(503), ok()],
        SequenceEnd::Fail,
    );
    for _ in 0..6 {
        fetch(&transport, get("/")).unwrap();
    }
    let verdict = transport.verdict();
    assert_eq!(grouped(&verdict), [vec![1, 2], vec![3], vec![4, 5, 6]]);
    assert_eq!(verdict.call_of(5), Some(&verdict.calls[2]));
    assert_eq!(verdict.call_of(7), None);
}

#[test]
fn method_url_and_body_are_compared_in_full() {
    let transport = MockTransport::builder().max_body_bytes(4).build();
    transport.on(mockwire::url("/**")).reply(status(503));
    let sent = [
        post("/a", "1"),
        post("/a", "2"),
        post("/b", "1"),
        post("/a?q", "1"),
        get("/a"),
        post("/a", "1"),
        // Of long bodies the journal has the beginning, and the length.
        post("/a", "long 1"),
        post("/a", "long 2"),
        post("/a", "long, or longer"),
    ];
    for request in sent {
        fetch(&transport, request).unwrap();
    }
    let expected: [&[u64]; 7] = [&[1, 6], &[2], &[3], &[4], &[5], &[7, 8], &[9]];
    assert_eq!(grouped(&transport.verdict()), expected);
}

#[test]
fn the_same_request_id_makes_one_call_of_different_bodies_until_it_succeeds() {
    let transport = MockTransport::new();
    transport
        .post("/")
        .reply_sequence([status(503), ok(), ok()], SequenceEnd::Fail);
    for body in ["attempt 1", "attempt 2", "something else"] {
        let request = with_header(post("/", body), "x-request-id", "abc");
        fetch(&transport, request).unwrap();
    }
    assert_eq!(grouped(&transport.verdict()), [vec![1, 2], vec![3]]);
}

#[test]
fn a_client_that_counts_its_attempts_tells_its_calls_apart() {
    let transport = MockTransport::new();
    transport.post("/").reply(status(503).delay(seconds(1)));
    let call = |count: &'static str| {
        let request = with_header(post("/", "hi"), "x-stainless-retry-count", count);
        transport
            .call(request)
            .then(|it| it.unwrap().into_body().bytes())
    };
    let one = async {
        call("0").await?;
        transport.sleep(seconds(1)).await?;
        call("1").await?;
        transport.sleep(seconds(2)).await?;
        call("2").await
    };
    let two = async {
        call("0").await?;
        transport.sleep(seconds(3)).await?;
        call("1").await
    };
    let (one, two) = transport.block_on(join(one, two));
    one.and(two).unwrap();
    // And one that has given up before.
    transport.block_on(call("0")).unwrap();
    assert_eq!(
        grouped(&transport.verdict()),
        [vec![1, 3, 5], vec![2, 4], vec![6]]
    );
}

#[test]
fn a_key_of_the_tests_own_overrules_everything() {
    let transport = MockTransport::new();
    transport.on(mockwire::url("/**")).reply(status(503));
    for (path, job) in [
        ("/a", "1"),
        ("/b", "1"),
        ("/a", "2"),
        ("/a", ""),
        ("/a", "1"),
        ("/a", ""),
    ] {
        fetch(&transport, with_header(get(path), "x-job", job)).unwrap();
    }
    let criteria = Criteria::new().group_by(|captured| {
        let job = captured.request.header("x-job")?;
        (!job.is_empty()).then(|| job.to_owned())
    });
    let verdict = transport.verdict_with(&criteria);
    // Those without a key are grouped as usual, among themselves.
    assert_eq!(grouped(&verdict), [vec![1, 2, 5], vec![3], vec![4, 6]]);
}

#[test]
fn a_rules_verdict_has_the_whole_calls_that_it_has_answered() {
    let transport = MockTransport::new();
    let refusing = transport.get("/").once().reply(busy("2"));
    let answering = transport.get("/").reply(ok());
    let other = transport.get("/other").reply(ok());
    for path in ["/", "/other", "/", "/"] {
        fetch(&transport, get(path)).unwrap();
        transport.advance(seconds(2));
    }
    assert_eq!(grouped(&refusing.verdict()), [[1, 3]]);
    assert_eq!(grouped(&answering.verdict()), [vec![1, 3], vec![4]]);
    assert_eq!(grouped(&other.verdict()), [[2]]);
    let criteria = Criteria::new().max_attempts(1);
    assert!(refusing.verdict_with(&criteria).try_resilient().is_err());
    refusing.verdict().assert_resilient();
}

#[test]
fn what_the_journal_has_forgotten_is_counted() {
    let transport = MockTransport::builder().max_requests(2).build();
    transport.get("/").reply(ok());
    for _ in 0..5 {
        fetch(&transport, get("/")).unwrap();
    }
    let verdict = transport.verdict();
    assert_eq!(
        (verdict.forgotten, grouped(&verdict)),
        (3, vec![vec![4], vec![5]])
    );
    assert!(verdict.to_string().contains("3 earlier requests"));
    let nothing = MockTransport::new().verdict();
    assert_eq!((nothing.calls.len(), nothing.is_resilient()), (0, true));
}

#[test]
fn a_killed_host_is_tried_again_until_it_is_back() {
    let transport = MockTransport::builder().timing(Timing::Instant).build();
    transport.post("/payments").reply(ok());
    let mut client = Client::good(&transport);
    transport.outage(
        "api.test",
        Duration::ZERO..seconds(2),
        Fault::ConnectionRefused,
    );
    assert_eq!(transport.block_on(client.pay("10")).unwrap(), 200);
    let verdict = transport.verdict();
    verdict.assert_resilient();
    assert_eq!(
        waits(&verdict)[1..],
        [500, 1000, 2000].map(|it| Some(millis(it)))
    );
}
