//! The far side of a connection: a server of hyper, which asks the rules.

use std::convert::Infallible;
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, Request, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper::server::conn::http1;
use hyper::service::Service;

use super::gather::Gather;
use super::origin::Origin;
use super::pipe::{Pipe, Wire};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::flow::body::Body;
use crate::flow::respond::Respond;
use crate::mode::{Cell, Mode};

/// A server with one connection, to be polled by its client.
pub(super) type Server<M> = Pin<Box<http1::Connection<End<M>, Rules<M>>>>;

pub(super) fn server<M: Mode>(
    engine: M::Ptr<Engine<M>>,
    origin: Origin,
    wire: Wire<M>,
) -> Server<M> {
    let end = End(wire.clone());
    let rules = Rules {
        engine,
        origin,
        wire,
    };
    let mut builder = http1::Builder::new();
    // The transport reads no clock.
    builder.auto_date_header(false);
    Box::pin(builder.serve_connection(end, rules))
}

/// The server's end of the bytes. It registers no waker: its client polls it when there is something.
pub(super) struct End<M: Mode>(Wire<M>);

impl<M: Mode> Read for End<M> {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let is_over = self
            .0
            .with(|pipe| pipe.to_server.pull(&mut buffer) || pipe.has_ended);
        if is_over {
            Poll::Ready(Ok(()))
        } else {
            Poll::Pending
        }
    }
}

impl<M: Mode> Write for End<M> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let pushed = self.0.with(|pipe| {
            let pushed = pipe.to_client.push_all(parts);
            pipe.is_blocked |= pushed == 0;
            pushed
        });
        match pushed {
            0 => Poll::Pending,
            pushed => Poll::Ready(Ok(pushed)),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.with(Pipe::flushed);
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl<M: Mode> Unpin for End<M> {}

/// The rules, as a service.
pub(super) struct Rules<M: Mode> {
    engine: M::Ptr<Engine<M>>,
    origin: Origin,
    wire: Wire<M>,
}

impl<M: Mode> Service<Request<Incoming>> for Rules<M> {
    type Response = Response<Served<M>>;
    type Error = Infallible;
    type Future = Serving<M>;

    fn call(&self, request: Request<Incoming>) -> Serving<M> {
        self.wire.with(|pipe| pipe.is_busy = true);
        let (parts, body) = request.into_parts();
        Serving {
            engine: self.engine.clone(),
            origin: self.origin.clone(),
            wire: self.wire.clone(),
            state: State::Reading(Some(Gather::begin(parts, &body)), body),
        }
    }
}

/// From a request to the head of its response. It never fails: it hangs up, and completes no more.
pub(super) struct Serving<M: Mode> {
    engine: M::Ptr<Engine<M>>,
    origin: Origin,
    wire: Wire<M>,
    state: State<M>,
}

#[allow(
    clippy::large_enum_variant,
    reason = "hyper has a place for it, once for a connection"
)]
enum State<M: Mode> {
    Reading(Option<Gather>, Incoming),
    Responding(Respond<M>),
    Over,
}

impl<M: Mode> Serving<M> {
    /// The rest of the request; whether it has come.
    fn poll_request(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let State::Reading(gather, body) = &mut self.state else {
                return Poll::Ready(());
            };
            match Pin::new(body).poll_frame(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Ok(frame))) => {
                    if let (Ok(data), Some(gather)) = (frame.into_data(), gather) {
                        gather.push(data);
                    }
                }
                Poll::Ready(None) => {
                    self.state = match gather.take() {
                        Some(gather) => {
                            let request = gather.finish(&self.origin);
                            State::Responding(Respond::new(self.engine.clone(), request))
                        }
                        None => State::Over,
                    };
                }
                // The client has gone, or sends what is no body: hyper knows already.
                Poll::Ready(Some(Err(_))) => self.state = State::Over,
            }
        }
    }
}

impl<M: Mode> Future for Serving<M> {
    type Output = Result<Response<Served<M>>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.poll_request(cx).is_pending() {
            return Poll::Pending;
        }
        let State::Responding(respond) = &mut self.state else {
            return Poll::Pending;
        };
        match Pin::new(respond).poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(response)) => {
                self.state = State::Over;
                Poll::Ready(Ok(Served::of(response, self.wire.clone())))
            }
            Poll::Ready(Err(error)) => {
                self.state = State::Over;
                self.wire.with(|pipe| pipe.fail(error, false));
                Poll::Pending
            }
        }
    }
}

impl<M: Mode> Unpin for Serving<M> {}

/// The body of a response, which makes its next frame when the client has read what came before. It
/// never fails: it hangs up, and ends no more.
pub(super) struct Served<M: Mode> {
    body: Body<M>,
    wire: Wire<M>,
    /// Whether the client knows where it ends.
    is_sized: bool,
    /// Whether there has been a frame.
    has_begun: bool,
    /// Whether it has hung up.
    is_over: bool,
}

impl<M: Mode> Served<M> {
    fn of(response: Response<Body<M>>, wire: Wire<M>) -> Response<Self> {
        let says_length = |headers: &HeaderMap| headers.contains_key(CONTENT_LENGTH);
        let is_sized =
            response.body().size_hint().exact().is_some() || says_length(response.headers());
        response.map(|body| Self {
            body,
            wire,
            is_sized,
            has_begun: false,
            is_over: false,
        })
    }

    fn fail(&mut self, error: Error) {
        self.is_over = true;
        let is_sized = self.is_sized;
        self.wire.with(|pipe| pipe.fail(error, is_sized));
    }
}

impl<M: Mode> HttpBody for Served<M> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let has_to_wait = self.has_begun && self.wire.with(Pipe::block_until_read);
        if self.is_over || has_to_wait {
            return Poll::Pending;
        }
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Ready(Some(Ok(frame))) => {
                if !self.body.is_end_stream() {
                    self.has_begun = true;
                    self.wire.with(|pipe| pipe.is_flushed = false);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                self.fail(error);
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<M: Mode> Unpin for Served<M> {}

impl<M: Mode> Drop for Served<M> {
    fn drop(&mut self) {
        self.wire.with(|pipe| pipe.is_busy = false);
    }
}
