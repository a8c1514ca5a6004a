//! A completion as JSON, and the parts that it shares with the stream.

use crate::providers::answer::Block;
use crate::providers::ids::Ids;
use crate::providers::openai::head;
use crate::providers::usage::Counted;
use crate::providers::wire::Wire;
use crate::providers::{Answer, Conversation, Stop, ToolCall};
use crate::{Exchange, Reply};

/// What of a completion depends on the exchange.
pub(super) struct Head {
    pub(super) request_id: String,
    pub(super) id: String,
    pub(super) created: u64,
    pub(super) model: String,
    pub(super) fingerprint: String,
    /// Of the calls, in their order.
    pub(super) tool_ids: Vec<String>,
    /// What is left of them is for what only streams have.
    pub(super) ids: Ids,
    pub(super) usage: Counted,
}

impl Head {
    pub(super) fn new(exchange: &Exchange, conversation: &Conversation, answer: &Answer) -> Self {
        let mut ids = Ids::new(exchange);
        let request_id = head::request_id(&mut ids);
        let id = ids.alphanumeric("chatcmpl-", 29);
        let fingerprint = ids.hex("fp_", 10);
        let tool_ids = tool_calls(answer).map(|call| {
            let drawn = ids.alphanumeric("call_", 24);
            call.id.clone().unwrap_or(drawn)
        });
        let tool_ids = tool_ids.collect();
        let (said, thought) = answer.bytes();
        let model = answer.model.as_ref().unwrap_or(&conversation.model);
        Self {
            request_id,
            id: answer.id.clone().unwrap_or(id),
            created: exchange.date().as_secs(),
            model: model.clone(),
            fingerprint,
            tool_ids,
            ids,
            usage: answer.usage.of(conversation, said, thought),
        }
    }

    /// The members with which a completion and each of its chunks begins.
    pub(super) fn object(&self, kind: &str) -> Wire {
        Wire::object()
            .put("id", self.id.as_str())
            .put("object", kind)
            .put("created", self.created)
            .put("model", self.model.as_str())
    }

    pub(super) fn usage(&self) -> Wire {
        let usage = &self.usage;
        let prompt = Wire::object()
            .put("cached_tokens", usage.cache_read)
            .put("audio_tokens", 0_u64);
        let completion = Wire::object()
            .put("reasoning_tokens", usage.reasoning)
            .put("audio_tokens", 0_u64)
            .put("accepted_prediction_tokens", 0_u64)
            .put("rejected_prediction_tokens", 0_u64);
        Wire::object()
            .put("prompt_tokens", usage.input)
            .put("completion_tokens", usage.output)
            .put("total_tokens", usage.input + usage.output)
            .put("prompt_tokens_details", prompt)
            .put("completion_tokens_details", completion)
    }
}

pub(super) fn reply(exchange: &Exchange, conversation: &Conversation, answer: &Answer) -> Reply {
    let head = Head::new(exchange, conversation, answer);
    let calls = tool_calls(answer).zip(&head.tool_ids).map(|(call, id)| {
        let function = Wire::object()
            .put("name", call.name.as_str())
            .put("arguments", call.text());
        Wire::object()
            .put("id", id.as_str())
            .put("type", "function")
            .put("function", function)
    });
    let calls: Vec<_> = calls.collect();
    let message = Wire::object()
        .put("role", "assistant")
        .put("content", text(answer))
        .put_some("tool_calls", (!calls.is_empty()).then_some(calls))
        .put("refusal", answer.refused())
        .put("annotations", Vec::new());
    let choice = Wire::object()
        .put("index", 0_u64)
        .put("message", message)
        .put("logprobs", Wire::NULL)
        .put("finish_reason", finish_reason(&answer.reason()));
    let completion = head
        .object("chat.completion")
        .put("choices", vec![choice])
        .put("usage", head.usage())
        .put("service_tier", "default")
        .put("system_fingerprint", head.fingerprint.as_str());
    head::with_head(Reply::json(completion), &head.request_id, Some(answer))
}

/// All that is said, in one text; none where it calls tools or refuses instead.
pub(super) fn text(answer: &Answer) -> Option<String> {
    let texts = answer.content.iter().filter_map(|block| match block {
        Block::Text { text } => Some(text.as_str()),
        _ => None,
    });
    let said = texts.map(str::to_owned).reduce(|all, text| all + &text);
    let says_else = answer.refused().is_some() || tool_calls(answer).next().is_some();
    said.or_else(|| (!says_else).then(String::new))
}

pub(super) fn tool_calls(answer: &Answer) -> impl Iterator<Item = &ToolCall> {
    answer.content.iter().filter_map(|block| match block {
        Block::ToolCall(call) => Some(call),
        _ => None,
    })
}

pub(super) fn finish_reason(stop: &Stop) -> &str {
    match stop {
        Stop::ContentFilter => "content_filter",
        Stop::EndTurn | Stop::PauseTurn | Stop::Refusal | Stop::StopSequence(_) => "stop",
        Stop::MaxTokens => "length",
        Stop::Other(word) => word,
        Stop::ToolUse => "tool_calls",
    }
}
