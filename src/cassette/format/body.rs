//! Bodies: in the form that reads best and gives the bytes back exactly.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::is_default;
use crate::cassette::json_text::{Node, Style};
use crate::model::base64;

pub(super) const TOO_DEEP: &str = "its JSON is nested more than 128 deep";

/// Bytes in the form that reads best and gives them back exactly.
#[derive(Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct BodyForm {
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

impl BodyForm {
    /// `None` where there is nothing.
    pub(super) fn of(bytes: &Bytes) -> Option<Self> {
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

    pub(super) fn read(self) -> Result<Bytes, String> {
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

pub(super) fn read_base64(text: &str) -> Result<Bytes, String> {
    let bytes = base64::decode(text).map(Bytes::from);
    bytes.ok_or_else(|| format!("{text:?} is not base64 (RFC 4648 §4, padded)"))
}
