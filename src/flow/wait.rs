//! Waiting until requests have arrived, with a deadline in the transport's time.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::core::timeline::Alarm;
use crate::engine::{Engine, Timing};
use crate::error::{Error, ErrorKind, Result};
use crate::matcher::{Matcher, Subject};
use crate::mode::Mode;
use crate::model::captured::Captured;

/// How long a wait lasts at most, unless it is told otherwise.
const DEFAULT_DEADLINE: Duration = Duration::from_secs(30);

/// On an executor that is not ours: how often a waiting future yields while nothing happens,
/// before everything counts as settled.
const IDLE_ROUNDS: u32 = 128;

/// The future that [`MockTransport::wait_for_requests`](crate::MockTransport::wait_for_requests)
/// returns: the requests that matched, once there are enough of them.
#[must_use = "futures do nothing unless polled"]
pub struct WaitForRequests<M: Mode> {
    engine: M::Ptr<Engine<M>>,
    matcher: Matcher<M>,
    wanted: usize,
    within: Duration,
    found: Vec<Captured>,
    /// The number of the last request that was looked at.
    seen: u64,
    alarm: Option<Alarm>,
    idle_rounds: u32,
    activity: u64,
}

impl<M: Mode> WaitForRequests<M> {
    pub(crate) fn new(engine: M::Ptr<Engine<M>>, wanted: usize) -> Self {
        Self {
            engine,
            matcher: Matcher::any(),
            wanted,
            within: DEFAULT_DEADLINE,
            found: Vec::new(),
            seen: 0,
            alarm: None,
            idle_rounds: 0,
            activity: 0,
        }
    }

    /// Counts only the requests that match.
    pub fn matching(mut self, matcher: impl Into<Matcher<M>>) -> Self {
        let matcher = self.engine.discreet(matcher);
        self.matcher = self.matcher.clone().and(matcher);
        self
    }

    /// Gives up after this long, in the transport's time. 30 s unless said otherwise.
    pub fn within(mut self, deadline: Duration) -> Self {
        self.within = deadline;
        self
    }

    /// Looks at the requests that have arrived since the last look.
    fn look(&mut self) -> Result<()> {
        let arrived = self.engine.captured(self.seen + 1);
        for captured in arrived {
            self.seen = captured.sequence;
            let mut subject = Subject::new(&captured.request, captured.sequence);
            if self.matcher.test(&mut subject)? {
                self.found.push(captured);
            }
        }
        Ok(())
    }

    fn waiting_for(&self) -> String {
        let (found, wanted) = (self.found.len(), self.wanted);
        let requests = if wanted == 1 { "request" } else { "requests" };
        format!("{wanted} {requests} to {} ({found} came)", self.matcher)
    }

    fn disarm(&mut self) {
        if let Some(alarm) = self.alarm.take() {
            let wakers = self
                .engine
                .with(|core| (core.timeline.cancel(alarm), core.arrivals.remove(&alarm)));
            drop(wakers);
        }
    }

    /// Sets the alarm; says whether it is time.
    fn arm(&mut self, cx: &Context<'_>) -> bool {
        let (waker, spare) = (cx.waker().clone(), cx.waker().clone());
        let (within, alarm) = (self.within, self.alarm);
        let (alarm, replaced, time_is_up) = self.engine.with(|core| {
            let timeline = &mut core.timeline;
            let (alarm, replaced) = match alarm {
                Some(alarm) => (alarm, Some(timeline.update(alarm, waker))),
                None => (
                    timeline.set(timeline.now().saturating_add(within), waker),
                    None,
                ),
            };
            let spared = core.arrivals.insert(alarm, spare);
            (alarm, (replaced, spared), timeline.now() >= alarm.due)
        });
        drop(replaced);
        self.alarm = Some(alarm);
        time_is_up
    }

    /// On an executor that is not ours nobody tells when everything has settled: yields, and steps
    /// time when nothing new has happened for many rounds.
    fn step_when_idle(&mut self, cx: &Context<'_>) {
        let settings = &self.engine.settings;
        let (activity, driven) = self
            .engine
            .with(|core| (core.timeline.activity(), core.timeline.is_driven()));
        if settings.timing != Timing::Instant || driven {
            return;
        }
        self.idle_rounds = if activity == self.activity {
            self.idle_rounds + 1
        } else {
            0
        };
        self.activity = activity;
        if self.idle_rounds >= IDLE_ROUNDS {
            self.idle_rounds = 0;
            let wake = self.engine.with(|core| core.timeline.step());
            wake.into_iter().flatten().for_each(std::task::Waker::wake);
        }
        cx.waker().wake_by_ref();
    }
}

impl<M: Mode> Future for WaitForRequests<M> {
    type Output = Result<Vec<Captured>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let armed = loop {
            if let Some(error) = self.matcher.mistake() {
                return Poll::Ready(Err(error));
            }
            if let Err(error) = self.look() {
                return Poll::Ready(Err(error));
            }
            if self.found.len() >= self.wanted {
                return Poll::Ready(Ok(std::mem::take(&mut self.found)));
            }
            let time_is_up = self.arm(cx);
            // A request may have arrived between the look and the alarm.
            let (last, alive) = self
                .engine
                .with(|core| (core.journal.last(), core.ensure_alive()));
            if let Err(error) = alive {
                return Poll::Ready(Err(error));
            }
            if last <= self.seen {
                break time_is_up;
            }
        };
        if armed {
            let waiting_for = self.waiting_for();
            return Poll::Ready(Err(Error::new(ErrorKind::TimedOut { waiting_for })));
        }
        self.step_when_idle(cx);
        Poll::Pending
    }
}

impl<M: Mode> Unpin for WaitForRequests<M> {}

impl<M: Mode> Drop for WaitForRequests<M> {
    fn drop(&mut self) {
        self.disarm();
    }
}

impl<M: Mode> fmt::Debug for WaitForRequests<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WaitForRequests")
            .field(&self.waiting_for())
            .finish()
    }
}
