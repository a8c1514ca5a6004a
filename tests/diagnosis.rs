//! The texts that a failing test prints. They are a feature: read the snapshots as their user.
#![cfg(not(target_arch = "wasm32"))]

use std::panic::{AssertUnwindSafe, catch_unwind};

use mockwire::sync::{Matcher, MockTransport};
use mockwire::{Content, Error, Fault, Reply, Request, SequenceEnd};
use serde_json::json;

fn request(method: &str, target: &str, body: impl Into<Content>) -> http::Request<Content> {
    let url = format!("https://api.test{target}");
    let request = http::Request::builder().method(method).uri(url);
    request.body(body.into()).unwrap()
}

fn get(target: &str) -> http::Request<Content> {
    request("GET", target, ())
}

fn with_header(
    mut request: http::Request<Content>,
    name: &'static str,
    value: &str,
) -> http::Request<Content> {
    request.headers_mut().append(name, value.parse().unwrap());
    request
}

fn fetch(transport: &MockTransport, request: http::Request<Content>) -> Result<String, Error> {
    transport.block_on(async { transport.call(request).await?.into_body().text().await })
}

/// What the caller of a request that must fail reads.
fn failure(transport: &MockTransport, request: http::Request<Content>) -> String {
    tidy(&fetch(transport, request).unwrap_err().to_string())
}

/// What a failing assertion prints.
fn panic_text<R>(assertion: impl FnOnce() -> R) -> String {
    let panic = catch_unwind(AssertUnwindSafe(assertion)).err().unwrap();
    tidy(panic.downcast_ref::<String>().unwrap())
}

/// The text without line numbers of this file, which change with every edit.
fn tidy(text: &str) -> String {
    let mut parts = text.split("diagnosis.rs:");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let place = |c: char| c.is_ascii_digit() || c == ':';
        let rest = part.trim_start_matches(place);
        // The colon behind the place is that of the sentence.
        let colon = part[..part.len() - rest.len()].ends_with(':');
        format!(
            "{text}diagnosis.rs:[line]{}{rest}",
            if colon { ":" } else { "" }
        )
    })
}

#[test]
fn a_transport_without_rules() {
    let transport = MockTransport::new();
    insta::assert_snapshot!(failure(&transport, get("/v1/models?limit=2")));
}

#[test]
fn a_header_a_query_and_a_json_value_that_differ() {
    let transport = MockTransport::new();
    transport
        .post("https://api.test/v1/messages")
        .header("anthropic-version", "2023-06-01")
        .header_exists("x-request-id")
        .query("beta", "true")
        .json_partial(json!({
            "model": "claude-sonnet",
            "messages": [{"role": "user"}, {"role": "assistant", "content": [{"type": "text"}]}],
        }))
        .reply("ok");
    let sent = json!({
        "model": "claude-sonnet",
        "max_tokens": 64,
        "messages": [
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "1"}]},
        ],
    });
    let sent = request("POST", "/v1/messages?beta=1", sent);
    let sent = with_header(sent, "anthropic-version", "2023-01-01");
    let sent = with_header(sent, "content-type", "application/json");
    insta::assert_snapshot!(failure(&transport, sent));
}

#[test]
fn a_rule_that_is_never_to_answer() {
    let transport = MockTransport::new();
    transport.get("/").times(0).reply("never");
    let text = failure(&transport, get("/"));
    assert!(text.ends_with("✗ it is never to answer"), "{text}");
}

#[test]
fn a_rule_that_is_used_up() {
    let transport = MockTransport::new();
    transport.get("/v1/models").times(2).reply("ok");
    transport.get("/v1/model").reply("ok");
    for _ in 0..2 {
        fetch(&transport, get("/v1/models")).unwrap();
    }
    insta::assert_snapshot!(failure(&transport, get("/v1/models")));
}

#[test]
fn a_rule_that_waits_for_another_state() {
    let transport = MockTransport::new();
    transport
        .get("/me")
        .in_scenario("session")
        .when_state("signed in")
        .reply("Ada");
    insta::assert_snapshot!(failure(&transport, get("/me")));
}

#[test]
fn a_rule_for_another_index() {
    let transport = MockTransport::new();
    transport.get("/").nth(2..=3).reply("ok");
    transport.get("/").nth(7..).reply("ok");
    insta::assert_snapshot!(failure(&transport, get("/")));
}

#[test]
fn one_rule_of_many() {
    let transport = MockTransport::new();
    transport.get("/health").reply("ok");
    transport.post("/v1/messages").bearer("token").reply("ok");
    transport.post("/v1/messages/count_tokens").reply("ok");
    transport.get("/v1/models/{id}").reply("ok");
    transport.on(mockwire::host("*.other.test")).reply("ok");
    transport.post("/v1/complete").reply("ok");
    insta::assert_snapshot!(failure(
        &transport,
        request("POST", "/v1/message", "{\"model\": \"small\"}")
    ));
}

#[test]
fn the_wrong_method_of_the_right_path() {
    let transport = MockTransport::new();
    transport.get("/v1/messages").reply("ok");
    transport.post("/v1/message/batches").reply("ok");
    insta::assert_snapshot!(failure(&transport, request("POST", "/v1/messages", ())));
}

#[test]
fn the_wrong_scheme_host_and_port() {
    let transport = MockTransport::new();
    transport.get("http://api.example:8080/v1").reply("ok");
    insta::assert_snapshot!(failure(&transport, get("/v1")));
}

#[test]
fn conditions_that_combine_others() {
    let transport = MockTransport::new();
    let quick = mockwire::header("x-plan", "pro").or(mockwire::query("fast", "1"));
    transport
        .get("/")
        .and(quick)
        .and(!mockwire::header_exists("x-trial"))
        .matching(|request: &Request| request.body().len() > 3)
        .reply("ok");
    let sent = with_header(get("/?fast=0"), "x-trial", "yes");
    insta::assert_snapshot!(failure(&transport, sent));
}

#[test]
fn a_predicate_that_said_no() {
    let transport = MockTransport::new();
    transport
        .get("/")
        .matching(|request: &Request| request.body().len() > 3)
        .reply("ok");
    insta::assert_snapshot!(failure(&transport, get("/")));
}

#[test]
fn bodies_that_differ() {
    let transport = MockTransport::new();
    let rules: [fn() -> Matcher; 6] = [
        || mockwire::body("exactly this"),
        || mockwire::body_contains("this"),
        || mockwire::body_bytes(&b"\x00\x01\x02"[..]),
        || mockwire::form("name", "Ada"),
        || mockwire::json(json!({"a": 1})),
        || mockwire::json_at("/a/b", true),
    ];
    let mut texts = Vec::new();
    for rule in rules {
        let only = MockTransport::new();
        only.on(rule()).reply("ok");
        for body in ["", "name=Eve&x=1", "{\"a\": {\"b\": \"true\"}}"] {
            let text = failure(&only, request("POST", "/", body));
            texts.push(
                text.lines()
                    .skip_while(|line| !line.contains("1. "))
                    .collect::<Vec<_>>()
                    .join("\n"),
            );
        }
    }
    transport.on(mockwire::body_contains("this")).reply("ok");
    texts.push(failure(&transport, request("POST", "/", vec![0xff; 5])));
    insta::assert_snapshot!(texts.join("\n\n"));
}

#[test]
fn what_is_long_is_cut() {
    let transport = MockTransport::new();
    let long = "lorem ipsum ".repeat(100);
    transport
        .post("/")
        .header("x-long", &long)
        .json_at("/text", long.as_str())
        .reply("ok");
    let sent = request("POST", "/", json!({"text": format!("{long}!")}));
    let sent = with_header(sent, "x-long", &format!("{long}!"));
    insta::assert_snapshot!(failure(&transport, sent));
}

#[test]
fn secrets_in_every_place() {
    let transport = MockTransport::builder().redact("x-session").build();
    transport
        .post("/v1/messages")
        .bearer("s3cr3t")
        .header("x-api-key", "s3cr3t")
        .header("x-session", "s3cr3t")
        .cookie("session", "s3cr3t")
        .reply("ok");
    let mut sent = http::Request::post("https://user:pa55@api.test/v1/messages")
        .body(Content::from("{}"))
        .unwrap();
    for (name, value) in [
        ("authorization", "Bearer 0ther"),
        ("x-api-key", "0ther"),
        ("x-session", "0ther"),
        ("cookie", "session=0ther"),
    ] {
        sent = with_header(sent, name, value);
    }
    let text = failure(&transport, sent);
    for secret in ["s3cr3t", "0ther", "pa55"] {
        assert!(!text.contains(secret), "{text}");
    }
    insta::assert_snapshot!(text);
}

#[test]
fn a_report_of_rules_that_were_not_used_and_requests_that_nobody_answered() {
    let transport = MockTransport::new();
    transport
        .post("/v1/messages")
        .json_partial(json!({"model": "large"}))
        .times(2)
        .reply("ok");
    transport.get("/v1/models").times(1..).reply("ok");
    transport.get("/health").reply("ok");
    fetch(
        &transport,
        request("POST", "/v1/messages", json!({"model": "large"})),
    )
    .unwrap();
    let _ = fetch(
        &transport,
        request("POST", "/v1/messages", json!({"model": "small"})),
    );
    insta::assert_snapshot!(panic_text(|| transport.verify()));
}

#[test]
fn a_report_of_a_rule_that_nobody_asked() {
    let transport = MockTransport::new();
    transport.get("/v1/models").once().reply("ok");
    insta::assert_snapshot!(panic_text(|| transport.verify()));
}

#[test]
fn a_report_of_many_unmatched_requests() {
    let transport = MockTransport::new();
    for n in 0..7 {
        let _ = fetch(&transport, get(&format!("/{n}")));
    }
    insta::assert_snapshot!(panic_text(|| transport.assert_no_unmatched()));
}

#[test]
fn a_scope_that_was_not_used() {
    let transport = MockTransport::new();
    insta::assert_snapshot!(panic_text(|| {
        let scope = transport.scope();
        scope.get("/v1/models").once().reply("ok");
    }));
}

/// A transport that was called thrice.
fn called() -> MockTransport {
    let transport = MockTransport::new();
    transport.post("/v1/messages").reply("hello");
    transport.get("/v1/models").reply(Reply::status(404));
    for model in ["small", "large"] {
        fetch(
            &transport,
            request("POST", "/v1/messages", json!({"model": model})),
        )
        .unwrap();
    }
    fetch(&transport, get("/v1/models")).unwrap();
    transport
}

#[test]
fn an_assertion_of_more_calls_than_there_were() {
    let transport = called();
    let wanted = || mockwire::post("/v1/messages").and(mockwire::json_at("/model", "large"));
    insta::assert_snapshot!(panic_text(|| transport.assert_called(wanted(), 2)));
}

#[test]
fn an_assertion_of_fewer_calls_than_there_were() {
    let transport = called();
    insta::assert_snapshot!(panic_text(
        || transport.assert_called(mockwire::post("/v1/messages"), ..=1)
    ));
}

#[test]
fn an_assertion_on_a_transport_that_nobody_called() {
    let transport = MockTransport::new();
    insta::assert_snapshot!(panic_text(
        || transport.assert_called(mockwire::post("/v1/messages"), 1)
    ));
}

#[test]
fn an_assertion_on_a_rule() {
    let transport = MockTransport::new();
    let rule = transport.post("/v1/messages").bearer("t").reply("ok");
    insta::assert_snapshot!(panic_text(|| rule.assert_calls(1)));
}

#[test]
fn an_assertion_of_another_order() {
    let transport = called();
    insta::assert_snapshot!(panic_text(|| transport.assert_in_order([
        mockwire::post("/v1/messages"),
        mockwire::get("/v1/models"),
        mockwire::post("/v1/messages").and(mockwire::json_at("/model", "large")),
    ])));
}

#[test]
fn an_order_of_requests_on_a_transport_that_nobody_called() {
    let transport = MockTransport::new();
    insta::assert_snapshot!(panic_text(
        || transport.assert_in_order([mockwire::get("/v1/models")])
    ));
}

#[test]
fn a_future_that_can_never_complete() {
    let transport = MockTransport::new();
    let _hold = transport.get("/slow/{n}").hold();
    let calls = futures::future::join(
        transport.call(get("/slow/1")),
        transport.call(get("/slow/2")),
    );
    let one = tidy(&transport.try_block_on(calls).err().unwrap().to_string());
    let pending = transport.try_block_on(std::future::pending::<()>());
    let other = tidy(&pending.unwrap_err().to_string());
    insta::assert_snapshot!(format!("{one}\n\n{other}"));
}

#[test]
fn a_deadline_that_passed() {
    let transport = called();
    let wait = transport
        .wait_for_requests(2)
        .matching(mockwire::post("/v1/messages").and(mockwire::json_at("/model", "large")));
    let error = transport.block_on(wait).unwrap_err();
    insta::assert_snapshot!(tidy(&error.to_string()));
}

#[test]
fn what_goes_wrong_while_a_request_is_answered() {
    let transport = MockTransport::new();
    transport
        .get("/failed")
        .reply_with(|_: &Request| Err::<Reply, _>(std::io::Error::other("the disk is full")));
    transport
        .get("/panicked")
        .reply_with(|_: &Request| -> Reply { panic!("index out of bounds") });
    transport
        .get("/predicate")
        .matching(|_: &Request| panic!("index out of bounds"))
        .reply("never");
    transport
        .get("/malformed")
        .reply_with(|_: &Request| Reply::text("x").with_status(1000));
    transport
        .get("/body")
        .reply_with(|_: &Request| Reply::text("x").with_status(204));
    transport
        .get("/template")
        .reply(Reply::template("hello {{query.name}}"));
    transport
        .get("/sequence")
        .reply_sequence(["only"], SequenceEnd::Fail);
    transport.get("/fault").reply(Fault::ConnectionReset);
    fetch(&transport, get("/sequence")).unwrap();
    let mut texts: Vec<_> = [
        "/failed",
        "/panicked",
        "/predicate",
        "/malformed",
        "/body",
        "/template",
        "/sequence",
        "/fault",
    ]
    .map(|path| {
        let error = fetch(&transport, get(path)).unwrap_err();
        // As `unwrap` prints it, and as `Display` does, where that differs.
        let (shown, printed) = (error.to_string(), format!("{error:?}"));
        let text = if shown == printed { shown } else { printed };
        format!(
            "{path}\n  {}\n  {}",
            error.code(),
            tidy(&text).replace('\n', "\n  ")
        )
    })
    .into();
    let gone = transport.get("/gone").reply("x");
    gone.remove().unwrap();
    texts.push(gone.remove().unwrap_err().to_string());
    texts.push(format!("{gone:?}"));
    transport.dispose();
    texts.push(fetch(&transport, get("/")).unwrap_err().to_string());
    insta::assert_snapshot!(texts.join("\n\n"));
}

#[test]
fn what_is_refused_when_a_rule_is_written() {
    let transport = MockTransport::new();
    let when = || transport.get("/");
    #[allow(clippy::reversed_empty_ranges)] // That is the mistake.
    let reversed = 3..=2;
    let texts = [
        transport.get("v1/models").try_reply("x"),
        transport.get("https://api.test:port/").try_reply("x"),
        transport.get("/{id").try_reply("x"),
        transport.get("/{id}/{id}").try_reply("x"),
        transport.get("/a**b").try_reply("x"),
        transport.on(mockwire::on("GE T", "/")).try_reply("x"),
        when().header("x plan", "pro").try_reply("x"),
        when().json_at("model", "small").try_reply("x"),
        when().when_state("in").try_reply("x"),
        when().times(reversed).try_reply("x"),
        when().try_reply(Reply::status(42)),
        when().try_reply(Reply::text("x").with_status(204)),
        when().try_reply(Reply::text("x").header("x", "a\r\nb")),
        when().try_reply(Reply::template("{{user}}")),
        when().try_reply(Reply::template("{{path")),
        when().try_reply(Reply::redirect(200, "/")),
    ]
    .map(|refused| refused.unwrap_err().to_string());
    insta::assert_snapshot!(texts.join("\n"));
}

#[test]
fn a_refused_rule_as_a_panic() {
    let transport = MockTransport::new();
    insta::assert_snapshot!(panic_text(|| transport.get("v1/models").reply("x")));
}

#[test]
fn the_captures_as_a_list() {
    let transport = called();
    let _ = fetch(&transport, get("/nobody"));
    transport.get("/fault").reply(Fault::Timeout);
    let _ = fetch(&transport, get("/fault"));
    let lines: Vec<_> = transport
        .requests()
        .iter()
        .map(ToString::to_string)
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn handles_as_they_are_printed() {
    let transport = called();
    let rule = transport
        .get("/v1/{x}")
        .header("x", "1")
        .and(mockwire::json_exists("/a").or(!mockwire::query_missing("q")))
        .reply("x");
    let hold = transport.get("/").hold();
    let call = transport.call(get("/v1/models"));
    let wait = transport.wait_for_requests(3).matching(mockwire::get("/"));
    let text = format!(
        "{transport:?}\n{rule:?}\n{:?}\n{call:?}\n{wait:?}",
        transport.post("/x").once()
    );
    drop(hold);
    insta::assert_snapshot!(tidy(&text));
}

#[cfg(all(feature = "regex", feature = "jsonpath", feature = "jsonschema"))]
#[test]
fn conditions_of_the_optional_features() {
    let transport = MockTransport::new();
    transport
        .on(mockwire::path_regex(r"^/v\d+/models$"))
        .and(mockwire::header_regex("user-agent", r"^sdk/\d"))
        .and(mockwire::json_path("$.messages[?@.role == 'tool']"))
        .and(mockwire::json_schema(
            &json!({"properties": {"max_tokens": {"minimum": 1}}, "required": ["model"]}),
        ))
        .reply("x");
    let sent = request("POST", "/models", json!({"max_tokens": 0, "model": "m"}));
    let sent = with_header(sent, "user-agent", "curl");
    insta::assert_snapshot!(failure(&transport, sent));
}
