//! Values that are kept for a while, and who fetches the ones that are not there.
//!
//! Generic over a pointer to the user's value, which is never dropped in here: what has to go is
//! returned.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use serde::Serialize;
use slotmap::{SlotMap, new_key_type};

use super::timeline::Tick;

use crate::wake::wake_all;

new_key_type! {
    /// Names a fetch that is going on, or whose value somebody has yet to take.
    pub(crate) struct FlightId;
}

/// How much a [`Cache`](crate::state::Cache) keeps, and for how long. What was used least recently
/// goes first.
///
/// ```
/// use std::time::Duration;
/// use mockwire::state::CacheLimits;
///
/// let limits = CacheLimits::new().entries(100).ttl(Duration::from_secs(60));
/// # let _ = limits;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheLimits {
    entries: usize,
    bytes: usize,
    ttl: Duration,
}

impl CacheLimits {
    /// 1,024 values of 16 MiB together, for ever.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            entries: 1024,
            bytes: 16 << 20,
            ttl: Duration::MAX,
        }
    }

    /// How many values are kept.
    #[must_use]
    pub const fn entries(mut self, entries: usize) -> Self {
        self.entries = entries;
        self
    }

    /// How many bytes the values have together; see [`Weight`](crate::state::Weight).
    #[must_use]
    pub const fn bytes(mut self, bytes: usize) -> Self {
        self.bytes = bytes;
        self
    }

    /// How long a value is kept after it was put there, in the transport's time.
    #[must_use]
    pub const fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = ttl;
        self
    }
}

impl Default for CacheLimits {
    fn default() -> Self {
        Self::new()
    }
}

/// What a [`Cache`](crate::state::Cache) has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CacheStats {
    /// How often a value was there.
    pub hits: u64,
    /// How often a value was not there, and nobody was fetching it.
    pub misses: u64,
    /// How often a value was not there, and somebody was fetching it already.
    pub joined: u64,
    /// How many values had to make room.
    pub evicted: u64,
    /// How many values were kept as long as they may be.
    pub expired: u64,
}

struct Entry<P> {
    value: P,
    bytes: usize,
    until: Tick,
    /// Its places in the two orders.
    age: u64,
    used: u64,
}

/// A fetch, and who waits for it.
struct Flight<P> {
    key: Arc<str>,
    waiting: BTreeMap<u64, Option<Waker>>,
    landed: Option<P>,
}

/// What somebody does who asks for a value.
pub(crate) enum Asked<P> {
    Hit(P),
    /// Fetches it.
    Fetch(FlightId),
    /// Waits for who fetches it, under this number.
    Wait(FlightId, u64),
}

/// What has become of a fetch that somebody waits for.
pub(crate) enum Landing<P> {
    /// It is there. What is left of the waiting is to be dropped outside.
    Landed(P, (Option<Waker>, Option<P>)),
    /// Still going on. The waker that was there before is to be dropped outside.
    Flying(Option<Waker>),
    /// It has failed, or was dropped.
    Gone,
}

/// What the caller wakes and drops once the borrow is over.
#[must_use = "wakers must be woken and values dropped outside the borrow"]
pub(crate) struct Leftovers<P> {
    pub(crate) wake: Vec<Waker>,
    pub(crate) values: Vec<P>,
}

pub(crate) struct CacheCore<P> {
    limits: CacheLimits,
    entries: HashMap<Arc<str>, Entry<P>>,
    by_age: BTreeMap<u64, Arc<str>>,
    by_use: BTreeMap<u64, Arc<str>>,
    bytes: usize,
    now: Tick,
    next_number: u64,
    flights: SlotMap<FlightId, Flight<P>>,
    /// The fetches whose values will be kept.
    in_the_air: HashMap<Arc<str>, FlightId>,
    stats: CacheStats,
}

impl<P: Clone> CacheCore<P> {
    pub(crate) fn new(limits: CacheLimits) -> Self {
        Self {
            limits,
            entries: HashMap::new(),
            by_age: BTreeMap::new(),
            by_use: BTreeMap::new(),
            bytes: 0,
            now: Tick::ZERO,
            next_number: 0,
            flights: SlotMap::with_key(),
            in_the_air: HashMap::new(),
            stats: CacheStats::default(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn stats(&self) -> CacheStats {
        self.stats
    }

    /// Takes away what is too old by now. What is put from here on is put now.
    pub(crate) fn expire(&mut self, now: Tick) -> Leftovers<P> {
        // Of two threads the slower one may come with the earlier time.
        self.now = self.now.max(now);
        let mut gone = Leftovers::none();
        while let Some(oldest) = self.by_age.first_entry() {
            let key = oldest.get().clone();
            if self.entries.get(&key).is_some_and(|it| it.until > self.now) {
                break;
            }
            gone.values.extend(self.take(&key));
            self.stats.expired += 1;
        }
        gone
    }

    /// The value, which counts as used now.
    pub(crate) fn get(&mut self, key: &str) -> Option<P> {
        let number = self.number();
        let Some(entry) = self.entries.get_mut(key) else {
            self.stats.misses += 1;
            return None;
        };
        self.stats.hits += 1;
        if let Some(key) = self.by_use.remove(&entry.used) {
            self.by_use.insert(number, key);
        }
        entry.used = number;
        Some(entry.value.clone())
    }

    /// Whether there is a value. It does not count as used.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// The value, or what to do to have it.
    pub(crate) fn ask(&mut self, key: &Arc<str>) -> Asked<P> {
        if let (false, Some(id)) = (self.entries.contains_key(key), self.in_the_air.get(key)) {
            let id = *id;
            let number = self.number();
            if let Some(flight) = self.flights.get_mut(id) {
                flight.waiting.insert(number, None);
                self.stats.joined += 1;
                return Asked::Wait(id, number);
            }
        }
        if let Some(value) = self.get(key) {
            return Asked::Hit(value);
        }
        let id = self.flights.insert(Flight {
            key: key.clone(),
            waiting: BTreeMap::new(),
            landed: None,
        });
        self.in_the_air.insert(key.clone(), id);
        Asked::Fetch(id)
    }

    /// Asks what has become of a fetch that one waits for.
    pub(crate) fn look(&mut self, id: FlightId, number: u64, waker: Waker) -> Landing<P> {
        let Some(flight) = self.flights.get_mut(id) else {
            return Landing::Gone;
        };
        let Some(value) = flight.landed.clone() else {
            let was = flight.waiting.insert(number, Some(waker));
            return Landing::Flying(was.flatten());
        };
        Landing::Landed(value, self.leave(id, number))
    }

    /// Waits no longer; what is left of that is to be dropped outside.
    pub(crate) fn leave(&mut self, id: FlightId, number: u64) -> (Option<Waker>, Option<P>) {
        let Some(flight) = self.flights.get_mut(id) else {
            return (None, None);
        };
        let waker = flight.waiting.remove(&number).flatten();
        if !flight.waiting.is_empty() || flight.landed.is_none() {
            return (waker, None);
        }
        let landed = self.flights.remove(id).and_then(|flight| flight.landed);
        (waker, landed)
    }

    /// A fetch has succeeded: its value is for all who wait, and kept unless the key was put or
    /// removed meanwhile.
    pub(crate) fn land(&mut self, id: FlightId, value: P, bytes: usize) -> Leftovers<P> {
        let mut left = Leftovers::none();
        let Some(flight) = self.flights.get_mut(id) else {
            left.values.push(value);
            return left;
        };
        let key = flight.key.clone();
        left.wake = flight.wakers();
        if flight.waiting.is_empty() {
            self.flights.remove(id);
        } else {
            flight.landed = Some(value.clone());
        }
        if self.in_the_air.get(&key) == Some(&id) {
            left.values.extend(self.put(key, value, bytes).values);
        } else {
            left.values.push(value);
        }
        left
    }

    /// A fetch has failed or was dropped: whoever asks first again fetches.
    pub(crate) fn crash(&mut self, id: FlightId) -> Vec<Waker> {
        let Some(mut flight) = self.flights.remove(id) else {
            return Vec::new();
        };
        if self.in_the_air.get(&flight.key) == Some(&id) {
            self.in_the_air.remove(&flight.key);
        }
        flight.wakers()
    }

    /// Keeps a value, for which others may have to go.
    pub(crate) fn put(&mut self, key: Arc<str>, value: P, bytes: usize) -> Leftovers<P> {
        let mut gone = self.remove(&key);
        if bytes > self.limits.bytes || self.limits.entries == 0 {
            gone.values.push(value);
            self.stats.evicted += 1;
            return gone;
        }
        let room = self.limits.bytes - bytes;
        while self.entries.len() >= self.limits.entries || self.bytes > room {
            let Some((_, key)) = self.by_use.first_key_value() else {
                break;
            };
            let key = key.clone();
            gone.values.extend(self.take(&key));
            self.stats.evicted += 1;
        }
        let number = self.number();
        self.by_age.insert(number, key.clone());
        self.by_use.insert(number, key.clone());
        self.bytes += bytes;
        let entry = Entry {
            value,
            bytes,
            until: self.now.saturating_add(self.limits.ttl),
            age: number,
            used: number,
        };
        self.entries.insert(key, entry);
        gone
    }

    /// Forgets a value, and what is being fetched for it.
    pub(crate) fn remove(&mut self, key: &str) -> Leftovers<P> {
        self.in_the_air.remove(key);
        Leftovers {
            wake: Vec::new(),
            values: self.take(key).into_iter().collect(),
        }
    }

    /// Forgets all values, and what is being fetched.
    pub(crate) fn clear(&mut self) -> Leftovers<P> {
        self.in_the_air.clear();
        self.by_age.clear();
        self.by_use.clear();
        self.bytes = 0;
        let entries = std::mem::take(&mut self.entries);
        Leftovers {
            wake: Vec::new(),
            values: entries.into_values().map(|entry| entry.value).collect(),
        }
    }

    fn take(&mut self, key: &str) -> Option<P> {
        let entry = self.entries.remove(key)?;
        self.by_age.remove(&entry.age);
        self.by_use.remove(&entry.used);
        self.bytes -= entry.bytes;
        Some(entry.value)
    }

    fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }
}

impl<P> Flight<P> {
    fn wakers(&mut self) -> Vec<Waker> {
        let waiting = self.waiting.values_mut();
        waiting.filter_map(Option::take).collect()
    }
}

impl<P> Leftovers<P> {
    pub(crate) fn none() -> Self {
        Self {
            wake: Vec::new(),
            values: Vec::new(),
        }
    }

    /// Wakes, then drops.
    pub(crate) fn settle(self) {
        wake_all(self.wake);
    }
}
