//! The end of a transport, for whoever waits for something that it knows nothing of.

use std::task::Context;

use crate::engine::Engine;
use crate::error::Result;
use crate::mode::Mode;

/// Notices when a transport is disposed.
pub(crate) struct Ending {
    /// Its place among those who wait, once it has one.
    number: Option<u64>,
}

impl Ending {
    pub(crate) const fn new() -> Self {
        Self { number: None }
    }

    /// Fails when the transport is disposed; until then, that wakes whoever asks.
    pub(crate) fn poll<M: Mode>(&mut self, engine: &Engine<M>, cx: &Context<'_>) -> Result<()> {
        let mut waker = Some(cx.waker().clone());
        let watched = engine.with(|core| {
            core.ensure_alive()?;
            let endings = core.endings.get_or_insert_default();
            Ok(endings.watch(&mut self.number, &mut waker))
        });
        watched.map(drop)
    }

    /// Wants to know no longer.
    pub(crate) fn leave<M: Mode>(&mut self, engine: &Engine<M>) {
        if let Some(number) = self.number.take() {
            drop(engine.with(|core| core.endings.as_mut()?.leave(number)));
        }
    }
}
