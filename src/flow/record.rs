//! Answers from a cassette, and answers that are recorded on their way through.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use bytes::{Buf, Bytes};
use futures_util::future::{FutureExt, Join, Map, Ready, join, ready as at_once};
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::answer::{Answer, Outgoing, Passed, Responder, failed, passed_through};
use crate::cassette::RecordedEnd;
use crate::cassette::recorder::{Asked, Recorder, Track};
use crate::error::BoxError;
use crate::mode::{AcceptFuture, AcceptStream, Mode};
use crate::model::reply::Reply;
use crate::model::request::Request;

/// Answers with what is on a cassette.
#[doc(hidden)]
#[derive(Debug)]
pub struct Replaying<M: Mode>(pub(crate) Recorder<M>);

impl<M: Mode> Responder<M> for Replaying<M> {
    fn respond(&self, request: &Request) -> Answer<M> {
        let reply = self.0.replay(request, 0);
        Answer::Ready(Outgoing::of(
            reply.unwrap_or_else(|error| Reply::empty().fail(error)),
        ))
    }
}

/// Answers with what is on a cassette, or with what another transport answers, which is recorded.
#[doc(hidden)]
#[derive(Debug)]
pub struct Recording<M: Mode, F> {
    pub(crate) recorder: Recorder<M>,
    pub(crate) upstream: F,
}

/// The future of a response that is recorded, with its output made a reply.
pub(crate) type RecordedReply<M, A> = Map<Join<A, Ready<Track<M>>>, TakeResponse<M, A>>;

type TakeResponse<M, A> = fn((<A as Future>::Output, Track<M>)) -> Outgoing<M>;

impl<M, F, A, B, E> Responder<M> for Recording<M, F>
where
    M: AcceptFuture<RecordedReply<M, A>> + AcceptStream<Passed<Tee<M, B>>>,
    F: Fn(http::Request<Bytes>) -> A,
    A: Future<Output = Result<http::Response<B>, E>>,
    B: HttpBody<Error: Into<BoxError>>,
    E: Into<BoxError>,
{
    fn respond(&self, request: &Request) -> Answer<M> {
        let track = match self.recorder.ask(request) {
            Asked::Replay(reply) => return Answer::Ready(Outgoing::of(reply)),
            Asked::Record(track) => track,
        };
        let outgoing: TakeResponse<M, A> = |(output, mut track)| match output {
            Ok(response) => {
                let (parts, body) = response.into_parts();
                track.head(parts.status, &parts.headers);
                let body = Tee::new(body, track);
                passed_through(http::Response::from_parts(parts, body))
            }
            Err(error) => Outgoing::of(Reply::empty().fail(failed(error))),
        };
        let response = (self.upstream)(request.to_http());
        Answer::Later(M::erase_future(
            join(response, at_once(track)).map(outgoing),
        ))
    }
}

/// A body, of which a recording is made on its way to the client.
#[doc(hidden)]
#[derive(Debug)]
pub struct Tee<M: Mode, B: HttpBody> {
    body: Pin<Box<B>>,
    track: Track<M>,
}

impl<M: Mode, B: HttpBody> Tee<M, B> {
    fn new(body: B, mut track: Track<M>) -> Self {
        // Nobody may ask for what is not there: the body of a response to HEAD, for one.
        if body.is_end_stream() {
            track.end(RecordedEnd::Clean);
        }
        let body = Box::pin(body);
        Self { body, track }
    }
}

impl<M: Mode, B: HttpBody> HttpBody for Tee<M, B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = &mut *self;
        Poll::Ready(match ready!(this.body.as_mut().poll_frame(cx)) {
            None => {
                this.track.end(RecordedEnd::Clean);
                None
            }
            Some(Err(error)) => {
                this.track.end(RecordedEnd::Failed);
                Some(Err(error))
            }
            Some(Ok(frame)) => {
                let frame = frame.map_data(|mut data| data.copy_to_bytes(data.remaining()));
                if let Some(data) = frame.data_ref() {
                    this.track.data(data);
                }
                if let Some(fields) = frame.trailers_ref() {
                    this.track.trailers(fields);
                }
                Some(Ok(frame))
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<M: Mode, B: HttpBody> Unpin for Tee<M, B> {}

/// A client that has read what it wants need not ask for the end: then that is what comes next.
impl<M: Mode, B: HttpBody> Drop for Tee<M, B> {
    fn drop(&mut self) {
        if !self.track.is_open() {
            return;
        }
        let is_over = self.body.is_end_stream() || self.track.is_whole() || {
            let mut context = Context::from_waker(Waker::noop());
            let body = self.body.as_mut();
            let next = catch_unwind(AssertUnwindSafe(|| body.poll_frame(&mut context)));
            matches!(next, Ok(Poll::Ready(None)))
        };
        self.track.end(if is_over {
            RecordedEnd::Clean
        } else {
            RecordedEnd::Cut
        });
    }
}
