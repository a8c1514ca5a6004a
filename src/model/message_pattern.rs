//! What is asked of a message: data, so that it can be written as JSON.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::json::{self, Comparison};
use super::message::Message;
use super::socket_json::base64;

/// What is asked of a text or binary message. Control frames never match.
///
/// ```
/// use mockwire::{Message, MessagePattern};
/// use serde_json::json;
///
/// let pattern = MessagePattern::json_partial(json!({"type": "subscribe"}));
/// assert!(pattern.test(&Message::json(json!({"type": "subscribe", "id": 1}))));
/// assert!(!pattern.test(&Message::text("subscribe")));
/// ```
///
/// As JSON: `"any"`, `{"text": ".."}`, `{"contains": ".."}`, `{"json": ..}`,
/// `{"jsonPartial": ..}`, `{"base64": ".."}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MessagePattern(Test);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Test {
    Any,
    #[serde(with = "base64")]
    Base64(Bytes),
    Contains(String),
    Json(Value),
    JsonPartial(Value),
    Text(String),
}

impl MessagePattern {
    /// Any text or binary message.
    #[must_use]
    pub fn any() -> Self {
        Self(Test::Any)
    }

    /// Exactly this text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self(Test::Text(text.into()))
    }

    /// A text with this part.
    #[must_use]
    pub fn contains(part: impl Into<String>) -> Self {
        Self(Test::Contains(part.into()))
    }

    /// A text that is this JSON value; see [`json`](crate::json).
    #[must_use]
    pub fn json(value: impl Into<Value>) -> Self {
        Self(Test::Json(value.into()))
    }

    /// A text that is a JSON value which says at least this; see
    /// [`json_partial`](crate::json_partial).
    #[must_use]
    pub fn json_partial(value: impl Into<Value>) -> Self {
        Self(Test::JsonPartial(value.into()))
    }

    /// Exactly these bytes.
    #[must_use]
    pub fn binary(bytes: impl Into<Bytes>) -> Self {
        Self(Test::Base64(bytes.into()))
    }

    /// Whether a message is what is asked for.
    #[must_use]
    pub fn test(&self, message: &Message) -> bool {
        match (&self.0, message) {
            (Test::Any, message) => message.is_data(),
            (Test::Base64(expected), Message::Binary(actual)) => expected == actual,
            (Test::Contains(part), Message::Text(text)) => text.contains(part),
            (Test::Json(value), Message::Text(text)) => is_json(text, value, Comparison::Equal),
            (Test::JsonPartial(value), Message::Text(text)) => {
                is_json(text, value, Comparison::Includes)
            }
            (Test::Text(expected), Message::Text(actual)) => expected == actual,
            _ => false,
        }
    }
}

fn is_json(text: &str, expected: &Value, comparison: Comparison) -> bool {
    serde_json::from_str(text).is_ok_and(|actual| json::matches(expected, &actual, comparison))
}

impl From<&str> for MessagePattern {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for MessagePattern {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

impl From<Bytes> for MessagePattern {
    fn from(bytes: Bytes) -> Self {
        Self::binary(bytes)
    }
}

impl From<Value> for MessagePattern {
    fn from(value: Value) -> Self {
        Self::json(value)
    }
}

/// `text "hi"`, `JSON {"a":1}`
impl fmt::Display for MessagePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Test::Any => f.write_str("any message"),
            Test::Base64(bytes) => write!(f, "the {} bytes {bytes:?}", bytes.len()),
            Test::Contains(part) => write!(f, "text with {part:?} in it"),
            Test::Json(value) => write!(f, "JSON {value}"),
            Test::JsonPartial(value) => write!(f, "JSON with at least {value}"),
            Test::Text(text) => write!(f, "text {text:?}"),
        }
    }
}
