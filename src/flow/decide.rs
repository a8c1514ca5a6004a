//! From a request to the rule that answers it: who is asked, in what order, outside every borrow.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use crate::core::ExchangeId;
use crate::core::exchange::{Claimed, Verdict};
use crate::core::rules::Candidate;
use crate::diagnosis::{Check, Diagnosis, Exclusion, NearMiss};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::matcher::{Subject, explain};
use crate::mode::Mode;
use crate::model::redact;
use crate::model::reply::{Reply, ReplyBody};
use crate::model::request::Request;

/// How many rules a diagnosis tells of.
const NEAREST: usize = 3;

/// What became of a request.
pub(crate) enum Decided<M: Mode> {
    /// A rule has answered with this.
    Ready(ExchangeId, Ready),
    /// There is more to do.
    Undone(ExchangeId, Decision<M>),
}

pub(crate) enum Decision<M: Mode> {
    /// A rule answers. The request is there when the reply depends on it, with what the rule's
    /// template captured.
    Answer {
        claimed: Claimed<M>,
        request: Option<Request>,
    },
    /// The caller is told: a predicate failed, or the host is down.
    Failed(Error),
    Unmatched {
        diagnosis: Box<Diagnosis>,
        request: Request,
    },
}

/// A reply that is the same for every request, ready to be sent.
pub(crate) struct Ready {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Bytes>,
}

impl Ready {
    /// `None` when there is more to it.
    fn of(reply: &Reply) -> Option<Self> {
        let body = match &reply.body {
            ReplyBody::Empty => None,
            ReplyBody::Full(bytes) => Some(bytes.clone()),
            _ => return None,
        };
        if !reply.delay.is_zero() {
            return None;
        }
        Some(Self {
            status: reply.status,
            headers: HeaderMap::clone(&reply.headers),
            body,
        })
    }
}

/// Notes the arrival of a request and finds the rule that answers it.
#[inline]
pub(crate) fn decide<M: Mode>(engine: &Engine<M>, mut request: Request) -> Result<Decided<M>> {
    engine.follow_clock();
    let settings = &engine.settings;
    if !settings.redact.is_empty() {
        request.mark_secrets(&settings.redact);
    }
    let instead = engine.kept_instead(&request);
    let is_calm = settings.chaos.is_empty();
    let ready = |reply: &Reply| Ready::of(reply).filter(|_| is_calm);
    let admitted = engine.with(|core| core.admit(request, instead, ready));
    let (arrived, verdict) = admitted.map_err(|(error, _)| error)?;
    drop(arrived.evicted);
    arrived.wake.into_iter().for_each(std::task::Waker::wake);
    let exchange = arrived.exchange;
    let decision = match verdict {
        Verdict::Ready(ready) => return Ok(Decided::Ready(exchange, ready)),
        Verdict::Claimed { claimed, request } => answer(claimed, request),
        Verdict::Down(fault) => Decision::Failed(fault.into()),
        Verdict::Ask {
            candidates,
            request,
        } => ask(engine, exchange, arrived.sequence, candidates, request),
    };
    Ok(Decided::Undone(exchange, decision))
}

/// Asks the candidates, and diagnoses the request when none of them answers.
pub(crate) fn ask<M: Mode>(
    engine: &Engine<M>,
    exchange: ExchangeId,
    sequence: u64,
    candidates: Vec<Candidate<M>>,
    request: Request,
) -> Decision<M> {
    let mut subject = Subject::new(&request, sequence);
    match find(engine, exchange, &mut subject, candidates) {
        Ok(Some(claimed)) => answer(claimed, Some(request)),
        Ok(None) => Decision::Unmatched {
            diagnosis: Box::new(diagnose(engine, &subject)),
            request,
        },
        Err(error) => Decision::Failed(error),
    }
}

/// Asks the candidates in order; the first that matches and is still in play answers.
pub(crate) fn find<M: Mode>(
    engine: &Engine<M>,
    exchange: ExchangeId,
    subject: &mut Subject<'_>,
    candidates: Vec<Candidate<M>>,
) -> Result<Option<Claimed<M>>> {
    for Candidate { id, rule } in candidates {
        let matched = rule.matcher.test(subject);
        if matched.map_err(|error| error.in_rule(&rule.site.to_string()))? {
            let claimed = engine.with(|core| core.claim(exchange, id));
            if claimed.is_some() {
                return Ok(claimed);
            }
        }
    }
    Ok(None)
}

/// The answer of a rule that has claimed a request, with what its template captures.
pub(crate) fn answer<M: Mode>(claimed: Claimed<M>, request: Option<Request>) -> Decision<M> {
    let request = request.map(|request| {
        let params = claimed.rule.matcher.captures(&request);
        request.with_params(params)
    });
    Decision::Answer { claimed, request }
}

/// Compares a request with every rule, and keeps those that came nearest.
pub(crate) fn diagnose<M: Mode>(engine: &Engine<M>, subject: &Subject<'_>) -> Diagnosis {
    let rules: Vec<(Candidate<M>, Option<Exclusion>)> = engine.with(|core| {
        let rules = core.rules.iter().map(|(id, registered)| {
            let rule = registered.rule.clone();
            (Candidate { id, rule }, core.excluded(id))
        });
        rules.collect()
    });
    let count = rules.len();
    let mut misses: Vec<NearMiss> = rules
        .into_iter()
        .map(|(candidate, excluded)| near_miss(&candidate, subject, excluded))
        .collect();
    misses.sort_by_key(|miss| miss.distance);
    misses.truncate(NEAREST);
    let request = subject.request;
    let headers = redact::printable(request.headers());
    Diagnosis {
        request: request.to_string(),
        sequence: subject.sequence,
        headers: headers
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
        body: match request.text() {
            Ok(text) => explain::cut(text, 200),
            Err(_) => format!("{} bytes that are not UTF-8", request.body().len()),
        },
        hint: hint(request, &misses),
        nearest: misses,
        rules: count,
    }
}

/// What to do when nothing but the kind of connection is wrong with the nearest rule.
fn hint(request: &Request, misses: &[NearMiss]) -> Option<&'static str> {
    let miss = misses.first().filter(|miss| miss.excluded.is_none())?;
    let failed = || miss.checks.iter().filter(|check| !check.passed);
    let is_socket = request.header("upgrade") == Some("websocket");
    let wants_socket = miss.checks.iter().any(asks_for_socket);
    match (is_socket, wants_socket) {
        (true, false) if failed().all(|it| it.matcher == "scheme") => Some(
            "the request opens a WebSocket, and the nearest rule is for plain requests: begin it with `websocket`",
        ),
        (false, true) if failed().all(asks_for_socket) => Some(
            "the nearest rule is for WebSockets, and this is a plain request: open the connection with `connect`, in JavaScript with `new transport.WebSocket`",
        ),
        _ => None,
    }
}

/// Whether only the handshake of a WebSocket passes. JavaScript asks for the scheme alone, and for either
/// where the target has none.
fn asks_for_socket(check: &Check) -> bool {
    let expected = check.expected.as_str();
    match check.matcher.as_str() {
        "header upgrade" => true,
        "scheme" => matches!(expected, "\"ws\"" | "\"wss\""),
        "any of" => expected == "(scheme \"ws\" or scheme \"wss\")",
        _ => false,
    }
}

/// How far a request is from a rule, and why.
pub(crate) fn near_miss<M: Mode>(
    candidate: &Candidate<M>,
    subject: &Subject<'_>,
    excluded: Option<Exclusion>,
) -> NearMiss {
    let rule = &candidate.rule;
    NearMiss::new(
        rule.matcher.to_string(),
        rule.site.to_string(),
        rule.matcher.explain(subject),
        excluded,
    )
}
