//! A request of Chat Completions, read.

use std::sync::Arc;

use serde_json::Value;

use crate::providers::conversation::{content_text, list, parsed, string};
use crate::providers::{Conversation, Message, MessageBlock, Role, Tool};
use crate::{Request, Result};

/// The key of the view.
struct View(Arc<Conversation>);

pub(super) fn conversation(request: &Request) -> Result<Arc<Conversation>> {
    let view = request.view_with(|request| {
        let json = request.json_value()?;
        Ok::<_, crate::Error>(View(Arc::new(read(json))))
    })?;
    Ok(view.0.clone())
}

fn read(json: Arc<Value>) -> Conversation {
    let messages: Vec<_> = list(&json, "messages").iter().map(message).collect();
    let system = messages.iter().filter(|it| it.role == Role::System);
    let texts: Vec<_> = system.clone().map(Message::text).collect();
    let number = |name: &str| json.get(name).and_then(Value::as_u64);
    let mut conversation = Conversation {
        model: string(&json, "model").unwrap_or_default(),
        system: (!texts.is_empty()).then(|| texts.join("\n")),
        system_blocks: system.map(|it| it.blocks.len()).sum(),
        tools: list(&json, "tools").iter().map(tool).collect(),
        max_tokens: number("max_completion_tokens").or_else(|| number("max_tokens")),
        stream: json.get("stream") == Some(&Value::Bool(true)),
        thinking_budget: None,
        reasoning_effort: string(&json, "reasoning_effort"),
        messages,
        earlier_turns: 0,
        as_array: false,
        json: Arc::default(),
    };
    conversation.json = json;
    conversation.name_results();
    conversation
}

fn message(message: &Value) -> Message {
    let role = match message.get("role").and_then(Value::as_str) {
        Some("assistant") => Role::Assistant,
        Some("system" | "developer") => Role::System,
        Some("tool" | "function") => Role::Tool,
        _ => Role::User,
    };
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
    let mut blocks = match content {
        Some(Value::String(text)) => vec![MessageBlock::Text(text.clone())],
        Some(Value::Array(parts)) => parts.iter().map(part).collect(),
        _ => Vec::new(),
    };
    blocks.extend(string(message, "refusal").map(MessageBlock::Text));
    blocks.extend(list(message, "tool_calls").iter().map(tool_call));
    Message::new(role, blocks)
}

fn part(part: &Value) -> MessageBlock {
    match part.get("type").and_then(Value::as_str) {
        Some("text") => MessageBlock::Text(string(part, "text").unwrap_or_default()),
        Some("refusal") => MessageBlock::Text(string(part, "refusal").unwrap_or_default()),
        _ => MessageBlock::Other(part.clone()),
    }
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

/// A tool, whose function or custom definition is a member of its own.
fn tool(tool: &Value) -> Tool {
    let inside = tool.get("function").or_else(|| tool.get("custom"));
    let inside = inside.unwrap_or(tool);
    let name = string(inside, "name").or_else(|| string(tool, "type"));
    let schema = inside.get("parameters").cloned();
    Tool::new(
        name.unwrap_or_default(),
        string(inside, "description"),
        schema.unwrap_or_default(),
    )
}
