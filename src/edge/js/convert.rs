//! Values on their way to and from JavaScript.

use http::{HeaderMap, HeaderValue};
use serde::Serialize;

use super::failed;
use crate::core::{ContextId, ExchangeId, RuleId, SocketId};
use crate::diagnosis::Diagnosis;
use crate::edge::js_values::{key, latin1, number, to_json};
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

/// The outcome that JavaScript names by number.
pub(super) fn finished(outcome: u8, detail: &str) -> Outcome {
    match outcome {
        0 => Outcome::Done,
        1 => Outcome::Cancelled,
        3 => Outcome::Unmatched,
        _ => Outcome::Failed(failed(detail)),
    }
}

/// Header fields from lines of `name: value`.
pub(super) fn block(text: &str) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = HeaderValue::from_bytes(&latin1(value.trim()))
            .map_err(|_| Error::invalid(Part::HeaderValue, value, FIELD_VALUE))?;
        headers.append(header_name(name)?, value);
    }
    Ok(headers)
}

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

pub(super) fn context_number(context: ContextId) -> f64 {
    number(context)
}

pub(super) fn context_id(number: f64) -> ContextId {
    key(number)
}

pub(super) fn exchange_number(exchange: ExchangeId) -> f64 {
    number(exchange)
}

pub(super) fn exchange_id(number: f64) -> ExchangeId {
    key(number)
}
