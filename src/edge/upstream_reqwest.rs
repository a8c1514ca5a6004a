//! A client of `reqwest` as the real transport that requests are passed through to.

use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt};

/// A client of `reqwest`, as what [`When::passthrough`](crate::When::passthrough),
/// [`When::record`](crate::When::record) and
/// [`Builder::unmatched_passthrough`](crate::Builder::unmatched_passthrough) ask for.
///
/// What the client adds by itself (its default headers, its redirects, decompression) happens below, and
/// is not seen. The response's body streams.
///
/// ```
/// # async fn example() -> mockwire::Result<()> {
/// use mockwire::cassette::{Options, RecordMode};
/// use mockwire::sync::{MockTransport, Recorder};
/// use mockwire::upstream;
///
/// let options = Options::new().mode(RecordMode::RecordMissing);
/// let recorder = Recorder::open("tests/cassettes/chat.json", options)?;
/// let transport = MockTransport::new();
/// transport.otherwise().record(&recorder, upstream::reqwest(reqwest::Client::new()));
/// // The client under test makes its requests; then:
/// recorder.save()?;
/// # Ok(())
/// # }
/// ```
pub fn reqwest(
    client: reqwest::Client,
) -> impl Fn(http::Request<Bytes>) -> BoxFuture<'static, reqwest::Result<http::Response<reqwest::Body>>>
+ Clone {
    move |request| {
        let client = client.clone();
        let response = async move {
            let request = reqwest::Request::try_from(request)?;
            client.execute(request).await.map(http::Response::from)
        };
        response.boxed()
    }
}
