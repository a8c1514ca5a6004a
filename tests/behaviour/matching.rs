//! Which requests a rule answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mockwire::{Reply, Request};
use serde_json::json;

use super::support::{get, is_matched, post, request, send, with_header};
use super::{Matcher, MockTransport, test};

/// Whether a transport whose only rule has this condition answers the request.
fn accepts(matcher: impl Into<Matcher>, request: http::Request<mockwire::Content>) -> bool {
    let transport = MockTransport::new();
    transport.on(matcher).reply("ok");
    is_matched(&transport, request)
}

fn json_request(body: &str) -> http::Request<mockwire::Content> {
    post("/", body.to_owned())
}

#[test]
fn a_method_is_asked_for_as_it_is_written() {
    assert!(accepts(mockwire::get("/"), get("/")));
    assert!(!accepts(mockwire::get("/"), post("/", ())));
    assert!(accepts(
        mockwire::on("PURGE", "/"),
        request("PURGE", "/", ())
    ));
    // Methods are case-sensitive (RFC 9110 §9.1).
    assert!(!accepts(
        mockwire::on("PURGE", "/"),
        request("purge", "/", ())
    ));
    for (matcher, method) in [
        (mockwire::put("/"), "PUT"),
        (mockwire::patch("/"), "PATCH"),
        (mockwire::delete("/"), "DELETE"),
        (mockwire::head("/"), "HEAD"),
        (mockwire::options("/"), "OPTIONS"),
    ] {
        assert!(accepts(matcher.clone(), request(method, "/", ())));
        assert!(!accepts(matcher, get("/")));
    }
}

#[test]
fn the_methods_of_the_transport_begin_a_rule_each() {
    let transport = MockTransport::new();
    transport.get("/").reply("GET");
    transport.post("/").reply("POST");
    transport.put("/").reply("PUT");
    transport.patch("/").reply("PATCH");
    transport.delete("/").reply("DELETE");
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
        let text = super::support::fetch(&transport, request(method, "/", ()));
        assert_eq!(text.unwrap(), method);
    }
}

#[test]
fn an_exact_path_is_the_whole_path() {
    let transport = MockTransport::new();
    transport.get("/v1/models").reply("ok");
    assert!(is_matched(&transport, get("/v1/models")));
    assert!(is_matched(&transport, get("/v1/models?page=2")));
    for other in [
        "/v1",
        "/v1/models/",
        "/v1/models/gpt",
        "/V1/models",
        "/v1//models",
        "/",
    ] {
        assert!(!is_matched(&transport, get(other)), "{other}");
    }
}

#[test]
fn stars_stand_for_parts_of_a_path() {
    for (pattern, path, expected) in [
        ("/a/*", "/a/b", true),
        ("/a/*", "/a/", true),
        ("/a/*", "/a", false),
        ("/a/*", "/a/b/c", false),
        ("/a/**", "/a", true),
        ("/a/**", "/a/b/c", true),
        ("/a/**", "/ab", false),
        ("/a/**/z", "/a/z", true),
        ("/a/**/z", "/a/b/c/z", true),
        ("/a/**/z", "/a/b/c/y", false),
        ("/f/*.json", "/f/x.json", true),
        ("/f/*.json", "/f/x.jso", false),
        ("/**", "/", true),
    ] {
        assert_eq!(
            accepts(mockwire::get(pattern), get(path)),
            expected,
            "{pattern} on {path}"
        );
    }
}

#[test]
fn a_template_captures_what_stands_in_its_place() {
    let transport = MockTransport::new();
    transport
        .get("/v1/models/{model}:generate/:rest")
        .reply_with(|request: &Request| {
            let params: Vec<String> = request.params().map(|(k, v)| format!("{k}={v}")).collect();
            params.join("&")
        });
    let text = super::support::fetch(&transport, get("/v1/models/gem%2Fini%20x:generate/7"));
    // Decoded, in the template's order; an escaped slash is part of its segment.
    assert_eq!(text.unwrap(), "model=gem/ini x&rest=7");
    assert!(!is_matched(
        &transport,
        get("/v1/models/gem/ini:generate/7")
    ));
    assert!(!is_matched(&transport, get("/v1/models/:generate/7")));
}

#[test]
fn paths_are_compared_decoded() {
    assert!(accepts(mockwire::get("/a b"), get("/a%20b")));
    assert!(accepts(mockwire::get("/a%20b"), get("/a%20b")));
    assert!(accepts(mockwire::get("/%61/{x}"), get("/a/b")));
    assert!(accepts(mockwire::get("/é"), get("/%C3%A9")));
    // Negative control: an escaped slash does not separate segments.
    assert!(!accepts(mockwire::get("/a/b"), get("/a%2Fb")));
    assert!(accepts(mockwire::get("/a%2Fb"), get("/a%2Fb")));
    assert!(!accepts(mockwire::get("/a%2Fb"), get("/a/b")));
}

#[test]
fn a_whole_url_asks_for_scheme_host_and_port() {
    let rule = || mockwire::get("https://api.test:8443/v1");
    assert!(accepts(rule(), get("https://api.test:8443/v1")));
    assert!(!accepts(rule(), get("http://api.test:8443/v1")));
    assert!(!accepts(rule(), get("https://api.test/v1")));
    assert!(!accepts(rule(), get("https://other.test:8443/v1")));
    // Without a port in the target any port will do.
    assert!(accepts(
        mockwire::get("https://api.test/v1"),
        get("https://api.test:1/v1")
    ));
    // A target without a path is the root.
    assert!(accepts(
        mockwire::get("https://api.test"),
        get("https://api.test/")
    ));
    assert!(!accepts(
        mockwire::get("https://api.test"),
        get("https://api.test/v1")
    ));
    // And a star is every URL.
    assert!(accepts(
        mockwire::get("*"),
        get("http://somewhere.test/else?a=1")
    ));
}

#[test]
fn the_port_is_that_of_the_scheme_when_the_url_has_none() {
    assert!(accepts(mockwire::port(443), get("https://api.test/")));
    assert!(accepts(mockwire::port(80), get("http://api.test/")));
    assert!(!accepts(mockwire::port(443), get("http://api.test/")));
    assert!(accepts(mockwire::port(8080), get("http://api.test:8080/")));
}

#[test]
fn hosts_ignore_case_and_may_have_stars() {
    assert!(accepts(
        mockwire::host("API.test"),
        get("https://api.TEST/")
    ));
    assert!(accepts(mockwire::host("*.test"), get("https://a.b.test/")));
    assert!(!accepts(mockwire::host("*.test"), get("https://test/")));
    assert!(accepts(
        mockwire::url("https://*.test/v1"),
        get("https://eu.test/v1")
    ));
    assert!(!accepts(
        mockwire::url("https://*.test/v1"),
        get("https://eu.test/v2")
    ));
}

#[test]
fn the_host_header_stands_in_for_a_url_without_host() {
    let origin_form = |host: &str| {
        let request = http::Request::get("/v1").header("host", host);
        request.body(mockwire::Content::from(())).unwrap()
    };
    assert!(accepts(mockwire::host("api.test"), origin_form("api.test")));
    assert!(accepts(
        mockwire::host("api.test"),
        origin_form("api.test:8080")
    ));
    assert!(!accepts(
        mockwire::host("api.test"),
        origin_form("other.test")
    ));
    assert!(!accepts(
        mockwire::host("api.test"),
        http::Request::get("/v1").body(().into()).unwrap()
    ));
}

#[test]
fn schemes_ignore_case_in_the_rule() {
    assert!(accepts(mockwire::scheme("HTTPS"), get("https://api.test/")));
    assert!(!accepts(mockwire::scheme("http"), get("https://api.test/")));
}

#[test]
fn query_parameters_are_compared_decoded_and_in_any_order() {
    let both = || mockwire::query("q", "a b&c").and(mockwire::query("n", "1"));
    assert!(accepts(both(), get("/?q=a+b%26c&n=1")));
    assert!(accepts(both(), get("/?n=1&x=9&q=a%20b%26c")));
    assert!(!accepts(both(), get("/?q=a+b&c&n=1")));
    assert!(!accepts(both(), get("/?n=1")));
    // Any of several values under one name may be the one.
    assert!(accepts(mockwire::query("id", "2"), get("/?id=1&id=2&id=3")));
    assert!(!accepts(mockwire::query("id", "4"), get("/?id=1&id=2")));
}

#[test]
fn query_parameters_may_be_asked_for_in_part_or_by_presence() {
    assert!(accepts(
        mockwire::query_contains("q", "bc"),
        get("/?q=abcd")
    ));
    assert!(!accepts(
        mockwire::query_contains("q", "bd"),
        get("/?q=abcd")
    ));
    assert!(accepts(mockwire::query_exists("q"), get("/?q")));
    assert!(!accepts(mockwire::query_exists("q"), get("/?Q=1")));
    assert!(accepts(mockwire::query_missing("q"), get("/")));
    assert!(!accepts(mockwire::query_missing("q"), get("/?q=")));
}

#[test]
fn a_query_in_the_target_asks_for_its_parameters() {
    let rule = || mockwire::get("/search?q=a%20b&page=1");
    assert!(accepts(rule(), get("/search?page=1&q=a+b&more=yes")));
    assert!(!accepts(rule(), get("/search?q=a+b")));
}

#[test]
fn header_names_ignore_case_and_values_do_not() {
    let rule = || mockwire::header("X-Plan", "pro");
    assert!(accepts(rule(), with_header(get("/"), "x-plan", "pro")));
    assert!(!accepts(rule(), with_header(get("/"), "x-plan", "Pro")));
    assert!(!accepts(rule(), get("/")));
    // Any of several values under one name may be the one.
    let twice = with_header(with_header(get("/"), "x-plan", "free"), "x-plan", "pro");
    assert!(accepts(rule(), twice));
}

#[test]
fn header_values_beyond_ascii_are_utf_8_or_else_latin_1() {
    for value in ["caf\u{e9}".as_bytes(), b"caf\xe9"] {
        let value = http::HeaderValue::from_bytes(value).unwrap();
        let mut sent = get("/");
        sent.headers_mut().insert("x-name", value);
        assert!(accepts(mockwire::header("x-name", "caf\u{e9}"), sent));
    }
}

#[test]
fn headers_may_be_asked_for_in_part_or_by_presence() {
    let sent = || with_header(get("/"), "accept", "text/event-stream, text/html");
    assert!(accepts(
        mockwire::header_contains("accept", "event-stream"),
        sent()
    ));
    assert!(!accepts(
        mockwire::header_contains("accept", "json"),
        sent()
    ));
    assert!(accepts(mockwire::header_exists("accept"), sent()));
    assert!(!accepts(mockwire::header_exists("accept"), get("/")));
    assert!(accepts(mockwire::header_missing("accept"), get("/")));
    assert!(!accepts(mockwire::header_missing("accept"), sent()));
}

#[test]
fn a_cookie_is_found_among_the_others() {
    let sent = || with_header(get("/"), "cookie", "a=1; session=x=y; b=2");
    assert!(accepts(mockwire::cookie("session", "x=y"), sent()));
    assert!(accepts(mockwire::cookie("b", "2"), sent()));
    assert!(!accepts(mockwire::cookie("session", "x"), sent()));
    assert!(!accepts(mockwire::cookie("c", "2"), sent()));
    assert!(!accepts(mockwire::cookie("a", "1"), get("/")));
}

#[test]
fn form_fields_are_compared_decoded() {
    let sent = || post("/", "grant_type=password&name=Ada+L%C3%B8velace&empty");
    assert!(accepts(mockwire::form("name", "Ada Løvelace"), sent()));
    assert!(accepts(mockwire::form("empty", ""), sent()));
    assert!(!accepts(mockwire::form("name", "Ada"), sent()));
    assert!(!accepts(mockwire::form("missing", ""), sent()));
}

#[test]
fn basic_credentials_are_user_and_password() {
    // "Aladdin:open sesame", the example of RFC 7617 §2.
    let sent = |scheme: &str| {
        let value = format!("{scheme} QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        with_header(get("/"), "authorization", &value)
    };
    let rule = || mockwire::basic_auth("Aladdin", "open sesame");
    assert!(accepts(rule(), sent("Basic")));
    assert!(accepts(rule(), sent("basic")));
    assert!(!accepts(rule(), sent("Bearer")));
    assert!(!accepts(
        mockwire::basic_auth("Aladdin", "x"),
        sent("Basic")
    ));
    assert!(!accepts(rule(), get("/")));
}

#[test]
fn a_bearer_token_is_compared_as_it_is() {
    let sent = |value: &str| with_header(get("/"), "authorization", value);
    assert!(accepts(mockwire::bearer("Token"), sent("Bearer Token")));
    assert!(accepts(mockwire::bearer("Token"), sent("BEARER Token")));
    assert!(!accepts(mockwire::bearer("Token"), sent("Bearer token")));
    assert!(!accepts(mockwire::bearer("Token"), sent("Token")));
}

#[test]
fn a_body_may_be_asked_for_as_text_bytes_or_in_part() {
    assert!(accepts(mockwire::body("hello"), post("/", "hello")));
    assert!(!accepts(mockwire::body("hello"), post("/", "hello!")));
    assert!(accepts(mockwire::body_contains("ell"), post("/", "hello")));
    assert!(!accepts(mockwire::body_contains("elk"), post("/", "hello")));
    let bytes: &[u8] = &[0xff, 0x00, 0xfe];
    assert!(accepts(mockwire::body_bytes(bytes), post("/", bytes)));
    assert!(!accepts(
        mockwire::body_bytes(bytes),
        post("/", vec![0xff, 0x00])
    ));
    // What is not UTF-8 is no text.
    assert!(!accepts(mockwire::body(""), post("/", bytes)));
}

#[test]
fn json_is_compared_as_values() {
    let rule = || mockwire::json(json!({"a": 1, "b": [true, null]}));
    assert!(accepts(
        rule(),
        json_request(r#" { "b" : [true, null], "a" : 1.0 } "#)
    ));
    for other in [
        r#"{"a": 1}"#,
        r#"{"a": 1, "b": [true, null], "c": 0}"#,
        r#"{"a": "1", "b": [true, null]}"#,
        r#"{"a": 1, "b": [null, true]}"#,
        r#"{"a": 1, "b": [true]}"#,
        "",
        "{",
        "not JSON",
    ] {
        assert!(!accepts(rule(), json_request(other)), "{other}");
    }
}

#[test]
fn partial_json_is_a_subset_at_any_depth() {
    let rule = || mockwire::json_partial(json!({"messages": [{"role": "user"}], "n": 1}));
    assert!(accepts(
        rule(),
        json_request(
            r#"{"model": "m", "n": 1.0, "messages": [{"role": "user", "content": "hi"}, {}]}"#
        )
    ));
    assert!(!accepts(
        rule(),
        json_request(r#"{"n": 1, "messages": [{}, {"role": "user"}]}"#)
    ));
    assert!(!accepts(
        rule(),
        json_request(r#"{"messages": [{"role": "user"}]}"#)
    ));
}

#[test]
fn json_may_be_asked_for_at_a_pointer() {
    let sent = || json_request(r#"{"a/b": {"~": [1, {"x": null}]}}"#);
    assert!(accepts(mockwire::json_at("/a~1b/~0/0", 1), sent()));
    assert!(!accepts(mockwire::json_at("/a~1b/~0/0", 2), sent()));
    assert!(!accepts(mockwire::json_at("/a~1b/~0/2", 1), sent()));
    // A `null` is something.
    assert!(accepts(mockwire::json_exists("/a~1b/~0/1/x"), sent()));
    assert!(!accepts(mockwire::json_missing("/a~1b/~0/1/x"), sent()));
    assert!(accepts(mockwire::json_missing("/a~1b/~0/1/y"), sent()));
    assert!(!accepts(mockwire::json_exists("/a~1b/~0/1/y"), sent()));
}

#[test]
fn matchers_combine() {
    let plan = |value: &str| with_header(get("/"), "x-plan", value);
    let either = || mockwire::header("x-plan", "a").or(mockwire::header("x-plan", "b"));
    assert!(accepts(either(), plan("a")));
    assert!(accepts(either(), plan("b")));
    assert!(!accepts(either(), plan("c")));
    assert!(accepts(!either(), plan("c")));
    assert!(!accepts(!either(), plan("a")));
    assert!(accepts(!!either(), plan("a")));
    let both = || either().and(mockwire::query_exists("q"));
    assert!(!accepts(both(), plan("a")));
    assert!(accepts(both(), with_header(get("/?q"), "x-plan", "a")));
    // The empty ones are what logic says.
    assert!(accepts(mockwire::all_of([]), get("/")));
    assert!(!accepts(mockwire::any_of([]), get("/")));
    assert!(accepts(Matcher::any(), get("/")));
}

#[test]
fn a_negated_target_matches_everything_else() {
    let rule = || !mockwire::get("/private/**");
    assert!(accepts(rule(), get("/public")));
    assert!(accepts(rule(), post("/private/x", ())));
    assert!(!accepts(rule(), get("/private/x")));
}

#[test]
fn one_of_several_targets_will_do() {
    let rule = || mockwire::any_of([mockwire::get("/a"), mockwire::post("/b")]);
    assert!(accepts(rule(), get("/a")));
    assert!(accepts(rule(), post("/b", ())));
    assert!(!accepts(rule(), get("/b")));
}

#[test]
fn an_index_is_that_of_the_request_on_its_transport() {
    let transport = MockTransport::new();
    transport.get("/other").reply("other");
    transport.get("/").nth(2..=2).reply("second");
    transport.get("/").nth(4..).reply("late");
    transport.get("/").reply("else");
    let text = |path: &str| super::support::fetch(&transport, get(path)).unwrap();
    // The other path counts too: it is the first request.
    assert_eq!(text("/other"), "other");
    assert_eq!(
        [text("/"), text("/"), text("/"), text("/")],
        ["second", "else", "late", "late"]
    );
}

#[test]
fn unmatched_requests_count_for_the_index() {
    let transport = MockTransport::new();
    transport.get("/").nth(2..=2).reply("second");
    assert!(!is_matched(&transport, get("/")));
    assert!(is_matched(&transport, get("/")));
    assert!(!is_matched(&transport, get("/")));
}

#[test]
fn a_predicate_sees_the_whole_request() {
    let rule = mockwire::predicate(|request: &Request| {
        request.method() == "POST"
            && request.path() == "/x"
            && request.query("a").as_deref() == Some("1")
            && request.header("x-h") == Some("v")
            && request.body() == "body"
            && request.host() == Some("api.test")
    });
    assert!(accepts(
        rule,
        with_header(post("/x?a=1", "body"), "x-h", "v")
    ));
}

#[test]
fn a_predicate_runs_once_per_request_however_many_rules_ask_it() {
    let runs = Arc::new(AtomicUsize::new(0));
    let counter = runs.clone();
    let never: Matcher = mockwire::predicate(move |_: &Request| {
        counter.fetch_add(1, Ordering::Relaxed);
        false
    });
    let transport = MockTransport::new();
    transport.on(never.clone()).reply("1");
    transport.on(never.clone().or(never.clone())).reply("2");
    transport.get("/").and(never.clone()).reply("3");
    transport
        .get("/")
        .and(!never)
        .and(mockwire::query_exists("q"))
        .reply("4");
    // Five askings, and a diagnosis that explains all four rules: still one run.
    assert!(!is_matched(&transport, get("/")));
    assert_eq!(runs.load(Ordering::Relaxed), 1);
    // Negative control: the memory is that of one request.
    assert!(is_matched(&transport, get("/?q")));
    assert_eq!(runs.load(Ordering::Relaxed), 2);
}

#[test]
fn a_predicate_is_not_asked_when_the_target_differs() {
    let runs = Arc::new(AtomicUsize::new(0));
    let counter = runs.clone();
    let transport = MockTransport::new();
    transport
        .get("/a")
        .matching(move |_: &Request| counter.fetch_add(1, Ordering::Relaxed) == 0)
        .reply("a");
    transport.get("/b").reply("b");
    assert!(is_matched(&transport, get("/b")));
    assert_eq!(runs.load(Ordering::Relaxed), 0);
    assert!(is_matched(&transport, get("/a")));
    assert_eq!(runs.load(Ordering::Relaxed), 1);
}

#[test]
fn the_first_rule_registered_wins() {
    let transport = MockTransport::new();
    transport.get("/*").reply("first");
    transport.get("/a").reply("second");
    assert_eq!(
        super::support::fetch(&transport, get("/a")).unwrap(),
        "first"
    );
}

#[test]
fn a_higher_priority_wins_over_the_order() {
    let transport = MockTransport::new();
    transport.get("/a").reply("0");
    transport.get("/*").priority(-1).reply("-1");
    transport
        .on(mockwire::header_exists("x"))
        .priority(1)
        .reply("1");
    let text = |request| super::support::fetch(&transport, request).unwrap();
    assert_eq!(text(get("/a")), "0");
    assert_eq!(text(with_header(get("/a"), "x", "")), "1");
    assert_eq!(text(get("/b")), "-1");
}

#[test]
fn otherwise_is_asked_last_wherever_it_stands() {
    let transport = MockTransport::new();
    transport.otherwise().reply(Reply::status(404));
    transport.get("/a").priority(i32::MIN + 1).reply("a");
    assert_eq!(send(&transport, get("/a")).unwrap().status(), 200);
    assert_eq!(send(&transport, post("/", "x")).unwrap().status(), 404);
}

#[test]
fn rules_come_and_go_on_a_running_transport() {
    let transport = MockTransport::new();
    assert!(!is_matched(&transport, get("/")));
    let rule = transport.get("/").reply("ok");
    assert!(is_matched(&transport, get("/")));
    rule.remove().unwrap();
    assert!(!is_matched(&transport, get("/")));
}

#[test]
fn a_removed_rule_leaves_those_beside_it() {
    // Three rules under one key of the index, so that removing one must not take the others.
    let transport = MockTransport::new();
    let first = transport.get("/").reply("1");
    let second = transport.get("/").reply("2");
    transport.get("/").reply("3");
    let text = || super::support::fetch(&transport, get("/")).unwrap();
    assert_eq!(text(), "1");
    first.remove().unwrap();
    assert_eq!(text(), "2");
    second.remove().unwrap();
    assert_eq!(text(), "3");
}

#[test]
fn a_rule_that_was_alone_is_found_beside_others() {
    // Alone it is asked at once; beside others the index has to know it.
    let transport = MockTransport::new();
    let text = |path| super::support::fetch(&transport, get(path)).ok();
    let both = || (text("/a"), text("/b"));
    let (a, b) = (Some(String::from("a")), Some(String::from("b")));
    let alone = transport.get("/a").reply("a");
    assert_eq!(both(), (a.clone(), None));
    transport.get("/b").reply("b");
    assert_eq!(both(), (a, b.clone()));
    alone.remove().unwrap();
    assert_eq!(both(), (None, b.clone()));
    transport.reset();
    assert_eq!(both(), (None, None));
    transport.get("/b").reply("b");
    assert_eq!(both(), (None, b));
}

#[test]
fn a_predicate_is_not_asked_for_another_target_even_if_its_rule_is_alone() {
    let transport = MockTransport::new();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let counts = move |_: &Request| count.fetch_add(1, Ordering::Relaxed) == 0;
    transport
        .get("/a")
        .and(mockwire::predicate(counts))
        .reply("a");
    assert!(!is_matched(&transport, get("/b")));
    assert!(is_matched(&transport, get("/a")));
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

#[test]
fn a_stale_handle_is_an_error_and_never_another_rule() {
    let transport = MockTransport::new();
    let gone = transport.get("/a").reply("a");
    gone.remove().unwrap();
    // The slot is free: the next rule takes its place, under another name.
    let next = transport.get("/b").reply("b");
    assert!(is_matched(&transport, get("/b")));
    assert_ne!(gone.id(), next.id());
    for error in [
        gone.remove().unwrap_err(),
        gone.try_calls().unwrap_err(),
        transport.rule(gone.id()).unwrap_err(),
    ] {
        assert_eq!(error.code(), "MOCKWIRE_STALE_HANDLE");
    }
    assert_eq!(gone.calls(), 0);
    assert_eq!(next.calls(), 1);
    assert_eq!(transport.rule(next.id()).unwrap().calls(), 1);
}

#[test]
fn a_body_of_megabytes_is_matched_in_full() {
    let mut text = "x".repeat(3 << 20);
    text.push_str("needle");
    let transport = MockTransport::new();
    transport.on(mockwire::body_contains("needle")).reply("ok");
    assert!(is_matched(&transport, post("/", text)));
}

#[cfg(feature = "regex")]
#[test]
fn regular_expressions_find_a_match_anywhere() {
    assert!(accepts(mockwire::path_regex(r"\d+"), get("/a/12/b")));
    assert!(!accepts(mockwire::path_regex(r"^\d+"), get("/a/12/b")));
    assert!(accepts(mockwire::query_regex("q", "^a.c$"), get("/?q=abc")));
    assert!(!accepts(
        mockwire::query_regex("q", "^a.c$"),
        get("/?q=abcd")
    ));
    let sent = || with_header(get("/"), "user-agent", "sdk/1.2.3");
    assert!(accepts(
        mockwire::header_regex("user-agent", r"sdk/\d"),
        sent()
    ));
    assert!(!accepts(
        mockwire::header_regex("user-agent", r"sdk/[a-z]"),
        sent()
    ));
    assert!(accepts(
        mockwire::body_regex("(?m)^two$"),
        post("/", "one\ntwo\n")
    ));
    assert!(!accepts(
        mockwire::body_regex("^two$"),
        post("/", "one\ntwo\n")
    ));
}

#[cfg(feature = "jsonpath")]
#[test]
fn a_json_path_must_select_something() {
    let sent = || json_request(r#"{"messages": [{"role": "user", "tokens": 9}]}"#);
    assert!(accepts(
        mockwire::json_path("$.messages[?@.role == 'user' && @.tokens > 5]"),
        sent()
    ));
    assert!(!accepts(
        mockwire::json_path("$.messages[?@.role == 'tool']"),
        sent()
    ));
    assert!(!accepts(mockwire::json_path("$"), json_request("not JSON")));
}

#[cfg(feature = "jsonschema")]
#[test]
fn a_json_schema_must_hold() {
    let schema = json!({
        "type": "object",
        "required": ["model"],
        "properties": {"max_tokens": {"type": "integer", "minimum": 1}}
    });
    let rule = || mockwire::json_schema(&schema);
    assert!(accepts(
        rule(),
        json_request(r#"{"model": "m", "max_tokens": 8}"#)
    ));
    assert!(!accepts(rule(), json_request(r#"{"max_tokens": 8}"#)));
    assert!(!accepts(
        rule(),
        json_request(r#"{"model": "m", "max_tokens": 0}"#)
    ));
    assert!(!accepts(rule(), json_request("{")));
}

#[test]
fn globs_and_what_stands_around_captures_are_compared_decoded() {
    assert!(accepts(mockwire::get("/a%20b*"), get("/a%20bc")));
    assert!(accepts(mockwire::get("/a b*"), get("/a%20bc")));
    // An escaped star is a character, no wildcard.
    assert!(accepts(mockwire::get("/a%2A*"), get("/a*b")));
    assert!(!accepts(mockwire::get("/a%2A*"), get("/axb")));
    let transport = MockTransport::new();
    transport
        .get("/caf%C3%A9-{id}")
        .reply(Reply::template("{{param.id}}"));
    let text = super::support::fetch(&transport, get("/caf%C3%A9-7"));
    assert_eq!(text.unwrap(), "7");
}

#[test]
fn the_alternative_that_matched_captures() {
    let transport = MockTransport::new();
    let users = mockwire::get("/users/{id}").or(mockwire::post("/people/{id}"));
    let any = mockwire::any_of([users, mockwire::get("/{kind}/{id}/x")]);
    transport
        .on(any)
        .reply(Reply::template("{{method}} {{param.id}}"));
    let fetch = |request| super::support::fetch(&transport, request).unwrap();
    assert_eq!(fetch(get("/users/1")), "GET 1");
    assert_eq!(fetch(post("/people/2", ())), "POST 2");
    assert_eq!(fetch(get("/pets/3/x")), "GET 3");
}

#[test]
fn the_port_of_the_host_header_stands_in_for_that_of_a_url_without_host() {
    let origin_form = |host: &str| {
        let request = http::Request::get("/x").header("host", host);
        request.body(mockwire::Content::default()).unwrap()
    };
    assert!(accepts(mockwire::port(8080), origin_form("api.test:8080")));
    assert!(accepts(mockwire::port(8080), origin_form("[::1]:8080")));
    assert!(!accepts(mockwire::port(8080), origin_form("api.test")));
    // A URL with a host says all there is to say.
    let absolute = with_header(get("http://api.test/x"), "host", "api.test:8080");
    assert!(!accepts(mockwire::port(8080), absolute));
}

#[test]
fn any_of_several_cookies_of_one_name_will_do() {
    let with_cookies = |field| with_header(get("/"), "cookie", field);
    let both = "id=1; theme=dark; id=2";
    assert!(accepts(mockwire::cookie("id", "1"), with_cookies(both)));
    assert!(accepts(mockwire::cookie("id", "2"), with_cookies(both)));
    assert!(!accepts(mockwire::cookie("id", "3"), with_cookies(both)));
    let mut request = get("/");
    let value = http::HeaderValue::from_bytes("name=Zoë".as_bytes()).unwrap();
    request.headers_mut().insert("cookie", value);
    assert!(accepts(mockwire::cookie("name", "Zoë"), request));
}

#[test]
fn text_is_found_beside_bytes_that_are_no_text() {
    let form = || {
        let mut body = b"--x\r\ncontent-disposition: form-data; name=\"file\"\r\n\r\n".to_vec();
        body.extend([0xff, 0xfe, 0x00]);
        body.extend(b"\r\n--x--");
        let request = post("/", body);
        with_header(request, "content-type", "multipart/form-data; boundary=x")
    };
    assert!(accepts(mockwire::body_contains("name=\"file\""), form()));
    assert!(!accepts(mockwire::body_contains("name=\"other\""), form()));
    // Bytes that are no text equal no text.
    assert!(!accepts(
        mockwire::body("\u{fffd}"),
        post("/", vec![0xff_u8])
    ));
}
