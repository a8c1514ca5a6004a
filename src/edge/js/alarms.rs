//! Alarms that JavaScript sets on the transport's time, by number.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Wake, Waker};
use std::time::Duration;

use crate::core::timeline::Alarm;
use crate::engine::Engine;
use crate::mode::Local;

/// The alarms that are set, and those that fell due and were not told yet.
#[derive(Default)]
pub(super) struct Alarms {
    set: HashMap<u32, Alarm>,
    last: u32,
    due: Arc<Mutex<Vec<u32>>>,
}

/// What the timeline wakes: it notes the number of its alarm.
struct Bell {
    number: u32,
    due: Arc<Mutex<Vec<u32>>>,
}

impl Alarms {
    /// Sets an alarm; its number.
    pub(super) fn set(&mut self, engine: &Engine<Local>, at: f64) -> u32 {
        self.last = self.last.wrapping_add(1);
        let number = self.last;
        let bell = Arc::new(Bell {
            number,
            due: self.due.clone(),
        });
        let waker = Waker::from(bell);
        let alarm = engine.with(|core| core.timeline.set(duration(at), waker));
        self.set.insert(number, alarm);
        number
    }

    pub(super) fn cancel(&mut self, engine: &Engine<Local>, number: u32) {
        if let Some(alarm) = self.set.remove(&number) {
            drop(engine.with(|core| core.timeline.cancel(alarm)));
        }
    }

    /// Moves time to what is due next, unless that is later than `limit`; the numbers of the alarms
    /// that fell due, in their order.
    pub(super) fn step(&mut self, engine: &Engine<Local>, limit: f64) -> Vec<u32> {
        let woken = engine.with(|core| {
            let next = core.timeline.next_due()?;
            (milliseconds(next) <= limit).then(|| core.timeline.advance_to(next))
        });
        woken.into_iter().flatten().for_each(Waker::wake);
        let due = std::mem::take(&mut *self.due.lock().unwrap_or_else(PoisonError::into_inner));
        for number in &due {
            self.set.remove(number);
        }
        due
    }

    /// Forgets the alarms: the timeline has been cleared.
    pub(super) fn clear(&mut self) {
        self.set.clear();
        self.due = Arc::default();
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        due.push(self.number);
    }
}

/// A time in milliseconds, as JavaScript has it. Negative ones are now, endless ones very late.
pub(super) fn duration(milliseconds: f64) -> Duration {
    Duration::from_nanos((milliseconds * NANOSECONDS).round() as u64)
}

/// The way back: exact for what came from JavaScript, as long as that is less than a hundred days.
pub(super) fn milliseconds(duration: Duration) -> f64 {
    duration.as_nanos() as f64 / NANOSECONDS
}

/// Of one millisecond.
const NANOSECONDS: f64 = 1e6;
