//! Secrets: kept for the test to read, never printed.

use mockwire::{Reply, Request};
use serde_json::json;

use super::support::{fetch, get, request};
use super::{MockTransport, test};

/// Stands in every secret of this file, so that one search finds them all.
const SECRET: &str = "s3cr3t";

/// A request with a secret in every place where one may be.
fn secretive(path: &str) -> http::Request<mockwire::Content> {
    let url = format!("https://user:{SECRET}@api.test{path}");
    let mut request = request("POST", &url, json!({"public": true}));
    for (name, value) in [
        ("authorization", format!("Bearer {SECRET}")),
        ("proxy-authorization", format!("Basic {SECRET}")),
        ("x-api-key", SECRET.to_owned()),
        ("api-key", SECRET.to_owned()),
        ("x-goog-api-key", SECRET.to_owned()),
        ("cookie", format!("session={SECRET}; other={SECRET}")),
        ("x-own-secret", SECRET.to_owned()),
    ] {
        request.headers_mut().append(name, value.parse().unwrap());
    }
    request
}

fn transport() -> MockTransport {
    MockTransport::builder().redact("X-Own-Secret").build()
}

#[track_caller]
fn assert_silent(text: &str) {
    assert!(!text.contains(SECRET), "a secret is printed:\n{text}");
}

/// A rule that asks for a secret in every way there is, and answers with some.
fn register(transport: &MockTransport, path: &str, secret: &str) {
    transport
        .post(path)
        .bearer(secret)
        .header("x-api-key", secret)
        .header_contains("api-key", secret)
        .header("x-own-secret", secret)
        .cookie("session", secret)
        .reply(
            Reply::json(json!({"public": true}))
                .header("set-cookie", &format!("session={SECRET}"))
                .header("x-own-secret", SECRET),
        );
}

#[test]
fn secrets_are_there_to_be_read() {
    // The negative control of this file: they are redacted, not lost.
    let transport = transport();
    register(&transport, "/", SECRET);
    let response = super::support::send(&transport, secretive("/")).unwrap();
    assert_eq!(response.headers()["x-own-secret"], SECRET);
    let captured = transport.last_request().unwrap();
    assert_eq!(captured.request.header("x-api-key"), Some(SECRET));
    assert_eq!(captured.request.header("x-own-secret"), Some(SECRET));
    assert_eq!(captured.request.cookie("session"), Some(SECRET));
    assert!(captured.request.url().to_string().contains(SECRET));
    assert!(
        captured
            .response
            .unwrap()
            .headers
            .values()
            .any(|it| it == SECRET)
    );
}

#[test]
fn captures_and_requests_print_no_secret() {
    let transport = transport();
    register(&transport, "/", SECRET);
    fetch(&transport, secretive("/")).unwrap();
    for captured in transport.requests() {
        for text in [
            format!("{captured}"),
            format!("{captured:?}"),
            format!("{captured:#?}"),
            format!("{}", captured.request),
            format!("{:?}", captured.request),
            format!("{:?}", captured.response),
        ] {
            assert_silent(&text);
            // What is no secret is there.
            assert!(text.contains("api.test") || text.contains("200"), "{text}");
        }
    }
}

#[test]
fn a_diagnosis_prints_no_secret_whether_it_fits_or_not() {
    for secret in [SECRET, "another-s3cr3t"] {
        let transport = transport();
        register(&transport, "/other", secret);
        register(&transport, "/", secret);
        transport
            .post("/")
            .basic_auth("user", SECRET)
            .header_missing("x-own-secret")
            .header_missing("cookie")
            .and(!mockwire::header("x-api-key", SECRET))
            .and(mockwire::cookie("other", SECRET).or(mockwire::bearer(SECRET)))
            .reply("x");
        let error = fetch(&transport, secretive("/unmatched")).unwrap_err();
        let diagnosis = error.diagnosis().unwrap();
        for text in [
            error.to_string(),
            format!("{error:?}"),
            format!("{:?}", error.kind()),
            diagnosis.to_string(),
            format!("{diagnosis:?}"),
            serde_json::to_string(diagnosis).unwrap(),
        ] {
            assert_silent(&text);
            assert!(text.contains("x-own-secret"), "{text}");
        }
    }
}

#[test]
fn a_report_prints_no_secret() {
    let transport = transport();
    for rule in ["/", "/other"] {
        register(&transport, rule, SECRET);
    }
    transport
        .post("/unmet")
        .header("x-own-secret", SECRET)
        .header("x-api-key", SECRET)
        .bearer(SECRET)
        .once()
        .reply("x");
    fetch(&transport, secretive("/")).unwrap();
    fetch(&transport, secretive("/unmatched")).unwrap_err();
    let report = transport.try_verify().unwrap_err();
    assert_eq!((report.unmet.len(), report.unmatched.len()), (1, 1));
    for text in [
        report.to_string(),
        format!("{report:?}"),
        serde_json::to_string(&report).unwrap(),
    ] {
        assert_silent(&text);
    }
}

#[test]
fn handles_and_futures_print_no_secret() {
    let transport = transport();
    let when = transport
        .post("/")
        .bearer(SECRET)
        .header("x-api-key", SECRET)
        .cookie("session", SECRET);
    assert_silent(&format!("{when:?}"));
    let hold = when.hold();
    let rule = transport.rule(hold.rule()).unwrap();
    assert_silent(&format!("{rule:?}"));
    let call = transport.call(secretive("/"));
    assert_silent(&format!("{call:?}"));
    let wait = transport
        .wait_for_requests(9)
        .matching(mockwire::bearer(SECRET).and(mockwire::header("cookie", SECRET)));
    assert_silent(&format!("{wait:?}"));
    let error = transport.block_on(wait).unwrap_err();
    assert_silent(&format!("{error} {error:?}"));
    let error = transport.try_block_on(call).unwrap_err();
    assert!(error.to_string().contains("api.test"));
    assert_silent(&format!("{error} {error:?}"));
    assert_silent(&format!("{transport:?}"));
}

#[test]
fn a_held_request_prints_no_secret() {
    let transport = transport();
    let hold = transport.post("/").hold();
    let test = async {
        let held = hold.next().await.unwrap();
        assert_silent(&format!("{held:?}"));
        held.reply("x").unwrap();
    };
    let (response, ()) =
        transport.block_on(futures::future::join(transport.call(secretive("/")), test));
    assert_eq!(response.unwrap().status(), 200);
}

#[test]
fn what_a_handler_sees_prints_no_secret() {
    let transport = transport();
    transport
        .post("/")
        .reply_with(|request: &Request| format!("{request} {request:?}"));
    let text = fetch(&transport, secretive("/")).unwrap();
    assert_silent(&text);
    assert!(text.contains("public"), "{text}");
}

#[test]
fn a_reply_prints_no_secret() {
    let reply = Reply::text("public").header("set-cookie", SECRET);
    let text = format!("{reply:?}");
    assert_silent(&text);
    assert!(text.contains("set-cookie"), "{text}");
}

#[test]
fn matchers_print_no_secret() {
    let matcher: super::Matcher = mockwire::header("authorization", SECRET)
        .and(mockwire::header_contains("x-api-key", SECRET))
        .and(mockwire::bearer(SECRET).or(mockwire::basic_auth("user", SECRET)))
        .and(!mockwire::cookie("a", SECRET));
    assert_silent(&format!("{matcher} {matcher:?}"));
}

#[cfg(not(target_arch = "wasm32"))]
#[test]
fn failed_assertions_print_no_secret() {
    let transport = transport();
    register(&transport, "/", SECRET);
    fetch(&transport, secretive("/")).unwrap();
    let secret = || mockwire::header("x-own-secret", "wrong").and(mockwire::bearer("s3cr3t2"));
    for text in [
        super::support::panic_text(|| transport.assert_called(secret(), 1)),
        super::support::panic_text(|| transport.assert_called(mockwire::bearer(SECRET), 0)),
        super::support::panic_text(|| transport.assert_in_order([secret()])),
    ] {
        assert_silent(&text);
    }
}

#[test]
fn a_name_that_is_not_redacted_is_printed() {
    // The control of the control: without `redact`, the own field is told.
    let transport = MockTransport::new();
    let mut request = get("/");
    request
        .headers_mut()
        .insert("x-own-secret", SECRET.parse().unwrap());
    let error = fetch(&transport, request).unwrap_err();
    assert!(error.to_string().contains(SECRET));
}
