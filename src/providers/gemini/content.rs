//! A response as JSON, and the parts that it shares with the stream.

use crate::providers::answer::Block;
use crate::providers::draws::Draws;
use crate::providers::pattern::Pattern;
use crate::providers::usage::Counted;
use crate::providers::wire::Wire;
use crate::providers::{Answer, Conversation, Stop, ToolCall};

pub(super) const JSON: &str = "application/json; charset=UTF-8";

/// What each chunk of a response has.
pub(super) struct Head {
    id: Wire,
    model: String,
    usage: Counted,
    /// What stands for the thoughts; none where nothing was thought.
    pub(super) signature: Option<Wire>,
    pub(super) draws: Draws,
}

impl Head {
    pub(super) fn new(conversation: &Conversation, answer: &Answer) -> Self {
        let mut draws = Draws::default();
        let id = draws.alphanumeric("", 23);
        let drawn = draws.base64("", 80);
        let (said, thought) = answer.bytes();
        let model = answer.model.as_ref().unwrap_or(&conversation.model);
        let signature = answer.content.iter().rev().find_map(|block| match block {
            Block::RedactedThinking { data } => Some(data.as_str().into()),
            Block::Thinking { signature, .. } => Some(
                signature
                    .as_deref()
                    .map_or_else(|| drawn.clone(), Wire::from),
            ),
            _ => None,
        });
        Self {
            id: answer.id.as_deref().map_or(id, Wire::from),
            model: model.clone(),
            usage: answer.usage.of(conversation, said, thought),
            signature,
            draws,
        }
    }

    /// How many tokens are said, without those that are thought.
    pub(super) fn said(&self) -> u64 {
        self.usage.output.saturating_sub(self.usage.reasoning)
    }

    /// A response with these candidates, when so many tokens have been said.
    pub(super) fn response(&self, candidates: Vec<Wire>, said: u64) -> Wire {
        let usage = &self.usage;
        let prompt = Wire::object()
            .put("modality", "TEXT")
            .put("tokenCount", usage.input);
        let cached = (usage.cache_read > 0).then_some(usage.cache_read);
        let thoughts = (usage.reasoning > 0).then_some(usage.reasoning);
        let metadata = Wire::object()
            .put("promptTokenCount", usage.input)
            .put("candidatesTokenCount", said)
            .put("totalTokenCount", usage.input + said + usage.reasoning)
            .put_some("cachedContentTokenCount", cached)
            .put("promptTokensDetails", vec![prompt])
            .put_some("thoughtsTokenCount", thoughts);
        Wire::object()
            .put("candidates", candidates)
            .put("usageMetadata", metadata)
            .put("modelVersion", self.model.as_str())
            .put("responseId", &self.id)
    }
}

pub(super) fn pattern(conversation: &Conversation, answer: &Answer) -> Pattern {
    let mut head = Head::new(conversation, answer);
    let mut parts = Vec::new();
    for block in &answer.content {
        match block {
            Block::RedactedThinking { .. } | Block::Refusal { .. } => {}
            Block::Text { text } => parts.push(text_part(text)),
            Block::Thinking { text, .. } if text.is_empty() => {}
            Block::Thinking { text, .. } => parts.push(thought_part(text)),
            Block::ToolCall(call) => parts.push(call_part(call, head.signature.take())),
        }
    }
    // Without a call, the text at the end has the signature.
    if let Some(signature) = head.signature.take() {
        let last = match answer.content.last() {
            Some(Block::Text { .. }) => parts.pop(),
            _ => None,
        };
        let last = last.unwrap_or_else(|| text_part(""));
        parts.push(last.put("thoughtSignature", signature));
    }
    let candidate = candidate(parts, Some(answer));
    let response = head.response(vec![candidate], head.said());
    Pattern::json(head.draws, &response).field("content-type", JSON)
}

/// A candidate; with its answer it is the last.
pub(super) fn candidate(parts: Vec<Wire>, answer: Option<&Answer>) -> Wire {
    let mut candidate = Wire::object();
    if !parts.is_empty() {
        let content = Wire::object().put("parts", parts).put("role", "model");
        candidate = candidate.put("content", content);
    }
    let reason = answer.map(Answer::reason);
    candidate
        .put_some("finishReason", reason.as_ref().map(finish_reason))
        .put("index", 0_u64)
        .put_some("finishMessage", answer.and_then(Answer::refused))
}

pub(super) fn text_part(text: &str) -> Wire {
    Wire::object().put("text", text)
}

pub(super) fn thought_part(text: &str) -> Wire {
    text_part(text).put("thought", true)
}

pub(super) fn call_part(call: &ToolCall, signature: Option<Wire>) -> Wire {
    let function = Wire::object()
        .put_some("id", call.id.as_deref())
        .put("name", call.name.as_str())
        .put("args", call.value());
    Wire::object()
        .put("functionCall", function)
        .put_some("thoughtSignature", signature)
}

fn finish_reason(stop: &Stop) -> &str {
    match stop {
        Stop::ContentFilter | Stop::Refusal => "SAFETY",
        Stop::EndTurn | Stop::PauseTurn | Stop::StopSequence(_) | Stop::ToolUse => "STOP",
        Stop::MaxTokens => "MAX_TOKENS",
        Stop::Other(word) => word,
    }
}
