//! The steps of a script, and their JSON: `{"text": ".."}`, `{"base64": ".."}`, `{"wait": 50}`,
//! `{"hold": "name"}`.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::millis;
use crate::model::base64;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "Written", try_from = "Written")]
pub(super) enum Step {
    Frame(Data),
    Hold(String),
    Wait(Duration),
}

/// Some bytes, which in JSON are a text where they can be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "Written", try_from = "Written")]
pub(super) struct Data(pub(super) Bytes);

/// A step as it is written.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Written {
    Base64(String),
    Hold(String),
    Text(String),
    Wait(#[serde(with = "millis")] Duration),
}

impl Step {
    pub(super) fn is_frame(&self) -> bool {
        matches!(self, Self::Frame(_))
    }

    /// Whether it gives anything or takes time.
    pub(super) fn does_something(&self) -> bool {
        match self {
            Self::Frame(data) => !data.0.is_empty(),
            Self::Hold(_) => false,
            Self::Wait(pause) => !pause.is_zero(),
        }
    }
}

impl From<Data> for Written {
    fn from(data: Data) -> Self {
        match std::str::from_utf8(&data.0) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => Self::Base64(base64::encode(&data.0)),
        }
    }
}

impl From<Step> for Written {
    fn from(step: Step) -> Self {
        match step {
            Step::Frame(data) => data.into(),
            Step::Hold(name) => Self::Hold(name),
            Step::Wait(pause) => Self::Wait(pause),
        }
    }
}

impl TryFrom<Written> for Step {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        match written {
            Written::Hold(name) => Ok(Self::Hold(name)),
            Written::Wait(pause) => Ok(Self::Wait(pause)),
            data => data.try_into().map(Self::Frame),
        }
    }
}

impl TryFrom<Written> for Data {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        match written {
            Written::Text(text) => Ok(Self(text.into())),
            Written::Base64(text) => match base64::decode(&text) {
                Some(bytes) => Ok(Self(bytes.into())),
                None => Err(format!("{text:?} is not base64 (RFC 4648 §4, padded)")),
            },
            Written::Hold(_) | Written::Wait(_) => {
                Err("`text` or `base64` is needed here, not a pause".to_owned())
            }
        }
    }
}
