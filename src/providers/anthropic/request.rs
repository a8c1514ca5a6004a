//! A request of Messages, read.

use serde_json::Value;

use super::message::ID;
use crate::providers::read::{blocks, content_text, is_true, list, number, string, tool};
use crate::providers::telling::turn_of;
use crate::providers::{Conversation, Message, MessageBlock, Role};

pub(super) fn read(json: &Value) -> Conversation {
    let system = json.get("system");
    let at = |pointer: &str| json.pointer(pointer);
    Conversation {
        model: string(json, "model").unwrap_or_default(),
        system: system.map(content_text),
        system_blocks: match system {
            Some(Value::Array(blocks)) => blocks.len(),
            Some(_) => 1,
            None => 0,
        },
        messages: list(json, "messages").iter().map(message).collect(),
        tools: list(json, "tools")
            .iter()
            .map(|it| tool(it, "input_schema"))
            .collect(),
        max_tokens: number(json, "max_tokens"),
        stream: is_true(json, "stream"),
        thinking_budget: at("/thinking/budget_tokens").and_then(Value::as_u64),
        reasoning_effort: at("/output_config/effort")
            .and_then(Value::as_str)
            .map(str::to_owned),
        earlier_turns: at("/thread/previous_message_id")
            .and_then(Value::as_str)
            .map_or(0, |id| turn_of(id, &ID)),
        ..Conversation::default()
    }
}

fn message(message: &Value) -> Message {
    let role = match message.get("role").and_then(Value::as_str) {
        Some("assistant") => Role::Assistant,
        Some("system") => Role::System,
        _ => Role::User,
    };
    Message::new(role, blocks(message.get("content"), block))
}

fn block(block: &Value) -> MessageBlock {
    let text = |name| string(block, name).unwrap_or_default();
    match block.get("type").and_then(Value::as_str) {
        Some("text") => MessageBlock::Text(text("text")),
        Some("thinking") => MessageBlock::Thinking(text("thinking")),
        Some("tool_use") => MessageBlock::ToolCall {
            id: text("id"),
            name: text("name"),
            arguments: block.get("input").cloned().unwrap_or_default(),
        },
        Some("tool_result") => MessageBlock::ToolResult {
            id: text("tool_use_id"),
            name: String::new(),
            content: block.get("content").map(content_text).unwrap_or_default(),
            is_error: is_true(block, "is_error"),
        },
        _ => MessageBlock::Other(block.clone()),
    }
}
