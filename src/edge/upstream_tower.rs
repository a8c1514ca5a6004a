//! A `tower` service as the real transport that requests are passed through to.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use pin_project_lite::pin_project;
use tower_service::Service;

/// Any `tower` service that takes HTTP requests, as what
/// [`When::passthrough`](crate::When::passthrough), [`When::record`](crate::When::record) and
/// [`Builder::unmatched_passthrough`](crate::Builder::unmatched_passthrough) ask for. Each request is
/// given to a clone of it, when that is ready.
///
/// ```
/// use mockwire::{Reply, sync::MockTransport, upstream};
///
/// // A service: here another mock. A client of hyper-util is one as well.
/// let service = MockTransport::new();
/// service.get("/").reply("hello");
///
/// let transport = MockTransport::new();
/// transport.otherwise().passthrough(upstream::tower::<_, http_body_util::Full<bytes::Bytes>>(service));
/// # let request = http::Request::get("https://api.test/").body(())?;
/// # let body = transport.block_on(transport.call(request)).unwrap().into_body();
/// # assert_eq!(transport.block_on(body.text()).unwrap(), "hello");
/// # Ok::<(), http::Error>(())
/// ```
pub fn tower<S, B>(service: S) -> impl Fn(http::Request<Bytes>) -> CallUpstream<S, B> + Clone
where
    S: Service<http::Request<B>> + Clone,
    B: From<Bytes>,
{
    move |request| CallUpstream {
        service: service.clone(),
        request: Some(request.map(B::from)),
        call: None,
    }
}

pin_project! {
    /// The future of a request to a `tower` service.
    #[must_use = "futures do nothing unless polled"]
    pub struct CallUpstream<S, B>
    where
        S: Service<http::Request<B>>,
    {
        service: S,
        // Until the service is ready.
        request: Option<http::Request<B>>,
        #[pin]
        call: Option<S::Future>,
    }
}

impl<S, B> Future for CallUpstream<S, B>
where
    S: Service<http::Request<B>>,
{
    type Output = Result<S::Response, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            if let Some(call) = this.call.as_mut().as_pin_mut() {
                return call.poll(cx);
            }
            ready!(this.service.poll_ready(cx))?;
            let Some(request) = this.request.take() else {
                panic!("a `CallUpstream` was polled after it had completed");
            };
            this.call.set(Some(this.service.call(request)));
        }
    }
}

impl<S, B> fmt::Debug for CallUpstream<S, B>
where
    S: Service<http::Request<B>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallUpstream")
            .field("is_called", &self.call.is_some())
            .finish_non_exhaustive()
    }
}
