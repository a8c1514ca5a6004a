//! How a step of a socket script is written as JSON.

use std::time::Duration;

use bytes::Bytes;
use serde::de::{Deserializer, Error as _};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::message::{CloseFrame, Message};
use super::message_pattern::MessagePattern;
use super::socket_json::{base64, fault, millis};
use super::socket_script::Step;
use crate::fault::Fault;

/// A step as JSON: one member, or a word where there is nothing more to say.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Form {
    Abort,
    Close(Option<CloseForm>),
    Delay(#[serde(with = "millis")] Duration),
    Echo(u64),
    Expect(MessagePattern),
    Fault(#[serde(with = "fault")] Fault),
    Ping(Payload),
    Pong(Payload),
    Send(Payload),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CloseForm {
    #[serde(default = "normal_end")]
    code: u16,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    reason: String,
}

fn normal_end() -> u16 {
    1000
}

#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "a text, {\"base64\": \"..\"} or {\"json\": ..}")]
enum Payload {
    Text(String),
    Base64 {
        #[serde(with = "base64")]
        base64: Bytes,
    },
    Json {
        json: Value,
    },
}

impl Payload {
    /// Of a ping or a pong: text where it is.
    fn of_control(bytes: Bytes) -> Self {
        match String::from_utf8(bytes.to_vec()) {
            Ok(text) => Self::Text(text),
            Err(_) => Self::Base64 { base64: bytes },
        }
    }

    fn into_bytes(self) -> Bytes {
        match self {
            Self::Text(text) => text.into(),
            Self::Base64 { base64 } => base64,
            Self::Json { json } => json.to_string().into(),
        }
    }
}

/// `"echo"`: without a number, which the derived form asks for.
const ECHO: &str = "echo";

impl Serialize for Step {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let form = match self.clone() {
            Self::Abort => Form::Abort,
            Self::Close(frame) => Form::Close(frame.map(|it| CloseForm {
                code: it.code,
                reason: it.reason,
            })),
            Self::Delay(delay) => Form::Delay(delay),
            Self::Echo(None) => return serializer.serialize_str(ECHO),
            Self::Echo(Some(messages)) => Form::Echo(messages),
            Self::Expect(pattern) => Form::Expect(pattern),
            Self::Fault(fault) => Form::Fault(fault),
            Self::Ping(payload) => Form::Ping(Payload::of_control(payload)),
            Self::Send(Message::Pong(payload)) => Form::Pong(Payload::of_control(payload)),
            Self::Send(Message::Text(text)) => Form::Send(Payload::Text(text)),
            Self::Send(message) => {
                let base64 = Bytes::copy_from_slice(message.payload());
                Form::Send(Payload::Base64 { base64 })
            }
        };
        form.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Step {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        if value == ECHO {
            return Ok(Self::Echo(None));
        }
        let form = serde_json::from_value(value).map_err(D::Error::custom)?;
        Ok(match form {
            Form::Abort => Self::Abort,
            Form::Close(form) => Self::Close(form.map(|it| CloseFrame {
                code: it.code,
                reason: it.reason,
            })),
            Form::Delay(delay) => Self::Delay(delay),
            Form::Echo(messages) => Self::Echo(Some(messages)),
            Form::Expect(pattern) => Self::Expect(pattern),
            Form::Fault(fault) => Self::Fault(fault),
            Form::Ping(payload) => Self::Ping(payload.into_bytes()),
            Form::Pong(payload) => Self::Send(Message::Pong(payload.into_bytes())),
            Form::Send(Payload::Text(text)) => Self::Send(Message::Text(text)),
            Form::Send(Payload::Base64 { base64 }) => Self::Send(Message::Binary(base64)),
            Form::Send(Payload::Json { json }) => Self::Send(Message::json(json)),
        })
    }
}
