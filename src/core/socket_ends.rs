//! How a WebSocket connection ends, and what becomes of its exchange and its transcript.

use super::after::After;
use super::exchange::Delivered;
use super::journal::Response;
use super::socket::Ending;
use super::sockets::Connection;
use super::transcript::{Limits, Transcript};
use super::{Core, SocketId};
use crate::error::{Error, Result};
use crate::mode::Mode;
use crate::model::captured::Outcome;
use crate::model::message::{CloseFrame, Message, Side};

impl<M: Mode> Core<M> {
    /// The connection ends without a closing handshake.
    pub(crate) fn end_socket(&mut self, id: SocketId, ending: Ending) -> Result<After> {
        let ended = self.with_socket(id, |connection| connection.machine.finish(ending));
        ended.map(|((), after)| after)
    }

    /// The connection has failed before the client had it.
    pub(crate) fn fail_socket(&mut self, id: SocketId, error: Error) -> Result<After> {
        let mut after = self.end_socket(id, Ending::Failed(error.clone()))?;
        self.end_exchange(id, Outcome::Failed(error), &mut after);
        Ok(after)
    }

    /// The client has sent what is not WebSocket: the server closes, and the connection fails.
    pub(crate) fn violate_socket(
        &mut self,
        id: SocketId,
        frame: CloseFrame,
        error: Error,
    ) -> Result<After> {
        let now = self.timeline.now();
        let ending = Ending::Failed(error.clone());
        let ((), mut after) = self.with_socket(id, |connection| {
            let machine = &mut connection.machine;
            machine.expect_no_more("the client has sent what is not WebSocket");
            let close = Message::Close(Some(frame));
            // It may be closing already: then there is nothing more to say.
            let _ = machine.send(Side::Server, close, now);
            machine.finish(ending);
        })?;
        self.end_exchange(id, Outcome::Failed(error), &mut after);
        Ok(after)
    }

    /// An end has gone. The connection is gone when both have.
    pub(crate) fn leave_socket(&mut self, id: SocketId, side: Side) -> After {
        let now = self.timeline.now();
        let left = self.with_socket(id, |connection| {
            let closed = connection.machine.has_closed(Side::Client);
            connection.machine.leave(side, now);
            connection.readers[side as usize]
                .take()
                .or_else(|| connection.writers[side as usize].take())
                .map_or((closed, None), |waker| (closed, Some(waker)))
        });
        let Ok(((closed, waker), mut after)) = left else {
            return After::default();
        };
        after.remains().replaced = waker;
        if side == Side::Client {
            let outcome = if closed {
                Outcome::Done
            } else {
                Outcome::Cancelled
            };
            self.end_exchange(id, outcome, &mut after);
        }
        after.remains().gone = self.bury_socket(id);
        after
    }

    /// Takes a connection that nobody has any more out of the living; its transcript stays.
    fn bury_socket(&mut self, id: SocketId) -> Option<Box<Connection>> {
        let sockets = self.sockets.as_mut()?;
        if !sockets.live.get(id)?.machine.is_left() {
            return None;
        }
        let mut connection = sockets.live.remove(id)?;
        if let Some(context) = connection.context {
            sockets.contexts.close(context);
        }
        if let Some(entry) = self.journal.get_mut(connection.number) {
            if let Response::Socket(record) = &mut entry.response {
                let limits = Limits {
                    messages: 0,
                    bytes: 0,
                };
                let empty = Transcript::new(limits);
                let kept = std::mem::replace(&mut connection.machine.transcript, empty);
                record.transcript = Some(kept);
                record.blocked = connection.machine.blocked();
            }
        }
        Some(Box::new(connection))
    }

    /// The exchange of the handshake is over, unless it is already, and frees what it held.
    pub(super) fn end_exchange(&mut self, id: SocketId, outcome: Outcome, after: &mut After) {
        let sockets = self.sockets.as_ref();
        let Some(connection) = sockets.and_then(|sockets| sockets.live.get(id)) else {
            return;
        };
        let mut delivered = Delivered {
            bytes: connection.machine.delivered(),
            taken: None,
        };
        let exchange = connection.exchange;
        if let Ok(over) = self.finish(exchange, outcome, &mut delivered) {
            let remains = after.remains();
            remains.over = Some(over);
            remains.admitted = self.free(exchange);
        }
    }
}
