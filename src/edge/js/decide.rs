//! From the line of a request to the number of the reply that JavaScript gives.

use std::collections::HashMap;
use std::time::Duration;

use http::{HeaderMap, Version};

use super::convert::{block, error_json};
use crate::core::arrival::Verdict;
use crate::core::exchange::{Claimed, Delivered};
use crate::core::rules::{Action, Candidate};
use crate::core::{Core, ExchangeId};
use crate::edge::js_values::to_json;
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::flow::admission;
use crate::flow::decide::{Decision, Found, Rated, answer, ask, find};
use crate::matcher::Subject;
use crate::mode::Local;
use crate::model::captured::Outcome;
use crate::model::reply::Reply;
use crate::model::request::Request;
use crate::transport::MockTransport;

/// The whole request is needed: JavaScript calls `decide`.
pub(super) const NEEDS: i32 = -1;
/// No rule matched.
pub(super) const UNMATCHED: i32 = -2;
/// Something failed.
pub(super) const FAILED: i32 = -3;
/// The line is forgotten: JavaScript gives it again.
pub(super) const FORGOTTEN: i32 = -4;
/// The request has to wait to be admitted.
pub(super) const WAITING: i32 = -5;

/// The last decision, and what JavaScript may ask about it.
#[derive(Default)]
pub(super) struct Decider {
    sequence: u64,
    error: Option<Error>,
    answered: Option<(Claimed<Local>, Request)>,
    /// What rate limits say in the header fields of the reply.
    fields: HeaderMap,
    /// For how long one of them refuses the request.
    retry_after: Option<Duration>,
}

impl Decider {
    /// A request arrives of which the line is known, and no more.
    pub(super) fn call(&mut self, transport: &MockTransport<Local>, request: Request) -> i32 {
        let engine = &*transport.engine;
        let mut number = None;
        let admitted = engine.with(|core| {
            let take_reply = |reply: &Reply| {
                number = external(reply);
                number.is_some()
            };
            let (arrived, verdict) = core.admit(request, None, take_reply)?;
            // An exchange that the journal forgets can be named no more.
            let forgotten = arrived.evicted().and_then(|it| core.exchanges.remove(it));
            Ok((arrived, verdict, forgotten))
        });
        let (arrived, verdict, forgotten) = match admitted {
            Ok(admitted) => admitted,
            Err((error, request)) => {
                drop::<Request>(request);
                return self.fail(error);
            }
        };
        drop(forgotten);
        let (exchange, sequence) = arrived.settle();
        self.sequence = sequence;
        match number {
            Some(number) => number,
            None => self.settle(engine, exchange, verdict),
        }
    }

    /// Goes as far as the request line decides.
    #[cold]
    #[inline(never)]
    fn settle(
        &mut self,
        engine: &Engine<Local>,
        exchange: ExchangeId,
        verdict: Verdict<Local>,
    ) -> i32 {
        let (mut candidates, request) = match verdict {
            Verdict::Replied => unreachable!("then there is a number"),
            Verdict::Claimed { claimed, request } => {
                return self.conclude(engine, exchange, answer(claimed, request));
            }
            Verdict::Down(fault) => {
                return self.conclude(engine, exchange, Decision::Failed(fault.into()));
            }
            Verdict::Ask {
                candidates,
                request,
            } => (candidates, request),
        };
        let whole = |it: &Candidate<Local>| it.rule.needs_whole_request();
        let end = candidates.iter().position(whole);
        candidates.truncate(end.unwrap_or(candidates.len()));
        let mut subject = Subject::new(&request, self.sequence);
        let decided = match find(engine, exchange, &mut subject, candidates) {
            Ok(Found::Claimed(claimed)) => answer(claimed, Some(request)),
            Ok(Found::Nobody) => return NEEDS,
            Ok(Found::Rated(rated)) => Decision::Rated { rated, request },
            Err(error) => Decision::Failed(error),
        };
        self.conclude(engine, exchange, decided)
    }

    pub(super) fn decide(
        &mut self,
        transport: &MockTransport<Local>,
        sequence: u64,
        headers: &str,
        body: Vec<u8>,
    ) -> i32 {
        let engine = &*transport.engine;
        self.begin(sequence);
        let Some(request) = whole_of(engine, sequence, headers, body) else {
            return self.fail(Error::new(ErrorKind::StaleHandle { what: "exchange" }));
        };
        let request = match request {
            Ok(request) => request,
            Err(error) => return self.fail(error),
        };
        let kept = engine.kept_instead(&request);
        let found = engine.with(|core| {
            let before = core
                .journal
                .replace_request(sequence, kept.unwrap_or_else(|| request.clone()));
            let exchange = core.journal.exchange(sequence);
            (
                before,
                exchange.map(|exchange| (exchange, candidates(core, &request))),
            )
        });
        drop(found.0);
        let Some((exchange, candidates)) = found.1 else {
            return self.fail(Error::new(ErrorKind::StaleHandle { what: "exchange" }));
        };
        let decided = ask(engine, exchange, sequence, candidates, request);
        self.conclude(engine, exchange, decided)
    }

    /// Decides about a request that has been admitted.
    pub(super) fn decide_limited(
        &mut self,
        engine: &Engine<Local>,
        exchange: ExchangeId,
        sequence: u64,
        request: Request,
    ) -> i32 {
        let (fields, decided) = admission::decide_limited(engine, exchange, sequence, request);
        self.fields.clear();
        let answer = self.conclude(engine, exchange, decided);
        let of_rule = std::mem::replace(&mut self.fields, fields.unwrap_or_default());
        self.fields.extend(of_rule);
        answer
    }

    /// It is about the request with this number.
    pub(super) fn begin(&mut self, sequence: u64) {
        self.sequence = sequence;
    }

    pub(super) fn conclude(
        &mut self,
        engine: &Engine<Local>,
        exchange: ExchangeId,
        decided: Decision<Local>,
    ) -> i32 {
        let end = |outcome: Outcome| {
            let _ = engine.finish(exchange, outcome, &mut Delivered::default());
        };
        match decided {
            Decision::Answer { claimed, request } => {
                let number = number(&claimed);
                self.answered = request.map(|request| (claimed, request));
                match number {
                    Ok(number) => number,
                    Err(error) => {
                        end(Outcome::Failed(error.clone()));
                        self.fail(error)
                    }
                }
            }
            Decision::Rated { rated, request } => {
                let Rated {
                    fields,
                    answer: answered,
                } = *rated;
                self.fields = fields;
                let decided = match answered {
                    Ok(claimed) => answer(claimed, Some(request)),
                    Err(refusal) => Decision::Refused { refusal, request },
                };
                self.conclude(engine, exchange, decided)
            }
            Decision::Refused { refusal, .. } => {
                self.retry_after = refusal.retry_after();
                external(&refusal).unwrap_or_else(|| {
                    let gone = Error::new(ErrorKind::StaleHandle { what: "reply" });
                    self.conclude(engine, exchange, Decision::Failed(gone))
                })
            }
            Decision::Failed(error) => {
                end(Outcome::Failed(error.clone()));
                self.fail(error)
            }
            Decision::Unmatched { diagnosis, .. } => {
                engine.finish_unmatched(exchange, &diagnosis);
                self.error = Some(Error::new(ErrorKind::Unmatched(diagnosis)));
                UNMATCHED
            }
        }
    }

    pub(super) fn fail(&mut self, error: Error) -> i32 {
        self.error = Some(error);
        FAILED
    }

    pub(super) fn last_error(&self) -> String {
        self.error.as_ref().map(error_json).unwrap_or_default()
    }

    pub(super) fn fields(&self) -> &HeaderMap {
        &self.fields
    }

    pub(super) fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// What the path captured, as JSON.
    pub(super) fn params(&self, sequence: u64) -> String {
        let params: HashMap<&str, &str> = match &self.answered {
            Some((_, request)) if self.sequence == sequence => request.params().collect(),
            _ => HashMap::new(),
        };
        to_json(&params)
    }

    /// The text of a template reply.
    pub(super) fn render(&self, sequence: u64, number: u32) -> Result<String> {
        let answered = self.answered.as_ref().filter(|_| self.sequence == sequence);
        let rendered = answered.and_then(|(claimed, request)| {
            let index = claimed.rule.reply_index(claimed.turn)?;
            let reply = claimed.rule.reply(index)?;
            (reply.external_number() == Some(number)).then(|| reply.rendered(request))?
        });
        rendered.unwrap_or_else(|| Err(Error::new(ErrorKind::StaleHandle { what: "exchange" })))
    }
}

/// Gives a captured request the header fields and the body that no rule needed so far.
pub(super) fn hydrate(engine: &Engine<Local>, sequence: u64, headers: &str, body: Vec<u8>) {
    if let Some(Ok(request)) = whole_of(engine, sequence, headers, body) {
        let kept = engine.kept_instead(&request).unwrap_or(request);
        drop(engine.with(|core| core.journal.replace_request(sequence, kept)));
    }
}

/// A request that has arrived, with header fields and body; `None` when it is forgotten.
fn whole_of(
    engine: &Engine<Local>,
    sequence: u64,
    headers: &str,
    body: Vec<u8>,
) -> Option<Result<Request>> {
    let line = engine.with(|core| Some(core.journal.get_mut(sequence)?.request.clone()))?;
    Some(whole(engine, &line, headers, body))
}

/// A request line with header fields and body.
pub(super) fn whole(
    engine: &Engine<Local>,
    line: &Request,
    headers: &str,
    body: Vec<u8>,
) -> Result<Request> {
    let (method, url, headers) = (line.method().clone(), line.url().clone(), block(headers)?);
    let mut request = Request::new(method, url, Version::HTTP_11, headers, body.into());
    request.mark_secrets(&engine.settings.redact);
    Ok(request)
}

fn candidates(core: &Core<Local>, request: &Request) -> Vec<Candidate<Local>> {
    let ids = core.rules.candidates(request);
    ids.filter_map(|id| Some((id, core.rules.get(id)?)))
        .map(|(id, registered)| {
            let rule = registered.rule.clone();
            Candidate { id, rule }
        })
        .collect()
}

/// The number of the reply, on the JavaScript side.
fn number(claimed: &Claimed<Local>) -> Result<i32> {
    let rule = &claimed.rule;
    let reply = rule
        .reply_index(claimed.turn)
        .and_then(|index| rule.reply(index));
    reply.and_then(external).ok_or_else(|| {
        let site = rule.site.to_string();
        Error::new(match &rule.action {
            Action::Socket(_) => ErrorKind::SocketOnly { rule: site },
            action => ErrorKind::SequenceExhausted {
                rule: site,
                replies: action.replies().len(),
            },
        })
    })
}

fn external(reply: &Reply) -> Option<i32> {
    i32::try_from(reply.external_number()?).ok()
}
