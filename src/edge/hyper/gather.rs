//! A request as it comes over a connection, in memory of its own.
//!
//! What hyper gives are parts of the buffer that it reads into. The journal would keep all of that
//! buffer for each request, and hyper would need another one.

use bytes::{Buf, BufMut, BytesMut};
use http::header::HeaderValue;
use http::request::Parts;
use http::uri::PathAndQuery;
use http_body::Body;
use hyper::body::Incoming;

use super::origin::Origin;
use crate::model::request::Request;

/// No more than this is set aside for a body because its length is said to be so.
const TRUSTED: u64 = 64 << 10;

/// The target, the values of the header fields and the body, one after the other.
pub(super) struct Gather {
    parts: Parts,
    bytes: BytesMut,
}

impl Gather {
    pub(super) fn begin(parts: Parts, body: &Incoming) -> Self {
        let target = target(&parts);
        let values = || parts.headers.values().map(HeaderValue::as_bytes);
        let head = target.len() + values().map(<[u8]>::len).sum::<usize>();
        let expected = body.size_hint().lower().min(TRUSTED);
        let mut bytes = BytesMut::with_capacity(head + usize::try_from(expected).unwrap_or(0));
        bytes.put_slice(target.as_bytes());
        values().for_each(|value| bytes.put_slice(value));
        Self { parts, bytes }
    }

    pub(super) fn push(&mut self, data: impl Buf) {
        self.bytes.put(data);
    }

    pub(super) fn finish(self, origin: &Origin) -> Request {
        let Self { mut parts, bytes } = self;
        let mut bytes = bytes.freeze();
        let own = bytes.split_to(target(&parts).len());
        let mut target = parts.uri.into_parts();
        if let (Some(path), Ok(own)) = (
            &mut target.path_and_query,
            PathAndQuery::from_maybe_shared(own),
        ) {
            *path = own;
        }
        for value in parts.headers.values_mut() {
            // What was a value is one.
            if let Ok(own) = HeaderValue::from_maybe_shared(bytes.split_to(value.len())) {
                *value = own;
            }
        }
        let url = origin.join(target);
        Request::new(parts.method, url, parts.version, parts.headers, bytes)
    }
}

fn target(parts: &Parts) -> &str {
    parts.uri.path_and_query().map_or("", PathAndQuery::as_str)
}
