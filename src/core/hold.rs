//! Requests that wait for the test to reply.

use std::collections::VecDeque;
use std::task::Waker;

use super::{Core, ExchangeId, RuleId};
use crate::error::{Error, ErrorKind, Result};
use crate::mode::Mode;
use crate::model::reply::Reply;
use crate::model::request::Request;

/// A request that waits for the test to reply.
pub(super) struct Held {
    request: Request,
    reply: Option<Reply>,
}

/// The requests that one rule holds, and who waits for one.
#[derive(Default)]
pub(crate) struct HoldQueue {
    pub(crate) waiting: VecDeque<ExchangeId>,
    pub(crate) wakers: Vec<Waker>,
}

impl<M: Mode> Core<M> {
    /// Keeps a request until the test replies; returns who waits for one.
    pub(crate) fn hold(
        &mut self,
        exchange: ExchangeId,
        rule: RuleId,
        request: Request,
    ) -> Result<Vec<Waker>> {
        if self.rules.get(rule).is_none() {
            return Err(self.gone("rule"));
        }
        let Some(held) = self.exchanges.get_mut(exchange) else {
            return Err(self.gone("exchange"));
        };
        held.held = Some(Box::new(Held {
            request,
            reply: None,
        }));
        self.timeline.note_activity();
        let Some(queue) = self.holds.entry(rule) else {
            return Err(self.gone("rule"));
        };
        let queue = queue.or_default();
        queue.waiting.push_back(exchange);
        Ok(std::mem::take(&mut queue.wakers))
    }

    /// The oldest request that a rule holds and nobody has taken; takes the waker when there is none.
    pub(crate) fn next_held(
        &mut self,
        rule: RuleId,
        waker: &mut Option<Waker>,
    ) -> Result<Option<(ExchangeId, Request)>> {
        if self.rules.get(rule).is_none() {
            return Err(self.gone("rule"));
        }
        let Some(queue) = self.holds.entry(rule) else {
            return Err(self.gone("rule"));
        };
        let queue = queue.or_default();
        while let Some(id) = queue.waiting.pop_front() {
            let held = self
                .exchanges
                .get(id)
                .and_then(|exchange| exchange.held.as_ref());
            if let Some(held) = held {
                return Ok(Some((id, held.request.clone())));
            }
        }
        // Once each: who asks again and again, as in a loop of `select!`, is woken once.
        let known = |waker: &Waker| queue.wakers.iter().any(|other| other.will_wake(waker));
        if !waker.as_ref().is_some_and(known) {
            queue.wakers.extend(waker.take());
        }
        Ok(None)
    }

    /// Replies to a held request; returns who waits for the reply. Takes the reply unless it fails.
    pub(crate) fn release(
        &mut self,
        exchange: ExchangeId,
        reply: &mut Option<Reply>,
    ) -> Result<Option<Waker>> {
        self.timeline.note_activity();
        let Some(held) = self.exchanges.get_mut(exchange) else {
            return Err(self.gone("exchange"));
        };
        match &mut held.held {
            Some(waiting) if waiting.reply.is_none() => {
                waiting.reply = reply.take();
                Ok(held.waker.take())
            }
            _ => Err(self.gone("exchange")),
        }
    }

    /// The reply to a held request, once it is there.
    pub(crate) fn held_reply(&mut self, exchange: ExchangeId) -> Option<Reply> {
        self.exchanges
            .get_mut(exchange)?
            .held
            .as_mut()?
            .reply
            .take()
    }

    /// A held request will get no reply; returns who waits for it.
    pub(crate) fn drop_held(&mut self, exchange: ExchangeId) -> Option<Waker> {
        let dropped = Reply::empty().fail(Error::new(ErrorKind::HeldDropped));
        self.release(exchange, &mut Some(dropped)).ok().flatten()
    }
}
