//! Sessions under threads: the limit holds, and no message is lost, answered twice or out of order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;

use futures::future::join_all;
use mockwire::state::{Burst, SessionKey, SessionOptions};
use mockwire::sync::MockTransport;
use mockwire::{Error, Threaded};
use proptest::prelude::*;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

type Sessions = mockwire::state::Sessions<Threaded>;

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        cases,
        ..ProptestConfig::default()
    }
}

fn key(n: usize) -> SessionKey {
    SessionKey::new().thread(&n.to_string())
}

/// What a thread does, one after the other.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Creates the session of this number.
    Create(usize),
    /// Reserves, lets others go on, and then creates.
    CreateReserved(usize),
    /// Reserves, lets others go on, and gives the place back.
    GiveBack,
    /// Removes the session of this number.
    Remove(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (0..12_usize).prop_map(Step::Create),
        (0..12_usize).prop_map(Step::CreateReserved),
        Just(Step::GiveBack),
        (0..12_usize).prop_map(Step::Remove),
    ];
    prop::collection::vec(step, 1..60)
}

/// Counts the places that are surely taken: after one is, and until just before it is given back.
#[derive(Default)]
struct Taken {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Taken {
    fn take(&self) {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
    }

    fn give(&self) {
        self.now.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Runs the plan of each thread at once.
fn at_once<T: Sync>(plans: &[T], run: impl Fn(&T) + Sync) {
    let barrier = Barrier::new(plans.len());
    std::thread::scope(|scope| {
        for plan in plans {
            let (barrier, run) = (&barrier, &run);
            scope.spawn(move || {
                barrier.wait();
                run(plan);
            });
        }
    });
}

proptest! {
    #![proptest_config(config(256))]

    #[test]
    fn the_limit_is_never_exceeded_and_no_place_is_lost(
        limit in 1..6_usize,
        plans in prop::collection::vec(steps(), 8),
    ) {
        let transport = MockTransport::new();
        let sessions = Sessions::new(&transport, SessionOptions::new().limit(limit));
        let taken = Taken::default();
        at_once(&plans, |plan| {
            for step in plan {
                match *step {
                    Step::Create(n) => {
                        let _ = sessions.create(key(n));
                        assert!(sessions.len() <= limit);
                    }
                    Step::CreateReserved(n) => {
                        let Ok(place) = sessions.reserve() else { continue };
                        taken.take();
                        std::thread::yield_now();
                        taken.give();
                        let _ = place.create(key(n));
                    }
                    Step::GiveBack => {
                        let Ok(place) = sessions.reserve() else { continue };
                        taken.take();
                        std::thread::yield_now();
                        taken.give();
                        drop(place);
                    }
                    Step::Remove(n) => {
                        sessions.remove(&key(n));
                    }
                }
            }
        });
        prop_assert!(taken.most.load(Ordering::SeqCst) <= limit);
        // Every place is either a session's or free.
        let len = sessions.list().len();
        prop_assert_eq!(sessions.available(), limit - len);
        let places: Vec<_> = (len..limit).map(|_| sessions.reserve().unwrap()).collect();
        prop_assert!(sessions.reserve().is_err());
        drop(places);
    }

    #[test]
    fn of_threads_that_create_one_session_at_once_exactly_one_does(limit in 1..4_usize) {
        let transport = MockTransport::new();
        let sessions = Sessions::new(&transport, SessionOptions::new().limit(limit));
        let created = AtomicUsize::new(0);
        at_once(&[(); 8], |()| {
            if sessions.create(key(1)).is_ok() {
                created.fetch_add(1, Ordering::SeqCst);
            }
        });
        prop_assert_eq!(created.load(Ordering::SeqCst), 1);
        prop_assert_eq!(sessions.available(), limit - 1);
    }
}

#[test]
fn to_look_for_a_place_and_then_to_take_it_does_exceed_the_limit() {
    // The control of the count above: it notices a limit that is checked before it is taken.
    let taken = Taken::default();
    let looked = Barrier::new(8);
    at_once(&[(); 8], |()| {
        let is_free = taken.now.load(Ordering::SeqCst) < 3;
        looked.wait();
        if is_free {
            taken.take();
        }
    });
    assert!(taken.most.load(Ordering::SeqCst) > 3);
}

fn runtime() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(8)
        .enable_time()
        .build()
        .unwrap()
}

/// Far more than a run takes on any machine: it does not measure, it ends a wait in vain.
const PATIENCE: Duration = Duration::from_secs(60);

const SESSIONS: usize = 5;
const SENDERS: usize = 8;
const MESSAGES: usize = 40;

/// What came of a run: for each session, the texts in the order in which they were answered.
#[derive(Default)]
struct Finished(Mutex<BTreeMap<String, Vec<String>>>);

/// Takes turns for ever: finishes most, and goes away from some.
async fn work(sessions: Sessions, finished: Arc<Finished>, busy: Option<Arc<[AtomicBool]>>) {
    for n in 0_usize.. {
        let turn = sessions.next_turn().await.unwrap();
        let Ok(key) = turn.session().key() else {
            continue;
        };
        let name = key.to_string();
        let texts: Vec<_> = turn
            .messages()
            .iter()
            .map(|it| it.text().to_owned())
            .collect();
        let at: usize = name.trim_matches('/').parse().unwrap();
        if let Some(busy) = &busy {
            assert!(
                !busy[at].swap(true, Ordering::SeqCst),
                "two turns of one session"
            );
        }
        tokio::task::yield_now().await;
        let pushed = texts
            .iter()
            .all(|text| turn.push(&format!("{text} ")).is_ok());
        if let Some(busy) = &busy {
            busy[at].store(false, Ordering::SeqCst);
        }
        if n % 7 == 3 {
            continue; // dropped
        }
        // Locked first, so that what is finished is noted in the order in which it was.
        let mut finished = finished.0.lock().unwrap();
        if turn.finish().is_ok() {
            assert!(pushed, "what is finished took all of its output");
            finished.entry(name).or_default().extend(texts);
        }
    }
}

/// An answer in full, or in part.
type Answered = Result<String, String>;

/// All senders send all of their messages; each answer.
fn send_all(
    runtime: &Runtime,
    sessions: &Sessions,
    chaos: bool,
    busy: Option<Arc<[AtomicBool]>>,
) -> (Vec<(String, Answered)>, Arc<Finished>) {
    let finished = Arc::new(Finished::default());
    let workers: Vec<_> = (0..4)
        .map(|_| runtime.spawn(work(sessions.clone(), finished.clone(), busy.clone())))
        .collect();
    let killer = chaos.then(|| {
        let sessions = sessions.clone();
        runtime.spawn(async move {
            for _ in 0..50 {
                sessions.kill();
                tokio::task::yield_now().await;
                sessions.restart();
                for _ in 0..5 {
                    tokio::task::yield_now().await;
                }
            }
        })
    });
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let sessions = sessions.clone();
            runtime.spawn(async move {
                let mut receipts = Vec::new();
                for n in 0..MESSAGES {
                    let session = sessions
                        .get_or_create(&key((sender + n) % SESSIONS))
                        .unwrap();
                    let text = format!("{sender}.{n:03}");
                    receipts.push((text.clone(), session.send(text).unwrap()));
                    tokio::task::yield_now().await;
                }
                let answers = receipts.into_iter().map(|(text, receipt)| async {
                    let answer = receipt.await.unwrap();
                    let output = answer.text();
                    (
                        text,
                        if answer.is_partial {
                            Err(output)
                        } else {
                            Ok(output)
                        },
                    )
                });
                join_all(answers).await
            })
        })
        .collect();
    // Made in the runtime, as it takes the runtime's clock.
    let answered = runtime.block_on(async { timeout(PATIENCE, join_all(senders)).await });
    let answers = answered.expect("a message was lost, or a worker has failed");
    for worker in workers {
        worker.abort();
        if let Err(error) = runtime.block_on(worker) {
            assert!(error.is_cancelled(), "{error}");
        }
    }
    if let Some(killer) = killer {
        runtime.block_on(killer).unwrap();
    }
    (
        answers.into_iter().flat_map(Result::unwrap).collect(),
        finished,
    )
}

/// Each message was answered once, and those of one sender to one session in their order.
fn assert_each_once_in_order(finished: &Finished, wanted: &BTreeSet<String>) {
    let finished = finished.0.lock().unwrap();
    let texts: Vec<_> = finished.values().flatten().cloned().collect();
    let different: BTreeSet<_> = texts.iter().cloned().collect();
    assert_eq!(texts.len(), different.len(), "one was answered twice");
    assert_eq!(&different, wanted, "one was lost");
    for of_session in finished.values() {
        for sender in 0..SENDERS {
            let mine = of_session
                .iter()
                .filter(|it| it.starts_with(&format!("{sender}.")));
            assert!(mine.is_sorted(), "{of_session:?}");
        }
    }
}

#[test]
fn under_threads_each_message_is_answered_once_and_in_order() {
    let runtime = runtime();
    for batch in [1, 3, 1, 3] {
        let transport = MockTransport::new();
        let sessions = Sessions::new(&transport, SessionOptions::new().batch(batch));
        let busy: Arc<[AtomicBool]> = (0..SESSIONS).map(|_| AtomicBool::default()).collect();
        let (answers, finished) = send_all(&runtime, &sessions, false, Some(busy));
        assert_eq!(answers.len(), SENDERS * MESSAGES);
        for (text, answer) in &answers {
            let answer = answer.as_ref().expect("nothing pre-empts");
            assert!(answer.contains(text), "{text} was answered with {answer}");
        }
        let all = answers.into_iter().map(|it| it.0).collect();
        assert_each_once_in_order(&finished, &all);
        assert!(
            sessions
                .list()
                .iter()
                .all(|it| it.waiting + it.running == 0)
        );
    }
}

#[test]
fn kills_and_restarts_lose_no_message_and_answer_none_twice() {
    let runtime = runtime();
    for batch in [1, 3, 1, 3] {
        let transport = MockTransport::new();
        let sessions = Sessions::new(&transport, SessionOptions::new().batch(batch));
        let (answers, finished) = send_all(&runtime, &sessions, true, None);
        for (text, answer) in &answers {
            let answer = answer.as_ref().expect("nothing pre-empts");
            assert!(answer.contains(text), "{text} was answered with {answer}");
        }
        let all = answers.into_iter().map(|it| it.0).collect();
        assert_each_once_in_order(&finished, &all);
    }
}

#[test]
fn under_preemption_each_message_is_answered_once_in_full_or_in_part() {
    let runtime = runtime();
    let options = SessionOptions::new().burst(Burst::Preempt);
    for _ in 0..4 {
        let transport = MockTransport::new();
        let sessions = Sessions::new(&transport, options);
        let (answers, finished) = send_all(&runtime, &sessions, false, None);
        assert_eq!(answers.len(), SENDERS * MESSAGES);
        let in_full = answers.iter().filter(|(_, answer)| answer.is_ok());
        let in_full: BTreeSet<_> = in_full.map(|(text, _)| text.clone()).collect();
        // The last message of each session is pre-empted by none.
        assert!(in_full.len() >= SESSIONS);
        assert_each_once_in_order(&finished, &in_full);
    }
}

#[test]
fn a_message_sent_by_many_at_once_is_taken_in_once() {
    let transport = MockTransport::new();
    for _ in 0..200 {
        let sessions = Sessions::new(&transport, SessionOptions::new());
        let session = sessions.create(key(1)).unwrap();
        let results = Mutex::new(Vec::new());
        at_once(&[(); 8], |()| {
            let result = session.send("the same").map(drop);
            results.lock().unwrap().push(result);
        });
        let results = results.into_inner().unwrap();
        let refused = results.iter().filter_map(|it| it.as_ref().err());
        assert!(
            refused
                .clone()
                .all(|it| it.code() == "MOCKWIRE_DUPLICATE_MESSAGE")
        );
        assert_eq!(refused.map(Error::code).count(), 7);
        assert_eq!(session.info().unwrap().waiting, 1);
    }
}
