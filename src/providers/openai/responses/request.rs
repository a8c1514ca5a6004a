//! A request of Responses, read.

use serde_json::Value;

use super::response::ID;
use crate::providers::openai::request::{part, role, system};
use crate::providers::read::{blocks, content_text, is_true, list, number, parsed, string, tool};
use crate::providers::telling::turn_of;
use crate::providers::{Conversation, Message, MessageBlock, Role};

pub(super) fn read(json: &Value) -> Conversation {
    let input = json.get("input");
    let messages: Vec<_> = match input {
        Some(Value::Array(items)) => items.iter().map(item).collect(),
        Some(Value::String(_)) => vec![Message::new(Role::User, blocks(input, part))],
        _ => Vec::new(),
    };
    let (system, system_blocks) = system(string(json, "instructions"), &messages);
    let previous = string(json, "previous_response_id");
    Conversation {
        model: string(json, "model").unwrap_or_default(),
        system,
        system_blocks,
        messages,
        tools: list(json, "tools")
            .iter()
            .map(|it| tool(it, "parameters"))
            .collect(),
        max_tokens: number(json, "max_output_tokens"),
        stream: is_true(json, "stream"),
        reasoning_effort: json
            .get("reasoning")
            .and_then(|reasoning| string(reasoning, "effort")),
        earlier_turns: previous.map_or(0, |id| turn_of(&id, &ID)),
        ..Conversation::default()
    }
}

/// An item of the input: one message, whatever it is.
fn item(item: &Value) -> Message {
    let text = |name| string(item, name).unwrap_or_default();
    let of_model = |block| Message::new(Role::Assistant, vec![block]);
    match item.get("type").and_then(Value::as_str) {
        Some("function_call") => of_model(MessageBlock::ToolCall {
            id: text("call_id"),
            name: text("name"),
            arguments: parsed(&text("arguments")),
        }),
        Some("custom_tool_call") => of_model(MessageBlock::ToolCall {
            id: text("call_id"),
            name: text("name"),
            arguments: text("input").into(),
        }),
        Some("reasoning") => {
            let summary = item.get("summary").map(content_text);
            of_model(MessageBlock::Thinking(summary.unwrap_or_default()))
        }
        Some("function_call_output" | "custom_tool_call_output") => {
            let result = MessageBlock::ToolResult {
                id: text("call_id"),
                name: String::new(),
                content: item.get("output").map(content_text).unwrap_or_default(),
                is_error: false,
            };
            Message::new(Role::Tool, vec![result])
        }
        _ => match role(item) {
            Some(role) => Message::new(role, blocks(item.get("content"), part)),
            // A call of a tool that the provider has itself, or a reference to an item.
            None => of_model(MessageBlock::Other(item.clone())),
        },
    }
}
