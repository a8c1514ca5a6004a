//! A response as a stream of events.

use serde_json::Value;

use super::items::{Call, Item, Kind, Part, Status, summary_text};
use super::response::{Head, Stage};
use crate::providers::openai::{errors, head};
use crate::providers::pattern::{self, Pattern};
use crate::providers::text::Text;
use crate::providers::wire::Wire;
use crate::providers::{Answer, ApiError, Conversation, Split};

pub(super) fn pattern(conversation: &Conversation, answer: &Answer) -> Pattern {
    let obfuscated = conversation
        .json
        .pointer("/stream_options/include_obfuscation");
    let mut head = Head::new(conversation, answer);
    let items = std::mem::take(&mut head.items);
    let mut stream = Stream {
        head,
        split: &answer.split,
        obfuscated: obfuscated != Some(&Value::Bool(false)),
        events: Vec::new(),
    };
    let created = stream.head.response(Stage::InProgress);
    stream.send(
        "response.created",
        Wire::object().put("response", created.clone()),
    );
    stream.send(
        "response.in_progress",
        Wire::object().put("response", created),
    );
    let end = Stage::end_of(answer);
    let count = items.len();
    for (index, item) in items.iter().enumerate() {
        stream.item(index, item, end.of_item(index, count));
    }
    stream.head.items = items;
    if let Some(error) = &answer.error {
        stream.send("error", Wire::object().put("error", error_of(error)));
    }
    let end = match &answer.error {
        Some(error) => Stage::Failed(failure(error)),
        None => end,
    };
    let name = format!("response.{}", end.as_str());
    let response = stream.head.response(end);
    stream.send(&name, Wire::object().put("response", response));
    let last = stream.events.pop();
    let pattern = Pattern::stream(stream.head.draws, &answer.script, stream.events, last);
    let pattern = head::with_stream_head(pattern);
    head::with_head(pattern, &stream.head.request_id, Some(answer))
}

/// The error as its event has it.
fn error_of(error: &ApiError) -> Wire {
    Wire::object()
        .put("type", errors::kind(error))
        .put("code", errors::code(error))
        .put("message", errors::message(error))
        .put("param", error.param.as_deref())
}

/// The error as the response that has failed has it.
fn failure(error: &ApiError) -> Wire {
    let code = errors::code(error).unwrap_or_else(|| errors::kind(error));
    Wire::object()
        .put("code", code)
        .put("message", errors::message(error))
}

/// The events so far.
struct Stream<'a> {
    head: Head<'a>,
    split: &'a Split,
    obfuscated: bool,
    events: Vec<Text>,
}

impl Stream<'_> {
    fn item(&mut self, index: usize, item: &Item, end: Status) {
        let added = Wire::object()
            .put("output_index", index)
            .put("item", item.wire(Status::InProgress));
        self.send("response.output_item.added", added);
        let place = Wire::object()
            .put("item_id", &item.id)
            .put("output_index", index);
        match &item.kind {
            Kind::Custom(call) => {
                self.call("response.custom_tool_call_input", "input", &place, call);
            }
            Kind::Function(call) => {
                self.call(
                    "response.function_call_arguments",
                    "arguments",
                    &place,
                    call,
                );
            }
            Kind::Message(parts) => {
                for (index, part) in parts.iter().enumerate() {
                    self.part(&place.clone().put("content_index", index), part);
                }
            }
            Kind::Reasoning { summary, .. } => {
                if let Some(summary) = summary {
                    self.summary(&place.put("summary_index", 0_u64), summary);
                }
            }
        }
        let done = Wire::object()
            .put("output_index", index)
            .put("item", item.wire(end));
        self.send("response.output_item.done", done);
    }

    fn call(&mut self, event: &str, name: &'static str, place: &Wire, call: &Call) {
        self.deltas(event, place, &call.input, false);
        let done = place.clone().put(name, call.input.as_str());
        self.send(&format!("{event}.done"), done);
    }

    fn part(&mut self, place: &Wire, part: &Part) {
        let added = place.clone().put("part", part.wire(""));
        self.send("response.content_part.added", added);
        let (event, name) = if part.is_refusal {
            ("response.refusal", "refusal")
        } else {
            ("response.output_text", "text")
        };
        self.deltas(event, place, &part.text, !part.is_refusal);
        let done = place.clone().put(name, part.text.as_str());
        let logprobs = (!part.is_refusal).then(Vec::<Wire>::new);
        self.send(
            &format!("{event}.done"),
            done.put_some("logprobs", logprobs),
        );
        let done = place.clone().put("part", part.wire(&part.text));
        self.send("response.content_part.done", done);
    }

    fn summary(&mut self, place: &Wire, text: &str) {
        let added = place.clone().put("part", summary_text(""));
        self.send("response.reasoning_summary_part.added", added);
        self.deltas("response.reasoning_summary_text", place, text, false);
        let done = place.clone().put("text", text);
        self.send("response.reasoning_summary_text.done", done);
        let done = place.clone().put("part", summary_text(text));
        self.send("response.reasoning_summary_part.done", done);
    }

    fn deltas(&mut self, event: &str, place: &Wire, text: &str, with_logprobs: bool) {
        let name = format!("{event}.delta");
        for piece in self.split.pieces(text) {
            let mut delta = place.clone().put("delta", piece);
            if with_logprobs {
                delta = delta.put("logprobs", Vec::new());
            }
            if self.obfuscated {
                let padding = head::padding(&mut self.head.draws, piece.chars().count());
                delta = delta.put("obfuscation", padding);
            }
            self.send(&name, delta);
        }
    }

    /// An event of this name, which its data repeats as `type`, and its number.
    fn send(&mut self, name: &str, fields: Wire) {
        let data = Wire::object()
            .put("type", name)
            .put("sequence_number", self.events.len());
        let data = data.put_all(fields);
        self.events
            .push(pattern::event(Some(name), data.text(), "\n"));
    }
}
