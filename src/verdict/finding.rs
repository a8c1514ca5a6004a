//! What there is to say about how a client behaved.

use std::fmt;
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::Asked;
use super::text::{Numbers, Shown, Waits, plural};
use crate::model::millis;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Note,
    /// A risk: it may go wrong with a real server.
    Warning,
    /// Wrong: against what the server said, or what the standard says.
    Error,
}

/// Something that a client did. `Display` says what, and [`advice`](Self::advice) what to do.
///
/// Requests are named by their numbers.
///
/// ```
/// use mockwire::verdict::{Finding, Severity};
/// use mockwire::{Reply, sync::MockTransport};
///
/// let transport = MockTransport::new();
/// transport.get("/").reply(Reply::status(404));
/// for _ in 0..2 {
///     let request = http::Request::get("https://api.test/").body(())?;
///     transport.block_on(transport.call(request))?;
/// }
///
/// let verdict = transport.verdict();
/// let finding = verdict.findings().next().unwrap();
/// assert!(matches!(finding, Finding::FutileRetry { sequence: 2, status: 404, .. }));
/// assert_eq!(finding.severity(), Severity::Error);
/// assert_eq!(finding.sequences(), [1, 2]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Finding {
    /// Note: bodies of answers were given up before their end. Natively those are dropped ones.
    BodyCancelled {
        /// The requests.
        sequences: Vec<u64>,
    },
    /// Warning: bodies of answers were neither read to their end nor given up, when the verdict was made.
    BodyLeftOpen {
        /// The requests.
        sequences: Vec<u64>,
    },
    /// Warning: the waits between attempts did not grow, by the [`Criteria`](super::Criteria). Waits
    /// that an answer has asked for are not among them.
    DidNotBackOff {
        /// The attempts that were waited for.
        sequences: Vec<u64>,
        /// How long each was.
        #[serde(serialize_with = "all_millis")]
        waits: Vec<Duration>,
    },
    /// Error: an answer that another attempt does not change was followed by another attempt: 400, 401,
    /// 403, 404 and most other 4xx, and whatever says `x-should-retry: false`. After a 401, 403 or 407
    /// another attempt with other credentials is none.
    FutileRetry {
        /// The attempt.
        sequence: u64,
        /// The one before.
        after: u64,
        /// Its answer.
        status: u16,
    },
    /// Note: a call ended with an answer that is worth another attempt, or without one, after several.
    GaveUp {
        /// Its attempts.
        sequences: Vec<u64>,
        /// The last answer; `None` when the connection failed.
        status: Option<u16>,
    },
    /// Note, and a warning when nothing tells the server that they are one: attempts were made while
    /// another one of the same call was going on.
    Hedged {
        /// These attempts.
        sequences: Vec<u64>,
        /// Whether the method is idempotent, or all attempts have the same idempotency key.
        safe: bool,
    },
    /// Error: attempts of one call have different idempotency keys, or some have none.
    IdempotencyKeyChanged {
        /// The header field.
        header: String,
        /// The first attempt that has one.
        first: u64,
        /// Those with another one, or with none.
        sequences: Vec<u64>,
    },
    /// Note, and a warning when nobody knows whether an attempt took effect: a request whose method is
    /// not idempotent (RFC 9110 §9.2.2) was made several times without an idempotency key.
    IdempotencyKeyMissing {
        /// The method.
        method: String,
        /// The attempts.
        sequences: Vec<u64>,
        /// The attempts that may have taken effect, although the client got no whole answer.
        unknown: Vec<u64>,
    },
    /// Error: two requests have the same idempotency key, and ask for different things.
    IdempotencyKeyReused {
        /// The header field.
        header: String,
        /// The request that had it first.
        first: u64,
        /// The other one.
        sequence: u64,
    },
    /// Warning: a request that failed was never made again, although another attempt would have done no
    /// harm and may have helped.
    NeverRetried {
        /// The request.
        sequence: u64,
        /// Its answer; `None` when the connection failed.
        status: Option<u16>,
    },
    /// Warning: attempts were made without any wait. The first one after a connection that failed is
    /// none: that may have been an idle one.
    RetriedAtOnce {
        /// These attempts.
        sequences: Vec<u64>,
    },
    /// Error: an attempt came before the time that the answer before had asked for.
    RetriedTooEarly {
        /// The attempt.
        sequence: u64,
        /// The one before.
        after: u64,
        /// How long its answer asks to wait.
        asked: Asked,
        /// How long the client has waited.
        #[serde(with = "millis")]
        waited: Duration,
    },
    /// Error: a call had more attempts than it may have.
    TooManyAttempts {
        /// Its attempts.
        sequences: Vec<u64>,
        /// How many there may be.
        limit: usize,
    },
}

impl Finding {
    /// How bad it is.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Self::BodyCancelled { .. } | Self::GaveUp { .. } => Severity::Note,
            Self::Hedged { safe: true, .. } => Severity::Note,
            Self::IdempotencyKeyMissing { unknown, .. } if unknown.is_empty() => Severity::Note,
            Self::BodyLeftOpen { .. }
            | Self::DidNotBackOff { .. }
            | Self::Hedged { .. }
            | Self::IdempotencyKeyMissing { .. }
            | Self::NeverRetried { .. }
            | Self::RetriedAtOnce { .. } => Severity::Warning,
            Self::FutileRetry { .. }
            | Self::IdempotencyKeyChanged { .. }
            | Self::IdempotencyKeyReused { .. }
            | Self::RetriedTooEarly { .. }
            | Self::TooManyAttempts { .. } => Severity::Error,
        }
    }

    /// The requests that it is about, by their numbers.
    #[must_use]
    pub fn sequences(&self) -> Vec<u64> {
        match self {
            Self::NeverRetried { sequence, .. } => vec![*sequence],
            Self::FutileRetry {
                sequence, after, ..
            }
            | Self::RetriedTooEarly {
                sequence, after, ..
            } => vec![*after, *sequence],
            Self::IdempotencyKeyReused {
                first, sequence, ..
            } => vec![*first, *sequence],
            Self::IdempotencyKeyChanged {
                first, sequences, ..
            } => std::iter::once(first).chain(sequences).copied().collect(),
            Self::BodyCancelled { sequences }
            | Self::BodyLeftOpen { sequences }
            | Self::DidNotBackOff { sequences, .. }
            | Self::GaveUp { sequences, .. }
            | Self::Hedged { sequences, .. }
            | Self::IdempotencyKeyMissing { sequences, .. }
            | Self::RetriedAtOnce { sequences, .. }
            | Self::TooManyAttempts { sequences, .. } => sequences.clone(),
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::BodyCancelled { .. } => {
                "Over HTTP/1.1 that closes the connection: a short body is better read."
            }
            Self::BodyLeftOpen { .. } => {
                "It keeps a connection: read each body or cancel it, also when only the status matters."
            }
            Self::DidNotBackOff { .. } => {
                "Wait longer before each attempt, twice as long say, with some jitter, up to a cap."
            }
            Self::FutileRetry { .. } => {
                "The same request gets the same answer: hand it on to the caller instead."
            }
            Self::GaveUp { .. } => "Right when the caller is told. More attempts may have helped.",
            Self::Hedged { safe: true, .. } => {
                "As hedging does. Cancel those that lose, and count them against the same budget."
            }
            Self::Hedged { .. } => {
                "Both may take effect: send the same idempotency key with both, or wait for the first."
            }
            Self::IdempotencyKeyChanged { .. } => {
                "To the server they are different requests: make one key for each call, not for each attempt."
            }
            Self::IdempotencyKeyMissing { unknown, .. } if unknown.is_empty() => {
                "The server has answered each of them. With an idempotency key it is safe when it does not."
            }
            Self::IdempotencyKeyMissing { .. } => {
                "It may take effect twice: send one idempotency key with all attempts, or do not try again."
            }
            Self::IdempotencyKeyReused { .. } => {
                "The server refuses it, or repeats the answer to the first: make a new key for each call."
            }
            Self::NeverRetried { .. } => "Try such a request again, after a wait that grows.",
            Self::RetriedAtOnce { .. } => {
                "What is overloaded stays so: wait before each attempt, longer each time, with some jitter."
            }
            Self::RetriedTooEarly { .. } => {
                "Wait as long as the answer asks for, also when your own back-off is shorter."
            }
            Self::TooManyAttempts { .. } => {
                "Clients that never give up keep a server down: limit the attempts of a call."
            }
        }
    }
}

/// What the client did, without what to do about it.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BodyCancelled { sequences } => {
                write!(f, "{} before the end", bodies(sequences, "cancelled"))
            }
            Self::BodyLeftOpen { sequences } => write!(
                f,
                "{}, and not cancelled either",
                bodies(sequences, "not read to the end")
            ),
            Self::DidNotBackOff { sequences, waits } => write!(
                f,
                "the waits before {} do not grow: {}",
                Numbers(sequences),
                Waits(waits)
            ),
            Self::FutileRetry {
                sequence,
                after,
                status,
            } => write!(
                f,
                "#{sequence} came after #{after}, which was answered {status}: nothing to try again"
            ),
            Self::GaveUp { sequences, status } => write!(
                f,
                "gave up after {}, of which the last one {}",
                plural(sequences.len() as u64, "attempt"),
                answered(*status)
            ),
            Self::Hedged { sequences, .. } => write!(
                f,
                "{} came while an attempt before was going on",
                Numbers(sequences)
            ),
            Self::IdempotencyKeyChanged {
                header,
                first,
                sequences,
            } => write!(
                f,
                "{} came without the `{header}` of #{first}",
                Numbers(sequences)
            ),
            Self::IdempotencyKeyMissing {
                method,
                sequences,
                unknown,
            } => {
                let times = plural(sequences.len() as u64, "time");
                write!(
                    f,
                    "the {method} was made {times} without an idempotency key"
                )?;
                if unknown.is_empty() {
                    return Ok(());
                }
                write!(
                    f,
                    ", and nobody knows what has become of {}",
                    Numbers(unknown)
                )
            }
            Self::IdempotencyKeyReused {
                header,
                first,
                sequence,
            } => write!(
                f,
                "#{sequence} has the `{header}` of #{first}, and is another request"
            ),
            Self::NeverRetried { sequence, status } => {
                write!(
                    f,
                    "#{sequence} {}, and was never tried again",
                    answered(*status)
                )
            }
            Self::RetriedAtOnce { sequences } => {
                write!(f, "{} came without any wait", Numbers(sequences))
            }
            Self::RetriedTooEarly {
                sequence,
                after,
                asked,
                waited,
            } => write!(
                f,
                "#{sequence} came {} after the answer to #{after}, which asks for {} (`{}`): {} too early",
                Shown(*waited),
                Shown(asked.wait),
                asked.field,
                Shown(asked.wait.saturating_sub(*waited))
            ),
            Self::TooManyAttempts { sequences, limit } => write!(
                f,
                "{}, where {limit} may be",
                plural(sequences.len() as u64, "attempt")
            ),
        }
    }
}

fn bodies(sequences: &[u64], what: &str) -> String {
    let numbers = Numbers(sequences);
    match sequences {
        [_] => format!("the body of the answer to {numbers} was {what}"),
        _ => format!("the bodies of the answers to {numbers} were {what}"),
    }
}

fn answered(status: Option<u16>) -> String {
    status.map_or_else(
        || "failed".to_owned(),
        |status| format!("was answered {status}"),
    )
}

/// A finding as JSON, with what follows from it.
#[derive(Serialize)]
struct Told<'a> {
    severity: Severity,
    text: String,
    advice: &'static str,
    #[serde(flatten)]
    finding: &'a Finding,
}

/// Findings as JSON, each with its severity, its text and what to do about it.
pub(super) fn told<S: Serializer>(findings: &[Finding], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(findings.iter().map(|finding| Told {
        severity: finding.severity(),
        text: finding.to_string(),
        advice: finding.advice(),
        finding,
    }))
}

fn all_millis<S: Serializer>(durations: &[Duration], serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Millis(#[serde(with = "millis")] Duration);
    serializer.collect_seq(durations.iter().copied().map(Millis))
}
