//! How a cassette is used.

use std::str::FromStr;

use serde::Deserialize;

use super::entry::Entry;
use super::match_on::{Criteria, MatchOn};
use super::redact::Redaction;
use super::redactor::Redactor;
use super::replay::Speed;
use super::{merge, tidy};
use crate::error::{Error, Part, Result};

/// What a [`Recorder`](super::Recorder) does with a request.
///
/// As a text: `replay`, `repeat`, `strict`, `record`, `record-missing`. So a variable of the environment
/// can say it:
///
/// ```
/// use mockwire::cassette::RecordMode;
///
/// let mode = std::env::var("CASSETTES").map_or(Ok(RecordMode::Replay), |mode| mode.parse())?;
/// # assert_eq!(mode, RecordMode::Replay);
/// # Ok::<(), mockwire::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum RecordMode {
    /// Each entry answers one request. Of those that match, the first that has not answered yet does.
    /// A request that the cassette does not have is not for it: other rules may answer it.
    #[default]
    Replay,
    /// Like [`Replay`](Self::Replay), but the last entry that matches answers for good.
    Repeat,
    /// Like [`Replay`](Self::Replay), but a request that the cassette does not have fails, whatever else
    /// the transport would do with it.
    Strict,
    /// Every request goes to the real transport; what was recorded takes the place of what was on the
    /// cassette.
    Record,
    /// What the cassette has is replayed; what it has not goes to the real transport, and is added.
    RecordMissing,
}

impl RecordMode {
    /// Whether requests may go to the real transport.
    #[must_use]
    pub fn records(self) -> bool {
        matches!(self, Self::Record | Self::RecordMissing)
    }

    /// Whether entries answer requests.
    #[must_use]
    pub fn replays(self) -> bool {
        self != Self::Record
    }
}

impl FromStr for RecordMode {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(match text {
            "record" => Self::Record,
            "record-missing" => Self::RecordMissing,
            "repeat" => Self::Repeat,
            "replay" => Self::Replay,
            "strict" => Self::Strict,
            _ => {
                let modes = "it is `replay`, `repeat`, `strict`, `record` or `record-missing`";
                return Err(Error::invalid(Part::Option, text, modes));
            }
        })
    }
}

/// How a cassette is used: a plain value.
///
/// ```
/// use mockwire::cassette::{MatchOn, Options, RecordMode, Redaction, Speed};
///
/// let options = Options::new()
///     .mode(RecordMode::RecordMissing)
///     .match_on(MatchOn::new().ignoring_json("/metadata"))
///     .redaction(Redaction::new().header("x-session"))
///     .speed(Speed::Scaled(10.0));
/// # let _ = options;
/// ```
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Options {
    pub(super) mode: RecordMode,
    match_on: MatchOn,
    redaction: Redaction,
    speed: Speed,
    keep_volatile: bool,
    max_body_bytes: usize,
    max_entries: usize,
}

impl Options {
    /// To replay: at once, by method, URL and body.
    #[must_use]
    pub fn new() -> Self {
        Self {
            mode: RecordMode::Replay,
            match_on: MatchOn::new(),
            redaction: Redaction::new(),
            speed: Speed::Instant,
            keep_volatile: false,
            max_body_bytes: 16 << 20,
            max_entries: 10_000,
        }
    }

    /// What is done with a request. [`RecordMode::Replay`] unless said otherwise.
    #[must_use]
    pub fn mode(self, mode: RecordMode) -> Self {
        Self { mode, ..self }
    }

    /// What has to agree for an entry to answer a request.
    #[must_use]
    pub fn match_on(self, match_on: MatchOn) -> Self {
        Self { match_on, ..self }
    }

    /// What is never written.
    #[must_use]
    pub fn redaction(self, redaction: Redaction) -> Self {
        Self { redaction, ..self }
    }

    /// How fast entries are replayed. [`Speed::Instant`] unless said otherwise.
    #[must_use]
    pub fn speed(self, speed: Speed) -> Self {
        Self { speed, ..self }
    }

    /// Records ids, dates, the fields of connections and the spaces of JSON as they are. Unless this is
    /// called, what is not the same each time is made so, and the same traffic makes the same file.
    #[must_use]
    pub fn keep_volatile(self) -> Self {
        Self {
            keep_volatile: true,
            ..self
        }
    }

    /// How many bytes of each body are recorded; what goes through is never cut. 16 MiB unless said
    /// otherwise.
    #[must_use]
    pub fn max_body_bytes(self, bytes: usize) -> Self {
        Self {
            max_body_bytes: bytes,
            ..self
        }
    }

    /// How many exchanges are recorded; further ones go through, and are
    /// [counted](super::Recorder::dropped). 10,000 unless said otherwise.
    #[must_use]
    pub fn max_entries(self, entries: usize) -> Self {
        Self {
            max_entries: entries,
            ..self
        }
    }

    /// Whether there need be no file.
    #[cfg_attr(target_arch = "wasm32", allow(dead_code))]
    pub(crate) fn may_be_new(&self) -> bool {
        self.mode.records()
    }

    pub(super) fn compile(&self) -> Result<Settings> {
        match self.speed.mistake() {
            Some(error) => Err(error),
            None => Ok(Settings {
                mode: self.mode,
                criteria: self.match_on.compile()?,
                redactor: self.redaction.compile()?,
                speed: self.speed,
                keep_volatile: self.keep_volatile,
                max_body_bytes: self.max_body_bytes,
                max_entries: self.max_entries,
            }),
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

/// The same, found to be well-formed.
pub(super) struct Settings {
    pub(super) mode: RecordMode,
    pub(super) criteria: Criteria,
    pub(super) redactor: Redactor,
    pub(super) speed: Speed,
    pub(super) keep_volatile: bool,
    pub(super) max_body_bytes: usize,
    pub(super) max_entries: usize,
}

impl Settings {
    /// Makes an entry what may be kept of it. What was found to be secret in it, and may stand in others.
    pub(super) fn clean(&self, entry: &mut Entry) -> Vec<String> {
        if !self.keep_volatile {
            tidy::tidy(entry);
        }
        let secrets = self.redactor.redact(entry);
        tidy::tell_length(entry);
        secrets
    }

    /// Takes what was found to be secret in some entries out of all of them.
    pub(super) fn scrub(&self, entries: &mut [Entry], secrets: &[String]) {
        for entry in entries {
            self.redactor.scrub(entry, secrets);
            tidy::tell_length(entry);
        }
    }

    /// Entries that come from somewhere else, as they would have been recorded.
    pub(super) fn as_recorded(&self, mut entries: Vec<Entry>) -> Vec<Entry> {
        let secrets: Vec<_> = entries.iter_mut().flat_map(|it| self.clean(it)).collect();
        self.scrub(&mut entries, &secrets);
        merge::append(&[], entries, self.keep_volatile)
    }
}
