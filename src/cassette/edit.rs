//! Changing the JSON in bodies, and nothing else in them.

use bytes::Bytes;

use super::entry::{Frame, RecordedBody};
pub(super) use super::json_text::Node;
use super::json_text::Style;
use crate::sse::{self, LineEnding};

/// What stands in the place of a value, where it is to be another one: given the keys and indices that
/// lead to the value, and the value.
pub(super) trait Edit: FnMut(&[String], &Node<'_>) -> Option<String> {}

impl<F: FnMut(&[String], &Node<'_>) -> Option<String>> Edit for F {}

/// Changes a body that is JSON. Whether it is.
pub(super) fn json(body: &mut Bytes, edit: &mut impl Edit) -> bool {
    let text = std::str::from_utf8(body).ok();
    let Some((text, mut node)) = text.and_then(|text| {
        let node = Node::parse(text).filter(Node::is_container)?;
        Some((text, node))
    }) else {
        return false;
    };
    let style = Style::of(text, &node).unwrap_or_default();
    if node.edit(edit) {
        *body = style.write(&node).into();
    }
    true
}

/// Changes a body that is JSON, or whose frames are events with JSON or are JSON each. Frames that are
/// JSON only together become one piece where something is changed.
pub(super) fn response(body: &mut RecordedBody, edit: &mut impl Edit) {
    match body {
        RecordedBody::Whole(bytes) => {
            json(bytes, edit);
        }
        RecordedBody::Frames(frames) => {
            let mut are_alone = false;
            for frame in frames {
                let is_event = event(frame, edit);
                are_alone |= is_event || json(&mut frame.bytes, edit);
            }
            let mut whole = body.to_bytes();
            let before = whole.clone();
            if !are_alone && json(&mut whole, edit) && whole != before {
                *body = RecordedBody::Whole(whole);
            }
        }
    }
}

/// Changes the data of an event. Whether the frame is one.
fn event(frame: &mut Frame, edit: &mut impl Edit) -> bool {
    let parsed = sse::parse(&frame.bytes);
    let [block] = &parsed.blocks[..] else {
        return false;
    };
    let Some(data) = &block.event.data else {
        return false;
    };
    let Some(mut node) = Node::parse(data).filter(Node::is_container) else {
        return true;
    };
    if node.edit(edit) {
        let mut event = block.event.clone();
        event.data = Some(node.compact());
        let ending = if frame.bytes.ends_with(b"\r\n") {
            LineEnding::CrLf
        } else {
            LineEnding::Lf
        };
        if let Ok(bytes) = event.encode(ending) {
            frame.bytes = bytes;
        }
    }
    true
}
