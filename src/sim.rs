//! Running a future on the transport's own time: exact steps, and no silent hang.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use crate::engine::{Engine, Timing};
use crate::error::{Error, ErrorKind, Result};
use crate::mode::Mode;
use crate::transport::MockTransport;

impl<M: Mode> MockTransport<M> {
    /// Runs a future to its end on this thread, without a runtime.
    ///
    /// With [`Timing::Instant`], time steps to what is due next exactly when the future can get no
    /// further. A future that can never complete is reported instead of hanging. For futures that
    /// wait for nothing but this transport: on another runtime, `await` there.
    ///
    /// # Panics
    ///
    /// If the future can never complete; see [`try_block_on`](Self::try_block_on).
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        match self.try_block_on(future) {
            Ok(output) => output,
            Err(error) => panic!("{error}"),
        }
    }

    /// Like [`block_on`](Self::block_on), without the panic.
    ///
    /// # Errors
    ///
    /// [`Stalled`](ErrorKind::Stalled) when the future can never complete.
    pub fn try_block_on<F: Future>(&self, future: F) -> Result<F::Output> {
        let mut future = pin!(future);
        let woken = Arc::new(Flag::default());
        let waker = Waker::from(woken.clone());
        let mut context = Context::from_waker(&waker);
        let _driving = Driving::start(&self.engine);
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                return Ok(output);
            }
            while !woken.take() {
                self.step()?;
            }
        }
    }

    /// Moves time to what is due next.
    fn step(&self) -> Result<()> {
        let step = match self.timing() {
            Timing::Instant => self.engine.with(|core| core.timeline.step()),
            Timing::Manual => None,
        };
        let Some(wake) = step else {
            let waiting_for = self.what_is_waited_for();
            return Err(Error::new(ErrorKind::Stalled { waiting_for }));
        };
        wake.into_iter().for_each(Waker::wake);
        Ok(())
    }

    fn what_is_waited_for(&self) -> String {
        let pending = self.engine.with(|core| {
            let entries = core.journal.since(0);
            let pending = entries.filter(|(_, entry)| entry.outcome == crate::Outcome::Pending);
            pending
                .map(|(number, entry)| (number, entry.request.clone()))
                .collect::<Vec<_>>()
        });
        let listed = pending
            .iter()
            .map(|(number, request)| format!("\n  #{number} {request}"));
        match pending.len() {
            0 => "something that is not this transport, or for a time that only `advance` moves"
                .to_owned(),
            1 => format!(
                "an exchange that is not over:{}",
                listed.collect::<String>()
            ),
            n => format!(
                "{n} exchanges that are not over:{}",
                listed.collect::<String>()
            ),
        }
    }
}

/// Says that an executor of ours is running, as long as it lives.
struct Driving<'a, M: Mode>(&'a Engine<M>);

impl<'a, M: Mode> Driving<'a, M> {
    fn start(engine: &'a Engine<M>) -> Self {
        engine.with(|core| core.timeline.start_driving());
        Self(engine)
    }
}

impl<M: Mode> Drop for Driving<'_, M> {
    fn drop(&mut self) {
        self.0.with(|core| core.timeline.stop_driving());
    }
}

/// Remembers that it was woken.
#[derive(Default)]
struct Flag(AtomicBool);

impl Flag {
    fn take(&self) -> bool {
        self.0.swap(false, Ordering::AcqRel)
    }
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}
