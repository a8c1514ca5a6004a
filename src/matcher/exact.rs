//! A method and a target without wildcards, in one string: what nearly every rule begins with.

use std::sync::Arc;

use http::uri::Authority;

use super::path::path_equals;
use super::pattern::{Pattern, actual_port};
use super::target;
use crate::model::request::Request;

/// `POST https://api.test/v1/messages`, `GET /v1/models`, or the same without a method.
#[derive(Clone, Debug)]
pub(crate) struct ExactTarget {
    /// Method, a space, and the target; scheme and host in lower case.
    text: Arc<str>,
    method_len: u16,
    /// Where the authority begins; 0 when there is none.
    authority_at: u16,
    path_at: u16,
}

/// What stands between a scheme and an authority.
const AFTER_SCHEME: &str = "://";

impl ExactTarget {
    /// `None` when the target has a wildcard, a query, an escape, or anything else that needs more
    /// than a comparison; mistakes are for [`target::parse`] to find.
    pub(crate) fn new(method: &str, target: &str) -> Option<Self> {
        let scheme =
            position(target, b':').filter(|at| *at > 0 && target[*at..].starts_with(AFTER_SCHEME));
        let rest_at = scheme.map_or(0, |at| at + AFTER_SCHEME.len());
        let rest = &target[rest_at..];
        let (authority, path) = rest.split_at(position(rest, b'/').unwrap_or(rest.len()));
        let (host, port) = match position(authority, b':') {
            Some(at) => (&authority[..at], &authority[at + 1..]),
            None => (authority, "0"),
        };
        let special = |byte| matches!(byte, b'*' | b'{' | b'}' | b'%' | b'?' | b'#' | b'@' | b'[');
        let placed = if rest_at == 0 {
            !path.is_empty() && authority.is_empty()
        } else {
            !host.is_empty() && host.is_ascii()
        };
        let plain = !rest.bytes().any(special) && position(path, b':').is_none();
        if !placed || !plain || port.parse::<u16>().is_err() {
            return None;
        }
        let path = if path.is_empty() { "/" } else { path };
        let mut text = [method, " ", &target[..rest_at], authority, path].concat();
        let path_at = text.len() - path.len();
        text[method.len()..path_at].make_ascii_lowercase();
        let authority_at = match authority {
            "" => 0,
            authority => path_at - authority.len(),
        };
        Some(Self {
            text: text.into(),
            method_len: u16::try_from(method.len()).ok()?,
            authority_at: u16::try_from(authority_at).ok()?,
            path_at: u16::try_from(path_at).ok()?,
        })
    }

    /// `None` when any method will do.
    pub(crate) fn method(&self) -> Option<&str> {
        let method = &self.text[..usize::from(self.method_len)];
        (!method.is_empty()).then_some(method)
    }

    pub(crate) fn host(&self) -> Option<&str> {
        let host = |authority: &'_ str| authority.find(':').unwrap_or(authority.len());
        self.authority()
            .map(|authority| &authority[..host(authority)])
    }

    pub(crate) fn path(&self) -> &str {
        &self.text[usize::from(self.path_at)..]
    }

    /// The whole of it: what was written, but for the case of scheme and host.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn test(&self, request: &Request) -> bool {
        let method = request.method().as_str();
        self.method().is_none_or(|expected| expected == method)
            && path_equals(self.path(), request.path())
            && self.test_origin(request)
    }

    /// Whether scheme, host and port are those of the request, as far as they are said.
    pub(crate) fn test_origin(&self, request: &Request) -> bool {
        self.authority()
            .is_none_or(|authority| self.test_authority(authority, request))
    }

    fn test_authority(&self, authority: &str, request: &Request) -> bool {
        let scheme_at = usize::from(self.method_len) + 1;
        let scheme = &self.text[scheme_at..usize::from(self.authority_at) - AFTER_SCHEME.len()];
        let same = |actual: &Authority| actual.as_str() == authority;
        if request.url().scheme_str() == Some(scheme) && request.url().authority().is_some_and(same)
        {
            return true;
        }
        test_parts(scheme, authority, request)
    }

    fn authority(&self) -> Option<&str> {
        let authority = usize::from(self.authority_at)..usize::from(self.path_at);
        (self.authority_at > 0).then(|| &self.text[authority])
    }

    /// The same as patterns, each to be explained for itself.
    pub(crate) fn patterns(&self) -> Vec<Pattern> {
        let mut patterns = Vec::new();
        let method = self.method().and_then(|method| method.parse().ok());
        patterns.extend(method.map(Pattern::Method));
        let parsed = target::parse(
            &self.text[usize::from(self.method_len) + 1..],
            &mut patterns,
        );
        debug_assert!(parsed.is_ok(), "an exact target parses");
        patterns
    }
}

/// Where a byte is first: what `find` tells of a character, with less code.
fn position(text: &str, byte: u8) -> Option<usize> {
    text.bytes().position(|it| it == byte)
}

/// Whether scheme, host and port are the request's, where they are not written as in its URL.
#[cold]
#[inline(never)]
fn test_parts(scheme: &str, authority: &str, request: &Request) -> bool {
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, port.parse().ok()),
        None => (authority, None),
    };
    request.url().scheme_str() == Some(scheme)
        && request
            .host()
            .is_some_and(|actual| actual.eq_ignore_ascii_case(host))
        && port.is_none_or(|port: u16| actual_port(request) == Some(port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_more_than_a_comparison_is_left_to_patterns() {
        for target in [
            "/a/*",
            "/a/{b}",
            "/a/:b",
            "/a?b=1",
            "/a%20b",
            "*",
            "",
            "https://",
            "https://h:x/",
            "https://u@h/",
        ] {
            assert!(ExactTarget::new("GET", target).is_none(), "{target}");
        }
    }

    #[test]
    fn the_parts_of_a_target() {
        let target = ExactTarget::new("GET", "HTTPS://Api.Test:8443/V1/x").unwrap();
        assert_eq!(target.as_str(), "GET https://api.test:8443/V1/x");
        assert_eq!(
            (target.method(), target.host(), target.path()),
            (Some("GET"), Some("api.test"), "/V1/x")
        );
        assert_eq!(target.patterns().len(), 5);
        let target = ExactTarget::new("", "/x").unwrap();
        assert_eq!(
            (target.method(), target.host(), target.path()),
            (None, None, "/x")
        );
    }
}
