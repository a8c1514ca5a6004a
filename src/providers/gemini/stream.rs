//! A response as a stream: of events, or of the elements of an array.

use super::content::{Head, call_part, candidate, text_part, thought_part};
use super::errors;
use crate::providers::answer::Block;
use crate::providers::usage::tokens;
use crate::providers::wire::Wire;
use crate::providers::{Answer, Conversation};
use crate::sse::{Event, LineEnding};
use crate::{Exchange, Reply, Script};

pub(super) fn reply(exchange: &Exchange, conversation: &Conversation, answer: &Answer) -> Reply {
    let head = Head::new(exchange, conversation, answer);
    let mut chunks = chunks(head, answer);
    if let Some(error) = &answer.error {
        chunks.push(errors::body(exchange, error));
    }
    let is_broken = answer.error.is_some();
    let is_sse = exchange.request().query("alt").as_deref() == Some("sse");
    if is_sse {
        as_events(answer.script.clone(), chunks, is_broken)
    } else {
        as_array(answer.script.clone(), &chunks)
    }
}

fn as_events(script: Script, chunks: Vec<Wire>, is_broken: bool) -> Reply {
    let mut events: Vec<_> = chunks.iter().map(|it| Event::data(it.text())).collect();
    // The last chunk is the protocol's last word.
    let last = events.pop().unwrap_or_default();
    let script = script.line_ending(LineEnding::CrLf).events(events);
    let script = if is_broken {
        script.event(last)
    } else {
        script.terminal_event(last)
    };
    Reply::script(script).header("content-type", "text/event-stream")
}

fn as_array(script: Script, chunks: &[Wire]) -> Reply {
    let elements = chunks.iter().enumerate().map(|(number, chunk)| {
        let before = if number == 0 { "[" } else { ",\r\n" };
        format!("{before}{}\n", chunk.text())
    });
    let script = script.frames(elements).terminal("]");
    Reply::script(script).header("content-type", "application/json; charset=UTF-8")
}

fn chunks(mut head: Head, answer: &Answer) -> Vec<Wire> {
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
                    send(&head, text_part(piece), piece.len());
                }
            }
            Block::Thinking { text, .. } => {
                for piece in split.pieces(text) {
                    send(&head, thought_part(piece), 0);
                }
            }
            Block::ToolCall(call) => {
                let part = call_part(call, head.signature.take());
                send(&head, part, call.name.len() + call.text().len());
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
