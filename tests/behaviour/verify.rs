//! Whether everything went as the test expects.

use mockwire::{Exclusion, Fault, MockTransport as Transport, Reply, predicate};

use super::support::{fetch, get, is_matched, post};
use super::{MockTransport, Mode, test};

fn two_calls() -> MockTransport {
    let transport = MockTransport::new();
    transport.get("/a").reply("a");
    transport.post("/b").reply("b");
    fetch(&transport, get("/a?n=1")).unwrap();
    fetch(&transport, post("/b", "body")).unwrap();
    transport
}

/// Whether an assertion on the transport holds; where a panic can be caught, also that it panics.
fn holds(assertion: impl FnOnce(&Transport<Mode>)) -> bool {
    let transport = two_calls();
    #[cfg(not(target_arch = "wasm32"))]
    {
        let unwind = std::panic::AssertUnwindSafe(|| assertion(&transport));
        std::panic::catch_unwind(unwind).is_ok()
    }
    #[cfg(target_arch = "wasm32")]
    {
        assertion(&transport);
        true
    }
}

#[test]
fn a_transport_that_nobody_used_is_fine() {
    MockTransport::new().verify();
    let transport = MockTransport::new();
    transport.get("/").reply("ok");
    transport.verify();
}

#[test]
fn an_unmet_rule_fails_with_what_came_nearest() {
    let transport = MockTransport::new();
    transport.get("/a").header("x-h", "v").times(2).reply("a");
    transport.get("/fine").reply("ok");
    fetch(&transport, get("/a")).unwrap_err();
    let report = transport.try_verify().unwrap_err();
    assert_eq!(report.unmet.len(), 1);
    let unmet = &report.unmet[0];
    assert_eq!(unmet.calls, 0);
    assert_eq!(unmet.expected, "exactly 2 times");
    assert!(unmet.rule.contains("GET /a"), "{}", unmet.rule);
    assert!(unmet.site.contains("verify.rs:"), "{}", unmet.site);
    let (request, miss) = unmet.nearest.as_ref().unwrap();
    assert!(request.contains("https://api.test/a"), "{request}");
    let failed: Vec<_> = miss.checks.iter().filter(|check| !check.passed).collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].matcher, "header x-h");
    // The request that matched nothing is told as well.
    assert_eq!(report.unmatched_count, 1);
    assert_eq!(report.unmatched[0].sequence, 1);
}

#[test]
fn the_nearest_request_is_not_one_that_the_rule_answered() {
    let transport = MockTransport::new();
    transport.get("/a").times(2).reply("a");
    transport.get("/b").reply("b");
    fetch(&transport, get("/a")).unwrap();
    let report = transport.try_verify().unwrap_err();
    assert_eq!(report.unmet[0].calls, 1);
    assert_eq!(report.unmet[0].nearest, None);
    fetch(&transport, get("/b")).unwrap();
    let report = transport.try_verify().unwrap_err();
    let (request, _) = report.unmet[0].nearest.as_ref().unwrap();
    assert!(request.contains("/b"), "{request}");
}

#[test]
fn an_unmatched_request_fails_verification() {
    let transport = MockTransport::new();
    assert!(!is_matched(&transport, get("/a")));
    let report = transport.try_verify().unwrap_err();
    assert!(report.unmet.is_empty());
    assert_eq!(report.unmatched_count, 1);
    // A rule that comes later does not mend it.
    transport.get("/a").reply("late");
    assert!(transport.try_verify().is_err());
}

#[test]
fn unmatched_requests_may_be_allowed() {
    let transport = MockTransport::builder().allow_unmatched().build();
    assert!(!is_matched(&transport, get("/a")));
    transport.verify();
    // Negative control: rules must still be met.
    transport.get("/b").once().reply("b");
    assert!(transport.try_verify().is_err());
}

#[test]
fn a_report_tells_of_five_unmatched_requests_and_counts_them_all() {
    let transport = MockTransport::builder().max_requests(10).build();
    for _ in 0..20 {
        assert!(!is_matched(&transport, get("/")));
    }
    // Also of those that the journal has dropped meanwhile.
    let report = transport.try_verify().unwrap_err();
    assert_eq!(report.unmatched_count, 20);
    assert_eq!(report.unmatched.len(), 5);
}

#[test]
fn a_scripted_failure_is_as_expected() {
    let transport = MockTransport::new();
    transport.get("/").once().reply(Fault::ConnectionRefused);
    fetch(&transport, get("/")).unwrap_err();
    transport.verify();
}

#[test]
fn verifying_twice_says_the_same() {
    let transport = MockTransport::new();
    transport.get("/").once().reply("ok");
    let first = transport.try_verify().unwrap_err();
    assert_eq!(transport.try_verify().unwrap_err(), first);
    fetch(&transport, get("/")).unwrap();
    transport.verify();
    transport.verify();
}

#[test]
fn calls_are_counted_by_any_matcher() {
    assert!(holds(|it| it.assert_called(mockwire::get("/a"), 1)));
    assert!(holds(|it| it.assert_called(mockwire::get("/a"), 1..)));
    assert!(holds(|it| it.assert_called(mockwire::url("*"), 2)));
    assert!(holds(|it| it.assert_called(mockwire::get("/c"), 0)));
    assert!(holds(
        |it| it.assert_called(mockwire::body_contains("bod"), 1)
    ));
    assert!(holds(|it| it.assert_called(mockwire::query("n", "1"), 1)));
}

#[cfg(not(target_arch = "wasm32"))]
#[test]
fn another_number_of_calls_fails() {
    assert!(!holds(|it| it.assert_called(mockwire::get("/a"), 2)));
    assert!(!holds(|it| it.assert_called(mockwire::get("/a"), 0)));
    assert!(!holds(|it| it.assert_called(mockwire::get("/a"), 2..)));
    assert!(!holds(|it| it.assert_called(mockwire::get("/c"), 1)));
}

#[test]
fn requests_are_in_order_when_they_are_with_others_between() {
    assert!(holds(|it| it.assert_in_order([])));
    assert!(holds(|it| {
        it.assert_in_order([mockwire::get("/a"), mockwire::post("/b")]);
    }));
    assert!(holds(|it| it.assert_in_order([mockwire::post("/b")])));
}

#[cfg(not(target_arch = "wasm32"))]
#[test]
fn requests_in_another_order_fail() {
    assert!(!holds(|it| {
        it.assert_in_order([mockwire::post("/b"), mockwire::get("/a")]);
    }));
    // One request stands for one place in the order.
    assert!(!holds(|it| {
        it.assert_in_order([mockwire::get("/a"), mockwire::get("/a")]);
    }));
    assert!(!holds(|it| it.assert_in_order([mockwire::get("/c")])));
}

#[test]
fn no_unmatched_request_is_an_assertion_of_its_own() {
    let transport = two_calls();
    transport.get("/unmet").once().reply(Reply::status(204));
    transport.assert_no_unmatched();
    assert!(transport.try_verify().is_err());
}

#[cfg(not(target_arch = "wasm32"))]
#[test]
fn a_failing_verification_panics_with_the_report() {
    let transport = two_calls();
    transport.get("/unmet").once().reply("x");
    let report = transport.try_verify().unwrap_err();
    let text = super::support::panic_text(|| transport.verify());
    assert_eq!(text, report.to_string());
    fetch(&transport, get("/unmatched")).unwrap_err();
    let text = super::support::panic_text(|| transport.assert_no_unmatched());
    assert!(text.contains("/unmatched"), "{text}");
}

#[cfg(not(target_arch = "wasm32"))]
#[test]
fn a_malformed_matcher_in_an_assertion_says_so() {
    let transport = MockTransport::new(); // also when there is nothing to compare it with
    for text in [
        super::support::panic_text(|| transport.assert_called(mockwire::get("no slash"), 0)),
        super::support::panic_text(|| transport.assert_in_order([mockwire::get("no slash")])),
        super::support::panic_text(|| transport.requests_matching(mockwire::get("no slash"))),
    ] {
        assert!(text.contains("no slash"), "{text}");
    }
}

#[test]
fn a_report_tells_why_a_request_was_not_answered_when_it_came() {
    let transport = MockTransport::new();
    assert!(!is_matched(&transport, get("/late")));
    transport.get("/late").once().reply("late");
    transport
        .get("/me")
        .in_scenario("session")
        .when_state("signed in")
        .reply("Ada");
    assert!(!is_matched(&transport, get("/me")));
    // What was amiss is not any more; the report must not say that nothing was.
    transport.set_scenario("session", "signed in");
    assert!(is_matched(&transport, get("/late")));
    let report = transport.try_verify().unwrap_err();
    assert_eq!((report.unmatched_count, report.unmatched.len()), (2, 2));
    assert_eq!(report.unmatched[0].rules, 0);
    let excluded = &report.unmatched[1].nearest[0].excluded;
    assert!(
        matches!(excluded, Some(Exclusion::WrongState { actual, .. }) if actual == "started"),
        "{report}"
    );
    transport.clear();
    transport.verify();
}

#[test]
fn the_verdict_of_a_predicate_is_in_the_report() {
    let transport = MockTransport::new();
    transport.get("/").and(predicate(|_| false)).reply("ok");
    assert!(!is_matched(&transport, get("/")));
    let report = transport.try_verify().unwrap_err().to_string();
    assert!(report.contains("actual   no match"), "{report}");
}

#[test]
fn a_report_diagnoses_the_first_requests_and_counts_all() {
    let transport = MockTransport::builder().max_requests(2).build();
    for _ in 0..9 {
        assert!(!is_matched(&transport, get("/")));
    }
    let report = transport.try_verify().unwrap_err();
    let told = report.unmatched.iter().map(|it| it.sequence);
    assert_eq!(told.collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert_eq!(report.unmatched_count, 9);
}

#[test]
fn a_disposed_transport_cannot_be_verified() {
    let transport = MockTransport::new();
    transport.get("/").once().reply("never asked for");
    transport.dispose();
    let report = transport.try_verify().unwrap_err();
    assert!(report.disposed);
    assert!(report.to_string().contains("before `dispose`"), "{report}");
}

#[cfg(not(target_arch = "wasm32"))]
#[test]
fn nobody_knows_how_often_a_rule_has_answered_that_is_gone() {
    let transport = MockTransport::new();
    let rule = transport.get("/").reply("ok");
    rule.assert_calls(0);
    rule.remove().unwrap();
    let text = super::support::panic_text(|| rule.assert_calls(0));
    assert!(
        text.contains("not known") && text.contains("stale"),
        "{text}"
    );
}
