//! Requests that are answered from a cassette: which entry, how often, how fast, and why not.

use std::time::Duration;

use mockwire::cassette::{
    Cassette, Entry, Frame, MatchOn, Options, RecordMode, RecordedBody, RecordedRequest,
    RecordedResponse, Speed,
};
use mockwire::{Outcome, Reply, Timing};
use serde_json::json;

use super::support::{failure, fetch, get, post, request, send, with_header};
use super::{MockTransport, Recorder, test};

fn entry(method: &str, url: &str, body: &str, answer: &str) -> Entry {
    let method = method.parse().unwrap();
    let mut request = RecordedRequest::new(method, url.parse().unwrap());
    request.body = body.to_owned().into();
    let mut response = RecordedResponse::new(http::StatusCode::OK);
    response.body = RecordedBody::Whole(answer.to_owned().into());
    Entry::new(request, response)
}

fn got(path: &str, answer: &str) -> Entry {
    entry("GET", &format!("https://api.test{path}"), "", answer)
}

fn posted(body: &str, answer: &str) -> Entry {
    entry("POST", "https://api.test/", body, answer)
}

fn cassette(entries: impl IntoIterator<Item = Entry>) -> Cassette {
    let mut cassette = Cassette::new();
    cassette.entries.extend(entries);
    cassette
}

fn replaying(
    entries: impl IntoIterator<Item = Entry>,
    options: Options,
) -> (Recorder, MockTransport) {
    let recorder = Recorder::new(cassette(entries), options);
    let transport = MockTransport::new();
    transport.otherwise().replay(&recorder);
    (recorder, transport)
}

fn mode(mode: RecordMode) -> Options {
    Options::new().mode(mode)
}

#[test]
fn each_entry_answers_once_and_those_of_one_request_in_order() {
    let entries = [
        got("/a", "1"),
        got("/b", "2"),
        got("/a", "3"),
        got("/a", "4"),
    ];
    let (recorder, transport) = replaying(entries, Options::new());
    for (path, answer) in [("/b", "2"), ("/a", "1"), ("/a", "3")] {
        assert_eq!(fetch(&transport, get(path)).unwrap(), answer);
    }
    assert_eq!(recorder.unused(), [4]);
    assert_eq!(fetch(&transport, get("/a")).unwrap(), "4");
    recorder.assert_all_used();
    let error = failure(&transport, get("/a"));
    assert!(error.is_unmatched());
    let text = error.to_string();
    assert!(
        text.contains("✗ used up: answers exactly once, has answered once"),
        "{text}"
    );
    assert_eq!(
        transport.last_request().unwrap().outcome,
        Outcome::Unmatched
    );
    transport.try_verify().unwrap_err();
}

#[test]
fn the_last_entry_may_answer_for_good() {
    let entries = [got("/a", "1"), got("/a", "2"), got("/b", "3")];
    let (recorder, transport) = replaying(entries, mode(RecordMode::Repeat));
    let answers = [(); 4].map(|()| fetch(&transport, get("/a")).unwrap());
    assert_eq!(answers, ["1", "2", "2", "2"]);
    assert_eq!(recorder.unused(), [3]);
    assert!(failure(&transport, get("/c")).is_unmatched());
}

#[test]
fn what_the_cassette_does_not_have_is_for_others_unless_strict() {
    let with_fallback = |mode_of: RecordMode| {
        let recorder = Recorder::new(cassette([got("/a", "recorded")]), mode(mode_of));
        let transport = MockTransport::builder().unmatched_status(404).build();
        transport.get("/rule").priority(1).reply("a rule");
        transport.on(mockwire::url("*")).replay(&recorder);
        transport.get("/later").reply("a later rule");
        transport
    };
    for mode in [RecordMode::Replay, RecordMode::Repeat] {
        let transport = with_fallback(mode);
        let answers = ["/a", "/rule", "/later"].map(|path| fetch(&transport, get(path)).unwrap());
        assert_eq!(answers, ["recorded", "a rule", "a later rule"]);
        assert_eq!(send(&transport, get("/unknown")).unwrap().status(), 404);
    }
    let transport = with_fallback(RecordMode::Strict);
    let answers = ["/a", "/rule"].map(|path| fetch(&transport, get(path)).unwrap());
    assert_eq!(answers, ["recorded", "a rule"]);
    for path in ["/later", "/unknown", "/a"] {
        assert!(failure(&transport, get(path)).is_unmatched());
    }
    let report = transport.try_verify().unwrap_err();
    assert_eq!(report.unmatched_count, 3);
}

#[test]
fn conditions_of_the_rule_come_before_the_cassette() {
    let recorder = Recorder::new(cassette([got("/a", "recorded")]), mode(RecordMode::Strict));
    let transport = MockTransport::new();
    transport
        .on(mockwire::header("x-replay", "yes"))
        .replay(&recorder);
    transport.otherwise().reply("not asked");
    assert_eq!(fetch(&transport, get("/b")).unwrap(), "not asked");
    let call = with_header(get("/a"), "x-replay", "yes");
    assert_eq!(fetch(&transport, call).unwrap(), "recorded");
}

#[test]
fn the_nearest_entry_and_the_first_difference_are_named() {
    let entries = [
        entry("GET", "https://api.test/models?page=1", "", ""),
        posted(
            r#"{"model":"large","messages":[{"role":"user","content":"hello"}]}"#,
            "",
        ),
        posted(
            r#"{"model":"small","messages":[{"role":"user","content":"hello"}]}"#,
            "",
        ),
    ];
    let (_, transport) = replaying(entries, mode(RecordMode::Strict));
    let body = json!({"model": "small", "messages": [{"role": "user", "content": "good morning"}]});
    let error = failure(&transport, post("/", body));
    let diagnosis = error.diagnosis().unwrap();
    assert!(diagnosis.recorded);
    assert_eq!(
        (diagnosis.sequence, diagnosis.rules, diagnosis.nearest.len()),
        (1, 3, 3)
    );
    let failed = |nearest: usize| {
        let checks = diagnosis.nearest[nearest].checks.iter();
        let failed = checks.filter(|check| !check.passed);
        failed
            .map(|it| format!("{}: {} / {}", it.matcher, it.expected, it.actual))
            .collect::<Vec<_>>()
    };
    assert_eq!(diagnosis.nearest[0].site, "the cassette, entry 2");
    assert_eq!(
        failed(0),
        ["JSON /messages/0/content: \"hello\" / \"good morning\""]
    );
    assert_eq!(diagnosis.nearest[1].site, "the cassette, entry 3");
    assert_eq!(failed(2)[0], "method: GET / POST");
    assert_eq!(failed(2)[2], "query page: \"1\" / (missing)");
    let text = error.to_string();
    assert!(
        text.starts_with("no recorded request is POST https://api.test/ (request #1)"),
        "{text}"
    );
    // Where others may answer, it is the rule that tells of the nearest entry.
    let (_, transport) = replaying([got("/a?x=1", "")], Options::new());
    let text = failure(&transport, get("/a?x=2")).to_string();
    assert!(text.contains("✓ recorded  the cassette, entry 1"), "{text}");
    assert!(text.contains("✗ query x   expected \"1\""), "{text}");
    // And a report says what the caller was told.
    let (_, transport) = replaying([got("/a", "")], mode(RecordMode::Strict));
    failure(&transport, get("/b"));
    let report = transport.try_verify().unwrap_err().to_string();
    assert!(
        report.contains("✗ URL     expected https://api.test/a"),
        "{report}"
    );
}

#[test]
fn an_empty_cassette_says_so() {
    let (_, transport) = replaying([], mode(RecordMode::Strict));
    let text = failure(&transport, get("/a")).to_string();
    assert!(
        text.ends_with("the cassette is empty: record it first"),
        "{text}"
    );
}

/// Whether a request is answered by an entry, when this has to agree.
fn agrees(entry: Entry, match_on: MatchOn, call: http::Request<mockwire::Content>) -> bool {
    let (_, transport) = replaying([entry], Options::new().match_on(match_on));
    match fetch(&transport, call) {
        Ok(_) => true,
        Err(error) if error.is_unmatched() => false,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn method_url_query_and_body_have_to_agree() {
    let all = MatchOn::new;
    let recorded = || entry("POST", "https://api.test/p?a=1&b=2&a=3", "text", "");
    for (same, call) in [
        (true, post("/p?a=1&b=2&a=3", "text")),
        (true, post("https://API.test:443/p?b=2&a=1&a=3", "text")),
        (false, post("/p?a=3&b=2&a=1", "text")),
        (false, post("/p?a=1&b=2", "text")),
        (false, post("/p?a=1&b=2&a=3&c=", "text")),
        (false, post("/p/?a=1&b=2&a=3", "text")),
        (false, post("http://api.test/p?a=1&b=2&a=3", "text")),
        (false, post("https://other.test/p?a=1&b=2&a=3", "text")),
        (false, post("https://api.test:8443/p?a=1&b=2&a=3", "text")),
        (false, post("/p?a=1&b=2&a=3", "text ")),
        (false, request("PUT", "/p?a=1&b=2&a=3", "text")),
    ] {
        let shown = format!("{} {}", call.method(), call.uri());
        assert_eq!(agrees(recorded(), all(), call), same, "{shown}");
    }
    for (match_on, call) in [
        (
            all().ignoring_method(),
            request("PUT", "/p?a=1&b=2&a=3", "text"),
        ),
        (
            all().ignoring_origin(),
            post("http://other.test:1/p?a=1&b=2&a=3", "text"),
        ),
        (all().ignoring_query(), post("/p?x", "text")),
        (
            all().ignoring_query_parameter("a"),
            post("/p?a=9&b=2", "text"),
        ),
        (all().ignoring_body(), post("/p?a=1&b=2&a=3", vec![0xFF])),
    ] {
        let shown = format!("{match_on:?} {} {}", call.method(), call.uri());
        assert!(agrees(recorded(), match_on, call), "{shown}");
    }
    // A client that gives a path and a `host` field means the same.
    let call = with_header(post("/p?a=1&b=2&a=3", "text"), "host", "api.test");
    let (mut parts, body) = call.into_parts();
    parts.uri = "/p?a=1&b=2&a=3".parse().unwrap();
    assert!(agrees(
        recorded(),
        all(),
        http::Request::from_parts(parts, body)
    ));
}

#[test]
fn json_is_compared_as_values() {
    let recorded = || {
        posted(
            r#"{"a":1.0,"b":[{"id":"x","n":1},{"id":"y","n":2}],"meta":{"at":1}}"#,
            "",
        )
    };
    let all = MatchOn::new;
    let same = json!({"meta": {"at": 1}, "b": [{"n": 1, "id": "x"}, {"n": 2, "id": "y"}], "a": 1});
    let mut more = same.clone();
    more["b"][0]["more"] = json!(true);
    let mut other_ids = same.clone();
    other_ids["b"][0]["id"] = json!("other");
    other_ids["b"][1]["id"] = json!(7);
    other_ids["meta"] = json!("gone");
    for (expected, match_on, body) in [
        (true, all(), &same),
        (false, all(), &more),
        (true, all().json_partial(), &more),
        (false, all().json_partial(), &other_ids),
        (false, all().ignoring_json("/b/*/id"), &other_ids),
        (
            true,
            all().ignoring_json("/b/*/id").ignoring_json("/meta"),
            &other_ids,
        ),
        (
            true,
            all().ignoring_json("/b").ignoring_json("/meta"),
            &other_ids,
        ),
        (true, all().ignoring_json(""), &json!([])),
    ] {
        let shown = format!("{match_on:?} {body}");
        assert_eq!(
            agrees(recorded(), match_on, post("/", body.clone())),
            expected,
            "{shown}"
        );
    }
    assert!(!agrees(recorded(), all(), post("/", "not JSON")));
}

#[test]
fn header_fields_that_were_named_have_to_agree() {
    let recorded = || {
        let mut entry = got("/", "");
        entry
            .request
            .headers
            .insert("x-version", "2".parse().unwrap());
        entry
            .request
            .headers
            .insert("authorization", "<redacted>".parse().unwrap());
        entry
    };
    let match_on = || MatchOn::new().header("X-Version").header("authorization");
    let call = |version: &str, authorization: Option<&str>| {
        let call = with_header(get("/"), "x-version", version);
        match authorization {
            Some(value) => with_header(call, "authorization", value),
            None => call,
        }
    };
    assert!(agrees(recorded(), MatchOn::new(), get("/")));
    assert!(agrees(
        recorded(),
        match_on(),
        call("2", Some("Bearer any"))
    ));
    assert!(!agrees(
        recorded(),
        match_on(),
        call("1", Some("Bearer any"))
    ));
    assert!(!agrees(recorded(), match_on(), call("2", None)));
    // The secret of the request is not told.
    let (_, transport) = replaying([recorded()], Options::new().match_on(match_on()));
    let text = failure(&transport, call("1", Some("Bearer s3cr3t"))).to_string();
    assert!(!text.contains("s3cr3t"), "{text}");
}

#[test]
fn placeholders_match_what_they_stand_for() {
    let recorded = || {
        let body = json!({
            "id": "toolu_rec0001", "say": "my <redacted> is", "n": "<redacted>",
            "trace": "00000000-0000-4000-8000-000000000001", "created_at": 1_735_689_600,
        });
        let url = "https://api.test/%3Credacted%3E/msg_rec0001?key=%3Credacted%3E";
        entry("POST", url, &body.to_string(), "")
    };
    let call = |id: &str, at: serde_json::Value| {
        let body = json!({
            "id": id, "say": "my password is", "n": 7,
            "trace": "67e55044-10b1-426f-9247-bb680e5fe0c8", "created_at": at,
        });
        post("/bot123/msg_01Xyz?key=k", body)
    };
    assert!(agrees(
        recorded(),
        MatchOn::new(),
        call("toolu_01AbC", json!(1_770_000_000))
    ));
    assert!(!agrees(
        recorded(),
        MatchOn::new(),
        call("call_01AbC", json!(1_770_000_000))
    ));
    assert!(!agrees(
        recorded(),
        MatchOn::new(),
        call("toolu_01AbC", json!("later"))
    ));
}

#[test]
fn speed_is_that_of_the_recording_or_scaled_or_none() {
    let recorded = || {
        let mut entry = got("/", "");
        let millis = Duration::from_millis;
        entry.response.after = millis(100);
        let frames = [Frame::new(millis(20), "a"), Frame::new(millis(30), "b")];
        entry.response.body = RecordedBody::Frames(frames.to_vec());
        entry
    };
    for (speed, took) in [
        (Speed::Instant, 0),
        (Speed::Real, 150),
        (Speed::Scaled(2.0), 75),
    ] {
        let (_, transport) = replaying([recorded()], Options::new().speed(speed));
        assert_eq!(fetch(&transport, get("/")).unwrap(), "ab");
        assert_eq!(transport.now(), Duration::from_millis(took), "{speed:?}");
    }
    // In the transport's time, whoever moves it.
    let recorder = Recorder::new(cassette([recorded()]), Options::new().speed(Speed::Real));
    let transport = MockTransport::builder().timing(Timing::Manual).build();
    transport.otherwise().replay(&recorder);
    let mut call = transport.call(get("/"));
    assert!(futures::FutureExt::now_or_never(&mut call).is_none());
    transport.advance(Duration::from_millis(100));
    assert!(futures::FutureExt::now_or_never(&mut call).is_some());
}

#[test]
fn an_entry_is_a_reply_for_a_rule_of_ones_own() {
    let transport = MockTransport::new();
    transport
        .get("/other")
        .reply(got("/", "recorded").to_reply(Speed::Instant));
    assert_eq!(fetch(&transport, get("/other")).unwrap(), "recorded");
    let _: Reply = got("/", "").to_reply(Speed::Real);
}

#[test]
fn mistakes_are_told_where_they_are_made() {
    let refused = |options: Options| {
        let error = Recorder::try_new(Cassette::new(), options).unwrap_err();
        error.to_string()
    };
    let match_on = |match_on: MatchOn| Options::new().match_on(match_on);
    let redaction = mockwire::cassette::Redaction::new;
    for (options, part) in [
        (
            match_on(MatchOn::new().header("a b")),
            "invalid header name \"a b\"",
        ),
        (
            match_on(MatchOn::new().ignoring_json("a")),
            "a JSON pointer is empty or begins with `/`",
        ),
        (
            Options::new().redaction(redaction().json("a")),
            "a JSON pointer is empty",
        ),
        (
            Options::new().redaction(redaction().literal("")),
            "a secret is a text that is not empty",
        ),
        (
            Options::new().speed(Speed::Scaled(0.0)),
            "a speed is a number above 0",
        ),
        (
            Options::new().speed(Speed::Scaled(f64::NAN)),
            "a speed is a number above 0",
        ),
    ] {
        let told = refused(options);
        assert!(told.contains(part), "{told}");
    }
    let recorder = Recorder::new(Cassette::new(), mode(RecordMode::Record));
    let error = MockTransport::new()
        .otherwise()
        .try_replay(&recorder)
        .unwrap_err();
    assert!(error.to_string().contains("use `record`"), "{error}");
    let error = "tape".parse::<RecordMode>().unwrap_err();
    assert!(error.to_string().contains("`record-missing`"), "{error}");
}
