//! One end of a WebSocket connection, and what waits for it.

use std::collections::VecDeque;

use super::timeline::Tick;
use crate::model::message::Message;

/// How many messages wait for an end before the other one has to wait.
const QUEUED_MESSAGES: usize = 64;

/// How many bytes do.
const QUEUED_BYTES: usize = 1 << 20;

/// One end, as far as the connection knows it.
#[derive(Default)]
pub(super) struct End {
    pub(super) inbox: Inbox,
    pub(super) sent_close: bool,
    /// Whether it has taken the other end's close frame.
    pub(super) got_close: bool,
    pub(super) left: bool,
    /// Whether it waits for room, which is counted once.
    pub(super) blocked: bool,
    pub(super) delivered: u64,
}

/// What waits for an end, with the time when it was sent.
#[derive(Default)]
pub(super) struct Inbox {
    pub(super) queue: VecDeque<(Tick, Message)>,
    bytes: usize,
}

impl Inbox {
    pub(super) fn has_room(&self) -> bool {
        self.queue.len() < QUEUED_MESSAGES && self.bytes < QUEUED_BYTES
    }

    pub(super) fn push(&mut self, at: Tick, message: Message) {
        self.bytes += message.payload().len();
        self.queue.push_back((at, message));
    }

    pub(super) fn pop(&mut self) -> Option<(Tick, Message)> {
        let (at, message) = self.queue.pop_front()?;
        self.bytes -= message.payload().len();
        Some((at, message))
    }

    pub(super) fn first(&self) -> Option<&Message> {
        self.queue.front().map(|(_, message)| message)
    }
}
