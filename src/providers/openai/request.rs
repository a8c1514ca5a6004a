//! What the requests of both APIs have in common, read.

use serde_json::Value;

use crate::providers::read::string;
use crate::providers::{Message, MessageBlock, Role};

/// Who says a message; none where nobody is named.
pub(super) fn role(message: &Value) -> Option<Role> {
    Some(match message.get("role")?.as_str()? {
        "assistant" => Role::Assistant,
        "developer" | "system" => Role::System,
        "function" | "tool" => Role::Tool,
        _ => Role::User,
    })
}

/// A part of the content of a message.
pub(super) fn part(part: &Value) -> MessageBlock {
    match part.get("type").and_then(Value::as_str) {
        Some("input_text" | "output_text" | "text") => {
            MessageBlock::Text(string(part, "text").unwrap_or_default())
        }
        Some("refusal") => MessageBlock::Text(string(part, "refusal").unwrap_or_default()),
        _ => MessageBlock::Other(part.clone()),
    }
}

/// What the model is told about its task, and in how many blocks.
pub(super) fn system(
    instructions: Option<String>,
    messages: &[Message],
) -> (Option<String>, usize) {
    let of_system = messages.iter().filter(|it| it.role == Role::System);
    let blocks = of_system.clone().map(|it| it.blocks.len()).sum::<usize>();
    let blocks = blocks + usize::from(instructions.is_some());
    let texts = instructions.into_iter().chain(of_system.map(Message::text));
    let text = texts.reduce(|all, text| all + "\n" + &text);
    (text, blocks)
}
