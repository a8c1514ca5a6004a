//! Keeps secrets out of everything that is printed or saved.

use http::{HeaderMap, HeaderName, Uri};

/// What stands in the place of a secret.
pub(crate) const REDACTED: &str = "<redacted>";

/// Header fields whose values are secrets, whatever the transport's options say.
const SECRETS: [&str; 8] = [
    "api-key",
    "authorization",
    "cookie",
    "proxy-authorization",
    "set-cookie",
    "x-amz-security-token",
    "x-api-key",
    "x-goog-api-key",
];

/// Whether the values of this header field are secrets by default.
pub(crate) fn is_secret(name: &HeaderName) -> bool {
    SECRETS.binary_search(&name.as_str()).is_ok()
}

/// Marks the fields that the transport's own list names: `HeaderValue` carries the mark from here on.
pub(crate) fn mark(headers: &mut HeaderMap, names: &[HeaderName]) {
    for name in names {
        if let http::header::Entry::Occupied(mut entry) = headers.entry(name) {
            entry.iter_mut().for_each(|value| value.set_sensitive(true));
        }
    }
}

/// The header fields as text, with secrets replaced.
pub(crate) fn printable(headers: &HeaderMap) -> impl Iterator<Item = (&str, String)> {
    headers.iter().map(|(name, value)| {
        let secret = value.is_sensitive() || is_secret(name);
        let text = if secret {
            REDACTED.to_owned()
        } else {
            String::from_utf8_lossy(value.as_bytes()).into_owned()
        };
        (name.as_str(), text)
    })
}

/// The URL as text, without the password of its user information.
pub(crate) fn printable_url(url: &Uri) -> String {
    let text = url.to_string();
    let Some(authority) = url.authority().map(http::uri::Authority::as_str) else {
        return text;
    };
    match authority.rsplit_once('@') {
        Some((_, host)) => text.replacen(authority, &format!("{REDACTED}@{host}"), 1),
        None => text,
    }
}
