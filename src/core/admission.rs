//! From the arrival of a request to its admission, where there are limits.

use std::task::Waker;

use super::exchange::{Arrived, Claimed, Exchange, Verdict};
use super::gate::Entered;
use super::rate::{Asked, Taken};
use super::{Core, ExchangeId, RuleId};
use crate::error::Result;
use crate::mode::Mode;
use crate::model::priority::Priority;
use crate::model::request::Request;

/// An exchange that is over, and who was admitted instead of it.
#[must_use = "whoever is admitted must be woken outside the borrow"]
pub(crate) struct Over {
    pub(crate) exchange: Exchange,
    pub(crate) next: Option<Waker>,
}

impl Over {
    /// Wakes who was admitted, and drops what is left.
    pub(crate) fn settle(self) {
        let Self { exchange, next } = self;
        next.into_iter().for_each(Waker::wake);
        drop(exchange);
    }
}

impl<M: Mode> Core<M> {
    /// A request arrives, and asks to be admitted under a key.
    pub(crate) fn enter(
        &mut self,
        kept: &Request,
        place: Option<&(String, Priority)>,
    ) -> Result<(Arrived<M>, Entered)> {
        self.ensure_alive()?;
        let arrived = self.arrive(kept.clone());
        let now = self.timeline.now();
        let entered = match (&mut self.gate, place) {
            (Some(gate), Some((key, priority))) => {
                gate.enter(arrived.exchange, key, *priority, now)
            }
            _ => Entered::Admitted,
        };
        Ok((arrived, entered))
    }

    /// Whether a request has been admitted by now.
    pub(crate) fn is_admitted(&self, exchange: ExchangeId) -> bool {
        let gate = self.gate.as_ref();
        gate.is_none_or(|gate| gate.is_inside(exchange))
    }

    /// An exchange gives back what it holds of the limits; returns whom to wake.
    pub(crate) fn free(&mut self, exchange: ExchangeId) -> Option<Waker> {
        let now = self.timeline.now();
        let next = self.gate.as_mut()?.leave(exchange, now)?;
        if let Some(entry) = self.entry(next) {
            entry.queued = Some(Box::new(now.saturating_sub(entry.at)));
        }
        self.exchanges.get_mut(next)?.take_waker()
    }

    /// Takes a turn of a rule whose rate is limited, unless that is too much, or the rule is out of
    /// play by now.
    pub(crate) fn claim_rated(
        &mut self,
        exchange: ExchangeId,
        id: RuleId,
        asked: &[Asked],
    ) -> Option<(Option<Claimed<M>>, Taken)> {
        if !self.is_in_play(self.rules.get(id)?) {
            return None;
        }
        let now = self.timeline.now();
        let taken = self.rates.get_mut(id)?.take(asked, now);
        if taken.refused.is_none() {
            return Some((Some(self.take_turn(exchange, id)?), taken));
        }
        self.entry(exchange)?.rule = Some(id);
        Some((None, taken))
    }

    /// Who answers a request that has been admitted.
    pub(crate) fn verdict(
        &mut self,
        exchange: ExchangeId,
        request: &Request,
    ) -> Result<Verdict<M>> {
        self.ensure_going_on(exchange)?;
        Ok(match self.first_verdict(request) {
            Ok((id, _)) => match self.take_turn(exchange, id) {
                Some(claimed) => Verdict::Claimed {
                    claimed,
                    request: Some(request.clone()),
                },
                None => unreachable!("the rule was just found, and the exchange goes on"),
            },
            Err(candidates) => Verdict::Ask {
                candidates,
                request: request.clone(),
            },
        })
    }
}
