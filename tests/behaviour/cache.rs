//! Values that are kept for a while, and fetched once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{join, join_all, pending};
use mockwire::state::{CacheLimits, Weight};
use mockwire::{Reply, Request, Timing};

use super::support::{fetch, get};
use super::{MockTransport, Mode, test};

type Cache = mockwire::state::Cache<Mode, String>;

const SECOND: Duration = Duration::from_secs(1);

fn cache(limits: CacheLimits) -> (MockTransport, Cache) {
    let transport = MockTransport::builder().timing(Timing::Manual).build();
    let cache = Cache::new(&transport, limits);
    (transport, cache)
}

/// Which of these keys are there, without using them.
fn kept<'a>(cache: &Cache, keys: &'a str) -> Vec<&'a str> {
    let there = |key: &&str| cache.get(key).is_some();
    keys.split(' ').filter(there).collect()
}

async fn fails(text: &str) -> Result<String, String> {
    Err(text.to_owned())
}

async fn gives(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}

#[test]
fn what_was_used_least_recently_goes_first() {
    let (_transport, cache) = cache(CacheLimits::new().entries(3));
    for key in ["a", "b", "c"] {
        cache.put(key, key.to_owned());
    }
    assert_eq!(cache.get("a").as_deref(), Some("a"));
    cache.put("d", "d".into());
    assert_eq!(kept(&cache, "a b c d"), ["a", "c", "d"]);
    cache.put("c", "again".into()); // replaced: nothing has to go
    assert_eq!(cache.len(), 3);
    assert_eq!(cache.get("c").as_deref(), Some("again"));
    assert_eq!(cache.stats().evicted, 1);
}

#[test]
fn the_bytes_of_all_values_are_bounded() {
    let (_transport, cache) = cache(CacheLimits::new().bytes(10));
    for key in ["a", "b", "c", "d"] {
        cache.put(key, "123".into());
        assert!(cache.bytes() <= 10);
    }
    assert_eq!(kept(&cache, "a b c d"), ["b", "c", "d"]);
    cache.put("e", "1234567".into());
    assert_eq!(kept(&cache, "a b c d e"), ["d", "e"]);
    assert_eq!(cache.bytes(), 10);
    // What alone is too much is not kept, and nothing has to go for it but what it replaces.
    cache.put("d", "12345678901".into());
    assert_eq!(kept(&cache, "d e"), ["e"]);
    assert_eq!((cache.len(), cache.bytes()), (1, 7));
    assert!(cache.remove("e") && !cache.remove("e"));
    assert!(cache.is_empty());
}

#[test]
fn a_value_is_kept_until_its_time_is_over_and_not_longer() {
    let (transport, cache) = cache(CacheLimits::new().ttl(10 * SECOND));
    cache.put("a", "a".into());
    transport.advance(9 * SECOND);
    cache.put("b", "b".into());
    // To use it does not make it younger; to put it again does.
    assert_eq!(kept(&cache, "a b"), ["a", "b"]);
    transport.advance(SECOND - Duration::from_nanos(1));
    assert_eq!(kept(&cache, "a b"), ["a", "b"]);
    transport.advance(Duration::from_nanos(1));
    assert_eq!(cache.len(), 1, "what is over counts no more");
    assert_eq!(kept(&cache, "a b"), ["b"]);
    cache.put("b", "b".into());
    transport.advance(10 * SECOND - Duration::from_nanos(1));
    assert_eq!(kept(&cache, "a b"), ["b"]);
    transport.advance(Duration::from_nanos(1));
    assert_eq!(kept(&cache, "a b"), [""; 0]);
    assert_eq!(cache.stats().expired, 2);
    assert_eq!(cache.stats().evicted, 0);
}

#[test]
fn what_is_over_goes_before_what_is_not() {
    let limits = CacheLimits::new().entries(2).ttl(10 * SECOND);
    let (transport, cache) = cache(limits);
    cache.put("old", "old".into());
    transport.advance(5 * SECOND);
    cache.put("young", "young".into());
    assert!(cache.get("old").is_some()); // used most recently
    transport.advance(5 * SECOND);
    cache.put("new", "new".into());
    assert_eq!(kept(&cache, "old young new"), ["young", "new"]);
}

#[test]
fn a_hundred_at_once_who_miss_a_value_fetch_it_once() {
    let transport = MockTransport::new();
    let cache = Cache::new(&transport, CacheLimits::new());
    let rule = transport
        .get("/fixture")
        .reply(Reply::text("fixture").delay(SECOND));
    let fetched = || async {
        let request = get("/fixture");
        transport.call(request).await?.into_body().text().await
    };
    let misses = (0..100).map(|_| cache.get_or_fetch("fixture", fetched));
    let values = transport.block_on(join_all(misses));
    assert!(values.into_iter().all(|value| value.unwrap() == "fixture"));
    assert_eq!(rule.calls(), 1);
    assert_eq!(transport.now(), SECOND);
    let stats = cache.stats();
    assert_eq!((stats.misses, stats.joined, stats.hits), (1, 99, 0));
    // The control: without it, each of them fetches.
    let each = (0..100).map(|_| async {
        match cache.get("other") {
            Some(value) => Ok(value),
            None => fetched()
                .await
                .inspect(|value| cache.put("other", value.clone())),
        }
    });
    transport.block_on(join_all(each));
    assert_eq!(rule.calls(), 101);
}

#[test]
fn a_fetch_reaches_all_who_wait_also_when_its_value_is_not_kept() {
    for limits in [
        CacheLimits::new().entries(0),
        CacheLimits::new().bytes(0),
        CacheLimits::new().ttl(Duration::ZERO),
    ] {
        let transport = MockTransport::new();
        let cache = Cache::new(&transport, limits);
        let fetches = AtomicUsize::new(0);
        let fetched = || async {
            fetches.fetch_add(1, Ordering::Relaxed);
            transport.sleep(SECOND).await.map(|()| "value".to_owned())
        };
        let misses = (0..100).map(|_| cache.get_or_fetch("key", fetched));
        let values = transport.block_on(join_all(misses));
        assert!(values.into_iter().all(|value| value.unwrap() == "value"));
        assert_eq!(fetches.load(Ordering::Relaxed), 1);
        assert!(cache.is_empty());
    }
}

#[test]
fn different_keys_are_fetched_at_the_same_time() {
    let transport = MockTransport::new();
    let cache = Cache::new(&transport, CacheLimits::new());
    let fetched = |key: &'static str| {
        let slow = transport.sleep(SECOND);
        cache.get_or_fetch(key, || slow.map(|slept| slept.map(|()| key.to_owned())))
    };
    let both = transport.block_on(join(fetched("a"), fetched("b")));
    assert_eq!((both.0.unwrap(), both.1.unwrap()), ("a".into(), "b".into()));
    assert_eq!(transport.now(), SECOND);
}

#[test]
fn after_a_fetch_that_failed_the_next_one_tries() {
    let transport = MockTransport::new();
    let cache = Cache::new(&transport, CacheLimits::new());
    let fetches = AtomicUsize::new(0);
    let third_time = || async {
        let before = fetches.fetch_add(1, Ordering::Relaxed);
        transport.sleep(SECOND).await.unwrap();
        if before < 2 {
            fails("not yet").await
        } else {
            gives("well").await
        }
    };
    let all = (0..100).map(|_| cache.get_or_fetch("key", third_time));
    let results = transport.block_on(join_all(all));
    // Two have failed, each told of its own failure; the third's value is everybody else's.
    let failed = results.iter().filter(|it| **it == Err("not yet".into()));
    assert_eq!(failed.count(), 2);
    assert_eq!(
        results
            .iter()
            .filter(|it| **it == Ok("well".into()))
            .count(),
        98
    );
    assert_eq!(fetches.load(Ordering::Relaxed), 3);
    assert_eq!(transport.now(), 3 * SECOND, "one after the other");
}

#[test]
fn after_a_fetch_that_was_dropped_the_next_one_tries() {
    let (_transport, cache) = cache(CacheLimits::new());
    let mut dropped = cache.get_or_fetch("key", pending::<Result<String, String>>);
    let mut waiting = cache.get_or_fetch("key", || gives("second"));
    let gone = cache.get_or_fetch("key", || gives("third"));
    assert!((&mut dropped).now_or_never().is_none());
    assert!((&mut waiting).now_or_never().is_none());
    assert!(gone.now_or_never().is_none(), "it waits, and is dropped");
    drop(dropped);
    assert_eq!(waiting.now_or_never().unwrap().unwrap(), "second");
    assert_eq!(cache.get("key").as_deref(), Some("second"));
}

#[test]
fn who_waits_is_woken_when_the_fetch_is_dropped() {
    let transport = MockTransport::new();
    let cache = Cache::new(&transport, CacheLimits::new());
    let abandoned = async {
        let slow = cache.get_or_fetch("key", pending::<Result<String, String>>);
        futures::future::select(slow, transport.sleep(SECOND)).await;
    };
    let waiting = cache.get_or_fetch("key", || gives("second"));
    let ((), value) = transport.block_on(join(abandoned, waiting));
    assert_eq!(value.unwrap(), "second");
    assert_eq!(transport.now(), SECOND);
}

#[test]
fn a_fetch_is_not_kept_when_its_key_was_put_removed_or_cleared_meanwhile() {
    let actions: [(fn(&Cache), _); 3] = [
        (|cache| cache.put("key", "put".into()), Some("put")),
        (|cache| assert!(!cache.remove("key")), None),
        (Cache::clear, None),
    ];
    for (meanwhile, kept) in actions {
        let transport = MockTransport::new();
        let cache = Cache::new(&transport, CacheLimits::new());
        let slow = || async {
            transport.sleep(SECOND).await.unwrap();
            gives("fetched").await
        };
        let asked = || cache.get_or_fetch("key", slow);
        let acted = async {
            transport.sleep(SECOND / 2).await.unwrap();
            meanwhile(&cache);
        };
        let (first, second, ()) =
            transport.block_on(async { futures::join!(asked(), asked(), acted) });
        // Who had asked before gets what was fetched for it all the same.
        assert_eq!(
            (first.unwrap(), second.unwrap()),
            ("fetched".into(), "fetched".into())
        );
        assert_eq!(cache.get("key").as_deref(), kept);
    }
}

#[test]
fn a_fetch_that_waits_for_itself_is_reported() {
    let transport = MockTransport::new();
    let cache = Cache::new(&transport, CacheLimits::new());
    let inner = cache.clone();
    let outer = cache.get_or_fetch("key", || inner.get_or_fetch("key", || gives("x")));
    let error = transport.try_block_on(outer).unwrap_err();
    assert_eq!(error.code(), "MOCKWIRE_STALLED");
    // It was dropped with that: the key is free again.
    let again = transport.block_on(cache.get_or_fetch("key", || gives("y")));
    assert_eq!(again.unwrap(), "y");
}

// As wasm32 a panic ends the process.
#[cfg(not(target_arch = "wasm32"))]
#[test]
fn a_fetch_that_panics_lets_the_next_one_try() {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    let (_transport, cache) = cache(CacheLimits::new());
    // In the closure, and in its future.
    let in_closure = || -> futures::future::Ready<Result<String, String>> { panic!("closure") };
    let in_future = || async { panic!("future") };
    let closure = cache.get_or_fetch("key", in_closure);
    assert!(catch_unwind(AssertUnwindSafe(|| closure.now_or_never())).is_err());
    let future = cache.get_or_fetch::<_, _, String>("key", in_future);
    assert!(catch_unwind(AssertUnwindSafe(|| future.now_or_never())).is_err());
    let value = cache.get_or_fetch("key", || gives("well")).now_or_never();
    assert_eq!(value.unwrap().unwrap(), "well");
}

#[test]
fn a_handler_replies_from_the_cache() {
    let transport = MockTransport::new();
    let cache = mockwire::state::Cache::<Mode, Reply>::new(&transport, CacheLimits::new());
    cache.put("hello", Reply::text("hello"));
    let kept = cache.clone();
    transport
        .get("/{name}")
        .reply_with(move |request: &Request| {
            let pattern = kept.get(request.param("name").unwrap_or_default());
            pattern.unwrap_or_else(|| Reply::status(404))
        });
    assert_eq!(fetch(&transport, get("/hello")).unwrap(), "hello");
    assert_eq!(fetch(&transport, get("/other")).unwrap(), "");
    assert_eq!((cache.stats().hits, cache.stats().misses), (1, 1));
    transport.reset();
}

#[test]
fn a_reply_weighs_what_its_head_and_its_body_do() {
    let empty = Reply::status(204).weight();
    assert_eq!(empty, 0);
    let text = Reply::text("hello").weight();
    assert_eq!(text, "content-typetext/plain; charset=utf-8hello".len());
    assert_eq!(Reply::stream(["ab", "cde"]).weight(), 5);
    let script = mockwire::Script::new().frame("x".repeat(1000));
    assert!(Reply::script(script).weight() >= 1000);
}
