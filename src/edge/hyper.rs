//! HTTP/1.1 connections as bytes in memory, for the clients of `hyper` and `hyper-util`.

mod connecting;
mod dial;
mod gather;
mod origin;
mod pipe;
mod server;
mod signal;
mod stream;

use std::fmt;
use std::io;
use std::task::{Context, Poll};

use http::Uri;
use tower_service::Service;

pub use self::connecting::Connecting;
pub use self::stream::HttpStream;
use crate::engine::Engine;
use crate::mode::Mode;
use crate::transport::MockTransport;

impl<M: Mode> MockTransport<M> {
    /// A connector for a real client: it makes connections in memory, behind which a server of hyper
    /// speaks HTTP/1.1 and asks the rules. No socket, no port, no task.
    #[must_use]
    pub fn connector(&self) -> Connector<M> {
        Connector {
            engine: self.engine.clone(),
        }
    }
}

/// Makes HTTP/1.1 connections to a transport, as bytes in memory; made by
/// [`connector`](MockTransport::connector).
///
/// It is what `hyper_util::client::legacy::Client` connects with, so that pooling, keep-alive and the
/// client's own errors are the real ones. `https` URLs are connected to as well, without TLS: the rules
/// see the scheme.
///
/// ```
/// use bytes::Bytes;
/// use http_body_util::{BodyExt, Empty};
/// use hyper_util::client::legacy::Client;
/// use hyper_util::rt::TokioExecutor;
/// use mockwire::{Reply, sync::MockTransport};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let transport = MockTransport::new();
/// transport.get("https://api.test/hello").reply(Reply::text("hello"));
///
/// let client = Client::builder(TokioExecutor::new()).build(transport.connector());
/// let response = client.request(
///     http::Request::get("https://api.test/hello").body(Empty::<Bytes>::new())?,
/// );
/// let body = response.await?.into_body().collect().await?.to_bytes();
/// assert_eq!(body, "hello");
/// # Ok(())
/// # }
/// ```
///
/// # How it works
///
/// The client's end of a connection owns the server, and polls it: a read, a write or a flush lets the
/// server go on as far as it can, and what the server waits for wakes the client. So nothing is spawned and
/// no runtime is needed, also for a client of `hyper::client::conn`:
///
/// ```
/// use bytes::Bytes;
/// use futures_util::future::{Either, select};
/// use http_body_util::{BodyExt, Empty};
/// use hyper::client::conn::http1;
/// use mockwire::{Reply, local::MockTransport};
///
/// let transport = MockTransport::new();
/// transport.get("https://api.test/hello").reply(Reply::text("hello"));
///
/// let body = transport.block_on(async {
///     let stream = transport.connector().connect("https://api.test".parse()?).await?;
///     let (mut sender, connection) = http1::handshake(stream).await?;
///     let request = http::Request::get("/hello")
///         .header("host", "api.test")
///         .body(Empty::<Bytes>::new())?;
///     let exchange = async { sender.send_request(request).await?.into_body().collect().await };
///     match select(Box::pin(exchange), connection).await {
///         Either::Left((body, _)) => Ok(body?.to_bytes()),
///         Either::Right(_) => Err::<_, Box<dyn std::error::Error>>("closed".into()),
///     }
/// });
/// assert_eq!(body.unwrap(), "hello");
/// ```
///
/// The body of a response makes its next frame when the client has read what came before.
///
/// # Faults
///
/// An exchange that fails ends its connection, after what was said already: [`ConnectionReset`] and
/// [`Timeout`] as an error of reading, [`ConnectionClosed`] as its end, [`MalformedResponse`] with bytes that
/// are not HTTP. A request that no rule matches, and a handler that fails, is an error of reading too;
/// [`Error::find`] finds it among the sources of the client's.
///
/// A connection is made before anybody knows what for. It fails
///
/// * while its host is [down](MockTransport::outage) or [killed](MockTransport::kill), which ends idle
///   connections as well;
/// * when a rule for `CONNECT` and its origin says so, which is asked first:
///   `transport.on(mockwire::on("CONNECT", "https://api.test/"))`. A reply with a 2xx status lets it be made,
///   after the reply's delay;
/// * when every rule that may answer a request to its origin would reply, now, with a fault that
///   [is one of connecting](crate::Fault::is_connect).
///
/// Such an attempt is captured, as a `CONNECT` request; one that succeeds only when a rule was asked. When
/// such a fault answers one request of a connection that exists, it is an error of reading.
///
/// ```
/// # use bytes::Bytes;
/// # use http_body_util::Empty;
/// # use hyper_util::client::legacy::Client;
/// # use hyper_util::rt::TokioExecutor;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use mockwire::{Error, Fault, sync::MockTransport};
///
/// let transport = MockTransport::new();
/// transport.get("https://api.test/hello").reply(Fault::ConnectionRefused);
///
/// let client = Client::builder(TokioExecutor::new()).build(transport.connector());
/// let request = http::Request::get("https://api.test/hello").body(Empty::<Bytes>::new())?;
/// let error = client.request(request).await.unwrap_err();
/// assert!(error.is_connect());
/// assert_eq!(Error::find(&error).and_then(Error::fault), Some(Fault::ConnectionRefused));
/// # Ok(())
/// # }
/// ```
///
/// [`ConnectionClosed`]: crate::Fault::ConnectionClosed
/// [`ConnectionReset`]: crate::Fault::ConnectionReset
/// [`MalformedResponse`]: crate::Fault::MalformedResponse
/// [`Timeout`]: crate::Fault::Timeout
/// [`Error::find`]: crate::Error::find
pub struct Connector<M: Mode> {
    engine: M::Ptr<Engine<M>>,
}

impl<M: Mode> Connector<M> {
    /// Connects to an origin: the scheme, the host and the port of a URL.
    ///
    /// # Errors
    ///
    /// An I/O error with the [kind](crate::Fault::io_kind) of the fault that the connection fails with.
    pub fn connect(&self, origin: Uri) -> Connecting<M> {
        Connecting::new(self.engine.clone(), origin)
    }
}

impl<M: Mode> Service<Uri> for Connector<M> {
    type Response = HttpStream<M>;
    type Error = io::Error;
    type Future = Connecting<M>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, origin: Uri) -> Connecting<M> {
        self.connect(origin)
    }
}

impl<M: Mode> Clone for Connector<M> {
    fn clone(&self) -> Self {
        Self {
            engine: self.engine.clone(),
        }
    }
}

impl<M: Mode> fmt::Debug for Connector<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").finish_non_exhaustive()
    }
}
