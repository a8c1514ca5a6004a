//! The engine as its handles share it: the state behind a cell, and the settings beside it.

use std::time::Duration;

use http::{HeaderName, StatusCode};

use crate::core::exchange::Delivered;
use crate::core::timeline::Tick;
use crate::core::{Aftermath, Core, ExchangeId};
use crate::diagnosis::Diagnosis;
use crate::error::Result;
use crate::limits::Limits;
use crate::matcher::Matcher;
use crate::mode::{Cell, Mode};
use crate::model::captured::{Captured, Outcome};
use crate::model::damage::Chaos;
use crate::model::redact;
use crate::model::request::Request;
use crate::timer::AnyTimer;
use crate::wake::wake_all;

/// What every handle, future and body of a transport refers to.
pub(crate) struct Engine<M: Mode> {
    core: M::Cell<Core<M>>,
    pub(crate) settings: Settings<M>,
}

/// What is decided when a transport is built, and never changes.
pub(crate) struct Settings<M: Mode> {
    pub(crate) unmatched: Unmatched<M>,
    pub(crate) allow_unmatched: bool,
    pub(crate) timing: Timing,
    /// What moves time when it is real.
    pub(crate) timer: Option<M::Timer>,
    /// Where random numbers come from.
    pub(crate) seed: u64,
    /// Which date time begins at, since 1970.
    pub(crate) epoch: Duration,
    /// `None` without limits, as nearly always.
    pub(crate) limits: Option<Box<Limits<M>>>,
    /// What goes wrong by chance.
    pub(crate) chaos: Chaos,
    /// How many exchanges the journal keeps.
    pub(crate) requests: usize,
    /// How many bytes of each request body the journal keeps.
    pub(crate) body_bytes: usize,
    /// How many frames of each streamed body the timeline keeps.
    pub(crate) frames: usize,
    /// Above how many bytes the journal compresses a request body.
    #[cfg(feature = "compression")]
    pub(crate) compress_above: Option<usize>,
    /// Header fields whose values are never printed, besides the usual ones.
    pub(crate) redact: Vec<HeaderName>,
}

/// What a transport does with a request that no rule matches.
pub(crate) enum Unmatched<M: Mode> {
    Error,
    Handle(M::Responder),
    Reply(StatusCode),
}

/// Who moves the transport's time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Timing {
    /// Nobody waits: once everything has settled, time steps to what is due next.
    ///
    /// Exact under [`block_on`](crate::MockTransport::block_on). On any other executor a future
    /// that waits for its time yields until nothing new has happened for many rounds; work on
    /// other threads that the executor does not know of may then count as settled.
    #[default]
    Instant,
    /// Time moves only by [`advance`](crate::MockTransport::advance).
    Manual,
    /// A runtime's clock moves time; see [`Builder::timer`](crate::Builder::timer).
    Real,
}

impl<M: Mode> Engine<M> {
    pub(crate) fn new(settings: Settings<M>) -> Self {
        let mut core = Core::new(settings.requests);
        if let Some(limits) = &settings.limits {
            limits.apply(&mut core);
        }
        Self {
            core: Cell::new(core),
            settings,
        }
    }

    /// Runs a closure on the state. It must not call foreign code; see [`Cell`].
    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut Core<M>) -> R) -> R {
        self.core.with(f)
    }

    /// Ends an exchange; who waited for what it held goes on. What was delivered is left to the caller
    /// when there is no entry to keep it.
    pub(crate) fn finish(
        &self,
        exchange: ExchangeId,
        outcome: Outcome,
        delivered: &mut Delivered,
    ) -> Result<()> {
        self.follow_clock();
        if self.settings.limits.is_some() {
            return self.finish_limited(exchange, outcome, delivered);
        }
        self.with(|core| core.finish(exchange, outcome, delivered))
            .map(drop)
    }

    /// Ends an exchange that no rule answers, and remembers why.
    pub(crate) fn finish_unmatched(&self, exchange: ExchangeId, diagnosis: &Diagnosis) {
        self.with(|core| {
            if core.exchanges.contains_key(exchange) {
                core.journal.note_diagnosis(diagnosis);
            }
        });
        let _ = self.finish(exchange, Outcome::Unmatched, &mut Delivered::default());
    }

    /// In one borrow: in between, another exchange might take the key of this one.
    #[cold]
    fn finish_limited(
        &self,
        exchange: ExchangeId,
        outcome: Outcome,
        delivered: &mut Delivered,
    ) -> Result<()> {
        let (over, next) = self.with(|core| {
            let over = core.finish(exchange, outcome, delivered);
            over.map(|over| (over, core.free(exchange)))
        })?;
        wake_all(next);
        drop(over);
        Ok(())
    }

    /// In real time: moves the transport's time to what the clock says.
    #[inline]
    pub(crate) fn follow_clock(&self) {
        if let Some(timer) = &self.settings.timer {
            self.follow(timer.now());
        }
    }

    /// Now, since 1970.
    pub(crate) fn today(&self) -> Duration {
        let now = self.with(|core| core.timeline.now());
        self.settings.epoch.saturating_add(now)
    }

    fn follow(&self, now: Tick) {
        let due = self.with(|core| core.timeline.advance_to(now));
        wake_all(due);
    }

    /// The transport's time, for something that happens now.
    pub(crate) fn happens_at(&self) -> Tick {
        self.follow_clock();
        self.with(|core| {
            core.timeline.note_activity();
            core.timeline.now()
        })
    }

    /// As `happens_at`; fails when the transport is disposed, and nothing may happen any more.
    pub(crate) fn happens_now(&self) -> Result<Tick> {
        self.follow_clock();
        self.with(|core| {
            core.ensure_alive()?;
            core.timeline.note_activity();
            Ok(core.timeline.now())
        })
    }

    /// Snapshots of the captured exchanges from this number on.
    pub(crate) fn captured(&self, from: u64) -> Vec<Captured> {
        let cap = self.settings.body_bytes;
        let captured: Vec<_> = self.with(|core| {
            let entries = core.journal.since(from);
            entries
                .map(|(number, entry)| core.snapshot(number, entry, cap))
                .collect()
        });
        captured.into_iter().map(|it| self.shown(it)).collect()
    }

    /// A snapshot of the exchange with this number.
    pub(crate) fn captured_one(&self, number: u64) -> Option<Captured> {
        let cap = self.settings.body_bytes;
        self.with(|core| {
            let (found, entry) = core.journal.since(number).next()?;
            (found == number).then(|| core.snapshot(number, entry, cap))
        })
        .map(|it| self.shown(it))
    }

    /// A snapshot as it is given out: unpacked, with the transport's own secrets marked.
    pub(crate) fn shown(&self, mut captured: Captured) -> Captured {
        if let Some(head) = &mut captured.response {
            redact::mark(&mut head.headers, &self.settings.redact);
        }
        #[cfg(feature = "compression")]
        let captured = Captured {
            request: captured.request.unpacked(),
            ..captured
        };
        captured
    }

    /// A matcher that does not print the transport's own secrets.
    pub(crate) fn discreet(&self, matcher: impl Into<Matcher<M>>) -> Matcher<M> {
        let mut matcher = matcher.into();
        matcher.mark_secrets(&self.settings.redact);
        matcher
    }

    /// What the journal keeps instead of a request whose body is large.
    pub(crate) fn kept_instead(&self, request: &Request) -> Option<Request> {
        let cut = request.cut(self.settings.body_bytes);
        #[cfg(feature = "compression")]
        if let Some(threshold) = self.settings.compress_above {
            let kept = cut.as_ref().unwrap_or(request);
            return kept.packed(threshold).or(cut);
        }
        cut
    }

    /// Runs a closure on the state, then wakes and drops what it leaves behind.
    pub(crate) fn settle(&self, f: impl FnOnce(&mut Core<M>) -> Aftermath<M>) {
        self.with(f).settle();
    }
}

impl<M: Mode> Clone for Unmatched<M> {
    fn clone(&self) -> Self {
        match self {
            Self::Error => Self::Error,
            Self::Handle(responder) => Self::Handle(responder.clone()),
            Self::Reply(status) => Self::Reply(*status),
        }
    }
}
