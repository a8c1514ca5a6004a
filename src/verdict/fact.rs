//! What is known of one request, as far as a verdict depends on it.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method, Uri};

use super::answer::{Answer, Effect};
use super::{Asked, Attempt};
use crate::model::captured::{Captured, Outcome, ResponseHead};

/// An exchange, and when the client got to know how it goes.
pub(crate) struct Witness {
    pub(crate) captured: Captured,
    /// When the head of the response came, if it has.
    pub(crate) head: Option<Duration>,
    /// When it was over, if it is.
    pub(crate) end: Option<Duration>,
}

/// What is known of one request.
pub(super) struct Fact<'a> {
    witness: &'a Witness,
    /// Which call it belongs to, where the test says so.
    pub(super) key: Option<String>,
    pub(super) idempotency_key: Option<IdempotencyKey<'a>>,
    pub(super) request_id: Option<&'a [u8]>,
    /// How many attempts came before it, as the client counts them.
    pub(super) retry_count: Option<u64>,
    pub(super) answer: Answer,
    pub(super) asked: Option<Asked>,
}

/// What tells a server that two requests are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct IdempotencyKey<'a> {
    pub(super) header: &'a str,
    pub(super) value: &'a [u8],
}

/// What has to be the same in the attempts of a call: method, URL, length of the body, and as much of
/// the body as is kept.
pub(super) type Content<'a> = (&'a Method, &'a Uri, usize, &'a [u8]);

/// What clients name a request by, or all attempts of it.
const REQUEST_IDS: [&str; 4] = [
    "amz-sdk-invocation-id",
    "x-client-request-id",
    "x-request-id",
    "request-id",
];

impl<'a> Fact<'a> {
    /// The transport's time began `epoch` after 1970.
    pub(super) fn new(
        witness: &'a Witness,
        key: Option<String>,
        idempotency_headers: &'a [String],
        epoch: Duration,
    ) -> Self {
        let fields = witness.captured.request.headers();
        let named = |name: &'a String| {
            let value = fields.get(name.as_str())?.as_bytes();
            let header = name.as_str();
            Some(IdempotencyKey { header, value })
        };
        let head = witness.head();
        let number = text(fields, "x-stainless-retry-count");
        Self {
            witness,
            key,
            idempotency_key: idempotency_headers.iter().find_map(named),
            request_id: REQUEST_IDS
                .iter()
                .find_map(|name| fields.get(*name))
                .map(HeaderValue::as_bytes),
            retry_count: number.and_then(|number| number.parse().ok()),
            answer: witness.answer(),
            asked: head.and_then(|(at, head)| Asked::by(&head.headers, epoch.saturating_add(at))),
        }
    }

    pub(super) fn sequence(&self) -> u64 {
        self.witness.captured.sequence
    }

    /// When it was made.
    pub(super) fn at(&self) -> Duration {
        self.witness.captured.at
    }

    /// When the client knew how it goes: the head came, or the failure, or it gave up.
    pub(super) fn known(&self) -> Option<Duration> {
        let Witness {
            captured,
            head,
            end,
        } = self.witness;
        match captured.outcome {
            Outcome::Failed(_) => *end,
            _ => head.or(*end),
        }
    }

    /// Whether the client did not know at that time how it goes.
    pub(super) fn is_open_at(&self, time: Duration) -> bool {
        self.known().is_none_or(|known| known > time)
    }

    pub(super) fn content(&self) -> Content<'a> {
        let request = &self.witness.captured.request;
        (
            request.method(),
            request.url(),
            request.body_len(),
            request.body(),
        )
    }

    pub(super) fn method(&self) -> &'a Method {
        self.witness.captured.request.method()
    }

    /// The host that the request went to, with its port.
    pub(super) fn authority(&self) -> &'a str {
        let authority = self.witness.captured.request.url().authority();
        authority.map_or("", |authority| authority.as_str())
    }

    /// Whether the same may be done twice without harm (RFC 9110 §9.2.2).
    pub(super) fn is_idempotent(&self) -> bool {
        self.method().is_idempotent()
    }

    /// Whether it may have taken effect, although the client does not know.
    pub(super) fn effect_is_unknown(&self) -> bool {
        match self.answer {
            Answer::Transient(effect) => effect == Effect::Unknown,
            Answer::Nothing => self.witness.captured.outcome == Outcome::Cancelled,
            Answer::Either | Answer::Final | Answer::Success => false,
        }
    }

    /// Whether it shows the server other credentials than another request does.
    pub(super) fn has_other_credentials(&self, other: &Self) -> bool {
        const CREDENTIALS: [&str; 6] = [
            "api-key",
            "authorization",
            "cookie",
            "proxy-authorization",
            "x-api-key",
            "x-goog-api-key",
        ];
        let fields = |fact: &Self| fact.witness.captured.request.headers();
        let differs = |name: &&str| fields(self).get(*name) != fields(other).get(*name);
        CREDENTIALS.iter().any(differs)
    }

    /// The status of the answer, once its head has come.
    pub(super) fn status(&self) -> Option<u16> {
        self.witness.head().map(|(_, head)| head.status.as_u16())
    }

    /// What has become of the answer's body, once its head has come.
    pub(super) fn body(&self) -> Option<&Outcome> {
        let status = self.status()?;
        // What has opened a WebSocket has no body.
        (status != 101).then_some(&self.witness.captured.outcome)
    }

    /// In words: method and URL.
    pub(super) fn request(&self) -> String {
        self.witness.captured.request.to_string()
    }

    pub(super) fn attempt(&self, waited: Option<Duration>) -> Attempt {
        Attempt {
            sequence: self.sequence(),
            at: self.at(),
            waited,
            status: self.status(),
            asked: self.asked,
            outcome: self.witness.captured.outcome.clone(),
            delivered: self.witness.captured.delivered,
        }
    }
}

impl Witness {
    /// When the head came, and what it is.
    fn head(&self) -> Option<(Duration, &ResponseHead)> {
        self.head.zip(self.captured.response.as_ref())
    }

    fn answer(&self) -> Answer {
        let head = self.head().map(|(_, head)| head);
        let should_retry = head.and_then(|head| match text(&head.headers, "x-should-retry")? {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        });
        let status = head.map(|head| head.status.as_u16());
        Answer::of(status, &self.captured.outcome, should_retry)
    }
}

fn text<'a>(fields: &'a HeaderMap, name: &str) -> Option<&'a str> {
    fields.get(name)?.to_str().ok()
}
