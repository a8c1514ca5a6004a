//! The texts of an entry: read in an order that does not change, and replaced.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Uri};

use super::entry::{Entry, RecordedBody};

/// Where a text of an entry stands. What the body of a response says may be spread over its frames, so
/// that is not among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Field,
    RequestBody,
    Url,
}

/// Every text of an entry, in an order that does not change.
pub(super) fn each(entry: &Entry, each: &mut impl FnMut(&str)) {
    let Entry { request, response } = entry;
    each(&request.url.to_string());
    let fields = |headers: &HeaderMap, each: &mut dyn FnMut(&str)| {
        let mut names: Vec<_> = headers.keys().collect();
        names.sort_by_key(|name| name.as_str());
        for value in names.into_iter().flat_map(|name| headers.get_all(name)) {
            value.to_str().into_iter().for_each(&mut *each);
        }
    };
    fields(&request.headers, each);
    let bytes = |bytes: &Bytes, each: &mut dyn FnMut(&str)| {
        std::str::from_utf8(bytes).into_iter().for_each(each);
    };
    bytes(&request.body, each);
    fields(&response.headers, each);
    match &response.body {
        RecordedBody::Whole(whole) => bytes(whole, each),
        RecordedBody::Frames(frames) => frames.iter().for_each(|it| bytes(&it.bytes, each)),
    }
    fields(&response.trailers, each);
}

/// What stands in the place of a text, if it is to be another one.
type With<'a> = dyn Fn(Place, &[u8]) -> Option<Vec<u8>> + 'a;

/// Replaces the texts of an entry, where they are to be other ones.
pub(super) fn replace(entry: &mut Entry, with: &With<'_>) {
    let Entry { request, response } = entry;
    let url = with(Place::Url, request.url.to_string().as_bytes());
    if let Some(Ok(url)) = url.map(Uri::try_from) {
        request.url = url;
    }
    let fields = [
        &mut request.headers,
        &mut response.headers,
        &mut response.trailers,
    ];
    for value in fields.into_iter().flat_map(HeaderMap::values_mut) {
        let replaced = with(Place::Field, value.as_bytes());
        if let Some(Ok(replaced)) = replaced.map(HeaderValue::try_from) {
            *value = replaced;
        }
    }
    if let Some(replaced) = with(Place::RequestBody, &request.body) {
        request.body = replaced.into();
    }
}
