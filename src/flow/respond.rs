//! The future of a call: from the request to the head of the response.

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use http::HeaderMap;

use super::answer::{Answer, Outgoing, Responder};
use super::body::Body;
use super::decide::{Decided, Decision, Ready, decide};
use super::deliver::Delayed;
use crate::core::ExchangeId;
use crate::core::exchange::{Claimed, Delivered, Waits};
use crate::core::rules::{Action, Site};
use crate::engine::{Engine, Unmatched};
use crate::error::{Error, ErrorKind, Result};
use crate::matcher::panic_message;
use crate::mode::Mode;
use crate::model::captured::{Outcome, ResponseHead};
use crate::model::damage::{Chaos, Damage};
use crate::model::request::Request;
use crate::wake::wake_all;

/// The future that [`MockTransport::call`](crate::MockTransport::call) returns.
///
/// The request arrives with the first poll. Dropping the future afterwards cancels the exchange,
/// which the journal notes at once.
#[must_use = "futures do nothing unless polled: without it the request is never made"]
pub struct Respond<M: Mode> {
    /// Until the body takes it over.
    pub(super) engine: Option<M::Ptr<Engine<M>>>,
    pub(super) state: State<M>,
    /// What the reply's head says besides: how rate limits stand.
    pub(super) fields: Option<Box<HeaderMap>>,
    /// What goes wrong with the reply, by chance.
    pub(super) damage: Option<Box<Damage>>,
}

pub(super) enum State<M: Mode> {
    /// The request is taken out by itself: to move the whole state takes longer than to decide.
    Start(Option<Request>),
    /// It waits to be admitted.
    Queued {
        exchange: ExchangeId,
        sequence: u64,
        request: Request,
    },
    /// A handler is thinking.
    Answering {
        exchange: ExchangeId,
        future: M::Future,
        request: Request,
        site: Option<Site>,
    },
    /// The reply is there, and comes later.
    Delayed(Box<Delayed<M>>),
    /// The test is to reply.
    Held {
        exchange: ExchangeId,
        request: Request,
    },
    Over,
    /// There is no reply, ever.
    Unanswered {
        exchange: ExchangeId,
    },
}

pub(super) type Response<M> = http::Response<Body<M>>;

const POLLED_AGAIN: &str = "a `Respond` was polled after it had completed";

impl<M: Mode> Respond<M> {
    pub(crate) fn new(engine: M::Ptr<Engine<M>>, request: Request) -> Self {
        Self {
            engine: Some(engine),
            state: State::Start(Some(request)),
            fields: None,
            damage: None,
        }
    }

    pub(super) fn engine(&self) -> &Engine<M> {
        match &self.engine {
            Some(engine) => engine,
            None => unreachable!("given away only with the response"),
        }
    }

    /// From the request to what is decided about it; it may have to be admitted first.
    #[inline]
    pub(super) fn decide(&mut self, ready: &mut Option<Ready>, cx: &Context<'_>) -> Decided<M> {
        let request = match &mut self.state {
            State::Start(request) => request.take(),
            State::Queued { .. } => return self.poll_queued(cx),
            _ => None,
        };
        let Some(request) = request else {
            panic!("{POLLED_AGAIN}");
        };
        if self.engine().settings.limits.is_some() {
            return self.enter(request, cx);
        }
        decide(self.engine(), request, ready)
    }

    /// Sends a reply that was made ready, or does what else was decided.
    #[inline]
    pub(super) fn proceed(
        &mut self,
        decided: Decided<M>,
        ready: Option<Ready>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Response<M>>> {
        match decided {
            Decided::Ready(exchange) => match ready {
                Some(ready) => Poll::Ready(self.give(exchange, ready)),
                None => unreachable!("then there is a reply"),
            },
            Decided::Undone(exchange, decision) => self.carry_out(exchange, decision, cx),
            Decided::Waiting => Poll::Pending,
            Decided::Over(error) => Poll::Ready(Err(error)),
        }
    }

    /// Does what was decided.
    pub(crate) fn carry_out(
        &mut self,
        exchange: ExchangeId,
        decision: Decision<M>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Response<M>>> {
        match decision {
            Decision::Answer { claimed, request } => self.answer(exchange, &claimed, request, cx),
            Decision::Rated { rated, request } => {
                let decision = self.unrated(*rated, request);
                self.carry_out(exchange, decision, cx)
            }
            Decision::Refused { refusal, request } => {
                self.send(exchange, Outgoing::of(refusal), Some(request), None, cx)
            }
            Decision::Failed(error) => Poll::Ready(Err(self.fail(exchange, error))),
            Decision::Unmatched { diagnosis, request } => {
                match self.engine().settings.unmatched.clone() {
                    Unmatched::Error => {
                        self.engine().finish_unmatched(exchange, &diagnosis);
                        Poll::Ready(Err(Error::new(ErrorKind::Unmatched(diagnosis))))
                    }
                    Unmatched::Reply(status) => {
                        let mut response = http::Response::new(Body::empty());
                        *response.status_mut() = status;
                        if let Some(fields) = self.fields.take() {
                            *response.headers_mut() = *fields;
                        }
                        let head = ResponseHead {
                            status,
                            headers: response.headers().clone(),
                        };
                        self.engine().with(|core| core.begin(exchange, head.into()));
                        self.engine().finish_unmatched(exchange, &diagnosis);
                        Poll::Ready(Ok(response))
                    }
                    Unmatched::Handle(responder) => {
                        self.handle(exchange, &*responder, request, None, cx)
                    }
                }
            }
        }
    }

    pub(super) fn answer(
        &mut self,
        exchange: ExchangeId,
        claimed: &Claimed<M>,
        request: Option<Request>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Response<M>>> {
        let rule = &claimed.rule;
        self.draw(exchange, rule.chaos());
        let Some(request) = request else {
            return self.deliver_turn(exchange, claimed, None, cx);
        };
        match &rule.action {
            Action::Reply(_) | Action::Sequence { .. } => {
                self.deliver_turn(exchange, claimed, Some(request), cx)
            }
            Action::Handle(handler) => {
                self.handle(exchange, &**handler, request, Some(&rule.site), cx)
            }
            Action::Socket(_) => {
                let rule = rule.site.to_string();
                Poll::Ready(Err(
                    self.fail(exchange, Error::new(ErrorKind::SocketOnly { rule }))
                ))
            }
            Action::Hold => {
                let shown = request.clone();
                let held = self
                    .engine()
                    .with(|core| core.hold(exchange, claimed.id, shown));
                match held {
                    Ok(wake) => {
                        self.state = State::Held { exchange, request };
                        wake_all(wake);
                        self.poll_held(cx)
                    }
                    Err(error) => Poll::Ready(Err(self.fail(exchange, error))),
                }
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
            Ok(Answer::Ready(outgoing)) => self.send(exchange, outgoing, Some(request), site, cx),
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
            return self.park(exchange, Waits::Handler, cx);
        }
        let State::Answering { request, site, .. } = self.take_state() else {
            unreachable!("the state was just matched");
        };
        match polled {
            Ok(Poll::Ready(outgoing)) => {
                self.send(exchange, outgoing, Some(request), site.as_ref(), cx)
            }
            Ok(Poll::Pending) => unreachable!("handled above"),
            Err(panic) => Poll::Ready(Err(self.panicked(exchange, site.as_ref(), &*panic))),
        }
    }

    fn poll_held(&mut self, cx: &mut Context<'_>) -> Poll<Result<Response<M>>> {
        let State::Held { exchange, .. } = self.state else {
            unreachable!("only called in this state");
        };
        // Park first: a reply that comes in between then wakes.
        let parked = self.park(exchange, Waits::Reply, cx);
        if parked.is_ready() {
            return parked;
        }
        let Some(reply) = self.engine().with(|core| core.held_reply(exchange)) else {
            return Poll::Pending;
        };
        let State::Held { request, .. } = self.take_state() else {
            unreachable!("the state was just matched");
        };
        self.send(exchange, Outgoing::of(reply), Some(request), None, cx)
    }

    /// Draws what goes wrong with the reply, where chance has a say.
    fn draw(&mut self, exchange: ExchangeId, of_rule: Option<&Chaos>) {
        let settings = &self.engine().settings;
        let of_all = Some(&settings.chaos).filter(|chaos| !chaos.is_empty());
        let Some(chaos) = of_rule.or(of_all) else {
            return;
        };
        let sequence = self
            .engine()
            .with(|core| core.exchanges.get(exchange).map(|it| it.sequence()));
        let drawn = chaos.draw(settings.seed, sequence.unwrap_or_default());
        self.damage = drawn.cloned().map(Box::new);
    }

    /// Pending, unless the exchange is over because the transport was reset or disposed.
    pub(super) fn park<T>(
        &mut self,
        exchange: ExchangeId,
        waits: Waits,
        cx: &Context<'_>,
    ) -> Poll<Result<T>> {
        let mut waker = Some(cx.waker().clone());
        let parked = self
            .engine()
            .with(|core| core.park(exchange, &mut waker, || waits));
        match parked {
            Ok(()) => Poll::Pending,
            Err(error) => {
                drop(self.take_state());
                Poll::Ready(Err(error))
            }
        }
    }

    pub(super) fn take_state(&mut self) -> State<M> {
        std::mem::replace(&mut self.state, State::Over)
    }

    pub(super) fn panicked(
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

    /// The client gets an error, and no head.
    pub(super) fn fail(&self, exchange: ExchangeId, error: Error) -> Error {
        self.engine().with(|core| core.note_no_head(exchange));
        // A handler may say of a request that it is none of those that it knows.
        match error.diagnosis() {
            Some(diagnosis) => self.engine().finish_unmatched(exchange, diagnosis),
            None => {
                let _ = self.finish(exchange, Outcome::Failed(error.clone()));
            }
        }
        error
    }

    pub(super) fn finish(&self, exchange: ExchangeId, outcome: Outcome) -> Result<()> {
        self.engine()
            .finish(exchange, outcome, &mut Delivered::default())
    }
}

impl<M: Mode> Future for Respond<M> {
    type Output = Result<Response<M>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &self.state {
            State::Answering { .. } => self.poll_answer(cx),
            State::Delayed(_) => self.poll_delayed(cx),
            State::Held { .. } => self.poll_held(cx),
            State::Start(_) | State::Queued { .. } => {
                let mut ready = None;
                let decided = self.decide(&mut ready, cx);
                self.proceed(decided, ready, cx)
            }
            State::Unanswered { exchange } => {
                let exchange = *exchange;
                self.park(exchange, Waits::Nothing, cx)
            }
            State::Over => panic!("{POLLED_AGAIN}"),
        }
    }
}

impl<M: Mode> Unpin for Respond<M> {}

impl<M: Mode> Drop for Respond<M> {
    fn drop(&mut self) {
        let exchange = match (&mut self.state, &self.engine) {
            (
                State::Answering { exchange, .. }
                | State::Held { exchange, .. }
                | State::Queued { exchange, .. }
                | State::Unanswered { exchange },
                _,
            ) => *exchange,
            (State::Delayed(delayed), Some(engine)) => {
                delayed.due.leave(engine);
                delayed.exchange
            }
            _ => return,
        };
        let _ = self.finish(exchange, Outcome::Cancelled);
    }
}

impl<M: Mode> fmt::Debug for Respond<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Start(Some(request)) => format!("{request}, not polled yet"),
            State::Queued { request, .. } => format!("{request}, queued"),
            State::Answering { .. } => "waiting for a handler".to_owned(),
            State::Delayed(_) => "waiting for the reply's time".to_owned(),
            State::Held { .. } => "held".to_owned(),
            State::Start(None) | State::Over => "over".to_owned(),
            State::Unanswered { .. } => "never answered".to_owned(),
        };
        f.debug_tuple("Respond").field(&state).finish()
    }
}
