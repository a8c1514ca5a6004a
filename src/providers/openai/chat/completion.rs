//! A completion as JSON, and the parts that it shares with the stream.

use crate::providers::answer::Block;
use crate::providers::draws::Draws;
use crate::providers::openai::{head, tools};
use crate::providers::pattern::Pattern;
use crate::providers::usage::Counted;
use crate::providers::wire::Wire;
use crate::providers::{Answer, Conversation, Stop, ToolCall};

/// What a completion and each of its chunks begins with.
pub(super) struct Head<'a> {
    pub(super) request_id: Wire,
    id: Wire,
    model: String,
    pub(super) fingerprint: Wire,
    pub(super) choices: Vec<Choice<'a>>,
    /// What only streams have is drawn after all this.
    pub(super) draws: Draws,
    pub(super) usage: Counted,
}

/// One of the answers.
pub(super) struct Choice<'a> {
    pub(super) answer: &'a Answer,
    pub(super) calls: Vec<Call<'a>>,
}

/// A call of a tool, of a kind that has a member of that name.
pub(super) struct Call<'a> {
    kind: &'static str,
    id: Wire,
    name: &'a str,
    /// Under this name is what it is called with.
    of_input: &'static str,
    pub(super) input: String,
}

impl<'a> Head<'a> {
    pub(super) fn new(conversation: &Conversation, answer: &'a Answer) -> Self {
        let mut draws = Draws::default();
        let request_id = head::request_id(&mut draws);
        let id = draws.alphanumeric("chatcmpl-", 29);
        let fingerprint = draws.hex("fp_", 10);
        let choices = answer.choices(conversation).map(|answer| {
            let calls = tool_calls(answer);
            let calls = calls.map(|call| Call::new(&mut draws, conversation, call));
            let calls = calls.collect();
            Choice { answer, calls }
        });
        let choices = choices.collect();
        Self {
            request_id,
            id: answer.id.as_deref().map_or(id, Wire::from),
            model: answer.model_of(conversation),
            fingerprint,
            choices,
            draws,
            usage: answer.counted(conversation),
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

impl<'a> Call<'a> {
    fn new(draws: &mut Draws, conversation: &Conversation, call: &'a ToolCall) -> Self {
        let drawn = draws.alphanumeric("call_", 24);
        let is_custom = tools::is_custom(conversation, &call.name);
        let (kind, of_input, input) = if is_custom {
            ("custom", "input", tools::input(call))
        } else {
            ("function", "arguments", call.text())
        };
        Self {
            kind,
            id: call.id.as_deref().map_or(drawn, Wire::from),
            name: &call.name,
            of_input,
            input,
        }
    }

    /// Its members, with as much of the input.
    pub(super) fn begin(&self, call: Wire, input: &str) -> Wire {
        let inside = Wire::object()
            .put("name", self.name)
            .put(self.of_input, input);
        call.put("id", &self.id)
            .put("type", self.kind)
            .put(self.kind, inside)
    }

    /// A piece of the input.
    pub(super) fn go_on(&self, call: Wire, piece: &str) -> Wire {
        call.put(self.kind, Wire::object().put(self.of_input, piece))
    }
}

impl Choice<'_> {
    fn wire(&self, index: usize) -> Wire {
        let calls = self.calls.iter();
        let calls: Vec<_> = calls
            .map(|call| call.begin(Wire::object(), &call.input))
            .collect();
        let message = Wire::object()
            .put("role", "assistant")
            .put("content", text(self.answer))
            .put_some("tool_calls", (!calls.is_empty()).then_some(calls))
            .put("refusal", self.answer.refused())
            .put("annotations", Vec::new());
        Wire::object()
            .put("index", index)
            .put("message", message)
            .put("logprobs", Wire::NULL)
            .put("finish_reason", finish_reason(&self.answer.reason()))
    }
}

pub(super) fn pattern(conversation: &Conversation, answer: &Answer) -> Pattern {
    let head = Head::new(conversation, answer);
    let choices = head.choices.iter().enumerate();
    let choices: Vec<_> = choices.map(|(index, it)| it.wire(index)).collect();
    let completion = head
        .object("chat.completion")
        .put("choices", choices)
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

fn tool_calls(answer: &Answer) -> impl Iterator<Item = &ToolCall> {
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
