//! Header fields: a text, or a list where a name comes more than once.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

use crate::error::{FIELD_VALUE, TOKEN};

pub(super) type Fields = BTreeMap<String, FieldForm>;

#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "a text, or a list of texts")]
pub(super) enum FieldForm {
    One(String),
    Many(Vec<String>),
}

impl FieldForm {
    pub(super) fn into_texts(self) -> Vec<String> {
        match self {
            Self::One(text) => vec![text],
            Self::Many(texts) => texts,
        }
    }
}

pub(super) fn fields_of(headers: &HeaderMap) -> Fields {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let values = |name| -> Vec<String> { headers.get_all(name).iter().map(text).collect() };
    let fields = headers.keys().map(|name| {
        let mut values = values(name);
        let form = if values.len() == 1 {
            FieldForm::One(values.remove(0))
        } else {
            FieldForm::Many(values)
        };
        (name.as_str().to_owned(), form)
    });
    fields.collect()
}

pub(super) fn read_fields(fields: Fields) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (name, form) in fields {
        let key = HeaderName::try_from(&name)
            .map_err(|_| format!("invalid header name {name:?}: {TOKEN}"))?;
        for text in form.into_texts() {
            let value = HeaderValue::from_bytes(text.as_bytes()).map_err(|_| {
                format!("invalid value {text:?} of the header {key}: {FIELD_VALUE}")
            })?;
            headers.append(key.clone(), value);
        }
    }
    Ok(headers)
}
