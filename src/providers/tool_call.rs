//! A call of a tool: what a model wants to be done.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A call of a tool: what a model wants to be done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ToolCall {
    pub(super) name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    /// `null` is no arguments.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub(super) arguments: Value,
    /// What stands for the arguments, as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) raw: Option<String>,
}

impl ToolCall {
    /// A call of the tool of this name, with these arguments.
    #[must_use]
    pub fn new(name: impl Into<String>, arguments: impl Into<Value>) -> Self {
        Self {
            name: name.into(),
            id: None,
            arguments: arguments.into(),
            raw: None,
        }
    }

    /// The id of the call; made from the transport's seed unless it is said.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// This stands for the arguments, as it is: for JSON that a model got wrong or did not finish. Where
    /// the wire has a JSON value and this is none, it has an empty object.
    #[must_use]
    pub fn raw(mut self, text: impl Into<String>) -> Self {
        self.raw = Some(text.into());
        self
    }

    /// The JSON of the arguments; `{}` for none.
    pub(super) fn text(&self) -> String {
        match (&self.raw, &self.arguments) {
            (Some(raw), _) => raw.clone(),
            (None, Value::Null) => "{}".to_owned(),
            (None, arguments) => arguments.to_string(),
        }
    }

    /// The arguments as a value.
    pub(super) fn value(&self) -> Value {
        let empty = || Value::Object(Map::new());
        match (&self.raw, &self.arguments) {
            (Some(raw), _) => serde_json::from_str(raw).unwrap_or_else(|_| empty()),
            (None, Value::Null) => empty(),
            (None, arguments) => arguments.clone(),
        }
    }
}
