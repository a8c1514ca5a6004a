//! A request of Chat Completions, read.

use serde_json::Value;

use crate::providers::openai::request::{part, role, system};
use crate::providers::read::{blocks, content_text, is_true, list, number, parsed, string, tool};
use crate::providers::{Conversation, Message, MessageBlock, Role};

pub(super) fn read(json: &Value) -> Conversation {
    let messages: Vec<_> = list(json, "messages").iter().map(message).collect();
    let (system, system_blocks) = system(None, &messages);
    Conversation {
        model: string(json, "model").unwrap_or_default(),
        system,
        system_blocks,
        messages,
        // The definition of a function or of a custom tool is a member of its own.
        tools: list(json, "tools")
            .iter()
            .map(|it| {
                it.get("function")
                    .or_else(|| it.get("custom"))
                    .unwrap_or(it)
            })
            .map(|it| tool(it, "parameters"))
            .collect(),
        max_tokens: number(json, "max_completion_tokens").or_else(|| number(json, "max_tokens")),
        choices: number(json, "n"),
        stream: is_true(json, "stream"),
        reasoning_effort: string(json, "reasoning_effort"),
        ..Conversation::default()
    }
}

fn message(message: &Value) -> Message {
    let role = role(message).unwrap_or(Role::User);
    let content = message.get("content");
    if role == Role::Tool {
        let result = MessageBlock::ToolResult {
            id: string(message, "tool_call_id").unwrap_or_default(),
            name: string(message, "name").unwrap_or_default(),
            content: content.map(content_text).unwrap_or_default(),
            is_error: false,
        };
        return Message::new(role, vec![result]);
    }
    let mut blocks = blocks(content, part);
    blocks.extend(string(message, "refusal").map(MessageBlock::Text));
    blocks.extend(list(message, "tool_calls").iter().map(tool_call));
    Message::new(role, blocks)
}

fn tool_call(call: &Value) -> MessageBlock {
    let of = |pointer: &str| call.pointer(pointer).and_then(Value::as_str);
    let name = of("/function/name").or_else(|| of("/custom/name"));
    let arguments = match (of("/function/arguments"), of("/custom/input")) {
        (Some(arguments), _) => parsed(arguments),
        (None, input) => input.unwrap_or_default().into(),
    };
    MessageBlock::ToolCall {
        id: string(call, "id").unwrap_or_default(),
        name: name.unwrap_or_default().to_owned(),
        arguments,
    }
}
