//! How often a rule answers, and how often it must.

use mockwire::{Reply, Times};

use super::support::{get, is_matched, send};
use super::{MockTransport, test};

/// How many of ten requests a rule with this bound answers.
fn answered(times: impl Into<Times>) -> usize {
    let transport = MockTransport::new();
    transport.get("/").times(times).reply("ok");
    (0..10).filter(|_| is_matched(&transport, get("/"))).count()
}

/// The fewest of ten requests after which verification passes.
fn enough(times: impl Into<Times>) -> Option<usize> {
    let transport = MockTransport::builder().allow_unmatched().build();
    transport.get("/").times(times).reply("ok");
    (0..10).find(|_| {
        let passes = transport.try_verify().is_ok();
        is_matched(&transport, get("/"));
        passes
    })
}

#[test]
fn an_exhausted_rule_matches_no_more() {
    assert_eq!(answered(0), 0);
    assert_eq!(answered(1), 1);
    assert_eq!(answered(3), 3);
    assert_eq!(answered(2..=4), 4);
    assert_eq!(answered(..=2), 2);
    // Without an upper bound it never is.
    assert_eq!(answered(2..), 10);
    assert_eq!(answered(..), 10);
    assert_eq!(answered(Times::ANY), 10);
}

#[test]
fn verification_asks_for_the_lower_bound() {
    assert_eq!(enough(0), Some(0));
    assert_eq!(enough(1), Some(1));
    assert_eq!(enough(3), Some(3));
    assert_eq!(enough(2..=4), Some(2));
    assert_eq!(enough(..=2), Some(0));
    assert_eq!(enough(2..), Some(2));
    assert_eq!(enough(..), Some(0));
    assert_eq!(enough(Times::from(3).optional()), Some(0));
}

#[test]
fn a_rule_is_unlimited_unless_told_otherwise() {
    let transport = MockTransport::new();
    transport.get("/").reply("ok");
    transport.verify();
    assert!((0..10).all(|_| is_matched(&transport, get("/"))));
    transport.verify();
}

#[test]
fn once_is_exactly_once() {
    let transport = MockTransport::new();
    transport.get("/").once().reply("ok");
    assert!(transport.try_verify().is_err());
    assert!(is_matched(&transport, get("/")));
    transport.verify();
    assert!(!is_matched(&transport, get("/")));
}

#[test]
fn optional_keeps_the_upper_bound() {
    let transport = MockTransport::new();
    transport.get("/").times(2).optional().reply("ok");
    transport.verify();
    assert!(is_matched(&transport, get("/")));
    assert!(is_matched(&transport, get("/")));
    assert!(!is_matched(&transport, get("/")));
}

#[test]
fn the_next_rule_takes_over_from_an_exhausted_one() {
    let transport = MockTransport::new();
    let first = transport.get("/").times(2).reply(Reply::status(503));
    let second = transport.get("/").reply(Reply::status(200));
    let statuses: [u16; 4] =
        std::array::from_fn(|_| send(&transport, get("/")).unwrap().status().as_u16());
    assert_eq!(statuses, [503, 503, 200, 200]);
    assert_eq!((first.calls(), second.calls()), (2, 2));
}

#[test]
fn a_rule_knows_its_calls_and_its_requests() {
    let transport = MockTransport::new();
    let rule = transport.get("/a").reply("a");
    transport.get("/b").reply("b");
    for path in ["/a", "/b", "/a?x=1"] {
        assert!(is_matched(&transport, get(path)));
    }
    assert_eq!(rule.calls(), 2);
    rule.assert_calls(2);
    rule.assert_calls(1..=2);
    let urls: Vec<_> = rule
        .requests()
        .iter()
        .map(|captured| captured.request.url().to_string())
        .collect();
    assert_eq!(urls, ["https://api.test/a", "https://api.test/a?x=1"]);
}

#[cfg(not(target_arch = "wasm32"))]
#[test]
fn another_number_of_calls_fails_with_the_rule_and_both_numbers() {
    let transport = MockTransport::new();
    let rule = transport.get("/a").reply("a");
    assert!(is_matched(&transport, get("/a")));
    let text = super::support::panic_text(|| rule.assert_calls(2));
    assert!(text.contains("GET /a"), "{text}");
    assert!(text.contains("exactly 2 times"), "{text}");
    assert!(text.contains("once"), "{text}");
}

#[test]
fn clearing_the_captures_keeps_the_counts() {
    let transport = MockTransport::new();
    transport.get("/").once().reply("ok");
    assert!(is_matched(&transport, get("/")));
    transport.clear();
    transport.verify();
    assert!(!is_matched(&transport, get("/")));
}
