//! Which requests are one call.

use std::time::Duration;

use futures::FutureExt;
use futures::future::join;
use mockwire::verdict::Criteria;
use mockwire::{Fault, SequenceEnd, Timing};

use super::super::support::{fetch, get, post, with_header};
use super::super::{MockTransport, test};
use super::{Client, busy, grouped, millis, ok, seconds, status, waits};

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
