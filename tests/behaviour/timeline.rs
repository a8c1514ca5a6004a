//! When everything happened: the timeline of every exchange, and of the hosts that were down.

use std::time::Duration;

use futures::{FutureExt, SinkExt, StreamExt};
use mockwire::timeline::{Body, Cause, Entry, Limit, MessageKind, Outcome, Timeline};
use mockwire::{Chaos, Damage, Fault, RateLimit, Reply, Script, Side, SocketScript, Timing};

use super::support::{failure, fetch, get, handshake, post, send, with_header};
use super::{MockTransport, test};

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn manual() -> MockTransport {
    MockTransport::builder().timing(Timing::Manual).build()
}

/// The only entry.
fn only(timeline: &Timeline) -> &Entry {
    assert_eq!(timeline.entries.len(), 1);
    &timeline.entries[0]
}

fn ended(entry: &Entry) -> (Duration, Outcome, Option<Cause>, Option<&str>) {
    let end = entry.end.as_ref().expect("it is over");
    (end.at, end.outcome, end.cause, end.code.as_deref())
}

fn frames(entry: &Entry) -> Vec<(u64, u64)> {
    let frames = entry.frames.iter();
    frames
        .map(|frame| (frame.at.as_millis() as u64, frame.bytes))
        .collect()
}

fn head_at(entry: &Entry) -> Option<Duration> {
    entry.head.as_ref().map(|head| head.at)
}

#[test]
fn a_plain_exchange_happens_on_one_tick() {
    let transport = manual();
    transport
        .post("/v1")
        .reply(Reply::text("hello").header("x-id", "7"));
    transport.advance(millis(30));
    fetch(&transport, post("/v1", "ask")).unwrap();
    transport.advance(millis(5));
    let timeline = transport.timeline();
    let entry = only(&timeline);
    assert_eq!((entry.sequence, entry.received), (1, millis(30)));
    assert_eq!(
        (entry.queued.clone(), entry.acquired()),
        (None, Some(millis(30)))
    );
    let matched = entry.matched.as_ref().unwrap();
    assert_eq!((matched.at, &*matched.rule), (millis(30), "POST /v1"));
    assert!(matched.site.contains("timeline.rs:"), "{}", matched.site);
    assert_eq!(
        (head_at(entry), entry.head.as_ref().unwrap().status),
        (Some(millis(30)), 200)
    );
    assert_eq!(entry.response_header("x-id"), Some("7"));
    assert_eq!((frames(entry), entry.bytes), (vec![(30, 5)], 5));
    assert_eq!(ended(entry), (millis(30), Outcome::Done, None, None));
    assert_eq!((entry.request.bytes, entry.host()), (3, Some("api.test")));
    assert_eq!((timeline.now, timeline.dropped_entries), (millis(35), 0));
}

#[test]
fn a_reply_without_a_body_is_over_with_its_head() {
    let transport = manual();
    transport
        .get("/")
        .reply(Reply::status(204).delay(millis(4)));
    let mut call = transport.call(get("/"));
    assert!((&mut call).now_or_never().is_none());
    let timeline = transport.timeline();
    assert_eq!(
        (head_at(only(&timeline)), &only(&timeline).end),
        (None, &None)
    );
    transport.advance(millis(4));
    call.now_or_never().unwrap().unwrap();
    let timeline = transport.timeline();
    assert_eq!(head_at(only(&timeline)), Some(millis(4)));
    assert_eq!(
        ended(only(&timeline)),
        (millis(4), Outcome::Done, None, None)
    );
    assert_eq!(frames(only(&timeline)), []);
}

#[test]
fn the_frames_of_a_stream_are_told_while_it_goes_on() {
    let transport = manual();
    let script = Script::new()
        .frames(["one", "two!", "three"])
        .gap(millis(10));
    transport
        .get("/")
        .reply(Reply::script(script).delay(millis(5)));
    let mut call = transport.call(get("/"));
    assert!((&mut call).now_or_never().is_none());
    transport.advance(millis(5));
    let mut body = call.now_or_never().unwrap().unwrap().into_body();
    for _ in 0..2 {
        transport.advance(millis(10));
        body.next().now_or_never().unwrap().unwrap().unwrap();
    }
    let timeline = transport.timeline();
    let entry = only(&timeline);
    assert_eq!(frames(entry), [(15, 3), (25, 4)]);
    assert_eq!((entry.bytes, &entry.end), (7, &None));
    assert_eq!(entry.ended_by(timeline.now), millis(25));
    drop(body);
    let timeline = transport.timeline();
    assert_eq!(frames(only(&timeline)), [(15, 3), (25, 4)]);
    let cancelled = (millis(25), Outcome::Cancelled, Some(Cause::Client), None);
    assert_eq!(ended(only(&timeline)), cancelled);
}

#[test]
fn frames_without_a_time_of_their_own_are_told_at_the_end() {
    let transport = manual();
    transport.get("/").reply(Reply::stream(["ab", "c", "def"]));
    let mut body = send(&transport, get("/")).unwrap().into_body();
    body.next().now_or_never().unwrap().unwrap().unwrap();
    transport.advance(millis(7));
    body.next().now_or_never().unwrap().unwrap().unwrap();
    drop(body);
    transport
        .get("/made")
        .reply_with(|_| Reply::stream(["ab", "c", "def"]));
    fetch(&transport, get("/made")).unwrap();
    let timeline = transport.timeline();
    let [one, made] = &*timeline.entries else {
        panic!("two exchanges");
    };
    assert_eq!((frames(one), one.bytes), (vec![(7, 2), (7, 1)], 3));
    assert_eq!(frames(made), [(7, 2), (7, 1), (7, 3)]);
}

#[test]
fn no_more_frames_are_kept_than_were_asked_for() {
    let transport = MockTransport::builder().max_frames(2).build();
    let script = Script::new()
        .frames(["a", "bb", "ccc", "dddd"])
        .gap(millis(1));
    transport.get("/").reply(Reply::script(script));
    fetch(&transport, get("/")).unwrap();
    let timeline = transport.timeline();
    assert_eq!(frames(only(&timeline)), [(0, 1), (1, 2)]);
    assert_eq!(
        (only(&timeline).dropped_frames, only(&timeline).bytes),
        (2, 10)
    );
}

#[test]
fn a_stream_of_a_handler_is_told_frame_by_frame() {
    let transport = MockTransport::new();
    let clock = transport.clone();
    transport
        .get("/")
        .reply_stream(Reply::status(200), move |_| {
            let clock = clock.clone();
            futures::stream::iter(["a", "bc"]).map(move |frame| {
                clock.advance(millis(3));
                Ok::<_, mockwire::Error>(frame)
            })
        });
    fetch(&transport, get("/")).unwrap();
    let timeline = transport.timeline();
    assert_eq!(frames(only(&timeline)), [(3, 1), (6, 2)]);
}

#[test]
fn a_queue_tells_since_when_and_why() {
    let transport = MockTransport::builder()
        .max_concurrent(2)
        .max_concurrent_per_host(1)
        .build();
    for host in ["a.test", "b.test", "c.test"] {
        let reply = Reply::status(204).delay(millis(10));
        transport.get(&format!("https://{host}/")).reply(reply);
    }
    let hosts = ["a.test", "a.test", "b.test", "c.test"];
    let calls = hosts.map(|host| transport.call(get(&format!("https://{host}/"))));
    transport.block_on(futures::future::join_all(calls));
    let timeline = transport.timeline();
    let told = timeline.entries.iter().map(|entry| {
        let queued = entry
            .queued
            .as_ref()
            .map(|it| (it.limit.clone(), it.acquired));
        (queued, head_at(entry))
    });
    let key = Limit::Key("a.test".into());
    let expected = [
        (None, Some(millis(10))),
        (Some((key, Some(millis(10)))), Some(millis(20))),
        (None, Some(millis(10))),
        (Some((Limit::Total, Some(millis(10)))), Some(millis(20))),
    ];
    assert_eq!(told.collect::<Vec<_>>(), expected);
    let matched = timeline.entries[1].matched.as_ref();
    assert_eq!(matched.unwrap().at, millis(10));
}

#[test]
fn who_gives_up_in_the_queue_was_never_admitted() {
    let transport = MockTransport::builder()
        .timing(Timing::Manual)
        .max_concurrent(1)
        .max_waiting(1)
        .build();
    transport.get("/").reply(Reply::never());
    let mut first = transport.call(get("/"));
    let mut second = transport.call(get("/"));
    assert!((&mut first).now_or_never().is_none());
    assert!((&mut second).now_or_never().is_none());
    assert!(transport.call(get("/")).now_or_never().unwrap().is_err());
    transport.advance(millis(9));
    drop(second);
    let timeline = transport.timeline();
    let [never, waited, full] = &*timeline.entries else {
        panic!("three exchanges");
    };
    assert_eq!((head_at(never), &never.end), (None, &None));
    assert!(never.matched.is_some());
    let queued = waited.queued.as_ref().unwrap();
    assert_eq!((&queued.limit, queued.acquired), (&Limit::Total, None));
    assert_eq!((waited.acquired(), &waited.matched), (None, &None));
    let cancelled = (millis(9), Outcome::Cancelled, Some(Cause::Client), None);
    assert_eq!(ended(waited), cancelled);
    let refused = Some("MOCKWIRE_QUEUE_FULL");
    let refused = (
        Duration::ZERO,
        Outcome::Failed,
        Some(Cause::QueueFull),
        refused,
    );
    assert_eq!(ended(full), refused);
}

#[test]
fn a_rate_limit_tells_which_one_has_refused() {
    let second = Duration::from_secs(1);
    let transport = MockTransport::builder()
        .rate_limit(RateLimit::sliding_window(2, second))
        .build();
    transport
        .get("/")
        .rate_limit(RateLimit::token_bucket(1, 1, second))
        .reply("well");
    for _ in 0..3 {
        fetch(&transport, get("/")).unwrap();
    }
    let timeline = transport.timeline();
    let refused = |at: usize| timeline.entries[at].refused.as_deref();
    assert_eq!(refused(0), None);
    assert_eq!(refused(1), Some("1 request at once, 1 more in each 1s"));
    assert_eq!(refused(2), Some("2 requests in any 1s"));
    let status = |at: usize| timeline.entries[at].head.as_ref().unwrap().status;
    assert_eq!([status(0), status(1), status(2)], [200, 429, 429]);
    // The rule was found, and refused; the transport refuses before any is asked.
    assert!(timeline.entries[1].matched.is_some());
    assert!(timeline.entries[2].matched.is_none());
}

#[test]
fn every_end_tells_its_cause() {
    let transport = MockTransport::new();
    transport
        .get("/fault")
        .reply(Reply::fault(Fault::DnsFailure));
    transport
        .get("/late")
        .reply(Reply::fault(Fault::Timeout).delay(millis(20)));
    transport
        .get("/template")
        .reply(Reply::template("{{query.name}}"));
    transport
        .get("/async")
        .reply_async(|_| async { Reply::status(42) });
    transport
        .get("/reset")
        .reply(Reply::script(Script::new().frame("a").reset()));
    transport
        .get("/lost")
        .chaos(Chaos::new().with(1.0, Damage::Fault(Fault::TlsFailure)))
        .reply("never seen");
    let hold = transport.get("/held").hold();
    for path in ["/fault", "/late", "/template", "/async", "/reset", "/lost"] {
        failure(&transport, get(path));
    }
    let mut held = transport.call(get("/held"));
    assert!((&mut held).now_or_never().is_none());
    drop(hold.next().now_or_never().unwrap());
    assert!(held.now_or_never().unwrap().is_err());
    failure(&transport, get("/nowhere"));

    let timeline = transport.timeline();
    let told: Vec<_> = timeline
        .entries
        .iter()
        .map(|entry| {
            let (at, outcome, cause, code) = ended(entry);
            (
                at.as_millis(),
                outcome,
                cause,
                code,
                head_at(entry).is_some(),
            )
        })
        .collect();
    let failed = |at, cause, code, head| (at, Outcome::Failed, Some(cause), Some(code), head);
    let expected = [
        failed(0, Cause::Fault, "ENOTFOUND", false),
        failed(20, Cause::Fault, "ETIMEDOUT", false),
        failed(20, Cause::Transport, "MOCKWIRE_INVALID_TEMPLATE", false),
        failed(20, Cause::Transport, "MOCKWIRE_INVALID_STATUS", false),
        failed(20, Cause::Fault, "ECONNRESET", true),
        failed(20, Cause::Fault, "ERR_TLS_HANDSHAKE_TIMEOUT", false),
        failed(20, Cause::Handler, "MOCKWIRE_HELD_DROPPED", false),
        (20, Outcome::Unmatched, None, None, false),
    ];
    assert_eq!(told, expected);
    let message = |at: usize| timeline.entries[at].end.as_ref().unwrap().message.clone();
    assert_eq!(message(0), None);
    assert!(message(6).unwrap().contains("dropped without a reply"));
}

#[test]
fn the_answer_to_an_unmatched_request_is_told() {
    let transport = MockTransport::builder().unmatched_status(404).build();
    send(&transport, get("/nowhere")).unwrap();
    let timeline = transport.timeline();
    assert_eq!(only(&timeline).head.as_ref().unwrap().status, 404);
    assert_eq!(ended(only(&timeline)).1, Outcome::Unmatched);
}

#[test]
fn what_takes_time_before_the_head_is_told_from_the_head() {
    let transport = manual();
    let clock = transport.clone();
    // Time passes while the rules are asked, and while the handler thinks.
    let slow = clock.clone();
    transport
        .get("/")
        .matching(move |_: &mockwire::Request| {
            slow.advance(millis(2));
            true
        })
        .reply_with(move |_| {
            clock.advance(millis(3));
            "made"
        });
    fetch(&transport, get("/")).unwrap();
    let timeline = transport.timeline();
    let entry = only(&timeline);
    let matched = entry.matched.as_ref().unwrap().at;
    assert_eq!((entry.received, matched), (Duration::ZERO, millis(2)));
    assert_eq!(head_at(entry), Some(millis(5)));
    assert_eq!(ended(entry).0, millis(5));
}

#[test]
fn a_killed_host_is_marked_with_what_it_has_cost() {
    let transport = MockTransport::new();
    let script = Script::new().frames(["a", "b", "c"]).gap(millis(10));
    transport.get("/stream").reply(Reply::script(script));
    transport.get("/").reply("well");
    transport.outage("other.test", millis(1)..millis(3), Fault::ConnectTimeout);
    transport.outage("api.test", millis(1000).., Fault::Timeout);

    transport.block_on(async {
        let mut body = transport.call(get("/stream")).await.unwrap().into_body();
        body.next().await.unwrap().unwrap();
        transport.sleep(millis(5)).await.unwrap();
        transport.kill("api.test");
        assert!(body.next().await.unwrap().is_err());
        transport.sleep(millis(5)).await.unwrap();
        assert!(transport.call(get("/")).await.is_err());
        transport.sleep(millis(10)).await.unwrap();
        transport.restart("api.test");
        transport.sleep(millis(10)).await.unwrap();
        transport.call(get("/")).await.unwrap();
    });

    let timeline = transport.timeline();
    let [stream, refused, answered] = &*timeline.entries else {
        panic!("three exchanges");
    };
    let reset = Some("ECONNRESET");
    assert_eq!(frames(stream), [(0, 1)]);
    assert_eq!(
        ended(stream),
        (millis(5), Outcome::Failed, Some(Cause::Killed), reset)
    );
    let down = Some("ECONNREFUSED");
    assert_eq!(
        ended(refused),
        (millis(15), Outcome::Failed, Some(Cause::Outage), down)
    );
    assert_eq!(head_at(answered), Some(millis(35)));

    // What has not begun yet is not told, and what was ended is remembered.
    let [other, killed] = &*timeline.outages else {
        panic!("two outages: {:?}", timeline.outages);
    };
    assert_eq!((&*other.host, other.killed), ("other.test", false));
    assert_eq!((other.duration(), other.answered), (Some(millis(2)), None));
    assert_eq!((&*killed.host, killed.killed), ("api.test", true));
    assert_eq!((killed.from, killed.until), (millis(5), Some(millis(25))));
    assert_eq!(killed.recovery(), Some(millis(30)));
}

#[test]
fn a_host_that_is_down_still_has_no_end() {
    let transport = manual();
    transport.outage("API.test", millis(5)..millis(20), Fault::Timeout);
    transport.advance(millis(10));
    let outages = transport.timeline().outages;
    assert_eq!((outages[0].from, outages[0].until), (millis(5), None));
    transport.advance(millis(30));
    assert_eq!(transport.timeline().outages[0].until, Some(millis(20)));
    // It is over: to start the host again changes nothing.
    transport.restart("api.test");
    assert_eq!(transport.timeline().outages[0].until, Some(millis(20)));
    transport.clear();
    assert_eq!(transport.timeline().outages, []);
}

#[test]
fn a_connection_tells_what_both_ends_have_said() {
    let transport = MockTransport::new();
    let script = SocketScript::new()
        .open_after(millis(5))
        .expect("hi")
        .delay(millis(10))
        .send("hello")
        .close(1000, "bye");
    transport.websocket("wss://api.test/chat").accept(script);
    transport.block_on(async {
        let request = handshake("wss://api.test/chat");
        let mut socket = transport.connect(request).await.unwrap();
        socket.send("hi".into()).await.unwrap();
        while let Some(message) = socket.next().await {
            message.unwrap();
        }
    });
    let timeline = transport.timeline();
    let entry = only(&timeline);
    assert!(entry.is_socket());
    let head = entry.head.as_ref().unwrap();
    assert_eq!((head.at, head.status), (millis(5), 101));
    let said = entry
        .messages
        .iter()
        .map(|it| (it.at, it.from, it.kind, it.bytes));
    let expected = [
        (millis(5), Side::Client, MessageKind::Text, 2),
        (millis(15), Side::Server, MessageKind::Text, 5),
        (millis(15), Side::Server, MessageKind::Close, 0),
        (millis(15), Side::Client, MessageKind::Close, 0),
    ];
    assert_eq!(said.collect::<Vec<_>>(), expected);
    assert_eq!(ended(entry), (millis(15), Outcome::Done, None, None));
    assert_eq!((frames(entry), entry.bytes), (vec![], 5));
}

#[test]
fn a_connection_that_is_aborted_tells_so() {
    let transport = MockTransport::new();
    let script = SocketScript::new().delay(millis(8)).abort();
    transport.websocket("wss://api.test/chat").accept(script);
    transport.block_on(async {
        let request = handshake("wss://api.test/chat");
        let mut socket = transport.connect(request).await.unwrap();
        assert!(socket.next().await.unwrap().is_err());
    });
    let aborted = Some("MOCKWIRE_SOCKET_ABORTED");
    let timeline = transport.timeline();
    let expected = (millis(8), Outcome::Failed, Some(Cause::Fault), aborted);
    assert_eq!(ended(only(&timeline)), expected);
}

#[test]
fn attempts_at_the_same_thing_are_recognised() {
    let transport = MockTransport::new();
    let busy = Reply::status(429).header("retry-after", "1");
    transport.post("/pay").reply_after_failures(2, busy, "paid");
    transport.block_on(async {
        for (body, wait) in [("7 EUR", 1000), ("8 EUR", 0), ("7 EUR", 2000), ("7 EUR", 0)] {
            transport.call(post("/pay", body)).await.unwrap();
            transport.sleep(millis(wait)).await.unwrap();
        }
    });
    let retries = transport.timeline().retries();
    let told = retries
        .iter()
        .map(|it| (it.sequence, it.of, it.attempt, it.delay));
    assert_eq!(told.collect::<Vec<_>>(), [(3, 1, 2, millis(1000))]);
}

#[test]
fn secrets_and_bodies_stay_out_unless_asked_for() {
    let transport = MockTransport::builder().redact("x-session").build();
    let reply = Reply::bytes(vec![0xff, 0x00]).header("set-cookie", "sid=hidden");
    transport.post("/").reply(reply);
    let request = with_header(post("/", "a hidden body"), "authorization", "Bearer hidden");
    let request = with_header(request, "x-session", "hidden");
    fetch(&transport, request).unwrap_err();
    let json = transport.timeline().to_json();
    assert!(!json.contains("hidden"), "{json}");
    assert!(json.contains("<redacted>"));

    let timeline = transport.timeline_with_bodies();
    let entry = only(&timeline);
    let asked = Some(Body::Text("a hidden body".into()));
    assert_eq!((&entry.request.body, entry.request.bytes), (&asked, 13));
    assert_eq!(entry.body, Some(Body::Base64("/wA=".into())));
    let json = timeline.to_json();
    assert!(!json.contains("Bearer") && !json.contains("sid="), "{json}");
}

#[test]
fn a_timeline_is_written_and_read() {
    let transport = MockTransport::builder().max_concurrent(1).build();
    let script = Script::new()
        .frame("a")
        .wait(Duration::from_nanos(1_500_001))
        .frame("b");
    transport.get("/").reply(Reply::script(script));
    transport
        .get("/lost")
        .reply(Reply::fault(Fault::ConnectionReset));
    let stream = async { transport.call(get("/")).await?.into_body().bytes().await };
    let both = futures::future::join(stream, transport.call(get("/lost")));
    let (body, lost) = transport.block_on(both);
    assert!(body.is_ok() && lost.is_err());
    transport.kill("api.test");
    let timeline = transport.timeline();
    let json = timeline.to_json();
    let read: Timeline = serde_json::from_str(&json).unwrap();
    assert_eq!(read, timeline, "{json}");
}

#[test]
fn what_the_journal_forgets_is_counted() {
    let transport = MockTransport::builder().max_requests(2).build();
    transport.get("/").reply("well");
    for _ in 0..5 {
        fetch(&transport, get("/")).unwrap();
    }
    let timeline = transport.timeline();
    let kept: Vec<_> = timeline.entries.iter().map(|it| it.sequence).collect();
    assert_eq!((kept, timeline.dropped_entries), (vec![4, 5], 3));
    assert_eq!(timeline.entry(5).unwrap().sequence, 5);
    assert!(timeline.entry(3).is_none());
    transport.clear();
    assert_eq!(transport.timeline().entries, []);
}
