//! Where a connection goes.

use std::io;

use bytes::Bytes;
use http::uri::{self, Authority, PathAndQuery, Scheme};
use http::{HeaderMap, Method, Uri, Version};

use crate::error::{Error, Part};
use crate::model::request::Request;

/// A scheme and an authority: what all requests of one connection have in common.
#[derive(Clone)]
pub(super) struct Origin {
    scheme: Scheme,
    authority: Authority,
}

impl Origin {
    pub(super) fn of(uri: Uri) -> io::Result<Self> {
        let parts = uri.into_parts();
        match (parts.scheme, parts.authority) {
            (Some(scheme), Some(authority)) => Ok(Self { scheme, authority }),
            (_, authority) => {
                let given = authority.map_or_else(String::new, |it| it.to_string());
                let reason = "a connection goes to a scheme and a host, as `https://api.test`";
                let error = Error::invalid(Part::Url, given, reason);
                Err(io::Error::new(io::ErrorKind::InvalidInput, error))
            }
        }
    }

    pub(super) fn host(&self) -> &str {
        self.authority.host()
    }

    /// The whole URL of a request that came over this connection. One that names an authority itself is
    /// left as it is.
    pub(super) fn join(&self, mut target: uri::Parts) -> Uri {
        if target.authority.is_none() {
            target.scheme = Some(self.scheme.clone());
            target.authority = Some(self.authority.clone());
        }
        Uri::from_parts(target).unwrap_or_default()
    }

    /// The attempt to connect, as a request (RFC 9110 §9.3.6).
    pub(super) fn request(&self) -> Request {
        let mut target = uri::Parts::default();
        target.path_and_query = Some(PathAndQuery::from_static("/"));
        let url = self.join(target);
        let headers = HeaderMap::new();
        Request::new(
            Method::CONNECT,
            url,
            Version::HTTP_11,
            headers,
            Bytes::new(),
        )
    }
}
