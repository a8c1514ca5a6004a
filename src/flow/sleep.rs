//! Sleeping, in the transport's time.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use super::due::Due;
use crate::core::timeline::Alarm;
use crate::engine::Engine;
use crate::error::Result;
use crate::mode::Mode;

/// The future that [`MockTransport::sleep`](crate::MockTransport::sleep) returns.
#[must_use = "futures do nothing unless polled"]
pub struct Sleep<M: Mode> {
    engine: M::Ptr<Engine<M>>,
    alarm: Alarm,
    due: Due<M>,
}

impl<M: Mode> Sleep<M> {
    pub(crate) fn new(engine: M::Ptr<Engine<M>>, duration: Duration) -> Self {
        engine.follow_clock();
        let alarm = engine.with(|core| Alarm {
            due: core.timeline.now().saturating_add(duration),
            number: core.timeline.number(),
        });
        Self {
            engine,
            alarm,
            due: Due::new(),
        }
    }
}

impl<M: Mode> Future for Sleep<M> {
    type Output = Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let Self { engine, alarm, due } = &mut *self;
        if let Err(error) = engine.with(|core| core.ensure_alive()) {
            return Poll::Ready(Err(error));
        }
        due.poll(engine, *alarm, None, cx).map(Ok)
    }
}

impl<M: Mode> Unpin for Sleep<M> {}

impl<M: Mode> Drop for Sleep<M> {
    fn drop(&mut self) {
        let Self { engine, due, .. } = self;
        due.leave(engine);
    }
}

impl<M: Mode> fmt::Debug for Sleep<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sleep(until {:?})", self.alarm.due)
    }
}
