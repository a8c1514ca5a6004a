//! The transport as a middleware of `reqwest-middleware`: no request reaches the network.

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
/// An [`Error`] arrives as `reqwest_middleware::Error::Middleware`; `downcast_ref` finds it, and its
/// [`fault`](Error::fault) when the test scripted one.
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
        let call = self.call(http::Request::from_parts(parts, body));
        let mut response = call.await.map_err(into_middleware_error)?;
        let with_url = reqwest::ResponseBuilderExt::url(http::response::Builder::new(), url);
        if let Ok(with_url) = with_url.body(()) {
            let (parts, ()) = with_url.into_parts();
            response.extensions_mut().extend(parts.extensions);
        }
        Ok(reqwest::Response::from(response.map(reqwest::Body::wrap)))
    }
}

/// Keeps the [`Error`] as the source, where `downcast_ref` finds it.
fn into_middleware_error(error: Error) -> reqwest_middleware::Error {
    reqwest_middleware::Error::middleware(error)
}
