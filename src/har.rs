//! HTTP Archive 1.2, as values: what it is written from.
//!
//! <http://www.softwareishard.com/blog/har-12-spec/>. Times are milliseconds, and -1 stands for what is
//! not known or does not apply. Fields that begin with an underscore are those of whoever writes them:
//! Chromium's, and `_mockwire`.

use std::time::Duration;

use serde::Serialize;

use crate::cassette::RecordedEnd;
use crate::model::millis;

/// A whole archive.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Har {
    pub(crate) log: Log,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Log {
    pub(crate) version: String,
    pub(crate) creator: Creator,
    pub(crate) entries: Vec<Entry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) comment: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Creator {
    pub(crate) name: String,
    pub(crate) version: String,
}

/// One exchange.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Entry {
    /// RFC 3339.
    pub(crate) started_date_time: String,
    pub(crate) time: f64,
    pub(crate) request: Request,
    pub(crate) response: Response,
    pub(crate) cache: Cache,
    pub(crate) timings: Timings,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) comment: Option<String>,
    /// `websocket`, for one.
    #[serde(rename = "_resourceType", skip_serializing_if = "Option::is_none")]
    pub(crate) resource_type: Option<String>,
    #[serde(rename = "_webSocketMessages", skip_serializing_if = "Option::is_none")]
    pub(crate) web_socket_messages: Option<Vec<WebSocketMessage>>,
    #[serde(rename = "_mockwire", skip_serializing_if = "Option::is_none")]
    pub(crate) extension: Option<Extension>,
}

/// What a cassette says of an exchange, and the format has no field for.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Extension {
    /// Milliseconds from the request to the head.
    #[serde(with = "millis")]
    pub(crate) after: Duration,
    /// The pieces of a body that came in pieces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) frames: Option<Vec<Piece>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) trailers: Vec<Pair>,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) end: RecordedEnd,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) request_truncated: bool,
}

/// How many milliseconds after the one before it a piece came, and how many bytes it has.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Piece(
    #[serde(with = "millis")] pub(crate) Duration,
    pub(crate) usize,
);

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) http_version: String,
    pub(crate) cookies: Vec<Pair>,
    pub(crate) headers: Vec<Pair>,
    pub(crate) query_string: Vec<Pair>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) post_data: Option<PostData>,
    pub(crate) headers_size: i64,
    pub(crate) body_size: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Response {
    /// 0 when there was none.
    pub(crate) status: u16,
    pub(crate) status_text: String,
    pub(crate) http_version: String,
    pub(crate) cookies: Vec<Pair>,
    pub(crate) headers: Vec<Pair>,
    pub(crate) content: Content,
    #[serde(rename = "redirectURL")]
    pub(crate) redirect_url: String,
    pub(crate) headers_size: i64,
    pub(crate) body_size: i64,
    /// What went wrong.
    #[serde(rename = "_error", skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
}

/// A name and a value: a header field, a cookie, a parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Pair {
    pub(crate) name: String,
    pub(crate) value: String,
}

/// The body of a request.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PostData {
    pub(crate) mime_type: String,
    pub(crate) text: String,
    /// Chromium: `base64`, when the text stands for bytes.
    #[serde(rename = "_encoding", skip_serializing_if = "Option::is_none")]
    pub(crate) encoding: Option<String>,
}

/// The body of a response.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Content {
    pub(crate) size: i64,
    pub(crate) mime_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
    /// `base64`, when the text stands for bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) encoding: Option<String>,
}

/// Nothing is cached.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Cache {}

/// How the time of an exchange was spent.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Timings {
    pub(crate) blocked: f64,
    pub(crate) dns: f64,
    pub(crate) connect: f64,
    pub(crate) ssl: f64,
    pub(crate) send: f64,
    pub(crate) wait: f64,
    pub(crate) receive: f64,
}

/// A message of a WebSocket connection, as Chromium writes it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct WebSocketMessage {
    /// `send` or `receive`.
    #[serde(rename = "type")]
    pub(crate) direction: String,
    /// Seconds since 1970.
    pub(crate) time: f64,
    /// RFC 6455 §11.8.
    pub(crate) opcode: u8,
    /// Text, or bytes in base64.
    pub(crate) data: String,
}

impl Default for Timings {
    fn default() -> Self {
        Self {
            blocked: -1.0,
            dns: -1.0,
            connect: -1.0,
            ssl: -1.0,
            send: 0.0,
            wait: 0.0,
            receive: 0.0,
        }
    }
}

impl Creator {
    /// This crate.
    pub(crate) fn this() -> Self {
        Self {
            name: "mockwire".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

impl Pair {
    pub(crate) fn new(name: &str, value: &str) -> Self {
        Self {
            name: name.to_owned(),
            value: value.to_owned(),
        }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
