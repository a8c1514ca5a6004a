//! The life of one exchange. Every transition is a method here, and notes itself in the journal.

use std::collections::HashMap;
use std::task::Waker;

use bytes::Bytes;

use super::hold::Held;
use super::journal::{Entry, Response};
use super::rules::{Registered, Rule, Step, Terms, Turn};
use super::{Core, ExchangeId, RuleId};
use crate::diagnosis::Exclusion;
use crate::error::{Error, ErrorKind, Result};
use crate::mode::Mode;
use crate::model::captured::{Outcome, ResponseHead};
use crate::wake::wake_all;

/// What the client has taken of a response body.
#[derive(Default)]
pub(crate) struct Delivered {
    pub(crate) bytes: u64,
    /// The beginning of it, where the rule does not have it.
    pub(crate) taken: Option<Box<[Bytes]>>,
}

/// An exchange that is going on.
pub(crate) struct Exchange {
    sequence: u64,
    pub(super) held: Option<Box<Held>>,
    /// Who waits for this exchange to go on, and for what.
    pub(super) waker: Option<Waker>,
    waits: Waits,
}

/// What an exchange waits for, where that is not a time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Waits {
    /// For the client to take the body, or for the reply's time.
    #[default]
    Client,
    Handler,
    /// For nothing: the script stalls.
    Nothing,
    /// For other exchanges to be over: so many may go on at once.
    Permit,
    /// For the release of this name.
    Release(String),
    /// For the test to reply.
    Reply,
    /// For the stream of its body.
    Stream,
}

/// An exchange that failed before its client knew; to be woken and dropped outside the borrow.
#[must_use = "to be settled outside the borrow"]
pub(crate) struct Lost {
    pub(super) exchange: Exchange,
    /// Who is admitted instead, and who watches that.
    pub(super) admitted: Vec<Waker>,
}

impl Lost {
    pub(crate) fn settle(mut self) {
        let wakers = self.exchange.take_waker().into_iter().chain(self.admitted);
        wake_all(wakers);
    }
}

/// A rule answers a request: its turn is taken.
pub(crate) struct Claimed<M: Mode> {
    pub(crate) id: RuleId,
    pub(crate) rule: M::Ptr<Rule<M>>,
    /// How often the rule had answered before, from 0.
    pub(crate) turn: u64,
}

impl<M: Mode> Claimed<M> {
    pub(super) fn new(turn: Turn, rule: &M::Ptr<Rule<M>>) -> Self {
        Self {
            id: turn.rule,
            rule: rule.clone(),
            turn: turn.number,
        }
    }
}

impl<M: Mode> Core<M> {
    /// Takes a turn of a rule for an exchange, unless the rule is out of play by now.
    pub(crate) fn claim(&mut self, exchange: ExchangeId, id: RuleId) -> Option<Claimed<M>> {
        if !self.is_in_play(self.rules.get(id)?) {
            return None;
        }
        let sequence = self.exchanges.get(exchange)?.sequence;
        let turn = self.take_turn(id)?;
        let now = self.timeline.now();
        if let Some(entry) = self.journal.get_mut(sequence) {
            entry.note_matched(now);
            entry.note_answer(turn);
        }
        Some(Claimed::new(turn, &self.rules.get(id)?.rule))
    }

    /// Counts an answer of a rule, and moves its scenario.
    #[inline]
    pub(super) fn take_turn(&mut self, id: RuleId) -> Option<Turn> {
        let registered = self.rules.get_mut(id)?;
        let turn = registered.take_turn(id);
        if let Some(step) = registered.rule.step() {
            take_step(step, &mut self.scenarios);
        }
        Some(turn)
    }

    /// Whether a rule may answer once more, in the state that its scenario is in.
    #[inline]
    pub(crate) fn is_in_play(&self, registered: &Registered<M>) -> bool {
        let terms = registered.rule.terms.as_ref();
        terms.is_none_or(|terms| self.are_met(terms, registered.hits()))
    }

    fn are_met(&self, terms: &Terms<M>, hits: u64) -> bool {
        let when = |step: &Step| {
            let actual = self.scenario(&step.scenario);
            step.when.as_ref().is_none_or(|expected| expected == actual)
        };
        terms.times.allows(hits) && terms.step.as_ref().is_none_or(when)
    }

    /// Why a rule is out of play, although it may fit.
    pub(crate) fn excluded(&self, id: RuleId) -> Option<Exclusion> {
        let registered = self.rules.get(id)?;
        if self.is_in_play(registered) {
            return None;
        }
        let rule = &registered.rule;
        if !rule.times().allows(registered.hits()) {
            return Some(Exclusion::used_up(rule.times(), registered.hits()));
        }
        let step = rule.step()?;
        let expected = step.when.as_ref()?;
        Some(Exclusion::WrongState {
            scenario: step.scenario.clone(),
            expected: expected.clone(),
            actual: self.scenario(&step.scenario).to_owned(),
        })
    }

    /// A response begins that is not the rule's own value.
    pub(crate) fn begin(&mut self, exchange: ExchangeId, head: Box<ResponseHead>) {
        let now = self.timeline.now();
        if let Some(entry) = self.entry(exchange) {
            entry.response = Response::Made(head);
            entry.note_head(now);
        }
    }

    /// An exchange is over. Fails when it was over before: then the transport was reset or disposed.
    /// What was delivered is left to the caller when there is no entry to keep it.
    #[inline]
    pub(crate) fn finish(
        &mut self,
        exchange: ExchangeId,
        outcome: Outcome,
        delivered: &mut Delivered,
    ) -> Result<Exchange> {
        self.timeline.note_activity();
        let Some(over) = self.exchanges.remove(exchange) else {
            return Err(self.finish_lost(exchange, delivered));
        };
        let now = self.timeline.now();
        if let Outcome::Unmatched = outcome {
            self.journal.note_unmatched(over.sequence, now);
        } else if let Some(entry) = self.journal.get_mut(over.sequence) {
            entry.outcome = outcome;
            entry.note_end(now);
            entry.delivered = delivered.bytes;
            if delivered.taken.is_some() {
                entry.taken = delivered.taken.take();
            }
        }
        Ok(over)
    }

    /// Leaves who is to be woken when the exchange goes on, in exchange for who was to be before.
    pub(crate) fn park(
        &mut self,
        exchange: ExchangeId,
        waker: &mut Option<Waker>,
        waits: impl FnOnce() -> Waits,
    ) -> Result<()> {
        match self.exchanges.get_mut(exchange) {
            Some(exchange) => {
                std::mem::swap(&mut exchange.waker, waker);
                exchange.waits = waits();
                Ok(())
            }
            None => Err(self.gone_exchange(exchange)),
        }
    }

    /// Fails when the exchange is over, because the transport was reset or disposed.
    pub(crate) fn ensure_going_on(&mut self, exchange: ExchangeId) -> Result<()> {
        match self.exchanges.get_mut(exchange) {
            Some(exchange) => {
                exchange.waits = Waits::Client;
                Ok(())
            }
            None => Err(self.gone_exchange(exchange)),
        }
    }

    /// Releases a name that streams wait for; returns whom to wake.
    pub(crate) fn release_gate(&mut self, name: &str) -> Vec<Waker> {
        self.timeline.note_activity();
        let waiting = self.gates.open(name, self.timeline.now());
        let wakers = waiting
            .into_iter()
            .filter_map(|exchange| self.exchanges.get_mut(exchange)?.take_waker());
        wakers.collect()
    }

    pub(crate) fn entry(&mut self, exchange: ExchangeId) -> Option<&mut Entry> {
        let sequence = self.exchanges.get(exchange)?.sequence;
        self.journal.get_mut(sequence)
    }

    /// An exchange that is not there any more: its host was killed, or the transport was reset.
    fn gone_exchange(&self, id: ExchangeId) -> Error {
        match self.lost.get(id) {
            Some((fault, _)) => (*fault).into(),
            None => self.gone("exchange"),
        }
    }

    /// The client of an exchange that was lost knows by now.
    fn finish_lost(&mut self, id: ExchangeId, delivered: &mut Delivered) -> Error {
        let error = self.gone_exchange(id);
        if let Some((_, sequence)) = self.lost.remove(id) {
            if let Some(entry) = self.journal.get_mut(sequence) {
                entry.delivered = delivered.bytes;
                entry.taken = delivered.taken.take();
            }
        }
        error
    }

    pub(crate) fn gone(&self, what: &'static str) -> Error {
        Error::new(if self.disposed {
            ErrorKind::Disposed
        } else {
            ErrorKind::StaleHandle { what }
        })
    }
}

/// Moves a scenario on.
#[cold]
#[inline(never)]
fn take_step(step: &Step, scenarios: &mut HashMap<String, String>) {
    if let Some(then) = &step.then {
        scenarios.insert(step.scenario.clone(), then.clone());
    }
}

impl Exchange {
    /// That of the request with this number.
    #[inline]
    pub(super) fn new(sequence: u64) -> Self {
        Self {
            sequence,
            held: None,
            waker: None,
            waits: Waits::Client,
        }
    }

    /// The number of its request.
    pub(crate) fn sequence(&self) -> u64 {
        self.sequence
    }

    pub(crate) fn waits(&self) -> &Waits {
        &self.waits
    }

    pub(crate) fn take_waker(&mut self) -> Option<Waker> {
        self.waker.take()
    }
}
