//! How a cassette is written: the forms of its file, version 1. `docs/cassette.md` explains them.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use serde::de::{Error as _, IgnoredAny};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::entry::{Entry, Frame, RecordedBody, RecordedEnd, RecordedRequest, RecordedResponse};
use super::json_text::{Node, Style};
use super::problem::Problem;
use super::{Cassette, problem};
use crate::error::{FIELD_VALUE, Result, TOKEN};
use crate::model::base64;
use crate::model::millis;
use crate::model::reply::final_status;
use crate::sse::{Event, LineEnding};

const FORMAT: &str = "mockwire-cassette";
pub(super) const VERSION: u64 = 1;

/// How many characters a line has that is not a long text.
const WIDTH: usize = 100;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    format: String,
    version: u64,
    entries: Vec<EntryForm>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryForm {
    /// Its place, from 1: for whoever reads.
    id: u64,
    request: RequestForm,
    response: ResponseForm,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestForm {
    method: String,
    url: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    headers: Fields,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<BodyForm>,
    #[serde(default, skip_serializing_if = "is_default")]
    truncated: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ResponseForm {
    status: u16,
    #[serde(default, skip_serializing_if = "is_default", with = "millis")]
    after: Duration,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    headers: Fields,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<BodyForm>,
    #[serde(default, skip_serializing_if = "is_default")]
    line_ending: LineEnding,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    frames: Option<Vec<FrameForm>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    trailers: Fields,
    #[serde(default, skip_serializing_if = "is_default")]
    end: RecordedEnd,
}

/// Header fields, by name.
type Fields = BTreeMap<String, FieldForm>;

#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "a text, or a list of texts")]
enum FieldForm {
    One(String),
    Many(Vec<String>),
}

/// Bytes in the form that reads best and gives them back exactly.
#[derive(Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct BodyForm {
    #[serde(skip_serializing_if = "Option::is_none")]
    json: Option<Box<RawValue>>,
    /// By how many spaces the JSON was indented; it was on one line without spaces if this is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    indent: Option<usize>,
    /// Whether a line feed follows the JSON.
    #[serde(skip_serializing_if = "is_default")]
    newline: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
}

/// A server-sent event, or bytes.
#[derive(Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct FrameForm {
    #[serde(skip_serializing_if = "is_default", with = "millis")]
    after: Duration,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<FieldForm>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// In milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry: Option<u64>,
    /// A text, or an object or array: then the data is its shortest JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
}

/// What is looked at first: whether it is a cassette at all, and which version.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Probe {
    format: Option<Value>,
    version: Option<Value>,
    /// A HAR file has it.
    log: Option<IgnoredAny>,
    /// A file of aimock has it.
    fixtures: Option<IgnoredAny>,
}

impl Cassette {
    /// The cassette that a text is.
    ///
    /// # Errors
    ///
    /// [`Cassette`](crate::ErrorKind::Cassette) when the text is cut off, corrupt, of a newer version or
    /// something else.
    pub fn parse(text: &str) -> Result<Self> {
        let probe: Probe = serde_json::from_str(text).map_err(|error| {
            problem::error(if error.is_data() {
                Problem::Foreign { looks_like: None }
            } else {
                Problem::of_json(&error, text)
            })
        })?;
        probe.check().map_err(problem::error)?;
        serde_json::from_str(text).map_err(|error| problem::error(Problem::of_json(&error, text)))
    }

    /// The cassette that the bytes of a file are.
    #[cfg_attr(
        all(target_arch = "wasm32", not(feature = "js-extras")),
        allow(dead_code)
    )]
    pub(crate) fn read(bytes: &[u8]) -> Result<Self> {
        let text = std::str::from_utf8(bytes).map_err(|error| {
            // A character that is cut off at the end is what a file that is cut off has.
            problem::error(match error.error_len() {
                None => Problem::Truncated { line: 0, column: 0 },
                Some(_) => Problem::corrupt(format!("not UTF-8: {error}")),
            })
        })?;
        Self::parse(text)
    }

    /// The text of the file: the same for the same entries, readable, and made for a diff.
    ///
    /// ```
    /// use mockwire::cassette::Cassette;
    ///
    /// let text = Cassette::new().to_json();
    /// assert_eq!(Cassette::parse(&text)?, Cassette::new());
    /// # Ok::<(), mockwire::Error>(())
    /// ```
    #[must_use]
    pub fn to_json(&self) -> String {
        // The forms are texts, numbers and lists of them: nothing in them can fail.
        let compact = serde_json::to_string(self).unwrap_or_default();
        let readable = Node::parse(&compact).map(|node| node.readable(WIDTH));
        readable.unwrap_or(compact) + "\n"
    }
}

impl Probe {
    fn check(&self) -> Result<(), Problem> {
        let format = self.format.as_ref().and_then(Value::as_str);
        if format != Some(FORMAT) {
            let har = self.log.map(|_| "a HAR file, which can be imported");
            let aimock = || self.fixtures.map(|_| "a file of aimock fixtures");
            return Err(Problem::Foreign {
                looks_like: har.or_else(aimock),
            });
        }
        match self.version.as_ref().and_then(Value::as_u64) {
            Some(VERSION) => Ok(()),
            Some(found) if found > VERSION => Err(Problem::NewerVersion {
                found,
                known: VERSION,
            }),
            _ => Err(Problem::corrupt("its version is not a number from 1")),
        }
    }
}

impl Serialize for Cassette {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let entries = self.entries.iter().zip(1..);
        let document = Document {
            format: FORMAT.to_owned(),
            version: VERSION,
            entries: entries
                .map(|(entry, id)| EntryForm {
                    id,
                    request: RequestForm::of(&entry.request),
                    response: ResponseForm::of(&entry.response),
                })
                .collect(),
        };
        document.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Cassette {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let document = Document::deserialize(deserializer)?;
        if (document.format.as_str(), document.version) != (FORMAT, VERSION) {
            let expected = format!("format {FORMAT:?} and version {VERSION}");
            return Err(D::Error::custom(format!("it has not {expected}")));
        }
        let entries = document.entries.into_iter().zip(1..);
        let entries = entries.map(|(form, place): (EntryForm, u64)| {
            let entry = form.request.read().and_then(|request| {
                let response = form.response.read()?;
                Ok(Entry { request, response })
            });
            entry.map_err(|reason| D::Error::custom(format!("entry {place}: {reason}")))
        });
        Ok(Self {
            entries: entries.collect::<Result<_, _>>()?,
        })
    }
}

impl RequestForm {
    fn of(request: &RecordedRequest) -> Self {
        Self {
            method: request.method.to_string(),
            url: request.url.to_string(),
            headers: fields_of(&request.headers),
            body: BodyForm::of(&request.body),
            truncated: request.truncated,
        }
    }

    fn read(self) -> Result<RecordedRequest, String> {
        let method = Method::from_bytes(self.method.as_bytes())
            .map_err(|_| format!("invalid method {:?}: {TOKEN}", self.method))?;
        let url: Uri = self
            .url
            .parse()
            .map_err(|error| format!("invalid URL {:?}: {error}", self.url))?;
        Ok(RecordedRequest {
            method,
            url,
            headers: read_fields(self.headers)?,
            body: self.body.map_or(Ok(Bytes::new()), BodyForm::read)?,
            truncated: self.truncated,
        })
    }
}

impl ResponseForm {
    fn of(response: &RecordedResponse) -> Self {
        let (mut body, mut line_ending, mut frames) = (None, LineEnding::Lf, None);
        match &response.body {
            RecordedBody::Whole(bytes) => body = BodyForm::of(bytes),
            RecordedBody::Frames(list) => {
                if list.iter().any(|it| it.bytes.ends_with(b"\r\n\r\n")) {
                    line_ending = LineEnding::CrLf;
                }
                let forms = list.iter().map(|frame| FrameForm::of(frame, line_ending));
                frames = Some(forms.collect());
            }
        }
        Self {
            status: response.status.as_u16(),
            after: response.after,
            headers: fields_of(&response.headers),
            body,
            line_ending,
            frames,
            trailers: fields_of(&response.trailers),
            end: response.end,
        }
    }

    fn read(self) -> Result<RecordedResponse, String> {
        let body = match (self.body, self.frames) {
            (Some(_), Some(_)) => return Err("a response has a body or frames, not both".into()),
            (body, None) => RecordedBody::Whole(body.map_or(Ok(Bytes::new()), BodyForm::read)?),
            (None, Some(frames)) => {
                let frames = frames.into_iter().map(|frame| frame.read(self.line_ending));
                RecordedBody::Frames(frames.collect::<Result<_, _>>()?)
            }
        };
        let status: StatusCode = final_status(self.status).map_err(|error| error.to_string())?;
        Ok(RecordedResponse {
            status,
            after: self.after,
            headers: read_fields(self.headers)?,
            body,
            trailers: read_fields(self.trailers)?,
            end: self.end,
        })
    }
}

impl BodyForm {
    /// `None` where there is nothing.
    fn of(bytes: &Bytes) -> Option<Self> {
        if bytes.is_empty() {
            return None;
        }
        let Ok(text) = std::str::from_utf8(bytes) else {
            return Some(Self {
                base64: Some(base64::encode(bytes)),
                ..Self::default()
            });
        };
        Some(Self::of_json(text).unwrap_or_else(|| Self {
            text: Some(text.to_owned()),
            ..Self::default()
        }))
    }

    /// As JSON, where that gives back the same text.
    fn of_json(text: &str) -> Option<Self> {
        let node = Node::parse_shallow(text).filter(Node::is_container)?;
        let Style { indent, newline } = Style::of(text, &node)?;
        Some(Self {
            json: RawValue::from_string(node.compact()).ok(),
            indent,
            newline,
            ..Self::default()
        })
    }

    fn read(self) -> Result<Bytes, String> {
        match (self.json, self.text, self.base64) {
            (Some(json), None, None) => {
                let node = Node::parse(json.get()).ok_or(TOO_DEEP)?;
                if self.indent.is_some_and(|it| !(1..=8).contains(&it)) {
                    return Err("JSON is indented by 1 to 8 spaces".into());
                }
                let (indent, newline) = (self.indent, self.newline);
                Ok(Style { indent, newline }.write(&node).into())
            }
            (None, Some(text), None) => Ok(text.into()),
            (None, None, Some(text)) => read_base64(&text),
            _ => Err("a body is one of `json`, `text` and `base64`".into()),
        }
    }
}

impl FrameForm {
    fn of(frame: &Frame, ending: LineEnding) -> Self {
        let event = frame.event_written_with(ending);
        let mut form = match event.filter(|event| *event != Event::new()) {
            Some(event) => Self::of_event(event),
            None => match std::str::from_utf8(&frame.bytes) {
                Ok(text) => Self {
                    text: Some(text.to_owned()),
                    ..Self::default()
                },
                Err(_) => Self {
                    base64: Some(base64::encode(&frame.bytes)),
                    ..Self::default()
                },
            },
        };
        form.after = frame.after;
        form
    }

    fn of_event(event: Event) -> Self {
        let retry = event.retry.map(|it| it.as_millis());
        let data = event.data.map(|data| {
            let node = Node::parse_shallow(&data).filter(Node::is_container);
            let is_exact = node.is_some_and(|node| node.compact() == data);
            let text = || Value::from(data.as_str()).to_string();
            RawValue::from_string(if is_exact { data.clone() } else { text() })
        });
        Self {
            comment: match &event.comments[..] {
                [] => None,
                [one] => Some(FieldForm::One(one.clone())),
                many => Some(FieldForm::Many(many.to_vec())),
            },
            event: event.event,
            id: event.id,
            retry: retry.and_then(|it| u64::try_from(it).ok()),
            data: data.and_then(Result::ok),
            ..Self::default()
        }
    }

    fn read(self, ending: LineEnding) -> Result<Frame, String> {
        let after = self.after;
        let bytes = match (&self.text, &self.base64, self.is_event()) {
            (Some(text), None, false) => Bytes::from(text.clone()),
            (None, Some(text), false) => read_base64(text)?,
            (None, None, true) => self.read_event(ending)?,
            _ => return Err("a frame is an event, a `text` or a `base64`".into()),
        };
        Ok(Frame { after, bytes })
    }

    fn is_event(&self) -> bool {
        self.comment.is_some()
            || self.event.is_some()
            || self.id.is_some()
            || self.retry.is_some()
            || self.data.is_some()
    }

    fn read_event(self, ending: LineEnding) -> Result<Bytes, String> {
        let data = self.data.map(|raw| match raw.get() {
            text if text.starts_with('"') => {
                serde_json::from_str(text).map_err(|it| it.to_string())
            }
            text => Node::parse(text)
                .map(|it| it.compact())
                .ok_or_else(|| TOO_DEEP.into()),
        });
        let event = Event {
            event: self.event,
            data: data.transpose()?,
            id: self.id,
            retry: self.retry.map(Duration::from_millis),
            comments: self.comment.map_or_else(Vec::new, FieldForm::into_texts),
        };
        event.encode(ending).map_err(|error| error.to_string())
    }
}

const TOO_DEEP: &str = "its JSON is nested more than 128 deep";

fn read_base64(text: &str) -> Result<Bytes, String> {
    let bytes = base64::decode(text).map(Bytes::from);
    bytes.ok_or_else(|| format!("{text:?} is not base64 (RFC 4648 §4, padded)"))
}

impl FieldForm {
    fn into_texts(self) -> Vec<String> {
        match self {
            Self::One(text) => vec![text],
            Self::Many(texts) => texts,
        }
    }
}

fn fields_of(headers: &HeaderMap) -> Fields {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let values = |name| -> Vec<String> { headers.get_all(name).iter().map(text).collect() };
    let fields = headers.keys().map(|name| {
        let mut values = values(name);
        let form = if values.len() == 1 {
            FieldForm::One(values.remove(0))
        } else {
            FieldForm::Many(values)
        };
        (name.as_str().to_owned(), form)
    });
    fields.collect()
}

fn read_fields(fields: Fields) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (name, form) in fields {
        let key = HeaderName::try_from(&name)
            .map_err(|_| format!("invalid header name {name:?}: {TOKEN}"))?;
        for text in form.into_texts() {
            let value = HeaderValue::from_bytes(text.as_bytes()).map_err(|_| {
                format!("invalid value {text:?} of the header {key}: {FIELD_VALUE}")
            })?;
            headers.append(key.clone(), value);
        }
    }
    Ok(headers)
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
