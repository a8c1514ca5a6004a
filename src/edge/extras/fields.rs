//! Header fields on their way to and from JavaScript: names and values in turns.

use http::{HeaderMap, HeaderValue};

use crate::edge::js_values::latin1;
use crate::error::{Error, FIELD_VALUE, Part, Result};
use crate::matcher::conditions::header_name;

/// The fields that JavaScript has.
pub(super) fn fields(list: &[String]) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    for pair in list.chunks_exact(2) {
        let value = HeaderValue::from_bytes(&latin1(&pair[1]))
            .map_err(|_| Error::invalid(Part::HeaderValue, &*pair[1], FIELD_VALUE))?;
        headers.append(header_name(&pair[0])?, value);
    }
    Ok(headers)
}

/// The way back.
pub(super) fn text_fields(headers: &HeaderMap) -> impl Iterator<Item = String> {
    headers.iter().flat_map(|(name, value)| {
        let text = value.as_bytes().iter().copied().map(char::from).collect();
        [name.as_str().to_owned(), text]
    })
}
