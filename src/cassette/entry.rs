//! What a cassette holds: requests and the responses to them. Plain values.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, StatusCode, Uri};
use serde::{Deserialize, Serialize};

use crate::sse::{self, Event, LineEnding};

/// A request, and the response to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// What was asked.
    pub request: RecordedRequest,
    /// What was answered.
    pub response: RecordedResponse,
}

/// A request of a cassette.
///
/// ```
/// use mockwire::cassette::RecordedRequest;
///
/// let mut request = RecordedRequest::new(http::Method::POST, "https://api.test/v1".parse()?);
/// request.body = r#"{"model": "small"}"#.into();
/// # Ok::<(), http::uri::InvalidUri>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RecordedRequest {
    /// The method.
    pub method: Method,
    /// The URL, absolute for most clients.
    pub url: Uri,
    /// The header fields.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// Whether the body had more bytes than were recorded.
    pub truncated: bool,
}

/// A response of a cassette.
///
/// ```
/// use std::time::Duration;
/// use mockwire::cassette::{Frame, RecordedBody, RecordedResponse};
///
/// let mut response = RecordedResponse::new(http::StatusCode::OK);
/// response.headers.insert("content-type", "text/event-stream".parse()?);
/// response.body = RecordedBody::Frames(vec![
///     Frame::new(Duration::ZERO, "data: one\n\n"),
///     Frame::new(Duration::from_millis(40), "data: two\n\n"),
/// ]);
/// assert_eq!(response.body.to_bytes(), "data: one\n\ndata: two\n\n");
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RecordedResponse {
    /// The status.
    pub status: StatusCode,
    /// How long after the request the head came.
    pub after: Duration,
    /// The header fields.
    pub headers: HeaderMap,
    /// The body.
    pub body: RecordedBody,
    /// The fields after the body (RFC 9110 §6.5).
    pub trailers: HeaderMap,
    /// How the body ended.
    pub end: RecordedEnd,
}

/// The body of a recorded response: whole, or as the frames that it came in.
#[derive(Clone, Debug, PartialEq)]
pub enum RecordedBody {
    /// One piece, perhaps empty.
    Whole(Bytes),
    /// A stream.
    Frames(Vec<Frame>),
}

/// A piece of a streamed body. Each server-sent event is a frame of its own.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Frame {
    /// How long after the frame before it, or after the head.
    pub after: Duration,
    /// What came.
    pub bytes: Bytes,
}

/// How the body of a recorded response ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum RecordedEnd {
    /// As it should.
    #[default]
    Clean,
    /// The client dropped it: what would have followed is not known.
    Cut,
    /// It failed: the connection broke.
    Failed,
    /// It went on, and had more bytes than were recorded.
    Truncated,
}

impl Entry {
    /// An entry of a request and the response to it.
    #[must_use]
    pub fn new(request: RecordedRequest, response: RecordedResponse) -> Self {
        Self { request, response }
    }
}

impl RecordedRequest {
    /// A request without header fields and without a body.
    #[must_use]
    pub fn new(method: Method, url: Uri) -> Self {
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            truncated: false,
        }
    }
}

impl RecordedResponse {
    /// A response without header fields and without a body.
    #[must_use]
    pub fn new(status: StatusCode) -> Self {
        Self {
            status,
            after: Duration::ZERO,
            headers: HeaderMap::new(),
            body: RecordedBody::default(),
            trailers: HeaderMap::new(),
            end: RecordedEnd::Clean,
        }
    }
}

impl RecordedBody {
    /// All bytes, in one piece.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        match self {
            Self::Whole(bytes) => bytes.clone(),
            Self::Frames(frames) => {
                let mut whole = BytesMut::new();
                frames
                    .iter()
                    .for_each(|it| whole.extend_from_slice(&it.bytes));
                whole.freeze()
            }
        }
    }

    /// How many bytes it has.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Whole(bytes) => bytes.len(),
            Self::Frames(frames) => frames.iter().map(|frame| frame.bytes.len()).sum(),
        }
    }

    /// Whether it has no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The pieces, each with its time.
    pub(super) fn pieces_mut(&mut self) -> impl Iterator<Item = &mut Bytes> {
        let (whole, frames) = match self {
            Self::Whole(bytes) => (Some(bytes), None),
            Self::Frames(frames) => (None, Some(frames)),
        };
        let frames = frames.into_iter().flatten().map(|frame| &mut frame.bytes);
        whole.into_iter().chain(frames)
    }
}

impl Default for RecordedBody {
    fn default() -> Self {
        Self::Whole(Bytes::new())
    }
}

impl Frame {
    /// A frame that comes so long after the one before it.
    #[must_use]
    pub fn new(after: Duration, bytes: impl Into<Bytes>) -> Self {
        Self {
            after,
            bytes: bytes.into(),
        }
    }

    /// The server-sent event that the frame is, where it is exactly one.
    ///
    /// ```
    /// use mockwire::cassette::Frame;
    ///
    /// let frame = Frame::new(Default::default(), "event: ping\ndata: {}\n\n");
    /// assert_eq!(frame.event().unwrap().event.as_deref(), Some("ping"));
    /// ```
    #[must_use]
    pub fn event(&self) -> Option<Event> {
        [LineEnding::Lf, LineEnding::CrLf]
            .into_iter()
            .find_map(|ending| self.event_written_with(ending))
    }

    /// The event that is written as these bytes, to the byte, with this line ending.
    pub(super) fn event_written_with(&self, ending: LineEnding) -> Option<Event> {
        let parsed = sse::parse(&self.bytes);
        let [block] = &parsed.blocks[..] else {
            return None;
        };
        let written = block.event.encode(ending).ok()?;
        (parsed.rest.is_empty() && written == self.bytes).then(|| block.event.clone())
    }
}
