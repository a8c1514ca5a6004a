//! The two ends of a WebSocket connection: streams of messages, and sinks for them.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_core::Stream;
use futures_sink::Sink;

use super::end::End;
use super::wakers::Wakers;
use crate::core::rules::Site;
use crate::core::socket::Ending;
use crate::error::{Error, ErrorKind, Result};
use crate::fault::Fault;
use crate::matcher::panic_message;
use crate::mode::Mode;
use crate::model::captured::ResponseHead;
use crate::model::message::{CloseFrame, Message};
use crate::model::request::Request;

/// The client's end of a WebSocket connection: a `Stream` and a `Sink` of [`Message`]s.
///
/// The stream gives every message, pings, pongs and the close frame included. A ping is answered
/// at once, a close frame when it is taken. After a closing handshake the stream ends; when the
/// other end goes without one, it gives [`SocketAborted`](ErrorKind::SocketAborted) first, when
/// the test scripted a fault, that. `poll_ready` waits while the other end has 64 messages or
/// 1 MiB that it has not taken. Closing the sink sends a close frame with code 1000 and waits for
/// nothing: read on to see the answer.
///
/// Dropping it without closing aborts the connection: the server's end sees 1006. Both methods
/// of waiting may be dropped and tried again; nothing is lost.
pub struct Socket<M: Mode> {
    // Before the end: a handler that is dropped with the client's end sees it still there.
    handler: Option<Running<M>>,
    end: End<M>,
    response: ResponseHead,
}

/// The handler of the server's end, which runs as long as the client's end is polled.
pub(super) struct Running<M: Mode> {
    task: M::Task,
    site: Site,
    /// The client may read in one task and write in another.
    wakers: Arc<Wakers>,
    waker: Waker,
}

impl<M: Mode> Running<M> {
    pub(super) fn new(task: M::Task, site: Site) -> Self {
        let wakers = Arc::<Wakers>::default();
        Self {
            task,
            site,
            waker: Waker::from(wakers.clone()),
            wakers,
        }
    }
}

/// What the client does while it lets the handler go on.
#[derive(Clone, Copy)]
enum Doing {
    Reading,
    Writing,
}

impl<M: Mode> Socket<M> {
    pub(super) fn new(end: End<M>, handler: Option<Running<M>>, response: ResponseHead) -> Self {
        Self {
            handler,
            end,
            response,
        }
    }

    /// The response that opened the connection.
    #[must_use]
    pub fn response(&self) -> &ResponseHead {
        &self.response
    }

    /// The subprotocol that the server chose.
    #[must_use]
    pub fn protocol(&self) -> Option<&str> {
        let protocol = self.response.headers.get("sec-websocket-protocol")?;
        protocol.to_str().ok()
    }

    /// The connection: the number of the request that opened it. 0 when the transport was reset.
    #[must_use]
    pub fn connection(&self) -> u64 {
        self.end.number()
    }

    /// Begins the closing handshake. Read on to see the answer.
    ///
    /// # Errors
    ///
    /// [`Part::Message`](crate::Part::Message) for a code or a reason that may not be sent,
    /// [`SocketClosed`](ErrorKind::SocketClosed) when it was closed before.
    pub fn close_with(&mut self, code: u16, reason: impl Into<String>) -> Result<()> {
        let reason = reason.into();
        self.end.close(CloseFrame { code, reason })
    }

    /// The client has sent what is not WebSocket: the server closes, and the connection fails.
    #[cfg_attr(
        not(all(feature = "tungstenite", not(target_arch = "wasm32"))),
        allow(dead_code)
    )]
    pub(crate) fn violate(&self, frame: CloseFrame) {
        self.end.violate(frame);
    }

    /// Lets the server's handler go on.
    fn run_handler(&mut self, doing: Doing, cx: &Context<'_>) {
        let Some(running) = &mut self.handler else {
            return;
        };
        match doing {
            Doing::Reading => running.wakers.reader.register(cx.waker()),
            Doing::Writing => running.wakers.writer.register(cx.waker()),
        }
        let mut cx = Context::from_waker(&running.waker);
        let polled = catch_unwind(AssertUnwindSafe(|| {
            Pin::new(&mut running.task).poll(&mut cx)
        }));
        let failed = match polled {
            Ok(Poll::Pending) => return,
            Ok(Poll::Ready(result)) => result.err(),
            Err(panic) => Some(Error::new(ErrorKind::HandlerPanicked {
                rule: String::new(),
                message: panic_message(&*panic),
            })),
        };
        if let Some(error) = failed {
            let error = error.in_rule(&running.site.to_string());
            let _ = self.end.end(Ending::Failed(error));
        }
        drop(self.handler.take());
    }
}

impl<M: Mode> Stream for Socket<M> {
    type Item = Result<Message>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Message>>> {
        self.run_handler(Doing::Reading, cx);
        self.end.poll_next(cx)
    }
}

impl<M: Mode> Sink<Message> for Socket<M> {
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.run_handler(Doing::Writing, cx);
        self.end.poll_ready(cx)
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<()> {
        self.end.send(message)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.run_handler(Doing::Writing, cx);
        Poll::Ready(Ok(()))
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let closed = self.end.poll_close();
        self.run_handler(Doing::Writing, cx);
        closed
    }
}

impl<M: Mode> Unpin for Socket<M> {}

/// The server's end of a WebSocket connection: given to the handler of
/// [`accept_with`](crate::When::accept_with), or taken from an
/// [`Endpoint`](crate::futures::Endpoint). A `Stream` and a `Sink` of [`Message`]s, like the
/// client's [`Socket`].
pub struct ServerSocket<M: Mode> {
    end: End<M>,
    request: Request,
    protocol: Option<String>,
}

impl<M: Mode> ServerSocket<M> {
    pub(super) fn new(end: End<M>, request: Request, protocol: Option<String>) -> Self {
        Self {
            end,
            request,
            protocol,
        }
    }

    /// The request that opened the connection.
    #[must_use]
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// The subprotocol that the rule chose.
    #[must_use]
    pub fn protocol(&self) -> Option<&str> {
        self.protocol.as_deref()
    }

    /// The connection: the number of the request that opened it. 0 when the transport was reset.
    #[must_use]
    pub fn connection(&self) -> u64 {
        self.end.number()
    }

    /// Begins the closing handshake. Read on to see the answer.
    ///
    /// # Errors
    ///
    /// [`Part::Message`](crate::Part::Message) for a code or a reason that may not be sent,
    /// [`SocketClosed`](ErrorKind::SocketClosed) when it was closed before.
    pub fn close_with(&mut self, code: u16, reason: impl Into<String>) -> Result<()> {
        let reason = reason.into();
        self.end.close(CloseFrame { code, reason })
    }

    /// Ends the connection without a closing handshake, as dropping it does: the client sees 1006.
    pub fn abort(self) {
        drop(self);
    }

    /// Fails the connection: the client sees this fault.
    ///
    /// # Errors
    ///
    /// [`StaleHandle`](ErrorKind::StaleHandle) or [`Disposed`](ErrorKind::Disposed) when the
    /// transport was reset or disposed.
    pub fn fail(self, fault: Fault) -> Result<()> {
        self.end.end(Ending::Fault(fault))
    }
}

impl<M: Mode> Stream for ServerSocket<M> {
    type Item = Result<Message>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Message>>> {
        self.end.poll_next(cx)
    }
}

impl<M: Mode> Sink<Message> for ServerSocket<M> {
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.end.poll_ready(cx)
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<()> {
        self.end.send(message)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
        self.end.poll_close()
    }
}

impl<M: Mode> Unpin for ServerSocket<M> {}

impl<M: Mode> fmt::Debug for Socket<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket")
            .field("connection", &self.connection())
            .field("protocol", &self.protocol())
            .finish_non_exhaustive()
    }
}

impl<M: Mode> fmt::Debug for ServerSocket<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerSocket")
            .field("connection", &self.connection())
            .field("request", &self.request)
            .finish_non_exhaustive()
    }
}
