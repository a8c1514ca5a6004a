//! Request lines: `METHOD URL`.

use http::{Method, Uri};

use crate::error::{Error, Part, Result, TOKEN};

/// A request line, taken apart.
pub(super) fn parse(line: &str) -> Result<(Method, Uri)> {
    let (method, url) = line.split_once(' ').unwrap_or((line, ""));
    let method = Method::from_bytes(method.as_bytes())
        .map_err(|_| Error::invalid(Part::Method, method, TOKEN))?;
    let url =
        Uri::try_from(url).map_err(|error| Error::invalid(Part::Url, url, error.to_string()))?;
    Ok((method, url))
}
