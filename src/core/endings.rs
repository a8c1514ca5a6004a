//! Who wants to know when the transport ends, while waiting for something that it knows nothing of.

use std::collections::BTreeMap;
use std::task::Waker;

#[derive(Default)]
pub(crate) struct Endings {
    waiting: BTreeMap<u64, Waker>,
    next_number: u64,
}

impl Endings {
    /// Takes the waker in, under its number, which it has from the first time on; the one that was
    /// there before is to be dropped outside the borrow.
    pub(crate) fn watch(
        &mut self,
        number: &mut Option<u64>,
        waker: &mut Option<Waker>,
    ) -> Option<Waker> {
        let number = *number.get_or_insert_with(|| {
            self.next_number += 1;
            self.next_number
        });
        self.waiting.insert(number, waker.take()?)
    }

    /// Nobody waits under this number any more; the waker is to be dropped outside the borrow.
    pub(crate) fn leave(&mut self, number: u64) -> Option<Waker> {
        self.waiting.remove(&number)
    }

    pub(crate) fn take(&mut self) -> impl Iterator<Item = Waker> + use<> {
        std::mem::take(&mut self.waiting).into_values()
    }
}
