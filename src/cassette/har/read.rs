//! What is read from an archive. Those who write them leave out what they do not know, or write `null`, or
//! something of their own; what is not needed here is not looked at.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use serde::Deserialize;
use serde_json::Value;

use super::super::draft::body_of;
use super::super::entry::{
    Entry, Frame, RecordedBody, RecordedEnd, RecordedRequest, RecordedResponse,
};
use super::super::problem::Problem;
use super::not_har;
use crate::model::redact;
use crate::model::reply::final_status;
use crate::model::{base64, millis, urlencoded};

/// The entries of an archive.
pub(super) fn entries(text: &str) -> Result<Vec<Value>, Problem> {
    let text = text.trim_start_matches('\u{feff}');
    let mut archive: Value = serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let place = format!(" at line {line} column {column}");
        not_har(line, column, error.to_string().replace(&place, ""))
    })?;
    match archive.pointer_mut("/log/entries").map(Value::take) {
        Some(Value::Array(entries)) => Ok(entries),
        _ => Err(not_har(0, 0, "it has no list `log.entries`")),
    }
}

/// What was asked, for whoever is told that it is not on the cassette.
pub(super) fn told(entry: &Value) -> String {
    let method = text(entry, "/request/method").unwrap_or("?");
    let url = text(entry, "/request/url").unwrap_or("(no URL)");
    let shown = url
        .parse()
        .map_or_else(|_| url.to_owned(), |url: Uri| redact::printable_url(&url));
    // Behind these there may be secrets, or data.
    let shown = shown.split(['?', '#', ',']).next().unwrap_or_default();
    format!("{method} {shown}")
}

/// The entry as a cassette has it, or why it has none.
pub(super) fn entry(entry: &Value) -> Result<Entry, String> {
    let url = url(entry)?;
    let is_socket = text(entry, "/_resourceType") == Some("websocket");
    if is_socket || matches!(url.scheme_str(), Some("ws" | "wss")) {
        return Err("a WebSocket, of which cassettes hold nothing".to_owned());
    }
    let status = status(entry)?;
    let request = request(entry, url)?;
    Ok(Entry::new(request, response(entry, status)?))
}

fn url(entry: &Value) -> Result<Uri, String> {
    let text = text(entry, "/request/url").ok_or("it has no URL")?;
    let scheme = text.split_once("://").map(|(scheme, _)| scheme);
    let is_of = |name: &str| scheme.is_some_and(|it| it.eq_ignore_ascii_case(name));
    if !["http", "https", "ws", "wss"].into_iter().any(is_of) {
        return Err("its URL is not one of HTTP".to_owned());
    }
    text.parse()
        .map_err(|error| format!("its URL is invalid: {error}"))
}

fn status(entry: &Value) -> Result<StatusCode, String> {
    let status = entry.pointer("/response/status").and_then(Value::as_i64);
    match status.filter(|status| *status > 0) {
        Some(status) => final_status(u16::try_from(status).unwrap_or(u16::MAX))
            .map_err(|error| error.to_string()),
        None => Err("there was no response".to_owned()),
    }
}

fn request(entry: &Value, url: Uri) -> Result<RecordedRequest, String> {
    let method = text(entry, "/request/method").unwrap_or_default();
    let method = Method::from_bytes(method.as_bytes())
        .map_err(|_| format!("its method {method:?} is invalid"))?;
    let mut request = RecordedRequest::new(method, url);
    request.headers = fields(entry.pointer("/request/headers"))?;
    if let Some(posted) = entry.pointer("/request/postData") {
        request.body = posted_body(posted)?;
    }
    let truncated = entry.pointer("/_mockwire/requestTruncated");
    request.truncated = truncated.and_then(Value::as_bool).unwrap_or_default();
    Ok(request)
}

fn response(entry: &Value, status: StatusCode) -> Result<RecordedResponse, String> {
    let mut response = RecordedResponse::new(status);
    response.headers = fields(entry.pointer("/response/headers"))?;
    let bytes = match entry.pointer("/response/content") {
        Some(content) => content_of(content)?,
        None => Bytes::new(),
    };
    let Some(exact) = entry.get("_mockwire").filter(|it| it.is_object()) else {
        // An archive has bodies decoded; one that was made of a cassette has them as they were.
        if response.headers.remove(header::CONTENT_ENCODING).is_some() {
            response.headers.remove(header::CONTENT_LENGTH);
        }
        let wait = entry.pointer("/timings/wait").and_then(Value::as_f64);
        response.after = Duration::from_millis(wait.unwrap_or_default().max(0.0) as u64);
        response.body = body_of(&response.headers, &[(Duration::ZERO, bytes)]);
        return Ok(response);
    };
    response.after = exact.get("after").and_then(pause).unwrap_or_default();
    response.body = match exact.get("frames").and_then(Value::as_array) {
        Some(pieces) => RecordedBody::Frames(frames(bytes, pieces)?),
        None => RecordedBody::Whole(bytes),
    };
    response.trailers = fields(exact.get("trailers"))?;
    if let Some(end) = exact.get("end") {
        response.end = RecordedEnd::deserialize(end)
            .map_err(|error| format!("`_mockwire.end` cannot be read: {error}"))?;
    }
    Ok(response)
}

/// The body of a request.
fn posted_body(posted: &Value) -> Result<Bytes, String> {
    let params = list(posted.get("params"));
    if let Some(text) = text(posted, "/text").filter(|it| !it.is_empty() || params.is_empty()) {
        // As some write it, and as Chromium does.
        let encoding = posted.get("encoding").or_else(|| posted.get("_encoding"));
        return bytes(text, encoding);
    }
    if params.is_empty() {
        return Ok(Bytes::new());
    }
    let mime_type = text(posted, "/mimeType").unwrap_or_default();
    if mime_type.to_ascii_lowercase().starts_with("multipart/") {
        return Err("of its form of several parts, the archive has no text".to_owned());
    }
    let pairs = params.iter().map(|pair| {
        let part = |pointer| urlencoded::encode(text(pair, pointer).unwrap_or_default());
        format!("{}={}", part("/name"), part("/value"))
    });
    Ok(pairs.collect::<Vec<_>>().join("&").into())
}

/// The body of a response.
fn content_of(content: &Value) -> Result<Bytes, String> {
    let size = content.get("size").and_then(Value::as_f64);
    match text(content, "/text") {
        Some(text) => bytes(text, content.get("encoding")),
        None if size.unwrap_or_default() > 0.0 => {
            Err("its body was not saved: save the archive with its content".to_owned())
        }
        None => Ok(Bytes::new()),
    }
}

/// What a text stands for.
fn bytes(text: &str, encoding: Option<&Value>) -> Result<Bytes, String> {
    match encoding.and_then(Value::as_str).unwrap_or_default() {
        "" => Ok(text.to_owned().into()),
        it if it.eq_ignore_ascii_case("base64") => base64::decode(text)
            .map(Bytes::from)
            .ok_or_else(|| "its body is not the base64 that it is said to be".to_owned()),
        other => Err(format!(
            "its body has the encoding {other:?}, which is not known"
        )),
    }
}

/// The pieces of a body: how long after the one before it each came, and how many bytes it has.
fn frames(mut body: Bytes, pieces: &[Value]) -> Result<Vec<Frame>, String> {
    let mut frames = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let after = piece.get(0).and_then(pause).unwrap_or_default();
        let len = piece.get(1).and_then(Value::as_u64).unwrap_or_default();
        let len = usize::try_from(len).ok().filter(|len| *len <= body.len());
        let len = len.ok_or(WRONG_FRAMES)?;
        frames.push(Frame::new(after, body.split_to(len)));
    }
    if body.is_empty() {
        Ok(frames)
    } else {
        Err(WRONG_FRAMES.to_owned())
    }
}

const WRONG_FRAMES: &str =
    "`_mockwire.frames` are not as many bytes as the body: correct or delete them";

fn fields(pairs: Option<&Value>) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for pair in list(pairs) {
        let name = text(pair, "/name").unwrap_or_default();
        // Those of HTTP/2 are no header fields.
        if name.is_empty() || name.starts_with(':') {
            continue;
        }
        let key = HeaderName::try_from(name)
            .map_err(|_| format!("its header field {name:?} has an invalid name"))?;
        // Chromium writes several values of one name in as many lines.
        for value in text(pair, "/value").unwrap_or_default().split('\n') {
            let value = HeaderValue::from_bytes(value.trim().as_bytes())
                .map_err(|_| format!("its header field {key} has an invalid value"))?;
            headers.append(key.clone(), value);
        }
    }
    Ok(headers)
}

fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer)?.as_str()
}

fn list(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn pause(value: &Value) -> Option<Duration> {
    millis::of(value.as_f64()?)
}
