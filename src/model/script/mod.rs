//! What a streamed body does, in time: frames, gaps, and an ending. A value.

mod chunking;
mod edit;
pub(crate) mod player;
mod step;

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

pub use self::chunking::Chunking;
use self::step::Step;
use super::content::Content;
use super::millis;
use crate::error::{Error, FIELD_VALUE, Part, Result, TOKEN};
use crate::fault::Fault;
use crate::sse::{Event, LineEnding};

/// What a streamed body does, in time: frames, the gaps between them, and how it ends.
///
/// A script is a plain value: clone it, compare it, print it, write it as JSON. It says the same in
/// Rust and in JavaScript, with every [`Timing`](crate::Timing) and in both modes: for one seed the
/// same bytes in the same frames at the same times.
///
/// Times belong to frames, not to reads: each frame has a due time, counted from the head of the
/// response. A client that reads late gets what is due at once; a client that does not read makes
/// nobody wait. Without any time in it (the default) a script touches no clock.
///
/// ```
/// use std::time::Duration;
/// use mockwire::{Chunking, Reply, Script, sync::MockTransport};
///
/// let millis = Duration::from_millis;
/// let script = Script::new()
///     .first_byte(millis(300))
///     .frame("data: one\n\n")
///     .wait(millis(50))
///     .frame("data: two\n\n")
///     .chunking(Chunking::Bytes(4))
///     .reset();
///
/// let json = serde_json::to_string(&script)?;
/// assert_eq!(serde_json::from_str::<Script>(&json)?, script);
///
/// let transport = MockTransport::new();
/// transport.get("/events").reply(Reply::script(script));
/// let request = http::Request::get("https://api.test/events").body(())?;
/// let error = transport.block_on(async { transport.call(request).await?.into_body().bytes().await });
/// assert!(error.unwrap_err().is_fault());
/// assert_eq!(transport.now(), millis(350));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Script {
    #[serde(default)]
    steps: Vec<Step>,
    #[serde(default, skip_serializing_if = "is_default", with = "millis")]
    first_byte: Duration,
    #[serde(default, skip_serializing_if = "is_default", with = "millis")]
    gap: Duration,
    #[serde(default, skip_serializing_if = "is_default")]
    rate: Option<Rate>,
    #[serde(default, skip_serializing_if = "is_default")]
    jitter: f64,
    #[serde(default, skip_serializing_if = "is_default")]
    chunking: Option<Chunking>,
    #[serde(default, skip_serializing_if = "is_default")]
    line_ending: LineEnding,
    #[serde(default, skip_serializing_if = "is_default")]
    repeat: Repeat,
    #[serde(default, skip_serializing_if = "is_default")]
    terminal: Option<Step>,
    #[serde(default, skip_serializing_if = "is_default")]
    without_terminal: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    cut_at: Option<u64>,
    #[serde(default, skip_serializing_if = "is_default")]
    end: Ending,
    #[serde(default, skip_serializing_if = "is_default")]
    trailers: Vec<(String, String)>,
}

/// How fast a body comes: each frame takes as long as its length asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Rate {
    /// So many bytes in a second.
    BytesPerSecond(u64),
    /// So many frames in a second.
    FramesPerSecond(u64),
    /// So many tokens in a second. A token counts as four bytes, as in English text.
    TokensPerSecond(u64),
}

/// How a body ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Ending {
    /// As it should: the client sees the end of the body.
    #[default]
    Clean,
    /// With this failure.
    Fault(Fault),
    /// The peer resets the connection: the client gets an error.
    Reset,
    /// Not at all: nothing comes any more, until the client gives up.
    Stall,
}

/// How often the steps are played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Repeat {
    Forever,
    Times(u64),
}

impl Default for Repeat {
    fn default() -> Self {
        Self::Times(1)
    }
}

impl Script {
    /// A script without frames, which ends cleanly.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a frame. A frame without bytes is none.
    #[must_use]
    pub fn frame(mut self, content: impl Into<Content>) -> Self {
        let step = Step::frame(content);
        if step.does_something() {
            self.steps.push(step);
        }
        self
    }

    /// Adds frames.
    #[must_use]
    pub fn frames<C: Into<Content>>(self, contents: impl IntoIterator<Item = C>) -> Self {
        contents.into_iter().fold(self, Self::frame)
    }

    /// Adds a server-sent event as a frame.
    #[must_use]
    pub fn event(mut self, event: impl Into<Event>) -> Self {
        self.steps.push(Step::Event(event.into()));
        self
    }

    /// Adds server-sent events, each as a frame. Those of a recording are read by
    /// [`sse::parse`](crate::sse::parse).
    #[must_use]
    pub fn events<E: Into<Event>>(self, events: impl IntoIterator<Item = E>) -> Self {
        events.into_iter().fold(self, Self::event)
    }

    /// With which characters the lines of events end. [`LineEnding::Lf`] unless said otherwise.
    #[must_use]
    pub fn line_ending(mut self, ending: LineEnding) -> Self {
        self.line_ending = ending;
        self
    }

    /// Nothing for so long, then what follows.
    #[must_use]
    pub fn wait(mut self, pause: Duration) -> Self {
        self.steps.push(Step::Wait(pause));
        self
    }

    /// Nothing until the test calls [`release`](crate::MockTransport::release) with this name.
    /// What is released stays so: later streams pass.
    #[must_use]
    pub fn hold(mut self, name: &str) -> Self {
        self.steps.push(Step::Hold(name.to_owned()));
        self
    }

    /// How long after the head the first frame comes. It adds to a [`wait`](Self::wait) before it.
    #[must_use]
    pub fn first_byte(mut self, after: Duration) -> Self {
        self.first_byte = after;
        self
    }

    /// How long each frame but the first comes after the one before it.
    #[must_use]
    pub fn gap(mut self, gap: Duration) -> Self {
        self.gap = gap;
        self
    }

    /// How fast the bytes come. It adds to a [`gap`](Self::gap).
    #[must_use]
    pub fn rate(mut self, rate: Rate) -> Self {
        self.rate = Some(rate);
        self
    }

    /// Makes every pause longer or shorter by a random share of up to this much: 0.2 means from 80 %
    /// to 120 %. From 0 to 1. The shares come from the transport's [`seed`](crate::Builder::seed).
    #[must_use]
    pub fn jitter(mut self, share: f64) -> Self {
        self.jitter = share;
        self
    }

    /// Cuts the bytes anew. Frames that stand together, without a pause in the steps between them,
    /// are one text for that.
    #[must_use]
    pub fn chunking(mut self, chunking: Chunking) -> Self {
        self.chunking = Some(chunking);
        self
    }

    /// Plays the steps so many times.
    #[must_use]
    pub fn repeat(mut self, times: u64) -> Self {
        self.repeat = Repeat::Times(times);
        self
    }

    /// Plays the steps for ever. Frames are made as they are asked for, so that this costs no memory.
    #[must_use]
    pub fn repeat_forever(mut self) -> Self {
        self.repeat = Repeat::Forever;
        self
    }

    /// The protocol's own last words, such as `data: [DONE]\n\n`: comes after everything else.
    #[must_use]
    pub fn terminal(mut self, content: impl Into<Content>) -> Self {
        self.terminal = Some(Step::frame(content));
        self
    }

    /// Like [`terminal`](Self::terminal), as a server-sent event.
    #[must_use]
    pub fn terminal_event(mut self, event: impl Into<Event>) -> Self {
        self.terminal = Some(Step::Event(event.into()));
        self
    }

    /// Leaves the [`terminal`](Self::terminal) out.
    #[must_use]
    pub fn without_terminal(mut self) -> Self {
        self.without_terminal = true;
        self
    }

    /// Cuts the body off after so many bytes, also in the middle of a character. The ending follows
    /// at once.
    #[must_use]
    pub fn cut_at(mut self, bytes: u64) -> Self {
        self.cut_at = Some(bytes);
        self
    }

    /// How the body ends. [`Ending::Clean`] unless said otherwise.
    #[must_use]
    pub fn ending(mut self, ending: Ending) -> Self {
        self.end = ending;
        self
    }

    /// Ends with a reset of the connection.
    #[must_use]
    pub fn reset(self) -> Self {
        self.ending(Ending::Reset)
    }

    /// Ends never: after the last frame nothing comes any more.
    #[must_use]
    pub fn stall(self) -> Self {
        self.ending(Ending::Stall)
    }

    /// Adds a trailer field (RFC 9110 §6.5), which comes after a clean end. Seen by clients that
    /// read [`http_body`] frames; `fetch` does not show trailers.
    #[must_use]
    pub fn trailer(mut self, name: &str, value: &str) -> Self {
        self.trailers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The script, unless it cannot be played.
    ///
    /// # Errors
    ///
    /// [`Invalid`](crate::ErrorKind::Invalid) for the first mistake: a malformed trailer, chunks of
    /// no bytes, a rate of nothing, a jitter out of range, or steps that are to repeat for ever
    /// although they neither give anything nor take any time.
    pub fn validate(self) -> Result<Self> {
        let option = |value: String, reason: &str| Err(Error::invalid(Part::Option, value, reason));
        if let Some(mistake) = self.chunking.as_ref().and_then(Chunking::mistake) {
            return option(format!("{:?}", self.chunking), mistake);
        }
        let rate = match self.rate {
            Some(Rate::BytesPerSecond(n) | Rate::FramesPerSecond(n) | Rate::TokensPerSecond(n)) => {
                n
            }
            None => 1,
        };
        if rate == 0 {
            return option(format!("{:?}", self.rate), "a rate is at least 1 a second");
        }
        if !(0.0..=1.0).contains(&self.jitter) {
            return option(format!("jitter({})", self.jitter), "it is from 0 to 1");
        }
        if self.repeat == Repeat::Forever && !self.steps.iter().any(Step::does_something) {
            let reason = "it repeats for ever, but has neither a frame nor a pause to repeat";
            return option("repeat_forever()".to_owned(), reason);
        }
        for step in self.steps.iter().chain(&self.terminal) {
            step.validate()?;
        }
        if self.terminal.as_ref().is_some_and(|it| !it.is_frame()) {
            return option(
                "terminal".to_owned(),
                "a frame or an event is needed, not a pause",
            );
        }
        self.trailer_fields().map(|_| self)
    }

    pub(crate) fn trailer_fields(&self) -> Result<HeaderMap> {
        let mut fields = HeaderMap::new();
        for (name, value) in &self.trailers {
            let name = HeaderName::try_from(name)
                .map_err(|_| Error::invalid(Part::HeaderName, name, TOKEN))?;
            let value = HeaderValue::try_from(value)
                .map_err(|_| Error::invalid(Part::HeaderValue, value, FIELD_VALUE))?;
            fields.append(name, value);
        }
        Ok(fields)
    }

    /// The frames, when they are all there is to it: no time, no chance, a clean end.
    pub(crate) fn plain_frames(&self) -> Option<Vec<Bytes>> {
        let is_plain = self.first_byte.is_zero()
            && self.gap.is_zero()
            && self.rate.is_none()
            && self.repeat == Repeat::Times(1)
            && self.end == Ending::Clean
            && self.trailers.is_empty()
            && !self.draws()
            && self.steps.iter().all(Step::is_frame);
        is_plain.then(|| player::Player::frames_of(self))
    }

    pub(crate) fn has_events(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Event(_)))
    }

    /// Whether it draws random numbers.
    pub(crate) fn draws(&self) -> bool {
        self.jitter > 0.0 || self.chunking.as_ref().is_some_and(Chunking::draws)
    }

    /// Whether it comes to an end, and so has a list of frames that can be made beforehand.
    #[cfg_attr(not(all(feature = "js", target_arch = "wasm32")), allow(dead_code))]
    pub(crate) fn is_finite(&self) -> bool {
        self.repeat != Repeat::Forever || self.cut_at.is_some()
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
