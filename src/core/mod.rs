//! The engine: one plain state machine, changed by `&mut self`, with no I/O, clock, runtime or lock.
//!
//! Nothing in here calls foreign code. What has to be woken or dropped is returned to the caller,
//! who does it when the borrow is over.

pub(crate) mod admission;
pub(crate) mod after;
pub(crate) mod arrival;
pub(crate) mod blocks;
pub(crate) mod cache;
mod connection_ids;
pub(crate) mod connection_rate;
pub(crate) mod connections;
pub(crate) mod contexts;
pub(crate) mod conversations;
pub(crate) mod endings;
pub(crate) mod endpoints;
pub(crate) mod exchange;
pub(crate) mod gate;
pub(crate) mod gates;
pub(crate) mod hold;
pub(crate) mod inbox;
pub(crate) mod index;
pub(crate) mod journal;
pub(crate) mod latest;
pub(crate) mod line;
#[cfg_attr(
    not(all(feature = "hyper", not(target_arch = "wasm32"))),
    allow(dead_code)
)]
pub(crate) mod links;
pub(crate) mod listeners;
pub(crate) mod player;
pub(crate) mod queue;
pub(crate) mod rate;
pub(crate) mod recent;
pub(crate) mod rules;
pub(crate) mod sessions;
pub(crate) mod socket;
mod socket_end;
mod socket_ends;
mod socket_event;
pub(crate) mod sockets;
pub(crate) mod timeline;
pub(crate) mod trace;
pub(crate) mod transcript;
pub(crate) mod watchers;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::task::Waker;

use slotmap::{SecondaryMap, SlotMap, new_key_type};

use self::after::After;
use self::blocks::Blocks;
use self::endings::Endings;
use self::endpoints::Endpoints;
use self::exchange::Exchange;
use self::gate::Gate;
use self::gates::Gates;
use self::hold::HoldQueue;
use self::journal::{Entry, Journal};
use self::latest::Latest;
use self::links::Links;
use self::rate::{RateBook, Rates};
use self::rules::{Rule, Rules};
use self::sockets::Sockets;
use self::timeline::{Alarm, Timeline};
use crate::error::{Error, ErrorKind, Result};
use crate::fault::Fault;
use crate::mode::Mode;
use crate::model::message::Side;
use crate::rate_limit::RateLimit;
use crate::state::conversation::State;
use crate::state::store::Store;
use crate::wake::wake_all;

new_key_type! {
    /// Names a rule of one transport. Stale once the rule is removed.
    pub struct RuleId;
    /// Names an exchange that is going on. Stale once it is over.
    pub(crate) struct ExchangeId;
    /// Names a scope of rules. Stale once the scope is gone.
    pub(crate) struct ScopeId;
    /// Names what is known of a connection. Stale once nobody has the connection any more.
    pub(crate) struct ContextId;
    /// Names a WebSocket connection. Stale once both its ends are gone.
    pub(crate) struct SocketId;
}

/// The state that a scenario is in before anything has moved it.
pub(crate) const INITIAL_STATE: &str = "started";

/// The whole state of a transport.
pub(crate) struct Core<M: Mode> {
    pub(crate) rules: Rules<M>,
    pub(crate) latest: Latest,
    pub(crate) exchanges: SlotMap<ExchangeId, Exchange>,
    pub(crate) holds: SecondaryMap<RuleId, HoldQueue>,
    pub(crate) scopes: SlotMap<ScopeId, ()>,
    pub(crate) scenarios: HashMap<String, String>,
    pub(crate) journal: Journal,
    pub(crate) timeline: Timeline,
    pub(crate) gates: Gates,
    /// Where concurrency is limited.
    pub(crate) gate: Option<Box<Gate>>,
    /// Where rates are limited.
    pub(crate) rates: Option<Box<RateBook>>,
    pub(crate) endpoints: Endpoints,
    /// The exchanges that failed before their clients knew: why, and the number of the request.
    pub(crate) lost: SecondaryMap<ExchangeId, (Fault, u64)>,
    /// Who waits for requests to arrive.
    pub(crate) arrivals: BTreeMap<Alarm, Waker>,
    /// `None` until there is a connection.
    pub(crate) sockets: Option<Box<Sockets>>,
    /// The state of the conversation, once somebody has asked for it.
    pub(crate) state: Option<State<M>>,
    /// Who else wants to know of the end.
    pub(crate) endings: Option<Box<Endings>>,
    /// `None` until there is an HTTP connection as bytes.
    pub(crate) links: Option<Box<Links>>,
    pub(crate) disposed: bool,
}

/// What the caller drops and wakes once the borrow is over.
#[must_use = "wakers must be woken and values dropped outside the borrow"]
pub(crate) struct Aftermath<M: Mode> {
    pub(crate) wake: Vec<Waker>,
    pub(crate) rules: Vec<M::Ptr<Rule<M>>>,
    pub(crate) entries: Blocks<Entry>,
    pub(crate) exchanges: Vec<Exchange>,
    pub(crate) sockets: Option<Box<Sockets>>,
    pub(crate) left: Vec<After>,
    pub(crate) state: Option<Store<M>>,
}

impl<M: Mode> Core<M> {
    pub(crate) fn new(requests: usize) -> Self {
        Self {
            rules: Rules::new(),
            latest: Latest::default(),
            exchanges: SlotMap::with_key(),
            holds: SecondaryMap::new(),
            scopes: SlotMap::with_key(),
            scenarios: HashMap::new(),
            journal: Journal::new(requests),
            timeline: Timeline::new(),
            gates: Gates::default(),
            gate: None,
            rates: None,
            endpoints: Endpoints::default(),
            lost: SecondaryMap::new(),
            arrivals: BTreeMap::new(),
            sockets: None,
            state: None,
            endings: None,
            links: None,
            disposed: false,
        }
    }

    pub(crate) fn ensure_alive(&self) -> Result<()> {
        if self.disposed {
            Err(Error::new(ErrorKind::Disposed))
        } else {
            Ok(())
        }
    }

    /// Adds a rule, after those that are there.
    pub(crate) fn add_rule(&mut self, rule: M::Ptr<Rule<M>>) -> Result<RuleId> {
        self.ensure_alive()?;
        let gone = |scope| self.scopes.get(scope).is_none();
        if rule.scope().is_some_and(gone) {
            return Err(Error::new(ErrorKind::StaleHandle { what: "scope" }));
        }
        self.timeline.note_activity();
        self.latest.forget();
        let is_rated = !rule.rates().is_empty();
        let id = self.rules.insert(rule);
        if is_rated {
            self.limit_rule(id);
        }
        Ok(id)
    }

    #[cold]
    #[inline(never)]
    fn limit_rule(&mut self, id: RuleId) {
        if let Some(registered) = self.rules.get(id) {
            let limits = registered.rule.rates().iter();
            let rates = Rates::new(limits.map(RateLimit::kind));
            let book = self.rates.get_or_insert_default();
            book.of_rules.insert(id, rates);
        }
    }

    /// Removes a rule. Requests that it holds fail as dropped.
    pub(crate) fn remove_rule(&mut self, id: RuleId) -> Result<Aftermath<M>> {
        self.latest.forget();
        let rule = self.rules.remove(id);
        let rule = rule.ok_or_else(|| Error::new(ErrorKind::StaleHandle { what: "rule" }))?;
        let mut aftermath = Aftermath::new();
        aftermath.rules.push(rule);
        aftermath.rules.extend(self.forget_unnamed());
        if let Some(rates) = &mut self.rates {
            rates.of_rules.remove(id);
        }
        if let Some(queue) = self.holds.remove(id) {
            aftermath.wake.extend(queue.wakers);
            for exchange in queue.waiting {
                aftermath.wake.extend(self.drop_held(exchange));
            }
        }
        let (left, waiting) = self.forget_listener(id);
        aftermath.wake.extend(waiting);
        let left = left.into_iter();
        aftermath.left = left
            .map(|socket| self.leave_socket(socket, Side::Server))
            .collect();
        Ok(aftermath)
    }

    /// The rules that were removed and that no capture names any more, to be dropped outside the borrow.
    fn forget_unnamed(&mut self) -> Vec<M::Ptr<Rule<M>>> {
        if !self.rules.remembers_many() {
            return Vec::new();
        }
        let entries = self.journal.since(0);
        let named = entries.filter_map(|(_, entry)| entry.rule).collect();
        self.rules.forget_others(&named)
    }

    /// Forgets the captures; what is to be dropped outside the borrow.
    pub(crate) fn clear(&mut self) -> Aftermath<M> {
        self.clear_unmet_messages();
        self.endpoints.forget_ended();
        let mut aftermath = Aftermath::new();
        aftermath.entries = self.journal.clear();
        aftermath.rules = self.rules.forget_others(&BTreeSet::new());
        aftermath
    }

    /// Who waits for requests to arrive.
    #[inline]
    pub(crate) fn take_arrivals(&mut self) -> Vec<Waker> {
        if self.arrivals.is_empty() {
            return Vec::new();
        }
        self.take_all_arrivals()
    }

    #[cold]
    #[inline(never)]
    fn take_all_arrivals(&mut self) -> Vec<Waker> {
        std::mem::take(&mut self.arrivals).into_values().collect()
    }

    pub(crate) fn scenario(&self, name: &str) -> &str {
        self.scenarios
            .get(name)
            .map_or(INITIAL_STATE, String::as_str)
    }

    /// Forgets rules, captures, states. Exchanges that are going on end as disposed.
    pub(crate) fn reset(&mut self) -> Aftermath<M> {
        let mut aftermath = Aftermath::new();
        self.latest.forget();
        aftermath.rules = self.rules.clear();
        aftermath.entries = self.journal.restart();
        if self.is_plain() {
            self.end_exchanges(&mut aftermath);
        } else {
            self.reset_all(&mut aftermath);
        }
        aftermath
    }

    /// Whether there is nothing but rules, captures and exchanges, as nearly always.
    fn is_plain(&self) -> bool {
        let Self {
            rules: _,
            latest: _,
            exchanges: _,
            holds,
            scopes,
            scenarios,
            journal: _,
            timeline,
            gates,
            gate,
            rates,
            endpoints,
            lost,
            arrivals,
            sockets,
            state,
            endings,
            links,
            disposed: _,
        } = self;
        timeline.is_deserted()
            && arrivals.is_empty()
            && holds.is_empty()
            && scopes.is_empty()
            && scenarios.is_empty()
            && gates.is_empty()
            && gate.is_none()
            && rates.is_none()
            && endpoints.is_empty()
            && lost.is_empty()
            && sockets.is_none()
            && state.is_none()
            && endings.is_none()
            && links.is_none()
    }

    fn end_exchanges(&mut self, aftermath: &mut Aftermath<M>) {
        // Drained, not replaced: the keys of old exchanges must never name new ones.
        for (_, mut exchange) in self.exchanges.drain() {
            aftermath.wake.extend(exchange.take_waker());
            aftermath.exchanges.push(exchange);
        }
    }

    /// The exchanges, and whatever else there is.
    #[cold]
    #[inline(never)]
    fn reset_all(&mut self, aftermath: &mut Aftermath<M>) {
        aftermath.wake = self.take_arrivals();
        aftermath.wake.extend(self.timeline.clear());
        self.end_exchanges(aftermath);
        for (_, queue) in std::mem::take(&mut self.holds) {
            aftermath.wake.extend(queue.wakers);
        }
        if let Some(sockets) = &mut self.sockets {
            aftermath.wake.extend(sockets.take_wakers());
            aftermath.sockets = Some(Box::new(sockets.restart()));
        }
        aftermath.state = self.state.as_ref().map(State::take);
        if let Some(endings) = &mut self.endings {
            aftermath.wake.extend(endings.take());
        }
        if let Some(links) = &mut self.links {
            aftermath.wake.extend(links.end(None));
        }
        self.scenarios.clear();
        self.scopes.clear();
        self.gates = Gates::default();
        if let Some(gate) = &mut self.gate {
            gate.clear(self.timeline.now());
            aftermath.wake.extend(gate.watchers.take_all_wakers());
        }
        if let Some(rates) = &mut self.rates {
            rates.of_all.clear();
            rates.of_rules.clear();
        }
        self.endpoints = Endpoints::default();
        self.lost.clear();
    }
}

#[cfg(all(feature = "js", target_arch = "wasm32"))]
impl<M: Mode> Core<M> {
    /// As if it were new: as [`reset`](Self::reset), and time begins again. Costs less than a new one.
    pub(crate) fn renew(&mut self) -> Aftermath<M> {
        let aftermath = self.reset();
        self.timeline.restart();
        self.sockets = None;
        self.state = None;
        aftermath
    }
}

impl<M: Mode> Aftermath<M> {
    pub(crate) fn new() -> Self {
        Self {
            wake: Vec::new(),
            rules: Vec::new(),
            entries: Blocks::new(),
            exchanges: Vec::new(),
            sockets: None,
            left: Vec::new(),
            state: None,
        }
    }

    /// Wakes, then drops.
    pub(crate) fn settle(self) {
        wake_all(self.wake);
        self.left.into_iter().for_each(After::settle);
    }
}
