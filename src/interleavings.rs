//! What holds however threads interleave: the engine itself on the locks of a model checker, which
//! chooses the order of every lock and every wake, and reports a thread that nobody wakes.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use shuttle::future::block_on;
use shuttle::sync::atomic::{AtomicUsize, Ordering};
use shuttle::thread;

use crate::mode::modelled::Modelled;
use crate::{Builder, Completion, Error, Priority, Reply, RequestQueue, Stop};

type MockTransport = crate::MockTransport<Modelled>;

/// Runs the closure under many interleavings: some at random, some that are chosen to find rare
/// races (probabilistic concurrency testing).
fn explore(threads: impl Fn() + Send + Sync + 'static) {
    let threads = Arc::new(threads);
    let random = threads.clone();
    shuttle::check_random(move || random(), 1000);
    shuttle::check_pct(move || threads(), 1000, 3);
}

fn get(host: &str) -> http::Request<()> {
    let url = format!("https://{host}.test/");
    http::Request::get(url).body(()).unwrap()
}

fn transport(options: Builder<Modelled>) -> MockTransport {
    let transport = options.build();
    transport.otherwise().reply(Reply::text("ok"));
    transport
}

/// How many are inside at once, as the clients see it.
#[derive(Clone, Default)]
struct Inside(Arc<AtomicUsize>);

impl Inside {
    fn enter(&self, limit: usize) {
        let before = self.0.fetch_add(1, Ordering::SeqCst);
        assert!(before < limit, "{before} others are inside");
    }

    fn leave(&self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Makes a request, and reads its reply while others may try to get in.
async fn fetch(
    transport: MockTransport,
    host: &'static str,
    inside: Inside,
    limit: usize,
) -> Result<(), Error> {
    let response = transport.call(get(host)).await?;
    inside.enter(limit);
    thread::yield_now();
    inside.leave();
    response.into_body().bytes().await.map(drop)
}

/// Polls a future once, and drops it.
fn give_up(future: impl Future) {
    let mut context = Context::from_waker(Waker::noop());
    let polled = pin!(future).poll(&mut context);
    if polled.is_pending() {
        thread::yield_now();
    }
}

fn assert_all_free(transport: &MockTransport) {
    let seen = transport.concurrency().unwrap();
    assert_eq!((seen.in_flight, seen.waiting), (0, 0), "{seen:?}");
    let free = |it: &crate::KeyConcurrency| (it.in_flight, it.waiting) == (0, 0);
    assert!(seen.keys.iter().all(free), "{seen:?}");
    assert_eq!(transport.in_flight(), 0);
}

#[test]
fn everybody_gets_in_and_never_more_than_the_limit() {
    for limit in [1, 2] {
        explore(move || {
            let transport = transport(MockTransport::builder().max_concurrent(limit));
            let inside = Inside::default();
            let clients = [(); 4].map(|()| {
                let fetch = fetch(transport.clone(), "a", inside.clone(), limit);
                thread::spawn(move || block_on(fetch))
            });
            for client in clients {
                client.join().unwrap().unwrap();
            }
            assert!(transport.concurrency().unwrap().peak <= limit);
            assert_all_free(&transport);
        });
    }
}

#[test]
fn limits_on_hosts_and_on_the_whole_together_let_everybody_in() {
    explore(|| {
        let options = MockTransport::builder()
            .max_concurrent(2)
            .max_concurrent_per_host(1);
        let transport = transport(options);
        let (a, b) = (Inside::default(), Inside::default());
        let clients = [("a", &a), ("b", &b), ("a", &a), ("b", &b)].map(|(host, inside)| {
            let fetch = fetch(transport.clone(), host, inside.clone(), 1);
            thread::spawn(move || block_on(fetch))
        });
        for client in clients {
            client.join().unwrap().unwrap();
        }
        assert_all_free(&transport);
    });
}

#[test]
fn who_gives_up_while_it_waits_or_is_just_admitted_leaves_the_way_free() {
    explore(|| {
        let transport = transport(MockTransport::builder().max_concurrent(1));
        let inside = Inside::default();
        let clients = [(); 2].map(|()| {
            let fetch = fetch(transport.clone(), "a", inside.clone(), 1);
            thread::spawn(move || block_on(fetch))
        });
        let leavers = [(); 2].map(|()| {
            let transport = transport.clone();
            thread::spawn(move || give_up(transport.call(get("a"))))
        });
        for leaver in leavers {
            leaver.join().unwrap();
        }
        for client in clients {
            client.join().unwrap().unwrap();
        }
        assert_all_free(&transport);
    });
}

#[test]
fn disposing_with_waiters_ends_them_all_and_frees_everything() {
    explore(|| {
        let transport = transport(MockTransport::builder().max_concurrent(1));
        let clients = [(); 3].map(|()| {
            let fetch = fetch(transport.clone(), "a", Inside::default(), 1);
            thread::spawn(move || block_on(fetch))
        });
        let disposer = transport.clone();
        thread::spawn(move || disposer.dispose()).join().unwrap();
        for client in clients {
            if let Err(error) = client.join().unwrap() {
                assert_eq!(error.code(), "MOCKWIRE_DISPOSED");
            }
        }
        assert_all_free(&transport);
    });
}

#[test]
fn every_item_of_a_queue_ends_once_however_workers_and_cancellation_interleave() {
    for how in [Stop::Drain, Stop::Cancel] {
        explore(move || {
            let transport = MockTransport::new();
            let queue = RequestQueue::<usize, Modelled>::new(&transport, 2);
            let worked = [(); 4].map(|()| Arc::new(AtomicUsize::new(0)));
            let inside = Inside::default();
            let workers = [(); 3].map(|()| {
                let (queue, worked, inside) = (queue.clone(), worked.clone(), inside.clone());
                thread::spawn(move || {
                    block_on(async {
                        while let Some((item, running)) = queue.next().await {
                            inside.enter(2);
                            worked[item].fetch_add(1, Ordering::SeqCst);
                            inside.leave();
                            running.done();
                        }
                    });
                })
            });
            let push = |item| queue.push(item, Priority::ALL[item]).unwrap();
            let tickets = [0, 1, 2, 3].map(push);
            // Cancelled, or taken by a worker: one of the two.
            let cancelled = tickets[0].cancel();
            let stopper = queue.clone();
            let stopper = thread::spawn(move || stopper.stop(how));
            for (item, ticket) in tickets.into_iter().enumerate() {
                let times = match block_on(ticket) {
                    Completion::Cancelled => 0,
                    Completion::Done => 1,
                };
                assert_eq!(worked[item].load(Ordering::SeqCst), times, "item {item}");
            }
            assert!(cancelled.is_none() || worked[0].load(Ordering::SeqCst) == 0);
            stopper.join().unwrap();
            for worker in workers {
                worker.join().unwrap();
            }
            let status = queue.status();
            assert_eq!((status.waiting, status.running), (0, 0));
            assert_eq!(status.done + status.cancelled, 4);
        });
    }
}
