//! Malformed input: a typed error that names what and where, and a transport that goes on.

use std::time::Duration;

use mockwire::{Error, ErrorKind, Part, Reply, Request, Times};
use serde_json::json;

use super::support::{failure, fetch, get, is_matched, post};
use super::{Matcher, MockTransport, test};

/// What an error says is malformed, and the value.
fn invalid(error: &Error) -> (Part, &str) {
    match error.kind() {
        ErrorKind::Invalid {
            part,
            value,
            reason,
        } => {
            assert!(!reason.is_empty());
            assert!(error.code().starts_with("MOCKWIRE_INVALID_"));
            (*part, value)
        }
        _ => panic!("{error:?}"),
    }
}

/// The error of registering a rule with this condition; the transport must stay usable.
fn refused(matcher: impl Into<Matcher>) -> Error {
    let transport = MockTransport::new();
    let error = transport.on(matcher).try_reply("never").unwrap_err();
    transport.get("/").reply("fine");
    assert_eq!(fetch(&transport, get("/")).unwrap(), "fine");
    error
}

#[test]
fn a_malformed_reply_names_the_part_and_the_value() {
    for (reply, part, value) in [
        (Reply::status(99), Part::Status, "99"),
        (Reply::status(199), Part::Status, "199"),
        (Reply::status(600), Part::Status, "600"),
        (Reply::status(0), Part::Status, "0"),
        (Reply::text("x").with_status(65535), Part::Status, "65535"),
        (Reply::redirect(200, "/"), Part::Status, "200"),
        (Reply::text("x").header("", "v"), Part::HeaderName, ""),
        (Reply::text("x").header("a b", "v"), Part::HeaderName, "a b"),
        (
            Reply::text("x").header("a", "b\r\nc: d"),
            Part::HeaderValue,
            "b\r\nc: d",
        ),
        (Reply::redirect(302, "a\nb"), Part::HeaderValue, "a\nb"),
        (Reply::template("{{nope}}"), Part::Template, "{{nope}}"),
        (Reply::template("{{path"), Part::Template, "{{path"),
        (Reply::template("{{json a}}"), Part::Template, "{{json a}}"),
    ] {
        let transport = MockTransport::new();
        let error = transport.get("/").try_reply(reply.clone()).unwrap_err();
        assert_eq!(invalid(&error), (part, value));
        assert_eq!(reply.validate().unwrap_err(), error);
        // What was refused is not there.
        assert!(!is_matched(&transport, get("/")));
    }
}

#[test]
fn the_first_mistake_is_the_one_that_is_told() {
    let reply = Reply::status(99).header("a b", "c").with_status(700);
    assert_eq!(invalid(&reply.validate().unwrap_err()).1, "99");
}

#[test]
fn a_status_without_content_has_no_body() {
    for status in [204, 205, 304] {
        let error = Reply::text("x").with_status(status).validate().unwrap_err();
        assert_eq!(error.code(), "MOCKWIRE_BODY_NOT_ALLOWED");
        assert!(error.to_string().contains(&status.to_string()), "{error}");
        let foreign = http::Response::builder().status(status).body("x").unwrap();
        assert!(Reply::from(foreign).validate().is_err());
        assert!(Reply::stream(["x"]).with_status(status).validate().is_err());
        // Without a body it is fine, and so is an empty one.
        assert!(Reply::status(status).validate().is_ok());
        assert!(Reply::text("").with_status(status).validate().is_ok());
    }
}

#[test]
fn what_cannot_be_json_is_refused() {
    let keys = std::collections::BTreeMap::from([((1, 2), 3)]);
    let error = Reply::json(keys).validate().unwrap_err();
    assert_eq!(invalid(&error).0, Part::Json);
}

#[test]
fn a_malformed_pattern_names_itself() {
    for pattern in [
        "",
        "no-slash",
        "/{id",
        "/{}",
        "/a**",
        "/{a}/{a}",
        "/{a}{b}",
        "/{a}*",
        "/:",
        "/{a b}",
        "https://",
        "https:///path",
        "https://api.test:99999/",
        "https://api.test:x/",
        "https://user:password@api.test/",
        "https://b\u{fc}cher.test/",
        "https://[::1/",
        "https://::1]/",
    ] {
        let error = refused(mockwire::get(pattern));
        assert_eq!(invalid(&error).0, Part::Pattern, "{pattern}: {error}");
    }
}

#[test]
fn a_malformed_method_or_header_name_names_itself() {
    for method in ["", "GE T", "G\nT", "é"] {
        let error = refused(mockwire::on(method, "/"));
        assert_eq!(invalid(&error), (Part::Method, method));
    }
    for name in ["", "a b", "a:b", "é", "a\n"] {
        for matcher in [
            mockwire::header(name, "v"),
            mockwire::header_contains(name, "v"),
            mockwire::header_exists(name),
            mockwire::header_missing(name),
        ] {
            assert_eq!(invalid(&refused(matcher)), (Part::HeaderName, name));
        }
    }
}

#[test]
fn a_malformed_json_pointer_names_itself() {
    for matcher in [
        mockwire::json_at("a/b", 1),
        mockwire::json_exists("a/b"),
        mockwire::json_missing("a/b"),
    ] {
        assert_eq!(invalid(&refused(matcher)), (Part::Json, "a/b"));
    }
}

#[test]
fn a_mistake_is_found_however_deep_it_is() {
    let mistake = || mockwire::header("a b", "c");
    for matcher in [
        !mistake(),
        Matcher::any().and(mistake()),
        Matcher::any().or(mistake()),
        mockwire::all_of([Matcher::any(), mistake()]),
        mockwire::any_of([Matcher::any(), !!mistake()]),
    ] {
        assert_eq!(invalid(&refused(matcher)), (Part::HeaderName, "a b"));
    }
}

#[cfg(feature = "regex")]
#[test]
fn a_malformed_regular_expression_names_itself() {
    for matcher in [
        mockwire::path_regex("("),
        mockwire::body_regex("("),
        mockwire::header_regex("x", "("),
        mockwire::query_regex("x", "("),
    ] {
        assert_eq!(invalid(&refused(matcher)), (Part::Pattern, "("));
    }
}

#[cfg(feature = "jsonpath")]
#[test]
fn a_malformed_json_path_names_itself() {
    let error = refused(mockwire::json_path("$["));
    assert_eq!(invalid(&error), (Part::Pattern, "$["));
}

#[cfg(feature = "jsonschema")]
#[test]
fn a_malformed_json_schema_names_itself() {
    let error = refused(mockwire::json_schema(&json!({"type": 7})));
    assert_eq!(invalid(&error), (Part::Pattern, r#"{"type":7}"#));
}

#[test]
fn bounds_the_wrong_way_round_are_refused() {
    let transport = MockTransport::new();
    #[allow(clippy::reversed_empty_ranges)] // That is the mistake.
    let times = Times::from(3..=1);
    let error = transport.get("/").times(times).try_reply("x").unwrap_err();
    assert_eq!(invalid(&error), (Part::Option, "times(3..=1)"));
}

#[test]
fn a_malformed_option_is_refused_when_the_transport_is_built() {
    let error = MockTransport::builder()
        .unmatched_status(99)
        .try_build()
        .unwrap_err();
    assert_eq!(invalid(&error), (Part::Status, "99"));
    let error = MockTransport::builder()
        .redact("a b")
        .unmatched_status(1000)
        .try_build()
        .unwrap_err();
    assert_eq!(invalid(&error), (Part::HeaderName, "a b"));
}

#[test]
fn the_status_of_unmatched_requests_is_a_final_one() {
    // As for a reply: 1xx is no final response, and beyond 599 there is none.
    for status in [100, 199, 600, 999] {
        let built = MockTransport::builder()
            .unmatched_status(status)
            .try_build();
        let error = built.expect_err(&format!("{status} was accepted"));
        assert_eq!(invalid(&error).0, Part::Status);
    }
}

#[cfg(not(target_arch = "wasm32"))]
#[test]
fn the_panicking_twins_say_the_same_and_name_the_caller() {
    let transport = MockTransport::new();
    let text = super::support::panic_text(|| transport.get("no-slash").reply("x"));
    assert!(
        text.contains("no-slash") && text.contains("cannot be registered"),
        "{text}"
    );
    for text in [
        super::support::panic_text(|| transport.get("/").reply(Reply::status(1))),
        super::support::panic_text(|| {
            let replies = [Reply::status(1)];
            transport
                .get("/")
                .reply_sequence(replies, mockwire::SequenceEnd::Fail)
        }),
        super::support::panic_text(|| MockTransport::builder().unmatched_status(1).build()),
    ] {
        assert!(text.contains("200 to 599"), "{text}");
    }
    for text in [
        super::support::panic_text(|| transport.get("/{").reply_with(|_: &Request| "x")),
        super::support::panic_text(|| transport.get("/{").reply_async(|_: Request| async { "x" })),
        super::support::panic_text(|| transport.get("/{").hold()),
    ] {
        assert!(text.contains("/{"), "{text}");
    }
    assert!(!is_matched(&transport, get("/")));
}

#[cfg(not(target_arch = "wasm32"))]
#[test]
fn a_refusal_points_at_the_line_of_the_test() {
    use super::support::panic_place;
    let transport = MockTransport::new();
    let scenario = || transport.get("/").when_state("no scenario");
    let unmet = transport.get("/").once().reply("x");
    let fail = mockwire::SequenceEnd::Fail;
    for place in [
        panic_place(|| scenario().reply("x")),
        panic_place(|| scenario().reply_sequence(["x"], fail)),
        panic_place(|| scenario().reply_after_failures(1, "x", "y")),
        panic_place(|| scenario().reply_with(|_: &Request| "x")),
        panic_place(|| scenario().reply_async(|_: Request| async { "x" })),
        panic_place(|| scenario().hold()),
        panic_place(|| {
            scenario().passthrough(|_: http::Request<bytes::Bytes>| async {
                Ok::<_, Error>(http::Response::new(String::new()))
            })
        }),
        panic_place(|| MockTransport::builder().unmatched_status(1).build()),
        panic_place(|| unmet.assert_calls(1)),
        panic_place(|| transport.verify()),
        panic_place(|| transport.assert_called(mockwire::get("/"), 1)),
        panic_place(|| transport.assert_in_order([mockwire::get("/")])),
        panic_place(|| transport.requests_matching(mockwire::get("no-slash"))),
        panic_place(|| transport.block_on(std::future::pending::<()>())),
    ] {
        assert!(place.ends_with("bad_input.rs"), "{place}");
    }
}

#[test]
fn a_request_without_host_is_answered_like_any_other() {
    let transport = MockTransport::new();
    transport.get("/path").reply("ok");
    let request = http::Request::get("/path").body(().into()).unwrap();
    assert_eq!(fetch(&transport, request).unwrap(), "ok");
    let request = http::Request::builder()
        .method("OPTIONS")
        .uri("*")
        .body(().into())
        .unwrap();
    assert!(failure(&transport, request).is_unmatched());
    let request = http::Request::builder()
        .method("CONNECT")
        .uri("api.test:443")
        .body(().into())
        .unwrap();
    assert!(failure(&transport, request).is_unmatched());
}

#[test]
fn malformed_json_of_a_request_is_an_error_where_it_is_read() {
    let transport = MockTransport::new();
    transport.post("/matched").json(json!({})).reply("never");
    transport
        .post("/read")
        .reply_with(|request: &Request| request.json_value().map(|value| value.to_string()));
    assert!(failure(&transport, post("/matched", "{oops")).is_unmatched());
    let error = failure(&transport, post("/read", "{oops"));
    assert_eq!(error.code(), "MOCKWIRE_HANDLER_FAILED");
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("{oops"), "{source}");
}

#[test]
fn escapes_that_are_none_are_left_alone() {
    let transport = MockTransport::new();
    transport.get("/{rest}").query("q", "%zz%").reply("ok");
    assert!(is_matched(&transport, get("/%ZZ%4?q=%zz%")));
}

#[test]
fn header_values_that_are_no_text_are_compared_and_told() {
    let transport = MockTransport::new();
    transport.get("/").header("x-h", "v").reply("ok");
    let mut request = get("/");
    let value = http::HeaderValue::from_bytes(b"\xff\xfe").unwrap();
    request.headers_mut().insert("x-h", value);
    assert!(failure(&transport, request).to_string().contains("x-h"));
}

#[test]
fn time_may_go_on_for_ever() {
    let transport = MockTransport::new();
    transport.advance(Duration::MAX);
    assert_eq!(transport.now(), Duration::MAX);
    transport.advance(Duration::MAX);
    assert_eq!(transport.now(), Duration::MAX);
}

#[test]
fn a_deadline_may_be_for_ever() {
    let transport = MockTransport::new();
    transport.get("/").reply("ok");
    transport.advance(Duration::from_secs(1));
    let wait = transport.wait_for_requests(1).within(Duration::MAX);
    let (found, _) = transport.block_on(futures::future::join(wait, transport.call(get("/"))));
    assert_eq!(found.unwrap().len(), 1);
}

#[test]
fn a_target_has_no_fragment() {
    for target in ["/a#b", "https://api.test/#top", "/a?b=1#c"] {
        let error = refused(mockwire::get(target));
        assert_eq!(invalid(&error), (Part::Pattern, target));
    }
    let transport = MockTransport::new();
    transport.get("/a%23b").reply("ok");
    assert!(is_matched(&transport, get("/a%23b")));
}

#[test]
fn a_header_value_that_no_field_can_have_is_refused() {
    for value in ["a\nb", "a\r", "a\u{7f}"] {
        for matcher in [
            mockwire::header("x-id", value),
            mockwire::header_contains("x-id", value),
        ] {
            assert_eq!(invalid(&refused(matcher)), (Part::HeaderValue, value));
        }
    }
}

#[test]
fn a_malformed_reply_names_its_rule() {
    let transport = MockTransport::new();
    transport
        .get("/handler")
        .reply_with(|_: &Request| Reply::text("x").with_status(204));
    transport
        .get("/template")
        .reply(Reply::template("{{param.id}}"));
    for path in ["/handler", "/template"] {
        let error = failure(&transport, get(path)).to_string();
        assert!(
            error.contains("(the rule at ") && error.contains("bad_input.rs:"),
            "{error}"
        );
    }
}
