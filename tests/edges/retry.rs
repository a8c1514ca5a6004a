//! The retries of real clients, judged: `reqwest-retry` and `tower::retry`, on tokio's paused clock.
#![cfg(not(target_arch = "wasm32"))]

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use mockwire::futures::Body;
use mockwire::sync::MockTransport;
use mockwire::verdict::{Criteria, Finding, Verdict};
use mockwire::{Error, Fault, Mode, Reply, SequenceEnd, Threaded, TokioTimer};
use reqwest_retry::RetryTransientMiddleware;
use retry_policies::Jitter;
use retry_policies::policies::ExponentialBackoff;
use tower::ServiceExt;
use tower::retry::backoff::{Backoff, ExponentialBackoffMaker, MakeBackoff};
use tower::retry::{Policy, Retry};
use tower::util::rng::HasherRng;

const MESSAGES: &str = "https://api.test/v1/messages";

fn answering(replies: impl IntoIterator<Item = Reply>) -> MockTransport {
    let transport = MockTransport::builder().timer(TokioTimer::new()).build();
    transport
        .on(mockwire::url(MESSAGES))
        .reply_sequence(replies, SequenceEnd::Fail);
    transport
}

fn status(status: u16) -> Reply {
    Reply::text("why").with_status(status)
}

fn ok() -> Reply {
    Reply::text("well")
}

/// The waits of the only call, in seconds.
fn waits(verdict: &Verdict) -> Vec<u64> {
    assert_eq!(verdict.calls.len(), 1, "{verdict}");
    let waited = verdict.calls[0].attempts.iter().filter_map(|it| it.waited);
    waited
        .map(|wait| wait.as_secs_f64().round() as u64)
        .collect()
}

/// A `reqwest` client that waits 1 s, 2 s, 4 s, ...
fn reqwest_client(transport: &MockTransport) -> reqwest_middleware::ClientWithMiddleware {
    let policy = ExponentialBackoff::builder()
        .retry_bounds(Duration::from_secs(1), Duration::from_secs(60))
        .jitter(Jitter::None)
        .build_with_max_retries(3);
    reqwest_middleware::ClientBuilder::new(reqwest::Client::new())
        .with(RetryTransientMiddleware::new_with_policy(policy))
        .with(transport.clone())
        .build()
}

#[tokio::test(start_paused = true)]
async fn reqwest_retry_backs_off_and_stops_where_it_should() {
    let transport = answering([status(503), status(500), status(429), ok()]);
    let response = reqwest_client(&transport).get(MESSAGES).send().await;
    assert_eq!(response.unwrap().text().await.unwrap(), "well");
    let verdict = transport.verdict();
    assert_eq!(waits(&verdict), [1, 2, 4]);
    verdict.assert_resilient();
    verdict.assert_backed_off();
    verdict.assert_max_attempts(4);
    verdict.assert_idempotent();
    // What it does not need it drops.
    verdict.assert_bodies_released();
    let sequences = vec![1, 2, 3];
    let dropped = [Finding::BodyCancelled { sequences }];
    assert!(verdict.findings().eq(&dropped), "{verdict}");

    let transport = answering([status(404)]);
    let response = reqwest_client(&transport).get(MESSAGES).send().await;
    assert_eq!(response.unwrap().text().await.unwrap(), "why");
    transport.verdict().assert_no_futile_retries();
}

#[tokio::test(start_paused = true)]
async fn reqwest_retry_does_not_look_at_retry_after() {
    let busy = || status(429).header("retry-after", "10");
    let transport = answering([busy(), busy(), ok()]);
    let request = reqwest_client(&transport).post(MESSAGES).body("hello");
    assert_eq!(request.send().await.unwrap().status(), 200);
    let verdict = transport.verdict();
    let violation = verdict.try_honoured_retry_after().unwrap_err();
    assert_eq!(violation.calls[0].findings.len(), 2, "{violation}");
    assert!(
        violation.to_string().contains("9s too early"),
        "{violation}"
    );
}

/// A policy as one writes it: what the server asks for, else tower's own back-off.
#[derive(Clone)]
struct Patient {
    transport: MockTransport,
    back_off: tower::retry::backoff::ExponentialBackoff,
    left: usize,
    looks_at_retry_after: bool,
}

impl Patient {
    fn new(transport: &MockTransport) -> Self {
        let (min, max) = (Duration::from_secs(1), Duration::from_secs(60));
        let maker = ExponentialBackoffMaker::new(min, max, 0.2, HasherRng::default());
        Self {
            transport: transport.clone(),
            back_off: maker.unwrap().make_backoff(),
            left: 3,
            looks_at_retry_after: true,
        }
    }
}

impl<M: Mode> Policy<http::Request<String>, http::Response<Body<M>>, Error> for Patient {
    type Future = Pin<Box<dyn Future<Output = ()> + Send>>;

    fn retry(
        &mut self,
        _: &mut http::Request<String>,
        result: &mut Result<http::Response<Body<M>>, Error>,
    ) -> Option<Self::Future> {
        let asked = match result {
            Ok(response) if response.status() == 429 || response.status().is_server_error() => {
                let field = response.headers().get("retry-after");
                field.and_then(|field| field.to_str().ok()?.parse().ok())
            }
            Ok(_) => return None,
            Err(_) => None,
        };
        self.left = self.left.checked_sub(1)?;
        let transport = self.transport.clone();
        match asked.filter(|_| self.looks_at_retry_after) {
            Some(seconds) => Some(Box::pin(async move {
                let _ = transport.sleep(Duration::from_secs(seconds)).await;
            })),
            None => Some(Box::pin(self.back_off.next_backoff())),
        }
    }

    fn clone_request(&mut self, request: &http::Request<String>) -> Option<http::Request<String>> {
        Some(request.clone())
    }
}

async fn send(policy: Patient) -> Result<http::Response<Body<Threaded>>, Error> {
    let service = Retry::new(policy.clone(), policy.transport.clone());
    let request = http::Request::post(MESSAGES).header("idempotency-key", "1");
    service
        .oneshot(request.body("hello".to_owned()).unwrap())
        .await
}

#[tokio::test(start_paused = true)]
async fn a_tower_policy_that_does_what_it_is_asked_for_passes() {
    let busy = status(429).header("retry-after", "10");
    let reset = Reply::fault(Fault::ConnectionReset);
    let transport = answering([busy, reset, status(503), ok()]);
    let response = send(Patient::new(&transport)).await.unwrap();
    assert_eq!(response.into_body().text().await.unwrap(), "well");
    let verdict = transport.verdict();
    assert_eq!(waits(&verdict)[0], 10);
    verdict.assert_resilient();
    verdict.assert_honoured_retry_after();
    verdict.assert_backed_off();
    verdict.assert_idempotent();
    assert!(
        transport
            .verdict_with(&Criteria::new().max_attempts(3))
            .try_resilient()
            .is_err()
    );
}

#[tokio::test(start_paused = true)]
async fn a_tower_policy_that_does_not_look_at_retry_after_fails() {
    let busy = status(429).header("retry-after", "10");
    let transport = answering([busy, ok()]);
    let mut policy = Patient::new(&transport);
    policy.looks_at_retry_after = false;
    send(policy).await.unwrap();
    assert!(transport.verdict().try_honoured_retry_after().is_err());
}
