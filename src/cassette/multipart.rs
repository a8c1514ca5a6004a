//! Forms of several parts (RFC 7578), whose boundary is another one each time.

use bytes::Bytes;
use http::{HeaderMap, header};

/// The boundary that recordings have.
const BOUNDARY: &str = "boundary";

/// The body, with the boundary that recordings have; any other body as it is.
pub(super) fn with_stable_boundary(headers: &HeaderMap, body: &Bytes) -> Bytes {
    match boundary(headers) {
        Some(boundary) => replace(body, boundary.as_bytes()),
        None => body.clone(),
    }
}

/// The same for the header field that names it.
pub(super) fn stabilise(headers: &mut HeaderMap, body: &mut Bytes) {
    *body = with_stable_boundary(headers, body);
    let Some(boundary) = boundary(headers).map(str::to_owned) else {
        return;
    };
    if let Some(field) = headers.get_mut(header::CONTENT_TYPE) {
        let text = field.to_str().unwrap_or_default();
        if let Ok(stable) = text.replace(&boundary, BOUNDARY).parse() {
            *field = stable;
        }
    }
}

fn boundary(headers: &HeaderMap) -> Option<&str> {
    let field = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let mut parts = field.split(';').map(str::trim);
    let is_multipart = parts.next()?.to_ascii_lowercase().starts_with("multipart/");
    let boundary = parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.eq_ignore_ascii_case("boundary")
            .then_some(value.trim_matches('"'))
    });
    boundary.filter(|boundary| is_multipart && !boundary.is_empty())
}

fn replace(body: &Bytes, boundary: &[u8]) -> Bytes {
    let mut replaced = Vec::with_capacity(body.len());
    let mut rest = &body[..];
    while let Some(at) = rest.windows(boundary.len()).position(|it| it == boundary) {
        replaced.extend_from_slice(&rest[..at]);
        replaced.extend_from_slice(BOUNDARY.as_bytes());
        rest = &rest[at + boundary.len()..];
    }
    replaced.extend_from_slice(rest);
    replaced.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_boundary_is_the_same_each_time() {
        let form = |boundary: &str| {
            let mut headers = HeaderMap::new();
            let kind = format!("multipart/form-data; charset=utf-8; boundary=\"{boundary}\"");
            headers.insert("content-type", kind.parse().unwrap());
            let mut body = Bytes::from(format!("--{boundary}\r\n\r\nx\r\n--{boundary}--"));
            stabilise(&mut headers, &mut body);
            (headers, body)
        };
        assert_eq!(form("aB3"), form("----WebKit7"));
        assert_eq!(form("aB3").1, "--boundary\r\n\r\nx\r\n--boundary--");
    }
}
