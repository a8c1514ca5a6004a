//! The transport as a `tower` service: `Service<http::Request<B>>` for any body `B`.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, BytesMut};
use http_body::Body as HttpBody;
use tower_service::Service;

use crate::error::{BoxError, Error, Part};
use crate::flow::body::Body;
use crate::flow::respond::Respond;
use crate::mode::Mode;
use crate::transport::MockTransport;

/// Always ready: a limit on concurrency queues inside the call, where it is observable.
///
/// The request's body is read to its end first; then the request arrives.
impl<M: Mode, B: HttpBody<Error: Into<BoxError>>> Service<http::Request<B>> for MockTransport<M> {
    type Response = http::Response<Body<M>>;
    type Error = Error;
    type Future = CallService<M, B>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> CallService<M, B> {
        let (parts, body) = request.into_parts();
        CallService {
            transport: self.clone(),
            state: State::Reading {
                parts: Some(Box::new(parts)),
                body: Box::pin(body),
                read: BytesMut::new(),
            },
        }
    }
}

/// The future of the `tower` service. Dropping it cancels the call.
pub struct CallService<M: Mode, B> {
    transport: MockTransport<M>,
    state: State<M, B>,
}

enum State<M: Mode, B> {
    Reading {
        parts: Option<Box<http::request::Parts>>,
        body: Pin<Box<B>>,
        read: BytesMut,
    },
    Responding(Respond<M>),
}

impl<M: Mode, B: HttpBody<Error: Into<BoxError>>> Future for CallService<M, B> {
    type Output = Result<http::Response<Body<M>>, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let this = &mut *self;
            let (parts, body, read) = match &mut this.state {
                State::Responding(respond) => return Pin::new(respond).poll(cx),
                State::Reading { parts, body, read } => (parts, body, read),
            };
            match body.as_mut().poll_frame(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Ok(frame))) => {
                    if let Ok(data) = frame.into_data() {
                        read.extend_from_slice(data.chunk());
                    }
                }
                Poll::Ready(Some(Err(error))) => {
                    let error: BoxError = error.into();
                    let reason = format!("the request's body failed: {error}");
                    return Poll::Ready(Err(Error::invalid(Part::Body, "request", reason)));
                }
                Poll::Ready(None) => {
                    let parts = parts.take();
                    let read = std::mem::take(read).freeze();
                    let Some(parts) = parts else {
                        panic!("a `CallService` was polled after it had completed");
                    };
                    let request = http::Request::from_parts(*parts, read);
                    this.state = State::Responding(this.transport.call(request));
                }
            }
        }
    }
}

impl<M: Mode, B> Unpin for CallService<M, B> {}

impl<M: Mode, B> fmt::Debug for CallService<M, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.state {
            State::Reading { read, .. } => write!(f, "CallService(read {} bytes)", read.len()),
            State::Responding(respond) => write!(f, "CallService({respond:?})"),
        }
    }
}
