//! Scripts: frames in time, and how they end.

use std::time::Duration;

use futures::StreamExt;
use http_body_util::BodyExt;
use mockwire::sse::{Event, LineEnding};
use mockwire::{Chunking, Ending, Fault, Outcome, Rate, Reply, Script};
use serde_json::json;

use super::support::{fetch, get, send};
use super::{MockTransport, test};

const fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// The frames of a script with the times at which they came, and how it ended.
fn played(script: Script) -> (Vec<(u64, String)>, Result<u64, String>) {
    let transport = MockTransport::builder().seed(7).build();
    transport.get("/").reply(Reply::script(script));
    let mut body = send(&transport, get("/")).unwrap().into_body();
    let mut frames = Vec::new();
    let now = || transport.now().as_millis() as u64;
    loop {
        match transport.block_on(body.next()) {
            Some(Ok(bytes)) => frames.push((now(), String::from_utf8_lossy(&bytes).into_owned())),
            Some(Err(error)) => return (frames, Err(error.code().to_owned())),
            None => return (frames, Ok(now())),
        }
    }
}

fn texts(script: Script) -> Vec<String> {
    played(script).0.into_iter().map(|(_, text)| text).collect()
}

fn times(script: Script) -> Vec<u64> {
    played(script).0.into_iter().map(|(at, _)| at).collect()
}

#[test]
fn frames_come_at_their_times() {
    let script = Script::new()
        .frame("a")
        .wait(millis(10))
        .frames(["b", "c"])
        .wait(millis(5));
    let frames = [(0, "a"), (10, "b"), (10, "c")].map(|(at, text)| (at, text.to_owned()));
    assert_eq!(played(script), (frames.to_vec(), Ok(15)));
}

#[test]
fn the_first_byte_gaps_and_rates_add_up() {
    let three = || Script::new().frames(["aa", "bbbb", "cc"]);
    assert_eq!(times(three().first_byte(millis(300))), [300, 300, 300]);
    assert_eq!(times(three().gap(millis(20))), [0, 20, 40]);
    assert_eq!(times(three().rate(Rate::BytesPerSecond(100))), [20, 60, 80]);
    assert_eq!(
        times(three().rate(Rate::FramesPerSecond(10))),
        [100, 200, 300]
    );
    assert_eq!(
        times(three().rate(Rate::TokensPerSecond(10))),
        [100, 200, 300]
    );
    let all = three()
        .first_byte(millis(1))
        .gap(millis(2))
        .rate(Rate::BytesPerSecond(1000));
    assert_eq!(times(all), [3, 9, 13]);
}

#[test]
fn bytes_are_cut_as_asked() {
    let text = || Script::new().frames(["data: é€\n", "\n", "x"]);
    let cut = |chunking| texts(text().chunking(chunking));
    assert_eq!(cut(Chunking::Characters(4)), ["data", ": é€", "\n\nx"]);
    assert_eq!(cut(Chunking::Lines), ["data: é€\n", "\n", "x"]);
    assert_eq!(
        cut(Chunking::Sizes(vec![1, 5])),
        ["d", "ata: ", "\u{fffd}", "\u{fffd}€\n", "\n", "x"]
    );
    let bytes = texts(text().chunking(Chunking::Bytes(1)));
    assert_eq!(bytes.len(), "data: é€\n\nx".len());
    // Chance is part of the seed.
    let random = || cut(Chunking::Random { min: 1, max: 4 });
    assert_eq!(random(), random());
    assert!(random().len() > 2);
    // A pause ends a chunk.
    let paused = Script::new()
        .frame("abc")
        .wait(millis(1))
        .frame("de")
        .chunking(Chunking::Bytes(2));
    assert_eq!(texts(paused), ["ab", "c", "de"]);
}

#[test]
fn jitter_stays_within_its_share_and_is_the_same_for_the_same_seed() {
    let script = || Script::new().frames(["."; 50]).gap(millis(100)).jitter(0.5);
    let first = times(script());
    assert_eq!(first, times(script()));
    let gaps: Vec<_> = first.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps.iter().all(|gap| (50..=150).contains(gap)), "{gaps:?}");
    assert!(gaps.iter().any(|gap| *gap < 90) && gaps.iter().any(|gap| *gap > 110));
    // Another request of the same transport draws other numbers, another transport the same.
    let transport = MockTransport::new();
    transport.get("/").reply(Reply::script(script()));
    let elapsed = || {
        let before = transport.now();
        fetch(&transport, get("/")).unwrap();
        transport.now() - before
    };
    assert_ne!(elapsed(), elapsed());
}

#[test]
fn every_ending_is_explicit() {
    let start = || {
        Script::new()
            .frame("data: 1\n\n")
            .terminal("data: [DONE]\n\n")
    };
    let ending = |script: Script| {
        let (frames, end) = played(script);
        let text: String = frames.into_iter().map(|(_, text)| text).collect();
        (text, end)
    };
    let (whole, open) = (
        "data: 1\n\ndata: [DONE]\n\n".to_owned(),
        "data: 1\n\n".to_owned(),
    );
    assert_eq!(ending(start()), (whole.clone(), Ok(0)));
    assert_eq!(ending(start().without_terminal()), (open.clone(), Ok(0)));
    let reset = Err("ECONNRESET".to_owned());
    assert_eq!(ending(start().reset()), (whole.clone(), reset.clone()));
    assert_eq!(
        ending(start().without_terminal().reset()),
        (open, reset.clone())
    );
    let fault = start().ending(Ending::Fault(Fault::Timeout));
    assert_eq!(ending(fault), (whole, Err("ETIMEDOUT".to_owned())));
    assert_eq!(ending(start().cut_at(4)), ("data".to_owned(), Ok(0)));
    assert_eq!(
        ending(start().cut_at(4).reset()),
        ("data".to_owned(), reset)
    );
    assert_eq!(ending(start().cut_at(0)), (String::new(), Ok(0)));
    assert_eq!(ending(start().cut_at(1000)).0.len(), 23);
}

#[test]
fn a_character_can_be_cut_in_two_at_the_very_end() {
    let script = Script::new().frame("é€").cut_at(3).reset();
    let transport = MockTransport::new();
    transport.get("/").reply(Reply::script(script));
    let mut body = send(&transport, get("/")).unwrap().into_body();
    transport.block_on(async {
        assert_eq!(&*body.next().await.unwrap().unwrap(), b"\xc3\xa9\xe2");
        assert!(body.next().await.unwrap().unwrap_err().is_fault());
        assert!(body.next().await.is_none());
    });
    let captured = transport.last_request().unwrap();
    assert_eq!(captured.delivered, 3);
    assert_eq!(captured.response_body, &b"\xc3\xa9\xe2"[..]);
    assert!(matches!(captured.outcome, Outcome::Failed(error) if error.is_fault()));
}

#[test]
fn a_held_stream_goes_on_when_it_is_released() {
    let transport = MockTransport::new();
    let script = Script::new()
        .frame("before ")
        .hold("go")
        .frame("after ")
        .wait(millis(10))
        .frame("end");
    transport.get("/").reply(Reply::script(script));
    transport.block_on(async {
        let mut body = transport.call(get("/")).await.unwrap().into_body();
        assert_eq!(body.next().await.unwrap().unwrap(), "before ");
        let (text, ()) = futures::join!(body.text(), async {
            transport.sleep(millis(500)).await.unwrap();
            transport.release("go");
        });
        assert_eq!(text.unwrap(), "after end");
    });
    // The time that it was held counts: what follows is due from then on.
    assert_eq!(transport.now(), millis(510));
    // What is released stays so.
    assert_eq!(fetch(&transport, get("/")).unwrap(), "before after end");
}

#[test]
fn a_late_reader_gets_what_is_due_at_once() {
    let transport = MockTransport::new();
    let script = Script::new().frames(["a", "b", "c"]).gap(millis(10));
    transport.get("/").reply(Reply::script(script));
    transport.block_on(async {
        let body = transport.call(get("/")).await.unwrap().into_body();
        transport.sleep(millis(1000)).await.unwrap();
        assert_eq!(body.text().await.unwrap(), "abc");
    });
    assert_eq!(transport.now(), millis(1000));
}

#[test]
fn an_endless_stream_is_read_as_far_as_one_likes() {
    let transport = MockTransport::new();
    let script = Script::new()
        .frames(["tick ", "tock "])
        .gap(millis(1))
        .repeat_forever();
    transport.get("/").reply(Reply::script(script));
    let mut body = send(&transport, get("/")).unwrap().into_body();
    transport.block_on(async {
        for n in 0..1000 {
            let expected = if n % 2 == 0 { "tick " } else { "tock " };
            assert_eq!(body.next().await.unwrap().unwrap(), expected);
        }
    });
    assert_eq!(transport.now(), millis(999));
    drop(body);
    let captured = transport.last_request().unwrap();
    assert_eq!(
        (captured.outcome, captured.delivered),
        (Outcome::Cancelled, 5000)
    );
    assert_eq!(texts(Script::new().frame("x").repeat(3)), ["x", "x", "x"]);
    assert!(texts(Script::new().frame("x").repeat(0)).is_empty());
}

#[test]
fn trailers_come_after_the_body() {
    let transport = MockTransport::new();
    let script = Script::new().frame("a").trailer("x-checksum", "61");
    transport.get("/").reply(Reply::script(script));
    let body = send(&transport, get("/")).unwrap().into_body();
    let collected = transport.block_on(BodyExt::collect(body)).unwrap();
    assert_eq!(collected.trailers().unwrap()["x-checksum"], "61");
    assert_eq!(collected.to_bytes(), "a");
}

#[test]
fn lines_of_json_are_frames() {
    let transport = MockTransport::new();
    transport
        .get("/")
        .reply(Reply::ndjson([json!({"n": 1}), json!({"n": 2})]));
    let response = send(&transport, get("/")).unwrap();
    assert_eq!(response.headers()["content-type"], "application/x-ndjson");
    let frames = transport.block_on(StreamExt::collect::<Vec<_>>(response.into_body()));
    let frames: Vec<_> = frames.into_iter().map(Result::unwrap).collect();
    assert_eq!(frames, ["{\"n\":1}\n", "{\"n\":2}\n"]);
}

#[test]
fn events_are_frames_as_well() {
    let transport = MockTransport::new();
    let events = [
        Event::data("1").named("n").id("a"),
        Event::data("two\nlines"),
    ];
    let script = Script::new()
        .events(events.clone())
        .wait(millis(5))
        .event(Event::new().comment("ping"))
        .terminal_event(Event::data("[DONE]"))
        .line_ending(LineEnding::CrLf);
    transport
        .get("/script")
        .reply(Reply::script(script.clone()));
    transport.get("/events").reply(Reply::events(events));
    let response = send(&transport, get("/script")).unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let frames = StreamExt::collect::<Vec<_>>(response.into_body());
    let frames: Vec<_> = transport
        .block_on(frames)
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let expected = [
        "event: n\r\nid: a\r\ndata: 1\r\n\r\n",
        "data: two\r\ndata: lines\r\n\r\n",
        ": ping\r\n\r\n",
        "data: [DONE]\r\n\r\n",
    ];
    assert_eq!(frames, expected);
    let plain = "event: n\nid: a\ndata: 1\n\ndata: two\ndata: lines\n\n";
    assert_eq!(fetch(&transport, get("/events")).unwrap(), plain);
    let written = serde_json::to_value(&script).unwrap();
    assert_eq!(
        written["steps"][0],
        json!({"event": {"event": "n", "id": "a", "data": "1"}})
    );
    assert_eq!(written["lineEnding"], "crlf");
    assert_eq!(serde_json::from_value::<Script>(written).unwrap(), script);
}

#[test]
fn a_script_is_a_value_also_in_json() {
    let script = Script::new()
        .first_byte(millis(300))
        .frame("data: one\n\n")
        .frame(&b"\xff\x00"[..])
        .wait(Duration::from_micros(1500))
        .hold("go")
        .gap(millis(1))
        .rate(Rate::TokensPerSecond(50))
        .jitter(0.25)
        .chunking(Chunking::Random { min: 1, max: 9 })
        .repeat(2)
        .terminal("data: [DONE]\n\n")
        .without_terminal()
        .cut_at(100)
        .ending(Ending::Fault(Fault::ConnectionReset))
        .trailer("x-a", "b");
    let written = json!({
        "steps": [{"text": "data: one\n\n"}, {"base64": "/wA="}, {"wait": 1.5}, {"hold": "go"}],
        "firstByte": 300,
        "gap": 1,
        "rate": {"tokensPerSecond": 50},
        "jitter": 0.25,
        "chunking": {"random": {"min": 1, "max": 9}},
        "repeat": {"times": 2},
        "terminal": {"text": "data: [DONE]\n\n"},
        "withoutTerminal": true,
        "cutAt": 100,
        "end": {"fault": "connectionReset"},
        "trailers": [["x-a", "b"]],
    });
    assert_eq!(serde_json::to_value(&script).unwrap(), written);
    assert_eq!(serde_json::from_value::<Script>(written).unwrap(), script);
    assert_eq!(serde_json::from_str::<Script>("{}").unwrap(), Script::new());
    assert_ne!(script.clone().reset(), script);
    for mistake in [
        json!({"steps": [{"wait": -1}]}),
        json!({"steps": [{"base64": "/"}]}),
        json!({"stops": []}),
        json!({"end": "never"}),
    ] {
        assert!(serde_json::from_value::<Script>(mistake).is_err());
    }
}

#[test]
fn a_script_that_cannot_be_played_is_refused() {
    let frame = || Script::new().frame("a");
    for script in [
        frame().chunking(Chunking::Bytes(0)),
        frame().chunking(Chunking::Sizes(vec![])),
        frame().chunking(Chunking::Random { min: 3, max: 2 }),
        frame().rate(Rate::BytesPerSecond(0)),
        frame().jitter(1.5),
        frame().jitter(f64::NAN),
        frame().trailer("no name", "x"),
        frame().trailer("x", "a\nb"),
        Script::new().repeat_forever(),
        Script::new().event(Event::data("x").id("a\nb")),
        serde_json::from_str(r#"{"terminal": {"wait": 1}}"#).unwrap(),
        Script::new().hold("go").repeat_forever(),
    ] {
        let refused = MockTransport::new()
            .get("/")
            .try_reply(Reply::script(script));
        let error = refused.unwrap_err();
        assert!(error.code().starts_with("MOCKWIRE_INVALID_"), "{error}");
    }
}
