//! Sessions: who talks to whom, in what order, and what has been answered.

use std::sync::Mutex;
use std::time::Duration;

use futures::FutureExt;
use futures::future::{Either, join, join_all, join3, select};
use mockwire::state::{Burst, Message, SessionKey, SessionOptions};
use mockwire::{Reply, Request, Timing};
use serde_json::json;

use super::support::{fetch, post, with_header};
use super::{MockTransport, Mode, test};

type Sessions = mockwire::state::Sessions<Mode>;
type Turn = mockwire::state::Turn<Mode>;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

fn key(thread: &str) -> SessionKey {
    SessionKey::new().user("ada").thread(thread)
}

fn sessions(options: SessionOptions) -> (MockTransport, Sessions) {
    let transport = MockTransport::builder().timing(Timing::Manual).build();
    let sessions = Sessions::new(&transport, options);
    (transport, sessions)
}

/// The turn that may begin now.
fn turn(sessions: &Sessions) -> Option<Turn> {
    sessions.next_turn().now_or_never()?.ok()
}

fn texts(turn: &Turn) -> Vec<&str> {
    turn.messages().iter().map(Message::text).collect()
}

fn keys(sessions: &Sessions) -> Vec<String> {
    sessions
        .list()
        .iter()
        .map(|info| info.key.to_string())
        .collect()
}

#[test]
fn a_session_is_created_got_listed_and_removed_by_its_key() {
    let (transport, sessions) = sessions(SessionOptions::new());
    assert!(sessions.is_empty() && sessions.get(&key("a")).is_none());
    for thread in ["b", "a", "c"] {
        sessions.create(key(thread)).unwrap();
        transport.advance(SECOND);
    }
    assert_eq!(keys(&sessions), ["//ada/b", "//ada/a", "//ada/c"]);
    let again = sessions.create(key("a")).unwrap_err();
    assert_eq!(again.code(), "MOCKWIRE_INVALID_SESSION");
    assert!(again.to_string().contains("//ada/a"), "{again}");
    let a = sessions.get_or_create(&key("a")).unwrap();
    assert_eq!(a.key().unwrap(), key("a"));
    assert!(sessions.remove(&key("a")) && !sessions.remove(&key("a")));
    assert_eq!(keys(&sessions), ["//ada/b", "//ada/c"]);
    for error in [
        a.info().map(drop),
        a.state().map(drop),
        a.send("hi").map(drop),
    ] {
        assert_eq!(error.unwrap_err().code(), "MOCKWIRE_STALE_HANDLE");
    }
    // Another one of the same key is another one.
    sessions.create(key("a")).unwrap();
    assert!(a.info().is_err());
}

#[test]
fn keys_of_different_names_are_different_as_text_too() {
    let names = ["", "a", "/", "a/", "%", "%2F"];
    let mut keys = Vec::new();
    for (client, project) in names.iter().flat_map(|a| names.map(|b| (*a, b))) {
        for (user, thread) in names.iter().flat_map(|a| names.map(|b| (*a, b))) {
            let key = SessionKey::new().client(client).project(project);
            keys.push(key.user(user).thread(thread));
        }
    }
    let texts: std::collections::HashSet<_> = keys.iter().map(ToString::to_string).collect();
    assert_eq!(texts.len(), names.len().pow(4));
    let json = serde_json::to_value(&keys[1]).unwrap();
    assert_eq!(json, json!(keys[1].to_string()));
}

#[test]
fn to_get_a_session_uses_it_and_what_nobody_uses_is_removed() {
    let (transport, sessions) = sessions(SessionOptions::new());
    for thread in ["idle", "got", "sent", "listed", "busy"] {
        sessions.create(key(thread)).unwrap();
    }
    let busy = sessions.get(&key("busy")).unwrap();
    let sent = sessions.get(&key("sent")).unwrap();
    let _unfinished = busy.send("hello").unwrap();
    transport.advance(MINUTE);
    sessions.get(&key("got")).unwrap();
    drop(sent.send("hello").unwrap());
    let _ = sessions.list();
    transport.advance(MINUTE);
    // Not yet: two minutes, less a moment.
    let nearly = 2 * MINUTE + Duration::from_nanos(1);
    assert_eq!(sessions.remove_inactive(nearly), []);
    let removed = sessions.remove_inactive(2 * MINUTE);
    assert_eq!(removed, [key("idle"), key("listed")]);
    let got = sessions.list()[0].clone();
    assert_eq!((got.created_at, got.last_active), (Duration::ZERO, MINUTE));
    // What has unfinished messages is in use, however old.
    while let Some(turn) = turn(&sessions) {
        turn.finish().unwrap();
    }
    transport.advance(2 * MINUTE);
    let removed = sessions.remove_inactive(2 * MINUTE);
    assert_eq!(removed, [key("got"), key("sent"), key("busy")]);
}

#[test]
fn there_are_never_more_sessions_than_the_limit_reserved_ones_included() {
    let (_transport, sessions) = sessions(SessionOptions::new().limit(2));
    let reserved = sessions.reserve().unwrap();
    sessions.create(key("a")).unwrap();
    let full = sessions.create(key("b")).unwrap_err();
    assert_eq!(full.code(), "MOCKWIRE_SESSION_LIMIT");
    assert!(sessions.get_or_create(&key("b")).is_err());
    assert!(sessions.get_or_create(&key("a")).is_ok(), "it is there");
    // A place that is not taken, or cannot be, is free again.
    assert_eq!((sessions.len(), sessions.available()), (1, 0));
    assert!(reserved.create(key("a")).is_err());
    assert_eq!(sessions.available(), 1);
    drop(sessions.reserve().unwrap());
    let reserved = sessions.reserve().unwrap();
    reserved.create(key("b")).unwrap();
    assert!(sessions.reserve().is_err());
    sessions.remove(&key("a"));
    assert_eq!(sessions.available(), 1);
}

#[test]
fn each_session_has_a_state_and_counts_its_messages() {
    let (_transport, sessions) = sessions(SessionOptions::new());
    let (a, b) = (
        sessions.create(key("a")).unwrap(),
        sessions.create(key("b")).unwrap(),
    );
    a.state().unwrap().set("turn", 1);
    drop(a.send("hi").unwrap());
    let _ = a.send("hi"); // a duplicate: not taken in
    assert_eq!(a.state().unwrap().request_count(), 1);
    assert_eq!(b.state().unwrap().get("turn"), None);
    assert_eq!(b.state().unwrap().request_count(), 0);
    let again = sessions.get(&key("a")).unwrap().state().unwrap();
    assert_eq!(again.get("turn"), Some(json!(1)));
}

#[test]
fn a_session_answers_in_order_while_sessions_overlap() {
    // Three workers, three sessions with three messages each, a second for each message. In order
    // and overlapping takes three seconds; one after the other it would take nine, and all at once
    // one.
    let transport = MockTransport::new();
    let sessions = Sessions::new(&transport, SessionOptions::new());
    let log = Mutex::new(Vec::new());
    let worker = || async {
        for _ in 0..3 {
            let turn = sessions.next_turn().await.unwrap();
            let thread = turn.session().key().unwrap().to_string();
            let text = turn.messages()[0].text().to_owned();
            log.lock()
                .unwrap()
                .push((thread.clone(), text.clone(), true));
            transport.sleep(SECOND).await.unwrap();
            log.lock().unwrap().push((thread, text.clone(), false));
            turn.push(&text).unwrap();
            turn.finish().unwrap();
        }
    };
    let threads = ["a", "b", "c"];
    let mut receipts = Vec::new();
    for thread in threads {
        let session = sessions.create(key(thread)).unwrap();
        for n in ["1", "2", "3"] {
            receipts.push(session.send(n).unwrap());
        }
    }
    let answers = async { join_all(receipts).await };
    let work = join3(worker(), worker(), worker());
    let (answers, _) = transport.block_on(join(answers, work));
    let answers: Vec<_> = answers.into_iter().map(|it| it.unwrap().text()).collect();
    assert_eq!(answers, ["1", "2", "3", "1", "2", "3", "1", "2", "3"]);
    assert_eq!(transport.now(), 3 * SECOND);
    let log = log.into_inner().unwrap();
    for thread in threads {
        let key = key(thread).to_string();
        let of_thread = log.iter().filter(|it| it.0 == key);
        let order: Vec<_> = of_thread
            .map(|(_, text, begins)| (text.as_str(), *begins))
            .collect();
        let wanted = [
            ("1", true),
            ("1", false),
            ("2", true),
            ("2", false),
            ("3", true),
            ("3", false),
        ];
        assert_eq!(order, wanted);
    }
}

#[test]
fn the_message_that_was_sent_first_is_next_among_all_sessions() {
    let (_transport, sessions) = sessions(SessionOptions::new());
    let (a, b) = (
        sessions.create(key("a")).unwrap(),
        sessions.create(key("b")).unwrap(),
    );
    let sent = [b.send("1"), a.send("2"), b.send("3"), a.send("4")];
    let first = turn(&sessions).unwrap();
    let second = turn(&sessions).unwrap();
    assert_eq!((texts(&first), texts(&second)), (vec!["1"], vec!["2"]));
    assert!(turn(&sessions).is_none(), "both have one");
    second.finish().unwrap();
    let fourth = turn(&sessions).unwrap();
    assert_eq!(texts(&fourth), ["4"], "not 3: its session has a turn");
    drop(sent);
}

#[test]
fn what_waits_is_grouped_into_batches() {
    let (_transport, sessions) = sessions(SessionOptions::new().batch(3));
    let session = sessions.create(key("a")).unwrap();
    let first = session.send("1").unwrap();
    let begun = turn(&sessions).unwrap();
    let rest: Vec<_> = (2..=5)
        .map(|n| session.send(n.to_string()).unwrap())
        .collect();
    // What comes later is not for a turn that has begun.
    assert_eq!(texts(&begun), ["1"]);
    let info = session.info().unwrap();
    assert_eq!((info.running, info.waiting), (1, 4));
    begun.finish().unwrap();
    let batch = turn(&sessions).unwrap();
    assert_eq!(texts(&batch), ["2", "3", "4"]);
    batch.push("all ").unwrap();
    batch.push("three").unwrap();
    batch.finish().unwrap();
    let last = turn(&sessions).unwrap();
    assert_eq!(texts(&last), ["5"]);
    last.finish().unwrap();
    let answers = join_all(rest).now_or_never().unwrap();
    let answers: Vec<_> = answers.into_iter().map(|it| it.unwrap().text()).collect();
    assert_eq!(answers, ["all three", "all three", "all three", ""]);
    assert!(!first.now_or_never().unwrap().unwrap().is_partial);
}

#[test]
fn the_same_message_is_refused_for_five_minutes() {
    let (transport, sessions) = sessions(SessionOptions::new());
    let (a, b) = (
        sessions.create(key("a")).unwrap(),
        sessions.create(key("b")).unwrap(),
    );
    let kept = a.send("hello").unwrap();
    transport.advance(5 * MINUTE - Duration::from_nanos(1));
    let error = a.send("hello").unwrap_err();
    assert_eq!(error.code(), "MOCKWIRE_DUPLICATE_MESSAGE");
    assert!(error.to_string().contains("//ada/a"), "{error}");
    b.send("hello").expect("it is another session");
    a.send("hello ").expect("it is another text");
    transport.advance(Duration::from_nanos(1));
    a.send("hello").expect("five minutes are over");
    // The refused ones have left nothing behind.
    assert_eq!(a.info().unwrap().waiting, 3);
    drop(kept);
}

#[test]
fn a_message_with_an_id_is_known_by_that_and_one_without_by_its_text() {
    let (_transport, sessions) = sessions(SessionOptions::new());
    let session = sessions.create(key("a")).unwrap();
    let sends = |message: Message| session.send(message).is_ok();
    assert!(sends(Message::new("yes").with_id("1")));
    assert!(sends(Message::new("yes").with_id("2")), "another id");
    assert!(!sends(Message::new("no").with_id("1")), "the same id");
    assert!(sends(Message::new("yes")), "no id");
    assert!(!sends(Message::new("yes")), "the same text");
    assert!(sends(Message::new("1")), "a text is no id");
    assert!(sends(json!({"a": 1}).into()));
    assert!(!sends(r#"{"a":1}"#.into()));
    let never = SessionOptions::new().duplicate_window(Duration::ZERO);
    let (_transport, sessions) = self::sessions(never);
    let session = sessions.create(key("a")).unwrap();
    assert!(session.send("yes").is_ok() && session.send("yes").is_ok());
}

#[test]
fn a_later_message_preempts_what_is_unfinished_which_reports_its_partial_output() {
    let options = SessionOptions::new().burst(Burst::Preempt);
    let transport = MockTransport::new();
    let sessions = Sessions::new(&transport, options);
    let session = sessions.create(key("a")).unwrap();
    let other = sessions.create(key("b")).unwrap();
    // A worker that speaks a word each second, until it is interrupted.
    let worker = async {
        loop {
            let turn = sessions.next_turn().await.unwrap();
            let text = turn.messages()[0].text().to_owned();
            let is_last = text == "third";
            let speaks = Box::pin(async {
                for n in 1..=3 {
                    transport.sleep(SECOND).await.unwrap();
                    turn.push(&format!("{text}{n} ")).unwrap();
                }
            });
            let is_done = matches!(select(speaks, turn.interrupted()).await, Either::Left(_));
            if !is_done {
                // What it says from here on reaches nobody.
                let late = turn.push("late").unwrap_err();
                assert_eq!(late.code(), "MOCKWIRE_STALE_HANDLE");
            }
            assert_eq!(turn.finish().is_ok(), is_done);
            if is_last {
                break;
            }
        }
    };
    let client = async {
        let first = session.send("first").unwrap();
        transport.sleep(SECOND * 5 / 2).await.unwrap();
        assert!(
            session.send("first").is_err(),
            "a duplicate pre-empts nothing"
        );
        // A burst: the second is pre-empted before its turn begins.
        let second = session.send("second").unwrap();
        let third = session.send("third").unwrap();
        join3(first, second, third).await
    };
    let ((first, second, third), ()) = transport.block_on(join(client, worker));
    let (first, second, third) = (first.unwrap(), second.unwrap(), third.unwrap());
    assert_eq!(
        (first.text().as_str(), first.is_partial),
        ("first1 first2 ", true)
    );
    assert_eq!((second.text().as_str(), second.is_partial), ("", true));
    assert_eq!(
        (third.text().as_str(), third.is_partial),
        ("third1 third2 third3 ", false)
    );
    assert_eq!(transport.now(), SECOND * 11 / 2);
    // Sessions do not pre-empt each other.
    let mine = session.send("mine").unwrap();
    let begun = turn(&sessions).unwrap();
    let others = other.send("other's").unwrap();
    assert!(begun.push("ok").is_ok());
    drop((mine, others));
}

#[test]
fn a_queued_burst_is_answered_in_order_and_in_full() {
    // The control of the test above: the same burst under the other policy.
    let (_transport, sessions) = sessions(SessionOptions::new());
    let session = sessions.create(key("a")).unwrap();
    let receipts = ["first", "second", "third"].map(|text| session.send(text).unwrap());
    for text in ["first", "second", "third"] {
        let turn = turn(&sessions).unwrap();
        assert_eq!(texts(&turn), [text]);
        turn.push(text).unwrap();
        turn.finish().unwrap();
    }
    let answers = join_all(receipts).now_or_never().unwrap();
    assert!(answers.iter().all(|it| !it.as_ref().unwrap().is_partial));
}

#[test]
fn a_kill_and_a_restart_lose_nothing() {
    let (_transport, sessions) = sessions(SessionOptions::new().batch(2));
    let session = sessions.create(key("a")).unwrap();
    session.state().unwrap().set("mood", "good");
    let mut receipts: Vec<_> = ["1", "2", "3"]
        .map(|text| session.send(text).unwrap())
        .into();
    let killed = turn(&sessions).unwrap();
    assert_eq!((texts(&killed), killed.attempt()), (vec!["1", "2"], 1));
    killed.push("half ").unwrap();
    sessions.kill();
    // Of the turn that was killed nothing more comes.
    assert!(killed.interrupted().now_or_never().is_some());
    assert!(killed.push("late").is_err());
    assert!(killed.finish().is_err());
    // No turn begins, and messages wait.
    receipts.push(session.send("4").unwrap());
    assert!(turn(&sessions).is_none());
    assert_eq!(session.info().unwrap().waiting, 4);
    sessions.restart();
    let again = turn(&sessions).unwrap();
    // The same batch first, with what there was of its answer.
    assert_eq!((texts(&again), again.attempt()), (vec!["1", "2"], 2));
    assert_eq!(again.output().unwrap(), ["half "]);
    again.push("whole").unwrap();
    again.finish().unwrap();
    let rest = turn(&sessions).unwrap();
    assert_eq!((texts(&rest), rest.attempt()), (vec!["3", "4"], 1));
    rest.finish().unwrap();
    let answers = join_all(receipts).now_or_never().unwrap();
    let answers: Vec<_> = answers.into_iter().map(|it| it.unwrap().text()).collect();
    assert_eq!(answers, ["half whole", "half whole", "", ""]);
    assert_eq!(session.state().unwrap().get("mood"), Some(json!("good")));
}

#[test]
fn a_worker_that_goes_away_leaves_its_turn_to_the_next() {
    let transport = MockTransport::new();
    let sessions = Sessions::new(&transport, SessionOptions::new());
    let session = sessions.create(key("a")).unwrap();
    let receipt = session.send("hello").unwrap();
    let leaves = async {
        let turn = sessions.next_turn().await.unwrap();
        turn.push("one ").unwrap();
        transport.sleep(SECOND).await.unwrap();
    };
    let takes_over = async {
        transport.sleep(SECOND / 2).await.unwrap();
        let turn = sessions.next_turn().await.unwrap(); // waits for the other one to leave
        assert_eq!((transport.now(), turn.attempt()), (SECOND, 2));
        turn.push("two").unwrap();
        turn.finish().unwrap();
    };
    let (answer, ()) = transport.block_on(async {
        let (answer, (), ()) = join3(receipt, leaves, takes_over).await;
        (answer, ())
    });
    assert_eq!(answer.unwrap().text(), "one two");
}

#[test]
fn who_waits_for_a_session_that_is_removed_is_told() {
    let (_transport, sessions) = sessions(SessionOptions::new());
    let session = sessions.create(key("a")).unwrap();
    let (running, waiting) = (session.send("1").unwrap(), session.send("2").unwrap());
    let begun = turn(&sessions).unwrap();
    sessions.remove(&key("a"));
    assert!(begun.interrupted().now_or_never().is_some());
    assert!(begun.push("late").is_err());
    for receipt in [running, waiting] {
        let error = receipt.now_or_never().unwrap().unwrap_err();
        assert_eq!(error.code(), "MOCKWIRE_STALE_HANDLE");
    }
    drop(begun);
    assert!(turn(&sessions).is_none());
}

#[test]
fn a_message_is_answered_also_when_nobody_waits_for_it() {
    let (_transport, sessions) = sessions(SessionOptions::new());
    let session = sessions.create(key("a")).unwrap();
    drop(session.send("forgotten").unwrap());
    let taken = turn(&sessions).unwrap();
    assert_eq!(texts(&taken), ["forgotten"]);
    taken.finish().unwrap();
}

#[test]
fn a_worker_without_messages_is_reported_as_stalled() {
    let transport = MockTransport::new();
    let sessions = Sessions::new(&transport, SessionOptions::new());
    let error = transport.try_block_on(sessions.next_turn()).unwrap_err();
    assert_eq!(error.code(), "MOCKWIRE_STALLED");
}

#[test]
fn a_rule_answers_from_a_session_of_the_request() {
    let transport = MockTransport::new();
    let sessions = Sessions::new(&transport, SessionOptions::new());
    let hosted = sessions.clone();
    transport
        .post("/threads/{thread}")
        .reply_async(move |request: Request| {
            let sessions = hosted.clone();
            async move {
                let key = key(request.param("thread").unwrap_or_default());
                let session = sessions.get_or_create(&key)?;
                let answer = session.send(request.text()?)?.await?;
                Ok::<_, mockwire::Error>(Reply::text(answer.text()))
            }
        });
    let worker = async {
        for _ in 0..3 {
            let turn = sessions.next_turn().await.unwrap();
            let count = turn.session().state().unwrap().request_count();
            turn.push(&format!("{count}: {}", turn.messages()[0].text()))
                .unwrap();
            turn.finish().unwrap();
        }
    };
    let client = async {
        let mut answers = Vec::new();
        for (thread, text) in [("a", "x"), ("a", "y"), ("b", "x")] {
            let call = transport.call(post(&format!("/threads/{thread}"), text));
            answers.push(call.await.unwrap().into_body().text().await.unwrap());
        }
        answers
    };
    let (answers, ()) = transport.block_on(join(client, worker));
    assert_eq!(answers, ["1: x", "2: y", "1: x"]);
    let duplicate = fetch(&transport, post("/threads/a", "y")).unwrap_err();
    assert_eq!(duplicate.code(), "MOCKWIRE_HANDLER_FAILED");
    transport.reset();
}

#[test]
fn a_predicate_asks_the_state_of_the_session_that_the_request_belongs_to() {
    let transport = MockTransport::new();
    let sessions = Sessions::new(&transport, SessionOptions::new());
    let session_of = |request: &Request, sessions: &Sessions| {
        let thread = request.header("x-thread").unwrap_or_default();
        let session = sessions.get_or_create(&key(thread)).unwrap();
        session.state().unwrap()
    };
    let hosted = sessions.clone();
    transport
        .post("/")
        .matching(move |request: &Request| !session_of(request, &hosted).has("greeted"))
        .reply_with({
            let hosted = sessions.clone();
            move |request: &Request| {
                session_of(request, &hosted).set("greeted", true);
                "welcome"
            }
        });
    transport.post("/").reply("again");
    let says = |thread| {
        let request = with_header(post("/", ()), "x-thread", thread);
        fetch(&transport, request).unwrap()
    };
    let said = [says("a"), says("a"), says("b"), says("a"), says("b")];
    assert_eq!(said, ["welcome", "again", "welcome", "again", "again"]);
    // The test can ask the state of one session as a condition.
    let state = sessions.get(&key("b")).unwrap().state().unwrap();
    transport
        .post("/farewell")
        .and(mockwire::state_is(&state, "greeted", true))
        .reply("bye");
    assert_eq!(fetch(&transport, post("/farewell", ())).unwrap(), "bye");
    transport.reset();
}

#[test]
fn a_turn_that_fails_answers_with_the_error_and_the_next_one_begins() {
    let (transport, sessions) = sessions(SessionOptions::new().batch(2));
    let session = sessions.create(key("a")).unwrap();
    let receipts: Vec<_> = ["a", "b", "c"].map(|it| session.send(it).unwrap()).into();
    let failed = turn(&sessions).unwrap();
    failed.push("lost").unwrap();
    failed.fail(mockwire::Fault::Timeout).unwrap();
    let next = turn(&sessions).unwrap();
    assert_eq!((texts(&next), next.attempt()), (vec!["c"], 1));
    next.finish().unwrap();
    let answers = transport.block_on(join_all(receipts));
    let codes: Vec<_> = answers
        .iter()
        .map(|it| it.as_ref().map_or_else(|it| it.code(), |_| "ok"))
        .collect();
    assert_eq!(codes, ["ETIMEDOUT", "ETIMEDOUT", "ok"]);
}
