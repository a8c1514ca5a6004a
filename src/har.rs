//! HTTP Archive 1.2, as values: what it is written from and read into.
//!
//! <http://www.softwareishard.com/blog/har-12-spec/>. Times are milliseconds, and -1 stands for what is
//! not known or does not apply. Fields that begin with an underscore are Chromium's own.

use serde::{Deserialize, Serialize};

/// A whole archive.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Har {
    pub(crate) log: Log,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Log {
    pub(crate) version: String,
    pub(crate) creator: Creator,
    pub(crate) entries: Vec<Entry>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) comment: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Creator {
    pub(crate) name: String,
    pub(crate) version: String,
}

/// One exchange.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Entry {
    /// RFC 3339.
    pub(crate) started_date_time: String,
    pub(crate) time: f64,
    pub(crate) request: Request,
    pub(crate) response: Response,
    #[serde(default)]
    pub(crate) cache: Cache,
    #[serde(default)]
    pub(crate) timings: Timings,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) comment: Option<String>,
    /// `websocket`, for one.
    #[serde(
        rename = "_resourceType",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub(crate) resource_type: Option<String>,
    #[serde(
        rename = "_webSocketMessages",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub(crate) web_socket_messages: Option<Vec<WebSocketMessage>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) url: String,
    #[serde(default = "http_1_1")]
    pub(crate) http_version: String,
    #[serde(default)]
    pub(crate) cookies: Vec<Pair>,
    #[serde(default)]
    pub(crate) headers: Vec<Pair>,
    #[serde(default)]
    pub(crate) query_string: Vec<Pair>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) post_data: Option<PostData>,
    #[serde(default = "unknown")]
    pub(crate) headers_size: i64,
    #[serde(default = "unknown")]
    pub(crate) body_size: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Response {
    /// 0 when there was none.
    pub(crate) status: u16,
    #[serde(default)]
    pub(crate) status_text: String,
    #[serde(default = "http_1_1")]
    pub(crate) http_version: String,
    #[serde(default)]
    pub(crate) cookies: Vec<Pair>,
    #[serde(default)]
    pub(crate) headers: Vec<Pair>,
    #[serde(default)]
    pub(crate) content: Content,
    #[serde(rename = "redirectURL", default)]
    pub(crate) redirect_url: String,
    #[serde(default = "unknown")]
    pub(crate) headers_size: i64,
    #[serde(default = "unknown")]
    pub(crate) body_size: i64,
    /// What went wrong.
    #[serde(rename = "_error", default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
}

/// A name and a value: a header field, a cookie, a parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pair {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) value: String,
}

/// The body of a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PostData {
    #[serde(default)]
    pub(crate) mime_type: String,
    #[serde(default)]
    pub(crate) text: String,
    /// Chromium: `base64`, when the text stands for bytes.
    #[serde(rename = "_encoding", default, skip_serializing_if = "Option::is_none")]
    pub(crate) encoding: Option<String>,
}

/// The body of a response.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Content {
    #[serde(default)]
    pub(crate) size: i64,
    #[serde(default)]
    pub(crate) mime_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
    /// `base64`, when the text stands for bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) encoding: Option<String>,
}

/// Nothing is cached.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cache {}

/// How the time of an exchange was spent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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

fn http_1_1() -> String {
    "HTTP/1.1".to_owned()
}

fn unknown() -> i64 {
    -1
}
