//! The transport's own time: it moves only when it is told to.

use std::collections::BTreeMap;
use std::task::Waker;
use std::time::Duration;

/// A point in the transport's time: how long after its creation.
pub(crate) type Tick = Duration;

/// What names an alarm: when it is due, and a number that orders those due together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Alarm {
    pub(crate) due: Tick,
    number: u64,
}

/// Now, and what is due later, in the order `(due, number)`.
pub(crate) struct Timeline {
    now: Tick,
    alarms: BTreeMap<Alarm, Waker>,
    next_number: u64,
    activity: u64,
    /// How many executors of ours are running: they step time exactly when everything has settled.
    drivers: usize,
}

impl Timeline {
    pub(crate) fn new() -> Self {
        Self {
            now: Tick::ZERO,
            alarms: BTreeMap::new(),
            next_number: 0,
            activity: 0,
            drivers: 0,
        }
    }

    pub(crate) fn start_driving(&mut self) {
        self.drivers += 1;
    }

    pub(crate) fn stop_driving(&mut self) {
        self.drivers -= 1;
    }

    pub(crate) fn is_driven(&self) -> bool {
        self.drivers > 0
    }

    pub(crate) fn now(&self) -> Tick {
        self.now
    }

    /// Counts what happens, so that one can tell whether anything did.
    pub(crate) fn note_activity(&mut self) {
        self.activity += 1;
    }

    pub(crate) fn activity(&self) -> u64 {
        self.activity
    }

    pub(crate) fn set(&mut self, due: Tick, waker: Waker) -> Alarm {
        let alarm = Alarm {
            due,
            number: self.next_number,
        };
        self.next_number += 1;
        self.alarms.insert(alarm, waker);
        alarm
    }

    /// Replaces who is woken; returns who was to be, or the given one when the alarm is gone.
    pub(crate) fn update(&mut self, alarm: Alarm, waker: Waker) -> Waker {
        match self.alarms.get_mut(&alarm) {
            Some(known) => std::mem::replace(known, waker),
            None => waker,
        }
    }

    pub(crate) fn cancel(&mut self, alarm: Alarm) -> Option<Waker> {
        self.alarms.remove(&alarm)
    }

    pub(crate) fn next_due(&self) -> Option<Tick> {
        self.alarms.first_key_value().map(|(alarm, _)| alarm.due)
    }

    /// Moves time forward and returns whom to wake, in order. Time never moves back.
    pub(crate) fn advance_to(&mut self, to: Tick) -> Vec<Waker> {
        self.now = self.now.max(to);
        self.activity += 1;
        let mut due = Vec::new();
        while let Some(first) = self.alarms.first_entry() {
            if first.key().due > self.now {
                break;
            }
            due.push(first.remove());
        }
        due
    }

    /// Moves time to what is due next; `None` when nothing is.
    pub(crate) fn step(&mut self) -> Option<Vec<Waker>> {
        let due = self.next_due()?;
        Some(self.advance_to(due))
    }

    pub(crate) fn clear(&mut self) -> Vec<Waker> {
        std::mem::take(&mut self.alarms).into_values().collect()
    }
}
