//! The transport's time: instant, manual, and moved by a timer. One meaning in all three.

use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use futures::future::{join, poll_fn, select};
use futures::{FutureExt, StreamExt, pin_mut};
use mockwire::{Reply, Script, Timer, Timing};

use super::support::{fetch, get, send};
use super::{MockTransport, test};

const fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// Frames named after their stream, due at these times.
fn script(name: &str, dues: &[u64]) -> Script {
    let mut script = Script::new();
    let mut now = 0;
    for due in dues {
        script = script
            .wait(millis(due - now))
            .frame(format!("{name}{due} "));
        now = *due;
    }
    script
}

/// A runtime's clock that the test moves.
#[derive(Clone, Default)]
struct TestTimer(Arc<Mutex<(Duration, Vec<std::task::Waker>)>>);

impl TestTimer {
    fn advance(&self, by: Duration) {
        let wakers = {
            let mut clock = self.0.lock().unwrap();
            clock.0 += by;
            std::mem::take(&mut clock.1)
        };
        wakers.into_iter().for_each(std::task::Waker::wake);
    }
}

impl Timer for TestTimer {
    type Sleep = futures::future::BoxFuture<'static, ()>;

    fn now(&self) -> Duration {
        self.0.lock().unwrap().0
    }

    fn sleep(&self, duration: Duration) -> Self::Sleep {
        let (timer, until) = (self.clone(), self.now() + duration);
        poll_fn(move |cx| {
            let mut clock = timer.0.lock().unwrap();
            if clock.0 >= until {
                return Poll::Ready(());
            }
            clock.1.push(cx.waker().clone());
            Poll::Pending
        })
        .boxed()
    }
}

/// The frames of two streams that are read together, in the order in which they came. `elapse` is
/// called when nothing comes by itself.
fn merged(transport: &MockTransport, mut elapse: impl FnMut()) -> String {
    transport
        .get("/a")
        .reply(Reply::script(script("a", &[5, 6, 20, 30])));
    transport
        .get("/b")
        .reply(Reply::script(script("b", &[7, 20, 29])));
    let a = send(transport, get("/a")).unwrap().into_body();
    let b = send(transport, get("/b")).unwrap().into_body();
    let mut both = futures::stream::select(b, a);
    let mut read = String::new();
    let mut idle = 0;
    let reading = async {
        while let Some(frame) = both.next().await {
            read.push_str(std::str::from_utf8(&frame.unwrap()).unwrap());
        }
    };
    pin_mut!(reading);
    let polling = poll_fn(|cx| {
        if reading.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        idle += 1;
        assert!(idle < 10_000, "nothing happens any more");
        elapse();
        cx.waker().wake_by_ref();
        Poll::Pending
    });
    futures::executor::block_on(polling);
    read
}

use std::future::Future;

const IN_ORDER: &str = "a5 a6 b7 a20 b20 b29 a30 ";

#[test]
fn merged_streams_keep_the_order_of_their_times_when_time_is_instant() {
    let transport = MockTransport::new();
    assert_eq!(merged(&transport, || {}), IN_ORDER);
    assert_eq!(transport.now(), millis(30));
    // And under the transport's own executor.
    let transport = MockTransport::new();
    transport
        .get("/a")
        .reply(Reply::script(script("a", &[5, 6, 20, 30])));
    transport
        .get("/b")
        .reply(Reply::script(script("b", &[7, 20, 29])));
    let a = send(&transport, get("/a")).unwrap().into_body();
    let b = send(&transport, get("/b")).unwrap().into_body();
    let frames = transport.block_on(futures::stream::select(b, a).collect::<Vec<_>>());
    let read: Vec<u8> = frames.into_iter().flat_map(Result::unwrap).collect();
    assert_eq!(read, IN_ORDER.as_bytes());
}

#[test]
fn merged_streams_keep_the_order_of_their_times_when_the_test_moves_time() {
    for step in [1, 3, 20, 1000] {
        let transport = MockTransport::builder().timing(Timing::Manual).build();
        let mover = transport.clone();
        // At once, or in small steps: it makes no difference.
        let mut left = 1000 / step;
        let read = merged(&transport, || {
            if left > 0 {
                left -= 1;
                mover.advance(millis(step));
            }
        });
        assert_eq!(read, IN_ORDER, "in steps of {step} ms");
    }
}

#[test]
fn merged_streams_keep_the_order_of_their_times_when_a_timer_moves_time() {
    for step in [1, 3, 20, 1000] {
        let timer = TestTimer::default();
        let transport = MockTransport::builder().timer(timer.clone()).build();
        assert_eq!(transport.timing(), Timing::Real);
        let mut left = 1000 / step;
        let read = merged(&transport, || {
            if left > 0 {
                left -= 1;
                timer.advance(millis(step));
            }
        });
        assert_eq!(read, IN_ORDER, "in steps of {step} ms");
    }
}

#[test]
fn a_stream_that_nobody_reads_any_more_holds_nobody_up() {
    for timing in [Timing::Instant, Timing::Manual] {
        let transport = MockTransport::builder().timing(timing).build();
        transport
            .get("/a")
            .reply(Reply::script(script("a", &[5, 6])));
        transport
            .get("/b")
            .reply(Reply::script(script("b", &[7, 20])));
        let mut a = send(&transport, get("/a")).unwrap().into_body();
        let b = send(&transport, get("/b")).unwrap().into_body();
        // One frame is taken, and the next one is asked for and then left alone.
        let read = async {
            let first = a.next();
            pin_mut!(first);
            assert!(futures::poll!(first.as_mut()).is_pending());
            transport.advance(millis(100));
            assert_eq!(first.await.unwrap().unwrap(), "a5 ");
            b.text().await.unwrap()
        };
        // An executor that is not ours.
        assert_eq!(futures::executor::block_on(read), "b7 b20 ");
        assert_eq!(a.next().now_or_never().unwrap().unwrap().unwrap(), "a6 ");
    }
}

#[test]
fn a_minute_of_back_off_and_an_hour_of_silence_take_no_time() {
    let transport = MockTransport::new();
    let attempts = [Reply::status(503), Reply::text("well")];
    transport
        .get("/")
        .reply_sequence(attempts, mockwire::SequenceEnd::Fail);
    let client = async {
        while transport.call(get("/")).await.unwrap().status() != 200 {
            transport.sleep(Duration::from_secs(60)).await.unwrap();
        }
        transport.sleep(Duration::from_secs(3600)).await.unwrap();
    };
    transport.block_on(client);
    assert_eq!(transport.now(), Duration::from_secs(3660));
    let at: Vec<_> = transport.requests().iter().map(|it| it.at).collect();
    assert_eq!(at, [Duration::ZERO, Duration::from_secs(60)]);
}

#[test]
fn sleeps_end_in_order_of_their_times() {
    let transport = MockTransport::new();
    let order = Mutex::new(Vec::new());
    let sleep = |name: &'static str, ms| {
        let (transport, order) = (&transport, &order);
        async move {
            transport.sleep(millis(ms)).await.unwrap();
            order.lock().unwrap().push(name);
        }
    };
    transport.block_on(async {
        let first = join(sleep("c", 30), sleep("a", 10));
        join(first, join(sleep("b", 20), sleep("b2", 20))).await;
    });
    assert_eq!(*order.lock().unwrap(), ["a", "b", "b2", "c"]);
}

#[test]
fn a_reply_may_come_late_and_a_dropped_call_does_not_wait_for_it() {
    let transport = MockTransport::new();
    transport
        .get("/")
        .reply(Reply::text("late").delay(millis(300)));
    assert_eq!(fetch(&transport, get("/")).unwrap(), "late");
    assert_eq!(transport.now(), millis(300));
    // A client with a timeout of its own gives up before.
    transport.block_on(async {
        let (call, timeout) = (transport.call(get("/")), transport.sleep(millis(100)));
        let first = select(call, timeout).await;
        assert!(matches!(first, futures::future::Either::Right(_)));
    });
    assert_eq!(transport.now(), millis(400));
    let captured = transport.last_request().unwrap();
    assert_eq!(captured.outcome, mockwire::Outcome::Cancelled);
    assert_eq!(transport.in_flight(), 0);
    // Nothing is left that would move time.
    assert!(
        transport
            .try_block_on(futures::future::pending::<()>())
            .is_err()
    );
    assert_eq!(transport.now(), millis(400));
}

#[test]
fn a_failure_may_come_late_too() {
    let transport = MockTransport::new();
    let fault = Reply::fault(mockwire::Fault::Timeout).delay(millis(5000));
    transport.get("/").reply(fault);
    assert!(send(&transport, get("/")).unwrap_err().is_fault());
    assert_eq!(transport.now(), millis(5000));
}

#[test]
fn who_waits_when_the_transport_is_disposed_is_told() {
    let transport = MockTransport::builder().timing(Timing::Manual).build();
    transport
        .get("/late")
        .reply(Reply::text("late").delay(millis(300)));
    transport
        .get("/slow")
        .reply(Reply::script(script("s", &[10])));
    let body = send(&transport, get("/slow")).unwrap().into_body();
    let (call, sleep) = (transport.call(get("/late")), transport.sleep(millis(1)));
    let waiting = async { futures::join!(call, sleep, body.text()) };
    pin_mut!(waiting);
    assert!(waiting.as_mut().now_or_never().is_none());
    transport.dispose();
    let (call, sleep, text) = waiting.now_or_never().expect("they were woken");
    for error in [
        call.map(drop).unwrap_err(),
        sleep.unwrap_err(),
        text.unwrap_err(),
    ] {
        assert_eq!(error.code(), "MOCKWIRE_DISPOSED");
    }
}

#[test]
fn what_can_never_complete_is_reported_with_what_it_waits_for() {
    let transport = MockTransport::new();
    transport
        .get("/stall")
        .reply(Reply::script(Script::new().frame("a").stall()));
    transport
        .get("/held")
        .reply(Reply::script(Script::new().hold("go").frame("b")));
    let hold = transport.get("/hold").hold();
    transport
        .get("/handler")
        .reply_async(|_| futures::future::pending::<Reply>());
    let reports: Vec<_> = ["/stall", "/held", "/hold", "/handler"]
        .map(|path| {
            let call = async { transport.call(get(path)).await?.into_body().text().await };
            transport.try_block_on(call).unwrap_err().to_string()
        })
        .into_iter()
        .collect();
    let wanted = [
        "stalls, for good",
        "release(\"go\")",
        "test has not replied",
        "handler",
    ];
    for (report, wanted) in reports.iter().zip(wanted) {
        assert!(report.contains(wanted), "{report}");
    }
    drop(hold);
}

#[test]
fn manual_time_stands_still_until_it_is_moved() {
    let transport = MockTransport::builder().timing(Timing::Manual).build();
    transport
        .get("/")
        .reply(Reply::script(script("x", &[10, 20])));
    let mut body = send(&transport, get("/")).unwrap().into_body();
    assert!(body.next().now_or_never().is_none());
    transport.advance(millis(9));
    assert!(body.next().now_or_never().is_none());
    transport.advance(millis(1));
    assert_eq!(
        body.next().now_or_never().unwrap().unwrap().unwrap(),
        "x10 "
    );
    assert!(body.next().now_or_never().is_none());
    let error = transport.try_block_on(body.next()).unwrap_err();
    assert_eq!(error.code(), "MOCKWIRE_STALLED");
    assert_eq!(transport.now(), millis(10));
}

#[test]
fn real_time_without_a_timer_is_refused() {
    let error = MockTransport::builder().timing(Timing::Real).try_build();
    assert_eq!(error.unwrap_err().code(), "MOCKWIRE_INVALID_OPTION");
}
