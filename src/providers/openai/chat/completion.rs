//! A completion as JSON, and the parts that it shares with the stream.

use crate::providers::answer::Block;
use crate::providers::draws::Draws;
use crate::providers::openai::head;
use crate::providers::pattern::Pattern;
use crate::providers::usage::Counted;
use crate::providers::wire::Wire;
use crate::providers::{Answer, Conversation, Stop, ToolCall};

/// What a completion and each of its chunks begins with.
pub(super) struct Head {
    pub(super) request_id: Wire,
    id: Wire,
    model: String,
    pub(super) fingerprint: Wire,
    /// Of the calls, in their order.
    pub(super) tool_ids: Vec<Wire>,
    /// What only streams have is drawn after all this.
    pub(super) draws: Draws,
    pub(super) usage: Counted,
}

impl Head {
    pub(super) fn new(conversation: &Conversation, answer: &Answer) -> Self {
        let mut draws = Draws::default();
        let request_id = head::request_id(&mut draws);
        let id = draws.alphanumeric("chatcmpl-", 29);
        let fingerprint = draws.hex("fp_", 10);
        let tool_ids = tool_calls(answer).map(|call| {
            let drawn = draws.alphanumeric("call_", 24);
            call.id.as_deref().map_or(drawn, Wire::from)
        });
        let tool_ids = tool_ids.collect();
        let (said, thought) = answer.bytes();
        let model = answer.model.as_ref().unwrap_or(&conversation.model);
        Self {
            request_id,
            id: answer.id.as_deref().map_or(id, Wire::from),
            model: model.clone(),
            fingerprint,
            tool_ids,
            draws,
            usage: answer.usage.of(conversation, said, thought),
        }
    }

    /// The members with which a completion and each of its chunks begins.
    pub(super) fn object(&self, kind: &str) -> Wire {
        Wire::object()
            .put("id", &self.id)
            .put("object", kind)
            .put("created", Wire::Date)
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

pub(super) fn pattern(conversation: &Conversation, answer: &Answer) -> Pattern {
    let head = Head::new(conversation, answer);
    let calls = tool_calls(answer).zip(&head.tool_ids).map(|(call, id)| {
        let function = Wire::object()
            .put("name", call.name.as_str())
            .put("arguments", call.text());
        Wire::object()
            .put("id", id)
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
        .put("system_fingerprint", &head.fingerprint);
    let pattern = Pattern::json(head.draws, &completion);
    head::with_head(pattern, &head.request_id, Some(answer))
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
