//! A WebSocket connection as bytes, for clients that speak the protocol themselves.

mod pipe;
mod server;

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_io::{AsyncRead, AsyncWrite};

use self::pipe::Pipe;
use self::server::Server;
use crate::flow::wakers::Wakers;
use crate::mode::Mode;
use crate::transport::MockTransport;

/// How many bytes wait in one direction before the other end has to wait.
const BUFFERED: usize = 64 << 10;

impl<M: Mode> MockTransport<M> {
    /// A connection as bytes, in memory: for a WebSocket client that makes the handshake and the
    /// frames itself, as that of `async-tungstenite` does. Behind it a server speaks HTTP/1.1 and
    /// RFC 6455, and asks the same rules as [`connect`](Self::connect).
    ///
    /// The bytes do not tell whether they came through TLS: the URL is a `wss:` one, unless
    /// [`without_tls`](Duplex::without_tls) says otherwise.
    #[must_use]
    pub fn connect_bytes(&self) -> Duplex<M> {
        Duplex {
            pipe: Pipe::default(),
            server: Server::new(self.engine.clone(), "wss"),
            wakers: Arc::default(),
            failure: None,
        }
    }
}

/// The client's end of a connection as bytes: made by
/// [`connect_bytes`](MockTransport::connect_bytes).
///
/// A request that no rule matches, and a scripted fault, is an error of reading that comes from the
/// [`Error`](crate::Error), which [`Error::find`](crate::Error::find) finds. Dropping it aborts the connection: the server's end sees 1006.
///
/// ```
/// use futures::{SinkExt, StreamExt};
/// use async_tungstenite::tungstenite::Message;
/// use mockwire::{SocketScript, sync::MockTransport};
///
/// let transport = MockTransport::new();
/// transport.websocket("wss://api.test/echo").accept(SocketScript::new().echo());
///
/// transport.block_on(async {
///     let bytes = transport.connect_bytes();
///     let (mut client, response) =
///         async_tungstenite::client_async("wss://api.test/echo", bytes).await?;
///     assert_eq!(response.status(), 101);
///     client.send(Message::text("hello")).await?;
///     assert_eq!(client.next().await.unwrap()?, Message::text("hello"));
///     client.close(None).await
/// })?;
/// # Ok::<(), async_tungstenite::tungstenite::Error>(())
/// ```
pub struct Duplex<M: Mode> {
    pipe: Pipe,
    server: Server<M>,
    wakers: Arc<Wakers>,
    /// What reading fails with, once everything that came before is read.
    failure: Option<io::Error>,
}

impl<M: Mode> Duplex<M> {
    /// The connection is one without TLS: its URL is a `ws:` one.
    #[must_use]
    pub fn without_tls(mut self) -> Self {
        self.server.set_scheme("ws");
        self
    }

    /// Lets the server go on as far as it can.
    fn run(&mut self) {
        let waker = Waker::from(self.wakers.clone());
        let mut cx = Context::from_waker(&waker);
        if let Err(error) = self.server.run(&mut self.pipe, &mut cx) {
            self.failure = Some(error);
        }
    }
}

impl<M: Mode> AsyncRead for Duplex<M> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.wakers.reader.register(cx.waker());
        self.run();
        let read = self.pipe.take_outgoing(buffer);
        if read > 0 {
            self.wakers.writer.wake();
            return Poll::Ready(Ok(read));
        }
        if buffer.is_empty() {
            return Poll::Ready(Ok(0));
        }
        if let Some(error) = self.failure.take() {
            return Poll::Ready(Err(error));
        }
        if self.server.is_over() {
            return Poll::Ready(Ok(0));
        }
        Poll::Pending
    }
}

impl<M: Mode> AsyncWrite for Duplex<M> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.wakers.writer.register(cx.waker());
        if self.server.is_over() {
            // Lost, as what is sent to somebody who has just hung up.
            return Poll::Ready(Ok(bytes.len()));
        }
        let taken = self.pipe.give_incoming(bytes);
        self.run();
        if self.pipe.has_outgoing() || self.server.is_over() {
            self.wakers.reader.wake();
        }
        if taken > 0 || bytes.is_empty() {
            return Poll::Ready(Ok(taken));
        }
        // What has just been read may have made room.
        match self.pipe.give_incoming(bytes) {
            0 => Poll::Pending,
            taken => Poll::Ready(Ok(taken)),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.wakers.writer.register(cx.waker());
        self.run();
        Poll::Ready(Ok(()))
    }

    fn poll_close(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.pipe.end_incoming();
        self.run();
        self.wakers.reader.wake();
        Poll::Ready(Ok(()))
    }
}

impl<M: Mode> Unpin for Duplex<M> {}

impl<M: Mode> fmt::Debug for Duplex<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Duplex")
            .field("over", &self.server.is_over())
            .finish_non_exhaustive()
    }
}
