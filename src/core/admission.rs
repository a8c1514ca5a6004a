//! From the arrival of a request to its admission, where there are limits.

use std::task::Waker;

use super::arrival::Arrived;
use super::exchange::{Claimed, Exchange};
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
        let mut arrived = self.arrive(kept.clone(), None);
        let (exchange, sequence) = (arrived.exchange, arrived.sequence);
        let (entered, watching) = self.ask_gate(exchange, sequence, kept, place);
        arrived.wakes(watching);
        Ok((arrived, entered))
    }

    /// A request that has arrived asks to be admitted under a key; unless its host is down. With the
    /// answer comes who watches that, to be woken.
    pub(crate) fn ask_gate(
        &mut self,
        exchange: ExchangeId,
        sequence: u64,
        request: &Request,
        place: Option<&(String, Priority)>,
    ) -> (Result<Entered, Fault>, Vec<Waker>) {
        let now = self.timeline.now();
        if let Some(fault) = self.endpoints.fault(request, now) {
            return (Err(fault), Vec::new());
        }
        let (Some(gate), Some((key, priority))) = (&mut self.gate, place) else {
            return (Ok(Entered::Admitted), Vec::new());
        };
        let entered = gate.enter(exchange, sequence, key, *priority, now);
        let watching = gate.watchers.take_wakers().collect();
        if entered == Entered::Waiting {
            let is_of_key = gate.is_full_for(key);
            if let Some(entry) = self.entry(exchange) {
                entry.note_queued(is_of_key.then(|| key.clone()));
            }
        }
        (Ok(entered), watching)
    }

    /// Whether a request has been admitted by now.
    pub(crate) fn is_admitted(&self, exchange: ExchangeId) -> bool {
        let gate = self.gate.as_ref();
        gate.is_none_or(|gate| gate.is_inside(exchange))
    }

    /// An exchange that is over gives back what it holds of the limits; returns who is to be woken:
    /// who is admitted instead, and who watches.
    pub(crate) fn free(&mut self, exchange: ExchangeId) -> Vec<Waker> {
        let now = self.timeline.now();
        let Some(gate) = self.gate.as_mut() else {
            return Vec::new();
        };
        let next = gate.leave(exchange, now);
        let watching = gate.watchers.take_wakers().collect();
        let Some(next) = next else {
            return watching;
        };
        if let Some(entry) = self.entry(next) {
            entry.note_acquired(now);
        }
        let admitted = self.exchanges.get_mut(next);
        let admitted = admitted.and_then(Exchange::take_waker);
        admitted.into_iter().chain(watching).collect()
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
        // The journal may have forgotten a request that has waited long.
        if let Some(entry) = self.entry(exchange) {
            entry.rule = Some(id);
            entry.note_matched(now);
        }
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
