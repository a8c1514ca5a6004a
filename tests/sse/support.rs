//! Events and texts to test with, and the pieces that they arrive in.

use std::time::Duration;

use mockwire::sse::{Event, LineEnding, Message, Reader};
use proptest::prelude::*;
use proptest::sample::select;

pub(super) const ENDINGS: [LineEnding; 3] = [LineEnding::Lf, LineEnding::Cr, LineEnding::CrLf];

pub(super) fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None, // the failing input is printed: it becomes a test of its own
        ..ProptestConfig::default()
    }
}

/// A text of pieces that mean something to a reader, or nearly do.
fn text(pieces: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::collection::vec(select(pieces), 0..5).prop_map(|pieces| pieces.concat())
}

const ONE_LINE: &[&str] = &[
    "a",
    " ",
    ":",
    "é",
    "🦀",
    "\u{feff}",
    "data: x",
    "{\"a\":1}",
    "\t",
];
const LINES: &[&str] = &[
    "a", " ", ":", "é", "🦀", "\u{feff}", "\n", "\r", "\r\n", "\0", "id: 9",
];

/// Any event that can be written.
pub(super) fn event() -> impl Strategy<Value = Event> {
    let retry = prop::option::weighted(0.2, 0..5_000_u64);
    (
        prop::option::of(text(ONE_LINE)),
        prop::option::weighted(0.8, text(LINES)),
        prop::option::of(text(ONE_LINE)),
        retry,
        prop::collection::vec(text(ONE_LINE), 0..2),
    )
        .prop_map(|(event, data, id, retry, comments)| Event {
            event,
            data,
            id,
            retry: retry.map(Duration::from_millis),
            comments,
        })
}

pub(super) fn events() -> impl Strategy<Value = Vec<Event>> {
    prop::collection::vec(event(), 0..4)
}

/// Bytes that look like a stream, and are one more or less.
pub(super) fn stream() -> impl Strategy<Value = Vec<u8>> {
    let pieces: Vec<&[u8]> = vec![
        b"data",
        b"data:",
        b"event",
        b"event: x",
        b"id",
        b"id:",
        b"id: 1\0",
        b"retry: 12",
        b"retry",
        b"other: y",
        b":",
        b" ",
        b"\n",
        b"\n",
        b"\n\n",
        b"\r",
        b"\r\n",
        b"\r\n\r\n",
        b"\0",
        b"7",
        b"\xEF\xBB\xBF",
        b"\xEF",
        b"\xFF",
        b"\xF0\x9F",
        "🦀".as_bytes(),
        b"x",
    ];
    prop::collection::vec(select(pieces), 0..16).prop_map(|pieces| pieces.concat())
}

/// A text as the data of an event arrives: its line breaks are line feeds.
pub(super) fn with_line_feeds(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// Every way to cut the bytes in two, then whole, then byte by byte.
pub(super) fn cuts(bytes: &[u8]) -> impl Iterator<Item = Vec<&[u8]>> {
    let in_two = (1..bytes.len()).map(|at| vec![&bytes[..at], &bytes[at..]]);
    in_two.chain([vec![bytes], bytes.chunks(1).collect()])
}

/// What a reader has seen when the pieces are through.
#[derive(Debug, PartialEq)]
pub(super) struct Seen {
    /// Type, data, last id.
    pub(super) messages: Vec<(String, String, String)>,
    pub(super) last_event_id: String,
    pub(super) retry: Option<u64>,
}

pub(super) fn read(pieces: &[&[u8]]) -> Seen {
    let mut reader = Reader::new();
    let mut messages = Vec::new();
    for piece in pieces {
        reader.push(piece);
        messages.extend(reader.by_ref().map(|message| parts(message.unwrap())));
    }
    let retry = reader.reconnection_time();
    Seen {
        messages,
        last_event_id: reader.last_event_id().to_owned(),
        retry: retry.map(|time| u64::try_from(time.as_millis()).unwrap()),
    }
}

fn parts(message: Message) -> (String, String, String) {
    (message.event, message.data, message.last_event_id)
}
