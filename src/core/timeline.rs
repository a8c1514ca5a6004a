//! The transport's own time: it moves only when it is told to.
//!
//! Whoever waits for a point of time stands in one line, ordered by `(due, number)`, and takes its
//! turn when it is the first and its time has come. So two streams whose frames are due at 10 and at
//! 20 give them in this order, however far time has moved and whoever is polled first.

use std::collections::BTreeMap;
use std::task::Waker;
use std::time::Duration;

use crate::wake::wake_all;

/// A point in the transport's time: how long after its creation.
pub(crate) type Tick = Duration;

/// A place in the line: when it is due, and a number that orders those due together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Alarm {
    pub(crate) due: Tick,
    pub(crate) number: u64,
}

/// The answer to [`Timeline::ask`], with wakers to be dropped outside the borrow.
pub(crate) enum Asked {
    Now(Left),
    Later(Option<Waker>),
}

/// Who has left the line, and who has come to the front by that.
#[must_use = "to be settled outside the borrow"]
pub(crate) struct Left {
    was: Option<Waker>,
    asking: Option<Waker>,
    at_front: Option<Waker>,
}

/// What somebody does who has asked for its turn in vain.
pub(crate) enum Idle {
    /// Its executor, or whoever moves time, wakes it.
    Sleep,
    /// It yields, and asks again.
    StayAwake,
    /// Everything has settled. These are woken, and it asks again.
    Wake(Vec<Waker>),
}

/// Who stands at a place.
enum Standing {
    /// Has asked for its turn, and waits.
    Waiting(Waker),
    /// Was woken because its time has come.
    Woken(Waker),
    /// Has just taken a turn, and will want this one next.
    Expected,
}

/// How many of those who wait stay awake on an executor that is not ours.
const AWAKE: usize = 64;

/// How often all of them are polled in vain before everything counts as settled.
const IDLE_POLLS: u32 = 256;

/// Now, and who waits for what is due later.
pub(crate) struct Timeline {
    now: Tick,
    line: BTreeMap<Alarm, Standing>,
    next_number: u64,
    /// How many polls there were since something last happened.
    idle_polls: u32,
    /// How many executors of ours are running: they step time exactly when everything has settled.
    drivers: usize,
}

impl Timeline {
    pub(crate) fn new() -> Self {
        Self {
            now: Tick::ZERO,
            line: BTreeMap::new(),
            next_number: 0,
            idle_polls: 0,
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

    /// Something has happened: not everything had settled.
    pub(crate) fn note_activity(&mut self) {
        // Written only when it changes: the line of memory stays with the other threads.
        if self.idle_polls != 0 {
            self.idle_polls = 0;
        }
    }

    /// A number of one's own: among those due together, lower ones come first.
    pub(crate) fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }

    /// Asks whether it is this one's turn: its time has come, and nobody stands before it. If not, it
    /// waits in line. If so and it knows for when it will ask next, its place there is kept until
    /// everything has settled.
    pub(crate) fn ask(&mut self, alarm: Alarm, next: Option<Alarm>, waker: Waker) -> Asked {
        let is_first = self.line.keys().next().is_none_or(|first| alarm <= *first);
        if !is_first || alarm.due > self.now {
            let was = self.line.insert(alarm, Standing::Waiting(waker));
            return Asked::Later(was.and_then(Standing::into_waker));
        }
        self.note_activity();
        let mut left = self.leave(alarm);
        left.asking = Some(waker);
        if let Some(next) = next {
            self.line.entry(next).or_insert(Standing::Expected);
        }
        Asked::Now(left)
    }

    /// On an executor that is not ours nobody tells when everything has settled, so some of those
    /// who wait stay awake and count in vain. What this one is to do after it has asked in vain.
    pub(crate) fn idle(&mut self, alarm: Alarm, may_move: bool) -> Idle {
        let waits_for_time = alarm.due > self.now && !may_move;
        let is_at_front = || self.line.keys().take(AWAKE).any(|it| *it == alarm);
        if waits_for_time || self.is_driven() || !is_at_front() {
            return Idle::Sleep;
        }
        self.idle_polls += 1;
        if self.idle_polls < IDLE_POLLS {
            return Idle::StayAwake;
        }
        self.idle_polls = 0;
        Idle::Wake(self.step(may_move).unwrap_or_default())
    }

    /// Who waits no longer.
    pub(crate) fn leave(&mut self, alarm: Alarm) -> Left {
        let was = self.line.remove(&alarm).and_then(Standing::into_waker);
        let at_front = match self.line.values().nth(AWAKE - 1) {
            Some(Standing::Waiting(waker)) => Some(waker.clone()),
            _ => None,
        };
        let asking = None;
        Left {
            was,
            asking,
            at_front,
        }
    }

    /// Moves time forward and returns whom to wake, in order. Time never moves back.
    pub(crate) fn advance_to(&mut self, to: Tick) -> Vec<Waker> {
        self.now = self.now.max(to);
        self.note_activity();
        let last = Alarm {
            due: self.now,
            number: u64::MAX,
        };
        let due = self.line.range_mut(..=last);
        due.filter_map(|(_, standing)| standing.wake()).collect()
    }

    /// Who waits, for whatever time: to look at what has become of what they wait for.
    pub(crate) fn waiting(&self) -> Vec<Waker> {
        let wakers = self.line.values().filter_map(|standing| match standing {
            Standing::Waiting(waker) | Standing::Woken(waker) => Some(waker.clone()),
            Standing::Expected => None,
        });
        wakers.collect()
    }

    /// Everything has settled: whoever has been woken and has not taken its turn does not ask any
    /// more, and the next one is woken; time moves to it, when it may. `None` when there is nobody.
    pub(crate) fn step(&mut self, may_move: bool) -> Option<Vec<Waker>> {
        let mut left = Vec::new();
        while let Some(first) = self.line.first_entry() {
            if let Standing::Waiting(_) = first.get() {
                let due = first.key().due;
                if due > self.now && !may_move {
                    break;
                }
                left.extend(self.advance_to(due));
                return Some(left);
            }
            left.extend(first.remove().into_waker());
        }
        // Woken once more, so that they are dropped outside the borrow; it does no harm.
        (!left.is_empty()).then_some(left)
    }

    /// The place in line that is due first, and whether it is only kept for somebody.
    #[cfg_attr(not(all(feature = "js", target_arch = "wasm32")), allow(dead_code))]
    pub(crate) fn first(&self) -> Option<(Alarm, bool)> {
        let (alarm, standing) = self.line.first_key_value()?;
        Some((*alarm, matches!(standing, Standing::Expected)))
    }

    /// The place in line that is due first, taken away; time moves to it. `None` when there is none
    /// up to then.
    #[cfg_attr(not(all(feature = "js", target_arch = "wasm32")), allow(dead_code))]
    pub(crate) fn take_first(&mut self, up_to: Tick) -> Option<(Alarm, Option<Waker>)> {
        let first = self.line.first_entry()?;
        if first.key().due > up_to {
            return None;
        }
        let (alarm, standing) = first.remove_entry();
        self.now = self.now.max(alarm.due);
        self.note_activity();
        Some((alarm, standing.into_waker()))
    }

    /// Whether nobody stands in line.
    pub(crate) fn is_deserted(&self) -> bool {
        self.line.is_empty()
    }

    /// Time begins again, when nobody stands in line.
    #[cfg(all(feature = "js", target_arch = "wasm32"))]
    pub(crate) fn restart(&mut self) {
        debug_assert!(self.is_deserted(), "cleared before");
        (self.now, self.next_number, self.idle_polls) = (Tick::ZERO, 0, 0);
    }

    pub(crate) fn clear(&mut self) -> Vec<Waker> {
        let line = std::mem::take(&mut self.line);
        line.into_values()
            .filter_map(Standing::into_waker)
            .collect()
    }
}

impl Left {
    /// Wakes who has to stay awake from now on.
    pub(crate) fn settle(self) {
        drop((self.was, self.asking));
        wake_all(self.at_front);
    }
}

impl Standing {
    fn into_waker(self) -> Option<Waker> {
        match self {
            Self::Waiting(waker) | Self::Woken(waker) => Some(waker),
            Self::Expected => None,
        }
    }

    fn wake(&mut self) -> Option<Waker> {
        match self {
            Self::Waiting(waker) => {
                let waker = waker.clone();
                *self = Self::Woken(waker.clone());
                Some(waker)
            }
            Self::Woken(_) | Self::Expected => None,
        }
    }
}
