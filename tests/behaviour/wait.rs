//! Waiting for requests, and the transport's time.

use std::time::Duration;

use futures::FutureExt;
use futures::future::{join, join_all};
use mockwire::{ErrorKind, Timing};

use super::support::{fetch, get, is_matched, post};
use super::{MockTransport, test};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn requests_that_are_there_need_no_waiting() {
    let transport = MockTransport::new();
    transport.get("/*").reply("ok");
    for n in 0..3 {
        fetch(&transport, get(&format!("/{n}"))).unwrap();
    }
    let found = transport.wait_for_requests(2).now_or_never();
    assert!(found.unwrap().unwrap().len() >= 2);
    assert_eq!(transport.now(), Duration::ZERO);
    let none = transport.wait_for_requests(0).now_or_never();
    assert!(none.unwrap().is_ok());
}

#[test]
fn a_wait_ends_with_the_request_that_makes_it_enough() {
    let transport = MockTransport::new();
    transport.get("/*").reply("ok");
    let calls = async {
        for n in 0..3 {
            transport.call(get(&format!("/{n}"))).await.unwrap();
        }
    };
    let wait = transport.wait_for_requests(3);
    let (found, ()) = transport.block_on(join(wait, calls));
    let paths: Vec<_> = found
        .unwrap()
        .iter()
        .map(|captured| captured.request.path().to_owned())
        .collect();
    assert_eq!(paths, ["/0", "/1", "/2"]);
    // It did not take any of the transport's time.
    assert_eq!(transport.now(), Duration::ZERO);
}

#[test]
fn a_wait_counts_only_what_matches() {
    let transport = MockTransport::new();
    transport.otherwise().reply("ok");
    let calls = async {
        for request in [get("/"), post("/", "no"), get("/"), post("/", "yes")] {
            transport.call(request).await.unwrap();
        }
    };
    let wait = transport
        .wait_for_requests(1)
        .matching(mockwire::post("/"))
        .matching(mockwire::body("yes"));
    let (found, ()) = transport.block_on(join(wait, calls));
    let found = found.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].sequence, 4);
}

#[test]
fn unmatched_requests_are_waited_for_like_any_other() {
    let transport = MockTransport::new();
    let call = async { transport.call(get("/nobody")).await.map(drop) };
    let (found, result) = transport.block_on(join(transport.wait_for_requests(1), call));
    assert_eq!(found.unwrap().len(), 1);
    assert!(result.unwrap_err().is_unmatched());
}

#[test]
fn a_wait_gives_up_at_its_deadline_in_the_transports_time() {
    let transport = MockTransport::new();
    let hour = Duration::from_secs(3600);
    let wait = transport
        .wait_for_requests(2)
        .matching(mockwire::get("/never"))
        .within(hour);
    let error = transport.block_on(wait).unwrap_err();
    assert_eq!(error.code(), "MOCKWIRE_TIMED_OUT");
    assert!(error.to_string().contains("GET /never"), "{error}");
    assert!(error.to_string().contains("2 requests"), "{error}");
    assert_eq!(transport.now(), hour);
}

#[test]
fn a_wait_lasts_thirty_seconds_unless_told_otherwise() {
    let transport = MockTransport::new();
    transport
        .block_on(transport.wait_for_requests(1))
        .unwrap_err();
    assert_eq!(transport.now(), 30 * SECOND);
}

#[test]
fn deadlines_come_in_order() {
    let transport = MockTransport::new();
    let wait = |seconds: u32| {
        let wait = transport.wait_for_requests(1).within(seconds * SECOND);
        let transport = transport.clone();
        async move {
            wait.await.unwrap_err();
            transport.now()
        }
    };
    let times = transport.block_on(async { futures::join!(wait(3), wait(1), wait(2)) });
    assert_eq!(times, (3 * SECOND, SECOND, 2 * SECOND));
}

#[test]
fn manual_time_moves_only_by_hand() {
    let transport = MockTransport::builder().timing(Timing::Manual).build();
    let mut wait = transport.wait_for_requests(1).within(2 * SECOND);
    assert!((&mut wait).now_or_never().is_none());
    transport.advance(2 * SECOND - Duration::from_nanos(1));
    assert!((&mut wait).now_or_never().is_none());
    transport.advance(Duration::from_nanos(1));
    let error = wait.now_or_never().unwrap().unwrap_err();
    assert_eq!(error.code(), "MOCKWIRE_TIMED_OUT");
}

#[test]
fn a_future_that_manual_time_would_free_is_reported_not_hung() {
    let transport = MockTransport::builder().timing(Timing::Manual).build();
    let stalled = transport.try_block_on(transport.wait_for_requests(1));
    let error = stalled.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Stalled { .. }));
    assert!(error.to_string().contains("advance"), "{error}");
    // Negative control: with somebody who moves time, it ends.
    let wait = transport.wait_for_requests(1);
    let advance = async { transport.advance(30 * SECOND) };
    let (result, ()) = transport.block_on(join(wait, advance));
    assert_eq!(result.unwrap_err().code(), "MOCKWIRE_TIMED_OUT");
}

#[test]
fn time_adds_up_and_never_goes_back() {
    let transport = MockTransport::new();
    assert_eq!(transport.now(), Duration::ZERO);
    transport.advance(SECOND);
    transport.advance(Duration::ZERO);
    transport.advance(SECOND / 2);
    assert_eq!(transport.now(), SECOND * 3 / 2);
    assert_eq!(transport.clone().now(), transport.now());
}

#[test]
fn a_wait_that_is_dropped_leaves_nothing_to_step_to() {
    let transport = MockTransport::new();
    let mut wait = transport.wait_for_requests(1).within(SECOND);
    assert!((&mut wait).now_or_never().is_none());
    drop(wait);
    let stalled = transport.try_block_on(std::future::pending::<()>());
    assert_eq!(stalled.unwrap_err().code(), "MOCKWIRE_STALLED");
    assert_eq!(transport.now(), Duration::ZERO);
}

#[test]
fn a_malformed_matcher_ends_the_wait_at_once() {
    let transport = MockTransport::new();
    let wait = transport.wait_for_requests(1).matching(mockwire::get("x"));
    let error = wait.now_or_never().unwrap().unwrap_err();
    assert_eq!(error.code(), "MOCKWIRE_INVALID_PATTERN");
}

#[test]
fn a_stalled_future_is_reported_with_what_it_waits_for() {
    let transport = MockTransport::new();
    let _hold = transport.get("/slow").hold();
    let error = transport
        .try_block_on(transport.call(get("/slow")))
        .unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Stalled { .. }));
    let text = error.to_string();
    assert!(text.contains("#1 GET https://api.test/slow"), "{text}");
}

#[test]
fn who_waits_over_a_reset_sees_what_comes_after_it() {
    let transport = MockTransport::new();
    for _ in 0..3 {
        assert!(!is_matched(&transport, get("/before")));
    }
    let mut wait = transport.wait_for_requests(4);
    assert!((&mut wait).now_or_never().is_none());
    transport.reset();
    let calls = (0..4).map(|_| transport.call(get("/after")));
    let (found, _) = transport.block_on(join(wait, join_all(calls)));
    let found = found.unwrap();
    assert_eq!(found.len(), 4);
    assert!(found.iter().all(|it| it.request.path() == "/after"));
}
