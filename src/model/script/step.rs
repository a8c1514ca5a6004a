//! The steps of a script, and their JSON: `{"text": ".."}`, `{"base64": ".."}`,
//! `{"event": {"data": ".."}}`, `{"wait": 50}`, `{"hold": "name"}`.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::model::base64;
use crate::model::content::Content;
use crate::model::millis;
use crate::sse::{Event, LineEnding};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "Written", try_from = "Written")]
pub(super) enum Step {
    Event(Event),
    Frame(Bytes),
    Hold(String),
    Wait(Duration),
}

/// A step as it is written.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Written {
    Base64(String),
    Event(Event),
    Hold(String),
    Text(String),
    Wait(#[serde(with = "millis")] Duration),
}

impl Step {
    pub(super) fn frame(content: impl Into<Content>) -> Self {
        Self::Frame(content.into().into_bytes())
    }

    /// The bytes of a frame, unless this is a pause. Events have been validated.
    pub(super) fn bytes(&self, ending: LineEnding) -> Option<Bytes> {
        match self {
            Self::Event(event) => event.encode(ending).ok(),
            Self::Frame(bytes) => Some(bytes.clone()),
            Self::Hold(_) | Self::Wait(_) => None,
        }
    }

    pub(super) fn is_frame(&self) -> bool {
        matches!(self, Self::Event(_) | Self::Frame(_))
    }

    /// Whether it gives anything or takes time.
    pub(super) fn does_something(&self) -> bool {
        match self {
            Self::Event(event) => *event != Event::new(),
            Self::Frame(bytes) => !bytes.is_empty(),
            Self::Hold(_) => false,
            Self::Wait(pause) => !pause.is_zero(),
        }
    }

    pub(super) fn validate(&self) -> Result<(), Error> {
        match self {
            Self::Event(event) => event.validate(),
            Self::Frame(_) | Self::Hold(_) | Self::Wait(_) => Ok(()),
        }
    }
}

impl From<Step> for Written {
    fn from(step: Step) -> Self {
        match step {
            Step::Event(event) => Self::Event(event),
            Step::Frame(bytes) => match std::str::from_utf8(&bytes) {
                Ok(text) => Self::Text(text.to_owned()),
                Err(_) => Self::Base64(base64::encode(&bytes)),
            },
            Step::Hold(name) => Self::Hold(name),
            Step::Wait(pause) => Self::Wait(pause),
        }
    }
}

impl TryFrom<Written> for Step {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        match written {
            Written::Base64(text) => match base64::decode(&text) {
                Some(bytes) => Ok(Self::Frame(bytes.into())),
                None => Err(format!("{text:?} is not base64 (RFC 4648 §4, padded)")),
            },
            Written::Event(event) => Ok(Self::Event(event)),
            Written::Hold(name) => Ok(Self::Hold(name)),
            Written::Text(text) => Ok(Self::Frame(text.into())),
            Written::Wait(pause) => Ok(Self::Wait(pause)),
        }
    }
}
