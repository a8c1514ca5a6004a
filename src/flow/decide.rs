//! From a request to the rule that answers it: who is asked, in what order, outside every borrow.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use crate::core::ExchangeId;
use crate::core::arrival::{Arrived, Verdict};
use crate::core::exchange::Claimed;
use crate::core::rules::Candidate;
use crate::diagnosis::{Check, Diagnosis, Exclusion, NearMiss};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::matcher::{Subject, explain};
use crate::mode::Mode;
use crate::model::redact;
use crate::model::reply::{Reply, ReplyBody};
use crate::model::request::Request;
use crate::rate_limit::RateLimit;

/// How many rules a diagnosis tells of.
const NEAREST: usize = 3;

/// What became of a request.
pub(crate) enum Decided<M: Mode> {
    /// A rule has answered: the reply is ready.
    Ready(ExchangeId),
    /// There is more to do.
    Undone(ExchangeId, Decision<M>),
    /// It waits to be admitted.
    Waiting,
    /// It has not arrived, or is over: the transport was reset or disposed.
    Over(Error),
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
    /// A rule answers whose rate is limited, or refuses to.
    Rated {
        rated: Box<Rated<M>>,
        request: Request,
    },
    /// A limit refuses, with a reply.
    Refused { refusal: Reply, request: Request },
    Unmatched {
        diagnosis: Box<Diagnosis>,
        request: Request,
    },
}

/// What a rule says whose rate is limited.
pub(crate) struct Rated<M: Mode> {
    /// How its limits stand.
    pub(crate) fields: HeaderMap,
    /// The refusal is a reply.
    pub(crate) answer: Result<Claimed<M>, Reply>,
}

/// Who answers, of those that were asked.
pub(crate) enum Found<M: Mode> {
    Claimed(Claimed<M>),
    Nobody,
    Rated(Box<Rated<M>>),
}

/// A reply that is the same for every request, ready to be sent.
pub(crate) struct Ready {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Bytes>,
}

/// Makes a reply ready; not when there is more to it.
#[inline]
fn make_ready(reply: &Reply) -> Option<Ready> {
    let body = match &reply.body {
        ReplyBody::Empty => None,
        ReplyBody::Full(bytes) => Some(bytes.clone()),
        _ => return None,
    };
    let is_late = !reply.head_delay().is_zero();
    (!is_late).then(|| Ready {
        status: reply.status,
        headers: HeaderMap::clone(&reply.headers),
        body,
    })
}

/// Notes the arrival of a request and finds the rule that answers it; makes the reply ready at once where
/// there is no more to it.
#[inline]
pub(crate) fn decide<M: Mode>(
    engine: &Engine<M>,
    mut request: Request,
    ready: &mut Option<Ready>,
) -> Decided<M> {
    engine.follow_clock();
    let settings = &engine.settings;
    if !settings.redact.is_empty() {
        request.mark_secrets(&settings.redact);
    }
    let instead = engine.kept_instead(&request);
    let is_calm = settings.chaos.is_empty();
    let take_reply = |reply: &Reply| {
        if is_calm {
            *ready = make_ready(reply);
        }
        ready.is_some()
    };
    let admitted = engine.with(|core| core.admit(request, instead, take_reply));
    match admitted {
        Ok((arrived, Verdict::Replied)) => Decided::Ready(arrived.settle().0),
        Ok((arrived, verdict)) => decide_further(engine, arrived, verdict),
        Err((error, _)) => Decided::Over(error),
    }
}

/// Goes on where the target alone has not led to a reply.
#[inline(never)]
fn decide_further<M: Mode>(
    engine: &Engine<M>,
    arrived: Arrived,
    verdict: Verdict<M>,
) -> Decided<M> {
    let (exchange, sequence) = arrived.settle();
    let decision = match verdict {
        Verdict::Replied => return Decided::Ready(exchange),
        Verdict::Claimed { claimed, request } => answer(claimed, request),
        Verdict::Down(fault) => Decision::Failed(fault.into()),
        Verdict::Ask {
            candidates,
            request,
        } => ask(engine, exchange, sequence, candidates, request),
    };
    Decided::Undone(exchange, decision)
}

/// Finds the rule that answers a request which has been admitted.
pub(crate) fn decide_admitted<M: Mode>(
    engine: &Engine<M>,
    exchange: ExchangeId,
    sequence: u64,
    request: Request,
) -> Decision<M> {
    match engine.with(|core| core.candidates(exchange, &request)) {
        Ok(candidates) => ask(engine, exchange, sequence, candidates, request),
        Err(error) => Decision::Failed(error),
    }
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
        Ok(Found::Claimed(claimed)) => answer(claimed, Some(request)),
        Ok(Found::Rated(rated)) => Decision::Rated { rated, request },
        // The transport may have been reset or disposed while the rules were asked.
        Ok(Found::Nobody) => match engine.with(|core| core.ensure_going_on(exchange)) {
            Ok(()) => Decision::Unmatched {
                diagnosis: Box::new(diagnose(engine, &subject)),
                request,
            },
            Err(error) => Decision::Failed(error),
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
) -> Result<Found<M>> {
    for Candidate { id, rule } in candidates {
        let matched = rule.matcher.test(subject);
        if !matched.map_err(|error| error.in_rule(&rule.site.to_string()))? {
            continue;
        }
        let rates = rule.rates();
        if rates.is_empty() {
            if let Some(claimed) = engine.with(|core| core.claim(exchange, id)) {
                return Ok(Found::Claimed(claimed));
            }
            continue;
        }
        let asked = RateLimit::ask(rates, subject.request)?;
        if let Some((claimed, taken)) = engine.with(|core| core.claim_rated(exchange, id, &asked)) {
            if let Some(limit) = RateLimit::refusing(rates, &taken) {
                engine.with(|core| core.note_refused(exchange, limit));
            }
            let (fields, refusal) = RateLimit::tell(rates, &taken, engine.today());
            let answer = match (claimed, refusal) {
                (Some(claimed), _) => Ok(claimed),
                (None, Some(refusal)) => Err(refusal),
                (None, None) => unreachable!("who is refused gets a refusal"),
            };
            return Ok(Found::Rated(Box::new(Rated { fields, answer })));
        }
    }
    Ok(Found::Nobody)
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
    let hint = hint(subject.request, &misses);
    Diagnosis {
        hint,
        ..diagnosis_of(subject.request, subject.sequence, misses, count)
    }
}

/// What a request says, with what came nearest to it of so many.
pub(crate) fn diagnosis_of(
    request: &Request,
    sequence: u64,
    nearest: Vec<NearMiss>,
    count: usize,
) -> Diagnosis {
    let headers = redact::printable(request.headers());
    Diagnosis {
        request: request.to_string(),
        sequence,
        headers: headers
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
        body: match request.text() {
            Ok(text) => explain::cut(text, 200),
            Err(_) => format!("{} bytes that are not UTF-8", request.body().len()),
        },
        nearest,
        rules: count,
        recorded: false,
        hint: None,
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
