//! Bytes in memory, on their way to the server and back.

use std::io::{self, Read, Write};

use bytes::{Buf, BytesMut};

use super::BUFFERED;

/// Both directions. The server reads and writes it, and never waits: that is what `WouldBlock`
/// says.
#[derive(Default)]
pub(super) struct Pipe {
    incoming: BytesMut,
    outgoing: BytesMut,
    /// Whether the client sends no more.
    ended: bool,
}

impl Pipe {
    /// Takes what the client sends, as far as there is room.
    pub(super) fn give_incoming(&mut self, bytes: &[u8]) -> usize {
        let room = BUFFERED.saturating_sub(self.incoming.len());
        let taken = room.min(bytes.len());
        self.incoming.extend_from_slice(&bytes[..taken]);
        taken
    }

    pub(super) fn end_incoming(&mut self) {
        self.ended = true;
    }

    pub(super) fn incoming(&self) -> &[u8] {
        &self.incoming
    }

    pub(super) fn skip_incoming(&mut self, bytes: usize) {
        self.incoming.advance(bytes);
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    pub(super) fn is_full(&self) -> bool {
        self.incoming.len() >= BUFFERED
    }

    /// Gives the client what the server has sent.
    pub(super) fn take_outgoing(&mut self, buffer: &mut [u8]) -> usize {
        let taken = self.outgoing.len().min(buffer.len());
        self.outgoing.copy_to_slice(&mut buffer[..taken]);
        taken
    }

    pub(super) fn has_outgoing(&self) -> bool {
        !self.outgoing.is_empty()
    }

    /// Whether the server may say more before the client has read.
    pub(super) fn has_room(&self) -> bool {
        self.outgoing.len() < BUFFERED
    }
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.incoming.is_empty() && !self.ended {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let taken = self.incoming.len().min(buffer.len());
        self.incoming.copy_to_slice(&mut buffer[..taken]);
        Ok(taken)
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.outgoing.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
