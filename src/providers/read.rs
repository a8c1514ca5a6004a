//! What is read off the JSON of requests in the same way, whoever the provider is.

use serde_json::Value;

use super::{MessageBlock, Tool};

/// What is at a place of a JSON value, as text.
pub(super) fn string(value: &Value, name: &str) -> Option<String> {
    Some(value.get(name)?.as_str()?.to_owned())
}

/// What is at a place of a JSON value, as a list.
pub(super) fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    let list = value.get(name).and_then(Value::as_array);
    list.map_or(&[], Vec::as_slice)
}

/// The text of something that is a string, or a list of blocks of which some have a `text`; or its JSON.
pub(super) fn content_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(blocks) if blocks.iter().all(|block| block.get("text").is_some()) => {
            let texts = blocks.iter().filter_map(|block| string(block, "text"));
            texts.collect::<Vec<_>>().join("\n")
        }
        other => other.to_string(),
    }
}

/// Arguments that are written as a text; what is no JSON stays a text.
pub(super) fn parsed(arguments: &str) -> Value {
    serde_json::from_str(arguments).unwrap_or_else(|_| arguments.into())
}

/// A number at a place of a JSON value.
pub(super) fn number(value: &Value, name: &str) -> Option<u64> {
    value.get(name)?.as_u64()
}

/// Whether there is `true` at a place of a JSON value.
pub(super) fn is_true(value: &Value, name: &str) -> bool {
    value.get(name) == Some(&Value::Bool(true))
}

/// The content of a message: a text, or a list of parts.
pub(super) fn blocks(
    content: Option<&Value>,
    part: impl Fn(&Value) -> MessageBlock,
) -> Vec<MessageBlock> {
    match content {
        Some(Value::String(text)) => vec![MessageBlock::Text(text.clone())],
        Some(Value::Array(parts)) => parts.iter().map(part).collect(),
        _ => Vec::new(),
    }
}

/// A tool with its schema at this place. One of the provider's own has a type, if no name.
pub(super) fn tool(tool: &Value, schema: &str) -> Tool {
    let name = string(tool, "name").or_else(|| string(tool, "type"));
    Tool::new(
        name.unwrap_or_default(),
        string(tool, "description"),
        tool.get(schema).cloned().unwrap_or_default(),
    )
}
