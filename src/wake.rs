//! Waking all who wait.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::task::Waker;

/// Wakes everybody. A waker is foreign code and may panic: the others are woken all the same, as whoever
/// is not would wait for ever; then the panic goes on.
#[inline]
pub(crate) fn wake_all(wakers: impl IntoIterator<Item = Waker>) {
    wake_each(&mut wakers.into_iter());
}

#[inline(never)]
fn wake_each(wakers: &mut dyn Iterator<Item = Waker>) {
    let mut panicked = None;
    for waker in wakers {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| waker.wake())) {
            panicked.get_or_insert(panic);
        }
    }
    if let Some(panic) = panicked {
        resume_unwind(panic);
    }
}
