//! Replies that are made of their exchange, and conditions on what is read off a request.

use std::time::Duration;

use mockwire::{
    Damage, ErrorKind, Exchange, Fault, Outcome, RateLimit, Reply, SequenceEnd, Timing, reading,
};
use serde_json::{Value, json};

use super::support::{failure, fetch, get, post, send};
use super::{MockTransport, test};

const fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// Everything that a reply can be made of.
fn facts() -> Reply {
    Reply::from_exchange(|exchange: &Exchange| {
        let (mut first, mut again) = (exchange.random(), exchange.random());
        let number = first.next_u64();
        assert_eq!(
            again.next_u64(),
            number,
            "each generator begins at the beginning"
        );
        json!({
            "path": exchange.request().path(),
            "sequence": exchange.sequence(),
            "at": exchange.at().as_secs(),
            "date": exchange.date().as_secs(),
            "random": number,
        })
    })
}

fn told(transport: &MockTransport, path: &str) -> Value {
    serde_json::from_str(&fetch(transport, get(path)).unwrap()).unwrap()
}

#[test]
fn a_reply_is_made_of_the_request_its_number_the_time_and_the_seed() {
    let make = |seed| {
        let builder = MockTransport::builder().seed(seed).timing(Timing::Manual);
        let transport = builder.epoch(seconds(1_000_000)).build();
        transport.get("/{id}").reply(facts());
        transport
    };
    let transport = make(7);
    let first = told(&transport, "/a");
    transport.advance(seconds(60));
    let second = told(&transport, "/b");
    assert_eq!(first["path"], "/a");
    assert_eq!(
        (&first["sequence"], &second["sequence"]),
        (&json!(1), &json!(2))
    );
    assert_eq!((&first["at"], &second["at"]), (&json!(0), &json!(60)));
    assert_eq!(
        (&first["date"], &second["date"]),
        (&json!(1_000_000), &json!(1_000_060))
    );
    assert_ne!(first["random"], second["random"]);
    assert_eq!(told(&make(7), "/a"), first, "the same seed, the same reply");
    assert_ne!(told(&make(8), "/a")["random"], first["random"]);
}

#[test]
fn it_is_a_reply_like_any_other() {
    let transport = MockTransport::new();
    let numbered = || Reply::from_exchange(|it: &Exchange| it.sequence().to_string());
    let replies = [numbered(), Reply::text("fixed"), numbered()];
    transport
        .get("/sequence")
        .reply_sequence(replies, SequenceEnd::Fail);
    let texts = [(); 3].map(|()| fetch(&transport, get("/sequence")).unwrap());
    assert_eq!(texts, ["1", "fixed", "3"]);

    transport
        .get("/handler")
        .reply_with(move |_: &mockwire::Request| numbered());
    assert_eq!(fetch(&transport, get("/handler")).unwrap(), "4");

    let hold = transport.get("/held").hold();
    let text = transport.block_on(async {
        let reply = async { hold.next().await.unwrap().reply(facts()).unwrap() };
        let (response, ()) = futures::join!(transport.call(get("/held")), reply);
        response.unwrap().into_body().text().await.unwrap()
    });
    assert!(text.contains(r#""path":"/held""#), "{text}");
}

#[test]
fn what_is_added_to_it_goes_on_top() {
    let transport = MockTransport::new();
    let made = Reply::from_exchange(|_: &Exchange| {
        Reply::text("made")
            .with_status(201)
            .header("x-a", "1")
            .header("x-b", "1")
    });
    transport
        .get("/")
        .reply(made.header("x-b", "2").delay(seconds(5)));
    let response = send(&transport, get("/")).unwrap();
    assert_eq!(response.status(), 201);
    assert_eq!(
        (&response.headers()["x-a"], &response.headers()["x-b"]),
        (&"1".parse().unwrap(), &"2".parse().unwrap())
    );
    assert_eq!(transport.now(), seconds(5));
    let captured = transport.last_request().unwrap();
    let head = captured.response.unwrap();
    assert_eq!(
        (head.status.as_u16(), &head.headers["x-b"]),
        (201, &"2".parse().unwrap())
    );
}

#[test]
fn the_journal_tells_what_was_delivered() {
    let transport = MockTransport::new();
    transport.get("/").reply(facts());
    let text = fetch(&transport, get("/")).unwrap();
    let captured = transport.last_request().unwrap();
    assert_eq!(captured.outcome, Outcome::Done);
    assert_eq!(captured.response_body, text);
}

#[test]
fn a_limit_refuses_with_a_reply_that_is_made_for_the_refused() {
    let refusal = Reply::from_exchange(|it: &Exchange| {
        let wait = it.retry_after().map(|wait| wait.as_millis() as u64);
        Reply::json(json!({"request": it.sequence(), "wait": wait})).with_status(429)
    });
    let limit = RateLimit::fixed_window(1, seconds(60)).refuse_with(refusal.clone());
    let transport = MockTransport::builder().rate_limit(limit).build();
    // Where nothing refuses, the same reply has nothing to wait for.
    transport.get("/free").reply(refusal);
    transport.get("/").reply("ok");
    assert_eq!(fetch(&transport, get("/")).unwrap(), "ok");
    let response = send(&transport, get("/")).unwrap();
    assert_eq!(
        (
            response.status().as_u16(),
            &response.headers()["retry-after"]
        ),
        (429, &"60".parse().unwrap())
    );
    let text = transport.block_on(response.into_body().text()).unwrap();
    assert_eq!(text, r#"{"request":2,"wait":60000}"#);
    transport.advance(seconds(60));
    let free = fetch(&transport, get("/free")).unwrap();
    assert_eq!(free, r#"{"request":3,"wait":null}"#);
}

#[test]
fn it_is_damaged_when_it_is_made() {
    let transport = MockTransport::new();
    let chaos = mockwire::Chaos::new().with(1.0, Damage::TruncateAt(2));
    transport
        .get("/")
        .chaos(chaos)
        .reply(Reply::from_exchange(|_: &Exchange| "hello"));
    assert_eq!(fetch(&transport, get("/")).unwrap(), "he");
    // Before it is made there is nothing to damage.
    let early = Reply::from_exchange(|_: &Exchange| "hello").damaged(Damage::TruncateAt(2));
    assert!(early.validate().is_err());
}

#[test]
fn a_mistake_or_a_fault_that_is_made_reaches_the_caller() {
    let transport = MockTransport::new();
    let bad = Reply::from_exchange(|_: &Exchange| Reply::text("x").with_status(99));
    transport.get("/bad").reply(bad);
    assert_eq!(
        failure(&transport, get("/bad")).code(),
        "MOCKWIRE_INVALID_STATUS"
    );
    let fault = Reply::from_exchange(|_: &Exchange| Fault::ConnectionReset);
    transport.get("/fault").reply(fault);
    assert_eq!(
        failure(&transport, get("/fault")).fault(),
        Some(Fault::ConnectionReset)
    );
    let failing = Reply::from_exchange(|_: &Exchange| Err::<Reply, _>("no"));
    transport.get("/failing").reply(failing);
    let error = failure(&transport, get("/failing"));
    let ErrorKind::HandlerFailed { rule } = error.kind() else {
        panic!("{error:?}");
    };
    assert!(rule.contains("from_exchange.rs:"), "{rule}");
}

#[cfg(not(target_arch = "wasm32"))]
#[test]
fn a_panic_in_making_it_reaches_the_caller() {
    let transport = MockTransport::new();
    let panicking = Reply::from_exchange(|_: &Exchange| -> Reply { panic!("oh no") });
    transport.get("/").reply(panicking);
    let error = failure(&transport, get("/"));
    let ErrorKind::HandlerPanicked { rule, message } = error.kind() else {
        panic!("{error:?}");
    };
    assert!(
        rule.contains("from_exchange.rs:") && message == "oh no",
        "{error}"
    );
    let unread = reading("broken", |_| panic!("cannot read"));
    transport.post("/").and(unread.exists()).reply("x");
    let error = failure(&transport, post("/", "x"));
    assert!(error.to_string().contains("cannot read"), "{error}");
}

#[test]
fn it_is_equal_to_its_clones() {
    let reply = facts();
    assert_eq!(reply, reply.clone());
    assert_ne!(reply, facts());
    assert_ne!(reply.clone().header("x-a", "b"), reply);
}

#[test]
fn a_reading_is_compared_and_explained() {
    let words = || {
        reading("words", |request| {
            let text = request.text().ok().filter(|text| !text.is_empty())?;
            Some(text.split(' ').collect::<Vec<_>>().into())
        })
    };
    let text = || reading("text", |request| Some(request.text().ok()?.into()));
    let transport = MockTransport::new();
    transport
        .post("/equal")
        .and(words().equals(json!(["a", "b"])))
        .reply("1");
    transport
        .post("/includes")
        .and(words().includes(json!(["a"])))
        .reply("2");
    transport
        .post("/contains")
        .and(text().contains("big"))
        .reply("3");
    transport.post("/exists").and(words().exists()).reply("4");
    transport.post("/missing").and(words().missing()).reply("5");
    transport
        .post("/either")
        .and(words().missing().or(!text().contains("x")))
        .reply("6");
    for (path, body) in [
        ("/equal", "a b"),
        ("/includes", "a c"),
        ("/contains", "a big one"),
        ("/exists", "a"),
        ("/missing", ""),
        ("/either", "abc"),
    ] {
        assert!(fetch(&transport, post(path, body)).is_ok(), "{path}");
    }
    let check = |path: &'static str, body: &'static str| {
        let error = failure(&transport, post(path, body));
        let diagnosis = error.diagnosis().unwrap();
        let near = &diagnosis.nearest[0];
        let check = near.checks.iter().find(|check| !check.passed).unwrap();
        let texts = [&check.matcher, &check.expected, &check.actual];
        texts.map(Clone::clone)
    };
    assert_eq!(check("/equal", "a x"), ["words /1", r#""b""#, r#""x""#]);
    assert_eq!(check("/equal", ""), ["words", r#"["a","b"]"#, "(missing)"]);
    assert_eq!(
        check("/contains", "small"),
        ["text", r#"containing "big""#, r#""small""#]
    );
    assert_eq!(check("/exists", ""), ["words", "(present)", "(missing)"]);
    assert_eq!(check("/missing", "a"), ["words", "(missing)", r#"["a"]"#]);
}

#[test]
fn a_view_is_made_once_for_each_type() {
    struct Length(usize);
    let transport = MockTransport::new();
    transport.post("/").reply("ok");
    fetch(&transport, post("/", "hello")).unwrap();
    let captured = transport.last_request().unwrap().request;
    let length = || {
        captured
            .view_with(|it| Ok::<_, ()>(Length(it.body().len())))
            .unwrap()
    };
    let first = length();
    let again = captured
        .view_with(|_| -> Result<Length, ()> { Err(()) })
        .unwrap();
    assert_eq!((first.0, again.0), (5, 5));
    assert!(
        captured
            .view_with(|_| -> Result<u8, ()> { Err(()) })
            .is_err()
    );
    assert_eq!(*captured.view_with(|_| Ok::<u8, ()>(3)).unwrap(), 3);
}
