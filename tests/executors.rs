//! The transport on every executor: it needs none of its own, and waits for no clock.
#![cfg(not(target_arch = "wasm32"))]

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use futures::StreamExt;
use futures::executor::LocalPool;
use futures::future::join;
use futures::task::{LocalSpawnExt, SpawnExt};
use mockwire::{Error, ErrorKind, MockTransport, Mode, Reply, Request};

const HOUR: Duration = Duration::from_secs(3600);

fn get(path: &str) -> http::Request<()> {
    let url = format!("https://api.test{path}");
    http::Request::get(url).body(()).unwrap()
}

fn threaded() -> MockTransport<mockwire::Threaded> {
    let transport = MockTransport::new();
    transport.get("/text").reply("text");
    transport
        .get("/stream")
        .reply(Reply::stream(["a", "b", "c"]));
    transport.get("/async").reply_async(|_: Request| async {
        yield_now().await;
        "async"
    });
    transport
}

fn local() -> MockTransport<mockwire::Local> {
    let transport = MockTransport::new();
    transport.get("/text").reply("text");
    transport
        .get("/stream")
        .reply(Reply::stream(["a", "b", "c"]));
    // A handler that no threaded transport would take.
    let calls = Rc::new(RefCell::new(0));
    transport.get("/async").reply_async(move |_: Request| {
        let calls = calls.clone();
        async move {
            yield_now().await;
            *calls.borrow_mut() += 1;
            "async"
        }
    });
    transport
}

/// Gives way once to whatever else there is to do.
async fn yield_now() {
    let mut yielded = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return std::task::Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

/// What every executor must manage: a body, a stream, a handler that yields, a held reply, and a
/// deadline.
async fn everything<M: Mode>(transport: MockTransport<M>) -> Result<(), Error> {
    let text = async |path: &str| transport.call(get(path)).await?.into_body().text().await;
    assert_eq!(text("/text").await?, "text");
    assert_eq!(text("/async").await?, "async");

    let body = transport.call(get("/stream")).await?.into_body();
    let frames: Vec<_> = body.map(Result::unwrap).collect().await;
    assert_eq!(frames, ["a", "b", "c"]);

    let hold = transport.get("/held").hold();
    let test = async {
        let held = hold.next().await?;
        yield_now().await;
        held.reply("held")
    };
    let (held, replied) = join(text("/held"), test).await;
    replied?;
    assert_eq!(held?, "held");

    let call = async {
        yield_now().await;
        text("/text").await
    };
    let wait = transport
        .wait_for_requests(2)
        .matching(mockwire::get("/text"));
    let (found, _) = join(wait, call).await;
    assert_eq!(found?.len(), 2);
    assert_eq!(transport.now(), Duration::ZERO);

    // An hour of the transport's time passes. That the test ends is the proof that none of it was
    // waited for.
    let wait = transport
        .wait_for_requests(1)
        .matching(mockwire::get("/never"));
    let error = wait.within(HOUR).await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::TimedOut { .. }),
        "{error}"
    );
    assert_eq!(transport.now(), HOUR);
    assert_eq!(transport.in_flight(), 0);
    Ok(())
}

#[test]
fn everything_works_under_its_own_block_on() {
    let transport = threaded();
    transport.block_on(everything(transport.clone())).unwrap();
    let transport = local();
    transport.block_on(everything(transport.clone())).unwrap();
}

#[test]
fn everything_works_under_block_on_of_futures() {
    futures::executor::block_on(everything(threaded())).unwrap();
    futures::executor::block_on(everything(local())).unwrap();
}

#[test]
fn everything_works_in_a_local_pool_of_futures() {
    let mut pool = LocalPool::new();
    let spawner = pool.spawner();
    let local = spawner
        .spawn_local_with_handle(everything(local()))
        .unwrap();
    let threaded = spawner.spawn_with_handle(everything(threaded())).unwrap();
    let (local, threaded) = pool.run_until(join(local, threaded));
    local.and(threaded).unwrap();
}

#[test]
fn everything_works_under_tokio_on_the_current_thread() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(everything(local())).unwrap();
    let task = runtime.spawn(everything(threaded()));
    runtime.block_on(task).unwrap().unwrap();
    let set = tokio::task::LocalSet::new();
    let task = set.spawn_local(everything(local()));
    set.block_on(&runtime, task).unwrap().unwrap();
}

#[test]
fn everything_works_under_tokio_on_many_threads() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .build()
        .unwrap();
    let tasks: Vec<_> = (0..8)
        .map(|_| runtime.spawn(everything(threaded())))
        .collect();
    for task in tasks {
        runtime.block_on(task).unwrap().unwrap();
    }
    runtime.block_on(everything(local())).unwrap();
}

#[test]
fn everything_works_under_smol() {
    smol::block_on(everything(local())).unwrap();
    smol::block_on(smol::spawn(everything(threaded()))).unwrap();
    let executor = smol::LocalExecutor::new();
    let task = executor.spawn(everything(local()));
    smol::block_on(executor.run(task)).unwrap();
}

#[test]
fn a_wait_gives_other_tasks_the_time_they_need() {
    // On an executor that is not its own a wait cannot know that everything has settled: it yields
    // until nothing has happened for many rounds. A task that gives way twenty times before it makes
    // its request is well within that; one that never makes it is what ends the wait.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let transport = threaded();
    let task = {
        let transport = transport.clone();
        async move {
            for _ in 0..20 {
                yield_now().await;
            }
            transport.call(get("/text")).await.map(drop)
        }
    };
    runtime.block_on(async {
        let task = tokio::spawn(task);
        let found = transport.wait_for_requests(1).await.unwrap();
        assert_eq!(found.len(), 1);
        task.await.unwrap().unwrap();
    });
    assert_eq!(transport.now(), Duration::ZERO);
}

#[test]
fn a_wait_wakes_a_task_on_another_thread() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    // Manual time: no idle round may end this wait, only the request can.
    let transport = MockTransport::<mockwire::Threaded>::builder()
        .timing(mockwire::Timing::Manual)
        .build();
    transport.get("/text").reply("text");
    let waiting = runtime.spawn(transport.wait_for_requests(100));
    for _ in 0..100 {
        futures::executor::block_on(transport.call(get("/text"))).unwrap();
    }
    assert_eq!(runtime.block_on(waiting).unwrap().unwrap().len(), 100);
}

#[test]
fn a_future_that_can_never_complete_is_reported_with_what_it_waits_for() {
    let transport = threaded();
    let _hold = transport.get("/held/{n}").hold();
    let calls = join(
        transport.call(get("/held/1")),
        transport.call(get("/held/2")),
    );
    let error = transport.try_block_on(calls).err().unwrap();
    assert!(matches!(error.kind(), ErrorKind::Stalled { .. }));
    let text = error.to_string();
    assert!(text.contains("#1 GET https://api.test/held/1"), "{text}");
    assert!(text.contains("#2 GET https://api.test/held/2"), "{text}");
    // What has nothing to do with the transport is reported as such.
    let error = transport.try_block_on(std::future::pending::<()>());
    let text = error.unwrap_err().to_string();
    assert!(text.contains("not this transport"), "{text}");
    // Negative control: it goes on working.
    transport.block_on(transport.call(get("/text"))).unwrap();
}

#[test]
fn a_future_that_wakes_itself_is_not_stalled() {
    let transport = threaded();
    let value = transport.block_on(async {
        for _ in 0..1000 {
            yield_now().await;
        }
        7
    });
    assert_eq!(value, 7);
    assert_eq!(transport.now(), Duration::ZERO);
}

#[test]
fn block_on_may_be_nested() {
    let transport = threaded();
    let text = transport.block_on(async {
        let inner = transport.call(get("/text"));
        transport.block_on(async { inner.await?.into_body().text().await })
    });
    assert_eq!(text.unwrap(), "text");
}

#[test]
fn time_steps_only_when_nothing_else_can_happen() {
    // Two waits and a task that is always ready: the waits must not end before the task does.
    let transport = threaded();
    let short = transport.wait_for_requests(1).within(HOUR / 2);
    let long = transport.wait_for_requests(1).within(HOUR);
    let busy = async {
        for _ in 0..1000 {
            yield_now().await;
            assert_eq!(transport.now(), Duration::ZERO);
        }
    };
    let (short, long, ()) = transport.block_on(async { futures::join!(short, long, busy) });
    assert!(short.is_err() && long.is_err());
    assert_eq!(transport.now(), HOUR);
}
