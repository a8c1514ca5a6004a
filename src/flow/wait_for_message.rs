//! Waiting until a client has said something, with a deadline in the transport's time.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use super::due::Due;
use crate::core::RuleId;
use crate::core::timeline::Alarm;
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::mode::Mode;
use crate::model::message::{Side, SocketMessage};
use crate::model::message_pattern::MessagePattern;

/// How long a wait lasts at most, unless it is told otherwise.
const DEFAULT_DEADLINE: Duration = Duration::from_secs(30);

/// The future that [`Endpoint::wait_for_message`](crate::futures::Endpoint::wait_for_message)
/// returns: the first message of a client that matches. Dropping it takes nothing.
#[must_use = "futures do nothing unless polled"]
pub struct WaitForMessage<M: Mode> {
    engine: M::Ptr<Engine<M>>,
    rule: RuleId,
    pattern: MessagePattern,
    within: Duration,
    deadline: Option<Alarm>,
    /// The number of the last message that was looked at.
    seen: u64,
    /// How many messages of clients were looked at.
    looked_at: u64,
    due: Due<M>,
}

impl<M: Mode> WaitForMessage<M> {
    pub(super) fn new(engine: M::Ptr<Engine<M>>, rule: RuleId, pattern: MessagePattern) -> Self {
        Self {
            engine,
            rule,
            pattern,
            within: DEFAULT_DEADLINE,
            deadline: None,
            seen: 0,
            looked_at: 0,
            due: Due::new(),
        }
    }

    /// Gives up after this long, in the transport's time. 30 s unless said otherwise.
    pub fn within(mut self, deadline: Duration) -> Self {
        self.within = deadline;
        self
    }

    /// Looks at what was said since the last look.
    fn look(&mut self) -> Option<SocketMessage> {
        let (rule, seen) = (self.rule, self.seen);
        let (said, last) = self
            .engine
            .with(|core| (core.messages_since(rule, seen), core.last_message()));
        self.seen = last;
        for message in said {
            if message.from == Side::Client && message.message.is_data() {
                self.looked_at += 1;
                if self.pattern.test(&message.message) {
                    return Some(message);
                }
            }
        }
        None
    }

    /// Asks to be woken by the next message.
    fn listen(&mut self, cx: &Context<'_>) -> Alarm {
        let waker = cx.waker().clone();
        let (within, deadline) = (self.within, self.deadline);
        let (deadline, was) = self.engine.with(|core| {
            let timeline = &mut core.timeline;
            let deadline = deadline.unwrap_or_else(|| Alarm {
                due: timeline.now().saturating_add(within),
                number: timeline.number(),
            });
            (deadline, core.watch_messages(deadline, waker))
        });
        drop(was);
        self.deadline = Some(deadline);
        deadline
    }

    fn leave(&mut self) {
        if let Some(deadline) = self.deadline {
            drop(self.engine.with(|core| core.unwatch_messages(deadline)));
        }
        self.due.leave(&self.engine);
    }

    fn waiting_for(&self) -> String {
        let (pattern, others) = (&self.pattern, self.looked_at);
        format!("a client to send {pattern} ({others} others came)")
    }
}

impl<M: Mode> Future for WaitForMessage<M> {
    type Output = Result<SocketMessage>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.engine.follow_clock();
        // Before the look: a message that comes in between wakes.
        let deadline = self.listen(cx);
        if let Some(found) = self.look() {
            self.leave();
            return Poll::Ready(Ok(found));
        }
        if let Err(error) = self.engine.with(|core| core.ensure_alive()) {
            return Poll::Ready(Err(error));
        }
        let Self { engine, due, .. } = &mut *self;
        due.poll(engine, deadline, None, cx).map(|()| {
            let waiting_for = self.waiting_for();
            Err(Error::new(ErrorKind::TimedOut { waiting_for }))
        })
    }
}

impl<M: Mode> Unpin for WaitForMessage<M> {}

impl<M: Mode> Drop for WaitForMessage<M> {
    fn drop(&mut self) {
        self.leave();
    }
}

impl<M: Mode> fmt::Debug for WaitForMessage<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WaitForMessage")
            .field(&self.waiting_for())
            .finish()
    }
}
