//! What the server waits for has happened.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake};

use futures_util::task::AtomicWaker;

use crate::flow::wakers::Wakers;

/// Wakes who reads and who writes, and remembers that the server is to be polled by them.
#[derive(Default)]
pub(super) struct Signal {
    client: Wakers,
    is_raised: AtomicBool,
}

impl Signal {
    pub(super) fn client_reads(&self, cx: &Context<'_>) {
        self.client.reader.register(cx.waker());
    }

    pub(super) fn client_writes(&self, cx: &Context<'_>) {
        self.client.writer.register(cx.waker());
    }

    /// Who reads has something to read.
    pub(super) fn reader(&self) -> &AtomicWaker {
        &self.client.reader
    }

    /// There is something for the server, who is polled before the client waits.
    pub(super) fn raise(&self) {
        self.is_raised.store(true, Ordering::Release);
    }

    /// Whether there was something for the server.
    pub(super) fn lower(&self) -> bool {
        self.is_raised.swap(false, Ordering::AcqRel)
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.raise();
        self.client.reader.wake();
        self.client.writer.wake();
    }
}
