//! Two tasks that may poll one thing: one reads, one writes.

use std::sync::Arc;
use std::task::Wake;

use futures_util::task::AtomicWaker;

/// Who read last and who wrote last: woken together, as either may have been polling for the other.
#[derive(Default)]
pub(crate) struct Wakers {
    pub(crate) reader: AtomicWaker,
    pub(crate) writer: AtomicWaker,
}

impl Wake for Wakers {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.reader.wake();
        self.writer.wake();
    }
}
