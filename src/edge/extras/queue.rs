//! Which item of a queue is next, and when no more may come. JavaScript has the items, and works on
//! them.

use std::cell::RefCell;
use std::task::Waker;

use wasm_bindgen::prelude::wasm_bindgen;

use crate::core::queue::{Next, Queue};
use crate::edge::js_values::duration;
use crate::error::ErrorKind;
use crate::model::priority::Priority;
use crate::model::queue::{Completion, Stop};

/// What `push` answers instead of a number: as many wait as may; the queue was stopped.
const FULL: f64 = 0.0;
const STOPPED: f64 = -1.0;

/// A queue of items that JavaScript knows by numbers from 1.
#[wasm_bindgen]
pub struct QueueMachine {
    core: RefCell<Queue<()>>,
}

#[wasm_bindgen]
impl QueueMachine {
    /// A queue of which so many items are worked on at once. An item rises by one priority for each
    /// `ageing` milliseconds that it waits.
    #[wasm_bindgen(constructor)]
    pub fn new(workers: usize, max_waiting: Option<usize>, ageing: f64) -> Self {
        let mut queue = Queue::new(workers);
        queue.max_waiting = max_waiting;
        queue.ageing = ageing.is_finite().then(|| duration(ageing));
        Self { core: queue.into() }
    }

    /// Adds an item of a priority, from 0 for the lowest; its number, or 0 when as many wait as may,
    /// or -1 when the queue was stopped.
    pub fn push(&self, priority: usize, now: f64) -> f64 {
        let priority = Priority::ALL.get(priority).copied().unwrap_or_default();
        let mut core = self.core.borrow_mut();
        match core.push((), priority, duration(now)) {
            Ok((number, _)) => {
                // JavaScript knows who wants to know of it.
                let _: Option<Waker> = core.detach(number);
                number as f64
            }
            Err((error, ())) => match error.kind() {
                ErrorKind::QueueFull { .. } => FULL,
                _ => STOPPED,
            },
        }
    }

    /// The number of the item that is to be worked on now; 0 when there is none, or no worker.
    pub fn next(&self, now: f64) -> f64 {
        match self.core.borrow_mut().next(duration(now), &mut None) {
            Next::Item(number, ()) => number as f64,
            Next::Later | Next::Never => 0.0,
        }
    }

    /// The work on an item is over, or was given up.
    pub fn finish(&self, number: f64, is_done: bool) {
        let completion = if is_done {
            Completion::Done
        } else {
            Completion::Cancelled
        };
        let _: Vec<Waker> = self.core.borrow_mut().finish(number as u64, completion);
    }

    /// Takes an item out, if it waits still. Whether it did.
    pub fn cancel(&self, number: f64) -> bool {
        self.core.borrow_mut().cancel(number as u64).is_some()
    }

    /// Takes nothing more. What waits is worked on first, or cancelled: then those are not told of
    /// one by one.
    pub fn stop(&self, cancel: bool) {
        let how = if cancel { Stop::Cancel } else { Stop::Drain };
        let _: (Vec<()>, Vec<Waker>) = self.core.borrow_mut().stop(how);
    }

    /// Waiting, running, peak, done, cancelled.
    pub fn status(&self) -> Vec<f64> {
        let status = self.core.borrow().status();
        let now = [status.waiting, status.running, status.peak].map(|count| count as f64);
        let over = [status.done, status.cancelled].map(|count| count as f64);
        [now.as_slice(), &over].concat()
    }

    /// How the queue was stopped: 0 when it was not, 1 to drain it, 2 to cancel what waits.
    pub fn stopped(&self) -> u8 {
        self.core
            .borrow()
            .status()
            .stopped
            .map_or(0, |how| match how {
                Stop::Drain => 1,
                Stop::Cancel => 2,
            })
    }
}
