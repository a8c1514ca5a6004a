//! A rule that opens WebSocket connections, as the test has it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use super::end::End;
use super::socket::ServerSocket;
use super::wait_for_message::WaitForMessage;
use crate::core::rules::{Accept, Server};
use crate::error::{Error, Part, Result};
use crate::mode::Mode;
use crate::model::connection::{AgeWarning, ConnectionInfo};
use crate::model::message::{Message, Side, SocketMessage};
use crate::model::message_pattern::MessagePattern;
use crate::rule::Rule;

/// A rule that opens WebSocket connections: made by [`When::accept`](crate::When::accept),
/// [`accept_with`](crate::When::accept_with) and
/// [`accept_by_hand`](crate::When::accept_by_hand). Dropping it changes nothing; the rule stays.
///
/// ```
/// use futures::{SinkExt, StreamExt};
/// use mockwire::{Message, sync::MockTransport};
///
/// let transport = MockTransport::new();
/// let chat = transport.websocket("wss://api.test/chat").accept_by_hand();
///
/// let request = http::Request::get("wss://api.test/chat").body(())?;
/// transport.block_on(async {
///     let mut client = transport.connect(request).await?;
///     let mut server = chat.next().await?;
///     client.send("hello".into()).await?;
///     assert_eq!(server.next().await.unwrap()?, Message::text("hello"));
///     assert_eq!(chat.wait_for_message("hello").await?.from, mockwire::Side::Client);
///     assert_eq!(chat.broadcast("to all")?, 1);
///     assert_eq!(client.next().await.unwrap()?, Message::text("to all"));
///     client.close().await
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Endpoint<M: Mode> {
    rule: Rule<M>,
}

/// A connection that is open.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Connected {
    /// The connection: the number of the request that opened it.
    pub connection: u64,
    /// When it opened, in the transport's time.
    pub at: Duration,
    /// The subprotocol.
    pub protocol: Option<String>,
    /// Who it belongs to, when it was last used, and what has passed over it.
    pub info: ConnectionInfo,
    /// When it has been open for longer than it should be.
    pub age_warning: Option<AgeWarning>,
}

impl<M: Mode> Endpoint<M> {
    pub(crate) fn new(rule: Rule<M>) -> Self {
        Self { rule }
    }

    /// The rule: how often it has answered, its requests, and its removal. Connections that are
    /// open go on when it is removed; those that [`next`](Self::next) has not taken are aborted.
    #[must_use]
    pub fn rule(&self) -> &Rule<M> {
        &self.rule
    }

    /// The server's end of the oldest connection that nobody has taken yet; waits until there is
    /// one. For rules that end with [`accept_by_hand`](crate::When::accept_by_hand).
    ///
    /// # Errors
    ///
    /// [`StaleHandle`](crate::ErrorKind::StaleHandle) when the rule is gone,
    /// [`Part::Option`] when its server ends are with a script or a handler.
    pub fn next(&self) -> NextSocket<'_, M> {
        NextSocket { endpoint: self }
    }

    /// The connections that are open, in the order of their requests.
    #[must_use]
    pub fn connections(&self) -> Vec<Connected> {
        let engine = &self.rule.transport().engine;
        engine.follow_clock();
        engine.with(|core| {
            let now = core.timeline.now();
            let open = core.open_sockets(self.rule.id()).into_iter();
            open.filter_map(|id| {
                let context = core.socket_context(id).ok()?;
                let (info, age_warning) = (context.info(), context.age_warning(now));
                let connection = core.socket(id)?;
                Some(Connected {
                    connection: connection.number,
                    at: connection.opened_at(),
                    protocol: connection.protocol.clone(),
                    info,
                    age_warning,
                })
            })
            .collect()
        })
    }

    /// What was said on all connections of the rule, by both ends, in order.
    #[must_use]
    pub fn messages(&self) -> Vec<SocketMessage> {
        let engine = &self.rule.transport().engine;
        engine.with(|core| core.messages_since(self.rule.id(), 0))
    }

    /// Sends a message to the client of each open connection, whoever has its server end; says to
    /// how many. It does not wait for room in their queues.
    ///
    /// # Errors
    ///
    /// [`Part::Message`] for a message that may not be sent.
    pub fn broadcast(&self, message: impl Into<Message>) -> Result<usize> {
        let message = message.into().validate()?;
        let engine = &self.rule.transport().engine;
        let open = engine.with(|core| core.open_sockets(self.rule.id()));
        let mut sent = 0;
        for id in open {
            let message = message.clone();
            let (result, after, refused) =
                engine.with(|core| core.socket_send(id, Side::Server, message));
            after.settle();
            drop(refused);
            sent += usize::from(result.is_ok());
        }
        Ok(sent)
    }

    /// Waits until a client has sent a message that matches, on any connection of the rule; one
    /// that was sent before counts as well. At most 30 s of the transport's time, unless
    /// [`within`](WaitForMessage::within) says otherwise.
    pub fn wait_for_message(&self, pattern: impl Into<MessagePattern>) -> WaitForMessage<M> {
        let engine = self.rule.transport().engine.clone();
        WaitForMessage::new(engine, self.rule.id(), pattern.into())
    }
}

/// The future that [`Endpoint::next`] returns. Dropping it takes nothing.
#[must_use = "futures do nothing unless polled"]
pub struct NextSocket<'a, M: Mode> {
    endpoint: &'a Endpoint<M>,
}

impl<M: Mode> Future for NextSocket<'_, M> {
    type Output = Result<ServerSocket<M>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let rule = &self.endpoint.rule;
        let engine = &rule.transport().engine;
        let mut waker = Some(cx.waker().clone());
        let next = engine.with(|core| {
            let next = core.next_socket(rule.id(), &mut waker)?;
            let registered = core.rules.get(rule.id());
            let action = registered.map(|it| it.rule.clone());
            Ok((next, action))
        });
        drop(waker);
        let (next, registered) = match next {
            Ok(next) => next,
            Err(error) => return Poll::Ready(Err(error)),
        };
        let accept = registered.as_ref().and_then(|rule| rule.action.accept());
        let Some(Accept {
            protocol,
            server: Server::Test,
            ..
        }) = accept
        else {
            let reason = "the server ends of this endpoint are with a script or a handler: use `accept_by_hand`";
            return Poll::Ready(Err(Error::invalid(Part::Option, "next", reason)));
        };
        let Some((id, request)) = next else {
            return Poll::Pending;
        };
        let end = End::new(engine.clone(), id, Side::Server);
        Poll::Ready(Ok(ServerSocket::new(end, request, protocol.clone())))
    }
}

impl<M: Mode> fmt::Debug for Endpoint<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Endpoint").field(&self.rule).finish()
    }
}

impl<M: Mode> fmt::Debug for NextSocket<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NextSocket")
            .field(&self.endpoint.rule)
            .finish()
    }
}
