//! What happens to the permits of a transport that limits concurrency, as a stream.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use crate::core::watchers::{WatcherId, Watchers};
use crate::engine::Engine;
use crate::mode::Mode;
use crate::model::concurrency::PermitEvent;

/// The stream that [`MockTransport::permit_events`](crate::MockTransport::permit_events) returns. It
/// ends when the transport is disposed and all events are read. Dropping it ends the watching.
#[must_use = "events are kept for it as long as it is there"]
pub struct PermitEvents<M: Mode> {
    engine: M::Ptr<Engine<M>>,
    /// `None` on a transport without limits.
    id: Option<WatcherId>,
}

impl<M: Mode> PermitEvents<M> {
    pub(crate) fn new(engine: M::Ptr<Engine<M>>) -> Self {
        let id = engine.with(|core| core.gate.as_mut().map(|gate| gate.watchers.add()));
        Self { engine, id }
    }

    /// The events that have happened and were not read, in order, without waiting for one.
    pub fn drain(&mut self) -> Vec<PermitEvent> {
        self.of_watchers(Watchers::take).into_iter().collect()
    }

    /// How many events were forgotten because nobody read them: 16,384 are kept, the latest ones.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.of_watchers(|watchers, id| watchers.missed(id))
    }

    fn of_watchers<T: Default>(&self, f: impl FnOnce(&mut Watchers, WatcherId) -> T) -> T {
        let Some(id) = self.id else {
            return T::default();
        };
        let asked = self.engine.with(|core| {
            let gate = core.gate.as_mut()?;
            Some(f(&mut gate.watchers, id))
        });
        asked.unwrap_or_default()
    }
}

impl<M: Mode> Stream for PermitEvents<M> {
    type Item = PermitEvent;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<PermitEvent>> {
        let mut waker = Some(cx.waker().clone());
        self.engine.with(|core| {
            let next = match (&mut core.gate, self.id) {
                (Some(gate), Some(id)) => gate.watchers.next(id, &mut waker),
                _ => Poll::Pending,
            };
            match next {
                Poll::Ready(event) => Poll::Ready(Some(event)),
                Poll::Pending if core.disposed => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            }
        })
    }
}

impl<M: Mode> Unpin for PermitEvents<M> {}

impl<M: Mode> Drop for PermitEvents<M> {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            let left = self.engine.with(|core| {
                let gate = core.gate.as_mut()?;
                Some(gate.watchers.remove(id))
            });
            drop(left);
        }
    }
}

impl<M: Mode> fmt::Debug for PermitEvents<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PermitEvents")
            .field("missed", &self.missed())
            .finish_non_exhaustive()
    }
}
