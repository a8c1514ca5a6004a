//! What a request asks of a model, as JSON.

use serde_json::{Map, Value, json};
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

use super::{ModelRequest, Provider};
use crate::edge::js_values::thrown;
use crate::providers::{Conversation, Message, MessageBlock, Tool};

#[wasm_bindgen]
impl ModelRequest {
    /// The conversation as a provider reads it: JSON of TypeScript's `Conversation`. Throws
    /// `{code, message}`.
    pub fn conversation(&self, provider: &str) -> Result<String, JsValue> {
        let provider = Provider::named(provider).map_err(thrown)?;
        let conversation = (provider.conversation)(&self.0).map_err(thrown)?;
        Ok(shown(&conversation).to_string())
    }

    /// The text of the result of a tool, as a provider reads it. Throws `{code, message}`.
    #[wasm_bindgen(js_name = toolResult)]
    pub fn tool_result(&self, provider: &str, id_or_name: &str) -> Result<Option<String>, JsValue> {
        let provider = Provider::named(provider).map_err(thrown)?;
        let conversation = (provider.conversation)(&self.0).map_err(thrown)?;
        Ok(conversation.tool_result(id_or_name).map(str::to_owned))
    }
}

fn shown(conversation: &Conversation) -> Value {
    let members = [
        ("model", conversation.model.as_str().into()),
        ("system", conversation.system.clone().into()),
        ("systemBlocks", conversation.system_blocks.into()),
        ("messages", list(&conversation.messages, message)),
        ("tools", list(&conversation.tools, tool)),
        ("maxTokens", conversation.max_tokens.into()),
        ("choices", conversation.choices.into()),
        ("stream", conversation.stream.into()),
        ("thinkingBudget", conversation.thinking_budget.into()),
        (
            "reasoningEffort",
            conversation.reasoning_effort.clone().into(),
        ),
        ("turn", conversation.turn().into()),
        ("lastUserMessage", conversation.last_user_message().into()),
        (
            "toolResults",
            conversation.tool_results().map(block).collect(),
        ),
        ("text", conversation.text().into()),
    ];
    object(members)
}

fn message(message: &Message) -> Value {
    let blocks = list(&message.blocks, block);
    json!({"role": message.role.as_str(), "text": message.text(), "blocks": blocks})
}

fn block(block: &MessageBlock) -> Value {
    match block {
        MessageBlock::Other(value) => json!({"type": "other", "value": value}),
        MessageBlock::Text(text) => json!({"type": "text", "text": text}),
        MessageBlock::Thinking(text) => json!({"type": "thinking", "text": text}),
        MessageBlock::ToolCall {
            id,
            name,
            arguments,
        } => json!({"type": "toolCall", "id": id, "name": name, "arguments": arguments}),
        MessageBlock::ToolResult {
            id,
            name,
            content,
            is_error,
        } => json!({
            "type": "toolResult", "id": id, "name": name, "content": content, "isError": is_error,
        }),
    }
}

fn tool(tool: &Tool) -> Value {
    let members = [
        ("name", tool.name.as_str().into()),
        ("description", tool.description.clone().into()),
        ("schema", tool.schema.clone()),
    ];
    object(members)
}

fn list<T>(items: &[T], shown: impl Fn(&T) -> Value) -> Value {
    items.iter().map(shown).collect()
}

/// An object without what is not there.
fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    let members = members.into_iter().filter(|(_, value)| !value.is_null());
    let members = members.map(|(name, value)| (name.to_owned(), value));
    Value::Object(members.collect::<Map<_, _>>())
}
