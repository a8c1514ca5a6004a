//! What is read from an archive. Those who write them leave out what they do not know, or write `null`;
//! what is not needed here is not looked at.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use serde::Deserialize;

use super::super::draft::body_of;
use super::super::entry::{Entry, Frame, RecordedBody, RecordedRequest, RecordedResponse};
use super::super::problem::Problem;
use super::not_har;
use crate::har::{Extension, Pair};
use crate::model::redact;
use crate::model::reply::final_status;
use crate::model::{base64, urlencoded};

#[derive(Deserialize)]
pub(super) struct Archive {
    log: Option<Log>,
}

#[derive(Deserialize)]
struct Log {
    entries: Option<Vec<Exchange>>,
}

/// One exchange.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Exchange {
    request: Asked,
    response: Option<Answered>,
    timings: Option<Timings>,
    #[serde(rename = "_resourceType")]
    resource_type: Option<String>,
    #[serde(rename = "_mockwire")]
    extension: Option<Extension>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Asked {
    method: Option<String>,
    url: Option<String>,
    headers: Option<Vec<Field>>,
    post_data: Option<Posted>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Answered {
    status: Option<i64>,
    headers: Option<Vec<Field>>,
    content: Option<Content>,
}

/// A header field, or a parameter of a form.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Field {
    name: Option<String>,
    value: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Posted {
    mime_type: Option<String>,
    text: Option<String>,
    params: Option<Vec<Field>>,
    /// As some write it, and as Chromium does.
    #[serde(alias = "_encoding")]
    encoding: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Content {
    size: Option<f64>,
    text: Option<String>,
    encoding: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Timings {
    wait: Option<f64>,
}

impl Archive {
    pub(super) fn parse(text: &str) -> Result<Self, Problem> {
        let text = text.trim_start_matches('\u{feff}');
        let archive: Self = serde_json::from_str(text).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            let place = format!(" at line {line} column {column}");
            not_har(line, column, error.to_string().replace(&place, ""))
        })?;
        match &archive.log {
            Some(Log { entries: Some(_) }) => Ok(archive),
            _ => Err(not_har(0, 0, "it has no list `log.entries`")),
        }
    }

    pub(super) fn entries(self) -> impl Iterator<Item = Exchange> {
        self.log.and_then(|log| log.entries).into_iter().flatten()
    }
}

impl Exchange {
    /// What was asked, for whoever is told that it is not on the cassette.
    pub(super) fn told(&self) -> String {
        let method = self.request.method.as_deref().unwrap_or("?");
        let url = self.request.url.as_deref().unwrap_or("(no URL)");
        let shown = url
            .parse()
            .map_or_else(|_| url.to_owned(), |url| redact::printable_url(&url));
        // Behind these there may be secrets, or data.
        let shown = shown.split(['?', '#', ',']).next().unwrap_or_default();
        format!("{method} {shown}")
    }

    /// The entry, or why there is none.
    pub(super) fn read(self) -> Result<Entry, String> {
        let Self {
            request, response, ..
        } = self;
        let url = request.url()?;
        let is_socket = self.resource_type.as_deref() == Some("websocket");
        if is_socket || matches!(url.scheme_str(), Some("ws" | "wss")) {
            return Err("a WebSocket, of which cassettes hold nothing".to_owned());
        }
        let answered = response.unwrap_or_default();
        let status = answered.status()?;
        // An archive has bodies decoded; one that was made of a cassette has them as they were.
        let is_decoded = self.extension.is_none();
        let extension = self.extension.unwrap_or_default();
        let mut request = request.read(url)?;
        request.truncated = extension.request_truncated;
        let mut response = RecordedResponse::new(status);
        response.headers = fields(answered.headers)?;
        if is_decoded && response.headers.remove(header::CONTENT_ENCODING).is_some() {
            response.headers.remove(header::CONTENT_LENGTH);
        }
        response.after = extension.after.unwrap_or_else(|| {
            let wait = self.timings.and_then(|timings| timings.wait);
            Duration::from_millis(wait.unwrap_or_default().max(0.0) as u64)
        });
        let bytes = answered.content.unwrap_or_default().read()?;
        response.body = match extension.frames {
            Some(pieces) => {
                let pieces = pieces.iter().map(|piece| (piece.0, piece.1));
                RecordedBody::Frames(frames(&bytes, pieces)?)
            }
            None if is_decoded => body_of(&response.headers, &[(Duration::ZERO, bytes)]),
            None => RecordedBody::Whole(bytes),
        };
        response.trailers = fields(Some(
            extension.trailers.into_iter().map(Field::from).collect(),
        ))?;
        response.end = extension.end;
        Ok(Entry::new(request, response))
    }
}

impl Asked {
    fn url(&self) -> Result<Uri, String> {
        let text = self.url.as_deref().ok_or("it has no URL")?;
        if !["http", "https", "ws", "wss"]
            .iter()
            .any(|scheme| is_of(text, scheme))
        {
            return Err("its URL is not one of HTTP".to_owned());
        }
        text.parse()
            .map_err(|error| format!("its URL is invalid: {error}"))
    }

    fn read(self, url: Uri) -> Result<RecordedRequest, String> {
        let method = self.method.as_deref().unwrap_or_default();
        let method = Method::from_bytes(method.as_bytes())
            .map_err(|_| format!("its method {method:?} is invalid"))?;
        let mut request = RecordedRequest::new(method, url);
        request.headers = fields(self.headers)?;
        request.body = self.post_data.map_or(Ok(Bytes::new()), Posted::read)?;
        Ok(request)
    }
}

/// Whether a URL has this scheme.
fn is_of(url: &str, scheme: &str) -> bool {
    let found = url.split_once("://").map(|(found, _)| found);
    found.is_some_and(|found| found.eq_ignore_ascii_case(scheme))
}

impl Answered {
    fn status(&self) -> Result<StatusCode, String> {
        let status = self.status.unwrap_or_default();
        if status <= 0 {
            return Err("there was no response".to_owned());
        }
        let status = u16::try_from(status).unwrap_or(u16::MAX);
        final_status(status).map_err(|error| error.to_string())
    }
}

impl Posted {
    fn read(self) -> Result<Bytes, String> {
        let params = self.params.unwrap_or_default();
        if let Some(text) = self.text.filter(|it| !it.is_empty() || params.is_empty()) {
            return bytes(text, self.encoding.as_deref());
        }
        if params.is_empty() {
            return Ok(Bytes::new());
        }
        let mime_type = self.mime_type.unwrap_or_default();
        if mime_type.to_ascii_lowercase().starts_with("multipart/") {
            return Err("of its form of several parts, the archive has no text".to_owned());
        }
        let pairs = params.iter().map(|field| {
            let text =
                |part: &Option<String>| urlencoded::encode(part.as_deref().unwrap_or_default());
            format!("{}={}", text(&field.name), text(&field.value))
        });
        Ok(pairs.collect::<Vec<_>>().join("&").into())
    }
}

impl Content {
    fn read(self) -> Result<Bytes, String> {
        match self.text {
            Some(text) => bytes(text, self.encoding.as_deref()),
            None if self.size.unwrap_or_default() > 0.0 => {
                Err("its body was not saved: save the archive with its content".to_owned())
            }
            None => Ok(Bytes::new()),
        }
    }
}

/// What a text stands for.
fn bytes(text: String, encoding: Option<&str>) -> Result<Bytes, String> {
    match encoding.unwrap_or_default() {
        "" => Ok(text.into()),
        it if it.eq_ignore_ascii_case("base64") => base64::decode(&text)
            .map(Bytes::from)
            .ok_or_else(|| "its body is not the base64 that it is said to be".to_owned()),
        other => Err(format!(
            "its body has the encoding {other:?}, which is not known"
        )),
    }
}

/// The pieces of a body: how long after the one before it each came, and how many bytes it has.
fn frames(
    body: &Bytes,
    pieces: impl Iterator<Item = (Duration, usize)> + Clone,
) -> Result<Vec<Frame>, String> {
    let told = pieces
        .clone()
        .fold(0_usize, |sum, (_, len)| sum.saturating_add(len));
    if told != body.len() {
        return Err(format!(
            "`_mockwire.frames` have {told} bytes together, and the body has {}: correct or delete them",
            body.len()
        ));
    }
    let mut rest = body.clone();
    let frames = pieces.map(|(after, len)| Frame::new(after, rest.split_to(len)));
    Ok(frames.collect())
}

fn fields(list: Option<Vec<Field>>) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for field in list.into_iter().flatten() {
        let name = field.name.unwrap_or_default();
        // Those of HTTP/2 are no header fields.
        if name.is_empty() || name.starts_with(':') {
            continue;
        }
        let key = HeaderName::try_from(&name)
            .map_err(|_| format!("its header field {name:?} has an invalid name"))?;
        // Chromium writes several values of one name in as many lines.
        for value in field.value.unwrap_or_default().split('\n') {
            let value = HeaderValue::from_bytes(value.trim().as_bytes())
                .map_err(|_| format!("its header field {key} has an invalid value"))?;
            headers.append(key.clone(), value);
        }
    }
    Ok(headers)
}

impl From<Pair> for Field {
    fn from(pair: Pair) -> Self {
        Self {
            name: Some(pair.name),
            value: Some(pair.value),
        }
    }
}
