//! Request lines: `METHOD URL`.

use bytes::Bytes;
use http::{HeaderMap, Method, Uri, Version};

use crate::error::{Error, Part, Result, TOKEN};
use crate::model::request::Request;

/// The request of which no more than the line is known.
pub(super) fn parse(line: &str) -> Result<Request> {
    let (method, url) = line.split_once(' ').unwrap_or((line, ""));
    let method = Method::from_bytes(method.as_bytes())
        .map_err(|_| Error::invalid(Part::Method, method, TOKEN))?;
    let url =
        Uri::try_from(url).map_err(|error| Error::invalid(Part::Url, url, error.to_string()))?;
    let (headers, body) = (HeaderMap::new(), Bytes::new());
    Ok(Request::new(method, url, Version::HTTP_11, headers, body))
}
