//! How clients behave, told by a verdict: good ones pass, and each thing that a bad one does is found.
//! The clients are written by hand, and back off in the transport's time.

mod bodies;
mod calls;
mod keys;
mod overlaps;
mod retries;
mod waits;

use std::time::Duration;

use mockwire::verdict::{Attempt, Finding, Verdict, Violation};
use mockwire::{Content, Error, Fault, Reply, SequenceEnd};

use super::support::{post, with_header};
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
    assert!(place.ends_with("verdict/mod.rs"), "{place}");
}
