//! A completion as a stream of chunks.

use serde_json::Value;

use super::completion::{Choice, Head, finish_reason, text};
use crate::providers::openai::{errors, head};
use crate::providers::pattern::{self, Pattern};
use crate::providers::text::Text;
use crate::providers::wire::Wire;
use crate::providers::{Answer, Conversation};

pub(super) fn pattern(conversation: &Conversation, answer: &Answer) -> Pattern {
    let option = |name: &str| {
        conversation
            .json
            .pointer(&format!("/stream_options/{name}"))
    };
    let mut head = Head::new(conversation, answer);
    let choices = std::mem::take(&mut head.choices);
    let mut stream = Stream {
        head,
        with_usage: option("include_usage") == Some(&Value::Bool(true)),
        obfuscated: option("include_obfuscation") != Some(&Value::Bool(false)),
        events: Vec::new(),
    };
    stream.play(&choices, answer);
    let done = answer.error.is_none().then(|| event(Text::of("[DONE]")));
    let pattern = Pattern::stream(stream.head.draws, &answer.script, stream.events, done);
    let pattern = head::with_stream_head(pattern);
    head::with_head(pattern, &stream.head.request_id, Some(answer))
}

/// An event without a name.
fn event(data: Text) -> Text {
    pattern::event(None, data, "\n")
}

/// The chunks so far.
struct Stream<'a> {
    head: Head<'a>,
    with_usage: bool,
    obfuscated: bool,
    events: Vec<Text>,
}

impl Stream<'_> {
    fn play(&mut self, choices: &[Choice<'_>], answer: &Answer) {
        if !answer.content.is_empty() || answer.error.is_none() {
            let choices = choices.iter().enumerate();
            let choices = choices.map(|(index, choice)| deltas(index, choice, answer));
            for delta in in_turns(choices.collect(), answer.interleaved) {
                self.chunk(vec![delta], None);
            }
        }
        if let Some(error) = &answer.error {
            self.events.push(event(errors::body(error).text()));
        } else if self.with_usage {
            let usage = self.head.usage();
            self.chunk(Vec::new(), Some(usage));
        }
    }

    fn chunk(&mut self, choices: Vec<Wire>, usage: Option<Wire>) {
        let mut chunk = self
            .head
            .object("chat.completion.chunk")
            .put("service_tier", "default")
            .put("system_fingerprint", &self.head.fingerprint)
            .put("choices", choices);
        if self.with_usage {
            chunk = chunk.put("usage", usage);
        }
        if self.obfuscated {
            // With the member that holds it, the length of the whole is one above a multiple.
            let len = chunk.text().characters(&self.head.draws) + r#","obfuscation":"""#.len() - 1;
            chunk = chunk.put("obfuscation", head::padding(&mut self.head.draws, len));
        }
        self.events.push(event(chunk.text()));
    }
}

/// What an answer says, piece by piece; its end only where no error breaks it off.
fn deltas(index: usize, choice: &Choice<'_>, whole: &Answer) -> Vec<Wire> {
    let delta = |delta: Wire, finish_reason: Option<&str>| {
        Wire::object()
            .put("index", index)
            .put("delta", delta)
            .put("logprobs", Wire::NULL)
            .put("finish_reason", finish_reason)
    };
    let (answer, text) = (choice.answer, text(choice.answer));
    let role = Wire::object()
        .put("role", "assistant")
        .put("content", text.as_ref().map(|_| ""))
        .put("refusal", Wire::NULL);
    let mut deltas = vec![delta(role, None)];
    let texts = [("content", text.as_deref()), ("refusal", answer.refused())];
    for (name, text) in texts {
        let pieces = answer.split.pieces(text.unwrap_or_default());
        deltas.extend(pieces.map(|piece| delta(Wire::object().put(name, piece), None)));
    }
    let calls = calls(choice, whole.interleaved).into_iter();
    deltas.extend(calls.map(|call| delta(Wire::object().put("tool_calls", vec![call]), None)));
    if whole.error.is_none() {
        deltas.push(delta(Wire::object(), Some(finish_reason(&answer.reason()))));
    }
    deltas
}

/// Each call by its name, then piece by piece with what; with all names first where they interleave.
fn calls(choice: &Choice<'_>, interleaved: bool) -> Vec<Wire> {
    let split = &choice.answer.split;
    let calls = choice.calls.iter().enumerate();
    let calls = calls.map(|(index, call)| {
        let place = Wire::object().put("index", index);
        let pieces = split.pieces(&call.input);
        let pieces = pieces.map(|piece| call.go_on(place.clone(), piece));
        std::iter::once(call.begin(place.clone(), ""))
            .chain(pieces)
            .collect()
    });
    in_turns(calls.collect(), interleaved)
}

/// One list after the other; or one item of each, in turns, until none has any.
fn in_turns(lists: Vec<Vec<Wire>>, interleaved: bool) -> Vec<Wire> {
    if !interleaved {
        return lists.into_iter().flatten().collect();
    }
    let mut lists: Vec<_> = lists.into_iter().map(Vec::into_iter).collect();
    let mut all = Vec::new();
    loop {
        let before = all.len();
        all.extend(lists.iter_mut().filter_map(Iterator::next));
        if all.len() == before {
            return all;
        }
    }
}
