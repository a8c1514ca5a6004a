//! The request and the reply that everyone exchanges.

use bytes::Bytes;
use http::{Request, Uri};

/// 319 bytes, the body of each request.
pub const REQUEST: &[u8] = include_bytes!("../fixtures/request.json");
/// 528 bytes, the body of each reply.
pub const REPLY: &[u8] = include_bytes!("../fixtures/reply.json");
/// The route every request asks for.
pub const PATH: &str = "/v1/messages";

const _: () = assert!(REQUEST.len() == 319 && REPLY.len() == 528);

/// An absolute URI for `path`, as a caller of an in-process transport writes it.
#[must_use]
pub fn uri(path: &str) -> Uri {
    format!("https://api.test{path}")
        .parse()
        .expect("a valid URI")
}

/// A POST of [`REQUEST`] with three headers: what a caller pays before any mock is involved.
#[must_use]
pub fn request(uri: &Uri) -> Request<Bytes> {
    with_body(uri, Bytes::copy_from_slice(REQUEST))
}

/// [`request`] with another body.
///
/// # Panics
///
/// Never: the parts are fixed and valid.
#[must_use]
pub fn with_body(uri: &Uri, body: Bytes) -> Request<Bytes> {
    Request::post(uri.clone())
        .header("content-type", "application/json")
        .header("accept", "application/json")
        .header("x-request-id", "req-7f3a90c1")
        .body(body)
        .expect("a valid request")
}

/// The path of the `n`th mock that is registered but never asked for.
#[must_use]
pub fn other_path(n: usize) -> String {
    format!("/v1/items/{n:05}")
}

/// A JSON object with `keys` members, heavy enough that a parse cannot hide.
#[must_use]
pub fn wide_json(keys: usize) -> Bytes {
    let members: Vec<String> = (0..keys)
        .map(|n| format!("\"key-{n}\":{{\"value\":\"text-{n}\"}}"))
        .collect();
    Bytes::from(format!("{{{}}}", members.join(",")))
}
