//! A response as JSON, and the parts that it shares with the stream.

use serde_json::{Value, json};

use super::items::{Item, Status, items};
use crate::providers::draws::Draws;
use crate::providers::openai::head;
use crate::providers::pattern::Pattern;
use crate::providers::telling::{Ids, TURN, told_turn};
use crate::providers::usage::Counted;
use crate::providers::wire::Wire;
use crate::providers::{Answer, Conversation, Stop};

/// The ids of responses.
pub(super) const ID: Ids = Ids {
    prefix: "resp_",
    len: 50,
};

/// What a response is made of, however it stands.
pub(super) struct Head<'a> {
    pub(super) request_id: Wire,
    id: Wire,
    model: String,
    /// What the request says, which a response repeats.
    asked: &'a Value,
    pub(super) items: Vec<Item>,
    /// What only streams have is drawn after all this.
    pub(super) draws: Draws,
    usage: Counted,
}

/// How a response stands.
pub(super) enum Stage {
    Completed,
    /// With its error.
    Failed(Wire),
    /// With its reason.
    Incomplete(&'static str),
    InProgress,
}

impl Stage {
    /// How an answer that is not an error ends.
    pub(super) fn end_of(answer: &Answer) -> Self {
        match answer.reason() {
            Stop::ContentFilter => Self::Incomplete("content_filter"),
            Stop::MaxTokens => Self::Incomplete("max_output_tokens"),
            _ => Self::Completed,
        }
    }

    pub(super) fn as_str(&self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed(_) => "failed",
            Self::Incomplete(_) => "incomplete",
            Self::InProgress => "in_progress",
        }
    }

    /// How far the item with this number is, of so many.
    pub(super) fn of_item(&self, number: usize, count: usize) -> Status {
        match self {
            Self::Incomplete(_) if number + 1 == count => Status::Incomplete,
            _ => Status::Completed,
        }
    }
}

impl<'a> Head<'a> {
    pub(super) fn new(conversation: &'a Conversation, answer: &Answer) -> Self {
        let mut draws = Draws::default();
        let request_id = head::request_id(&mut draws);
        let id = draws.hex_with(ID.prefix, ID.len - TURN, told_turn(conversation));
        Self {
            request_id,
            id: answer.id.as_deref().map_or(id, Wire::from),
            model: answer.model_of(conversation),
            asked: &conversation.json,
            items: items(&mut draws, conversation, answer),
            draws,
            usage: answer.counted(conversation),
        }
    }

    pub(super) fn response(&self, stage: Stage) -> Wire {
        let asked =
            |name: &str, otherwise: Value| self.asked.get(name).cloned().unwrap_or(otherwise);
        let or_null = |name: &str| asked(name, Value::Null);
        let is_done = matches!(stage, Stage::Completed | Stage::Incomplete(_));
        let count = self.items.len();
        let items = self.items.iter().enumerate().filter(|_| is_done);
        let output = items.map(|(number, item)| item.wire(stage.of_item(number, count)));
        let (error, reason) = match &stage {
            Stage::Failed(error) => (Some(error.clone()), None),
            Stage::Incomplete(reason) => (None, Some(*reason)),
            Stage::Completed | Stage::InProgress => (None, None),
        };
        Wire::object()
            .put("id", &self.id)
            .put("object", "response")
            .put("created_at", Wire::Date)
            .put("status", stage.as_str())
            .put("background", asked("background", false.into()))
            .put("error", error)
            .put(
                "incomplete_details",
                reason.map(|it| Wire::object().put("reason", it)),
            )
            .put("instructions", or_null("instructions"))
            .put("max_output_tokens", or_null("max_output_tokens"))
            .put("max_tool_calls", or_null("max_tool_calls"))
            .put("model", self.model.as_str())
            .put("output", output.collect::<Vec<_>>())
            .put(
                "parallel_tool_calls",
                asked("parallel_tool_calls", true.into()),
            )
            .put("previous_response_id", or_null("previous_response_id"))
            .put("prompt_cache_key", or_null("prompt_cache_key"))
            .put("prompt_cache_retention", or_null("prompt_cache_retention"))
            .put("reasoning", self.reasoning())
            .put("safety_identifier", or_null("safety_identifier"))
            .put("service_tier", if is_done { "default" } else { "auto" })
            .put("store", asked("store", true.into()))
            .put("temperature", asked("temperature", json!(1.0)))
            .put("text", self.text())
            .put("tool_choice", asked("tool_choice", "auto".into()))
            .put("tools", asked("tools", json!([])))
            .put("top_logprobs", asked("top_logprobs", 0.into()))
            .put("top_p", asked("top_p", json!(1.0)))
            .put("truncation", asked("truncation", "disabled".into()))
            .put("usage", is_done.then(|| self.usage()))
            .put("user", or_null("user"))
            .put("metadata", asked("metadata", json!({})))
    }

    fn reasoning(&self) -> Wire {
        let of = |name: &str| self.asked.pointer(&format!("/reasoning/{name}")).cloned();
        Wire::object()
            .put("effort", of("effort").unwrap_or_default())
            .put("summary", of("summary").unwrap_or_default())
    }

    fn text(&self) -> Wire {
        let of = |name: &str| self.asked.pointer(&format!("/text/{name}")).cloned();
        Wire::object()
            .put(
                "format",
                of("format").unwrap_or_else(|| json!({"type": "text"})),
            )
            .put(
                "verbosity",
                of("verbosity").unwrap_or_else(|| "medium".into()),
            )
    }

    fn usage(&self) -> Wire {
        let usage = &self.usage;
        let input = Wire::object().put("cached_tokens", usage.cache_read);
        let output = Wire::object().put("reasoning_tokens", usage.reasoning);
        Wire::object()
            .put("input_tokens", usage.input)
            .put("input_tokens_details", input)
            .put("output_tokens", usage.output)
            .put("output_tokens_details", output)
            .put("total_tokens", usage.input + usage.output)
    }
}

pub(super) fn pattern(conversation: &Conversation, answer: &Answer) -> Pattern {
    let head = Head::new(conversation, answer);
    let response = head.response(Stage::end_of(answer));
    let pattern = Pattern::json(head.draws, &response);
    head::with_head(pattern, &head.request_id, Some(answer))
}
