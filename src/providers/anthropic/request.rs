//! A request of Messages, read.

use std::sync::Arc;

use serde_json::Value;

use crate::providers::conversation::{content_text, list, string};
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
    let system = json.get("system");
    let mut conversation = Conversation {
        model: string(&json, "model").unwrap_or_default(),
        system: system.map(content_text),
        system_blocks: match system {
            Some(Value::Array(blocks)) => blocks.len(),
            Some(_) => 1,
            None => 0,
        },
        messages: list(&json, "messages").iter().map(message).collect(),
        tools: list(&json, "tools").iter().map(tool).collect(),
        max_tokens: json.get("max_tokens").and_then(Value::as_u64),
        stream: json.get("stream") == Some(&Value::Bool(true)),
        thinking_budget: json
            .pointer("/thinking/budget_tokens")
            .and_then(Value::as_u64),
        reasoning_effort: json
            .pointer("/output_config/effort")
            .and_then(Value::as_str)
            .map(str::to_owned),
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
        Some("system") => Role::System,
        _ => Role::User,
    };
    let blocks = match message.get("content") {
        Some(Value::String(text)) => vec![MessageBlock::Text(text.clone())],
        Some(Value::Array(blocks)) => blocks.iter().map(block).collect(),
        _ => Vec::new(),
    };
    Message::new(role, blocks)
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
            is_error: block.get("is_error") == Some(&Value::Bool(true)),
        },
        _ => MessageBlock::Other(block.clone()),
    }
}

/// A tool of the user's has a schema; one of Anthropic's own has a type.
fn tool(tool: &Value) -> Tool {
    let name = string(tool, "name").or_else(|| string(tool, "type"));
    let schema = tool.get("input_schema").cloned();
    Tool::new(
        name.unwrap_or_default(),
        string(tool, "description"),
        schema.unwrap_or_default(),
    )
}
