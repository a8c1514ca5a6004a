//! The ends of a rule that opens WebSocket connections.

use std::future::Future;

use super::{When, registered};
use crate::core::rules::{Accept, Action, Server};
use crate::error::{Error, Part, Result, TOKEN};
use crate::flow::accept::{Accepting, Handled};
use crate::flow::endpoint::Endpoint;
use crate::flow::socket::ServerSocket;
use crate::mode::{AcceptSocketHandler, Mode};
use crate::model::socket_script::{SocketScript, is_token};
#[allow(unused_imports, reason = "the documentation names it")]
use crate::transport::MockTransport;

impl<M: Mode> When<M> {
    /// Chooses this subprotocol (RFC 6455 §1.9) for the connections that
    /// [`accept_with`](Self::accept_with) and [`accept_by_hand`](Self::accept_by_hand) open; a
    /// script has its own.
    pub fn protocol(mut self, protocol: impl Into<String>) -> Self {
        self.protocol = Some(protocol.into());
        self
    }

    /// Opens WebSocket connections, whose server end plays a script. Registers the rule, which
    /// [`websocket`](MockTransport::websocket) has begun.
    ///
    /// # Panics
    ///
    /// If a condition or the script is malformed, or the transport is disposed; see
    /// [`try_accept`](Self::try_accept).
    #[track_caller]
    pub fn accept(self, script: SocketScript) -> Endpoint<M> {
        registered(self.try_accept(script))
    }

    /// Like [`accept`](Self::accept), without the panic.
    ///
    /// # Errors
    ///
    /// [`Invalid`](crate::ErrorKind::Invalid) for the first mistake in the conditions or the
    /// script.
    pub fn try_accept(mut self, script: SocketScript) -> Result<Endpoint<M>> {
        let script = script.validate()?;
        if let Some(protocol) = &script.protocol {
            self.protocol = Some(protocol.clone());
        }
        self.open(Server::Script(script.into()))
    }

    /// Opens WebSocket connections, whose server end a closure's future has. Registers the rule.
    ///
    /// The future is polled whenever the client's end is: while it reads, while it sends, and
    /// while it waits for room. It is dropped with the client's end. A future that returns without
    /// having closed the connection has dropped its end, so that the client sees 1006. An error
    /// reaches the client as [`HandlerFailed`](crate::ErrorKind::HandlerFailed), a panic as
    /// [`HandlerPanicked`](crate::ErrorKind::HandlerPanicked).
    ///
    /// ```
    /// use futures::{SinkExt, StreamExt};
    /// use mockwire::{Message, futures::ServerSocket, sync::MockTransport};
    ///
    /// let transport = MockTransport::new();
    /// transport.websocket("wss://api.test/shout").accept_with(|mut socket: ServerSocket<_>| async move {
    ///     while let Some(message) = socket.next().await.transpose()? {
    ///         if let Some(text) = message.as_text() {
    ///             socket.send(text.to_uppercase().into()).await?;
    ///         }
    ///     }
    ///     Ok::<_, mockwire::Error>(())
    /// });
    ///
    /// let request = http::Request::get("wss://api.test/shout").body(())?;
    /// transport.block_on(async {
    ///     let mut socket = transport.connect(request).await?;
    ///     socket.send("hello".into()).await?;
    ///     assert_eq!(socket.next().await.unwrap()?, Message::text("HELLO"));
    ///     socket.close().await
    /// })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If a condition is malformed, or the transport is disposed.
    #[track_caller]
    pub fn accept_with<F, A>(self, handler: F) -> Endpoint<M>
    where
        F: Fn(ServerSocket<M>) -> A + 'static,
        A: Future<Output: Into<Handled>>,
        M: AcceptSocketHandler<Accepting<F>>,
    {
        let handler = M::erase_socket_handler(Accepting(handler));
        registered(self.open(Server::Handler(handler)))
    }

    /// Opens WebSocket connections, whose server end the test takes: with
    /// [`Endpoint::next`]. Registers the rule.
    ///
    /// # Panics
    ///
    /// If a condition is malformed, or the transport is disposed.
    #[track_caller]
    pub fn accept_by_hand(self) -> Endpoint<M> {
        registered(self.open(Server::Test))
    }

    fn open(mut self, server: Server<M>) -> Result<Endpoint<M>> {
        let protocol = self.protocol.take();
        if let Some(protocol) = protocol.as_deref().filter(|it| !is_token(it)) {
            return Err(Error::invalid(Part::HeaderValue, protocol, TOKEN));
        }
        let action = Action::Socket(Accept { protocol, server });
        self.register(action).map(Endpoint::new)
    }
}
