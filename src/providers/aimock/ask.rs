//! What a fixture asks of a request, as aimock asks it.

use std::sync::Arc;

use serde_json::Value;

use super::super::anthropic::Messages;
use super::super::gemini::GenerateContent;
use super::super::openai::{ChatCompletions, Responses};
use super::super::{Conversation, Message, MessageBlock, ModelApi, Role};
use crate::{Matcher, Mode, Reading, Request, reading};

/// Whose request it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Api {
    Anthropic,
    Chat,
    Responses,
    Gemini,
}

impl Api {
    /// Of a request that is one of the four's.
    pub(crate) fn of(request: &Request) -> Self {
        match request.path() {
            path if path.ends_with("/messages") => Self::Anthropic,
            path if path.ends_with("/completions") => Self::Chat,
            path if path.ends_with("/responses") => Self::Responses,
            _ => Self::Gemini,
        }
    }
}

fn conversation(request: &Request) -> Option<Arc<Conversation>> {
    let conversation = match Api::of(request) {
        Api::Anthropic => Messages::conversation(request),
        Api::Chat => ChatCompletions::conversation(request),
        Api::Responses => Responses::conversation(request),
        Api::Gemini => GenerateContent::conversation(request),
    };
    conversation.ok()
}

/// One condition.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Ask {
    HasToolResult(bool),
    Model(String),
    ResponseFormat(String),
    SystemMessage(String),
    ToolCallId(String),
    ToolName(String),
    ToolResultContains(String),
    TurnIndex(u64),
    UserMessage(String),
}

impl Ask {
    pub(super) fn matcher<M: Mode>(&self) -> Matcher<M> {
        match self {
            Self::HasToolResult(has) => {
                of("tool result since the user spoke", has_tool_result).equals(*has)
            }
            Self::Model(model) => {
                let wanted = model.clone();
                of("model", move |it| Some(base(&it.model, &wanted).into())).equals(model.as_str())
            }
            Self::ResponseFormat(format) => {
                of("response format", response_format).equals(format.as_str())
            }
            Self::SystemMessage(part) => of("system", |it| {
                let text = it.system.as_deref()?;
                (!text.is_empty()).then(|| text.into())
            })
            .contains(part),
            Self::ToolCallId(id) => of("id of the last tool result", |it| {
                Some(last_result(it)?.0.into())
            })
            .equals(id.as_str()),
            Self::ToolName(name) => {
                let wanted = name.clone();
                let offered = of(&format!("tool {name}"), move |it| {
                    Some(it.tool(&wanted)?.name.as_str().into())
                });
                offered.exists()
            }
            Self::ToolResultContains(part) => {
                of("last tool result", |it| Some(last_result(it)?.1.into())).contains(part)
            }
            Self::TurnIndex(turn) => of("messages of the model", |it| {
                let said = it.messages.iter().filter(|it| it.role == Role::Assistant);
                Some(said.count().into())
            })
            .equals(*turn),
            Self::UserMessage(part) => of("last text of the user", last_user_text).contains(part),
        }
    }
}

fn of(
    what: &str,
    read: impl Fn(&Conversation) -> Option<Value> + Send + Sync + 'static,
) -> Reading {
    reading(what, move |request| read(&*conversation(request)?))
}

/// The last message of the user that has a text.
fn last_user_text(conversation: &Conversation) -> Option<Value> {
    let of_user = |role: Role| role == Role::User;
    let messages = conversation.messages.iter().rev();
    let mut messages = messages.filter(|message| of_user(message.role));
    let has_text = |it: &&Message| it.blocks.iter().any(is_text);
    Some(messages.find(has_text)?.text().into())
}

fn is_text(block: &MessageBlock) -> bool {
    matches!(block, MessageBlock::Text(_))
}

/// The id and the text of a tool's result, when that is the last thing in the request.
fn last_result(conversation: &Conversation) -> Option<(&str, &str)> {
    match conversation.messages.last()?.blocks.last()? {
        MessageBlock::ToolResult { id, content, .. } => Some((id, content)),
        _ => None,
    }
}

/// Whether a tool has given something since the user spoke. Some providers have results in messages of
/// the user.
fn has_tool_result(conversation: &Conversation) -> Option<Value> {
    let blocks = conversation.messages.iter().flat_map(|message| {
        let blocks = message.blocks.iter();
        blocks.map(|block| (message.role, block))
    });
    let has = blocks.fold(false, |has, (role, block)| match block {
        MessageBlock::ToolResult { .. } => true,
        _ => has && role != Role::User,
    });
    Some(has.into())
}

fn response_format(conversation: &Conversation) -> Option<Value> {
    let json = &conversation.json;
    let chat = json.pointer("/response_format/type");
    chat.or_else(|| json.pointer("/text/format/type")).cloned()
}

/// The model that is asked; of a dated one of this model, this one.
fn base<'a>(asked: &'a str, wanted: &'a str) -> &'a str {
    let rest = asked
        .strip_prefix(wanted)
        .and_then(|it| it.strip_prefix('-'));
    match rest {
        Some(rest) if rest.starts_with(|it: char| it.is_ascii_digit()) => wanted,
        _ => asked,
    }
}
