//! What the model says, as the items of a response.

use crate::providers::answer::Block;
use crate::providers::draws::Draws;
use crate::providers::openai::tools;
use crate::providers::read::list;
use crate::providers::telling::{CALL, telling_id};
use crate::providers::wire::Wire;
use crate::providers::{Answer, Conversation, ToolCall};

/// An item of a response, with its id.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) id: Wire,
    pub(super) kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    /// A call of a tool that takes a text.
    Custom(Call),
    Function(Call),
    Message(Vec<Part>),
    Reasoning {
        summary: Option<String>,
        encrypted: Option<Wire>,
    },
}

#[derive(Debug)]
pub(super) struct Call {
    pub(super) call_id: Wire,
    pub(super) name: String,
    /// The JSON of the arguments, or the text.
    pub(super) input: String,
}

/// A part of a message.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) text: String,
    pub(super) is_refusal: bool,
}

/// How far an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Completed,
    Incomplete,
    InProgress,
}

impl Status {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Incomplete => "incomplete",
            Self::InProgress => "in_progress",
        }
    }
}

/// The items of an answer. Texts in a row are one message.
pub(super) fn items(draws: &mut Draws, conversation: &Conversation, answer: &Answer) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    for block in &answer.content {
        let kind = match block {
            Block::RedactedThinking { data } => Kind::Reasoning {
                summary: None,
                encrypted: Some(data.as_str().into()),
            },
            Block::Refusal { text } | Block::Text { text } => {
                let part = Part {
                    text: text.clone(),
                    is_refusal: matches!(block, Block::Refusal { .. }),
                };
                let open = items.last_mut().map(|item| &mut item.kind);
                if let Some(Kind::Message(parts)) = open {
                    parts.push(part);
                    continue;
                }
                Kind::Message(vec![part])
            }
            Block::Thinking { text, signature } => {
                let drawn = is_wanted(conversation, "reasoning.encrypted_content");
                let drawn = drawn.then(|| draws.base64("gAAAAA", 90));
                Kind::Reasoning {
                    summary: Some(text.clone()),
                    encrypted: signature.as_deref().map(Wire::from).or(drawn),
                }
            }
            Block::ToolCall(call) => tool_call(draws, conversation, call),
        };
        let id = draws.hex(kind.prefix(), 50);
        items.push(Item { id, kind });
    }
    items
}

/// Whether the request asks for this to be included.
fn is_wanted(conversation: &Conversation, what: &str) -> bool {
    list(&conversation.json, "include")
        .iter()
        .any(|it| it == what)
}

fn tool_call(draws: &mut Draws, conversation: &Conversation, call: &ToolCall) -> Kind {
    let made = |call_id, input| Call {
        call_id,
        name: call.name.clone(),
        input,
    };
    let id = telling_id(draws, &CALL, call);
    if tools::is_custom(conversation, &call.name) {
        Kind::Custom(made(id, tools::input(call)))
    } else {
        Kind::Function(made(id, call.text()))
    }
}

impl Kind {
    fn prefix(&self) -> &'static str {
        match self {
            Self::Custom(_) => "ctc_",
            Self::Function(_) => "fc_",
            Self::Message(_) => "msg_",
            Self::Reasoning { .. } => "rs_",
        }
    }
}

impl Part {
    /// With its text, or before it.
    pub(super) fn wire(&self, text: &str) -> Wire {
        if self.is_refusal {
            return Wire::object().put("type", "refusal").put("refusal", text);
        }
        Wire::object()
            .put("type", "output_text")
            .put("annotations", Vec::new())
            .put("logprobs", Vec::new())
            .put("text", text)
    }
}

impl Call {
    fn wire(&self, item: Wire, name: &'static str, status: Status) -> Wire {
        let input = match status {
            Status::InProgress => "",
            _ => self.input.as_str(),
        };
        item.put("status", status.as_str())
            .put(name, input)
            .put("call_id", &self.call_id)
            .put("name", self.name.as_str())
    }
}

impl Item {
    /// In progress it has no content yet.
    pub(super) fn wire(&self, status: Status) -> Wire {
        let item = Wire::object().put("id", &self.id);
        let is_begun = status == Status::InProgress;
        match &self.kind {
            Kind::Custom(call) => call.wire(item.put("type", "custom_tool_call"), "input", status),
            Kind::Function(call) => {
                call.wire(item.put("type", "function_call"), "arguments", status)
            }
            Kind::Message(parts) => {
                let parts = parts.iter().filter(|_| !is_begun);
                let content = parts.map(|part| part.wire(&part.text)).collect::<Vec<_>>();
                item.put("type", "message")
                    .put("status", status.as_str())
                    .put("content", content)
                    .put("role", "assistant")
            }
            Kind::Reasoning { summary, encrypted } => {
                let summary = summary.iter().filter(|_| !is_begun);
                let summary = summary.map(|text| summary_text(text)).collect::<Vec<_>>();
                item.put("type", "reasoning")
                    .put_some("encrypted_content", encrypted.as_ref())
                    .put("summary", summary)
            }
        }
    }
}

pub(super) fn summary_text(text: &str) -> Wire {
    Wire::object().put("type", "summary_text").put("text", text)
}
