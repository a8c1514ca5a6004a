//! HTTP archives: what browsers and proxies write is read, what is written is valid, and nothing is lost
//! on the way there and back.

use std::time::Duration;

use mockwire::ErrorKind;
use mockwire::cassette::{
    Cassette, Entry, Frame, HarImport, Options, Problem, RecordedBody, RecordedEnd,
    RecordedRequest, RecordedResponse, Redaction,
};
use mockwire::sync::{MockTransport, Recorder};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::support::{fetch, get, sample};

/// Everything as it is.
fn as_it_is() -> Options {
    Options::new().keep_volatile().redaction(Redaction::none())
}

fn import(har: &Value, options: &Options) -> HarImport {
    Cassette::from_har(&har.to_string(), options).unwrap()
}

fn archive(entries: Value) -> Value {
    json!({"log": {"version": "1.2", "creator": {"name": "test", "version": "1"}, "entries": entries}})
}

fn one(request: Value, response: Value) -> Value {
    archive(json!([{"request": request, "response": response}]))
}

/// What HAR 1.2 asks of an archive.
#[track_caller]
fn check_har(har: &str) {
    let har: Value = serde_json::from_str(har).unwrap();
    let log = &har["log"];
    assert_eq!(log["version"], "1.2");
    assert!(log["creator"]["name"].is_string() && log["creator"]["version"].is_string());
    let mut before = String::new();
    for entry in log["entries"].as_array().unwrap() {
        let started = entry["startedDateTime"].as_str().unwrap();
        assert!(started.ends_with('Z') && before.as_str() <= started);
        before = started.to_owned();
        let (request, response) = (&entry["request"], &entry["response"]);
        for member in ["method", "url", "httpVersion"] {
            assert!(request[member].is_string(), "{member}");
        }
        for member in ["statusText", "httpVersion", "redirectURL"] {
            assert!(response[member].is_string(), "{member}");
        }
        for list in [
            &request["cookies"],
            &request["headers"],
            &request["queryString"],
            &response["cookies"],
            &response["headers"],
        ] {
            for pair in list.as_array().unwrap() {
                assert!(pair["name"].is_string() && pair["value"].is_string());
            }
        }
        for size in [
            &request["headersSize"],
            &request["bodySize"],
            &response["headersSize"],
            &response["bodySize"],
            &response["content"]["size"],
        ] {
            assert!(size.as_i64().unwrap() >= -1);
        }
        assert!(response["status"].is_u64());
        assert!(response["content"]["mimeType"].is_string());
        if let Some(posted) = request.get("postData") {
            assert!(posted["mimeType"].is_string() && posted["text"].is_string());
        }
        assert!(entry["cache"].is_object());
        let timing = |name: &str| entry["timings"][name].as_f64().unwrap();
        let spent = ["send", "wait", "receive"].map(timing);
        assert!(spent.iter().all(|it| *it >= 0.0));
        let told = ["blocked", "dns", "connect"].map(timing);
        let sum: f64 = spent
            .iter()
            .chain(told.iter().filter(|it| **it > 0.0))
            .sum();
        assert!((entry["time"].as_f64().unwrap() - sum).abs() < 1e-9);
        // What is not of the format has a name that says so.
        let known = [
            "pageref",
            "startedDateTime",
            "time",
            "request",
            "response",
            "cache",
            "timings",
            "serverIPAddress",
            "connection",
            "comment",
        ];
        let members = entry.as_object().unwrap().keys();
        for member in members {
            assert!(
                member.starts_with('_') || known.contains(&&**member),
                "{member}"
            );
        }
    }
}

#[test]
fn what_is_written_is_a_valid_archive_and_reads_well() {
    let har = sample().to_har();
    check_har(&har);
    let value: Value = serde_json::from_str(&har).unwrap();
    let streamed = serde_json::to_string_pretty(&value["log"]["entries"][0]).unwrap();
    insta::assert_snapshot!(streamed);
}

#[test]
fn what_was_written_is_read_back_with_every_piece_and_its_time() {
    let read = Cassette::from_har(&sample().to_har(), &as_it_is()).unwrap();
    assert_eq!(read.skipped, []);
    assert_eq!(read.cassette, sample());
}

#[test]
fn a_recording_that_went_through_an_archive_is_the_same_file() {
    let real = MockTransport::new();
    real.get("/a").reply(mockwire::Reply::json(
        json!({"id": "msg_01AbCdEf23GhIjKl45", "created": 1_770_933_892}),
    ));
    let recorder = Recorder::new(
        Cassette::new(),
        Options::new().mode(mockwire::cassette::RecordMode::Record),
    );
    let transport = super::support::recorded(&real, &recorder);
    fetch(&transport, get("https://api.test/a?key=AIza0123456789"));

    let recorded = recorder.cassette();
    let read = Cassette::from_har(&recorded.to_har(), &Options::new()).unwrap();
    assert_eq!(read.cassette.to_json(), recorded.to_json());
}

proptest! {
    #[test]
    fn nothing_is_lost(
        bodies in prop::collection::vec(
            (any::<bool>(), prop::collection::vec((0_u64..10_000, prop::collection::vec(any::<u8>(), 0..20)), 0..5)),
            0..4,
        ),
        after in 0_u64..100_000_000,
        end in prop::sample::select(vec![
            RecordedEnd::Clean, RecordedEnd::Cut, RecordedEnd::Failed, RecordedEnd::Truncated,
        ]),
    ) {
        let mut cassette = Cassette::new();
        for (is_whole, pieces) in bodies {
            let url = "https://api.test/a?b=c%20d&e".parse().unwrap();
            let mut request = RecordedRequest::new(http::Method::POST, url);
            request.body = pieces.first().map(|(_, bytes)| bytes.clone()).unwrap_or_default().into();
            request.truncated = is_whole;
            let mut response = RecordedResponse::new(http::StatusCode::OK);
            response.after = Duration::from_micros(after);
            response.headers.insert("content-encoding", "gzip".parse().unwrap());
            response.headers.append("x-two", "1".parse().unwrap());
            response.headers.append("x-two", "2".parse().unwrap());
            response.end = end;
            response.body = if is_whole {
                RecordedBody::Whole(pieces.into_iter().flat_map(|(_, bytes)| bytes).collect())
            } else {
                let frames = pieces.into_iter();
                RecordedBody::Frames(
                    frames.map(|(after, bytes)| Frame::new(Duration::from_micros(after), bytes)).collect(),
                )
            };
            cassette.entries.push(Entry::new(request, response));
        }
        let har = cassette.to_har();
        check_har(&har);
        let read = Cassette::from_har(&har, &as_it_is()).unwrap();
        prop_assert_eq!(read.skipped, []);
        prop_assert_eq!(read.cassette, cassette);
    }

    #[test]
    fn no_text_makes_it_panic(text in ".{0,200}") {
        let _ = Cassette::from_har(&text, &Options::new());
        let entry = format!(r#"{{"log": {{"entries": [{{"request": {{"method": "GET", "url": {}}}}}]}}}}"#, json!(text));
        let _ = Cassette::from_har(&entry, &Options::new()).unwrap();
    }
}

/// In the shape that Chromium's network panel writes.
fn of_chromium() -> Value {
    archive(json!([
        {
            "_connectionId": "12", "_initiator": {"type": "script"}, "_priority": "High",
            "_resourceType": "fetch", "cache": {}, "connection": "443", "pageref": "page_1",
            "request": {
                "method": "POST", "url": "https://api.test/v1/chat?alt=sse", "httpVersion": "h2",
                "headers": [
                    {"name": ":authority", "value": "api.test"},
                    {"name": ":method", "value": "POST"},
                    {"name": "authorization", "value": "Bearer sk-abcdefgh12345678"},
                    {"name": "cookie", "value": "session=s3cr3t-s3ss10n"},
                    {"name": "content-length", "value": "31"},
                    {"name": "content-type", "value": "application/json"}
                ],
                "queryString": [{"name": "alt", "value": "sse"}], "cookies": [],
                "headersSize": -1, "bodySize": 31,
                "postData": {"mimeType": "application/json", "text": "{ \"model\": \"small\", \"n\": 1.0 }"}
            },
            "response": {
                "status": 200, "statusText": "", "httpVersion": "h2",
                "headers": [
                    {"name": "content-encoding", "value": "br"},
                    {"name": "content-length", "value": "20"},
                    {"name": "content-type", "value": "text/event-stream; charset=utf-8"},
                    {"name": "set-cookie", "value": "a=secret-one-1\nb=secret-two-2"}
                ],
                "cookies": [],
                "content": {
                    "size": 40, "mimeType": "text/event-stream", "compression": 20,
                    "text": "data: {\"token\":\"sk-abcdefgh12345678\"}\n\ndata: [DONE]\n\n"
                },
                "redirectURL": "", "headersSize": -1, "bodySize": -1, "_transferSize": 300,
                "_error": null, "_fetchedViaServiceWorker": false
            },
            "serverIPAddress": "1.2.3.4", "startedDateTime": "2026-03-01T10:00:00.000Z",
            "time": 321.5,
            "timings": {"blocked": 2.1, "dns": -1, "ssl": -1, "connect": -1, "send": 0.1, "wait": 250.7,
                        "receive": 68.6, "_blocked_queueing": 1.5}
        },
        {
            "_resourceType": "websocket",
            "_webSocketMessages": [{"type": "send", "time": 1.5, "opcode": 1, "data": "hi"}],
            "request": {"method": "GET", "url": "wss://api.test/chat?token=secret"},
            "response": {"status": 101}
        },
        {
            "request": {"method": "GET", "url": "https://api.test/blocked?token=secret"},
            "response": {"status": 0, "_error": "net::ERR_BLOCKED_BY_CLIENT", "content": {"size": 0}}
        },
        {
            "request": {"method": "GET", "url": "data:image/png;base64,iVBORw0KGgo="},
            "response": {"status": 200, "content": {"size": 8, "text": "iVBORw0KGgo=", "encoding": "base64"}}
        },
        {
            "request": {"method": "GET", "url": "https://api.test/big.js"},
            "response": {"status": 200, "content": {"size": 80000, "mimeType": "text/javascript"}}
        },
        {
            "request": {"method": "GET", "url": "https://api.test/logo.png"},
            "response": {
                "status": 200, "headers": [{"name": "Content-Type", "value": "image/png"}],
                "content": {"size": 8, "mimeType": "image/png", "text": "iVBORw0KGgo=", "encoding": "base64"}
            }
        }
    ]))
}

#[test]
fn what_a_browser_writes_is_read_without_its_secrets() {
    let read = import(&of_chromium(), &Options::new());
    insta::assert_snapshot!(read.cassette.to_json());
    let skipped: Vec<_> = read.skipped.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!("skipped", skipped.join("\n"));
    for secret in ["abcdefgh12345678", "s3cr3t", "secret"] {
        assert!(!read.cassette.to_json().contains(secret), "{secret}");
        assert!(!skipped.join("\n").contains(secret), "{secret}");
    }
    // Negative control: it is there as long as nobody takes it out.
    let kept = import(&of_chromium(), &as_it_is()).cassette;
    assert!(kept.to_json().contains("Bearer sk-abcdefgh12345678"));
}

#[test]
fn an_imported_archive_is_replayed() {
    let cassette = import(&of_chromium(), &Options::new()).cassette;
    let replay = Recorder::new(cassette, Options::new());
    let transport = MockTransport::new();
    transport.otherwise().replay(&replay);
    let request = http::Request::post("https://api.test/v1/chat?alt=sse")
        .header("authorization", "Bearer another")
        .body(r#"{"n":1,"model":"small"}"#.to_owned())
        .unwrap();
    assert!(fetch(&transport, request).ends_with("data: [DONE]\n\n"));
    assert_eq!(replay.unused(), [2]);
}

#[test]
fn what_is_missing_or_null_is_not_needed() {
    let least = json!({"log": {"entries": [{
        "request": {"method": "GET", "url": "https://api.test/"},
        "response": {"status": 204, "headers": null, "content": null},
        "timings": {"wait": null}, "time": null, "cache": null, "comment": null
    }]}});
    let read = import(&least, &Options::new());
    assert_eq!(
        read.cassette.entries[0].response,
        RecordedResponse::new(http::StatusCode::NO_CONTENT)
    );
    // With a byte order mark, as proxies on Windows write it.
    let marked = format!("\u{feff}{least}");
    assert_eq!(Cassette::from_har(&marked, &Options::new()).unwrap(), read);
}

#[test]
fn a_form_may_be_there_as_parameters_only() {
    let posted = |post_data: Value| {
        let request = json!({"method": "POST", "url": "https://api.test/", "postData": post_data});
        let read = import(&one(request, json!({"status": 204})), &as_it_is());
        let body = read
            .cassette
            .entries
            .first()
            .map(|it| it.request.body.clone());
        body.ok_or_else(|| read.skipped[0].to_string())
    };
    let params = json!([{"name": "a b", "value": "1&2"}, {"name": "é"}]);
    let form = "application/x-www-form-urlencoded";
    assert_eq!(
        posted(json!({"mimeType": form, "text": "", "params": params})).unwrap(),
        "a+b=1%262&%C3%A9="
    );
    // Chromium writes both: what was sent is the text.
    assert_eq!(
        posted(json!({"mimeType": form, "text": "a%20b=1", "params": params})).unwrap(),
        "a%20b=1"
    );
    assert_eq!(
        posted(json!({"mimeType": "x", "text": "/wA=", "encoding": "base64"})).unwrap(),
        &b"\xFF\x00"[..]
    );
    assert_eq!(
        posted(json!({"mimeType": "x", "text": "/wA=", "_encoding": "base64"})).unwrap(),
        &b"\xFF\x00"[..]
    );
    assert_eq!(posted(json!({"mimeType": "x"})).unwrap(), "");
    assert_eq!(
        posted(json!({"mimeType": "multipart/form-data; boundary=x", "params": [{"name": "file", "fileName": "a"}]}))
            .unwrap_err(),
        "entry 1, POST https://api.test/: of its form of several parts, the archive has no text"
    );
}

#[test]
fn what_no_cassette_can_hold_is_told_one_by_one() {
    let get = |url: &str| json!({"method": "GET", "url": url});
    let fine = json!({"status": 200});
    let entries = json!([
        {"request": get("https://api.test/"), "response": fine},
        {"request": {"method": "G T", "url": "https://api.test/"}, "response": fine},
        {"request": {"method": "GET"}, "response": fine},
        {"request": {"method": "GET", "url": 7}, "response": fine},
        7,
        {"request": get("https://user:hunter2@api.test/#part"), "response": {"status": 99}},
        {"request": get("https://api test/"), "response": fine},
        {"request": get("https://api.test/"), "response": {"status": 100}},
        {"request": get("https://api.test/")},
        {"request": get("https://api.test/"), "response": {"status": 200, "headers": [{"name": "a b", "value": "c"}]}},
        {"request": get("https://api.test/"), "response": {"status": 200, "headers": [{"name": "a", "value": "c\u{0}"}]}},
        {"request": get("https://api.test/"), "response": {"status": 200, "content": {"text": "§", "encoding": "base64"}}},
        {"request": get("https://api.test/"), "response": {"status": 200, "content": {"text": "§", "encoding": "rot13"}}},
        {"request": get("https://api.test/"), "response": {"status": 200, "content": {"text": "four"}},
         "_mockwire": {"frames": [[0, 1], [5, 2]]}},
        {"request": get("https://api.test/"), "response": {"status": 200, "content": {"text": "four"}},
         "_mockwire": {"frames": [[0, 1], [5, 9]]}},
        {"request": get("https://api.test/"), "response": fine, "_mockwire": {"end": "sudden"}}
    ]);
    let read = import(&archive(entries), &Options::new());
    assert_eq!(read.cassette.entries.len(), 1);
    let skipped: Vec<_> = read.skipped.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(skipped.join("\n"));
}

#[test]
fn what_is_no_archive_is_told_so_with_what_to_do() {
    let problem = |text: &str| {
        let error = Cassette::from_har(text, &Options::new()).unwrap_err();
        assert_eq!(error.code(), "MOCKWIRE_CASSETTE_NOT_HAR");
        let ErrorKind::Cassette { problem, .. } = error.kind() else {
            panic!("{error}");
        };
        assert!(matches!(problem, Problem::NotHar { .. }));
        error.to_string()
    };
    let har = of_chromium().to_string();
    let lines = [
        problem(""),
        problem("[]"),
        problem("<html>"),
        problem(&har[..har.len() / 2]),
        problem(&Cassette::new().to_json()),
        problem(r#"{"log": {"entries": {}}}"#),
    ];
    insta::assert_snapshot!(lines.join("\n\n"));
    assert_eq!(
        Cassette::from_har(
            &har,
            &Options::new().redaction(Redaction::new().json("no pointer"))
        )
        .unwrap_err()
        .code(),
        "MOCKWIRE_INVALID_JSON"
    );
}
