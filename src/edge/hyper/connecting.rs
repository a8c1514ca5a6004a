//! From an attempt to connect to a connection.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{StatusCode, Uri};

use super::dial::dial;
use super::origin::Origin;
use super::stream::HttpStream;
use crate::engine::Engine;
use crate::error::Result;
use crate::flow::body::Body;
use crate::flow::respond::Respond;
use crate::mode::Mode;

/// The future of [`Connector::connect`](super::Connector::connect): a connection, or why there is none.
///
/// Dropping it cancels the attempt.
#[must_use = "futures do nothing unless polled: without it nobody connects"]
pub struct Connecting<M: Mode> {
    engine: M::Ptr<Engine<M>>,
    state: State<M>,
}

enum State<M: Mode> {
    Start(Uri),
    /// A rule answers; it may take its time.
    Answered(Box<Respond<M>>, Origin),
    Over,
}

impl<M: Mode> Connecting<M> {
    pub(super) fn new(engine: M::Ptr<Engine<M>>, origin: Uri) -> Self {
        let state = State::Start(origin);
        Self { engine, state }
    }

    fn start(&mut self, origin: Uri, cx: &mut Context<'_>) -> Poll<io::Result<HttpStream<M>>> {
        let origin = Origin::of(origin)?;
        let request = origin.request();
        let Some((exchange, decision)) = dial(&self.engine, &request)? else {
            return Poll::Ready(Ok(HttpStream::open(self.engine.clone(), origin)));
        };
        let mut respond = Respond::new(self.engine.clone(), request);
        match respond.carry_out(exchange, decision, cx) {
            Poll::Ready(answered) => Poll::Ready(self.connected(answered, origin)),
            Poll::Pending => {
                self.state = State::Answered(Box::new(respond), origin);
                Poll::Pending
            }
        }
    }

    fn connected(
        &self,
        answered: Result<http::Response<Body<M>>>,
        origin: Origin,
    ) -> io::Result<HttpStream<M>> {
        match answered?.status() {
            status if status.is_success() => Ok(HttpStream::open(self.engine.clone(), origin)),
            status => Err(refused(status)),
        }
    }
}

fn refused(status: StatusCode) -> io::Error {
    let reason = format!("the connection was refused with status {}", status.as_u16());
    io::Error::new(io::ErrorKind::ConnectionRefused, reason)
}

impl<M: Mode> Future for Connecting<M> {
    type Output = io::Result<HttpStream<M>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Start(origin) => self.start(origin, cx),
            State::Answered(mut respond, origin) => match Pin::new(&mut respond).poll(cx) {
                Poll::Ready(answered) => Poll::Ready(self.connected(answered, origin)),
                Poll::Pending => {
                    self.state = State::Answered(respond, origin);
                    Poll::Pending
                }
            },
            State::Over => panic!("a `Connecting` was polled after it had completed"),
        }
    }
}

impl<M: Mode> Unpin for Connecting<M> {}

impl<M: Mode> fmt::Debug for Connecting<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Start(_) => "not polled yet",
            State::Answered(..) => "waiting for a reply",
            State::Over => "over",
        };
        f.debug_tuple("Connecting").field(&state).finish()
    }
}
