//! A response as a stream: of events, or of the elements of an array.

use super::content::{Head, JSON, call_part, candidate, text_part, thought_part};
use super::errors;
use crate::providers::answer::Block;
use crate::providers::pattern::{self, Pattern};
use crate::providers::text::Text;
use crate::providers::usage::tokens;
use crate::providers::wire::Wire;
use crate::providers::{Answer, Conversation};

pub(super) fn pattern(conversation: &Conversation, answer: &Answer) -> Pattern {
    let mut head = Head::new(conversation, answer);
    let mut chunks = chunks(&mut head, answer);
    if let Some(error) = &answer.error {
        chunks.push(errors::body(error));
    }
    let chunks = chunks.iter().map(Wire::text);
    let script = &answer.script;
    if conversation.as_array {
        let elements = chunks.enumerate().map(|(number, chunk)| {
            let before = if number == 0 { "[" } else { ",\r\n" };
            chunk.between(before, "\n")
        });
        let frames = elements.collect();
        return Pattern::stream(head.draws, script, frames, Some(Text::of("]")))
            .field("content-type", JSON);
    }
    let mut events: Vec<_> = chunks.map(|it| pattern::event(None, it, "\r\n")).collect();
    // The last chunk is the protocol's last word, unless it is an error.
    let last = match answer.error {
        Some(_) => None,
        None => events.pop(),
    };
    Pattern::stream(head.draws, script, events, last).field("content-type", "text/event-stream")
}

fn chunks(head: &mut Head, answer: &Answer) -> Vec<Wire> {
    let mut chunks = Vec::new();
    let mut bytes = 0;
    let (all, split) = (head.said(), &answer.split);
    let mut send = |head: &Head, part: Wire, len: usize| {
        bytes += len;
        let candidate = candidate(vec![part], None);
        chunks.push(head.response(vec![candidate], tokens(bytes).min(all)));
    };
    for block in &answer.content {
        match block {
            Block::RedactedThinking { .. } | Block::Refusal { .. } => {}
            Block::Text { text } => {
                for piece in split.pieces(text) {
                    send(head, text_part(piece), piece.len());
                }
            }
            Block::Thinking { text, .. } => {
                for piece in split.pieces(text) {
                    send(head, thought_part(piece), 0);
                }
            }
            Block::ToolCall(call) => {
                let part = call_part(call, head.signature.take());
                send(head, part, call.name.len() + call.text().len());
            }
        }
    }
    if answer.error.is_none() {
        let last = text_part("").put_some("thoughtSignature", head.signature.take());
        // A refusal has no content.
        let parts = if answer.refused().is_some() {
            Vec::new()
        } else {
            vec![last]
        };
        let candidate = candidate(parts, Some(answer));
        chunks.push(head.response(vec![candidate], all));
    }
    chunks
}
