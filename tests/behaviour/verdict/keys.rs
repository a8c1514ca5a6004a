//! Idempotency keys.

use mockwire::verdict::{Criteria, Finding};
use mockwire::{Fault, Reply, Script, SequenceEnd};

use super::super::support::{fetch, post, request, with_header};
use super::super::{MockTransport, test};
use super::{Client, Keys, answering, findings, grouped, ok, run, seconds, status};

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
            fetch(&transport, request(method, "/x", "body")).unwrap();
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
