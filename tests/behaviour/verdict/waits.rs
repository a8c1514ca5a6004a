//! How long a client waits before it tries again.

use std::time::Duration;

use mockwire::verdict::{Criteria, Finding};
use mockwire::{Error, Fault, RateLimit, Reply, RetryAfter, SequenceEnd};

use super::super::support::{fetch, get, post, send};
use super::super::{MockTransport, test};
use super::{Client, answering, busy, findings, kinds, millis, ok, run, seconds, status, waits};

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
