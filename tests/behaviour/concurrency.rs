//! Limits on concurrency: what they let through and when, and that they give back what they held.

use std::future::Future;
use std::task::Context;
use std::time::Duration;

use futures::future::{join_all, select};
use futures::{FutureExt, pin_mut};
use mockwire::{
    Builder, Error, ErrorKind, Fault, Outcome, Priority, Reply, Request, Script, Timing,
};

use super::support::{failure, fetch, get, send, with_header};
use super::{MockTransport, Mode, test};

const fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

const HOSTS: usize = 7;

/// How long each reply takes.
const TAKES: Duration = millis(10);

fn builder() -> Builder<Mode> {
    MockTransport::builder()
}

fn slow(transport: &MockTransport) {
    transport.otherwise().reply(Reply::text("ok").delay(TAKES));
}

/// As `slow`, without a body: over with its head.
fn brief(transport: &MockTransport) {
    transport.otherwise().reply(Reply::status(204).delay(TAKES));
}

fn host(n: usize) -> String {
    format!("https://h{n}.test/")
}

/// Makes all of these requests at once, reads every reply, and says when the last one was over.
fn burst(transport: &MockTransport, targets: impl IntoIterator<Item = String>) -> Duration {
    let begun = transport.now();
    let calls = targets.into_iter().map(|target| {
        let call = transport.call(get(&target));
        async move { call.await.unwrap().into_body().text().await.unwrap() }
    });
    let calls: Vec<_> = calls.collect();
    for text in transport.block_on(join_all(calls)) {
        assert_eq!(text, "ok");
    }
    transport.now() - begun
}

fn burst_of_all(options: Builder<Mode>) -> Duration {
    let transport = options.max_requests(16).build();
    slow(&transport);
    burst(&transport, targets(10_000))
}

/// What follows from the limits for a burst of requests to `HOSTS` hosts in turn: the busiest host
/// and the whole need so many rounds at least, and where both are limited the rounds of one may have
/// to wait for those of the other.
struct Bounds {
    lower: Duration,
    upper: Duration,
    peak: usize,
}

fn bounds(requests: usize, total: Option<usize>, per_host: Option<usize>) -> Bounds {
    let busiest = requests.div_ceil(HOSTS);
    let rounds = |requests: usize, limit: Option<usize>| match limit {
        Some(limit) => requests.div_ceil(limit),
        None => 1,
    };
    let (of_all, of_host) = (rounds(requests, total), rounds(busiest, per_host));
    let lower = of_all.max(of_host);
    let upper = match (total, per_host) {
        (Some(_), Some(_)) => of_all + of_host,
        _ => lower,
    };
    let count = |rounds: usize| TAKES * u32::try_from(rounds).unwrap();
    let all_hosts = per_host.map_or(requests, |limit| (limit * HOSTS).min(requests));
    Bounds {
        lower: count(lower),
        upper: count(upper),
        peak: total.map_or(all_hosts, |limit| limit.min(all_hosts)),
    }
}

fn within(bounds: &Bounds, took: Duration) -> Result<(), String> {
    if bounds.lower <= took && took <= bounds.upper {
        return Ok(());
    }
    let (lower, upper) = (bounds.lower, bounds.upper);
    Err(format!(
        "{took:?}, which is not within {lower:?} and {upper:?}"
    ))
}

fn targets(requests: usize) -> impl Iterator<Item = String> {
    (0..requests).map(|n| host(n % HOSTS))
}

#[test]
fn ten_thousand_requests_to_seven_hosts_take_as_long_as_the_limit_on_hosts_says() {
    let unlimited = burst_of_all(builder());
    for limit in [1, 2, 7, 33, 64] {
        let transport = builder()
            .max_concurrent_per_host(limit)
            .max_requests(16)
            .build();
        slow(&transport);
        let bounds = bounds(10_000, None, Some(limit));
        let took = burst(&transport, targets(10_000));
        within(&bounds, took).unwrap_or_else(|why| panic!("at {limit} per host: {why}"));
        let seen = transport.concurrency().unwrap();
        assert_eq!(
            (seen.peak, seen.in_flight, seen.waiting),
            (bounds.peak, 0, 0)
        );
        assert_eq!(seen.keys.len(), HOSTS);
        for key in &seen.keys {
            let name = &key.key;
            assert_eq!((key.peak, key.available), (limit, Some(limit)), "{name}");
        }
        // The control: without the limiter the same burst fails the same assertion.
        assert!(within(&bounds, unlimited).is_err(), "at {limit} per host");
    }
}

#[test]
fn ten_thousand_requests_take_as_long_as_the_limit_on_all_says() {
    let unlimited = burst_of_all(builder());
    for limit in [1, 2, 7, 33, 64] {
        let transport = builder().max_concurrent(limit).max_requests(16).build();
        slow(&transport);
        let bounds = bounds(10_000, Some(limit), None);
        let took = burst(&transport, targets(10_000));
        within(&bounds, took).unwrap_or_else(|why| panic!("at {limit}: {why}"));
        let seen = transport.concurrency().unwrap();
        assert_eq!((seen.peak, seen.available), (limit, Some(limit)));
        assert!(within(&bounds, unlimited).is_err(), "at {limit}");
    }
}

#[test]
fn both_limits_hold_together() {
    for (total, per_host) in [(1, 1), (3, 1), (7, 2), (10, 3), (64, 16), (16, 64)] {
        let transport = builder()
            .max_concurrent(total)
            .max_concurrent_per_host(per_host)
            .build();
        slow(&transport);
        let bounds = bounds(500, Some(total), Some(per_host));
        let took = burst(&transport, targets(500));
        within(&bounds, took).unwrap_or_else(|why| panic!("at {total} and {per_host}: {why}"));
        let seen = transport.concurrency().unwrap();
        assert_eq!(seen.peak, bounds.peak, "at {total} and {per_host}");
        assert!(seen.keys.iter().all(|key| key.peak <= per_host));
    }
}

#[test]
fn a_busy_host_with_waiters_does_not_delay_an_idle_one() {
    // The busy host comes first, and has far more waiters than the whole transport has permits: did
    // one of them hold a permit of the transport, the idle host would wait.
    let latency = |busy: usize| {
        let transport = builder()
            .max_concurrent(3)
            .max_concurrent_per_host(2)
            .build();
        brief(&transport);
        let mut calls: Vec<_> = (0..busy)
            .map(|_| transport.call(get(&host(0))).boxed_local())
            .collect();
        calls.push(transport.call(get(&host(1))).boxed_local());
        let all = async { join_all(calls).await.into_iter().all(|it| it.is_ok()) };
        assert!(transport.block_on(all));
        let idle = transport.requests().pop().unwrap();
        assert_eq!(idle.request.host(), Some("h1.test"));
        (idle.queued, transport.now())
    };
    assert_eq!(latency(0), (Duration::ZERO, TAKES));
    assert_eq!(latency(100), (Duration::ZERO, TAKES * 50));
}

#[test]
fn who_waits_is_admitted_in_order_of_arrival_across_hosts() {
    let transport = builder().max_concurrent(1).build();
    let order = [0, 1, 0, 2, 1, 0, 2];
    brief(&transport);
    let calls = order.map(|n| transport.call(get(&host(n))));
    transport.block_on(join_all(calls));
    let queued: Vec<_> = transport.requests().iter().map(|it| it.queued).collect();
    let expected: Vec<_> = (0..7).map(|n| TAKES * n).collect();
    assert_eq!(queued, expected);
}

fn urgent(path: &str, priority: &'static str) -> http::Request<mockwire::Content> {
    with_header(get(path), "x-priority", priority)
}

fn priority(request: &Request) -> Priority {
    match request.header("x-priority") {
        Some("low") => Priority::Low,
        Some("high") => Priority::High,
        Some("critical") => Priority::Critical,
        _ => Priority::Normal,
    }
}

/// The paths in the order in which they were admitted.
fn admitted(transport: &MockTransport) -> Vec<String> {
    let mut requests = transport.requests();
    requests.sort_by_key(|it| it.at + it.queued);
    let paths = requests.iter().map(|it| it.request.path()[1..].to_owned());
    paths.collect()
}

#[test]
fn the_most_urgent_is_admitted_first_and_equals_in_order() {
    let transport = builder().max_concurrent(1).priority_of(priority).build();
    brief(&transport);
    let requests = [
        urgent("/first", "low"),
        urgent("/l1", "low"),
        urgent("/n1", "normal"),
        urgent("/c1", "critical"),
        urgent("/h1", "high"),
        urgent("/n2", "normal"),
        urgent("/c2", "critical"),
        urgent("/l2", "low"),
    ];
    transport.block_on(join_all(requests.map(|it| transport.call(it))));
    let order = ["first", "c1", "c2", "h1", "n1", "n2", "l1", "l2"];
    assert_eq!(admitted(&transport), order);
}

#[test]
fn ageing_ends_starvation() {
    // A client that makes an urgent request whenever another one is over; one low request waits.
    let starved = |ageing: Option<Duration>| {
        let mut options = builder().max_concurrent(1).priority_of(priority);
        if let Some(step) = ageing {
            options = options.ageing(step);
        }
        let transport = options.build();
        slow(&transport);
        let urgent = || async {
            for _ in 0..20 {
                let call = transport.call(urgent("/u", "critical"));
                call.await.unwrap().into_body().text().await.unwrap();
            }
        };
        let low = async { transport.call(urgent_low()).await.map(drop).unwrap() };
        transport.block_on(async { futures::join!(urgent(), urgent(), low) });
        let requests = transport.requests();
        let low = requests.iter().find(|it| it.request.path() == "/low");
        low.unwrap().queued
    };
    fn urgent_low() -> http::Request<mockwire::Content> {
        urgent("/low", "low")
    }
    assert_eq!(starved(None), TAKES * 40); // after all of the others
    // Three steps up it is critical too, and was there before; the one that goes on ends first.
    assert_eq!(starved(Some(millis(25))), millis(80));
}

#[test]
fn a_full_queue_is_a_typed_error() {
    let transport = builder().max_concurrent(1).max_waiting(2).build();
    let hold = transport.get("/").hold();
    let calls = [0; 4].map(|_| transport.call(get("/")));
    let mut calls = Vec::from(calls);
    let mut last = calls.split_off(3);
    for call in &mut calls {
        assert!(call.now_or_never().is_none());
    }
    let error = (&mut last[0])
        .now_or_never()
        .unwrap()
        .map(drop)
        .unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::QueueFull { waiting: 2 });
    assert_eq!(error.code(), "MOCKWIRE_QUEUE_FULL");
    let captured = transport.last_request().unwrap();
    assert_eq!(captured.outcome, Outcome::Failed(error));
    // A place that is given up is free.
    drop(calls.pop());
    let late = transport.call(get("/"));
    pin_mut!(late);
    assert!((&mut late).now_or_never().is_none());
    let seen = transport.concurrency().unwrap();
    assert_eq!((seen.in_flight, seen.waiting), (1, 2));
    drop(hold);
}

#[test]
fn an_exchange_holds_its_permit_until_it_is_over_however_it_ends() {
    let transport = builder().max_concurrent(1).build();
    transport.get("/ok").reply("ok");
    transport.get("/empty").reply(Reply::status(204));
    transport.get("/stream").reply(Reply::stream(["a", "b"]));
    transport
        .get("/broken")
        .reply(Reply::script(Script::new().frame("a").reset()));
    transport.get("/fault").reply(Reply::fault(Fault::Timeout));
    transport
        .get("/handler")
        .reply_with(|_: &Request| Err::<Reply, _>(Error::from(Fault::Timeout)));
    transport
        .get("/never")
        .reply_async(|_| std::future::pending::<Reply>());
    let used = || transport.concurrency().unwrap().in_flight;

    let body = send(&transport, get("/ok")).unwrap().into_body();
    assert_eq!(used(), 1, "until its body is read");
    assert_eq!(transport.block_on(body.text()).unwrap(), "ok");
    assert_eq!(used(), 0, "done");
    drop(send(&transport, get("/empty")).unwrap());
    assert_eq!(used(), 0, "done with the head");
    drop(send(&transport, get("/stream")).unwrap());
    assert_eq!(used(), 0, "dropped body");
    failure(&transport, get("/broken"));
    assert_eq!(used(), 0, "broken body");
    failure(&transport, get("/fault"));
    assert_eq!(used(), 0, "fault");
    failure(&transport, get("/handler"));
    assert_eq!(used(), 0, "failed handler");
    failure(&transport, get("/nowhere"));
    assert_eq!(used(), 0, "unmatched");
    let mut never = transport.call(get("/never"));
    assert!((&mut never).now_or_never().is_none());
    assert_eq!(used(), 1);
    drop(never);
    assert_eq!(used(), 0, "cancelled");
    assert_eq!(transport.concurrency().unwrap().peak, 1);
}

#[test]
fn a_dropped_waiter_frees_its_place_and_nothing_else() {
    let transport = builder()
        .max_concurrent(2)
        .max_concurrent_per_host(1)
        .build();
    let hold = transport.otherwise().hold();
    let mut calls: Vec<_> = [0, 0, 0, 1, 1]
        .map(|n| transport.call(get(&host(n))))
        .into();
    for call in &mut calls {
        assert!(call.now_or_never().is_none());
    }
    let state = || {
        let seen = transport.concurrency().unwrap();
        let keys = seen.keys.iter().map(|key| (key.in_flight, key.waiting));
        (seen.in_flight, seen.waiting, keys.collect::<Vec<_>>())
    };
    assert_eq!(state(), (2, 3, vec![(1, 2), (1, 1)]));
    drop(calls.remove(1)); // the first waiter of the first host
    assert_eq!(state(), (2, 2, vec![(1, 1), (1, 1)]));
    drop(calls.remove(0)); // who has the permit of the first host: the last waiter gets it
    assert_eq!(state(), (2, 1, vec![(1, 0), (1, 1)]));
    // Admitted, and dropped before it was polled again.
    drop(calls.remove(0));
    assert_eq!(state(), (1, 1, vec![(0, 0), (1, 1)]));
    drop(calls);
    assert_eq!(state(), (0, 0, vec![(0, 0), (0, 0)]));
    assert!(
        transport
            .requests()
            .iter()
            .all(|it| it.outcome == Outcome::Cancelled)
    );
    drop(hold);
}

#[test]
fn dropping_any_of_the_waiters_leaves_the_others_in_order() {
    for dropped in 0..5 {
        let transport = builder().max_concurrent(1).build();
        brief(&transport);
        let mut calls: Vec<_> = (0..5)
            .map(|n| transport.call(get(&format!("/{n}"))))
            .collect();
        for call in &mut calls {
            assert!(call.now_or_never().is_none());
        }
        drop(calls.remove(dropped));
        transport.block_on(join_all(calls));
        let left: Vec<_> = (0..5).filter(|n| *n != dropped).collect();
        let queued = transport.requests().into_iter();
        let queued = queued.filter(|it| it.outcome != Outcome::Cancelled);
        let queued: Vec<_> = queued.map(|it| it.queued).collect();
        let expected: Vec<_> = (0..4).map(|n| TAKES * n).collect();
        assert_eq!(queued, expected, "{left:?}");
    }
}

#[test]
fn disposing_and_resetting_end_who_waits_and_free_everything() {
    for dispose in [true, false] {
        let transport = builder().max_concurrent(1).build();
        let hold = transport.get("/").hold();
        let calls: Vec<_> = (0..4).map(|_| transport.call(get("/"))).collect();
        let mut all = join_all(calls);
        assert!((&mut all).now_or_never().is_none());
        if dispose {
            transport.dispose();
        } else {
            transport.reset();
        }
        for result in all.now_or_never().expect("all were woken") {
            let code = result.map(drop).unwrap_err();
            let expected = if dispose {
                "MOCKWIRE_DISPOSED"
            } else {
                "MOCKWIRE_STALE_HANDLE"
            };
            assert_eq!(code.code(), expected);
        }
        let seen = transport.concurrency().unwrap();
        assert_eq!(
            (seen.in_flight, seen.waiting, seen.peak, seen.available),
            (0, 0, 0, Some(1))
        );
        assert!(seen.keys.is_empty());
        drop(hold);
    }
    // After a reset the limits hold as before.
    let transport = builder().max_concurrent(2).build();
    slow(&transport);
    drop(transport.call(get("/")).now_or_never());
    transport.reset();
    slow(&transport);
    assert_eq!(burst(&transport, (0..6).map(|_| host(0))), TAKES * 3);
}

#[test]
fn the_rules_are_asked_when_a_request_is_admitted() {
    let transport = builder().max_concurrent(1).allow_unmatched().build();
    let hold = transport.get("/held").hold();
    let rule = transport.get("/").reply("before");
    let mut held = transport.call(get("/held"));
    let mut waiting = transport.call(get("/"));
    let mut second = transport.call(get("/"));
    for call in [&mut held, &mut waiting, &mut second] {
        assert!(call.now_or_never().is_none());
    }
    // It has arrived, and no rule has answered it.
    assert_eq!((transport.requests().len(), rule.calls()), (3, 0));
    assert!(format!("{waiting:?}").contains("queued"), "{waiting:?}");
    rule.remove().unwrap();
    drop(held);
    assert!(waiting.now_or_never().unwrap().unwrap_err().is_unmatched());
    // Failing has freed its permit.
    transport.get("/").reply("after");
    let response = second.now_or_never().unwrap().unwrap();
    assert_eq!(
        transport.block_on(response.into_body().text()).unwrap(),
        "after"
    );
    drop(hold);
}

#[test]
fn removing_a_rule_with_held_requests_frees_their_permits() {
    let transport = builder().max_concurrent(1).build();
    let hold = transport.get("/held").hold();
    transport.get("/").reply("ok");
    let mut held = transport.call(get("/held"));
    let mut waiting = transport.call(get("/"));
    assert!((&mut held).now_or_never().is_none());
    assert!((&mut waiting).now_or_never().is_none());
    transport.rule(hold.rule()).unwrap().remove().unwrap();
    assert_eq!(
        held.now_or_never().unwrap().unwrap_err().code(),
        "MOCKWIRE_HELD_DROPPED"
    );
    assert!(waiting.now_or_never().unwrap().is_ok());
}

#[test]
fn the_key_is_the_host_or_what_the_closure_says() {
    let transport = builder().max_concurrent_per_host(1).build();
    slow(&transport);
    let targets = ["https://A.test/", "http://a.test:8080/", "https://b.test/"];
    burst(&transport, targets.map(str::to_owned));
    let seen = transport.concurrency().unwrap();
    let keys: Vec<_> = seen.keys.iter().map(|it| it.key.as_str()).collect();
    assert_eq!(keys, ["a.test", "b.test"]);
    assert_eq!(transport.now(), TAKES * 2);

    let transport = builder()
        .max_concurrent_per_host(1)
        .concurrency_key(|request: &Request| request.path().to_owned())
        .build();
    slow(&transport);
    let targets = ["https://a.test/x", "https://b.test/x", "https://a.test/y"];
    burst(&transport, targets.map(str::to_owned));
    assert_eq!(transport.now(), TAKES * 2);
    assert_eq!(transport.concurrency().unwrap().key("/x").unwrap().peak, 1);
}

#[test]
fn the_closures_run_outside_the_engine_and_may_fail() {
    // One that panicked under the lock would poison it, one that used the transport would hang.
    let transport = builder()
        .max_concurrent(1)
        .priority_of(|request: &Request| match request.path() {
            "/panic" => panic!("no idea"),
            _ => Priority::Normal,
        })
        .build();
    transport.otherwise().reply("ok");
    #[cfg(not(target_arch = "wasm32"))]
    {
        let error = failure(&transport, get("/panic"));
        assert_eq!(error.code(), "MOCKWIRE_HANDLER_PANICKED");
        assert!(error.to_string().contains("no idea"), "{error}");
        assert_eq!(transport.concurrency().unwrap().peak, 0);
    }
    assert_eq!(fetch(&transport, get("/")).unwrap(), "ok");
}

#[test]
fn a_client_that_waits_for_itself_is_told_why() {
    let transport = builder().max_concurrent(1).build();
    slow(&transport);
    let nested = async {
        let first = transport.call(get("/")).await.unwrap();
        let second = transport.call(get("/")).await;
        drop(first);
        second
    };
    let error = transport.try_block_on(nested).map(drop).unwrap_err();
    assert_eq!(error.code(), "MOCKWIRE_STALLED");
    assert!(error.to_string().contains("it is queued"), "{error}");
}

#[test]
fn a_client_that_gives_up_in_the_queue_leaves_it() {
    let transport = builder().max_concurrent(1).build();
    brief(&transport);
    transport.block_on(async {
        let slow = transport.call(get("/"));
        let impatient = async {
            let (call, patience) = (transport.call(get("/")), transport.sleep(millis(4)));
            matches!(
                select(call, patience).await,
                futures::future::Either::Right(_)
            )
        };
        let (first, gave_up) = futures::join!(slow, impatient);
        assert!(first.is_ok() && gave_up);
    });
    assert_eq!(transport.concurrency().unwrap().waiting, 0);
    assert_eq!(transport.requests()[1].queued, Duration::ZERO);
}

#[test]
fn manual_time_and_other_executors_give_the_same_times() {
    let transport = builder().timing(Timing::Manual).max_concurrent(1).build();
    brief(&transport);
    let calls: Vec<_> = (0..3).map(|_| transport.call(get("/"))).collect();
    let mut all = join_all(calls);
    for _ in 0..2 {
        assert!((&mut all).now_or_never().is_none());
        transport.advance(TAKES);
    }
    assert!((&mut all).now_or_never().is_none());
    transport.advance(TAKES);
    assert!(all.now_or_never().is_some());

    let transport = builder().max_concurrent(2).build();
    brief(&transport);
    let calls: Vec<_> = (0..9).map(|_| transport.call(get("/"))).collect();
    futures::executor::block_on(join_all(calls));
    assert_eq!(transport.now(), TAKES * 5);
}

#[test]
fn limits_of_zero_are_refused_and_no_limit_counts_nothing() {
    for options in [
        builder().max_concurrent(0),
        builder().max_concurrent_per_host(0),
        builder().ageing(Duration::ZERO),
    ] {
        let error = options.try_build().unwrap_err();
        assert_eq!(error.code(), "MOCKWIRE_INVALID_OPTION");
    }
    assert!(MockTransport::new().concurrency().is_none());
    // Nothing may wait: more than the limit is refused at once.
    let transport = builder().max_concurrent(1).max_waiting(0).build();
    let hold = transport.get("/").hold();
    let mut first = transport.call(get("/"));
    let mut context = Context::from_waker(std::task::Waker::noop());
    assert!(
        std::pin::Pin::new(&mut first)
            .poll(&mut context)
            .is_pending()
    );
    assert_eq!(failure(&transport, get("/")).code(), "MOCKWIRE_QUEUE_FULL");
    drop(hold);
}

#[test]
fn of_many_keys_that_nobody_uses_any_more_a_thousand_are_kept() {
    let transport = builder().max_concurrent_per_host(1).max_requests(1).build();
    transport.otherwise().reply(Reply::status(204));
    for n in 0..1500 {
        send(&transport, get(&host(n))).unwrap();
    }
    assert_eq!(transport.concurrency().unwrap().keys.len(), 1000);
}
