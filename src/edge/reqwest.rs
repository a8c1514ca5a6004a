//! The transport as a middleware of `reqwest-middleware`: no request reaches the network.

mod genuine;

use std::error::Error as StdError;
use std::io;

use async_trait::async_trait;
use http_body_util::BodyExt;
use reqwest_middleware::{Middleware, Next};

use crate::error::Error;
use crate::mode::Threaded;
use crate::transport::MockTransport;

/// Give it to `reqwest_middleware::ClientBuilder::with`, as the last middleware: the client's own
/// retries and the like then see the mock's responses.
///
/// What `reqwest::Client` itself adds below its middlewares never comes here: default headers,
/// timeouts, redirects, cookies, decompression. Set headers on the request, or in a middleware.
///
/// ```
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use mockwire::{Reply, sync::MockTransport};
///
/// let transport = MockTransport::new();
/// transport.get("https://api.test/hello").reply(Reply::text("hello"));
///
/// let client = reqwest_middleware::ClientBuilder::new(reqwest::Client::new())
///     .with(transport.clone())
///     .build();
/// let text = client.get("https://api.test/hello").send().await?.text().await?;
/// assert_eq!(text, "hello");
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// A scripted fault is a genuine `reqwest::Error` where the public API of reqwest can make one, and
/// answers `is_connect`, `is_timeout`, `is_request`, `is_body` and `is_decode` as it does over a network:
///
/// * a connection that is refused, is not made in time, or fails in DNS (`is_dns` too) or TLS;
/// * [`Fault::Timeout`](crate::Fault::Timeout), which is the error of reqwest's own timeout, within a
///   tokio runtime;
/// * every failure in the middle of a body.
///
/// Everything else is a `reqwest_middleware::Error::Middleware`: an unmatched request, a handler that
/// failed, and a connection that is reset, closed or malformed before there is a response, which reqwest
/// makes an error of only when it has a connection. (The feature `hyper` has one.)
///
/// [`Error::find`] finds the transport's error in either. Only that of reqwest's own timeout has none.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use mockwire::{Error, Fault, sync::MockTransport};
///
/// let transport = MockTransport::new();
/// transport.get("https://api.test/").reply(Fault::ConnectionRefused);
///
/// let client = reqwest_middleware::ClientBuilder::new(reqwest::Client::new())
///     .with(transport.clone())
///     .build();
/// let error = client.get("https://api.test/").send().await.unwrap_err();
/// assert!(error.is_connect() && error.is_request() && !error.is_timeout());
/// assert_eq!(Error::find(&error).and_then(Error::fault), Some(Fault::ConnectionRefused));
/// # }
/// ```
#[async_trait]
impl Middleware for MockTransport<Threaded> {
    async fn handle(
        &self,
        request: reqwest::Request,
        _: &mut http::Extensions,
        _: Next<'_>,
    ) -> reqwest_middleware::Result<reqwest::Response> {
        let url = request.url().clone();
        let request = http::Request::<reqwest::Body>::try_from(request)?;
        let (parts, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let mut response = match self.call(http::Request::from_parts(parts, body)).await {
            Ok(response) => response,
            Err(error) => return Err(failed(error, url).await),
        };
        let with_url = reqwest::ResponseBuilderExt::url(http::response::Builder::new(), url);
        if let Ok(with_url) = with_url.body(()) {
            let (parts, ()) = with_url.into_parts();
            response.extensions_mut().extend(parts.extensions);
        }
        // As an I/O error the body's failure says what kind it is.
        let body = |body: crate::sync::Body| reqwest::Body::wrap(body.map_err(io::Error::from));
        Ok(reqwest::Response::from(response.map(body)))
    }
}

/// What a middleware failed with. It is not among the sources of the client's error: that passes for it.
pub(crate) fn inside<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Error> {
    match error.downcast_ref()? {
        reqwest_middleware::Error::Middleware(error) => error.downcast_ref(),
        reqwest_middleware::Error::Reqwest(_) => None,
    }
}

/// A scripted fault as reqwest would report it, everything else as it is.
async fn failed(error: Error, url: reqwest::Url) -> reqwest_middleware::Error {
    let genuine = match error.fault() {
        Some(fault) => genuine::error(fault).await,
        None => None,
    };
    match genuine {
        Some(genuine) => genuine.with_url(url).into(),
        None => reqwest_middleware::Error::middleware(error),
    }
}
