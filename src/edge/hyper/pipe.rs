//! The bytes between a client and its server, and how the server hangs up.

use std::io::IoSlice;

use hyper::rt::ReadBufCursor;

use crate::error::Error;
use crate::fault::Fault;
use crate::mode::{Cell, Mode};

/// How many bytes wait in one direction before who sends has to wait.
const BUFFERED: usize = 64 << 10;

/// What is not HTTP, neither as a head nor as the size of a chunk (RFC 9112 §2.3, §7.1).
const GARBAGE: &[u8] = b"scripted garbage\r\n\r\n";

/// What both ends have.
pub(super) type Wire<M> = <M as Mode>::Ptr<<M as Mode>::Cell<Pipe>>;

pub(super) fn wire<M: Mode>() -> Wire<M> {
    <M::Cell<Pipe> as Cell<Pipe>>::new(Pipe::default()).into()
}

/// Both directions, and what the ends know of each other.
#[derive(Default)]
pub(super) struct Pipe {
    pub(super) to_server: Lane,
    pub(super) to_client: Lane,
    /// Whether the client sends no more.
    pub(super) has_ended: bool,
    /// Whether the server is to be asked again when the client has read everything.
    pub(super) is_blocked: bool,
    /// Whether an exchange is going on.
    pub(super) is_busy: bool,
    /// Whether the server has nothing left to put on its way.
    pub(super) is_flushed: bool,
    /// How the server hangs up, once what it has said is on its way.
    hang_up: Option<HangUp>,
    /// Whether it has.
    pub(super) is_gone: bool,
}

/// How a server hangs up.
enum HangUp {
    /// It just closes the connection.
    Closing,
    /// With what is not HTTP.
    Garbling,
    /// With what the client's reading fails with.
    Failing(Error),
}

impl Pipe {
    /// The exchange has failed. In the middle of a body whose length is known, any bytes are part of it.
    pub(super) fn fail(&mut self, error: Error, is_in_sized_body: bool) {
        self.hang_up = Some(match error.fault() {
            Some(Fault::ConnectionClosed) => HangUp::Closing,
            Some(Fault::MalformedResponse) if is_in_sized_body => HangUp::Closing,
            Some(Fault::MalformedResponse) => HangUp::Garbling,
            _ => HangUp::Failing(error),
        });
    }

    /// Everything that the server has said is on its way.
    pub(super) fn flushed(&mut self) {
        self.is_flushed = true;
        self.is_gone |= self.hang_up.is_some();
    }

    /// Whether the client has to read first; then the server is asked again.
    pub(super) fn block_until_read(&mut self) -> bool {
        let has_unread = !self.to_client.is_empty() || !self.is_flushed;
        self.is_blocked |= has_unread;
        has_unread
    }

    /// The server is no more; what it has said can still be read.
    pub(super) fn end(&mut self) {
        self.is_gone = true;
        if let Some(HangUp::Garbling) = self.hang_up {
            self.to_client.bytes.extend_from_slice(GARBAGE);
        }
    }

    /// What reading fails with after that; once.
    pub(super) fn take_failure(&mut self) -> Option<Error> {
        match self.hang_up.take()? {
            HangUp::Failing(error) => Some(error),
            HangUp::Closing | HangUp::Garbling => None,
        }
    }
}

/// Bytes on their way in one direction.
#[derive(Default)]
pub(super) struct Lane {
    bytes: Vec<u8>,
    /// How many of them have been taken already.
    taken: usize,
}

impl Lane {
    fn left(&self) -> &[u8] {
        &self.bytes[self.taken..]
    }

    pub(super) fn is_empty(&self) -> bool {
        self.left().is_empty()
    }

    /// Takes as many as there is room for.
    pub(super) fn push(&mut self, bytes: &[u8]) -> usize {
        let room = BUFFERED.saturating_sub(self.left().len());
        let pushed = room.min(bytes.len());
        if self.taken > BUFFERED {
            self.bytes.drain(..std::mem::take(&mut self.taken));
        }
        self.bytes.extend_from_slice(&bytes[..pushed]);
        pushed
    }

    pub(super) fn push_all(&mut self, parts: &[IoSlice<'_>]) -> usize {
        parts.iter().map(|part| self.push(part)).sum()
    }

    /// Gives as many as there are and fit; whether that is any.
    pub(super) fn pull(&mut self, buffer: &mut ReadBufCursor<'_>) -> bool {
        let pulled = self.left().len().min(buffer.remaining());
        buffer.put_slice(&self.left()[..pulled]);
        self.taken += pulled;
        if self.is_empty() {
            self.bytes.clear();
            self.taken = 0;
        }
        pulled > 0
    }
}
