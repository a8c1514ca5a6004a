//! Makes what is not the same each time the same, in one entry: dates, times, what belongs to the
//! connection or tells how fast a server was, and spaces in JSON.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use serde_json::Value;

use super::edit::{self, Node};
use super::entry::{Entry, RecordedBody};
use super::json_text::Style;
use super::{multipart, times};
use crate::sse::{self, LineEnding};

/// Fields of one connection (RFC 9110 §7.6.1), and what no two responses have in common.
const DROPPED: [&str; 19] = [
    "age",
    "alt-svc",
    "cf-cache-status",
    "cf-ray",
    "connection",
    "keep-alive",
    "nel",
    "openai-processing-ms",
    "proxy-connection",
    "report-to",
    "server-timing",
    "te",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-envoy-upstream-service-time",
    "x-runtime",
    "x-served-by",
    "x-timer",
];

/// Fields that are a date.
const DATES: [&str; 3] = ["date", "expires", "last-modified"];

/// Members of events that are there only so that nobody can tell their length.
const PADDING: &str = "obfuscation";

/// Makes an entry the same each time, but for its ids.
pub(super) fn tidy(entry: &mut Entry) {
    let Entry { request, response } = entry;
    tidy_fields(&mut request.headers);
    tidy_fields(&mut response.headers);
    tidy_fields(&mut response.trailers);
    request.headers.remove(header::CONTENT_LENGTH);
    multipart::stabilise(&mut request.headers, &mut request.body);
    if !request.truncated {
        tidy_json(&mut request.body, |_| None);
    }
    match &mut response.body {
        RecordedBody::Whole(bytes) => tidy_json(bytes, Style::of_text),
        RecordedBody::Frames(frames) => {
            for frame in frames {
                tidy_event(&mut frame.bytes);
            }
        }
    }
    edit::json(&mut request.body, &mut stable_member);
    edit::response(&mut response.body, &mut stable_member);
}

/// Says the length that the body has by now, where the response said one.
pub(super) fn tell_length(entry: &mut Entry) {
    let Entry { request, response } = entry;
    if let (RecordedBody::Whole(bytes), Some(length)) = (
        &response.body,
        response.headers.get_mut(header::CONTENT_LENGTH),
    ) {
        if request.method != Method::HEAD && !bytes.is_empty() {
            *length = HeaderValue::from(bytes.len());
        }
    }
}

fn tidy_fields(headers: &mut HeaderMap) {
    for name in DROPPED {
        headers.remove(name);
    }
    for (name, value) in headers {
        let is_moment = || value.to_str().is_ok_and(times::is_rfc_3339);
        if DATES.contains(&name.as_str()) {
            *value = HeaderValue::from_static(times::HTTP_DATE);
        } else if is_moment() {
            *value = HeaderValue::from_static(times::RFC_3339);
        }
    }
}

/// Writes JSON in the shortest way, unless it has a style of its own that is to stay.
fn tidy_json(body: &mut Bytes, style: impl Fn(&str) -> Option<Style>) {
    let shortest = std::str::from_utf8(body).ok().and_then(|text| {
        let node = Node::parse(text).filter(Node::is_container)?;
        style(text).is_none().then(|| node.compact())
    });
    if let Some(shortest) = shortest {
        *body = shortest.into();
    }
}

/// The data of an event, in the shortest way.
fn tidy_event(bytes: &mut Bytes) {
    let parsed = sse::parse(&bytes[..]);
    let [block] = &parsed.blocks[..] else {
        return;
    };
    let data = block.event.data.as_deref();
    let shortest = data.and_then(|data| {
        let node = Node::parse(data).filter(Node::is_container)?;
        Some(node.compact()).filter(|shortest| shortest != data)
    });
    if let Some(shortest) = shortest {
        let mut event = block.event.clone();
        event.data = Some(shortest);
        let is_crlf = bytes.ends_with(b"\r\n");
        let ending = if is_crlf {
            LineEnding::CrLf
        } else {
            LineEnding::Lf
        };
        if let Ok(encoded) = event.encode(ending) {
            *bytes = encoded;
        }
    }
}

fn stable_member(path: &[String], node: &Node<'_>) -> Option<String> {
    let key = path.last()?;
    if key == PADDING && node.as_string().is_some() {
        return Some("\"\"".to_owned());
    }
    let Node::Scalar(raw) = node else {
        return None;
    };
    let value: Value = serde_json::from_str(raw).ok()?;
    times::stable(key, &value)
}
