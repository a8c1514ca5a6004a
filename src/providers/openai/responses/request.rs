//! A request of Responses, read.

use std::sync::Arc;

use serde_json::Value;

use super::response::turn_of;
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
    let messages: Vec<_> = match json.get("input") {
        Some(Value::String(text)) => {
            vec![Message::new(
                Role::User,
                vec![MessageBlock::Text(text.clone())],
            )]
        }
        Some(Value::Array(items)) => items.iter().map(item).collect(),
        _ => Vec::new(),
    };
    let of_messages = messages.iter().filter(|it| it.role == Role::System);
    let instructions = string(&json, "instructions");
    let blocks = of_messages.clone().map(|it| it.blocks.len()).sum::<usize>();
    let system_blocks = blocks + usize::from(instructions.is_some());
    let texts = instructions
        .into_iter()
        .chain(of_messages.map(Message::text));
    let texts: Vec<_> = texts.collect();
    let previous = string(&json, "previous_response_id");
    let mut conversation = Conversation {
        model: string(&json, "model").unwrap_or_default(),
        system: (!texts.is_empty()).then(|| texts.join("\n")),
        system_blocks,
        tools: list(&json, "tools").iter().map(tool).collect(),
        max_tokens: json.get("max_output_tokens").and_then(Value::as_u64),
        stream: json.get("stream") == Some(&Value::Bool(true)),
        thinking_budget: None,
        reasoning_effort: json
            .pointer("/reasoning/effort")
            .and_then(Value::as_str)
            .map(str::to_owned),
        earlier_turns: previous.map_or(0, |id| turn_of(&id)),
        as_array: false,
        messages,
        json: Arc::default(),
    };
    conversation.json = json;
    conversation.name_results();
    conversation
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
        _ => message(item),
    }
}

fn message(message: &Value) -> Message {
    let role = match message.get("role").and_then(Value::as_str) {
        Some("assistant") => Role::Assistant,
        Some("system" | "developer") => Role::System,
        Some(_) => Role::User,
        // A call of a tool that the provider has itself, or a reference to an item.
        None => return Message::new(Role::Assistant, vec![MessageBlock::Other(message.clone())]),
    };
    let blocks = match message.get("content") {
        Some(Value::String(text)) => vec![MessageBlock::Text(text.clone())],
        Some(Value::Array(parts)) => parts.iter().map(part).collect(),
        _ => Vec::new(),
    };
    Message::new(role, blocks)
}

fn part(part: &Value) -> MessageBlock {
    match part.get("type").and_then(Value::as_str) {
        Some("input_text" | "output_text" | "text") => {
            MessageBlock::Text(string(part, "text").unwrap_or_default())
        }
        Some("refusal") => MessageBlock::Text(string(part, "refusal").unwrap_or_default()),
        _ => MessageBlock::Other(part.clone()),
    }
}

fn tool(tool: &Value) -> Tool {
    let name = string(tool, "name").or_else(|| string(tool, "type"));
    let schema = tool.get("parameters").cloned();
    Tool::new(
        name.unwrap_or_default(),
        string(tool, "description"),
        schema.unwrap_or_default(),
    )
}
