//! Calls of tools: which tools take a text.

use crate::providers::read::{list, string};
use crate::providers::{Conversation, ToolCall};

/// Whether the request declares this tool as one that takes a text, not JSON.
pub(super) fn is_custom(conversation: &Conversation, name: &str) -> bool {
    let tools = list(&conversation.json, "tools").iter();
    let mut custom = tools.filter(|tool| tool.get("type") == Some(&"custom".into()));
    // In Chat Completions the definition is a member of its own.
    custom.any(|tool| string(tool.get("custom").unwrap_or(tool), "name").as_deref() == Some(name))
}

/// What a custom tool is called with: its argument, if that is a text; else the JSON of it.
pub(super) fn input(call: &ToolCall) -> String {
    match (&call.raw, call.arguments.as_str()) {
        (None, Some(text)) => text.to_owned(),
        _ => call.text(),
    }
}
