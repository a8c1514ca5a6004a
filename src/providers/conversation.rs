//! What the model is asked, as a request of a provider says it, in words that all providers share.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::telling::tells_tool;
use super::usage::tokens;

/// What a request asks of a model: a view of its JSON, made once per request and shared. The same for
/// all providers; [`json`](Self::json) is what the request says itself.
///
/// ```
/// use mockwire::providers::{Answer, Role, anthropic};
/// use mockwire::sync::MockTransport;
/// use serde_json::json;
///
/// let transport = MockTransport::new();
/// anthropic::messages(&transport).reply(Answer::text("Hello!"));
/// # let body = json!({"model": "claude", "max_tokens": 64, "system": "Be brief.",
/// #     "messages": [{"role": "user", "content": "hi"}],
/// #     "tools": [{"name": "get_weather", "input_schema": {"properties": {"city": {"type": "string"}}}}]});
/// # let request = http::Request::post("https://api.anthropic.com/v1/messages").body(body).unwrap();
/// # transport.block_on(transport.call(request))?;
///
/// let captured = transport.last_request().unwrap();
/// let conversation = anthropic::conversation(&captured.request)?;
/// assert_eq!(conversation.model, "claude");
/// assert_eq!(conversation.max_tokens, Some(64));
/// assert_eq!(conversation.system.as_deref(), Some("Be brief."));
/// assert_eq!(conversation.messages[0].role, Role::User);
/// assert_eq!(conversation.messages[0].text(), "hi");
/// assert_eq!(conversation.tool("get_weather").unwrap().property("city").unwrap()["type"], "string");
/// # Ok::<(), mockwire::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Conversation {
    /// Which model is asked; empty when the request does not say.
    pub model: String,
    /// What the model is told about its task, apart from the messages or in messages of its own: all of
    /// it, joined by line breaks.
    pub system: Option<String>,
    /// Of how many blocks that is made; 1 for a plain string.
    pub system_blocks: usize,
    /// The messages, in order, as many as the request has.
    pub messages: Vec<Message>,
    /// The tools that the model may call.
    pub tools: Vec<Tool>,
    /// How many tokens the answer may have.
    pub max_tokens: Option<u64>,
    /// How many answers are asked for at once: `n` of Chat Completions, `candidateCount` of Gemini.
    pub choices: Option<u64>,
    /// Whether a stream is asked for.
    pub stream: bool,
    /// How many tokens the model may think.
    pub thinking_budget: Option<u64>,
    /// How much the model is to think, in OpenAI's words: `low`, `medium`, `high`.
    pub reasoning_effort: Option<String>,
    /// The body of the request.
    pub json: Arc<Value>,
    /// How many answers of the model have come before all that the request has: those that the provider
    /// remembers.
    pub(super) earlier_turns: u64,
    /// Whether a stream comes as an array, not as events (Gemini).
    pub(super) as_array: bool,
}

/// A message of a conversation.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Message {
    /// Who says it.
    pub role: Role,
    /// What is said, in order.
    pub blocks: Vec<MessageBlock>,
}

/// Who says a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Role {
    /// The model.
    Assistant,
    /// Whoever wrote the application (`system`, `developer`).
    System,
    /// A tool, where its results are messages of their own.
    Tool,
    /// The user.
    User,
}

/// A part of a message.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum MessageBlock {
    /// Anything else, as the request has it: an image, a document.
    Other(Value),
    /// Text.
    Text(String),
    /// What the model has thought.
    Thinking(String),
    /// A tool that the model has called.
    ToolCall {
        /// The id of the call, by which its result is known.
        id: String,
        /// The name of the tool.
        name: String,
        /// The arguments, parsed where they are a text.
        arguments: Value,
    },
    /// What a tool has given.
    ToolResult {
        /// The id of the call.
        id: String,
        /// The name of the tool, found by the id where the request does not say it; else empty.
        name: String,
        /// The text of the result, or the text of its JSON.
        content: String,
        /// Whether the tool has failed, where the provider can tell.
        is_error: bool,
    },
}

/// A tool that the model may call.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Tool {
    /// Its name; of a tool that the provider has itself, its type.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// The JSON Schema of its arguments; `null` where there is none.
    pub schema: Value,
}

impl Conversation {
    /// Which of the model's answers this is to be, from 1: one more than the model has given, by the
    /// history in the request. Messages of the model in a row are one answer; what the model is to go on
    /// with, at the end, is none yet. With OpenAI's `previous_response_id`, and in Anthropic's threads, the
    /// provider has the history: the ids that are made from the transport's seed tell their turn, so the
    /// count goes on.
    #[must_use]
    pub fn turn(&self) -> u64 {
        let pairs = self.messages.windows(2);
        let is_end =
            |pair: &&[Message]| pair[0].role == Role::Assistant && pair[1].role != Role::Assistant;
        1 + self.earlier_turns + pairs.filter(is_end).count() as u64
    }

    /// What the user has said last, if nothing has come since: with a tool's result after it there is
    /// none, so that a rule for what the user asks does not answer the tool's result, too.
    #[must_use]
    pub fn last_user_message(&self) -> Option<String> {
        let last = self.messages.last()?;
        let has_text = last
            .blocks
            .iter()
            .any(|it| matches!(it, MessageBlock::Text(_)));
        (last.role == Role::User && has_text).then(|| last.text())
    }

    /// What tools have given since the model's last message: those that it waits for.
    pub fn tool_results(&self) -> impl Iterator<Item = &MessageBlock> {
        let is_model = |message: &Message| message.role == Role::Assistant;
        let begin = self.messages.iter().rposition(is_model);
        let new = &self.messages[begin.map_or(0, |at| at + 1)..];
        let blocks = new.iter().flat_map(|message| &message.blocks);
        blocks.filter(|block| matches!(block, MessageBlock::ToolResult { .. }))
    }

    /// The text of the result of a tool, by the id of the call or by the name of the tool, since the
    /// model's last message.
    #[must_use]
    pub fn tool_result(&self, id_or_name: &str) -> Option<&str> {
        self.tool_results().find_map(|block| match block {
            MessageBlock::ToolResult { content, .. } if block.is_result_of(id_or_name) => {
                Some(content.as_str())
            }
            _ => None,
        })
    }

    /// Whether somebody of this role has said something, wherever the provider has it.
    pub(super) fn has_role(&self, role: Role) -> bool {
        let is_result = |it: &MessageBlock| matches!(it, MessageBlock::ToolResult { .. });
        let mut messages = self.messages.iter();
        match role {
            Role::System if self.system.is_some() => true,
            Role::Tool => messages.any(|message| message.blocks.iter().any(is_result)),
            _ => messages.any(|message| message.role == role),
        }
    }

    /// Whether the model has called this tool before.
    pub(super) fn has_called(&self, tool: &str) -> bool {
        let mut blocks = self.messages.iter().flat_map(|message| &message.blocks);
        blocks.any(|block| match block {
            MessageBlock::ToolCall { name, .. } => name == tool,
            _ => block.is_result_of(tool),
        })
    }

    /// The tool of this name.
    #[must_use]
    pub fn tool(&self, name: &str) -> Option<&Tool> {
        self.tools.iter().find(|tool| tool.name == name)
    }

    /// All that is said, by everybody, joined by line breaks.
    #[must_use]
    pub fn text(&self) -> String {
        let of_messages = self.messages.iter().map(Message::text);
        let system = self.system.clone().filter(|_| !self.has_system_message());
        let texts: Vec<_> = system.into_iter().chain(of_messages).collect();
        texts.join("\n")
    }

    fn has_system_message(&self) -> bool {
        self.messages.iter().any(|it| it.role == Role::System)
    }

    /// How many tokens the request is estimated to have.
    pub(super) fn tokens(&self) -> u64 {
        let tools = self.tools.iter().map(|tool| {
            let description = tool.description.as_deref().map_or(0, str::len);
            let schema = if tool.schema.is_null() {
                0
            } else {
                tool.schema.to_string().len()
            };
            tool.name.len() + description + schema
        });
        let messages = self.messages.iter().map(Message::bytes);
        let system = self
            .system
            .as_deref()
            .filter(|_| !self.has_system_message());
        let bytes = tools.chain(messages).sum::<usize>() + system.map_or(0, str::len);
        tokens(bytes).max(1)
    }

    /// Gives the results of tools the names of the calls that they belong to.
    pub(super) fn name_results(&mut self) {
        let mut names: Vec<(String, String)> = Vec::new();
        for message in &mut self.messages {
            for block in &mut message.blocks {
                match block {
                    MessageBlock::ToolCall { id, name, .. } => {
                        names.push((id.clone(), name.clone()));
                    }
                    MessageBlock::ToolResult { id, name, .. } if name.is_empty() => {
                        let known = names.iter().rev().find(|(known, _)| known == id);
                        name.clone_from(known.map_or(&String::new(), |(_, name)| name));
                    }
                    _ => {}
                }
            }
        }
    }
}

impl Message {
    pub(super) fn new(role: Role, blocks: Vec<MessageBlock>) -> Self {
        Self { role, blocks }
    }

    /// The texts of the message, joined by line breaks.
    #[must_use]
    pub fn text(&self) -> String {
        let texts = self.blocks.iter().filter_map(|block| match block {
            MessageBlock::Text(text) => Some(text.as_str()),
            _ => None,
        });
        texts.collect::<Vec<_>>().join("\n")
    }

    /// How many bytes it has, for the estimate of tokens.
    fn bytes(&self) -> usize {
        let bytes = self.blocks.iter().map(|block| match block {
            MessageBlock::Other(_) => 0,
            MessageBlock::Text(text) | MessageBlock::Thinking(text) => text.len(),
            MessageBlock::ToolCall {
                name, arguments, ..
            } => name.len() + arguments.to_string().len(),
            MessageBlock::ToolResult { content, .. } => content.len(),
        });
        bytes.sum()
    }
}

impl MessageBlock {
    /// Whether it is the result of the call with this id, or of a call of the tool of this name. Where
    /// the request has only the id of the call, the id may tell.
    fn is_result_of(&self, id_or_name: &str) -> bool {
        match self {
            Self::ToolResult { id, name, .. } => {
                let is_told = || name.is_empty() && tells_tool(id, id_or_name);
                id == id_or_name || name == id_or_name || is_told()
            }
            _ => false,
        }
    }
}

impl Role {
    /// As OpenAI calls it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Assistant => "assistant",
            Self::System => "system",
            Self::Tool => "tool",
            Self::User => "user",
        }
    }
}

impl Tool {
    pub(super) fn new(name: String, description: Option<String>, schema: Value) -> Self {
        Self {
            name,
            description,
            schema,
        }
    }

    /// The schema of an argument.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&Value> {
        self.schema.get("properties")?.get(name)
    }

    /// The names of the arguments that must be given.
    pub fn required(&self) -> impl Iterator<Item = &str> {
        let names = self.schema.get("required").and_then(Value::as_array);
        names.into_iter().flatten().filter_map(Value::as_str)
    }
}
