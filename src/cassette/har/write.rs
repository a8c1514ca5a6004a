//! A cassette as an archive.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, header};

use super::super::entry::{Entry, RecordedBody, RecordedRequest, RecordedResponse};
use super::super::times;
use crate::har::{
    Cache, Content, Creator, Extension, Har, Log, Pair, Piece, PostData, Request, Response, Timings,
};
use crate::model::{base64, date, urlencoded};

pub(super) fn archive(entries: &[Entry]) -> Har {
    let mut now = Duration::from_secs(times::SECONDS);
    let entries = entries.iter().map(|entry| {
        let exchange = exchange(entry, now);
        let time = entry.response.after + receiving(&entry.response.body);
        now = now.saturating_add(time);
        exchange
    });
    Har {
        log: Log {
            version: "1.2".to_owned(),
            creator: Creator::this(),
            entries: entries.collect(),
            comment: None,
        },
    }
}

fn exchange(entry: &Entry, begun: Duration) -> crate::har::Entry {
    let Entry { request, response } = entry;
    let (wait, receive) = (millis(response.after), millis(receiving(&response.body)));
    crate::har::Entry {
        started_date_time: date::rfc3339(begun),
        time: wait + receive,
        request: asked(request),
        response: answered(response),
        cache: Cache {},
        timings: Timings {
            wait,
            receive,
            ..Timings::default()
        },
        comment: None,
        resource_type: None,
        web_socket_messages: None,
        extension: Some(Extension {
            after: response.after,
            frames: match &response.body {
                RecordedBody::Whole(_) => None,
                RecordedBody::Frames(frames) => {
                    let pieces = frames.iter().map(|it| Piece(it.after, it.bytes.len()));
                    Some(pieces.collect())
                }
            },
            trailers: pairs(&response.trailers),
            end: response.end,
            request_truncated: request.truncated,
        }),
    }
}

fn asked(request: &RecordedRequest) -> Request {
    let query = urlencoded::pairs(request.url.query().unwrap_or_default());
    let query_string = query.map(|(name, value)| Pair::new(&name, &value));
    Request {
        method: request.method.to_string(),
        url: request.url.to_string(),
        http_version: "HTTP/1.1".to_owned(),
        // Their fields are secrets.
        cookies: Vec::new(),
        headers: pairs(&request.headers),
        query_string: query_string.collect(),
        post_data: (!request.body.is_empty()).then(|| {
            let (text, encoding) = text(&request.body);
            PostData {
                mime_type: mime_type(&request.headers),
                text,
                encoding,
            }
        }),
        headers_size: -1,
        body_size: size(request.body.len()),
    }
}

fn answered(response: &RecordedResponse) -> Response {
    let whole = response.body.to_bytes();
    let (text, encoding) = text(&whole);
    let location = response.headers.get(header::LOCATION);
    Response {
        status: response.status.as_u16(),
        status_text: response
            .status
            .canonical_reason()
            .unwrap_or_default()
            .to_owned(),
        http_version: "HTTP/1.1".to_owned(),
        cookies: Vec::new(),
        headers: pairs(&response.headers),
        content: Content {
            size: size(whole.len()),
            mime_type: mime_type(&response.headers),
            text: Some(text),
            encoding,
        },
        redirect_url: location.map(in_text).unwrap_or_default(),
        headers_size: -1,
        body_size: size(whole.len()),
        error: None,
    }
}

/// How long the body took.
fn receiving(body: &RecordedBody) -> Duration {
    match body {
        RecordedBody::Whole(_) => Duration::ZERO,
        RecordedBody::Frames(frames) => frames
            .iter()
            .fold(Duration::ZERO, |sum, frame| sum.saturating_add(frame.after)),
    }
}

fn text(bytes: &Bytes) -> (String, Option<String>) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (text.to_owned(), None),
        Err(_) => (base64::encode(bytes), Some("base64".to_owned())),
    }
}

fn mime_type(headers: &HeaderMap) -> String {
    let field = headers.get(header::CONTENT_TYPE).map(in_text);
    field.unwrap_or_else(|| "application/octet-stream".to_owned())
}

fn pairs(headers: &HeaderMap) -> Vec<Pair> {
    let mut pairs: Vec<_> = headers
        .iter()
        .map(|(name, value)| Pair::new(name.as_str(), &in_text(value)))
        .collect();
    // As in the cassette's own file; those of one name keep their order.
    pairs.sort_by(|a, b| a.name.cmp(&b.name));
    pairs
}

fn in_text(value: &http::HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

fn size(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

fn millis(duration: Duration) -> f64 {
    duration.as_nanos() as f64 / 1e6
}
