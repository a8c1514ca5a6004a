//! Frames of a stream: events as their fields, anything else as bytes, with their times.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::body::{TOO_DEEP, read_base64};
use super::fields::FieldForm;
use super::is_default;
use crate::cassette::entry::Frame;
use crate::cassette::json_text::Node;
use crate::model::base64;
use crate::model::millis;
use crate::sse::{Event, LineEnding};

/// A server-sent event, or bytes.
#[derive(Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct FrameForm {
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

impl FrameForm {
    pub(super) fn of(frame: &Frame, ending: LineEnding) -> Self {
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

    pub(super) fn read(self, ending: LineEnding) -> Result<Frame, String> {
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
