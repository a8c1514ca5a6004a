//! What was said on one connection, the oldest forgotten first.

use super::blocks::Blocks;
use super::timeline::Tick;
use crate::model::message::{Message, Side, SocketMessage};

/// How much a transcript keeps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) messages: usize,
    /// Of each message.
    pub(crate) bytes: usize,
}

pub(crate) struct Transcript {
    lines: Blocks<Line>,
    limits: Limits,
    /// How many of the last lines have no number yet.
    fresh: usize,
    dropped: u64,
}

struct Line {
    number: u64,
    from: Side,
    at: Tick,
    bytes: usize,
    message: Message,
}

impl Transcript {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            lines: Blocks::new(),
            limits,
            fresh: 0,
            dropped: 0,
        }
    }

    /// Notes a message; what has to go for it is to be dropped outside the borrow.
    pub(crate) fn note(&mut self, from: Side, at: Tick, message: &Message) -> Option<Message> {
        let cut = message.cut(self.limits.bytes);
        self.lines.push_back(Line {
            number: 0,
            from,
            at,
            bytes: message.payload().len(),
            message: cut.unwrap_or_else(|| message.clone()),
        });
        self.fresh += 1;
        if self.lines.len() <= self.limits.messages {
            return None;
        }
        self.dropped += 1;
        self.fresh = self.fresh.min(self.lines.len() - 1);
        self.lines.pop_front().map(|line| line.message)
    }

    /// Numbers what was noted last; whether the client has said something.
    pub(crate) fn number(&mut self, last: &mut u64) -> bool {
        if self.fresh == 0 {
            return false;
        }
        let mut of_client = false;
        for at in self.lines.len() - self.fresh..self.lines.len() {
            *last += 1;
            if let Some(line) = self.lines.get_mut(at) {
                line.number = *last;
                of_client |= line.from == Side::Client;
            }
        }
        self.fresh = 0;
        of_client
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// What was noted after a number, as it is given out.
    pub(crate) fn since(
        &self,
        number: u64,
        connection: u64,
    ) -> impl Iterator<Item = SocketMessage> {
        self.lines
            .since(self.after(number))
            .map(move |line| SocketMessage {
                number: line.number,
                connection,
                from: line.from,
                at: line.at,
                message: line.message.clone(),
                bytes: line.bytes,
            })
    }

    /// The position of the first line after a number.
    fn after(&self, number: u64) -> usize {
        let (mut from, mut to) = (0, self.lines.len());
        while from < to {
            let middle = from.midpoint(to);
            match self.lines.get(middle) {
                Some(line) if line.number <= number => from = middle + 1,
                _ => to = middle,
            }
        }
        from
    }
}
