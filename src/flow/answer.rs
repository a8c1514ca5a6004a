//! What a rule's handler gives: a reply, at once or later.

use std::future::Future;

use bytes::{Buf, Bytes};
use futures_core::Stream;
use futures_util::future::{FutureExt, Map};
use futures_util::stream::{self, StreamExt};
use http_body::{Body as HttpBody, Frame};
use http_body_util::BodyStream;

use crate::error::{BoxError, Error, ErrorKind};
use crate::mode::{AcceptFuture, AcceptStream, Mode};
use crate::model::content::Content;
use crate::model::reply::Reply;
use crate::model::request::Request;

/// Answers requests: what the closures given to [`When`](crate::When) are wrapped in.
pub trait Responder<M: Mode> {
    #[doc(hidden)]
    fn respond(&self, request: &Request) -> Answer<M>;
}

/// A reply, at once or later.
#[doc(hidden)]
#[allow(missing_debug_implementations)]
pub enum Answer<M: Mode> {
    Ready(Outgoing<M>),
    Later(M::Future),
}

/// A reply on its way out, perhaps with a body that somebody else produces.
#[doc(hidden)]
#[allow(missing_debug_implementations)]
pub struct Outgoing<M: Mode> {
    pub(crate) reply: Reply,
    pub(crate) live: Option<M::Live>,
}

impl<M: Mode> Outgoing<M> {
    pub(crate) fn of(reply: Reply) -> Self {
        Self { reply, live: None }
    }
}

/// A closure that gives the reply at once.
#[doc(hidden)]
#[derive(Debug)]
pub struct Immediate<F>(pub(crate) F);

impl<M, F, R> Responder<M> for Immediate<F>
where
    M: Mode,
    F: Fn(&Request) -> R,
    R: Into<Reply>,
{
    fn respond(&self, request: &Request) -> Answer<M> {
        Answer::Ready(Outgoing::of((self.0)(request).into()))
    }
}

/// A handler as a type of its own: what a protocol's module wraps a user's closure in. See
/// [`When::reply_by`](crate::When::reply_by).
pub trait Handler {
    /// The reply to a request. Runs outside every lock.
    fn reply(&self, request: &Request) -> Reply;
}

/// A [`Handler`] as a rule keeps it: what the bounds of those name who pass handlers on.
#[derive(Debug)]
pub struct By<H>(pub(crate) H);

impl<M: Mode, H: Handler> Responder<M> for By<H> {
    fn respond(&self, request: &Request) -> Answer<M> {
        Answer::Ready(Outgoing::of(self.0.reply(request)))
    }
}

/// A closure that gives a future of the reply.
#[doc(hidden)]
#[derive(Debug)]
pub struct Eventual<F>(pub(crate) F);

/// The future of an [`Eventual`], with its output made a reply.
pub(crate) type EventualReply<M, A> = Map<A, fn(<A as Future>::Output) -> Outgoing<M>>;

impl<M, F, A> Responder<M> for Eventual<F>
where
    M: AcceptFuture<EventualReply<M, A>>,
    F: Fn(Request) -> A,
    A: Future<Output: Into<Reply>>,
{
    fn respond(&self, request: &Request) -> Answer<M> {
        let outgoing: fn(A::Output) -> Outgoing<M> = |output| Outgoing::of(output.into());
        Answer::Later(M::erase_future((self.0)(request.clone()).map(outgoing)))
    }
}

/// A head, and a closure that gives a stream of the body's frames.
#[doc(hidden)]
#[derive(Debug)]
pub struct Streaming<F> {
    pub(crate) head: Reply,
    pub(crate) frames: F,
}

/// The frames of a [`Streaming`].
pub(crate) type Frames<S> = stream::Map<S, TakeFrame<S>>;

type TakeFrame<S> = fn(<S as Stream>::Item) -> Result<Frame<Bytes>, Error>;

impl<M, F, S, C, E> Responder<M> for Streaming<F>
where
    M: AcceptStream<Frames<S>>,
    F: Fn(&Request) -> S,
    S: Stream<Item = Result<C, E>>,
    C: Into<Content>,
    E: Into<BoxError>,
{
    fn respond(&self, request: &Request) -> Answer<M> {
        let taken: TakeFrame<S> = |frame| match frame {
            Ok(content) => Ok(Frame::data(content.into().into_bytes())),
            Err(error) => Err(Error::of_stream(error.into())),
        };
        let frames = (self.frames)(request).map(taken);
        Answer::Ready(Outgoing {
            reply: self.head.clone(),
            live: Some(M::erase_stream(frames)),
        })
    }
}

/// A closure that asks another transport.
#[doc(hidden)]
#[derive(Debug)]
pub struct Passthrough<F>(pub(crate) F);

/// Takes a frame with its data as bytes.
type TakeBytes<B> =
    fn(Result<Frame<<B as HttpBody>::Data>, <B as HttpBody>::Error>) -> Result<Frame<Bytes>, Error>;

/// The frames of another transport's body.
pub(crate) type Passed<B> = stream::Map<BodyStream<B>, TakeBytes<B>>;

impl<M, F, A, B, E> Responder<M> for Passthrough<F>
where
    M: AcceptFuture<EventualReply<M, A>> + AcceptStream<Passed<B>>,
    F: Fn(http::Request<Bytes>) -> A,
    A: Future<Output = Result<http::Response<B>, E>>,
    B: HttpBody<Error: Into<BoxError>>,
    E: Into<BoxError>,
{
    fn respond(&self, request: &Request) -> Answer<M> {
        let outgoing: fn(A::Output) -> Outgoing<M> = |output| match output {
            Ok(response) => passed_through(response),
            Err(error) => Outgoing::of(Reply::empty().fail(failed(error))),
        };
        Answer::Later(M::erase_future((self.0)(request.to_http()).map(outgoing)))
    }
}

pub(super) fn passed_through<M, B>(response: http::Response<B>) -> Outgoing<M>
where
    M: AcceptStream<Passed<B>>,
    B: HttpBody<Error: Into<BoxError>>,
{
    let (parts, body) = response.into_parts();
    let taken: TakeBytes<B> = |frame| {
        let copy = |mut data: B::Data| data.copy_to_bytes(data.remaining());
        frame.map(|frame| frame.map_data(copy)).map_err(failed)
    };
    let head = http::Response::from_parts(parts, ());
    Outgoing {
        reply: Reply::from(head),
        live: Some(M::erase_stream(BodyStream::new(body).map(taken))),
    }
}

pub(super) fn failed(error: impl Into<BoxError>) -> Error {
    Error::with_source(ErrorKind::PassthroughFailed, error)
}
