//! What is worth another attempt.

use mockwire::verdict::{Finding, Severity};
use mockwire::{Fault, Reply, SequenceEnd};

use super::super::support::{fetch, get, with_header};
use super::super::{MockTransport, test};
use super::{Client, Keys, busy, findings, grouped, kinds, ok, run, status};

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
