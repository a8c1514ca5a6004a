//! The first step of a call where there are limits: to be admitted.

use std::task::{Context, Poll, Waker};

use http::HeaderMap;

use super::answer::Outgoing;
use super::decide::{Rated, decide_admitted, with_params};
use super::respond::{Respond, Response, State};
use crate::core::ExchangeId;
use crate::core::exchange::Waits;
use crate::core::gate::Entered;
use crate::error::{Error, ErrorKind, Result};
use crate::mode::Mode;
use crate::model::captured::ResponseHead;
use crate::model::reply::Reply;
use crate::model::request::Request;
use crate::rate_limit::RateLimit;

impl<M: Mode> Respond<M> {
    /// A request arrives, and is admitted or waits.
    pub(super) fn enter(
        &mut self,
        mut request: Request,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Response<M>>> {
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
            Err(error) => return Poll::Ready(Err(error)),
        };
        drop(arrived.evicted);
        arrived.wake.into_iter().for_each(Waker::wake);
        let (exchange, sequence) = (arrived.exchange, arrived.sequence);
        if let Some(error) = failed {
            return Poll::Ready(Err(self.fail(exchange, error)));
        }
        match entered {
            Entered::Admitted => self.go_on(exchange, sequence, request, cx),
            Entered::Waiting => {
                self.state = State::Queued {
                    exchange,
                    sequence,
                    request,
                };
                self.poll_queued(cx)
            }
            Entered::Full(waiting) => {
                let error = Error::new(ErrorKind::QueueFull { waiting });
                Poll::Ready(Err(self.fail(exchange, error)))
            }
        }
    }

    pub(super) fn poll_queued(&mut self, cx: &mut Context<'_>) -> Poll<Result<Response<M>>> {
        let State::Queued { exchange, .. } = self.state else {
            unreachable!("only called in this state");
        };
        // Park first: an admission that comes in between then wakes.
        let parked = self.park(exchange, Waits::Permit, cx);
        if parked.is_ready() {
            return parked;
        }
        if !self.engine().with(|core| core.is_admitted(exchange)) {
            return Poll::Pending;
        }
        let State::Queued {
            sequence, request, ..
        } = self.take_state()
        else {
            unreachable!("the state was just matched");
        };
        self.go_on(exchange, sequence, request, cx)
    }

    /// Lets the rules answer a request that has been admitted, unless it comes too fast.
    fn go_on(
        &mut self,
        exchange: ExchangeId,
        sequence: u64,
        request: Request,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Response<M>>> {
        match self.ask_rates(&request) {
            Ok(None) => {}
            Ok(Some(refusal)) => {
                return self.send(exchange, Outgoing::of(refusal), request, None, cx);
            }
            Err(error) => return Poll::Ready(Err(self.fail(exchange, error))),
        }
        match decide_admitted(self.engine(), exchange, sequence, request) {
            Ok(decided) => self.carry_out(decided, cx),
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    /// What the limits of the whole transport refuse a request with, if they do.
    fn ask_rates(&mut self, request: &Request) -> Result<Option<Reply>> {
        let engine = self.engine();
        let Some(limits) = &engine.settings.limits else {
            return Ok(None);
        };
        let asked = RateLimit::ask(&limits.rates, request)?;
        let Some(taken) = engine.with(|core| core.take_rates(&asked)) else {
            return Ok(None);
        };
        let (fields, refusal) = RateLimit::tell(&limits.rates, &taken, engine.today());
        self.add_fields(fields);
        Ok(refusal)
    }

    /// Does what a rule says whose rate is limited.
    pub(super) fn rated(
        &mut self,
        exchange: ExchangeId,
        rated: Rated<M>,
        request: Request,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Response<M>>> {
        self.add_fields(rated.fields);
        let claimed = match rated.answer {
            Ok(claimed) => claimed,
            Err(refusal) => return self.send(exchange, Outgoing::of(refusal), request, None, cx),
        };
        let request = with_params(&claimed, request);
        self.answer(exchange, &claimed, Some(request), cx)
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
