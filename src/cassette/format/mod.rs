//! How a cassette is written: the forms of its file, version 1. `docs/cassette.md` explains them.

mod body;
mod fields;
mod frame;

use std::time::Duration;

use bytes::Bytes;
use http::{Method, StatusCode, Uri};
use serde::de::{Error as _, IgnoredAny};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use self::body::BodyForm;
use self::fields::{Fields, fields_of, read_fields};
use self::frame::FrameForm;
use super::entry::{Entry, RecordedBody, RecordedEnd, RecordedRequest, RecordedResponse};
use super::json_text::Node;
use super::problem::Problem;
use super::{Cassette, problem};
use crate::error::{Result, TOKEN};
use crate::model::millis;
use crate::model::reply::final_status;
use crate::sse::LineEnding;

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
    #[serde(default, skip_serializing_if = "Fields::is_empty")]
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
    #[serde(default, skip_serializing_if = "Fields::is_empty")]
    headers: Fields,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<BodyForm>,
    #[serde(default, skip_serializing_if = "is_default")]
    line_ending: LineEnding,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    frames: Option<Vec<FrameForm>>,
    #[serde(default, skip_serializing_if = "Fields::is_empty")]
    trailers: Fields,
    #[serde(default, skip_serializing_if = "is_default")]
    end: RecordedEnd,
}

/// Header fields, by name.
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

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
