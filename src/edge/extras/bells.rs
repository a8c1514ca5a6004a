//! Wakers of JavaScript's: each leaves its number behind, for JavaScript to ask about.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Wake, Waker};

/// What has been woken since somebody asked.
#[derive(Default)]
pub(super) struct Bells {
    rung: Arc<Mutex<VecDeque<u64>>>,
}

struct Bell {
    number: u64,
    rung: Arc<Mutex<VecDeque<u64>>>,
}

impl Bells {
    /// What wakes this number.
    pub(super) fn waker(&self, number: u64) -> Waker {
        let rung = self.rung.clone();
        Arc::new(Bell { number, rung }).into()
    }

    /// The next one that was woken.
    pub(super) fn next(&self) -> Option<u64> {
        let mut rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        rung.pop_front()
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        let mut rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        rung.push_back(self.number);
    }
}
