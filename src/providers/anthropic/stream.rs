//! A message as a stream of events.

use super::errors;
use super::message::{Head, stop_details, stop_reason, stop_sequence};
use crate::providers::answer::Block;
use crate::providers::pattern::{self, Pattern};
use crate::providers::text::Text;
use crate::providers::wire::Wire;
use crate::providers::{Answer, Conversation, Split, ToolCall};

pub(super) fn pattern(conversation: &Conversation, answer: &Answer) -> Pattern {
    let mut stream = Stream {
        head: Head::new(conversation, answer),
        split: &answer.split,
        events: Vec::new(),
        index: 0,
        has_pinged: false,
    };
    stream.play(answer);
    let stop = event("message_stop", Wire::object());
    let stop = answer.error.is_none().then_some(stop);
    Pattern::stream(stream.head.draws, &answer.script, stream.events, stop)
        .field("content-type", "text/event-stream; charset=utf-8")
        .field("cache-control", "no-cache")
        .field_drawn("request-id", &stream.head.request_id)
}

/// The events so far.
struct Stream<'a> {
    head: Head,
    split: &'a Split,
    events: Vec<Text>,
    /// Of the next block.
    index: u64,
    has_pinged: bool,
}

impl Stream<'_> {
    fn play(&mut self, answer: &Answer) {
        if let Some(error) = answer.error.as_ref().filter(|_| answer.content.is_empty()) {
            return self.send("error", errors::body(error, &self.head.request_id));
        }
        self.start();
        for block in &answer.content {
            self.block(block);
        }
        if let Some(error) = &answer.error {
            return self.send("error", errors::body(error, &self.head.request_id));
        }
        self.ping();
        let stop = answer.reason();
        let delta = Wire::object()
            .put("stop_reason", stop_reason(&stop))
            .put("stop_sequence", stop_sequence(&stop))
            .put_some("stop_details", stop_details(answer));
        let usage = self.head.final_usage();
        let fields = Wire::object().put("delta", delta).put("usage", usage);
        self.send("message_delta", fields);
    }

    fn start(&mut self) {
        let usage = self.head.usage(self.head.usage.output.min(1));
        let message = self.head.message(Vec::new(), None, usage);
        self.send("message_start", Wire::object().put("message", message));
    }

    fn block(&mut self, block: &Block) {
        match block {
            // What it says is in the stop reason.
            Block::Refusal { .. } => {}
            Block::RedactedThinking { data } => {
                self.open("redacted_thinking", |it| it.put("data", data.as_str()));
                self.close();
            }
            Block::Text { text } => {
                self.open("text", |it| it.put("text", ""));
                self.deltas("text_delta", "text", text);
                self.close();
            }
            Block::Thinking { text, signature } => {
                let signature = self.head.signature(signature.as_deref());
                self.open("thinking", |it| it.put("thinking", "").put("signature", ""));
                self.deltas("thinking_delta", "thinking", text);
                self.delta("signature_delta", "signature", signature);
                self.close();
            }
            Block::ToolCall(call) => self.tool(call),
        }
    }

    fn tool(&mut self, call: &ToolCall) {
        let id = self.head.tool_id(call);
        self.open("tool_use", |it| {
            it.put("id", id)
                .put("name", call.name.as_str())
                .put("input", Wire::object())
        });
        self.delta("input_json_delta", "partial_json", "");
        let arguments = call.text();
        if arguments != "{}" {
            self.deltas("input_json_delta", "partial_json", &arguments);
        }
        self.close();
    }

    fn open(&mut self, kind: &str, fields: impl FnOnce(Wire) -> Wire) {
        let block = fields(Wire::object().put("type", kind));
        let event = Wire::object()
            .put("index", self.index)
            .put("content_block", block);
        self.send("content_block_start", event);
        self.ping();
    }

    /// Once, as early as recordings have it.
    fn ping(&mut self) {
        if !std::mem::replace(&mut self.has_pinged, true) {
            self.send("ping", Wire::object());
        }
    }

    fn deltas(&mut self, kind: &str, name: &'static str, text: &str) {
        for piece in self.split.pieces(text) {
            self.delta(kind, name, piece);
        }
    }

    fn delta(&mut self, kind: &str, name: &'static str, piece: impl Into<Wire>) {
        let delta = Wire::object().put("type", kind).put(name, piece);
        let event = Wire::object().put("index", self.index).put("delta", delta);
        self.send("content_block_delta", event);
    }

    fn close(&mut self) {
        let event = Wire::object().put("index", self.index);
        self.send("content_block_stop", event);
        self.index += 1;
    }

    fn send(&mut self, name: &str, fields: Wire) {
        self.events.push(event(name, fields));
    }
}

/// An event of this name, which its data repeats as `type`.
fn event(name: &str, fields: Wire) -> Text {
    let data = Wire::object().put("type", name).put_all(fields);
    pattern::event(Some(name), data.text(), "\n")
}
