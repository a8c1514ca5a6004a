//! Replies from files.

use std::path::Path;

use crate::error::{Error, Part};
use crate::model::reply::Reply;

impl Reply {
    /// 200 with the bytes of a file, which is read now. The content type follows the extension for
    /// `json`, `txt`, `html`, `sse` and `xml`, and is left out for any other.
    ///
    /// A file that cannot be read is an error ([`Part::Body`]) when the reply is given to a rule.
    #[must_use]
    pub fn file(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        let content_type = match path.extension().and_then(|extension| extension.to_str()) {
            Some("html") => Some("text/html; charset=utf-8"),
            Some("json") => Some("application/json"),
            Some("sse") => Some("text/event-stream"),
            Some("txt") => Some("text/plain; charset=utf-8"),
            Some("xml") => Some("application/xml"),
            _ => None,
        };
        let reply = match std::fs::read(path) {
            Ok(bytes) => Self::bytes(bytes),
            Err(error) => Self::empty().fail(Error::invalid(
                Part::Body,
                path.display().to_string(),
                format!("the file cannot be read: {error}"),
            )),
        };
        match content_type {
            Some(content_type) => reply.header("content-type", content_type),
            None => reply,
        }
    }
}
