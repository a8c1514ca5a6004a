//! The future of a call: from the request to the head of the response.

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{HeaderMap, Method};

use super::answer::{Answer, Outgoing, Responder};
use super::body::{Body, Source};
use super::decide::{Decided, Decision, Ready, decide};
use crate::core::ExchangeId;
use crate::core::exchange::{Claimed, Delivered};
use crate::core::rules::{Action, Site};
use crate::engine::{Engine, Unmatched};
use crate::error::{Error, ErrorKind, Result};
use crate::matcher::panic_message;
use crate::mode::Mode;
use crate::model::captured::{Outcome, ResponseHead};
use crate::model::reply::{Reply, ReplyBody};
use crate::model::request::Request;

/// The future that [`MockTransport::call`](crate::MockTransport::call) returns.
///
/// The request arrives with the first poll. Dropping the future afterwards cancels the exchange,
/// which the journal notes at once.
#[must_use = "futures do nothing unless polled: without it the request is never made"]
pub struct Respond<M: Mode> {
    /// Until the body takes it over.
    engine: Option<M::Ptr<Engine<M>>>,
    state: State<M>,
}

enum State<M: Mode> {
    Start(Request),
    /// A handler is thinking.
    Answering {
        exchange: ExchangeId,
        future: M::Future,
        request: Request,
        site: Option<Site>,
    },
    /// The test is to reply.
    Held {
        exchange: ExchangeId,
        request: Request,
    },
    Over,
}

type Response<M> = http::Response<Body<M>>;

impl<M: Mode> Respond<M> {
    pub(crate) fn new(engine: M::Ptr<Engine<M>>, request: Request) -> Self {
        Self {
            engine: Some(engine),
            state: State::Start(request),
        }
    }

    fn engine(&self) -> &Engine<M> {
        match &self.engine {
            Some(engine) => engine,
            None => unreachable!("given away only with the response"),
        }
    }

    fn start(&mut self, request: Request, cx: &mut Context<'_>) -> Poll<Result<Response<M>>> {
        let (exchange, decision) = match decide(self.engine(), request) {
            Ok(Decided::Ready(exchange, ready)) => {
                return Poll::Ready(self.give(exchange, ready));
            }
            Ok(Decided::Undone(exchange, decision)) => (exchange, decision),
            Err(error) => return Poll::Ready(Err(error)),
        };
        match decision {
            Decision::Answer { claimed, request } => self.answer(exchange, &claimed, request, cx),
            Decision::Failed(error) => Poll::Ready(Err(self.fail(exchange, error))),
            Decision::Unmatched { diagnosis, request } => {
                let error = || Error::new(ErrorKind::Unmatched(diagnosis));
                match self.engine().settings.unmatched.clone() {
                    Unmatched::Error => {
                        let _ = self.finish(exchange, Outcome::Unmatched);
                        Poll::Ready(Err(error()))
                    }
                    Unmatched::Reply(status) => {
                        let _ = self.finish(exchange, Outcome::Unmatched);
                        let mut response = http::Response::new(Body::empty());
                        *response.status_mut() = status;
                        Poll::Ready(Ok(response))
                    }
                    Unmatched::Handle(responder) => {
                        self.handle(exchange, &*responder, request, None, cx)
                    }
                }
            }
        }
    }

    fn answer(
        &mut self,
        exchange: ExchangeId,
        claimed: &Claimed<M>,
        request: Option<Request>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Response<M>>> {
        let rule = &claimed.rule;
        let Some(request) = request else {
            return Poll::Ready(self.deliver_turn(exchange, claimed, None));
        };
        match &rule.action {
            Action::Reply(_) | Action::Sequence { .. } => {
                Poll::Ready(self.deliver_turn(exchange, claimed, Some(&request)))
            }
            Action::Handle(handler) => {
                self.handle(exchange, &**handler, request, Some(&rule.site), cx)
            }
            Action::Hold => {
                let shown = request.clone();
                let held = self
                    .engine()
                    .with(|core| core.hold(exchange, claimed.id, shown));
                match held {
                    Ok(wake) => wake.into_iter().for_each(Waker::wake),
                    Err(error) => return Poll::Ready(Err(self.fail(exchange, error))),
                }
                self.state = State::Held { exchange, request };
                self.poll_held(cx)
            }
        }
    }

    fn handle<R: Responder<M> + ?Sized>(
        &mut self,
        exchange: ExchangeId,
        handler: &R,
        request: Request,
        site: Option<&Site>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Response<M>>> {
        match catch_unwind(AssertUnwindSafe(|| handler.respond(&request))) {
            Ok(Answer::Ready(reply)) => {
                let outgoing = Outgoing { reply, live: None };
                Poll::Ready(self.send(exchange, outgoing, &request, site))
            }
            Ok(Answer::Later(future)) => {
                self.state = State::Answering {
                    exchange,
                    future,
                    request,
                    site: site.cloned(),
                };
                self.poll_answer(cx)
            }
            Err(panic) => Poll::Ready(Err(self.panicked(exchange, site, &*panic))),
        }
    }

    fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<Result<Response<M>>> {
        let State::Answering {
            exchange, future, ..
        } = &mut self.state
        else {
            unreachable!("only called in this state");
        };
        let exchange = *exchange;
        let polled = catch_unwind(AssertUnwindSafe(|| Pin::new(future).poll(cx)));
        if let Ok(Poll::Pending) = polled {
            return self.park(exchange, cx);
        }
        let State::Answering { request, site, .. } = self.take_state() else {
            unreachable!("the state was just matched");
        };
        Poll::Ready(match polled {
            Ok(Poll::Ready(outgoing)) => self.send(exchange, outgoing, &request, site.as_ref()),
            Ok(Poll::Pending) => unreachable!("handled above"),
            Err(panic) => Err(self.panicked(exchange, site.as_ref(), &*panic)),
        })
    }

    fn poll_held(&mut self, cx: &Context<'_>) -> Poll<Result<Response<M>>> {
        let State::Held { exchange, .. } = self.state else {
            unreachable!("only called in this state");
        };
        // Park first: a reply that comes in between then wakes.
        let parked = self.park(exchange, cx);
        if parked.is_ready() {
            return parked;
        }
        let Some(reply) = self.engine().with(|core| core.held_reply(exchange)) else {
            return Poll::Pending;
        };
        let State::Held { request, .. } = self.take_state() else {
            unreachable!("the state was just matched");
        };
        let outgoing = Outgoing { reply, live: None };
        Poll::Ready(self.send(exchange, outgoing, &request, None))
    }

    /// Pending, unless the exchange is over because the transport was reset or disposed.
    fn park(&mut self, exchange: ExchangeId, cx: &Context<'_>) -> Poll<Result<Response<M>>> {
        let mut waker = Some(cx.waker().clone());
        match self.engine().with(|core| core.park(exchange, &mut waker)) {
            Ok(()) => Poll::Pending,
            Err(error) => {
                drop(self.take_state());
                Poll::Ready(Err(error))
            }
        }
    }

    fn take_state(&mut self) -> State<M> {
        std::mem::replace(&mut self.state, State::Over)
    }

    /// Sends a reply that was made ready when the request arrived.
    fn give(&mut self, exchange: ExchangeId, ready: Ready) -> Result<Response<M>> {
        let source = ready.body.map_or(Source::Done, Source::Full);
        let mut response = http::Response::new(self.body(exchange, source, true)?);
        *response.status_mut() = ready.status;
        *response.headers_mut() = ready.headers;
        Ok(response)
    }

    /// Sends the reply that the rule has for this turn.
    fn deliver_turn(
        &mut self,
        exchange: ExchangeId,
        claimed: &Claimed<M>,
        request: Option<&Request>,
    ) -> Result<Response<M>> {
        let Claimed { rule, turn, .. } = claimed;
        let reply = rule.reply_index(*turn).and_then(|index| rule.reply(index));
        let Some(reply) = reply else {
            let exhausted = ErrorKind::SequenceExhausted {
                rule: rule.site.to_string(),
                replies: rule.action.replies().len(),
            };
            return Err(self.fail(exchange, Error::new(exhausted)));
        };
        self.deliver(exchange, reply, request, true)
    }

    /// Sends a reply, which the rule has as a value or which was made for this exchange.
    fn deliver(
        &mut self,
        exchange: ExchangeId,
        reply: &Reply,
        request: Option<&Request>,
        of_rule: bool,
    ) -> Result<Response<M>> {
        // A response to HEAD has no content (RFC 9110 §9.3.2).
        let headless = request.is_some_and(|request| request.method() == Method::HEAD);
        let source = match &reply.body {
            ReplyBody::Empty | ReplyBody::External { .. } => Source::Done,
            ReplyBody::Fault(fault) => return Err(self.fail(exchange, (*fault).into())),
            _ if headless => Source::Done,
            ReplyBody::Frames(frames) if frames.is_empty() => Source::Done,
            ReplyBody::Frames(frames) => Source::Frames {
                frames: frames.clone(),
                next: 0,
            },
            ReplyBody::Full(bytes) => Source::Full(bytes.clone()),
            ReplyBody::Template(_) => match request.and_then(|request| reply.rendered(request)) {
                Some(Ok(text)) if !text.is_empty() => Source::Full(Bytes::from(text)),
                Some(Err(error)) => return Err(self.fail(exchange, error)),
                _ => Source::Done,
            },
        };
        let of_rule = of_rule && !reply.is_template();
        let body = self.body(exchange, source, of_rule)?;
        let mut response = http::Response::new(body);
        *response.status_mut() = reply.status;
        if !reply.headers.is_empty() {
            *response.headers_mut() = HeaderMap::clone(&reply.headers);
        }
        Ok(response)
    }

    /// Sends a reply that was made for this exchange.
    fn send(
        &mut self,
        exchange: ExchangeId,
        outgoing: Outgoing<M>,
        request: &Request,
        site: Option<&Site>,
    ) -> Result<Response<M>> {
        let Outgoing { reply, live } = outgoing;
        if let Some(error) = reply.mistake() {
            let site = site.map(ToString::to_string).unwrap_or_default();
            return Err(self.fail(exchange, error.in_rule(&site)));
        }
        if reply.as_fault().is_none() {
            let head = Box::new(ResponseHead {
                status: reply.status,
                headers: HeaderMap::clone(&reply.headers),
            });
            self.engine().with(|core| core.begin(exchange, head));
        }
        if let Some(live) = live {
            let mut response =
                http::Response::new(self.body(exchange, Source::Live(live), false)?);
            *response.status_mut() = reply.status;
            *response.headers_mut() = Arc::unwrap_or_clone(reply.headers);
            return Ok(response);
        }
        self.deliver(exchange, &reply, Some(request), false)
    }

    fn body(&mut self, exchange: ExchangeId, source: Source<M>, of_rule: bool) -> Result<Body<M>> {
        if let Source::Done = source {
            self.finish(exchange, Outcome::Done)?;
            return Ok(Body::empty());
        }
        // What the rule has as a value need not be kept once more.
        let room = if of_rule {
            0
        } else {
            self.engine().settings.body_bytes
        };
        let engine = self.engine.take();
        Ok(engine.map_or_else(Body::empty, |engine| {
            Body::new(engine, exchange, source, room)
        }))
    }

    fn panicked(
        &self,
        exchange: ExchangeId,
        site: Option<&Site>,
        panic: &(dyn std::any::Any + Send),
    ) -> Error {
        let kind = ErrorKind::HandlerPanicked {
            rule: site.map_or_else(|| "(passthrough)".to_owned(), ToString::to_string),
            message: panic_message(panic),
        };
        self.fail(exchange, Error::new(kind))
    }

    fn fail(&self, exchange: ExchangeId, error: Error) -> Error {
        let _ = self.finish(exchange, Outcome::Failed(error.clone()));
        error
    }

    fn finish(&self, exchange: ExchangeId, outcome: Outcome) -> Result<()> {
        let over = self
            .engine()
            .with(|core| core.finish(exchange, outcome, &mut Delivered::default()));
        over.map(drop)
    }
}

impl<M: Mode> Future for Respond<M> {
    type Output = Result<Response<M>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &self.state {
            State::Answering { .. } => self.poll_answer(cx),
            State::Held { .. } => self.poll_held(cx),
            State::Start(_) => match self.take_state() {
                State::Start(request) => self.start(request, cx),
                _ => unreachable!("the state was just matched"),
            },
            State::Over => panic!("a `Respond` was polled after it had completed"),
        }
    }
}

impl<M: Mode> Unpin for Respond<M> {}

impl<M: Mode> Drop for Respond<M> {
    fn drop(&mut self) {
        if let State::Answering { exchange, .. } | State::Held { exchange, .. } = self.state {
            let _ = self.finish(exchange, Outcome::Cancelled);
        }
    }
}

impl<M: Mode> fmt::Debug for Respond<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Start(request) => format!("{request}, not polled yet"),
            State::Answering { .. } => "waiting for a handler".to_owned(),
            State::Held { .. } => "held".to_owned(),
            State::Over => "over".to_owned(),
        };
        f.debug_tuple("Respond").field(&state).finish()
    }
}
