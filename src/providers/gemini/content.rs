//! A response as JSON, and the parts that it shares with the stream.

use crate::providers::answer::Block;
use crate::providers::draws::Draws;
use crate::providers::pattern::Pattern;
use crate::providers::usage::Counted;
use crate::providers::wire::Wire;
use crate::providers::{Answer, Conversation, Stop, ToolCall};

pub(super) const JSON: &str = "application/json; charset=UTF-8";

/// What each chunk of a response has.
pub(super) struct Head<'a> {
    id: Wire,
    model: String,
    usage: Counted,
    pub(super) choices: Vec<Choice<'a>>,
    pub(super) draws: Draws,
}

/// One of the answers.
pub(super) struct Choice<'a> {
    pub(super) index: usize,
    pub(super) answer: &'a Answer,
    /// What stands for the thoughts; none where nothing was thought.
    pub(super) signature: Option<Wire>,
}

impl<'a> Head<'a> {
    pub(super) fn new(conversation: &Conversation, answer: &'a Answer) -> Self {
        let mut draws = Draws::default();
        let id = draws.alphanumeric("", 23);
        let choices = answer.choices(conversation).enumerate();
        let choices = choices.map(|(index, answer)| Choice {
            index,
            answer,
            signature: signature(answer, draws.base64("", 80)),
        });
        let choices = choices.collect();
        Self {
            id: answer.id.as_deref().map_or(id, Wire::from),
            model: answer.model_of(conversation),
            usage: answer.counted(conversation),
            choices,
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

/// The signature of what was thought last; if it is not given, this one.
fn signature(answer: &Answer, drawn: Wire) -> Option<Wire> {
    answer.content.iter().rev().find_map(|block| match block {
        Block::RedactedThinking { data } => Some(data.as_str().into()),
        Block::Thinking { signature, .. } => Some(
            signature
                .as_deref()
                .map_or_else(|| drawn.clone(), Wire::from),
        ),
        _ => None,
    })
}

pub(super) fn pattern(conversation: &Conversation, answer: &Answer) -> Pattern {
    let mut head = Head::new(conversation, answer);
    let choices = std::mem::take(&mut head.choices).into_iter();
    let candidates = choices.map(|mut choice| {
        let parts = choice.parts();
        choice.candidate(parts, true)
    });
    let response = head.response(candidates.collect(), head.said());
    Pattern::json(head.draws, &response).field("content-type", JSON)
}

impl Choice<'_> {
    fn parts(&mut self) -> Vec<Wire> {
        let mut parts = Vec::new();
        for block in &self.answer.content {
            match block {
                Block::RedactedThinking { .. } | Block::Refusal { .. } => {}
                Block::Text { text } => parts.push(text_part(text)),
                Block::Thinking { text, .. } if text.is_empty() => {}
                Block::Thinking { text, .. } => parts.push(thought_part(text)),
                Block::ToolCall(call) => parts.push(call_part(call, self.signature.take())),
            }
        }
        // Without a call, the text at the end has the signature.
        if let Some(signature) = self.signature.take() {
            let last = match self.answer.content.last() {
                Some(Block::Text { .. }) => parts.pop(),
                _ => None,
            };
            let last = last.unwrap_or_else(|| text_part(""));
            parts.push(last.put("thoughtSignature", signature));
        }
        parts
    }

    /// The candidate with these parts; the last of it says why it ends.
    pub(super) fn candidate(&self, parts: Vec<Wire>, is_last: bool) -> Wire {
        let mut candidate = Wire::object();
        if !parts.is_empty() {
            let content = Wire::object().put("parts", parts).put("role", "model");
            candidate = candidate.put("content", content);
        }
        let ended = is_last.then_some(self.answer);
        let reason = ended.map(Answer::reason);
        candidate
            .put_some("finishReason", reason.as_ref().map(finish_reason))
            .put("index", self.index)
            .put_some("finishMessage", ended.and_then(Answer::refused))
    }
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
