//! A message as JSON, and the parts that it shares with the stream.

use serde_json::Value;

use crate::providers::answer::Block;
use crate::providers::draws::Draws;
use crate::providers::pattern::Pattern;
use crate::providers::telling::{Ids, TOOLU, TURN, telling_id, told_turn};
use crate::providers::usage::Counted;
use crate::providers::wire::Wire;
use crate::providers::{Answer, Conversation, Stop, ToolCall};

/// The ids of messages.
pub(super) const ID: Ids = Ids {
    prefix: "msg_01",
    len: 22,
};

/// What a message begins with.
pub(super) struct Head {
    pub(super) request_id: Wire,
    id: Wire,
    model: String,
    is_in_thread: bool,
    pub(super) draws: Draws,
    pub(super) usage: Counted,
}

impl Head {
    pub(super) fn new(conversation: &Conversation, answer: &Answer) -> Self {
        let mut draws = Draws::default();
        let request_id = request_id(&mut draws);
        let is_in_thread = is_in_thread(conversation);
        let id = if is_in_thread {
            draws.alphanumeric_with(ID.prefix, ID.len - TURN, told_turn(conversation))
        } else {
            draws.alphanumeric(ID.prefix, ID.len)
        };
        Self {
            request_id,
            id: answer.id.as_deref().map_or(id, Wire::from),
            model: answer.model_of(conversation),
            is_in_thread,
            draws,
            usage: answer.counted(conversation),
        }
    }

    /// The message, with what it says so far.
    pub(super) fn message(&self, content: Vec<Wire>, stop: Option<&Stop>, usage: Wire) -> Wire {
        Wire::object()
            .put("model", self.model.as_str())
            .put("id", &self.id)
            .put("type", "message")
            .put("role", "assistant")
            .put("content", content)
            .put("stop_reason", stop.map(stop_reason))
            .put("stop_sequence", stop.and_then(stop_sequence))
            .put("usage", usage)
    }

    /// The usage as a message has it, with so many tokens of output.
    pub(super) fn usage(&self, output: u64) -> Wire {
        let kinds = Wire::object()
            .put("ephemeral_5m_input_tokens", self.usage.cache_creation)
            .put("ephemeral_1h_input_tokens", 0_u64);
        self.cumulative_usage()
            .put("cache_creation", kinds)
            .put("output_tokens", output)
            .put("service_tier", "standard")
            .put("inference_geo", "not_available")
    }

    /// The usage of input, which every count begins with.
    fn cumulative_usage(&self) -> Wire {
        Wire::object()
            .put("input_tokens", self.usage.input)
            .put("cache_creation_input_tokens", self.usage.cache_creation)
            .put("cache_read_input_tokens", self.usage.cache_read)
    }

    /// The usage as the end of a stream has it: all of it.
    pub(super) fn final_usage(&self) -> Wire {
        self.cumulative_usage()
            .put("output_tokens", self.usage.output)
    }

    pub(super) fn signature(&mut self, signature: Option<&str>) -> Wire {
        let drawn = self.draws.base64("", 64);
        signature.map_or(drawn, Wire::from)
    }

    pub(super) fn tool_id(&mut self, call: &ToolCall) -> Wire {
        if self.is_in_thread {
            return telling_id(&mut self.draws, &TOOLU, call);
        }
        let drawn = self.draws.alphanumeric(TOOLU.prefix, TOOLU.len);
        call.id.as_deref().map_or(drawn, Wire::from)
    }
}

/// Whether the provider keeps the history, and is sent what is new.
fn is_in_thread(conversation: &Conversation) -> bool {
    conversation
        .json
        .get("thread")
        .is_some_and(Value::is_object)
}

pub(super) fn request_id(draws: &mut Draws) -> Wire {
    draws.alphanumeric("req_011", 21)
}

pub(super) fn pattern(conversation: &Conversation, answer: &Answer) -> Pattern {
    let mut head = Head::new(conversation, answer);
    let blocks = answer.content.iter();
    let content = blocks.filter_map(|it| block(&mut head, it)).collect();
    let stop = answer.reason();
    let usage = head.usage(head.usage.output);
    let message = head.message(content, Some(&stop), usage);
    let message = message.put_some("stop_details", stop_details(answer));
    Pattern::json(head.draws, &message).field_drawn("request-id", &head.request_id)
}

fn block(head: &mut Head, block: &Block) -> Option<Wire> {
    Some(match block {
        Block::Refusal { .. } => return None,
        Block::RedactedThinking { data } => Wire::object()
            .put("type", "redacted_thinking")
            .put("data", data.as_str()),
        Block::Text { text } => Wire::object()
            .put("type", "text")
            .put("text", text.as_str()),
        Block::Thinking { text, signature } => Wire::object()
            .put("type", "thinking")
            .put("thinking", text.as_str())
            .put("signature", head.signature(signature.as_deref())),
        Block::ToolCall(call) => Wire::object()
            .put("type", "tool_use")
            .put("id", head.tool_id(call))
            .put("name", call.name.as_str())
            .put("input", call.value()),
    })
}

pub(super) fn stop_reason(stop: &Stop) -> &str {
    match stop {
        Stop::ContentFilter | Stop::Refusal => "refusal",
        Stop::EndTurn => "end_turn",
        Stop::MaxTokens => "max_tokens",
        Stop::Other(word) => word,
        Stop::PauseTurn => "pause_turn",
        Stop::StopSequence(_) => "stop_sequence",
        Stop::ToolUse => "tool_use",
    }
}

pub(super) fn stop_sequence(stop: &Stop) -> Option<&str> {
    match stop {
        Stop::StopSequence(text) => Some(text),
        _ => None,
    }
}

/// Why it refuses, where it does.
pub(super) fn stop_details(answer: &Answer) -> Option<Wire> {
    let explanation = answer.refused()?;
    Some(
        Wire::object()
            .put("type", "refusal")
            .put("category", Value::Null)
            .put("explanation", explanation),
    )
}
