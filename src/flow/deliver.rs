//! The last step of a call: the reply becomes a response, when its time comes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll};

use http::{HeaderMap, Method};

use super::answer::Outgoing;
use super::body::{Body, Source};
use super::decide::Ready;
use super::due::Due;
use super::play::Playing;
use super::respond::{Respond, Response, State};
use crate::core::ExchangeId;
use crate::core::exchange::{Claimed, Waits};
use crate::core::rules::Site;
use crate::core::timeline::Alarm;
use crate::error::{Error, ErrorKind, Result};
use crate::mode::Mode;
use crate::model::captured::{Outcome, ResponseHead};
use crate::model::damage::Damage;
use crate::model::exchange::Exchange;
use crate::model::reply::{Reply, ReplyBody};
use crate::model::request::Request;

/// A reply that waits for its time.
pub(super) struct Delayed<M: Mode> {
    pub(super) exchange: ExchangeId,
    alarm: Alarm,
    pub(super) due: Due<M>,
    outgoing: Outgoing<M>,
    request: Option<Request>,
    of_rule: bool,
}

impl<M: Mode> Respond<M> {
    /// Sends a reply that was made ready when the request arrived.
    #[inline]
    pub(super) fn give(&mut self, exchange: ExchangeId, ready: Ready) -> Result<Response<M>> {
        let body = match (ready.body, self.engine.take()) {
            (Some(bytes), Some(engine)) => Body::new(engine, exchange, Source::Full(bytes), 0),
            (_, engine) => {
                self.engine = engine;
                self.finish(exchange, Outcome::Done)?;
                Body::empty()
            }
        };
        let mut response = http::Response::new(body);
        *response.status_mut() = ready.status;
        *response.headers_mut() = ready.headers;
        Ok(response)
    }

    /// Sends the reply that the rule has for this turn.
    pub(super) fn deliver_turn(
        &mut self,
        exchange: ExchangeId,
        claimed: &Claimed<M>,
        request: Option<Request>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Response<M>>> {
        let Claimed { rule, turn, .. } = claimed;
        let reply = rule.reply_index(*turn).and_then(|index| rule.reply(index));
        let Some(reply) = reply else {
            let exhausted = ErrorKind::SequenceExhausted {
                rule: rule.site.to_string(),
                replies: rule.action.replies().len(),
            };
            return Poll::Ready(Err(self.fail(exchange, Error::new(exhausted))));
        };
        if self.damage.is_some() || reply.is_from_exchange() || reply.is_template() {
            let outgoing = Outgoing::of(reply.clone());
            return self.send(exchange, outgoing, request, Some(&rule.site), cx);
        }
        if reply.head_delay().is_zero() {
            return self.deliver_now(exchange, reply, None, request.as_ref(), true, cx);
        }
        let outgoing = Outgoing::of(reply.clone());
        self.deliver_later(exchange, outgoing, request, true, cx)
    }

    /// Sends a reply that was made for this exchange.
    pub(super) fn send(
        &mut self,
        exchange: ExchangeId,
        mut outgoing: Outgoing<M>,
        request: Option<Request>,
        site: Option<&Site>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Response<M>>> {
        if outgoing.reply.is_from_exchange() {
            match self.make(exchange, outgoing.reply, request.as_ref()) {
                Ok(reply) => outgoing.reply = reply,
                Err(panic) => return Poll::Ready(Err(self.panicked(exchange, site, &*panic))),
            }
        }
        outgoing = outgoing.rendered(request.as_ref());
        if let Some(damage) = self.damage.take() {
            outgoing = outgoing.damaged(*damage);
        }
        // Who made the reply may have reset or disposed of the transport.
        if let Err(error) = self.engine().with(|core| core.ensure_going_on(exchange)) {
            return Poll::Ready(Err(error));
        }
        let reply = &outgoing.reply;
        if let Some(error) = reply.mistake() {
            let site = site.map(ToString::to_string).unwrap_or_default();
            return Poll::Ready(Err(self.fail(exchange, error.in_rule(&site))));
        }
        if reply.as_fault().is_none() {
            let head = Box::new(ResponseHead {
                status: reply.status,
                headers: HeaderMap::clone(&reply.headers),
            });
            self.engine().with(|core| core.begin(exchange, head));
        }
        if reply.head_delay().is_zero() {
            let Outgoing { reply, live } = outgoing;
            return self.deliver_now(exchange, &reply, live, request.as_ref(), false, cx);
        }
        self.deliver_later(exchange, outgoing, request, false, cx)
    }

    /// The reply that is made of this exchange, outside every borrow; or the panic of who makes it.
    #[cold]
    fn make(
        &self,
        exchange: ExchangeId,
        reply: Reply,
        request: Option<&Request>,
    ) -> std::thread::Result<Reply> {
        let Some(request) = request else {
            unreachable!("whoever replies to a request by what it says has it");
        };
        let engine = self.engine();
        engine.follow_clock();
        let (sequence, at) = engine.with(|core| {
            let sequence = core.exchanges.get(exchange).map(|it| it.sequence());
            (sequence.unwrap_or_default(), core.timeline.now())
        });
        let facts = Exchange {
            request: request.clone(),
            sequence,
            at,
            epoch: engine.settings.epoch,
            seed: engine.settings.seed,
            retry_after: None,
        };
        catch_unwind(AssertUnwindSafe(|| reply.for_exchange(&facts)))
    }

    /// Sends a reply when its time comes.
    fn deliver_later(
        &mut self,
        exchange: ExchangeId,
        outgoing: Outgoing<M>,
        request: Option<Request>,
        of_rule: bool,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Response<M>>> {
        let delay = outgoing.reply.head_delay();
        self.engine().follow_clock();
        let alarm = self.engine().with(|core| {
            core.note_no_head(exchange);
            Alarm {
                due: core.timeline.now().saturating_add(delay),
                number: core.timeline.number(),
            }
        });
        self.state = State::Delayed(Box::new(Delayed {
            exchange,
            alarm,
            due: Due::new(),
            outgoing,
            request,
            of_rule,
        }));
        self.poll_delayed(cx)
    }

    /// Sends a reply, which the rule has as a value or which was made for this exchange.
    fn deliver_now(
        &mut self,
        exchange: ExchangeId,
        reply: &Reply,
        live: Option<M::Live>,
        request: Option<&Request>,
        of_rule: bool,
        cx: &Context<'_>,
    ) -> Poll<Result<Response<M>>> {
        if let ReplyBody::Never = reply.body {
            self.engine().with(|core| core.note_no_head(exchange));
            self.state = State::Unanswered { exchange };
            return self.park(exchange, Waits::Nothing, cx);
        }
        Poll::Ready(self.respond(exchange, reply, live, request, of_rule))
    }

    fn respond(
        &mut self,
        exchange: ExchangeId,
        reply: &Reply,
        live: Option<M::Live>,
        request: Option<&Request>,
        of_rule: bool,
    ) -> Result<Response<M>> {
        // A response to HEAD has no content (RFC 9110 §9.3.2).
        let headless = request.is_some_and(|request| request.method() == Method::HEAD);
        let source = match (&reply.body, live) {
            (ReplyBody::Fault(fault), _) => return Err(self.fail(exchange, (*fault).into())),
            (
                ReplyBody::Empty
                | ReplyBody::External { .. }
                | ReplyBody::FromExchange(_)
                | ReplyBody::Never
                | ReplyBody::Template(_),
                None,
            ) => Source::Done,
            _ if headless => Source::Done,
            (_, Some(live)) => Source::Live {
                frames: live,
                taken: 0,
            },
            (ReplyBody::Frames(frames), _) if frames.is_empty() => Source::Done,
            (ReplyBody::Frames(frames), _) => Source::Frames {
                frames: frames.clone(),
                next: 0,
            },
            (ReplyBody::Full(bytes), _) => Source::Full(bytes.clone()),
            (ReplyBody::Script(script), _) => {
                let playing = Playing::begin(self.engine(), script.clone(), exchange);
                Source::Script(Box::new(playing))
            }
        };
        // What the rule has as a value need not be kept once more.
        let has_value = matches!(source, Source::Full(_) | Source::Frames { .. });
        let fields = self.fields.take();
        let fields = fields.map(|fields| self.add_to_head(exchange, reply, *fields));
        let is_kept = of_rule && has_value && fields.is_none();
        let body = self.body(exchange, source, is_kept)?;
        let mut response = http::Response::new(body);
        *response.status_mut() = reply.status;
        if let Some(fields) = fields {
            *response.headers_mut() = fields;
        } else if !reply.headers.is_empty() {
            *response.headers_mut() = HeaderMap::clone(&reply.headers);
        }
        Ok(response)
    }

    #[inline]
    fn body(&mut self, exchange: ExchangeId, source: Source<M>, is_kept: bool) -> Result<Body<M>> {
        if let Source::Done = source {
            self.finish(exchange, Outcome::Done)?;
            return Ok(Body::empty());
        }
        let room = if is_kept {
            0
        } else {
            self.engine().settings.body_bytes
        };
        let engine = self.engine.take();
        Ok(engine.map_or_else(Body::empty, |engine| {
            Body::new(engine, exchange, source, room)
        }))
    }

    pub(super) fn poll_delayed(&mut self, cx: &mut Context<'_>) -> Poll<Result<Response<M>>> {
        let (State::Delayed(delayed), Some(engine)) = (&mut self.state, &self.engine) else {
            unreachable!("only called in this state");
        };
        let exchange = delayed.exchange;
        if let Err(error) = engine.with(|core| core.ensure_going_on(exchange)) {
            delayed.due.leave(engine);
            drop(self.take_state());
            return Poll::Ready(Err(error));
        }
        if delayed
            .due
            .poll(engine, delayed.alarm, None, cx)
            .is_pending()
        {
            return Poll::Pending;
        }
        let State::Delayed(delayed) = self.take_state() else {
            unreachable!("the state was just matched");
        };
        let (Outgoing { reply, live }, request) = (delayed.outgoing, delayed.request);
        let of_rule = delayed.of_rule;
        self.engine().with(|core| core.note_head(exchange));
        self.deliver_now(exchange, &reply, live, request.as_ref(), of_rule, cx)
    }
}

impl<M: Mode> Outgoing<M> {
    /// The reply with what its template makes of the request, where it has one.
    fn rendered(mut self, request: Option<&Request>) -> Self {
        match request.and_then(|request| self.reply.rendered(request)) {
            Some(Ok(text)) => self.reply = self.reply.body(text),
            Some(Err(error)) => self.reply = self.reply.fail(error),
            None => {}
        }
        self
    }

    /// The reply with something wrong with it. A body that somebody else produces is left alone.
    fn damaged(self, damage: Damage) -> Self {
        if damage.is_of_body() && self.live.is_some() {
            return self;
        }
        let live = self.live.filter(|_| matches!(damage, Damage::Late(_)));
        let reply = self.reply.damaged(damage);
        Self { reply, live }
    }
}
