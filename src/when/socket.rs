//! The ends of a rule that opens WebSocket connections.

use std::future::Future;

use super::{When, registered};
use crate::core::connection_rate::ConnectionRate;
use crate::core::rules::{Accept, Action, Server};
use crate::error::{Error, Part, Result, TOKEN};
use crate::flow::accept::{Accepting, Handled};
use crate::flow::endpoint::Endpoint;
use crate::flow::socket::ServerSocket;
use crate::mode::{AcceptIdentify, AcceptSocketHandler, Mode};
use crate::model::connection_builder::ConnectionBuilder;
use crate::model::request::Request;
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

    /// Says who each connection belongs to, from its handshake: a closure that begins a
    /// [`ConnectionContext`](crate::connections::ConnectionContext), whose id and time are those of the
    /// connection unless it gives others. Without it connections have an id, times and counters, and
    /// belong to nobody.
    ///
    /// A context that cannot be refuses the handshake: the client fails with
    /// [`MissingField`](crate::ErrorKind::MissingField) or [`Part::Connection`](Part), and the journal
    /// tells.
    ///
    /// ```
    /// use futures::SinkExt;
    /// use mockwire::{SocketScript, connections::ConnectionContext, sync::MockTransport};
    ///
    /// let transport = MockTransport::new();
    /// let chat = transport
    ///     .websocket("wss://api.test/{user}/{thread}")
    ///     .identify(|handshake| {
    ///         ConnectionContext::builder()
    ///             .user(handshake.param("user").unwrap_or_default())
    ///             .thread(handshake.param("thread").unwrap_or_default())
    ///             .run(handshake.header("x-run").unwrap_or("run_1"))
    ///     })
    ///     .accept(SocketScript::new().echo());
    ///
    /// let request = http::Request::get("wss://api.test/ada/notes").body(())?;
    /// let socket = transport.block_on(async {
    ///     let mut socket = transport.connect(request).await?;
    ///     socket.send("hello".into()).await?;
    ///     Ok::<_, mockwire::Error>(socket)
    /// })?;
    /// let info = &chat.connections()[0].info;
    /// assert_eq!(info.connection_id, "conn_1");
    /// assert_eq!(info.isolation_key().unwrap().to_string(), "ada/notes");
    /// assert_eq!(info.traffic.bytes_received, 5);
    /// assert_eq!(socket.info()?, *info);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn identify<F>(mut self, identify: F) -> Self
    where
        F: Fn(&Request) -> ConnectionBuilder + 'static,
        M: AcceptIdentify<F>,
    {
        self.identify = Some(M::erase_identify(identify));
        self
    }

    /// How fast the rule lets connections be made, in the transport's time. One too many is refused
    /// with 429 and `retry-after`: the client fails with
    /// [`ConnectionRateExceeded`](crate::ErrorKind::ConnectionRateExceeded), and may try again. Those
    /// that are refused count for nothing.
    ///
    /// ```
    /// use std::time::Duration;
    /// use mockwire::{ErrorKind, SocketScript, connections::ConnectionRate, sync::MockTransport};
    ///
    /// let transport = MockTransport::new();
    /// let rate = ConnectionRate::new(1, Duration::from_secs(60))?;
    /// transport.websocket("/chat").connection_rate(rate).accept(SocketScript::new());
    ///
    /// let request = || http::Request::get("wss://api.test/chat").body(()).unwrap();
    /// transport.block_on(async {
    ///     transport.connect(request()).await?;
    ///     let error = transport.connect(request()).await.unwrap_err();
    ///     let ErrorKind::ConnectionRateExceeded { retry_after, .. } = *error.kind() else {
    ///         panic!("{error}");
    ///     };
    ///     transport.sleep(retry_after).await?;
    ///     transport.connect(request()).await
    /// })?;
    /// # Ok::<(), mockwire::Error>(())
    /// ```
    pub fn connection_rate(mut self, rate: ConnectionRate) -> Self {
        self.connection_rate = Some(rate);
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
        let action = Action::Socket(Box::new(Accept {
            protocol,
            identify: self.identify.take(),
            rate: self.connection_rate.take(),
            server,
        }));
        self.register(action).map(Endpoint::new)
    }
}
