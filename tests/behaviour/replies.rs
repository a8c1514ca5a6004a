//! What a rule answers with.

use mockwire::{Error, Fault, Reply, SequenceEnd};
use serde_json::json;

use super::support::{failure, fetch, get, post, send, with_header};
use super::{Body, MockTransport, test};

/// The response that a rule with this reply gives.
fn respond(reply: impl Into<Reply>) -> http::Response<Body> {
    let transport = MockTransport::new();
    transport.on(mockwire::url("*")).reply(reply);
    send(&transport, get("/")).unwrap()
}

fn header<'a>(response: &'a http::Response<Body>, name: &str) -> Option<&'a str> {
    response.headers().get(name)?.to_str().ok()
}

fn text(response: http::Response<Body>) -> String {
    MockTransport::new()
        .block_on(response.into_body().text())
        .unwrap()
}

#[test]
fn a_status_is_all_there_is() {
    let response = respond(Reply::status(418));
    assert_eq!(response.status(), 418);
    assert!(response.headers().is_empty());
    assert_eq!(text(response), "");
    for status in [200, 204, 299, 301, 404, 599] {
        assert_eq!(respond(Reply::status(status)).status(), status);
    }
}

#[test]
fn text_and_json_say_what_they_are() {
    let response = respond(Reply::text("héllo"));
    assert_eq!(
        header(&response, "content-type"),
        Some("text/plain; charset=utf-8")
    );
    assert_eq!(text(response), "héllo");
    let response = respond(Reply::json(json!({"a": [1, null]})));
    assert_eq!(header(&response, "content-type"), Some("application/json"));
    assert_eq!(text(response), r#"{"a":[1,null]}"#);
    let response = respond(Reply::bytes(&b"\xff\x00"[..]));
    assert_eq!(header(&response, "content-type"), None);
    let bytes = MockTransport::new().block_on(response.into_body().bytes());
    assert_eq!(bytes.unwrap(), &b"\xff\x00"[..]);
}

#[test]
fn json_comes_from_whatever_serialises() {
    #[derive(serde::Serialize)]
    struct Message {
        role: &'static str,
    }
    assert_eq!(
        text(respond(Reply::json(Message { role: "user" }))),
        r#"{"role":"user"}"#
    );
}

#[test]
fn header_fields_add_up_but_the_content_type_is_one() {
    let reply = Reply::json(1)
        .header("set-cookie", "a=1")
        .header("Set-Cookie", "b=2")
        .header("content-type", "application/problem+json");
    let response = respond(reply);
    let cookies: Vec<_> = response.headers().get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["a=1", "b=2"]);
    assert_eq!(response.headers().get_all("content-type").iter().count(), 1);
    assert_eq!(
        header(&response, "content-type"),
        Some("application/problem+json")
    );
}

#[test]
fn a_redirection_points_somewhere_and_is_not_followed() {
    let response = respond(Reply::redirect(307, "https://other.test/x"));
    assert_eq!(response.status(), 307);
    assert_eq!(header(&response, "location"), Some("https://other.test/x"));
}

#[test]
fn many_things_become_a_reply() {
    assert_eq!(respond(http::StatusCode::IM_A_TEAPOT).status(), 418);
    assert_eq!(text(respond("text")), "text");
    assert_eq!(text(respond(String::from("text"))), "text");
    assert_eq!(text(respond(json!([1]))), "[1]");
    let foreign = http::Response::builder()
        .status(201)
        .header("x-a", "1")
        .header("x-a", "2")
        .body("made elsewhere")
        .unwrap();
    let response = respond(foreign);
    assert_eq!(response.status(), 201);
    assert_eq!(response.headers().get_all("x-a").iter().count(), 2);
    assert_eq!(text(response), "made elsewhere");
    assert_eq!(text(respond(Ok::<_, Error>("fine"))), "fine");
}

#[test]
fn a_reply_is_a_value() {
    let reply = Reply::json(json!({"a": 1})).header("x", "1");
    assert_eq!(reply.clone(), reply);
    assert_ne!(reply.clone().with_status(201), reply);
    assert_ne!(reply.clone().header("x", "2"), reply);
    assert_ne!(reply.clone().body("other"), reply);
    // One value for two rules: neither takes it from the other.
    let transport = MockTransport::new();
    transport.get("/a").reply(reply.clone());
    transport.get("/b").reply(reply);
    assert_eq!(fetch(&transport, get("/a")), fetch(&transport, get("/b")));
}

#[test]
fn the_same_reply_is_given_each_time() {
    let transport = MockTransport::new();
    transport.get("/").reply("again");
    for _ in 0..3 {
        assert_eq!(fetch(&transport, get("/")).unwrap(), "again");
    }
}

#[test]
fn each_fault_reaches_the_caller_as_itself() {
    for (fault, code, connect, timeout) in [
        (Fault::ConnectTimeout, "UND_ERR_CONNECT_TIMEOUT", true, true),
        (Fault::ConnectionClosed, "UND_ERR_SOCKET", false, false),
        (Fault::ConnectionRefused, "ECONNREFUSED", true, false),
        (Fault::ConnectionReset, "ECONNRESET", false, false),
        (Fault::DnsFailure, "ENOTFOUND", true, false),
        (
            Fault::MalformedResponse,
            "HPE_INVALID_CONSTANT",
            false,
            false,
        ),
        (Fault::Timeout, "ETIMEDOUT", false, true),
        (Fault::TlsFailure, "ERR_TLS_HANDSHAKE_TIMEOUT", true, false),
    ] {
        let transport = MockTransport::new();
        transport.get("/").reply(fault);
        let error = failure(&transport, get("/"));
        assert_eq!(error.fault(), Some(fault));
        assert!(error.is_fault() && !error.is_unmatched());
        assert_eq!((error.code(), fault.code()), (code, code));
        assert_eq!(
            (fault.is_connect(), fault.is_timeout()),
            (connect, timeout),
            "{fault}"
        );
        assert_eq!(Reply::fault(fault).as_fault(), Some(fault));
        // It was scripted, so the request did match.
        transport.verify();
    }
    assert_eq!(Reply::text("fine").as_fault(), None);
}

#[test]
fn a_template_repeats_parts_of_the_request() {
    let transport = MockTransport::new();
    transport.post("/users/{id}").reply(Reply::template(
        "{{method}} {{path}} {{param.id}} {{ query.q }} {{header.x-h}} {{cookie.c}} \
         {{json /name}} {{json /n}} {{body}}",
    ));
    let request = with_header(
        with_header(
            post("/users/a%20b?q=1+2", r#"{"name":"Ada","n":[1]}"#),
            "x-h",
            "h",
        ),
        "cookie",
        "c=v",
    );
    assert_eq!(
        fetch(&transport, request).unwrap(),
        r#"POST /users/a%20b a b 1 2 h v Ada [1] {"name":"Ada","n":[1]}"#
    );
    transport
        .post("/form")
        .reply(Reply::template("{{form.a}} at {{url}}"));
    assert_eq!(
        fetch(&transport, post("/form", "a=x%26y")).unwrap(),
        "x&y at https://api.test/form"
    );
}

#[test]
fn a_json_template_escapes_what_it_repeats() {
    let transport = MockTransport::new();
    transport.post("/").reply(
        Reply::template(r#"{"said": "{{query.q}}", "name": {{json /name}}}"#)
            .header("content-type", "application/json"),
    );
    let request = post("/?q=%22%0A\\", r#"{"name": "A\"da"}"#);
    let response = send(&transport, request).unwrap();
    let value: serde_json::Value = transport.block_on(response.into_body().json()).unwrap();
    assert_eq!(value, json!({"said": "\"\n\\", "name": "A\"da"}));
}

#[test]
fn a_value_that_the_request_does_not_have_is_an_error_for_the_caller() {
    for (template, request) in [
        ("{{query.q}}", get("/?p=1")),
        ("{{header.x-h}}", get("/")),
        ("{{param.id}}", get("/")),
        ("{{cookie.c}}", get("/")),
        ("{{form.f}}", get("/")),
        ("{{json /a}}", post("/", "{}")),
        ("{{json /a}}", post("/", "not JSON")),
        ("{{body}}", post("/", vec![0xff])),
    ] {
        let transport = MockTransport::new();
        transport
            .on(mockwire::url("*"))
            .reply(Reply::template(template));
        let error = failure(&transport, request);
        assert!(
            error.code().starts_with("MOCKWIRE_INVALID_"),
            "{template}: {error}"
        );
        let captured = transport.last_request().unwrap();
        assert_eq!(captured.outcome, mockwire::Outcome::Failed(error));
    }
}

#[test]
fn a_sequence_may_hold_any_kind_of_reply() {
    let transport = MockTransport::new();
    transport.get("/").reply_sequence(
        [
            Reply::fault(Fault::ConnectionReset),
            Reply::status(503),
            Reply::template("{{path}}"),
            Reply::stream(["a", "b"]),
        ],
        SequenceEnd::Fail,
    );
    assert!(failure(&transport, get("/")).is_fault());
    assert_eq!(send(&transport, get("/")).unwrap().status(), 503);
    assert_eq!(fetch(&transport, get("/")).unwrap(), "/");
    assert_eq!(fetch(&transport, get("/")).unwrap(), "ab");
}

#[cfg(not(target_arch = "wasm32"))]
#[test]
fn a_file_is_read_when_the_rule_is_written() {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/webdriver.json");
    let response = respond(Reply::file(manifest));
    assert_eq!(header(&response, "content-type"), Some("application/json"));
    assert_eq!(text(response), std::fs::read_to_string(manifest).unwrap());
    let transport = MockTransport::new();
    let missing = transport
        .get("/")
        .try_reply(Reply::file("no/such/file.json"));
    let error = missing.unwrap_err();
    assert_eq!(error.code(), "MOCKWIRE_INVALID_BODY");
    assert!(error.to_string().contains("no/such/file.json"), "{error}");
}

#[test]
fn a_response_to_head_has_headers_and_no_body() {
    let transport = MockTransport::new();
    transport.on(mockwire::url("/x")).reply(Reply::text("body"));
    for (method, expected) in [("HEAD", ""), ("GET", "body")] {
        let request = http::Request::builder()
            .method(method)
            .uri("https://api.test/x");
        let response = transport
            .block_on(transport.call(request.body(()).unwrap()))
            .unwrap();
        assert_eq!(
            response.headers()["content-type"],
            "text/plain; charset=utf-8"
        );
        let body = transport.block_on(response.into_body().text()).unwrap();
        assert_eq!(body, expected, "to {method}");
    }
    let outcomes: Vec<_> = transport
        .requests()
        .into_iter()
        .map(|it| it.outcome)
        .collect();
    assert_eq!(outcomes, [mockwire::Outcome::Done, mockwire::Outcome::Done]);
}
