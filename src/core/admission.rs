//! From the arrival of a request to its admission, where there are limits.

use std::task::Waker;

use super::exchange::{Arrived, Claimed};
use super::gate::Entered;
use super::rate::{Asked, Taken};
use super::rules::Candidate;
use super::{Core, ExchangeId, RuleId};
use crate::error::Result;
use crate::fault::Fault;
use crate::mode::Mode;
use crate::model::priority::Priority;
use crate::model::request::Request;

impl<M: Mode> Core<M> {
    /// A request arrives, and asks to be admitted under a key; unless its host is down.
    pub(crate) fn enter(
        &mut self,
        kept: &Request,
        place: Option<&(String, Priority)>,
    ) -> Result<(Arrived, Result<Entered, Fault>)> {
        self.ensure_alive()?;
        let arrived = self.arrive(kept.clone(), None);
        let now = self.timeline.now();
        if let Some(fault) = self.endpoints.fault(kept, now) {
            return Ok((arrived, Err(fault)));
        }
        let (Some(gate), Some((key, priority))) = (&mut self.gate, place) else {
            return Ok((arrived, Ok(Entered::Admitted)));
        };
        let entered = gate.enter(arrived.exchange, key, *priority, now);
        if entered == Entered::Waiting {
            let is_of_key = gate.is_full_for(key);
            if let Some(entry) = self.entry(arrived.exchange) {
                entry.note_queued(is_of_key.then(|| key.clone()));
            }
        }
        Ok((arrived, Ok(entered)))
    }

    /// Whether a request has been admitted by now.
    pub(crate) fn is_admitted(&self, exchange: ExchangeId) -> bool {
        let gate = self.gate.as_ref();
        gate.is_none_or(|gate| gate.is_inside(exchange))
    }

    /// An exchange that is over gives back what it holds of the limits; returns who is admitted
    /// instead, to be woken.
    pub(crate) fn free(&mut self, exchange: ExchangeId) -> Option<Waker> {
        let now = self.timeline.now();
        let next = self.gate.as_mut()?.leave(exchange, now)?;
        if let Some(entry) = self.entry(next) {
            entry.note_acquired(now);
        }
        self.exchanges.get_mut(next)?.take_waker()
    }

    /// Asks the limits of the whole transport for their shares; `None` when there are none.
    pub(crate) fn take_rates(&mut self, asked: &[Asked]) -> Option<Taken> {
        let now = self.timeline.now();
        let rates = self.rates.as_mut().filter(|_| !asked.is_empty())?;
        Some(rates.of_all.take(asked, now))
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
        let rates = self.rates.as_mut()?.of_rules.get_mut(id)?;
        let taken = rates.take(asked, now);
        if taken.refused.is_none() {
            return Some((Some(self.claim(exchange, id)?), taken));
        }
        let entry = self.entry(exchange)?;
        entry.rule = Some(id);
        entry.note_matched(now);
        Some((None, taken))
    }

    /// Who may answer a request that has been admitted: all of them are asked.
    pub(crate) fn candidates(
        &mut self,
        exchange: ExchangeId,
        request: &Request,
    ) -> Result<Vec<Candidate<M>>> {
        self.ensure_going_on(exchange)?;
        let ids = self.rules.candidates(request);
        let candidates = ids.filter_map(|id| {
            let rule = self.rules.get(id)?.rule.clone();
            Some(Candidate { id, rule })
        });
        Ok(candidates.collect())
    }
}
