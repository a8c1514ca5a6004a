//! A completion as a stream of chunks.

use serde_json::Value;

use super::completion::{Head, finish_reason, text, tool_calls};
use crate::providers::openai::{errors, head};
use crate::providers::pattern::{self, Pattern};
use crate::providers::text::Text;
use crate::providers::wire::Wire;
use crate::providers::{Answer, Conversation, Split};

pub(super) fn pattern(conversation: &Conversation, answer: &Answer) -> Pattern {
    let option = |name: &str| {
        conversation
            .json
            .pointer(&format!("/stream_options/{name}"))
    };
    let mut stream = Stream {
        head: Head::new(conversation, answer),
        split: &answer.split,
        with_usage: option("include_usage") == Some(&Value::Bool(true)),
        obfuscated: option("include_obfuscation") != Some(&Value::Bool(false)),
        events: Vec::new(),
    };
    stream.play(answer);
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
    head: Head,
    split: &'a Split,
    with_usage: bool,
    obfuscated: bool,
    events: Vec<Text>,
}

impl Stream<'_> {
    fn play(&mut self, answer: &Answer) {
        if !answer.content.is_empty() || answer.error.is_none() {
            self.say(answer);
        }
        if let Some(error) = &answer.error {
            self.events.push(event(errors::body(error).text()));
            return;
        }
        let reason = answer.reason();
        self.choice(Wire::object(), Some(finish_reason(&reason)));
        if self.with_usage {
            let usage = self.head.usage();
            self.chunk(Vec::new(), Some(usage));
        }
    }

    fn say(&mut self, answer: &Answer) {
        let text = text(answer);
        let role = Wire::object()
            .put("role", "assistant")
            .put("content", text.as_ref().map(|_| ""))
            .put("refusal", Wire::NULL);
        self.choice(role, None);
        for piece in self.split.pieces(text.as_deref().unwrap_or_default()) {
            self.choice(Wire::object().put("content", piece), None);
        }
        for piece in self.split.pieces(answer.refused().unwrap_or_default()) {
            self.choice(Wire::object().put("refusal", piece), None);
        }
        self.call_tools(answer);
    }

    fn call_tools(&mut self, answer: &Answer) {
        let texts: Vec<_> = tool_calls(answer).map(|call| call.text()).collect();
        let pieces = texts.iter().map(|text| self.split.pieces(text));
        let mut pieces: Vec<_> = pieces.map(Iterator::peekable).collect();
        for (index, call) in tool_calls(answer).enumerate() {
            let function = Wire::object()
                .put("name", call.name.as_str())
                .put("arguments", "");
            let first = Wire::object()
                .put("index", index)
                .put("id", &self.head.tool_ids[index])
                .put("type", "function")
                .put("function", function);
            self.tool_delta(first);
            if !answer.interleaved {
                for piece in pieces[index].by_ref() {
                    self.arguments(index, piece);
                }
            }
        }
        // One piece of each, in turns, until none has any.
        while pieces.iter_mut().any(|pieces| pieces.peek().is_some()) {
            for (index, pieces) in pieces.iter_mut().enumerate() {
                if let Some(piece) = pieces.next() {
                    self.arguments(index, piece);
                }
            }
        }
    }

    fn arguments(&mut self, index: usize, piece: &str) {
        let function = Wire::object().put("arguments", piece);
        self.tool_delta(Wire::object().put("index", index).put("function", function));
    }

    fn tool_delta(&mut self, call: Wire) {
        self.choice(Wire::object().put("tool_calls", vec![call]), None);
    }

    fn choice(&mut self, delta: Wire, finish_reason: Option<&str>) {
        let choice = Wire::object()
            .put("index", 0_u64)
            .put("delta", delta)
            .put("logprobs", Wire::NULL)
            .put("finish_reason", finish_reason);
        self.chunk(vec![choice], None);
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
