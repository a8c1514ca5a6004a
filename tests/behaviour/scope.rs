//! Rules for a part of a test.

use mockwire::Reply;

use super::support::{fetch, get, is_matched, post};
use super::{MockTransport, test};

#[test]
fn the_rules_of_a_scope_go_with_it() {
    let transport = MockTransport::new();
    transport.get("/stays").reply("stays");
    {
        let scope = transport.scope();
        scope.get("/a").reply("a");
        scope.post("/b").reply("b");
        scope.on(mockwire::header_exists("x")).reply("x");
        assert!(is_matched(&transport, get("/a")));
        assert!(is_matched(&transport, post("/b", ())));
    }
    assert!(!is_matched(&transport, get("/a")));
    assert!(!is_matched(&transport, post("/b", ())));
    assert!(is_matched(&transport, get("/stays")));
}

#[test]
fn a_scope_verifies_its_own_rules() {
    let transport = MockTransport::new();
    transport.get("/unmet-elsewhere").once().reply("x");
    let scope = transport.scope();
    scope.get("/a").once().reply("a");
    let rule = scope.get("/b").once().reply("b");
    assert!(is_matched(&transport, get("/a")));
    let report = scope.close().unwrap_err();
    assert_eq!(report.unmet.len(), 1);
    assert_eq!(report.unmet[0].rule, "GET /b");
    // Closed is closed, also when it fails.
    assert_eq!(
        rule.try_calls().unwrap_err().code(),
        "MOCKWIRE_STALE_HANDLE"
    );
}

#[test]
fn a_scope_does_not_answer_for_unmatched_requests() {
    let transport = MockTransport::new();
    let scope = transport.scope();
    scope.get("/a").once().reply("a");
    assert!(is_matched(&transport, get("/a")));
    assert!(!is_matched(&transport, get("/other")));
    scope.close().unwrap();
    assert!(transport.try_verify().is_err());
}

#[test]
fn scopes_are_independent() {
    let transport = MockTransport::new();
    let outer = transport.scope();
    outer.get("/").reply("outer");
    let inner = transport.scope();
    inner.get("/").priority(1).reply("inner");
    assert_eq!(fetch(&transport, get("/")).unwrap(), "inner");
    inner.close().unwrap();
    assert_eq!(fetch(&transport, get("/")).unwrap(), "outer");
    outer.close().unwrap();
    assert!(!is_matched(&transport, get("/")));
}

#[test]
fn what_a_scope_answered_stays_captured() {
    let transport = MockTransport::new();
    let scope = transport.scope();
    scope.get("/").reply(Reply::status(201));
    assert!(is_matched(&transport, get("/")));
    scope.close().unwrap();
    let captured = transport.last_request().unwrap();
    assert_eq!(captured.response.unwrap().status, 201);
    transport.verify();
}

#[test]
fn a_rule_that_is_finished_after_its_scope_is_refused() {
    let transport = MockTransport::new();
    let scope = transport.scope();
    let when = scope.get("/");
    scope.close().unwrap();
    let error = when.try_reply("late").unwrap_err();
    assert_eq!(error.code(), "MOCKWIRE_STALE_HANDLE");
    assert!(error.to_string().contains("scope"), "{error}");
}

#[test]
fn a_scope_survives_a_reset_without_rules() {
    let transport = MockTransport::new();
    let scope = transport.scope();
    scope.get("/").once().reply("x");
    transport.reset();
    let error = scope.get("/").try_reply("x").unwrap_err();
    assert_eq!(error.code(), "MOCKWIRE_STALE_HANDLE");
    scope.close().unwrap();
}

#[cfg(not(target_arch = "wasm32"))]
#[test]
fn an_unmet_scope_panics_when_it_is_dropped() {
    let transport = MockTransport::new();
    let text = super::support::panic_text(|| {
        let scope = transport.scope();
        scope.get("/never").once().reply("x");
    });
    assert!(text.contains("GET /never"), "{text}");
    assert!(!is_matched(&transport, get("/never")));
}

#[cfg(not(target_arch = "wasm32"))]
#[test]
fn an_unmet_scope_does_not_hide_a_panic_that_is_under_way() {
    // A second panic while unwinding would abort the whole run: that this test returns is the proof.
    let transport = MockTransport::new();
    let text = super::support::panic_text(|| {
        let scope = transport.scope();
        scope.get("/never").once().reply("x");
        panic!("the first");
    });
    assert_eq!(text, "the first");
    assert!(!is_matched(&transport, get("/never")));
}
