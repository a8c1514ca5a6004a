//! Waiting for a point of the transport's time, in every timing.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::core::timeline::{Alarm, Asked, Idle};
use crate::engine::{Engine, Timing};
use crate::mode::Mode;
use crate::timer::AnyTimer;
use crate::wake::wake_all;

/// A place in the line of those who wait for their time. Whoever has one must [`leave`](Self::leave)
/// before it is dropped.
pub(crate) struct Due<M: Mode> {
    alarm: Option<Alarm>,
    /// In real time: what wakes us.
    sleep: Option<M::Sleep>,
}

impl<M: Mode> Due<M> {
    pub(crate) fn new() -> Self {
        Self {
            alarm: None,
            sleep: None,
        }
    }

    /// Ready when it is our turn. `next` is for when we are going to ask then, if we know.
    pub(crate) fn poll(
        &mut self,
        engine: &Engine<M>,
        alarm: Alarm,
        next: Option<Alarm>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        loop {
            engine.follow_clock();
            let waker = cx.waker().clone();
            let asked = engine.with(|core| core.timeline.ask(alarm, next, waker));
            match asked {
                Asked::Now(left) => {
                    left.settle();
                    self.alarm = next;
                    self.sleep = None;
                    return Poll::Ready(());
                }
                Asked::Later(was) => drop(was),
            }
            self.alarm = Some(alarm);
            if self.poll_timer(engine, alarm, cx).is_ready() {
                continue;
            }
            let may_move = engine.settings.timing == Timing::Instant;
            match engine.with(|core| core.timeline.idle(alarm, may_move)) {
                Idle::Sleep => return Poll::Pending,
                Idle::StayAwake => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Idle::Wake(wake) => wake_all(wake),
            }
        }
    }

    /// Gives the place up.
    pub(crate) fn leave(&mut self, engine: &Engine<M>) {
        if let Some(alarm) = self.alarm.take() {
            engine.with(|core| core.timeline.leave(alarm)).settle();
        }
    }

    /// In real time: ready when the timer has fired and one has to ask again.
    fn poll_timer(&mut self, engine: &Engine<M>, alarm: Alarm, cx: &mut Context<'_>) -> Poll<()> {
        let Some(timer) = &engine.settings.timer else {
            return Poll::Pending;
        };
        let now = engine.with(|core| core.timeline.now());
        let left = alarm.due.saturating_sub(now);
        if left.is_zero() {
            return Poll::Pending;
        }
        let sleep = self.sleep.get_or_insert_with(|| timer.sleep(left));
        let fired = Pin::new(sleep).poll(cx);
        if fired.is_ready() {
            self.sleep = None;
        }
        fired
    }
}
