//! The handle of a cassette that is used: it answers from it, and records onto it.

use std::fmt;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use super::draft::Draft;
use super::entry::{Entry, RecordedEnd};
use super::options::{Options, RecordMode, Settings};
use super::shelf::Shelf;
use super::tape::Tape;
use super::{Cassette, merge};
use crate::diagnosis::{Check, Diagnosis};
use crate::edge::clock::Stopwatch;
use crate::error::{Error, ErrorKind, Result};
use crate::matcher::Predicate;
use crate::mode::{AcceptTimer, Cell, Mode};
use crate::model::reply::Reply;
use crate::model::request::Request;
use crate::timer::{AnyTimer, Timer};

/// A cassette in use: it answers requests from the cassette, or records what a real transport answers,
/// or both, as its [mode](RecordMode) says. Give it to a rule with
/// [`When::replay`](crate::When::replay) or [`When::record`](crate::When::record).
///
/// A clone is another handle to the same. However many requests come at once, each entry answers as
/// often as it may. Recording changes nothing of what the caller gets: a body goes through piece by
/// piece as it comes, and a piece is kept without a copy. What is not the same each time is made so, and
/// secrets are taken out, before anything is kept: see [`Options`] and [`Redaction`](super::Redaction).
///
/// ```
/// use mockwire::cassette::{Cassette, Options, RecordMode, Recorder};
/// use mockwire::{Reply, sync::MockTransport};
///
/// // The real transport: here another mock. See `upstream` for those of reqwest and tower.
/// let real = MockTransport::new();
/// real.get("/models").reply(Reply::json(serde_json::json!(["small", "large"])));
///
/// let recorder = Recorder::new(Cassette::new(), Options::new().mode(RecordMode::Record));
/// let transport = MockTransport::new();
/// transport.otherwise().record(&recorder, move |request| real.call(request));
///
/// let get = || http::Request::get("https://api.test/models").body(()).unwrap();
/// let live = transport.block_on(async { transport.call(get()).await?.into_body().text().await })?;
///
/// let replay = Recorder::new(recorder.cassette(), Options::new());
/// let transport = MockTransport::new();
/// transport.otherwise().replay(&replay);
/// let replayed = transport.block_on(async { transport.call(get()).await?.into_body().text().await })?;
/// assert_eq!(replayed, live);
/// replay.assert_all_used();
/// # Ok::<(), mockwire::Error>(())
/// ```
pub struct Recorder<M: Mode> {
    shared: M::Ptr<Shared<M>>,
}

pub(crate) struct Shared<M: Mode> {
    settings: Settings,
    shelf: Shelf,
    replies: Vec<Reply>,
    pub(crate) path: Option<PathBuf>,
    tape: M::Cell<Tape>,
    stopwatch: Stopwatch,
    timer: OnceLock<M::Timer>,
}

/// What becomes of a request.
pub(crate) enum Asked<M: Mode> {
    Record(Track<M>),
    Replay(Reply),
}

impl<M: Mode> Recorder<M> {
    /// A recorder with this cassette in it.
    ///
    /// # Panics
    ///
    /// If an option is malformed; see [`try_new`](Self::try_new).
    #[must_use]
    #[track_caller]
    pub fn new(cassette: Cassette, options: Options) -> Self {
        match Self::try_new(cassette, options) {
            Ok(recorder) => recorder,
            Err(error) => panic!("{error}"),
        }
    }

    /// Like [`new`](Self::new), without the panic.
    ///
    /// # Errors
    ///
    /// [`Invalid`](ErrorKind::Invalid) for the first malformed option.
    pub fn try_new(cassette: Cassette, options: Options) -> Result<Self> {
        Self::of_file(cassette, &options, None)
    }

    pub(crate) fn of_file(
        cassette: Cassette,
        options: &Options,
        path: Option<PathBuf>,
    ) -> Result<Self> {
        let settings = options.compile()?;
        let name = match &path {
            Some(path) => path.display().to_string(),
            None => "the cassette".to_owned(),
        };
        let replies = cassette.entries.iter();
        let replies = replies.filter(|_| settings.mode.replays());
        let shared = Shared {
            replies: replies.map(|it| it.to_reply(settings.speed)).collect(),
            tape: Cell::new(Tape::new(cassette.entries.len())),
            shelf: Shelf::new(cassette, &settings.criteria, name),
            settings,
            path,
            stopwatch: Stopwatch::start(),
            timer: OnceLock::new(),
        };
        Ok(Self {
            shared: shared.into(),
        })
    }

    /// Which clock says when the pieces of a body come: that of a runtime, as with
    /// [`Builder::timer`](crate::Builder::timer). That of the system unless this is called, and none at
    /// all in WebAssembly. To be called once, before anything is recorded.
    #[must_use]
    pub fn timer<T: Timer>(self, timer: T) -> Self
    where
        M: AcceptTimer<T>,
    {
        let _ = self.shared.timer.set(M::erase_timer(timer));
        self
    }

    /// What is done with a request.
    #[must_use]
    pub fn mode(&self) -> RecordMode {
        self.shared.settings.mode
    }

    /// The cassette as it would be saved now: what was on it, and what was recorded. Exchanges that are
    /// going on are not in it yet.
    #[must_use]
    pub fn cassette(&self) -> Cassette {
        let Shared {
            settings, shelf, ..
        } = &*self.shared;
        let old: Vec<Entry> = shelf.entries().cloned().collect();
        let keep_ids = settings.keep_volatile;
        let entries = match settings.mode {
            RecordMode::Record => merge::replace(&old, self.recorded(), keep_ids),
            RecordMode::RecordMissing => merge::append(&old, self.recorded(), keep_ids),
            RecordMode::Repeat | RecordMode::Replay | RecordMode::Strict => old,
        };
        Cassette { entries }
    }

    /// What was recorded, without what is secret in any of it.
    fn recorded(&self) -> Vec<Entry> {
        let (mut recorded, secrets) = self.shared.tape.with(|tape| tape.recorded());
        self.shared.settings.scrub(&mut recorded, &secrets);
        recorded
    }

    /// The cassette as it would be saved now, when this is what the file has by now.
    #[cfg_attr(target_arch = "wasm32", allow(dead_code))]
    pub(crate) fn cassette_with(&self, others: Cassette) -> Cassette {
        let base: Vec<Entry> = self.shared.shelf.entries().cloned().collect();
        let mine = self.cassette().entries;
        Cassette {
            entries: merge::add_others(&base, mine, others.entries),
        }
    }

    #[cfg_attr(target_arch = "wasm32", allow(dead_code))]
    pub(crate) fn path(&self) -> Option<&PathBuf> {
        self.shared.path.as_ref()
    }

    /// The numbers of the entries that have not answered, from 1.
    #[must_use]
    pub fn unused(&self) -> Vec<usize> {
        let hits = self.shared.tape.with(|tape| tape.hits());
        let numbered = hits.into_iter().zip(1..);
        numbered
            .filter(|(hits, _)| *hits == 0)
            .map(|(_, number)| number)
            .collect()
    }

    /// Asserts that every entry of the cassette has answered.
    ///
    /// # Panics
    ///
    /// With those that have not.
    #[track_caller]
    pub fn assert_all_used(&self) {
        if let Some(report) = self.unused_report() {
            panic!("{report}");
        }
    }

    /// Which entries have not answered, in words; `None` when all have.
    pub(crate) fn unused_report(&self) -> Option<String> {
        let unused = self.unused();
        let listed = unused.iter().map(|number| {
            let request = &self.shared.shelf.entry(number - 1).request;
            format!("\n  {number}. {} {}", request.method, request.url)
        });
        let (count, of) = (unused.len(), self.shared.shelf.len());
        (count > 0).then(|| {
            let listed: String = listed.collect();
            format!("{count} of {of} recorded requests were not made:{listed}")
        })
    }

    /// How many exchanges are being recorded: the client has not taken their bodies to the end.
    #[must_use]
    pub fn going_on(&self) -> usize {
        self.shared.tape.with(|tape| tape.going_on())
    }

    /// How many exchanges were not recorded, as there were [too many](Options::max_entries).
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.shared.tape.with(|tape| tape.dropped())
    }

    /// What becomes of a request, in a mode that records.
    pub(crate) fn ask(&self, request: &Request) -> Asked<M> {
        if self.mode() == RecordMode::RecordMissing {
            if let Some(reply) = self.take(request) {
                return Asked::Replay(reply);
            }
        }
        let settings = &self.shared.settings;
        let slot = self
            .shared
            .tape
            .with(|tape| tape.begin(settings.max_entries));
        let open = slot.map(|slot| {
            Box::new(Open {
                draft: Draft::begin(request, settings.max_body_bytes, self.now()),
                recorder: self.clone(),
                slot,
            })
        });
        Asked::Record(Track { open })
    }

    /// The reply to a request with this number, in a mode that does not record.
    pub(crate) fn replay(&self, request: &Request, sequence: u64) -> Result<Reply> {
        self.take(request).ok_or_else(|| {
            let diagnosis = Box::new(self.diagnose(request, sequence));
            Error::new(ErrorKind::Unmatched(diagnosis))
        })
    }

    /// The reply of the entry whose turn it is.
    fn take(&self, request: &Request) -> Option<Reply> {
        let matching = self.matching(request);
        let repeats = self.mode() == RecordMode::Repeat;
        let index = self
            .shared
            .tape
            .with(|tape| tape.take(&matching, repeats))?;
        self.shared.replies.get(index).cloned()
    }

    fn matching(&self, request: &Request) -> Vec<usize> {
        let Shared {
            settings, shelf, ..
        } = &*self.shared;
        shelf.matching(request, &settings.criteria)
    }

    /// Whether all of these entries have answered, and none may again.
    fn are_used_up(&self, matching: &[usize]) -> bool {
        let hits = self.shared.tape.with(|tape| tape.hits());
        self.mode() != RecordMode::Repeat && matching.iter().all(|index| hits[*index] > 0)
    }

    fn diagnose(&self, request: &Request, sequence: u64) -> Diagnosis {
        let Shared {
            settings, shelf, ..
        } = &*self.shared;
        let hits = self.shared.tape.with(|tape| tape.hits());
        shelf.diagnose(request, sequence, &settings.criteria, &hits)
    }

    /// Now, by the clock of recordings.
    fn now(&self) -> Duration {
        match self.shared.timer.get() {
            Some(timer) => timer.now(),
            None => self.shared.stopwatch.elapsed(),
        }
    }

    /// Keeps what was recorded, as it may be kept.
    fn keep(&self, slot: usize, mut entry: Option<Entry>) {
        let settings = &self.shared.settings;
        let secrets = entry.as_mut().map(|entry| settings.clean(entry));
        let secrets = secrets.unwrap_or_default();
        let entry = entry.map(Box::new);
        self.shared.tape.with(|tape| tape.end(slot, entry, secrets));
    }
}

impl<M: Mode> Clone for Recorder<M> {
    fn clone(&self) -> Self {
        Self {
            shared: self.shared.clone(),
        }
    }
}

impl<M: Mode> fmt::Debug for Recorder<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder")
            .field("mode", &self.mode())
            .field("entries", &self.shared.shelf.len())
            .field("path", &self.shared.path)
            .finish_non_exhaustive()
    }
}

/// Whether a request is for the cassette: it has it, or everything is for it.
#[doc(hidden)]
#[derive(Debug)]
pub struct OnCassette<M: Mode>(pub(crate) Recorder<M>);

impl<M: Mode> Predicate for OnCassette<M> {
    fn test(&self, request: &Request, sequence: u64) -> Result<bool> {
        let matching = self.0.matching(request);
        let is_strict = self.0.mode() == RecordMode::Strict;
        let fails = if matching.is_empty() {
            is_strict
        } else {
            self.0.are_used_up(&matching)
        };
        if fails {
            let diagnosis = Box::new(self.0.diagnose(request, sequence));
            return Err(Error::new(ErrorKind::Unmatched(diagnosis)));
        }
        Ok(!matching.is_empty())
    }

    fn explain(&self, request: &Request) -> Option<Vec<Check>> {
        let Shared {
            settings, shelf, ..
        } = &*self.0.shared;
        let mut checks = shelf.explain(request, &settings.criteria);
        let matching = self.0.matching(request);
        if !matching.is_empty() && self.0.are_used_up(&matching) {
            checks.push(Check {
                matcher: "answers".to_owned(),
                expected: "an entry that has not answered yet".to_owned(),
                actual: format!("{} that have", matching.len()),
                passed: false,
                weight: 1,
            });
        }
        Some(checks)
    }
}

/// The recording of one exchange. Dropped before its end, it was cut off.
#[derive(Debug)]
pub(crate) struct Track<M: Mode> {
    /// `None` when it is over, or is not recorded.
    open: Option<Box<Open<M>>>,
}

#[derive(Debug)]
struct Open<M: Mode> {
    recorder: Recorder<M>,
    slot: usize,
    draft: Draft,
}

impl<M: Mode> Track<M> {
    pub(crate) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Whether as many bytes have come as the head has said.
    pub(crate) fn is_whole(&self) -> bool {
        self.open.as_ref().is_some_and(|open| open.draft.is_whole())
    }

    pub(crate) fn head(&mut self, status: http::StatusCode, headers: &http::HeaderMap) {
        self.note(|draft, now| draft.head(status, headers, now));
    }

    pub(crate) fn data(&mut self, bytes: &bytes::Bytes) {
        self.note(|draft, now| draft.data(bytes, now));
    }

    pub(crate) fn trailers(&mut self, fields: &http::HeaderMap) {
        self.note(|draft, _| draft.trailers(fields));
    }

    pub(crate) fn end(&mut self, end: RecordedEnd) {
        if let Some(open) = self.open.take() {
            let Open {
                recorder,
                slot,
                draft,
            } = *open;
            recorder.keep(slot, draft.end(end));
        }
    }

    fn note(&mut self, note: impl FnOnce(&mut Draft, Duration)) {
        if let Some(open) = &mut self.open {
            let now = open.recorder.now();
            note(&mut open.draft, now);
        }
    }
}

impl<M: Mode> Drop for Track<M> {
    fn drop(&mut self) {
        self.end(RecordedEnd::Cut);
    }
}
