//! One transport, many threads: nothing is lost, mixed up, counted twice or held up.
#![cfg(not(target_arch = "wasm32"))]

use std::collections::BTreeSet;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::task::{Context, Wake, Waker};

use futures::future::join_all;
use futures::{SinkExt, StreamExt};
use mockwire::sync::MockTransport;
use mockwire::{Content, Error, Outcome, Reply, Request, SequenceEnd};
use tokio::runtime::{Builder, Runtime};

/// More workers than most machines of a test have cores, so that tasks are also preempted.
fn runtime() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(8)
        .build()
        .unwrap()
}

fn get(path: &str) -> http::Request<Content> {
    let url = format!("https://api.test{path}");
    http::Request::get(url).body(().into()).unwrap()
}

fn post(path: &str, body: String) -> http::Request<Content> {
    let url = format!("https://api.test{path}");
    http::Request::post(url).body(body.into()).unwrap()
}

async fn fetch(
    transport: &MockTransport,
    request: http::Request<Content>,
) -> Result<String, Error> {
    transport.call(request).await?.into_body().text().await
}

/// Runs 64 tasks at once, and returns what each gave.
fn tasks<T: Send + 'static, F>(runtime: &Runtime, task: impl Fn(usize) -> F) -> Vec<T>
where
    F: Future<Output = T> + Send + 'static,
{
    let tasks: Vec<_> = (0..64).map(|n| runtime.spawn(task(n))).collect();
    let results = runtime.block_on(join_all(tasks));
    results.into_iter().map(Result::unwrap).collect()
}

#[test]
fn of_64_tasks_exactly_one_gets_the_only_turn() {
    // A lost update in counting the turns would let two win. That a single round hides such a race
    // is likely; that 10,000 rounds of 64 tasks on 8 workers do is not.
    const ROUNDS: usize = 10_000;
    let runtime = runtime();
    let mut losers = 0;
    for round in 0..ROUNDS {
        let transport = MockTransport::builder().allow_unmatched().build();
        let rule = transport.get("/").times(1).reply("won");
        let answers = tasks(&runtime, |_| {
            let transport = transport.clone();
            async move { transport.call(get("/")).await.map(drop) }
        });
        let won = answers.iter().filter(|answer| answer.is_ok()).count();
        assert_eq!(won, 1, "round {round}");
        assert_eq!(rule.calls(), 1);
        let unmatched =
            |answer: &&Result<(), Error>| answer.as_ref().is_err_and(Error::is_unmatched);
        losers += answers.iter().filter(unmatched).count();
    }
    // Negative control: the others did run, and lost.
    assert_eq!(losers, ROUNDS * 63);
}

#[test]
fn a_bound_is_exact_also_where_predicates_run_between_match_and_claim() {
    // Here all 64 tasks may match before any of them claims: who loses must go on to the next rule.
    let runtime = runtime();
    for _ in 0..200 {
        let transport = MockTransport::new();
        let first = transport
            .get("/")
            .matching(|_: &Request| {
                std::thread::yield_now();
                true
            })
            .times(10)
            .reply("first");
        let second = transport.get("/").reply("second");
        let answers = tasks(&runtime, |_| {
            let transport = transport.clone();
            async move { fetch(&transport, get("/")).await.unwrap() }
        });
        let firsts = answers.iter().filter(|answer| *answer == "first").count();
        assert_eq!((firsts, answers.len() - firsts), (10, 54));
        assert_eq!((first.calls(), second.calls()), (10, 54));
    }
}

#[test]
fn each_reply_of_a_sequence_is_given_once() {
    let runtime = runtime();
    for _ in 0..200 {
        let transport = MockTransport::new();
        let replies = (0..64).map(|n| n.to_string());
        transport
            .get("/")
            .reply_sequence(replies, SequenceEnd::Fail);
        let answers = tasks(&runtime, |_| {
            let transport = transport.clone();
            async move { fetch(&transport, get("/")).await.unwrap() }
        });
        let different: BTreeSet<_> = answers.iter().collect();
        assert_eq!(different.len(), 64);
    }
}

#[test]
fn a_scenario_is_moved_by_one_at_a_time() {
    let runtime = runtime();
    for _ in 0..200 {
        let transport = MockTransport::builder().allow_unmatched().build();
        transport
            .get("/")
            .in_scenario("door")
            .when_state("started")
            .then_state("shut")
            .reply("in");
        let answers = tasks(&runtime, |_| {
            let transport = transport.clone();
            async move { transport.call(get("/")).await.is_ok() }
        });
        assert_eq!(answers.into_iter().filter(|entered| *entered).count(), 1);
    }
}

#[test]
fn no_capture_is_lost_or_mixed_up() {
    const EACH: usize = 200;
    let runtime = runtime();
    let transport = MockTransport::new();
    transport
        .post("/{task}/{n}")
        .reply_with(|request: &Request| {
            Reply::text(format!("re {}", request.text().unwrap())).header("x-path", request.path())
        });
    tasks(&runtime, |task| {
        let transport = transport.clone();
        async move {
            for n in 0..EACH {
                let sent = post(&format!("/{task}/{n}"), format!("body {task} {n}"));
                let text = fetch(&transport, sent).await.unwrap();
                assert_eq!(text, format!("re body {task} {n}"));
            }
        }
    });
    let all = transport.requests();
    assert_eq!(all.len(), 64 * EACH);
    assert_eq!(transport.dropped_requests(), 0);
    let mut seen = BTreeSet::new();
    let mut next = [0; 64];
    for (index, captured) in all.iter().enumerate() {
        // Numbered without a gap, in the order in which they are listed.
        assert_eq!(captured.sequence, index as u64 + 1);
        // What belongs together is together: path, body, response and outcome.
        let path = captured.request.path();
        let (task, n) = path[1..].split_once('/').unwrap();
        let body = format!("body {task} {n}");
        assert_eq!(captured.request.text().unwrap(), body);
        let response = captured.response.as_ref().unwrap();
        assert_eq!(response.headers["x-path"], path);
        assert_eq!(captured.response_body, format!("re {body}"));
        assert_eq!(captured.outcome, Outcome::Done);
        assert_eq!(captured.delivered, captured.response_body.len() as u64);
        assert!(seen.insert(path.to_owned()));
        // One task's requests are in the order in which it made them.
        let (task, n): (usize, usize) = (task.parse().unwrap(), n.parse().unwrap());
        assert_eq!(n, next[task]);
        next[task] += 1;
    }
    assert_eq!(seen.len(), 64 * EACH);
    assert_eq!(transport.in_flight(), 0);
    transport.verify();
}

#[test]
fn unmatched_requests_are_counted_each_once() {
    let runtime = runtime();
    let transport = MockTransport::builder().max_requests(10).build();
    tasks(&runtime, |_| {
        let transport = transport.clone();
        async move {
            for _ in 0..20 {
                let error = transport.call(get("/nobody")).await.unwrap_err();
                assert!(error.is_unmatched());
            }
        }
    });
    let report = transport.try_verify().unwrap_err();
    assert_eq!(report.unmatched_count, 64 * 20);
    assert_eq!(transport.requests().len(), 10);
    assert_eq!(transport.dropped_requests(), 64 * 20 - 10);
}

#[test]
fn two_threads_never_get_each_others_reply() {
    // Streamed bodies, read frame by frame by many threads at once, each frame named after its call.
    let runtime = runtime();
    let transport = MockTransport::new();
    transport.get("/{n}").reply_with(|request: &Request| {
        let n = request.param("n").unwrap();
        Reply::stream((0..10).map(|frame| format!("{n}.{frame} ")))
    });
    tasks(&runtime, |task| {
        let transport = transport.clone();
        async move {
            for round in 0..50 {
                let n = task * 1000 + round;
                let text = fetch(&transport, get(&format!("/{n}"))).await.unwrap();
                let expected: String = (0..10).map(|frame| format!("{n}.{frame} ")).collect();
                assert_eq!(text, expected);
            }
        }
    });
    assert_eq!(transport.in_flight(), 0);
}

#[test]
fn held_requests_get_the_replies_that_they_were_given() {
    let runtime = runtime();
    let transport = MockTransport::new();
    let hold = Arc::new(transport.get("/{n}").hold());
    // Four tasks release what 64 callers wait for, in whatever order they get it.
    for _ in 0..4 {
        let hold = hold.clone();
        runtime.spawn(async move {
            while let Ok(held) = hold.next().await {
                let n = held.request().param("n").unwrap().to_owned();
                held.reply(n).unwrap();
            }
        });
    }
    tasks(&runtime, |task| {
        let transport = transport.clone();
        async move {
            for round in 0..100 {
                let n = (task * 1000 + round).to_string();
                let text = fetch(&transport, get(&format!("/{n}"))).await.unwrap();
                assert_eq!(text, n);
            }
        }
    });
    transport.dispose(); // ends the four
}

#[test]
fn a_blocked_handler_delays_no_other_request() {
    // The handler waits for the other requests to be answered. Were it under a lock that they need,
    // nobody could go on: the test would hang rather than fail by a clock.
    let transport = MockTransport::new();
    let (entered, blocked) = mpsc::channel::<()>();
    let (release, released) = mpsc::channel::<()>();
    let released = std::sync::Mutex::new(released);
    transport.get("/slow").reply_with(move |_: &Request| {
        entered.send(()).unwrap();
        released.lock().unwrap().recv().unwrap();
        "slow"
    });
    transport.get("/fast").reply("fast");
    transport
        .get("/handled")
        .reply_with(|_: &Request| "handled");
    let slow = {
        let transport = transport.clone();
        std::thread::spawn(move || futures::executor::block_on(fetch(&transport, get("/slow"))))
    };
    blocked.recv().unwrap();
    for _ in 0..100 {
        let fetched = futures::executor::block_on(fetch(&transport, get("/fast")));
        assert_eq!(fetched.unwrap(), "fast");
        let fetched = futures::executor::block_on(fetch(&transport, get("/handled")));
        assert_eq!(fetched.unwrap(), "handled");
    }
    // Rules, captures and verification are not held up either.
    transport.get("/new").reply("new").remove().unwrap();
    assert_eq!(transport.requests().len(), 201);
    assert_eq!(transport.in_flight(), 1);
    transport.verify();
    release.send(()).unwrap();
    assert_eq!(slow.join().unwrap().unwrap(), "slow");
}

#[test]
fn a_blocked_predicate_delays_no_other_request() {
    let transport = MockTransport::new();
    let (entered, blocked) = mpsc::channel::<()>();
    let (release, released) = mpsc::channel::<()>();
    let released = std::sync::Mutex::new(released);
    transport
        .get("/slow")
        .matching(move |_: &Request| {
            entered.send(()).unwrap();
            released.lock().unwrap().recv().unwrap();
            true
        })
        .reply("slow");
    transport.get("/fast").reply("fast");
    let slow = {
        let transport = transport.clone();
        std::thread::spawn(move || futures::executor::block_on(fetch(&transport, get("/slow"))))
    };
    blocked.recv().unwrap();
    for _ in 0..100 {
        let fetched = futures::executor::block_on(fetch(&transport, get("/fast")));
        assert_eq!(fetched.unwrap(), "fast");
    }
    release.send(()).unwrap();
    assert_eq!(slow.join().unwrap().unwrap(), "slow");
}

#[test]
fn one_handler_runs_on_many_threads_at_once() {
    // All of them meet inside the handler: a handler that ran one at a time would never let go.
    let meet = Arc::new(Barrier::new(4));
    let transport = MockTransport::new();
    transport.get("/").reply_with(move |_: &Request| {
        meet.wait();
        "met"
    });
    let callers: Vec<_> = (0..4)
        .map(|_| {
            let transport = transport.clone();
            std::thread::spawn(move || futures::executor::block_on(fetch(&transport, get("/"))))
        })
        .collect();
    for caller in callers {
        assert_eq!(caller.join().unwrap().unwrap(), "met");
    }
}

#[test]
fn a_handler_that_calls_its_own_transport_works_on_every_thread() {
    let runtime = runtime();
    let transport = MockTransport::new();
    let inner = transport.clone();
    transport
        .get("/sync/{n}")
        .reply_with(move |request: &Request| {
            let n = request.param("n").unwrap();
            futures::executor::block_on(fetch(&inner, get(&format!("/inner/{n}"))))
        });
    let inner = transport.clone();
    transport
        .get("/async/{n}")
        .reply_async(move |request: Request| {
            let inner = inner.clone();
            async move {
                let n = request.param("n").unwrap();
                fetch(&inner, get(&format!("/inner/{n}"))).await
            }
        });
    transport
        .get("/inner/{n}")
        .reply(Reply::template("inner {{param.n}}"));
    tasks(&runtime, |task| {
        let transport = transport.clone();
        async move {
            for way in ["sync", "async"] {
                let text = fetch(&transport, get(&format!("/{way}/{task}"))).await;
                assert_eq!(text.unwrap(), format!("inner {task}"));
            }
        }
    });
    assert_eq!(transport.requests().len(), 64 * 4);
    transport.dispose();
}

#[test]
fn ten_thousand_requests_are_in_flight_at_once() {
    const N: usize = 10_000;
    let runtime = runtime();
    let transport = MockTransport::new();
    let hold = transport.get("/{n}").hold();
    let callers: Vec<_> = (0..N)
        .map(|n| {
            let transport = transport.clone();
            runtime.spawn(async move { fetch(&transport, get(&format!("/{n}"))).await })
        })
        .collect();
    runtime.block_on(async {
        // Not one is released before the last has come: so all of them are in flight together.
        let mut all = Vec::new();
        while all.len() < N {
            all.push(hold.next().await.unwrap());
        }
        assert_eq!(transport.in_flight(), N);
        for held in all {
            let n = held.request().param("n").unwrap().to_owned();
            held.reply(n).unwrap();
        }
        for (n, caller) in callers.into_iter().enumerate() {
            assert_eq!(caller.await.unwrap().unwrap(), n.to_string());
        }
    });
    assert_eq!(transport.in_flight(), 0);
    assert_eq!(transport.requests().len(), N);
    let done = |captured: &mockwire::Captured| captured.outcome == Outcome::Done;
    assert!(transport.requests().iter().all(done));
}

#[test]
fn rules_come_and_go_while_requests_run() {
    let runtime = runtime();
    let transport = MockTransport::new();
    let stays = transport.get("/stays").reply("stays");
    tasks(&runtime, |task| {
        let transport = transport.clone();
        async move {
            for round in 0..50 {
                let path = format!("/{task}/{round}");
                let rule = transport.get(&path).once().reply(path.as_str());
                assert_eq!(fetch(&transport, get(&path)).await.unwrap(), path);
                assert_eq!(rule.calls(), 1);
                rule.remove().unwrap();
                assert_eq!(fetch(&transport, get("/stays")).await.unwrap(), "stays");
            }
        }
    });
    assert_eq!(stays.calls(), 64 * 50);
    transport.verify();
}

#[test]
fn cancelling_from_other_threads_loses_nothing() {
    let runtime = runtime();
    let transport = MockTransport::new();
    let _hold = transport.get("/").hold();
    let dropped = Arc::new(AtomicUsize::new(0));
    tasks(&runtime, |_| {
        let (transport, dropped) = (transport.clone(), dropped.clone());
        async move {
            for _ in 0..50 {
                let mut call = transport.call(get("/"));
                assert!(futures::poll!(&mut call).is_pending());
                let thread = tokio::task::spawn_blocking(move || drop(call));
                thread.await.unwrap();
                dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    assert_eq!(dropped.load(Ordering::Relaxed), 64 * 50);
    assert_eq!(transport.in_flight(), 0);
    let cancelled = |captured: &mockwire::Captured| captured.outcome == Outcome::Cancelled;
    assert_eq!(transport.requests().len(), 64 * 50);
    assert!(transport.requests().iter().all(cancelled));
}

#[test]
fn a_view_is_parsed_by_one_thread_and_seen_by_all() {
    // Many threads ask for the same view at once: all must get the very same value.
    for _ in 0..200 {
        let transport = MockTransport::new();
        transport.post("/").reply("ok");
        let sent = post("/", r#"{"a": [1, 2, 3]}"#.to_owned());
        futures::executor::block_on(fetch(&transport, sent)).unwrap();
        let request = transport.last_request().unwrap().request;
        let start = Barrier::new(4);
        let views: Vec<_> = std::thread::scope(|scope| {
            let ask = || {
                scope.spawn(|| {
                    start.wait();
                    request.json_value().unwrap()
                })
            };
            let threads: Vec<_> = (0..4).map(|_| ask()).collect();
            threads.into_iter().map(|it| it.join().unwrap()).collect()
        });
        assert!(views.iter().all(|view| Arc::ptr_eq(view, &views[0])));
    }
}

#[test]
fn sockets_of_many_threads_stay_apart() {
    const ROUNDS: usize = 5;
    let runtime = runtime();
    let transport = MockTransport::new();
    let endpoint = transport.websocket("wss://api.test/{n}").accept_by_hand();
    let endpoint = Arc::new(endpoint);
    let accepting = endpoint.clone();
    let serving = runtime.spawn(async move {
        for _ in 0..64 * ROUNDS {
            let mut server = accepting.next().await.unwrap();
            tokio::spawn(async move {
                let n = server.request().param("n").unwrap().to_owned();
                while let Some(Ok(message)) = server.next().await {
                    if let Some(text) = message.as_text() {
                        let answer = format!("{n} got {text}").into();
                        server.send(answer).await.unwrap();
                    }
                }
            });
        }
    });
    tasks(&runtime, |n| {
        let transport = transport.clone();
        async move {
            for _ in 0..ROUNDS {
                let request = http::Request::get(format!("wss://api.test/{n}"));
                let connect = transport.connect(request.body(()).unwrap());
                let (mut sink, mut stream) = connect.await.unwrap().split();
                // More than the queue holds, so that both ends wait for each other.
                let sending = async {
                    for message in 0..100 {
                        sink.send(message.to_string().into()).await.unwrap();
                    }
                    sink.close().await.unwrap();
                };
                let reading = async {
                    for message in 0..100 {
                        let got = stream.next().await.unwrap().unwrap();
                        let expected = format!("{n} got {message}");
                        assert_eq!(got.as_text(), Some(expected.as_str()));
                    }
                    assert!(stream.next().await.unwrap().unwrap().is_close());
                    assert!(stream.next().await.is_none());
                };
                futures::join!(sending, reading);
            }
        }
    });
    runtime.block_on(serving).unwrap();
    assert_eq!(endpoint.rule().calls(), 64 * ROUNDS as u64);
    assert_eq!(transport.in_flight(), 0);
    let done = |captured: &mockwire::Captured| captured.outcome == Outcome::Done;
    assert!(transport.requests().iter().all(done));
}

#[test]
fn a_handler_goes_on_for_whoever_still_polls() {
    let runtime = runtime();
    // Time stands still: the handler's deadline is not what this is about.
    let transport = MockTransport::builder()
        .timing(mockwire::Timing::Manual)
        .build();
    transport.get("/go").reply("ok");
    let clock = transport.clone();
    let handler = move |mut socket: mockwire::sync::ServerSocket| {
        let clock = clock.clone();
        async move {
            socket.next().await.unwrap()?;
            // Polled by who writes; what it waits for comes when only the reader is left.
            let go = clock.wait_for_requests(1).matching(mockwire::get("/go"));
            go.await?;
            socket.send("gone".into()).await
        }
    };
    transport.websocket("wss://api.test/").accept_with(handler);
    let got = runtime.block_on(async {
        let request = http::Request::get("wss://api.test/").body(()).unwrap();
        let (mut sink, mut stream) = transport.connect(request).await.unwrap().split();
        let reading = tokio::spawn(async move { stream.next().await });
        let writing = tokio::spawn(async move {
            sink.send("x".into()).await.unwrap();
            sink
        });
        let _sink = writing.await.unwrap();
        fetch(&transport, get("/go")).await.unwrap();
        reading.await.unwrap()
    });
    let text = got.unwrap().unwrap();
    assert_eq!(text.as_text(), Some("gone"));
}

#[test]
fn a_state_loses_no_change_that_64_tasks_make_at_once() {
    let runtime = runtime();
    let transport = MockTransport::new();
    let state = transport.state();
    let handled = state.clone();
    transport.get("/").reply_with(move |_: &Request| {
        let next = |turn: Option<&serde_json::Value>| {
            let turn = turn.and_then(serde_json::Value::as_u64).unwrap_or(0);
            std::thread::yield_now();
            turn + 1
        };
        handled.update_typed(|n: Option<&u64>| n.map_or(1, |n| n + 1));
        handled.update("turn", next).to_string()
    });
    const ROUNDS: usize = 100;
    let answers = tasks(&runtime, |_| {
        let transport = transport.clone();
        async move {
            let mut turns = Vec::new();
            for _ in 0..ROUNDS {
                turns.push(fetch(&transport, get("/")).await.unwrap());
            }
            turns
        }
    });
    // Each turn was given to one of them.
    let turns: BTreeSet<_> = answers.iter().flatten().collect();
    assert_eq!(turns.len(), 64 * ROUNDS);
    assert_eq!(state.get_as("turn").unwrap(), Some(64 * ROUNDS));
    assert_eq!(state.typed::<u64>(), Some(6400));
    assert_eq!(state.request_count(), 6400);
}

#[test]
fn of_100_that_miss_a_value_at_once_one_fetches_it() {
    use mockwire::state::{Cache, CacheLimits};
    const ROUNDS: usize = 300;
    let runtime = runtime();
    let transport = MockTransport::new();
    // Room for one, so that each round's value drives the last one's out.
    let cache = Cache::new(&transport, CacheLimits::new().entries(1));
    let fetches = Arc::new(AtomicUsize::new(0));
    for round in 0..ROUNDS {
        let tasks: Vec<_> = (0..100)
            .map(|n| {
                let (cache, fetches) = (cache.clone(), fetches.clone());
                runtime.spawn(async move {
                    let fetch = || async move {
                        fetches.fetch_add(1, Ordering::Relaxed);
                        tokio::task::yield_now().await;
                        // Every other round the first fetch of all fails or is dropped.
                        Ok::<_, ()>(format!("{round}"))
                    };
                    if round % 2 == 1 && n == 0 {
                        let fails = || async { Err(()) };
                        let _ = cache.get_or_fetch(&format!("{round}"), fails).await;
                    }
                    cache.get_or_fetch(&format!("{round}"), fetch).await
                })
            })
            .collect();
        let values = runtime.block_on(join_all(tasks));
        for value in values {
            assert_eq!(value.unwrap(), Ok(round.to_string()));
        }
    }
    assert_eq!(fetches.load(Ordering::Relaxed), ROUNDS);
    assert_eq!(cache.len(), 1);
}

/// A waker that panics.
struct Panicking;

impl Wake for Panicking {
    fn wake(self: Arc<Self>) {
        panic!("a panic on purpose");
    }
}

#[test]
fn a_waker_that_panics_keeps_nobody_else_from_being_woken() {
    let transport = MockTransport::new();
    let hold = transport.get("/").hold();
    let (woken, waker) = counting();
    let panicking = || Waker::from(Arc::new(Panicking));
    for waker in [&panicking(), &waker, &panicking()] {
        let polled = pin!(hold.next()).poll(&mut Context::from_waker(waker));
        assert!(polled.is_pending());
    }
    let mut call = Box::pin(transport.call(get("/")));
    let polled = catch_unwind(AssertUnwindSafe(|| {
        call.as_mut().poll(&mut Context::from_waker(&waker))
    }));
    assert!(polled.is_err(), "whoever wakes gets the panic");
    assert_eq!(woken.load(Ordering::Relaxed), 1);
    // The transport goes on, and knows that the call has gone.
    drop(call);
    assert_eq!(transport.in_flight(), 0);
    let answer = async { hold.next().await?.reply("ok") };
    let calls = futures::future::join(transport.call(get("/")), answer);
    let (response, replied) = transport.block_on(calls);
    replied.unwrap();
    assert_eq!(response.unwrap().status(), 200);
}

/// A waker that counts.
fn counting() -> (Arc<AtomicUsize>, Waker) {
    struct Counting(Arc<AtomicUsize>);
    impl Wake for Counting {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let woken = Arc::new(AtomicUsize::new(0));
    (woken.clone(), Waker::from(Arc::new(Counting(woken))))
}
