//! Waiting until requests have arrived, with a deadline in the transport's time.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use super::due::Due;
use crate::core::timeline::Alarm;
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::matcher::{Matcher, Subject};
use crate::mode::Mode;
use crate::model::captured::Captured;

/// How long a wait lasts at most, unless it is told otherwise.
const DEFAULT_DEADLINE: Duration = Duration::from_secs(30);

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
    deadline: Option<Alarm>,
    due: Due<M>,
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
            deadline: None,
            due: Due::new(),
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
        if self.engine.with(|core| core.journal.last()) < self.seen {
            // The transport was reset: it has forgotten them, and counts from 1 again.
            self.seen = 0;
            self.found.clear();
        }
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
        let to = match self.matcher.required() {
            [] => String::new(),
            _ => format!(" to {}", self.matcher),
        };
        format!("{wanted} {requests}{to} ({found} came)")
    }

    /// Leaves who is to be woken by the next request.
    fn listen(&mut self, cx: &Context<'_>) -> Alarm {
        let waker = cx.waker().clone();
        let (within, deadline) = (self.within, self.deadline);
        let (deadline, was) = self.engine.with(|core| {
            let timeline = &mut core.timeline;
            let deadline = deadline.unwrap_or_else(|| Alarm {
                due: timeline.now().saturating_add(within),
                number: timeline.number(),
            });
            (deadline, core.arrivals.insert(deadline, waker))
        });
        drop(was);
        self.deadline = Some(deadline);
        deadline
    }
}

impl<M: Mode> Future for WaitForRequests<M> {
    type Output = Result<Vec<Captured>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.engine.follow_clock();
        let deadline = loop {
            if let Some(error) = self.matcher.mistake() {
                return Poll::Ready(Err(error));
            }
            if let Err(error) = self.look() {
                return Poll::Ready(Err(error));
            }
            if self.found.len() >= self.wanted {
                return Poll::Ready(Ok(std::mem::take(&mut self.found)));
            }
            let deadline = self.listen(cx);
            // A request may have arrived in between.
            let (last, alive) = self
                .engine
                .with(|core| (core.journal.last(), core.ensure_alive()));
            if let Err(error) = alive {
                return Poll::Ready(Err(error));
            }
            if last <= self.seen {
                break deadline;
            }
        };
        let Self { engine, due, .. } = &mut *self;
        due.poll(engine, deadline, None, cx).map(|()| {
            let waiting_for = self.waiting_for();
            Err(Error::new(ErrorKind::TimedOut { waiting_for }))
        })
    }
}

impl<M: Mode> Unpin for WaitForRequests<M> {}

impl<M: Mode> Drop for WaitForRequests<M> {
    fn drop(&mut self) {
        let Self { engine, due, .. } = self;
        due.leave(engine);
        if let Some(deadline) = self.deadline {
            drop(self.engine.with(|core| core.arrivals.remove(&deadline)));
        }
    }
}

impl<M: Mode> fmt::Debug for WaitForRequests<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WaitForRequests")
            .field(&self.waiting_for())
            .finish()
    }
}
