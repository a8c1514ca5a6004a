//! A request to Gemini, read: the model and the method from the URL, the rest from the body.

use serde_json::Value;

use crate::Request;
use crate::providers::read::{content_text, is_true, list, number, string};
use crate::providers::{Conversation, Message, MessageBlock, Role, Tool};

/// What is asked of the model: the last of the path, behind the colon.
pub(super) fn method(request: &Request) -> Option<&str> {
    Some(request.path().rsplit_once(':')?.1)
}

fn model(request: &Request) -> Option<&str> {
    let (target, _) = request.path().rsplit_once(':')?;
    Some(target.rsplit_once('/').map_or(target, |(_, model)| model))
}

pub(super) fn read(request: &Request, json: &Value) -> Conversation {
    let either = |camel: &str, snake: &str| json.get(camel).or_else(|| json.get(snake));
    let system = either("systemInstruction", "system_instruction");
    let config = either("generationConfig", "generation_config");
    let thinking = config.and_then(|config| config.get("thinkingConfig"));
    Conversation {
        model: model(request).unwrap_or_default().to_owned(),
        system: system.map(|it| it.get("parts").map(content_text).unwrap_or_default()),
        system_blocks: system.map_or(0, |it| list(it, "parts").len()),
        messages: list(json, "contents").iter().map(message).collect(),
        tools: list(json, "tools").iter().flat_map(tools).collect(),
        max_tokens: config.and_then(|it| number(it, "maxOutputTokens")),
        choices: config.and_then(|it| number(it, "candidateCount")),
        stream: method(request) == Some("streamGenerateContent"),
        thinking_budget: thinking.and_then(|it| number(it, "thinkingBudget")),
        reasoning_effort: thinking.and_then(|it| string(it, "thinkingLevel")),
        as_array: request.query("alt").as_deref() != Some("sse"),
        ..Conversation::default()
    }
}

fn message(content: &Value) -> Message {
    let role = match content.get("role").and_then(Value::as_str) {
        Some("model") => Role::Assistant,
        Some("function") => Role::Tool,
        _ => Role::User,
    };
    let parts = list(content, "parts").iter().map(part);
    Message::new(role, parts.collect())
}

fn part(part: &Value) -> MessageBlock {
    let call = |of: &str| Some((part.get(of)?, string(part.get(of)?, "name")?));
    if let Some((call, name)) = call("functionCall") {
        return MessageBlock::ToolCall {
            id: string(call, "id").unwrap_or_default(),
            name,
            arguments: call.get("args").cloned().unwrap_or_default(),
        };
    }
    if let Some((response, name)) = call("functionResponse") {
        let content = response.get("response").map(ToString::to_string);
        return MessageBlock::ToolResult {
            id: string(response, "id").unwrap_or_default(),
            name,
            content: content.unwrap_or_default(),
            is_error: response.pointer("/response/error").is_some(),
        };
    }
    match string(part, "text") {
        Some(text) if is_true(part, "thought") => MessageBlock::Thinking(text),
        Some(text) => MessageBlock::Text(text),
        None => MessageBlock::Other(part.clone()),
    }
}

/// Functions are declared many in one tool; what Google has itself is a member of its own.
fn tools(tool: &Value) -> Vec<Tool> {
    if tool.get("functionDeclarations").is_none() {
        let members = tool.as_object().into_iter().flatten();
        let own = members.map(|(name, _)| Tool::new(name.clone(), None, Value::Null));
        return own.collect();
    }
    let functions = list(tool, "functionDeclarations").iter().map(|function| {
        let schema = function.get("parameters");
        let schema = schema.or_else(|| function.get("parametersJsonSchema"));
        Tool::new(
            string(function, "name").unwrap_or_default(),
            string(function, "description"),
            schema.cloned().unwrap_or_default(),
        )
    });
    functions.collect()
}
