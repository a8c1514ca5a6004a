//! Values on their way to and from JavaScript.

use http::{HeaderMap, HeaderValue};
use js_sys::Reflect;
use serde::Serialize;
use slotmap::{Key, KeyData};
use wasm_bindgen::JsValue;

use super::failed;
use crate::core::{RuleId, SocketId};
use crate::diagnosis::Diagnosis;
use crate::error::{Error, FIELD_VALUE, Part, Result};
use crate::matcher::conditions::header_name;
use crate::model::captured::Outcome;
use crate::verify;

#[derive(Serialize)]
pub(super) struct Report<'a> {
    message: String,
    #[serde(flatten)]
    report: &'a verify::Report,
}

#[derive(Serialize)]
struct ErrorOut<'a> {
    code: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    diagnosis: Option<&'a Diagnosis>,
}

impl<'a> Report<'a> {
    pub(super) fn of(report: &'a verify::Report) -> Self {
        Self {
            message: report.to_string(),
            report,
        }
    }
}

pub(super) fn error_json(error: &Error) -> String {
    to_json(&ErrorOut {
        code: error.code(),
        message: error.to_string(),
        diagnosis: error.diagnosis(),
    })
}

/// An `Error` with a `code`, to be thrown.
pub(super) fn thrown(error: Error) -> JsValue {
    let thrown = js_sys::Error::new(&error.to_string());
    let code = JsValue::from_str(error.code());
    // A fresh error object takes any property.
    let _ = Reflect::set(&thrown, &JsValue::from_str("code"), &code);
    thrown.into()
}

pub(super) fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// The outcome that JavaScript names by number.
pub(super) fn finished(outcome: u8, detail: &str) -> Outcome {
    match outcome {
        0 => Outcome::Done,
        1 => Outcome::Cancelled,
        _ => Outcome::Failed(failed(detail)),
    }
}

/// Header fields from lines of `name: value`.
pub(super) fn block(text: &str) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    for line in text.split("\r\n").filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = HeaderValue::from_bytes(&latin1(value.trim()))
            .map_err(|_| Error::invalid(Part::HeaderValue, value, FIELD_VALUE))?;
        headers.append(header_name(name)?, value);
    }
    Ok(headers)
}

/// JavaScript's header values are byte strings: one character for each byte.
fn latin1(text: &str) -> Vec<u8> {
    if text.is_ascii() {
        return text.as_bytes().to_vec();
    }
    text.chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?'))
        .collect()
}

/// A rule's id as a number that JavaScript can hold exactly, and a small one for a rule whose place
/// no other had before. A generation is odd, and below 2^21 it fits.
pub(super) fn rule_number(rule: RuleId) -> f64 {
    number(rule)
}

pub(super) fn rule_id(number: f64) -> RuleId {
    key(number)
}

pub(super) fn socket_number(socket: SocketId) -> f64 {
    number(socket)
}

pub(super) fn socket_id(number: f64) -> SocketId {
    key(number)
}

fn number(key: impl Key) -> f64 {
    (key.data().as_ffi() - FIRST_GENERATION) as f64
}

fn key<K: Key>(number: f64) -> K {
    KeyData::from_ffi(number as u64 + FIRST_GENERATION).into()
}

/// The generation of a key that is the first at its place, where `as_ffi` puts it.
const FIRST_GENERATION: u64 = 1 << 32;
