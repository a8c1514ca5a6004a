//! What timelines say, whatever happens, and what is made of them: archives, traces, pictures.
#![cfg(not(target_arch = "wasm32"))]

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::{Either, join_all, select};
use futures::{SinkExt, pin_mut};
use mockwire::sync::MockTransport;
use mockwire::timeline::{Entry, Outcome, Timeline};
use mockwire::{Chunking, Fault, RateLimit, Reply, Script, SocketScript};
use proptest::prelude::*;
use serde_json::Value;

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A client of the random transport: when it begins, what it asks for, how long it waits.
#[derive(Clone, Debug)]
struct Client {
    begins: u64,
    asks: usize,
    patience: u64,
    attempts: usize,
}

const PATHS: [&str; 8] = [
    "/plain", "/late", "/stream", "/reset", "/fault", "/never", "/limited", "/nowhere",
];

fn client() -> impl Strategy<Value = Client> {
    (0..400_u64, 0..=PATHS.len(), 1..300_u64, 1..4_usize).prop_map(
        |(begins, asks, patience, attempts)| Client {
            begins,
            asks,
            patience,
            attempts,
        },
    )
}

fn rules(transport: &MockTransport) {
    transport.post("/plain").reply("plain");
    transport
        .post("/late")
        .reply(Reply::text("late").delay(millis(37)));
    let script = Script::new()
        .frames(["one", "two", "three"])
        .gap(millis(11))
        .jitter(0.5);
    transport
        .post("/stream")
        .reply(Reply::script(script.clone()));
    let reset = script.chunking(Chunking::Bytes(2)).cut_at(7).reset();
    transport
        .post("/reset")
        .reply(Reply::script(reset).delay(millis(3)));
    transport
        .post("/fault")
        .reply(Reply::fault(Fault::ConnectionReset).delay(millis(5)));
    transport.post("/never").reply(Reply::never());
    transport
        .post("/limited")
        .rate_limit(RateLimit::fixed_window(1, millis(90)))
        .reply(Reply::status(204));
    let socket = SocketScript::new()
        .open_after(millis(6))
        .expect("hi")
        .delay(millis(20))
        .send("hello")
        .close(1000, "bye");
    transport.websocket("wss://api.test/socket").accept(socket);
}

async fn play(transport: &MockTransport, client: &Client) {
    transport.sleep(millis(client.begins)).await.unwrap();
    for _ in 0..client.attempts {
        let patience = transport.sleep(millis(client.patience));
        let asks = async {
            match PATHS.get(client.asks) {
                Some(path) => {
                    let request = http::Request::post(format!("https://api.test{path}"));
                    let call = transport.call(request.body("body").unwrap());
                    let _ = call.await?.into_body().bytes().await?;
                }
                None => {
                    let request = http::Request::get("wss://api.test/socket")
                        .body(())
                        .unwrap();
                    let mut socket = transport.connect(request).await?;
                    socket.send("hi".into()).await?;
                    while let Some(message) = futures::StreamExt::next(&mut socket).await {
                        message?;
                    }
                }
            }
            Ok::<_, mockwire::Error>(())
        };
        pin_mut!(asks, patience);
        if let Either::Left((Ok(()), _)) = select(asks, patience).await {
            break;
        }
    }
}

fn played(clients: &[Client], limit: usize, outage: Option<(u64, u64)>) -> Timeline {
    let transport = MockTransport::builder()
        .max_concurrent(limit)
        .max_frames(4)
        .build();
    rules(&transport);
    transport.block_on(async {
        let operate = async {
            if let Some((from, lasts)) = outage {
                transport.sleep(millis(from)).await.unwrap();
                transport.kill("api.test");
                transport.sleep(millis(lasts)).await.unwrap();
                transport.restart("api.test");
            }
        };
        let clients = join_all(clients.iter().map(|client| play(&transport, client)));
        futures::future::join(clients, operate).await
    });
    transport.timeline()
}

/// What has to be so, whatever has happened.
fn check(entry: &Entry, now: Duration) {
    let mut times = vec![entry.received];
    times.extend(entry.queued.as_ref().and_then(|queued| queued.acquired));
    times.extend(entry.matched.as_ref().map(|matched| matched.at));
    times.extend(entry.head.as_ref().map(|head| head.at));
    times.extend(entry.frames.iter().map(|frame| frame.at));
    times.push(entry.ended_by(now));
    times.push(now);
    assert!(times.is_sorted(), "{entry:?}");
    let told: u64 = entry.frames.iter().map(|frame| frame.bytes).sum();
    if entry.dropped_frames == 0 && !entry.is_socket() {
        assert_eq!(told, entry.bytes, "{entry:?}");
    }
    assert!(told <= entry.bytes && entry.frames.len() <= 4, "{entry:?}");
    let end = entry.end.as_ref().expect("everybody has come to an end");
    assert_eq!(
        end.cause.is_some(),
        matches!(end.outcome, Outcome::Cancelled | Outcome::Failed)
    );
    assert_eq!(end.code.is_some(), end.outcome == Outcome::Failed);
    // Who was not admitted was not answered.
    if entry.acquired().is_none() {
        assert!(entry.matched.is_none() && entry.head.is_none(), "{entry:?}");
    }
    if end.outcome == Outcome::Done {
        assert!(entry.head.is_some(), "{entry:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn times_are_in_order_and_nothing_is_lost(
        clients in prop::collection::vec(client(), 1..10),
        limit in 1..6_usize,
        outage in prop::option::of((0..500_u64, 1..300_u64)),
    ) {
        let timeline = played(&clients, limit, outage);
        for entry in &timeline.entries {
            check(entry, timeline.now);
        }
        // No more go on at once than the limit allows, at any time.
        for entry in &timeline.entries {
            let at = entry.received;
            let going_on = timeline.entries.iter().filter(|other| {
                other.acquired().is_some_and(|acquired| acquired <= at) && other.ended_by(at) > at
            });
            prop_assert!(going_on.count() <= limit);
        }
        // The same clients make the same timeline.
        prop_assert_eq!(&played(&clients, limit, outage), &timeline);
        let read: Timeline = serde_json::from_str(&timeline.to_json()).unwrap();
        prop_assert_eq!(&read, &timeline);
        check_har(&timeline);
        check_trace(&timeline);
        check_svg(&timeline.to_svg());
    }

    #[test]
    fn whatever_is_in_a_url_the_picture_is_a_picture(
        url in "\\PC*", rule in "\\PC*", host in "\\PC*", code in "\\PC*",
    ) {
        let mut timeline = played(&[], 1, Some((1, 2)));
        timeline.outages[0].host.clone_from(&host);
        timeline.outages[0].code.clone_from(&code);
        let transport = MockTransport::new();
        transport.get("/").reply("well");
        let request = http::Request::get("https://api.test/").body(()).unwrap();
        transport.block_on(transport.call(request)).unwrap();
        timeline.entries = transport.timeline().entries;
        timeline.entries[0].request.url.clone_from(&url);
        timeline.entries[0].request.method = host;
        timeline.entries[0].matched.as_mut().unwrap().rule = rule;
        timeline.entries[0].end.as_mut().unwrap().code = Some(code);
        check_svg(&timeline.to_svg());
        check_har(&timeline);
        check_trace(&timeline);
    }
}

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("a number, not {value}"))
}

/// What HAR 1.2 asks for, and how the times of an entry hang together.
fn check_har(timeline: &Timeline) {
    let har: Value = serde_json::from_str(&timeline.to_har()).unwrap();
    let log = &har["log"];
    assert_eq!(log["version"], "1.2");
    assert!(log["creator"]["name"].is_string() && log["creator"]["version"].is_string());
    let entries = log["entries"].as_array().unwrap();
    assert_eq!(entries.len(), timeline.entries.len());
    let mut started = String::new();
    for (entry, of) in entries.iter().zip(&timeline.entries) {
        let date = entry["startedDateTime"].as_str().unwrap();
        assert!(date.ends_with('Z') && date.len() >= 24, "{date}");
        assert!(
            &*started <= date,
            "entries are in the order of their beginning"
        );
        date.clone_into(&mut started);
        let timings = &entry["timings"];
        let parts = [
            "blocked", "dns", "connect", "ssl", "send", "wait", "receive",
        ];
        let known = parts.map(|part| number(&timings[part])).into_iter();
        let sum: f64 = known.filter(|time| *time >= 0.0).sum();
        assert!((number(&entry["time"]) - sum).abs() < 1e-6);
        let lasted = of.ended_by(timeline.now).saturating_sub(of.received);
        assert!((sum - lasted.as_secs_f64() * 1e3).abs() < 1e-6);
        assert!(entry["cache"].is_object());
        let (request, response) = (&entry["request"], &entry["response"]);
        for side in [request, response] {
            assert!(side["httpVersion"].is_string() && side["cookies"].is_array());
            for field in side["headers"].as_array().unwrap() {
                assert!(field["name"].is_string() && field["value"].is_string());
            }
            assert!(side["headersSize"].is_i64() && side["bodySize"].is_i64());
        }
        assert!(request["method"].is_string() && request["url"].is_string());
        assert!(request["queryString"].is_array());
        assert!(response["status"].is_u64() && response["statusText"].is_string());
        assert!(response["redirectURL"].is_string());
        assert!(
            response["content"]["size"].is_i64() && response["content"]["mimeType"].is_string()
        );
    }
}

/// What the Trace Event Format asks for; that slices of a thread lie in each other or side by side;
/// that arrows have two ends; and that the counters come to nothing when all is over.
fn check_trace(timeline: &Timeline) {
    let trace: Value = serde_json::from_str(&timeline.to_chrome_trace()).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    let mut slices: BTreeMap<(u64, u64), Vec<(i64, i64)>> = BTreeMap::new();
    let mut arrows: BTreeMap<u64, Vec<&str>> = BTreeMap::new();
    let mut counted = None;
    for event in events {
        assert!(
            event["name"].is_string() && number(&event["ts"]) >= 0.0,
            "{event}"
        );
        let track = (
            event["pid"].as_u64().unwrap(),
            event["tid"].as_u64().unwrap(),
        );
        match event["ph"].as_str().unwrap() {
            "X" => {
                let (from, lasts) = (number(&event["ts"]), number(&event["dur"]));
                let nanos = |micros: f64| (micros * 1e3).round() as i64;
                let slice = (nanos(from), nanos(from + lasts));
                slices.entry(track).or_default().push(slice);
            }
            "s" | "f" => {
                let id = event["id"].as_u64().unwrap();
                arrows
                    .entry(id)
                    .or_default()
                    .push(event["ph"].as_str().unwrap());
            }
            "i" => assert_eq!(event["s"], "t"),
            "C" => counted = Some((&event["args"]["going on"], &event["args"]["queued"])),
            "M" => assert!(event["args"]["name"].is_string()),
            other => panic!("an event of another kind: {other}"),
        }
    }
    for (track, slices) in &slices {
        // In the order of the file, which is that of the beginning, the longer one first.
        let mut open: Vec<i64> = Vec::new();
        for (from, to) in slices {
            while open.last().is_some_and(|end| end <= from) {
                open.pop();
            }
            let fits = open.last().is_none_or(|end| to <= end);
            assert!(fits, "slices of {track:?} overlap: {slices:?}");
            open.push(*to);
        }
    }
    assert_eq!(arrows.len(), timeline.retries().len());
    assert!(arrows.values().all(|ends| *ends == ["s", "f"]));
    if let Some(counted) = counted {
        assert_eq!(counted, (&Value::from(0), &Value::from(0)));
    }
}

/// That it is XML, of elements that draw and nothing else, and lies within its bounds.
fn check_svg(svg: &str) {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = svg;
    while let Some(begin) = rest.find('<') {
        let text = &rest[..begin];
        assert!(
            !text.contains('>') || open.last() == Some(&"style"),
            "{text}"
        );
        let end = begin + rest[begin..].find('>').expect("a tag has an end");
        let tag = &rest[begin + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
            continue;
        }
        let name = tag.split([' ', '/']).next().unwrap();
        let known = [
            "circle", "defs", "desc", "g", "path", "pattern", "rect", "style", "svg", "text",
            "title", "tspan",
        ];
        assert!(known.contains(&name), "<{name}>");
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        check_attributes(tag);
        if !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert_eq!((open, rest), (vec![], ""));
    let valid = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..);
    assert!(svg.chars().all(valid) && !svg.contains("NaN") && !svg.contains("inf"));
    for entity in svg.split('&').skip(1) {
        let named = ["amp;", "lt;", "gt;", "quot;"];
        assert!(
            named.iter().any(|name| entity.starts_with(name)),
            "&{entity}"
        );
    }
    assert!(svg.contains("prefers-color-scheme:dark") && svg.contains("role=\"img\""));
}

fn check_attributes(tag: &str) {
    for part in tag.split(' ').filter_map(|part| part.split_once('=')) {
        let (name, value) = part;
        assert!(!name.starts_with("on") && name != "href", "{tag}");
        if matches!(name, "x" | "cx" | "width") {
            let value: f64 = value
                .trim_end_matches('/')
                .trim_matches('"')
                .parse()
                .unwrap();
            assert!((0.0..=1200.0).contains(&value), "{tag}");
        }
    }
}

#[test]
fn a_rich_timeline_is_told_in_all_forms() {
    // The limited path is asked for twice.
    let clients: Vec<_> = (0..=PATHS.len())
        .chain([6])
        .map(|asks| Client {
            begins: 20 * asks as u64,
            asks,
            patience: 150,
            attempts: 2,
        })
        .collect();
    let timeline = played(&clients, 2, Some((320, 60)));
    assert!(timeline.entries.len() > 9 && !timeline.retries().is_empty());

    let svg = timeline.to_svg();
    let has = |what: &str| svg.matches(what).count();
    assert_eq!(
        has("host killed"),
        timeline
            .entries
            .iter()
            .filter(|it| {
                let cause = it.end.as_ref().and_then(|end| end.cause);
                cause == Some(mockwire::timeline::Cause::Killed)
            })
            .count()
    );
    assert_eq!(has("class=\"retry\"") - 1, timeline.retries().len());
    for what in [
        "class=\"queue\"",
        "client gave up",
        "class=\"down\"",
        "class=\"wait\"",
    ] {
        assert!(has(what) > 1, "{what} is only in the legend");
    }
    assert!(has("no rule matched") > 0);

    let har: Value = serde_json::from_str(&timeline.to_har()).unwrap();
    let entries = har["log"]["entries"].as_array().unwrap();
    let comments: Vec<_> = entries
        .iter()
        .filter_map(|it| it["comment"].as_str())
        .collect();
    let said = |what: &str| comments.iter().any(|comment| comment.contains(what));
    assert!(said("attempt 2, after #") && said("queued by the limit of the transport"));
    assert!(
        said("the host was killed") && said("refused by the rate limit 1 request in each 90ms")
    );
    let socket = entries
        .iter()
        .find(|it| it["_resourceType"] == "websocket")
        .unwrap();
    let messages = socket["_webSocketMessages"].as_array().unwrap();
    let kinds: Vec<_> = messages
        .iter()
        .map(|it| (it["type"].clone(), it["opcode"].clone()))
        .collect();
    assert_eq!(kinds[0], (Value::from("send"), Value::from(1)));
    assert!(
        har["log"]["comment"]
            .as_str()
            .unwrap()
            .contains("api.test was killed at 320 ms")
    );
}

#[test]
fn an_archive_has_bodies_when_the_timeline_has_them() {
    let transport = MockTransport::new();
    transport
        .post("/a")
        .reply(Reply::json(serde_json::json!({"a": 1})));
    transport
        .get("/b")
        .reply(Reply::bytes(vec![0xff, 0x00]).header("location", "/c"));
    let post = http::Request::post("https://api.test/a?x=%C3%A9&y")
        .header("content-type", "text/plain")
        .header("cookie", "id=secret")
        .body("asked")
        .unwrap();
    let get = http::Request::get("https://api.test/b").body(()).unwrap();
    transport
        .block_on(async {
            transport.call(post).await?.into_body().bytes().await?;
            transport.call(get).await?.into_body().bytes().await
        })
        .unwrap();
    let har: Value = serde_json::from_str(&transport.timeline_with_bodies().to_har()).unwrap();
    let (a, b) = (&har["log"]["entries"][0], &har["log"]["entries"][1]);
    let posted = serde_json::json!({"mimeType": "text/plain", "text": "asked"});
    assert_eq!(a["request"]["postData"], posted);
    let query = serde_json::json!([{"name": "x", "value": "é"}, {"name": "y", "value": ""}]);
    assert_eq!(a["request"]["queryString"], query);
    assert_eq!(a["response"]["content"]["text"], r#"{"a":1}"#);
    assert_eq!(a["response"]["content"]["mimeType"], "application/json");
    assert_eq!(b["response"]["content"]["encoding"], "base64");
    assert_eq!(b["response"]["content"]["text"], "/wA=");
    assert_eq!(b["response"]["redirectURL"], "/c");
    assert!(!har.to_string().contains("secret"));
    let lean = transport.timeline().to_har();
    assert!(!lean.contains("postData") && !lean.contains("asked"));
}

#[test]
fn nothing_much_is_drawn_of_nothing() {
    let svg = MockTransport::new().timeline().to_svg();
    check_svg(&svg);
    assert!(svg.contains("0 exchanges in no time") && svg.contains("No exchange so far."));
}

#[test]
fn more_than_can_be_looked_at_is_not_drawn() {
    let transport = MockTransport::new();
    transport.get("/").reply("well");
    for _ in 0..450 {
        let request = http::Request::get("https://api.test/").body(()).unwrap();
        transport.block_on(transport.call(request)).unwrap();
    }
    let svg = transport.timeline().to_svg();
    check_svg(&svg);
    assert!(svg.contains("#400<") && !svg.contains("#401<"));
    assert!(svg.contains("50 more exchanges are not drawn"));
}

#[test]
fn what_goes_on_is_told_up_to_now() {
    let transport = MockTransport::builder()
        .timing(mockwire::Timing::Manual)
        .build();
    transport.get("/").reply(Reply::never());
    let request = http::Request::get("https://api.test/").body(()).unwrap();
    let call = transport.call(request);
    pin_mut!(call);
    assert!(futures::FutureExt::now_or_never(&mut call).is_none());
    transport.advance(millis(250));
    let timeline = transport.timeline();
    assert!(timeline.to_svg().contains("1 goes on"));
    let har: Value = serde_json::from_str(&timeline.to_har()).unwrap();
    assert_eq!(har["log"]["entries"][0]["timings"]["wait"], 250.0);
    assert_eq!(har["log"]["entries"][0]["response"]["status"], 0);
}

/// From where to where a text of the picture reaches, roughly.
fn reach(svg: &str, class: &str, text: &str) -> [f64; 2] {
    let opening = format!("<text class=\"{class}\" x=\"");
    let found = svg.split(&opening).skip(1).find(|rest| {
        let content = rest.split_once('>').map_or("", |(_, after)| after);
        content.starts_with(text)
    });
    let rest = found.unwrap_or_else(|| panic!("no {class} says {text}"));
    let x: f64 = rest[..rest.find('"').unwrap()].parse().unwrap();
    let content = &rest[rest.find('>').unwrap() + 1..rest.find('<').unwrap()];
    let width = 5.3 * content.chars().count() as f64;
    if class.ends_with("end") {
        [x - width, x]
    } else {
        [x, x + width]
    }
}

#[test]
fn what_is_said_of_an_outage_covers_no_name_and_stays_in_the_picture() {
    let seconds = Duration::from_secs;
    let cases = [
        (2, 4, 6),
        (2, 22, 36),
        (2, 35, 36),
        (30, 34, 36),
        (20, 35, 36),
    ];
    for (from, until, end) in cases {
        let transport = MockTransport::new();
        transport.get("/status").reply("well");
        let down = seconds(from)..seconds(until);
        transport.outage("status.api.test", down, Fault::ConnectTimeout);
        let ask = || {
            http::Request::get("https://status.api.test/status")
                .body(())
                .unwrap()
        };
        transport.block_on(async {
            transport.call(ask()).await.unwrap();
            transport.sleep(seconds(end)).await.unwrap();
            transport.call(ask()).await.unwrap();
        });
        let svg = transport.timeline().to_svg();
        let name = reach(&svg, "down-say small strong", "status.api.test");
        let notes = ["note down-say small", "note down-say small end"];
        let class = notes
            .into_iter()
            .find(|class| svg.contains(&format!("\"{class}\"")));
        let note = reach(&svg, class.unwrap(), "down · ");
        assert!(
            name[1] < note[0] && note[1] < 1200.0,
            "{from} to {until} of {end}: {name:?} {note:?}"
        );
    }
}
