//! What is known of the WebSocket connections of a transport, and what was said on them.

use super::journal::{Entry, Response, SocketRecord};
use super::sockets::UnmetOf;
use super::transcript::Transcript;
use super::{Core, RuleId, SocketId};
use crate::mode::Mode;
use crate::model::captured::Captured;
use crate::model::message::SocketMessage;

/// What was said on a connection.
#[derive(Default)]
struct Said {
    messages: Vec<SocketMessage>,
    dropped: u64,
    blocked: u64,
}

impl<M: Mode> Core<M> {
    /// The connections of a rule that are open, in the order of their requests.
    pub(crate) fn open_sockets(&self, rule: RuleId) -> Vec<SocketId> {
        let sockets = self.sockets.iter();
        let mut open: Vec<_> = sockets
            .flat_map(|sockets| &sockets.live)
            .filter(|(_, it)| it.rule == rule && it.opened.is_some() && !it.machine.is_closing())
            .map(|(id, connection)| (connection.number, id))
            .collect();
        open.sort_unstable();
        open.into_iter().map(|(_, id)| id).collect()
    }

    /// What was said on a rule's connections after a number, in that order.
    pub(crate) fn messages_since(&self, rule: RuleId, number: u64) -> Vec<SocketMessage> {
        let sockets = self.sockets.iter();
        let live = sockets.flat_map(|sockets| sockets.live.values());
        let live = live.filter(|it| it.rule == rule);
        let mut messages: Vec<_> = live
            .flat_map(|it| it.machine.transcript.since(number, it.number))
            .collect();
        for (connection, entry) in self.journal.since(0) {
            match &entry.response {
                Response::Socket(record) if entry.rule == Some(rule) => {
                    let transcript = record.transcript.iter();
                    messages.extend(transcript.flat_map(|it| it.since(number, connection)));
                }
                _ => {}
            }
        }
        messages.sort_unstable_by_key(|message| message.number);
        messages
    }

    /// What is known of an exchange, with what was said on its connection.
    pub(crate) fn snapshot(&self, number: u64, entry: &Entry, cap: usize) -> Captured {
        let rule = self.rule_of(entry).map(|rule| &**rule);
        let mut captured = entry.snapshot(number, rule, cap);
        if let Response::Socket(record) = &entry.response {
            let said = self.said(number, record);
            captured.messages = said.messages;
            captured.dropped_messages = said.dropped;
            captured.blocked_sends = said.blocked;
        }
        captured
    }

    /// What was said on a connection, how much of it was forgotten, and how often an end waited.
    fn said(&self, number: u64, record: &SocketRecord) -> Said {
        let told = |it: &Transcript| (it.since(0, number).collect(), it.dropped());
        let live = || self.sockets.as_ref()?.live.get(record.id);
        let (transcript, blocked) = match (&record.transcript, live()) {
            (Some(transcript), _) => (transcript, record.blocked),
            (None, Some(live)) => (&live.machine.transcript, live.machine.blocked()),
            (None, None) => return Said::default(),
        };
        let (messages, dropped) = told(transcript);
        Said {
            messages,
            dropped,
            blocked,
        }
    }

    /// The expectations that were not met, and those that are not met so far.
    pub(crate) fn unmet_messages(&self) -> Vec<UnmetOf> {
        let Some(sockets) = &self.sockets else {
            return Vec::new();
        };
        let mut pending: Vec<_> = sockets
            .live
            .values()
            .filter_map(|it| Some(it.unmet(it.machine.expected()?)))
            .collect();
        pending.extend_from_slice(&sockets.unmet);
        pending.sort_by_key(|unmet| unmet.connection);
        pending
    }
}
