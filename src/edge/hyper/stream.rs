//! The client's end of a connection: it reads and writes bytes, and polls the server.

use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};

use super::origin::Origin;
use super::pipe::{Pipe, Wire, wire};
use super::server::{Server, server};
use super::signal::Signal;
use crate::core::links::LinkId;
use crate::engine::Engine;
use crate::mode::{Cell, Mode};

/// An HTTP/1.1 connection as bytes in memory: the client's end, made by a
/// [`Connector`](super::Connector).
///
/// Whoever reads, writes or flushes it lets the server go on, which is why it needs no runtime. Dropping
/// it cancels what is going on.
///
/// # Errors
///
/// Reading fails with what an exchange failed with, once what was said before is read; the
/// [`Error`](crate::Error) is among its sources. It ends where the server closes the connection.
pub struct HttpStream<M: Mode> {
    engine: M::Ptr<Engine<M>>,
    link: LinkId,
    /// `None` once it has hung up.
    server: Option<Server<M>>,
    wire: Wire<M>,
    signal: Arc<Signal>,
    /// The signal, as what the server wakes.
    waker: Waker,
}

impl<M: Mode> HttpStream<M> {
    pub(super) fn open(engine: M::Ptr<Engine<M>>, origin: Origin) -> Self {
        let signal = Arc::<Signal>::default();
        let waker = Waker::from(signal.clone());
        let wire = wire::<M>();
        let (host, told) = (origin.host().to_owned(), waker.clone());
        Self {
            link: engine.with(|core| core.open_link(host, told)),
            server: Some(server(engine.clone(), origin, wire.clone())),
            engine,
            wire,
            signal,
            waker,
        }
    }

    /// Lets the server go on, when there is something for it.
    fn run(&mut self) {
        let Some(server) = &mut self.server else {
            return;
        };
        if !self.signal.lower() {
            return;
        }
        let is_over = server
            .as_mut()
            .poll(&mut Context::from_waker(&self.waker))
            .is_ready();
        if is_over || self.wire.with(|pipe| pipe.is_gone) {
            self.hang_up();
        }
    }

    fn hang_up(&mut self) {
        self.server = None;
        self.wire.with(Pipe::end);
    }

    /// Whether nothing is going on, and the host has died or is down.
    fn is_dead(&self) -> bool {
        if self.wire.with(|pipe| pipe.is_busy) {
            return false;
        }
        self.engine.follow_clock();
        self.engine.with(|core| !core.is_link_up(self.link))
    }
}

impl<M: Mode> Read for HttpStream<M> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        self.signal.client_reads(cx);
        let (pulled, was_blocked) = self.wire.with(|pipe| {
            let pulled = pipe.to_client.pull(&mut buffer);
            (pulled, !pulled && std::mem::take(&mut pipe.is_blocked))
        });
        if pulled {
            return Poll::Ready(Ok(()));
        }
        if was_blocked {
            self.signal.raise();
        }
        self.run();
        if self.wire.with(|pipe| pipe.to_client.pull(&mut buffer)) {
            return Poll::Ready(Ok(()));
        }
        if self.server.is_some() && self.is_dead() {
            self.hang_up();
        }
        if self.server.is_some() {
            return Poll::Pending;
        }
        match self.wire.with(Pipe::take_failure) {
            Some(error) => Poll::Ready(Err(error.into())),
            None => Poll::Ready(Ok(())),
        }
    }
}

impl<M: Mode> Write for HttpStream<M> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let len = parts.iter().map(|part| part.len()).sum();
        self.signal.client_writes(cx);
        for _ in 0..2 {
            if self.server.is_none() {
                // Lost, as what is sent to somebody who has just hung up.
                return Poll::Ready(Ok(len));
            }
            let pushed = self.wire.with(|pipe| pipe.to_server.push_all(parts));
            self.signal.raise();
            if pushed > 0 || len == 0 {
                return Poll::Ready(Ok(pushed));
            }
            // It may make room.
            self.run();
        }
        Poll::Pending
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.run();
        let has_said = self
            .wire
            .with(|pipe| pipe.is_gone || !pipe.to_client.is_empty());
        if has_said {
            self.signal.reader().wake();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.wire.with(|pipe| pipe.has_ended = true);
        self.signal.raise();
        self.poll_flush(cx)
    }
}

impl<M: Mode> Connection for HttpStream<M> {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl<M: Mode> Unpin for HttpStream<M> {}

impl<M: Mode> Drop for HttpStream<M> {
    fn drop(&mut self) {
        drop(self.engine.with(|core| core.close_link(self.link)));
    }
}

impl<M: Mode> fmt::Debug for HttpStream<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpStream")
            .field("over", &self.server.is_none())
            .finish_non_exhaustive()
    }
}
