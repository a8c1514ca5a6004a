//! Waiting for a time, inside a future that waits for something else as well.

use std::task::{Context, Waker};

use crate::core::timeline::{Alarm, Tick};
use crate::engine::{Engine, Timing};
use crate::mode::Mode;

/// On an executor that is not ours: how often a waiting future yields while nothing happens,
/// before everything counts as settled.
const IDLE_ROUNDS: u32 = 128;

/// An alarm that is set while a future waits. Whoever has one cancels it.
#[derive(Default)]
pub(crate) struct Due {
    alarm: Option<Alarm>,
    idle_rounds: u32,
    activity: u64,
}

impl Due {
    pub(crate) fn alarm(&self) -> Option<Alarm> {
        self.alarm
    }

    /// Sets the alarm, or moves it; says whether it is time.
    pub(crate) fn wait<M: Mode>(
        &mut self,
        engine: &Engine<M>,
        due: Tick,
        cx: &Context<'_>,
    ) -> bool {
        let waker = cx.waker().clone();
        let known = self.alarm;
        let (alarm, replaced, time_is_up) = engine.with(|core| {
            let timeline = &mut core.timeline;
            let (alarm, replaced) = match known {
                Some(alarm) if alarm.due == due => (alarm, Some(timeline.update(alarm, waker))),
                known => {
                    let replaced = known.and_then(|alarm| timeline.cancel(alarm));
                    (timeline.set(due, waker), replaced)
                }
            };
            (alarm, replaced, timeline.now() >= due)
        });
        drop(replaced);
        self.alarm = Some(alarm);
        time_is_up
    }

    /// On an executor that is not ours nobody tells when everything has settled: yields, and steps
    /// time when nothing new has happened for many rounds.
    pub(crate) fn step_when_idle<M: Mode>(&mut self, engine: &Engine<M>, cx: &Context<'_>) {
        let (activity, driven) =
            engine.with(|core| (core.timeline.activity(), core.timeline.is_driven()));
        if engine.settings.timing != Timing::Instant || driven {
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
            let wake = engine.with(|core| core.timeline.step());
            wake.into_iter().flatten().for_each(Waker::wake);
        }
        cx.waker().wake_by_ref();
    }

    pub(crate) fn cancel<M: Mode>(&mut self, engine: &Engine<M>) {
        if let Some(alarm) = self.alarm.take() {
            drop(engine.with(|core| core.timeline.cancel(alarm)));
        }
    }
}
