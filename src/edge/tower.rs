//! The transport as a `tower` service: `Service<http::Request<B>>` for any body `B`.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes, BytesMut};
use http_body::Body as HttpBody;
use pin_project_lite::pin_project;
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
            parts: Some(parts),
            body,
            read: Read::default(),
            respond: None,
        }
    }
}

pin_project! {
    /// The future of the `tower` service. Dropping it cancels the call.
    pub struct CallService<M: Mode, B> {
        transport: MockTransport<M>,
        // `None` once the request's body is read.
        parts: Option<http::request::Parts>,
        #[pin]
        body: B,
        read: Read,
        respond: Option<Respond<M>>,
    }
}

/// A body as far as it is read. Nearly always it is one frame, which is not copied.
#[derive(Default)]
struct Read {
    first: Bytes,
    all: BytesMut,
}

impl Read {
    fn push(&mut self, mut data: impl Buf) {
        if self.all.is_empty() && self.first.is_empty() {
            self.first = data.copy_to_bytes(data.remaining());
            return;
        }
        if self.all.is_empty() {
            self.all.extend_from_slice(&self.first);
        }
        while data.has_remaining() {
            let chunk = data.chunk();
            self.all.extend_from_slice(chunk);
            let len = chunk.len();
            data.advance(len);
        }
    }

    fn take(&mut self) -> Bytes {
        if self.all.is_empty() {
            std::mem::take(&mut self.first)
        } else {
            std::mem::take(&mut self.all).freeze()
        }
    }
}

impl<M: Mode, B: HttpBody<Error: Into<BoxError>>> Future for CallService<M, B> {
    type Output = Result<http::Response<Body<M>>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            if let Some(respond) = this.respond {
                return Pin::new(respond).poll(cx);
            }
            match this.body.as_mut().poll_frame(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Ok(frame))) => {
                    if let Ok(data) = frame.into_data() {
                        this.read.push(data);
                    }
                }
                Poll::Ready(Some(Err(error))) => {
                    let error: BoxError = error.into();
                    let reason = format!("the request's body failed: {error}");
                    return Poll::Ready(Err(Error::invalid(Part::Body, "request", reason)));
                }
                Poll::Ready(None) => {
                    let Some(parts) = this.parts.take() else {
                        panic!("a `CallService` was polled after it had completed");
                    };
                    let request = http::Request::from_parts(parts, this.read.take());
                    *this.respond = Some(MockTransport::call(this.transport, request));
                }
            }
        }
    }
}

impl<M: Mode, B> fmt::Debug for CallService<M, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.respond {
            None => f.write_str("CallService(reading the request)"),
            Some(respond) => write!(f, "CallService({respond:?})"),
        }
    }
}
