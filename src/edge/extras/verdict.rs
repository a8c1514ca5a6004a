//! How a client behaved. JavaScript tells what it has captured as JSON, and gets the verdict as JSON.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, Version};
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

use crate::edge::js_values::{thrown, to_json};
use crate::error::{Error, ErrorKind, Part, Result};
use crate::fault::Fault;
use crate::model::base64;
use crate::model::captured::{Captured, Outcome, ResponseHead};
use crate::model::millis;
use crate::model::request::Request;
use crate::verdict::{Criteria, Verdict, Violation, Witness};

/// How a client behaved.
#[wasm_bindgen]
pub struct VerdictMachine {
    verdict: Verdict,
}

#[wasm_bindgen]
impl VerdictMachine {
    /// The verdict on what was captured, which is JSON.
    #[wasm_bindgen(constructor)]
    pub fn new(facts: &str) -> Result<Self, JsValue> {
        let verdict = Facts::parse(facts).and_then(Facts::judge);
        verdict.map(|verdict| Self { verdict }).map_err(thrown)
    }

    /// The verdict as JSON, with its text.
    pub fn json(&self) -> String {
        to_json(&Judged {
            text: self.verdict.to_string(),
            resilient: self.verdict.is_resilient(),
            verdict: &self.verdict,
        })
    }

    /// What is against an assertion, as JSON; empty when nothing is. The limit is that of `maxAttempts`.
    pub fn violation(&self, assertion: &str, limit: usize) -> Result<String, JsValue> {
        let verdict = &self.verdict;
        let asserted = match assertion {
            "backedOff" => verdict.try_backed_off(),
            "bodiesDrained" => verdict.try_bodies_drained(),
            "bodiesReleased" => verdict.try_bodies_released(),
            "honouredRetryAfter" => verdict.try_honoured_retry_after(),
            "idempotent" => verdict.try_idempotent(),
            "maxAttempts" => verdict.try_max_attempts(limit),
            "neverGaveUp" => verdict.try_never_gave_up(),
            "noFutileRetries" => verdict.try_no_futile_retries(),
            "notHedged" => verdict.try_not_hedged(),
            "resilient" => verdict.try_resilient(),
            _ => {
                let reason = "there is no such assertion";
                return Err(thrown(Error::invalid(Part::Option, assertion, reason)));
            }
        };
        let told = |violation: Violation| {
            let message = violation.to_string();
            to_json(&Violated { message, violation })
        };
        Ok(asserted.map_or_else(told, |()| String::new()))
    }
}

#[derive(Serialize)]
struct Judged<'a> {
    text: String,
    resilient: bool,
    #[serde(flatten)]
    verdict: &'a Verdict,
}

#[derive(Serialize)]
struct Violated {
    message: String,
    #[serde(flatten)]
    violation: Violation,
}

/// What JavaScript tells.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Facts {
    /// Which date the transport's time begins at.
    #[serde(with = "millis")]
    epoch: Duration,
    forgotten: u64,
    /// The requests that a rule has answered, when the verdict is that rule's.
    rule: Option<Vec<u64>>,
    idempotency_headers: Vec<String>,
    jitter: Option<f64>,
    max_attempts: Option<usize>,
    requests: Vec<Told>,
}

/// What JavaScript tells of a request.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    sequence: u64,
    #[serde(with = "millis")]
    at: Duration,
    /// When the head of the response came.
    #[serde(default, with = "millis::option")]
    head: Option<Duration>,
    #[serde(default, with = "millis::option")]
    end: Option<Duration>,
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    /// The body: text, or in base64 when it is not.
    #[serde(default)]
    text: String,
    base64: Option<String>,
    status: Option<u16>,
    #[serde(default)]
    response_headers: Vec<(String, String)>,
    outcome: Word,
    /// What the error's `code` is, when it failed.
    code: Option<String>,
    delivered: u64,
    /// Which call it belongs to, when the test says so.
    key: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    Cancelled,
    Done,
    Failed,
    Pending,
    Unmatched,
}

impl Facts {
    fn parse(facts: &str) -> Result<Self> {
        serde_json::from_str(facts)
            .map_err(|error| Error::invalid(Part::Json, "(the facts)", error.to_string()))
    }

    fn judge(self) -> Result<Verdict> {
        let keys: HashMap<_, _> = self
            .requests
            .iter()
            .filter_map(|it| Some((it.sequence, it.key.clone()?)))
            .collect();
        let mut criteria = Criteria::new().group_by(move |it| keys.get(&it.sequence).cloned());
        for name in &self.idempotency_headers {
            criteria = criteria.idempotency_header(name);
        }
        if let Some(jitter) = self.jitter {
            criteria = criteria.jitter(jitter);
        }
        if let Some(attempts) = self.max_attempts {
            criteria = criteria.max_attempts(attempts);
        }
        let witnesses = self.requests.into_iter().map(Told::witness);
        let witnesses = witnesses.collect::<Result<Vec<_>>>()?;
        let mut verdict = criteria.verdict(&witnesses, self.epoch, self.forgotten);
        if let Some(answered) = self.rule {
            verdict.retain_answered(&answered);
        }
        Ok(verdict)
    }
}

impl Told {
    fn witness(self) -> Result<Witness> {
        let method = Method::from_bytes(self.method.as_bytes())
            .map_err(|error| Error::invalid(Part::Method, &self.method, error.to_string()))?;
        let url: Uri = (self.url.parse()).map_err(|error: http::uri::InvalidUri| {
            Error::invalid(Part::Url, &self.url, error.to_string())
        })?;
        let body = match self.base64 {
            Some(text) => Bytes::from(base64::decode(&text).unwrap_or_default()),
            None => Bytes::from(self.text),
        };
        let fault = self.code.as_deref().and_then(fault);
        let error = || match fault {
            Some(fault) => fault.into(),
            None => Error::new(ErrorKind::HandlerFailed {
                rule: String::new(),
            }),
        };
        let outcome = match self.outcome {
            Word::Cancelled => Outcome::Cancelled,
            Word::Done => Outcome::Done,
            Word::Failed => Outcome::Failed(error()),
            Word::Pending => Outcome::Pending,
            Word::Unmatched => Outcome::Unmatched,
        };
        let status = self.status.and_then(|it| StatusCode::from_u16(it).ok());
        let headers = fields(&self.response_headers);
        let captured = Captured {
            sequence: self.sequence,
            at: self.at,
            queued: Duration::ZERO,
            request: Request::new(method, url, Version::HTTP_11, fields(&self.headers), body),
            rule: None,
            outcome,
            response: status.map(|status| ResponseHead { status, headers }),
            delivered: self.delivered,
            response_body: Bytes::new(),
            messages: Vec::new(),
            dropped_messages: 0,
            blocked_sends: 0,
        };
        let (head, end) = (self.head, self.end);
        Ok(Witness {
            captured,
            head,
            end,
        })
    }
}

/// The failure that clients know by this code.
fn fault(code: &str) -> Option<Fault> {
    let known = [
        Fault::ConnectTimeout,
        Fault::ConnectionClosed,
        Fault::ConnectionRefused,
        Fault::ConnectionReset,
        Fault::DnsFailure,
        Fault::MalformedResponse,
        Fault::Timeout,
        Fault::TlsFailure,
    ];
    known.into_iter().find(|fault| fault.code() == code)
}

/// Header fields; what cannot be one is left out, as it says nothing.
fn fields(told: &[(String, String)]) -> HeaderMap {
    let fields = told.iter().filter_map(|(name, value)| {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        Some((name, HeaderValue::from_bytes(value.as_bytes()).ok()?))
    });
    fields.collect()
}
