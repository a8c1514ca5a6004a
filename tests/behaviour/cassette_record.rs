//! What is recorded of traffic that goes on to a real transport, and that nobody notices.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::future::{Ready, ready};
use futures::{FutureExt, StreamExt};
use http_body::{Body as _, Frame as BodyFrame};
use mockwire::cassette::{Cassette, Frame, Options, RecordMode, RecordedBody, RecordedEnd};
use mockwire::sse::Event;
use mockwire::{Fault, Reply, Script, Timer};
use serde_json::json;

use super::support::{failure, fetch, get, post, request, send, with_header};
use super::{MockTransport, Recorder, test};

const MILLI: Duration = Duration::from_millis(1);

/// The clock of recordings: the time of the real transport.
struct TimeOf(MockTransport);

impl Timer for TimeOf {
    type Sleep = Ready<()>;

    fn now(&self) -> Duration {
        self.0.now()
    }

    fn sleep(&self, _: Duration) -> Ready<()> {
        ready(())
    }
}

/// A recorder of what this transport answers, and a transport that is recorded.
fn recorded(real: &MockTransport, options: Options) -> (Recorder, MockTransport) {
    recorded_onto(Cassette::new(), real, options)
}

fn recorded_onto(
    cassette: Cassette,
    real: &MockTransport,
    options: Options,
) -> (Recorder, MockTransport) {
    let recorder = Recorder::new(cassette, options).timer(TimeOf(real.clone()));
    let transport = MockTransport::new();
    let upstream = real.clone();
    transport
        .otherwise()
        .record(&recorder, move |request| upstream.call(request));
    (recorder, transport)
}

fn record() -> Options {
    Options::new().mode(RecordMode::Record)
}

/// What a client sees of a response: its head, its frames with their times, and its end.
fn seen(
    real: &MockTransport,
    transport: &MockTransport,
    call: http::Request<mockwire::Content>,
) -> String {
    real.block_on(async {
        let begun = real.now();
        let response = match transport.call(call).await {
            Ok(response) => response,
            Err(error) => return format!("{error:?}"),
        };
        let (head, mut body) = response.into_parts();
        let mut seen = format!("{} {:?}", head.status, head.headers);
        let frames = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx));
        let mut next = Some(frames.await);
        while let Some(Some(frame)) = next {
            let at = real.now() - begun;
            seen += &format!("\n{at:?} {frame:?}");
            next = Some(std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await);
        }
        seen
    })
}

/// A server with responses of every kind.
fn real() -> MockTransport {
    let real = MockTransport::new();
    let gap = 20 * MILLI;
    real.get("/json")
        .reply(Reply::json(json!({"id": "x_1", "date": "now"})).delay(gap));
    real.get("/empty").reply(Reply::status(204));
    real.get("/bytes")
        .reply(Reply::bytes(vec![0, 255, 10]).header("content-length", "3"));
    let events = [
        Event::json(json!({"a": [1, 2]})).named("delta"),
        Event::data("[DONE]"),
    ];
    real.get("/events")
        .reply(Reply::script(Script::new().events(events).gap(gap)));
    let script = Script::new().frames(["one ", "two "]).gap(gap);
    real.get("/frames")
        .reply(Reply::script(script.clone().trailer("x-sum", "7")));
    real.get("/reset").reply(Reply::script(script.reset()));
    real.get("/fault")
        .reply(Reply::fault(Fault::ConnectionRefused));
    real.get("/teapot").reply(
        Reply::status(418)
            .body("short\nand stout")
            .header("x-a", "1")
            .header("x-a", "2"),
    );
    real
}

const PATHS: [&str; 9] = [
    "/json", "/empty", "/bytes", "/events", "/frames", "/reset", "/fault", "/teapot", "/nothing",
];

#[test]
fn recording_changes_nothing_that_the_caller_sees() {
    let plain = {
        let real = real();
        let transport = MockTransport::new();
        let upstream = real.clone();
        transport
            .otherwise()
            .passthrough(move |request| upstream.call(request));
        PATHS.map(|path| seen(&real, &transport, get(path)))
    };
    let real = real();
    let (recorder, transport) = recorded(&real, record());
    let through = PATHS.map(|path| seen(&real, &transport, get(path)));
    assert_eq!(through, plain);
    // The trailers come through, and a failing transport is the caller's error: not vacuous.
    assert!(through[4].contains("x-sum") && through[6].contains("connection refused"));
    // What had no response cannot be replayed, and is not recorded.
    assert_eq!(
        (recorder.cassette().entries.len(), recorder.going_on()),
        (7, 0)
    );
}

#[test]
fn what_is_recorded_is_replayed_as_it_was() {
    let real = real();
    let (recorder, transport) = recorded(&real, record().keep_volatile());
    let live = PATHS.map(|path| seen(&real, &transport, get(path)));
    let replay = Recorder::new(
        recorder.cassette(),
        Options::new().speed(mockwire::cassette::Speed::Real),
    );
    let transport = MockTransport::new();
    transport.otherwise().replay(&replay);
    for (path, live) in PATHS
        .iter()
        .zip(live)
        .filter(|(_, live)| !live.contains("caused by"))
    {
        let replayed = seen(&transport, &transport, get(path));
        // An event is a frame of its own; how a network cuts them is not recorded.
        assert_eq!(replayed, live.replace("PassthroughFailed", ""), "{path}");
    }
}

#[test]
fn the_request_is_recorded_with_its_body() {
    let real = MockTransport::new();
    real.post("/a").reply(Reply::status(201));
    let (recorder, transport) = recorded(&real, record());
    let call = with_header(post("/a?b=c", "{ \"n\": 1.0,\n \"a\": 2 }"), "x-h", "v");
    fetch(&transport, call).unwrap();
    let cassette = recorder.cassette();
    let asked = &cassette.entries[0].request;
    assert_eq!(
        (asked.method.as_str(), asked.url.to_string()),
        ("POST", "https://api.test/a?b=c".into())
    );
    assert_eq!(asked.headers["x-h"], "v");
    // The spaces of JSON are not kept; its order and its numbers are.
    assert_eq!(asked.body, r#"{"n":1.0,"a":2}"#);
    assert!(!asked.truncated);
}

#[test]
fn pieces_go_through_as_they_come() {
    let real = MockTransport::new();
    let script = Script::new().frame("one").hold("go").frame("two");
    real.get("/").reply(Reply::script(script));
    let (recorder, transport) = recorded(&real, record());
    let mut body = send(&transport, get("/")).unwrap().into_body();
    assert_eq!(body.next().now_or_never().unwrap().unwrap().unwrap(), "one");
    // The second is not there yet, nobody waits for it to hand out the first.
    assert!(body.next().now_or_never().is_none());
    assert_eq!(
        (recorder.going_on(), recorder.cassette().entries.len()),
        (1, 0)
    );
    real.release("go");
    assert_eq!(body.next().now_or_never().unwrap().unwrap().unwrap(), "two");
    assert!(body.next().now_or_never().unwrap().is_none());
    assert_eq!(
        (recorder.going_on(), recorder.cassette().entries.len()),
        (0, 1)
    );
}

#[test]
fn frames_are_recorded_with_their_times() {
    let real = MockTransport::new();
    let script = Script::new()
        .frame("a")
        .wait(30 * MILLI)
        .frame("b")
        .wait(1500 * MILLI / 1000)
        .frame("c");
    real.get("/")
        .reply(Reply::script(script.first_byte(7 * MILLI)).delay(40 * MILLI));
    let (recorder, transport) = recorded(&real, record());
    real.block_on(async {
        transport
            .call(get("/"))
            .await
            .unwrap()
            .into_body()
            .bytes()
            .await
    })
    .unwrap();
    let entry = recorder.cassette().entries.remove(0);
    assert_eq!(entry.response.after, 40 * MILLI);
    // What is less than a millisecond is left out.
    let frames =
        [(7, "a"), (30, "b"), (1, "c")].map(|(after, text)| Frame::new(after * MILLI, text));
    assert_eq!(entry.response.body, RecordedBody::Frames(frames.to_vec()));
}

#[test]
fn events_are_recorded_one_by_one_however_the_network_cuts_them() {
    let text = "event: a\ndata: {\"x\":  1}\n\n: ping\n\ndata: 2\r\n\r\ndata: rest";
    let recorded_in = |chunk: usize| {
        let real = MockTransport::new();
        let pieces = text.as_bytes().chunks(chunk).map(Bytes::copy_from_slice);
        let script = Script::new().frames(pieces);
        real.get("/")
            .reply(Reply::script(script).header("content-type", "text/event-stream"));
        let (recorder, transport) = recorded(&real, record());
        assert_eq!(fetch(&transport, get("/")).unwrap(), text);
        recorder.cassette()
    };
    let whole = recorded_in(text.len());
    let frames = [
        "event: a\ndata: {\"x\":1}\n\n",
        ": ping\n\n",
        "data: 2\r\n\r\n",
        "data: rest",
    ];
    let frames = frames.map(|text| Frame::new(Duration::ZERO, text)).to_vec();
    assert_eq!(whole.entries[0].response.body, RecordedBody::Frames(frames));
    for chunk in 1..text.len() {
        assert_eq!(recorded_in(chunk), whole, "{chunk}");
    }
}

#[test]
fn lines_of_json_are_recorded_one_by_one() {
    let real = MockTransport::new();
    let pieces = ["{\"a\":1}\n{\"b\"", ":2}\n{\"c", "\":3}"];
    real.get("/")
        .reply(Reply::stream(pieces).header("content-type", "application/x-ndjson"));
    let (recorder, transport) = recorded(&real, record());
    fetch(&transport, get("/")).unwrap();
    let frames = ["{\"a\":1}\n", "{\"b\":2}\n", "{\"c\":3}"];
    let frames = frames.map(|text| Frame::new(Duration::ZERO, text)).to_vec();
    let entry = recorder.cassette().entries.remove(0);
    assert_eq!(entry.response.body, RecordedBody::Frames(frames));
}

#[test]
fn a_stream_that_the_client_drops_is_recorded_as_cut() {
    let real = MockTransport::new();
    real.get("/").reply(Reply::stream(["one", "two", "three"]));
    let (recorder, transport) = recorded(&real, record());
    let mut body = send(&transport, get("/")).unwrap().into_body();
    transport.block_on(body.next()).unwrap().unwrap();
    drop(body);
    let entry = recorder.cassette().entries.remove(0);
    assert_eq!(entry.response.end, RecordedEnd::Cut);
    assert_eq!(entry.response.body.to_bytes(), "one");
    assert_eq!(real.in_flight(), 0);
    // What would have followed is not known: a client that wants more is told.
    let replay = Recorder::new(recorder.cassette(), Options::new());
    let transport = MockTransport::new();
    transport.otherwise().replay(&replay);
    let mut body = send(&transport, get("/")).unwrap().into_body();
    assert_eq!(transport.block_on(body.next()).unwrap().unwrap(), "one");
    let error = transport.block_on(body.next()).unwrap().unwrap_err();
    assert_eq!(error.fault(), Some(Fault::ConnectionReset));
}

#[test]
fn a_client_that_does_not_ask_for_the_end_has_not_cut_the_stream() {
    let real = MockTransport::new();
    real.get("/").reply(Reply::stream(["one", "[DONE]"]));
    real.get("/length")
        .reply(Reply::bytes("four").header("content-length", "4"));
    let (recorder, transport) = recorded(&real, record());
    for (path, frames) in [("/", 2), ("/length", 1)] {
        let mut body = send(&transport, get(path)).unwrap().into_body();
        for _ in 0..frames {
            transport.block_on(body.next()).unwrap().unwrap();
        }
        drop(body);
    }
    let ends = recorder
        .cassette()
        .entries
        .into_iter()
        .map(|it| it.response.end);
    assert_eq!(
        ends.collect::<Vec<_>>(),
        [RecordedEnd::Clean, RecordedEnd::Clean]
    );
}

#[test]
fn a_body_that_fails_and_one_that_is_too_long_are_marked() {
    let real = MockTransport::new();
    real.get("/")
        .reply(Reply::script(Script::new().frame("half").reset()));
    real.post("/")
        .reply(Reply::stream(["0123456", "789ABC", "DEF"]));
    let (recorder, transport) = recorded(&real, record().max_body_bytes(10));
    let error = failure(&transport, get("/"));
    assert_eq!(error.code(), "MOCKWIRE_PASSTHROUGH_FAILED");
    // The caller gets all of it.
    let text = fetch(&transport, post("/", "more than ten bytes")).unwrap();
    assert_eq!(text, "0123456789ABCDEF");
    let [failed, long] = &recorder.cassette().entries[..] else {
        panic!("two exchanges");
    };
    assert_eq!(failed.response.end, RecordedEnd::Failed);
    assert_eq!(failed.response.body.to_bytes(), "half");
    assert_eq!(long.response.end, RecordedEnd::Truncated);
    assert_eq!(long.response.body.to_bytes(), "0123456789");
    assert!(long.request.truncated);
    assert_eq!(long.request.body, "more than ");
    // Of a body that was cut, what was kept has to agree.
    let replay = Recorder::new(recorder.cassette(), Options::new());
    let transport = MockTransport::new();
    transport.otherwise().replay(&replay);
    assert!(failure(&transport, post("/", "something else")).is_unmatched());
    assert!(send(&transport, post("/", "more than ten bytes")).is_ok());
}

#[test]
fn a_response_to_head_is_whole_without_its_body() {
    let real = MockTransport::new();
    real.on(mockwire::head("/"))
        .reply(Reply::text("never sent").header("content-length", "10"));
    let (recorder, transport) = recorded(&real, record());
    send(&transport, request("HEAD", "/", ())).unwrap();
    let entry = recorder.cassette().entries.remove(0);
    assert_eq!(
        (entry.response.end, entry.response.body.len()),
        (RecordedEnd::Clean, 0)
    );
    assert_eq!(entry.response.headers["content-length"], "10");
}

#[test]
fn a_call_that_is_dropped_before_its_head_leaves_nothing() {
    let real = MockTransport::new();
    let _hold = real.get("/").hold();
    let (recorder, transport) = recorded(&real, record());
    let mut call = transport.call(get("/"));
    assert!((&mut call).now_or_never().is_none());
    assert_eq!(recorder.going_on(), 1);
    drop(call);
    assert_eq!((recorder.going_on(), real.in_flight()), (0, 0));
    assert_eq!(recorder.cassette(), Cassette::new());
}

#[test]
fn more_exchanges_than_may_be_recorded_go_through() {
    let real = MockTransport::new();
    real.get("/{n}").reply("ok");
    let (recorder, transport) = recorded(&real, record().max_entries(2));
    for n in 0..5 {
        assert_eq!(fetch(&transport, get(&format!("/{n}"))).unwrap(), "ok");
    }
    assert_eq!(
        (recorder.cassette().entries.len(), recorder.dropped()),
        (2, 3)
    );
}

#[test]
fn what_is_missing_is_recorded_and_the_rest_is_replayed() {
    let real = MockTransport::new();
    real.get("/{n}")
        .reply_with(|request: &mockwire::Request| Reply::text(request.path().to_owned()));
    let (recorder, transport) = recorded(&real, record());
    fetch(&transport, get("/1")).unwrap();
    let options = Options::new().mode(RecordMode::RecordMissing);
    let (recorder, transport) = recorded_onto(recorder.cassette(), &real, options);
    real.clear();
    for path in ["/2", "/1", "/1"] {
        assert_eq!(fetch(&transport, get(path)).unwrap(), path);
    }
    // The one that was recorded has answered once; asked once more, it is missing.
    let asked = real
        .requests()
        .into_iter()
        .map(|it| it.request.path().to_owned());
    assert_eq!(asked.collect::<Vec<_>>(), ["/2", "/1"]);
    let entries = recorder.cassette().entries.into_iter();
    let paths: Vec<_> = entries.map(|it| it.request.url.path().to_owned()).collect();
    assert_eq!(paths, ["/1", "/2", "/1"]);
    recorder.assert_all_used();
}

#[test]
fn in_a_mode_that_does_not_record_the_real_transport_is_not_asked() {
    let real = MockTransport::new();
    real.get("/").reply("real");
    for mode in [RecordMode::Replay, RecordMode::Repeat, RecordMode::Strict] {
        let (recorder, transport) = recorded(&real, Options::new().mode(mode));
        assert!(failure(&transport, get("/")).is_unmatched());
        assert_eq!(recorder.cassette(), Cassette::new());
    }
    assert!(real.requests().is_empty());
}

/// A provider whose ids, dates and times are others each time. A question about a tool has to name it.
fn provider(round: u64) -> MockTransport {
    let real = MockTransport::new();
    // As random as ids are.
    let id = move |prefix: &str, n: u64| {
        let n = (round * 100 + n + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        format!("{prefix}01{n:016x}Zq7Lk2W")
    };
    let head = move |reply: Reply, n: u64| {
        reply
            .header("date", &format!("Tue, 0{round} Mar 2026 10:00:00 GMT"))
            .header("request-id", &id("req_", n))
            .header("cf-ray", &id("", n))
            .header(
                "anthropic-ratelimit-requests-reset",
                &format!("2026-03-0{round}T10:00:00Z"),
            )
            .header(
                "anthropic-ratelimit-requests-remaining",
                &format!("{}", 50 - round),
            )
            .header("set-cookie", &id("__cf_bm=", n + 50))
    };
    real.post("/v1/messages").nth(1..=1).reply_with(move |_: &mockwire::Request| {
        let events = [
            json!({"type": "message_start", "message": {"id": id("msg_", 1), "content": []}}),
            json!({"type": "content_block_start", "content_block": {"type": "tool_use", "id": id("toolu_", 1), "name": "lookup_1234"}}),
            json!({"created": 1_770_000_000 + round, "obfuscation": "x".repeat(round as usize)}),
        ];
        let events = events.map(|data| Event::json(data).named("e"));
        let script = Script::new().events(events).gap(Duration::from_millis(3 + round));
        head(Reply::script(script), 1)
    });
    real.post("/v1/messages").reply_with(move |request: &mockwire::Request| {
        let asked = request.json_value()?;
        let body = json!({"id": id("msg_", 2), "answer_to": asked["tool_use_id"], "created_at": format!("2026-03-0{round}T10:00:00.{round}Z")});
        let text = serde_json::to_string_pretty(&body)?;
        let reply = Reply::text(text.clone()).header("content-type", "application/json");
        Ok::<_, mockwire::BoxError>(head(reply.header("content-length", &text.len().to_string()), 2))
    });
    real
}

/// A client that answers the tool call that it gets.
fn converse(transport: &MockTransport, real: &MockTransport) -> String {
    real.block_on(async {
        let ask = |body: serde_json::Value| {
            let call = post("/v1/messages", body);
            let trace = format!("67e55044-10b1-426f-9247-{:012x}", real.now().as_nanos());
            transport.call(with_header(call, "x-trace", &trace))
        };
        let first = ask(json!({"ask": "hi"}))
            .await
            .unwrap()
            .into_body()
            .text()
            .await
            .unwrap();
        let call = first.split("\"id\":\"toolu_").nth(1).expect("a tool call");
        let id = format!("toolu_{}", call.split('"').next().unwrap());
        let second = ask(json!({"tool_use_id": id})).await.unwrap();
        let length = second.headers()["content-length"]
            .to_str()
            .unwrap()
            .to_owned();
        let text = second.into_body().text().await.unwrap();
        assert_eq!(text.len().to_string(), length);
        assert!(text.contains(&format!("\"answer_to\": \"{id}\"")), "{text}");
        text
    })
}

#[test]
fn the_same_traffic_recorded_anew_makes_the_same_file() {
    let record_round = |round: u64, onto: Cassette| {
        let real = provider(round);
        let (recorder, transport) = recorded_onto(onto, &real, record());
        converse(&transport, &real);
        recorder.cassette()
    };
    let first = record_round(1, Cassette::new());
    let again = record_round(2, first.clone());
    assert_eq!(again.to_json(), first.to_json());
    let text = first.to_json();
    for stable in [
        "msg_rec0001",
        "toolu_rec0001",
        "msg_rec0002",
        "req_rec0001",
        "lookup_1234",
        "\"date\": \"Wed, 01 Jan 2025",
        "\"created\": 1735689600",
        "\"obfuscation\": \"\"",
        "2025-01-01T00:00:00Z",
        "00000000-0000-4000-8000-000000000001",
    ] {
        assert!(text.contains(stable), "{stable}\n{text}");
    }
    assert!(
        !text.contains("cf-ray") && !text.contains("Zq7Lk2W"),
        "{text}"
    );
    // Without a file to compare with, the times differ and what is left of a limit; nothing else does.
    let mut fresh = record_round(2, Cassette::new());
    let mut first = first;
    for entry in fresh.entries.iter_mut().chain(&mut first.entries) {
        let limit = "anthropic-ratelimit-requests-remaining";
        assert!(entry.response.headers.remove(limit).is_some());
        if let RecordedBody::Frames(frames) = &mut entry.response.body {
            frames
                .iter_mut()
                .for_each(|frame| frame.after = Duration::ZERO);
        }
    }
    assert_eq!(fresh.to_json(), first.to_json());
    // The control: kept as it is, it is another file each time.
    let kept = |round| {
        let real = provider(round);
        let (recorder, transport) = recorded(&real, record().keep_volatile());
        converse(&transport, &real);
        recorder.cassette().to_json()
    };
    assert!(kept(1) != kept(2) && kept(1).contains("Zq7Lk2W"));
}

#[test]
fn what_is_recorded_of_a_conversation_can_be_replayed() {
    let real = provider(1);
    let (recorder, transport) = recorded(&real, record());
    converse(&transport, &real);
    let replay = Recorder::new(recorder.cassette(), Options::new().mode(RecordMode::Strict));
    let transport = MockTransport::new();
    transport.otherwise().replay(&replay);
    let text = converse(&transport, &transport);
    assert!(text.contains("toolu_rec0001"), "{text}");
    replay.assert_all_used();
}

#[test]
fn what_has_changed_takes_the_place_of_what_was() {
    let real_of = |answers: &'static [(&'static str, &'static str)]| {
        let real = MockTransport::new();
        for (path, answer) in answers {
            real.get(path).reply(*answer);
        }
        real
    };
    let record_onto = |onto, real: &MockTransport, paths: &[&str]| {
        let (recorder, transport) = recorded_onto(onto, real, record());
        paths
            .iter()
            .for_each(|path| drop(fetch(&transport, get(path)).unwrap()));
        recorder.cassette()
    };
    let first = record_onto(
        Cassette::new(),
        &real_of(&[("/a", "1"), ("/b", "2"), ("/c", "3")]),
        &["/a", "/b", "/c"],
    );
    // In another order, as requests in parallel come: the file does not change.
    let real = real_of(&[("/a", "1"), ("/b", "2"), ("/c", "3")]);
    assert_eq!(
        record_onto(first.clone(), &real, &["/c", "/a", "/b"]).to_json(),
        first.to_json()
    );
    // One answer is another, one request is new, one is not made any more.
    let real = real_of(&[("/a", "1"), ("/b", "changed"), ("/new", "4")]);
    let second = record_onto(first, &real, &["/new", "/b", "/a"]);
    let entries = second.entries.iter().map(|it| {
        let body = it.response.body.to_bytes();
        (
            it.request.url.path().to_owned(),
            String::from_utf8(body.to_vec()).unwrap(),
        )
    });
    let entries: Vec<_> = entries.collect();
    let expected = [("/new", "4"), ("/a", "1"), ("/b", "changed")];
    assert_eq!(
        entries,
        expected.map(|(path, text)| (path.to_owned(), text.to_owned()))
    );
}

#[test]
fn a_form_of_several_parts_is_recorded_with_one_boundary() {
    let real = MockTransport::new();
    real.post("/").reply("ok");
    let form = |boundary: &str| {
        let body = format!(
            "--{boundary}\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\n1\r\n--{boundary}--"
        );
        with_header(
            post("/", body),
            "content-type",
            &format!("multipart/form-data; boundary={boundary}"),
        )
    };
    let (recorder, transport) = recorded(&real, record());
    fetch(&transport, form("x7Yz")).unwrap();
    let replay = Recorder::new(recorder.cassette(), Options::new());
    let transport = MockTransport::new();
    transport.otherwise().replay(&replay);
    assert_eq!(fetch(&transport, form("another")).unwrap(), "ok");
}

#[test]
fn a_body_without_http_frames_is_any_body() {
    // The transport is any closure, its body any `http_body::Body`.
    struct Two(u8);
    impl http_body::Body for Two {
        type Data = std::io::Cursor<Vec<u8>>;
        type Error = Infallible;
        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<BodyFrame<Self::Data>, Infallible>>> {
            self.0 += 1;
            let data = std::io::Cursor::new(vec![b'0' + self.0]);
            Poll::Ready((self.0 <= 2).then_some(Ok(BodyFrame::data(data))))
        }
    }
    let recorder = Recorder::new(Cassette::new(), record());
    let transport = MockTransport::new();
    transport.otherwise().record(&recorder, |_| {
        ready(Ok::<_, Infallible>(http::Response::new(Two(0))))
    });
    assert_eq!(fetch(&transport, get("/")).unwrap(), "12");
    assert_eq!(
        recorder.cassette().entries[0].response.body.to_bytes(),
        "12"
    );
}
