//! Events to text.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::event::Event;
use crate::error::Result;

/// What ends a line of a stream: the format allows all three (WHATWG HTML §9.2.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LineEnding {
    /// A line feed: what nearly every server sends.
    #[default]
    Lf,
    /// A carriage return alone.
    Cr,
    /// A carriage return and a line feed.
    CrLf,
}

impl LineEnding {
    /// The characters themselves.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lf => "\n",
            Self::Cr => "\r",
            Self::CrLf => "\r\n",
        }
    }
}

/// The text of these events, as a server would write it.
///
/// Comments come first, then `event`, `id`, `retry` and a `data` line for each line of the payload.
/// A line break in the data is one whatever it was made of, so the reader gets line feeds.
///
/// # Errors
///
/// That of [`Event::validate`], for the first event that cannot be written.
pub fn encode<'a>(
    events: impl IntoIterator<Item = &'a Event>,
    ending: LineEnding,
) -> Result<Bytes> {
    let mut text = String::new();
    for event in events {
        event.validate()?;
        write(event, ending.as_str(), &mut text);
    }
    Ok(text.into())
}

impl Event {
    /// The text of this event alone, its blank line included.
    ///
    /// # Errors
    ///
    /// That of [`validate`](Self::validate).
    pub fn encode(&self, ending: LineEnding) -> Result<Bytes> {
        encode([self], ending)
    }
}

fn write(event: &Event, ending: &str, out: &mut String) {
    let mut line = |name: &str, value: &str| {
        out.push_str(name);
        // The space is optional, and what hides one at the start of the value (§9.2.6).
        out.push_str(if value.is_empty() { ":" } else { ": " });
        out.push_str(value);
        out.push_str(ending);
    };
    for text in event.comments.iter().flat_map(|comment| lines(comment)) {
        line("", text);
    }
    if let Some(event) = &event.event {
        line("event", event);
    }
    if let Some(id) = &event.id {
        line("id", id);
    }
    if let Some(retry) = event.retry {
        line("retry", &milliseconds(retry).to_string());
    }
    if let Some(data) = &event.data {
        for text in lines(data) {
            line("data", text);
        }
    }
    out.push_str(ending);
}

/// Whole milliseconds.
pub(super) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The lines of a text, whatever separates them: at least one.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let Some(end) = text.find(['\n', '\r']) else {
            rest = None;
            return Some(text);
        };
        let (line, after) = text.split_at(end);
        let ending = if after.starts_with("\r\n") { 2 } else { 1 };
        rest = Some(&after[ending..]);
        Some(line)
    })
}
