//! One exchange while it is being recorded.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::entry::{Entry, Frame, RecordedBody, RecordedEnd, RecordedRequest, RecordedResponse};
use crate::model::request::Request;
use crate::sse::Parser;

/// What is known of an exchange so far. Times are moments, in any clock.
#[derive(Debug)]
pub(super) struct Draft {
    request: RecordedRequest,
    begun: Duration,
    response: Option<RecordedResponse>,
    /// When the last piece came, or the head.
    last: Duration,
    pieces: Vec<(Duration, Bytes)>,
    /// How many bytes more are kept.
    room: usize,
    is_full: bool,
}

impl Draft {
    /// A request is made. Of its body and of that of the response, so many bytes are kept.
    pub(super) fn begin(request: &Request, limit: usize, now: Duration) -> Self {
        let body = request.body();
        let kept = body.slice(..body.len().min(limit));
        Self {
            request: RecordedRequest {
                method: request.method().clone(),
                url: request.url().clone(),
                headers: in_utf8(request.headers()),
                truncated: kept.len() < body.len(),
                body: kept,
            },
            begun: now,
            response: None,
            last: now,
            pieces: Vec::new(),
            room: limit,
            is_full: false,
        }
    }

    /// The head of the response is there.
    pub(super) fn head(&mut self, status: StatusCode, headers: &HeaderMap, now: Duration) {
        let mut response = RecordedResponse::new(status);
        response.after = whole_millis(now.saturating_sub(self.begun));
        response.headers = in_utf8(headers);
        self.response = Some(response);
        self.last = now;
    }

    /// A piece of the body is there.
    pub(super) fn data(&mut self, bytes: &Bytes, now: Duration) {
        let kept = bytes.len().min(self.room);
        self.is_full |= kept < bytes.len();
        if kept > 0 {
            let after = now.saturating_sub(self.last);
            self.last = now;
            self.room -= kept;
            self.pieces.push((after, bytes.slice(..kept)));
        }
    }

    /// The fields after the body are there.
    pub(super) fn trailers(&mut self, fields: &HeaderMap) {
        if let Some(response) = &mut self.response {
            response.trailers = in_utf8(fields);
        }
    }

    /// Whether as many bytes have come as the head has said.
    pub(super) fn is_whole(&self) -> bool {
        let len: usize = self.pieces.iter().map(|(_, bytes)| bytes.len()).sum();
        let response = self.response.as_ref();
        response.is_some_and(|it| content_length(&it.headers) == Some(len))
    }

    /// What was recorded; `None` when there was no response.
    pub(super) fn end(self, end: RecordedEnd) -> Option<Entry> {
        let mut response = self.response?;
        response.body = body_of(&response.headers, &self.pieces);
        response.end = if self.is_full {
            RecordedEnd::Truncated
        } else {
            end
        };
        Some(Entry::new(self.request, response))
    }
}

fn content_length(headers: &HeaderMap) -> Option<usize> {
    let field = headers.get(header::CONTENT_LENGTH)?;
    field.to_str().ok()?.parse().ok()
}

/// The body that came in these pieces, each so long after the one before it: as the frames that it is
/// made of, if it is a stream.
pub(super) fn body_of(headers: &HeaderMap, pieces: &[(Duration, Bytes)]) -> RecordedBody {
    let is_of = |kind: &str| {
        let field = headers.get(header::CONTENT_TYPE);
        let text = field.and_then(|it| it.to_str().ok()).unwrap_or_default();
        text.to_ascii_lowercase().starts_with(kind)
    };
    if is_of("text/event-stream") {
        RecordedBody::Frames(events(pieces))
    } else if is_of("application/x-ndjson") || is_of("application/jsonl") {
        RecordedBody::Frames(lines(pieces))
    } else if content_length(headers).is_some() || pieces.len() < 2 {
        let mut whole = BytesMut::new();
        pieces
            .iter()
            .for_each(|(_, bytes)| whole.extend_from_slice(bytes));
        RecordedBody::Whole(whole.freeze())
    } else {
        let frames = pieces
            .iter()
            .map(|(after, bytes)| Frame::new(whole_millis(*after), bytes.clone()));
        RecordedBody::Frames(frames.collect())
    }
}

/// Each event as a frame, at the time when the last of it came.
fn events(pieces: &[(Duration, Bytes)]) -> Vec<Frame> {
    let mut parser = Parser::new().max_event_bytes(usize::MAX);
    let (mut frames, mut paused) = (Vec::new(), Duration::ZERO);
    for (after, bytes) in pieces {
        paused += *after;
        parser.push(bytes);
        for block in parser.by_ref().flatten() {
            frames.push(Frame::new(whole_millis(paused), block.text));
            paused = Duration::ZERO;
        }
    }
    let rest = parser.finish().unwrap_or_default();
    let texts = rest.blocks.into_iter().map(|block| block.text);
    let texts = texts.chain(Some(rest.rest).filter(|rest| !rest.is_empty()));
    for text in texts {
        frames.push(Frame::new(whole_millis(std::mem::take(&mut paused)), text));
    }
    frames
}

/// Each line as a frame, at the time when the last of it came.
fn lines(pieces: &[(Duration, Bytes)]) -> Vec<Frame> {
    let (mut frames, mut paused, mut line) = (Vec::new(), Duration::ZERO, BytesMut::new());
    for (after, bytes) in pieces {
        paused += *after;
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                let pause = std::mem::take(&mut paused);
                frames.push(Frame::new(whole_millis(pause), line.split().freeze()));
            }
        }
    }
    if !line.is_empty() {
        frames.push(Frame::new(whole_millis(paused), line.freeze()));
    }
    frames
}

/// Without what is less than a millisecond: nobody reads that.
fn whole_millis(duration: Duration) -> Duration {
    Duration::from_millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

/// The fields as a file has them: what is no UTF-8 is replaced (U+FFFD).
fn in_utf8(headers: &HeaderMap) -> HeaderMap {
    let mut fields = headers.clone();
    for value in fields.values_mut() {
        if std::str::from_utf8(value.as_bytes()).is_err() {
            let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
            if let Ok(replaced) = HeaderValue::from_bytes(text.as_bytes()) {
                *value = replaced;
            }
        }
    }
    fields
}
