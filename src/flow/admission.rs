//! The first step of a call where there are limits: to be admitted.

use std::task::{Context, Poll};

use http::HeaderMap;

use super::decide::{Decided, Decision, Rated, answer, decide_admitted};
use super::respond::{Respond, State};
use crate::core::ExchangeId;
use crate::core::exchange::Waits;
use crate::core::gate::Entered;
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::mode::Mode;
use crate::model::captured::ResponseHead;
use crate::model::reply::Reply;
use crate::model::request::Request;
use crate::rate_limit::RateLimit;

impl<M: Mode> Respond<M> {
    /// A request arrives, and is admitted or waits.
    #[cold]
    pub(super) fn enter(&mut self, mut request: Request, cx: &Context<'_>) -> Decided<M> {
        let engine = self.engine();
        engine.follow_clock();
        let settings = &engine.settings;
        if !settings.redact.is_empty() {
            request.mark_secrets(&settings.redact);
        }
        let place = settings.limits.as_ref().map(|it| it.place(&request));
        let (place, failed) = match place.transpose() {
            Ok(place) => (place, None),
            Err(error) => (None, Some(error)),
        };
        let kept = engine.kept_instead(&request);
        let kept = kept.as_ref().unwrap_or(&request);
        let entered = engine.with(|core| core.enter(kept, place.as_ref()));
        let (arrived, entered) = match entered {
            Ok(entered) => entered,
            Err(error) => return Decided::Over(error),
        };
        let (exchange, sequence) = arrived.settle();
        let decision = match (failed, entered) {
            (Some(error), _) => Decision::Failed(error),
            (None, Err(fault)) => Decision::Failed(fault.into()),
            (None, Ok(Entered::Admitted)) => self.go_on(exchange, sequence, request),
            (None, Ok(Entered::Waiting)) => {
                self.state = State::Queued {
                    exchange,
                    sequence,
                    request,
                };
                return self.poll_queued(cx);
            }
            (None, Ok(Entered::Full(waiting))) => {
                Decision::Failed(Error::new(ErrorKind::QueueFull { waiting }))
            }
        };
        Decided::Undone(exchange, decision)
    }

    pub(super) fn poll_queued(&mut self, cx: &Context<'_>) -> Decided<M> {
        let State::Queued { exchange, .. } = self.state else {
            unreachable!("only called in this state");
        };
        // Park first: an admission that comes in between then wakes.
        if let Poll::Ready(Err(error)) = self.park::<()>(exchange, Waits::Permit, cx) {
            return Decided::Over(error);
        }
        if !self.engine().with(|core| core.is_admitted(exchange)) {
            return Decided::Waiting;
        }
        let State::Queued {
            sequence, request, ..
        } = self.take_state()
        else {
            unreachable!("the state was just matched");
        };
        // Its host may have gone down while it waited.
        let engine = self.engine();
        engine.follow_clock();
        let fault = engine.with(|core| core.endpoints.fault(&request, core.timeline.now()));
        let decision = match fault {
            Some(fault) => Decision::Failed(fault.into()),
            None => self.go_on(exchange, sequence, request),
        };
        Decided::Undone(exchange, decision)
    }

    /// Lets the rules answer a request that has been admitted, unless it comes too fast.
    fn go_on(&mut self, exchange: ExchangeId, sequence: u64, request: Request) -> Decision<M> {
        let (fields, decision) = decide_limited(self.engine(), exchange, sequence, request);
        if let Some(fields) = fields {
            self.add_fields(fields);
        }
        decision
    }

    /// What is left to do once it is noted how the limits of a rule stand.
    pub(super) fn unrated(&mut self, rated: Rated<M>, request: Request) -> Decision<M> {
        self.add_fields(rated.fields);
        match rated.answer {
            Ok(claimed) => answer(claimed, Some(request)),
            Err(refusal) => Decision::Refused { refusal, request },
        }
    }

    fn add_fields(&mut self, fields: HeaderMap) {
        self.fields.get_or_insert_default().extend(fields);
    }

    /// The head of a reply with what it says besides; the journal notes that.
    #[cold]
    pub(super) fn add_to_head(
        &self,
        exchange: ExchangeId,
        reply: &Reply,
        fields: HeaderMap,
    ) -> HeaderMap {
        let mut headers = HeaderMap::clone(&reply.headers);
        headers.extend(fields);
        let head = Box::new(ResponseHead {
            status: reply.status,
            headers: headers.clone(),
        });
        self.engine().with(|core| core.begin(exchange, head));
        headers
    }
}

/// Lets the limits of the whole transport, and then the rules, answer a request that has been
/// admitted. With the decision comes what those limits say of how they stand.
pub(crate) fn decide_limited<M: Mode>(
    engine: &Engine<M>,
    exchange: ExchangeId,
    sequence: u64,
    request: Request,
) -> (Option<HeaderMap>, Decision<M>) {
    match ask_rates(engine, exchange, &request) {
        Ok(Some((fields, Some(refusal)))) => (Some(fields), Decision::Refused { refusal, request }),
        Ok(told) => (
            told.map(|(fields, _)| fields),
            decide_admitted(engine, exchange, sequence, request),
        ),
        Err(error) => (None, Decision::Failed(error)),
    }
}

/// How the limits of the whole transport stand, and what they refuse a request with, if they do.
fn ask_rates<M: Mode>(
    engine: &Engine<M>,
    exchange: ExchangeId,
    request: &Request,
) -> Result<Option<(HeaderMap, Option<Reply>)>> {
    let Some(limits) = &engine.settings.limits else {
        return Ok(None);
    };
    let asked = RateLimit::ask(&limits.rates, request)?;
    let Some(taken) = engine.with(|core| core.take_rates(&asked)) else {
        return Ok(None);
    };
    if let Some(limit) = RateLimit::refusing(&limits.rates, &taken) {
        engine.with(|core| core.note_refused(exchange, limit));
    }
    let told = RateLimit::tell(&limits.rates, &taken, engine.today());
    Ok(Some(told))
}
