//! Attempts that go on at the same time, and too many of them.

use std::time::Duration;

use futures::FutureExt;
use futures::future::{Either, join, select};
use mockwire::verdict::{Criteria, Finding, Severity};
use mockwire::{Content, Outcome, Reply, SequenceEnd};

use super::super::support::{get, post, with_header};
use super::super::{MockTransport, test};
use super::{Client, answering, findings, grouped, kinds, ok, run, seconds, status, waits};

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
