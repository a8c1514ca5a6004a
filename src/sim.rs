//! Running a future on the transport's own time: exact steps, and no silent hang.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use crate::core::exchange::Waits;
use crate::core::journal::Entry;
use crate::engine::{Engine, Timing};
use crate::error::{Error, ErrorKind, Result};
use crate::mode::Mode;
use crate::transport::MockTransport;
use crate::wake::wake_all;

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
        let woken = Arc::new(Flag::new());
        let waker = Waker::from(woken.clone());
        let mut context = Context::from_waker(&waker);
        let _driving = Driving::start(&self.engine);
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                return Ok(output);
            }
            while !woken.take() {
                if self.timing() == Timing::Real {
                    woken.wait();
                } else {
                    self.step()?;
                }
            }
        }
    }

    /// Moves time to what is due next.
    fn step(&self) -> Result<()> {
        let may_move = self.timing() == Timing::Instant;
        let step = self.engine.with(|core| core.timeline.step(may_move));
        let Some(wake) = step else {
            let waiting_for = self.what_is_waited_for();
            return Err(Error::new(ErrorKind::Stalled { waiting_for }));
        };
        wake_all(wake);
        Ok(())
    }

    /// Where the rule was registered whose [`Hold`](crate::futures::Hold) somebody asks for a request.
    fn asked_to_hold(&self) -> Option<String> {
        self.engine.with(|core| {
            let (id, _) = core.holds.iter().find(|(_, it)| !it.wakers.is_empty())?;
            Some(core.rules.get(id)?.rule.site.to_string())
        })
    }

    fn what_is_waited_for(&self) -> String {
        let pending = self.engine.with(|core| {
            let waits = |entry: &Entry| Some(core.exchanges.get(entry.exchange)?.waits().clone());
            let entries = core.journal.since(0);
            let pending = entries.filter_map(|(number, entry)| {
                let request = entry.request.clone();
                waits(entry).map(|waits| (number, request, waits))
            });
            pending.collect::<Vec<_>>()
        });
        let listed = pending
            .iter()
            .map(|(number, request, waits)| format!("\n  #{number} {request}: {}", reason(waits)));
        match pending.len() {
            0 => match self.asked_to_hold() {
                Some(site) => {
                    format!("the next request that the rule at {site} holds: none has come")
                }
                None => {
                    "something that is not this transport, or for a time that only `advance` moves"
                        .to_owned()
                }
            },
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

fn reason(waits: &Waits) -> String {
    match waits {
        Waits::Client => "its time has not come, or nobody takes its body".to_owned(),
        Waits::Handler => "its handler has not replied".to_owned(),
        Waits::Nothing => "its script stalls, for good".to_owned(),
        Waits::Permit => {
            "it is queued: so many others may go on at once, and none of them is over \
                          (a response's body counts until it is read or dropped)"
                .to_owned()
        }
        Waits::Release(name) => format!("its script waits for `release({name:?})`"),
        Waits::Reply => "it is held, and the test has not replied".to_owned(),
        Waits::Stream => "the stream of its body has given nothing, and has not ended".to_owned(),
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
struct Flag {
    is_set: AtomicBool,
    thread: Thread,
}

impl Flag {
    fn new() -> Self {
        Self {
            is_set: AtomicBool::new(false),
            thread: std::thread::current(),
        }
    }

    fn take(&self) -> bool {
        self.is_set.swap(false, Ordering::AcqRel)
    }

    /// Waits for the other thread that is going to wake this one: a timer's.
    fn wait(&self) {
        while !self.is_set.load(Ordering::Acquire) {
            std::thread::park();
        }
    }
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.is_set.store(true, Ordering::Release);
        self.thread.unpark();
    }
}
