//! Requests that no rule matches.

use mockwire::{ErrorKind, Exclusion, Outcome, Reply};
use serde_json::json;

use super::support::{failure, fetch, get, is_matched, post, request, send, with_header};
use super::{MockTransport, test};

#[test]
fn an_unmatched_request_is_an_error_that_says_why() {
    let transport = MockTransport::new();
    transport
        .post("/v1/messages")
        .header("x-plan", "pro")
        .query("page", "2")
        .json_at("/model", "small")
        .reply("ok");
    let request = with_header(
        post("/v1/messages?page=3", json!({"model": "large"})),
        "x-plan",
        "free",
    );
    let error = failure(&transport, request);
    assert!(error.is_unmatched());
    assert_eq!(error.code(), "MOCKWIRE_UNMATCHED");
    let diagnosis = error.diagnosis().unwrap();
    assert_eq!(
        diagnosis.request,
        "POST https://api.test/v1/messages?page=3"
    );
    assert_eq!(diagnosis.sequence, 1);
    assert_eq!(diagnosis.rules, 1);
    assert_eq!(diagnosis.body, r#"{"model":"large"}"#);
    assert!(
        diagnosis
            .headers
            .contains(&("x-plan".to_owned(), "free".to_owned()))
    );
    let checks: Vec<_> = diagnosis.nearest[0]
        .checks
        .iter()
        .map(|check| {
            (
                check.matcher.as_str(),
                check.expected.as_str(),
                check.actual.as_str(),
                check.passed,
            )
        })
        .collect();
    assert_eq!(
        checks,
        [
            ("method", "POST", "", true),
            ("path", "/v1/messages", "", true),
            ("header x-plan", r#""pro""#, r#""free""#, false),
            ("query page", r#""2""#, r#""3""#, false),
            ("JSON /model", r#""small""#, r#""large""#, false),
        ]
    );
}

#[test]
fn a_transport_without_rules_says_so() {
    let error = failure(&MockTransport::new(), get("/"));
    let diagnosis = error.diagnosis().unwrap();
    assert_eq!((diagnosis.rules, diagnosis.nearest.len()), (0, 0));
    assert!(error.to_string().contains("no rules"), "{error}");
}

#[test]
fn the_nearest_three_rules_are_told_the_nearest_first() {
    let transport = MockTransport::new();
    transport.delete("/something/else").reply("far");
    transport.get("/v1/message").reply("close");
    transport
        .get("/v1/messages")
        .header("x", "1")
        .reply("closest");
    transport
        .post("/v1/messages")
        .header("x", "1")
        .reply("second");
    transport.get("/other").reply("far");
    let error = failure(&transport, get("/v1/messages"));
    let diagnosis = error.diagnosis().unwrap();
    assert_eq!(diagnosis.rules, 5);
    assert_eq!(diagnosis.nearest.len(), 3);
    assert!(diagnosis.nearest.is_sorted_by_key(|miss| miss.distance));
    let nearest = &diagnosis.nearest[0].rule;
    assert!(nearest.starts_with("GET /v1/messages, "), "{nearest}");
    let told: Vec<_> = diagnosis.nearest.iter().map(|miss| &miss.rule).collect();
    assert!(
        !told.iter().any(|rule| rule.contains("/something/else")),
        "{told:?}"
    );
}

#[test]
fn a_rule_that_would_fit_says_why_it_is_out_of_play() {
    let transport = MockTransport::new();
    transport.get("/once").once().reply("once");
    transport
        .get("/later")
        .in_scenario("s")
        .when_state("ready")
        .reply("later");
    transport.get("/third").nth(3..=3).reply("third");
    assert!(is_matched(&transport, get("/once")));

    let error = failure(&transport, get("/once"));
    let nearest = &error.diagnosis().unwrap().nearest[0];
    assert_eq!(nearest.distance, 0);
    assert!(
        matches!(&nearest.excluded, Some(Exclusion::UsedUp { times, hits: 1 }) if times == "exactly once"),
        "{:?}",
        nearest.excluded
    );

    let error = failure(&transport, get("/later"));
    let nearest = &error.diagnosis().unwrap().nearest[0];
    let expected = Exclusion::WrongState {
        scenario: "s".into(),
        expected: "ready".into(),
        actual: "started".into(),
    };
    assert_eq!(nearest.excluded, Some(expected));

    // The fourth request: a wrong index is a check like any other.
    let error = failure(&transport, get("/third"));
    let nearest = &error.diagnosis().unwrap().nearest[0];
    assert_eq!(nearest.excluded, None);
    let index = nearest.checks.iter().find(|check| !check.passed).unwrap();
    assert_eq!(
        (
            index.matcher.as_str(),
            index.expected.as_str(),
            index.actual.as_str()
        ),
        ("index", "request #3", "request #4")
    );
}

#[test]
fn a_rule_that_fits_but_is_used_up_is_nearer_than_one_that_does_not_fit() {
    let transport = MockTransport::new();
    transport.get("/b").reply("b");
    transport.get("/a").once().reply("a");
    assert!(is_matched(&transport, get("/a")));
    let error = failure(&transport, get("/a"));
    assert_eq!(error.diagnosis().unwrap().nearest[0].rule, "GET /a");
}

#[test]
fn json_is_compared_down_to_the_first_difference() {
    let transport = MockTransport::new();
    transport
        .post("/")
        .json_partial(json!({"messages": [{"role": "user"}, {"role": "tool"}]}))
        .reply("ok");
    for (body, matcher, expected, actual) in [
        (
            r#"{"messages": [{"role": "user"}, {"role": "user"}]}"#,
            "JSON /messages/1/role",
            r#""tool""#,
            r#""user""#,
        ),
        (
            r#"{"messages": [{"role": "user"}]}"#,
            "JSON /messages/1",
            r#"{"role":"tool"}"#,
            "(missing)",
        ),
        (
            "{}",
            "JSON /messages",
            r#"[{"role":"user"},{"role":"tool"}]"#,
            "(missing)",
        ),
    ] {
        let error = failure(&transport, post("/", body));
        let nearest = &error.diagnosis().unwrap().nearest[0];
        let check = nearest.checks.iter().find(|check| !check.passed).unwrap();
        assert_eq!(
            (
                check.matcher.as_str(),
                check.expected.as_str(),
                check.actual.as_str()
            ),
            (matcher, expected, actual)
        );
    }
}

#[test]
fn a_predicate_that_said_no_is_told_as_such() {
    let transport = MockTransport::new();
    transport
        .get("/")
        .matching(|_: &mockwire::Request| false)
        .reply("never");
    let error = failure(&transport, get("/"));
    let nearest = &error.diagnosis().unwrap().nearest[0];
    let check = nearest.checks.iter().find(|check| !check.passed).unwrap();
    assert_eq!(check.matcher, "predicate");
    assert!(check.expected.contains("unmatched.rs:"), "{check:?}");
    assert_eq!(check.actual, "no match");
}

#[test]
fn a_status_may_stand_for_no_match() {
    let transport = MockTransport::builder().unmatched_status(404).build();
    let response = send(&transport, get("/")).unwrap();
    assert_eq!(response.status(), 404);
    let captured = transport.last_request().unwrap();
    assert_eq!(captured.outcome, Outcome::Unmatched);
    assert_eq!(transport.in_flight(), 0);
    // It is still no match.
    assert!(transport.try_verify().is_err());
}

#[test]
fn unmatched_requests_may_be_passed_through() {
    let transport = MockTransport::builder()
        .unmatched_passthrough(|request: http::Request<bytes::Bytes>| async move {
            let body = format!("passed {}", request.uri().path());
            Ok::<_, mockwire::Error>(http::Response::new(http_body_util::Full::new(
                bytes::Bytes::from(body),
            )))
        })
        .build();
    transport.get("/mocked").reply("mocked");
    assert_eq!(fetch(&transport, get("/mocked")).unwrap(), "mocked");
    assert_eq!(fetch(&transport, get("/other")).unwrap(), "passed /other");
    let captured = transport.last_request().unwrap();
    assert_eq!((captured.outcome, captured.rule), (Outcome::Done, None));
    transport.verify();
}

#[test]
fn an_unmatched_request_uses_nothing_up() {
    let transport = MockTransport::new();
    let rule = transport.post("/").once().reply(Reply::status(204));
    for _ in 0..3 {
        assert!(!is_matched(&transport, request("PUT", "/", ())));
    }
    assert_eq!(rule.calls(), 0);
    assert!(is_matched(&transport, post("/", ())));
    assert_eq!(transport.in_flight(), 0);
}

#[test]
fn the_error_is_cheap_to_clone_and_equal_to_its_clone() {
    let error = failure(&MockTransport::new(), get("/"));
    assert_eq!(error.clone(), error);
    assert!(matches!(error.kind(), ErrorKind::Unmatched(_)));
    let other = failure(&MockTransport::new(), get("/other"));
    assert_ne!(other, error);
}

#[test]
fn a_long_or_binary_body_is_told_in_short() {
    let transport = MockTransport::new();
    let error = failure(&transport, post("/", "é".repeat(1000)));
    let body = &error.diagnosis().unwrap().body;
    assert_eq!(body.chars().count(), 201, "{body}");
    assert!(body.ends_with('…'));
    let error = failure(&transport, post("/", vec![0xff; 9]));
    assert_eq!(
        error.diagnosis().unwrap().body,
        "9 bytes that are not UTF-8"
    );
}
