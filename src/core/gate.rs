//! How many exchanges may go on at once: on the whole transport, and for each key.
//!
//! A request takes a permit of the transport and one of its key together, or waits and has neither.
//! So what waits for a busy key takes nothing from an idle one. After every change nobody waits who
//! could go on; therefore an arrival that finds room overtakes nobody.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use slotmap::{SecondaryMap, SlotMap, new_key_type};

use super::ExchangeId;
use super::line::{Line, Spot};
use super::timeline::Tick;
use super::watchers::Watchers;
use crate::model::concurrency::{Concurrency, KeyConcurrency, PermitEventKind};
use crate::model::priority::Priority;

new_key_type! {
    struct KeyId;
}

/// Above how many keys those that nobody uses are forgotten.
const KEYS: usize = 1000;

/// The limits; `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct GateLimits {
    pub(crate) total: Option<usize>,
    pub(crate) per_key: Option<usize>,
    pub(crate) waiting: Option<usize>,
    /// How long it takes to rise by one priority.
    pub(crate) ageing: Option<Duration>,
}

/// What becomes of an arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entered {
    Admitted,
    Waiting,
    /// So many wait that no more may.
    Full(usize),
}

pub(crate) struct Gate {
    limits: GateLimits,
    keys: SlotMap<KeyId, Key>,
    names: BTreeMap<Arc<str>, KeyId>,
    places: SecondaryMap<ExchangeId, Place>,
    /// The heads of the lanes of each key that has room: they wait for the whole transport only.
    ready: Line<KeyId>,
    in_flight: usize,
    waiting: usize,
    peak: usize,
    next_number: u64,
    pub(crate) watchers: Watchers,
}

/// Where an exchange is: inside, unless it waits.
struct Place {
    key: KeyId,
    sequence: u64,
    waits: Option<Spot>,
}

struct Key {
    name: Arc<str>,
    in_flight: usize,
    peak: usize,
    line: Line<ExchangeId>,
    /// Which of its heads are among the `ready`, by priority.
    shown: [Option<Spot>; 4],
}

impl Gate {
    pub(crate) fn new(limits: GateLimits) -> Self {
        Self {
            limits,
            keys: SlotMap::with_key(),
            names: BTreeMap::new(),
            places: SecondaryMap::new(),
            ready: Line::new(),
            in_flight: 0,
            waiting: 0,
            peak: 0,
            next_number: 0,
            watchers: Watchers::default(),
        }
    }

    /// An exchange arrives. Once admitted or waiting, it has to [`leave`](Self::leave).
    pub(crate) fn enter(
        &mut self,
        exchange: ExchangeId,
        sequence: u64,
        name: &str,
        priority: Priority,
        now: Tick,
    ) -> Entered {
        let id = self.key(name);
        if self.has_room(id) {
            self.admit(exchange, sequence, id, now);
            return Entered::Admitted;
        }
        if self.limits.waiting.is_some_and(|max| self.waiting >= max) {
            self.forget_if_idle(id);
            return Entered::Full(self.waiting);
        }
        self.next_number += 1;
        let spot = Spot {
            priority,
            number: self.next_number,
            since: now,
        };
        self.waiting += 1;
        let place = Place {
            key: id,
            sequence,
            waits: Some(spot),
        };
        self.note(PermitEventKind::Waiting, &place, now);
        self.places.insert(exchange, place);
        if let Some(key) = self.keys.get_mut(id) {
            key.line.insert(spot, exchange);
        }
        self.show_heads(id);
        Entered::Waiting
    }

    /// Whether the limit on a key lets no more in.
    pub(crate) fn is_full_for(&self, name: &str) -> bool {
        let key = self.names.get(name).and_then(|id| self.keys.get(*id));
        key.is_some_and(|key| !self.key_has_room(key))
    }

    /// Whether an exchange has been admitted.
    pub(crate) fn is_inside(&self, exchange: ExchangeId) -> bool {
        let place = self.places.get(exchange);
        place.is_some_and(|place| place.waits.is_none())
    }

    /// An exchange is over, or waits no longer: what it held is free. Who is admitted instead: never
    /// more than one, as it makes room for one.
    pub(crate) fn leave(&mut self, exchange: ExchangeId, now: Tick) -> Option<ExchangeId> {
        let place = self.places.remove(exchange)?;
        self.note_departure(&place, now);
        let id = place.key;
        let key = self.keys.get_mut(id);
        match (place.waits, key) {
            (None, key) => {
                self.in_flight -= 1;
                key.into_iter().for_each(|key| key.in_flight -= 1);
            }
            (Some(spot), key) => {
                self.waiting -= 1;
                key.and_then(|key| key.line.remove(spot));
            }
        }
        self.show_heads(id);
        self.forget_if_idle(id);
        self.admit_next(now)
    }

    /// Everybody is gone. What was observed is forgotten.
    pub(crate) fn clear(&mut self, now: Tick) {
        for (_, place) in std::mem::take(&mut self.places) {
            self.note_departure(&place, now);
        }
        *self = Self {
            watchers: std::mem::take(&mut self.watchers),
            ..Self::new(self.limits)
        };
    }

    pub(crate) fn snapshot(&self) -> Concurrency {
        let left = |max: Option<usize>, used: usize| max.map(|max| max.saturating_sub(used));
        let keys = self.names.values().filter_map(|id| self.keys.get(*id));
        let keys = keys.map(|key| KeyConcurrency {
            key: String::from(&*key.name),
            available: left(self.limits.per_key, key.in_flight),
            in_flight: key.in_flight,
            waiting: key.line.len(),
            peak: key.peak,
        });
        Concurrency {
            available: left(self.limits.total, self.in_flight),
            in_flight: self.in_flight,
            waiting: self.waiting,
            peak: self.peak,
            keys: keys.collect(),
        }
    }

    fn admit_next(&mut self, now: Tick) -> Option<ExchangeId> {
        if self.is_full() {
            return None;
        }
        let spot = self.ready.first(now, self.limits.ageing)?;
        let id = self.ready.remove(spot)?;
        let key = self.keys.get_mut(id)?;
        key.shown[spot.priority as usize] = None;
        let exchange = key.line.remove(spot)?;
        let sequence = self.places.get(exchange)?.sequence;
        self.waiting -= 1;
        self.admit(exchange, sequence, id, now);
        Some(exchange)
    }

    fn admit(&mut self, exchange: ExchangeId, sequence: u64, id: KeyId, now: Tick) {
        self.in_flight += 1;
        self.peak = self.peak.max(self.in_flight);
        if let Some(key) = self.keys.get_mut(id) {
            key.in_flight += 1;
            key.peak = key.peak.max(key.in_flight);
        }
        let place = Place {
            key: id,
            sequence,
            waits: None,
        };
        self.note(PermitEventKind::Acquired, &place, now);
        self.places.insert(exchange, place);
        self.show_heads(id);
    }

    fn note_departure(&mut self, place: &Place, now: Tick) {
        let kind = match place.waits {
            None => PermitEventKind::Released,
            Some(_) => PermitEventKind::Abandoned,
        };
        self.note(kind, place, now);
    }

    /// Tells those who watch, if any.
    fn note(&mut self, kind: PermitEventKind, place: &Place, now: Tick) {
        if let Some(key) = self.keys.get(place.key) {
            self.watchers.note(kind, place.sequence, &key.name, now);
        }
    }

    fn is_full(&self) -> bool {
        self.limits.total.is_some_and(|max| self.in_flight >= max)
    }

    fn has_room(&self, id: KeyId) -> bool {
        !self.is_full() && self.keys.get(id).is_some_and(|key| self.key_has_room(key))
    }

    fn key_has_room(&self, key: &Key) -> bool {
        self.limits.per_key.is_none_or(|max| key.in_flight < max)
    }

    /// Makes `ready` right again after a key has changed.
    fn show_heads(&mut self, id: KeyId) {
        let Some(key) = self.keys.get(id) else {
            return;
        };
        let has_room = self.key_has_room(key);
        let heads = Priority::ALL.map(|lane| has_room.then(|| key.line.head(lane)).flatten());
        let Some(key) = self.keys.get_mut(id) else {
            return;
        };
        let shown = std::mem::replace(&mut key.shown, heads);
        for (before, after) in shown.into_iter().zip(heads) {
            if before == after {
                continue;
            }
            if let Some(spot) = before {
                self.ready.remove(spot);
            }
            if let Some(spot) = after {
                self.ready.insert(spot, id);
            }
        }
    }

    fn key(&mut self, name: &str) -> KeyId {
        if let Some(id) = self.names.get(name) {
            return *id;
        }
        let name: Arc<str> = name.into();
        let id = self.keys.insert(Key {
            name: name.clone(),
            in_flight: 0,
            peak: 0,
            line: Line::new(),
            shown: [None; 4],
        });
        self.names.insert(name, id);
        id
    }

    fn forget_if_idle(&mut self, id: KeyId) {
        let is_idle = |key: &Key| key.in_flight == 0 && key.line.len() == 0;
        if self.keys.len() > KEYS && self.keys.get(id).is_some_and(is_idle) {
            if let Some(key) = self.keys.remove(id) {
                self.names.remove(&key.name);
            }
        }
    }
}
