//! A response as a stream: of events, or of the elements of an array.

use super::content::{Choice, Head, JSON, call_part, text_part, thought_part};
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

fn chunks(head: &mut Head<'_>, answer: &Answer) -> Vec<Wire> {
    let mut chunks = Vec::new();
    let mut bytes = 0;
    let all = head.said();
    let choices = std::mem::take(&mut head.choices);
    let count = choices.len();
    for mut choice in choices {
        for (part, len) in pieces(&mut choice) {
            bytes += len;
            let candidate = choice.candidate(vec![part], false);
            chunks.push(head.response(vec![candidate], tokens(bytes).min(all)));
        }
        if answer.error.is_none() {
            let signed = text_part("").put_some("thoughtSignature", choice.signature.take());
            // A refusal has no content.
            let parts = match choice.answer.refused() {
                Some(_) => Vec::new(),
                None => vec![signed],
            };
            let candidate = choice.candidate(parts, true);
            let is_last = choice.index + 1 == count;
            let said = if is_last { all } else { tokens(bytes).min(all) };
            chunks.push(head.response(vec![candidate], said));
        }
    }
    chunks
}

/// What an answer says, part by part, and how many bytes of it count as said.
fn pieces(choice: &mut Choice<'_>) -> Vec<(Wire, usize)> {
    let (answer, mut parts) = (choice.answer, Vec::new());
    for block in &answer.content {
        match block {
            Block::RedactedThinking { .. } | Block::Refusal { .. } => {}
            Block::Text { text } => {
                let pieces = answer.split.pieces(text);
                parts.extend(pieces.map(|piece| (text_part(piece), piece.len())));
            }
            Block::Thinking { text, .. } => {
                let pieces = answer.split.pieces(text);
                parts.extend(pieces.map(|piece| (thought_part(piece), 0)));
            }
            Block::ToolCall(call) => {
                let part = call_part(call, choice.signature.take());
                parts.push((part, call.name.len() + call.text().len()));
            }
        }
    }
    parts
}
