//! Which values are kept, and who fetches those that are not there. JavaScript has the values.

use std::cell::RefCell;
use std::sync::Arc;
use std::task::Waker;

use wasm_bindgen::prelude::wasm_bindgen;

use crate::core::cache::{Asked, CacheCore, CacheLimits, FlightId, Leftovers};
use crate::edge::js_values::{duration, key, number};

/// What `ask` answers: the value is there; whoever asks fetches it; another one is fetching it.
const HIT: f64 = 0.0;
const FETCH: f64 = 1.0;
const WAIT: f64 = 2.0;

/// A cache of values that JavaScript knows by numbers from 1. A number that it is told of by `gone`
/// is in the cache no more.
#[wasm_bindgen]
pub struct CacheMachine {
    core: RefCell<CacheCore<f64>>,
    gone: RefCell<Vec<f64>>,
}

#[wasm_bindgen]
impl CacheMachine {
    /// A cache of so many values, which weigh so much together; each is kept for so long.
    #[wasm_bindgen(constructor)]
    pub fn new(entries: usize, weight: usize, ttl: f64) -> Self {
        let limits = CacheLimits::new().entries(entries).bytes(weight);
        Self {
            core: RefCell::new(CacheCore::new(limits.ttl(duration(ttl)))),
            gone: RefCell::default(),
        }
    }

    /// The number of the value, which then counts as used; 0 when there is none.
    pub fn get(&self, key: &str, now: f64) -> f64 {
        self.current(now, |core| core.get(key)).unwrap_or_default()
    }

    /// Whether there is a value.
    pub fn has(&self, key: &str, now: f64) -> bool {
        self.current(now, |core| core.has(key))
    }

    /// What to do to have the value: 0 and its number; 1 and the number of the fetch to make; 2 and the
    /// number of the fetch to wait for.
    pub fn ask(&self, key: &str, now: f64) -> Vec<f64> {
        let key: Arc<str> = key.into();
        self.current(now, |core| match core.ask(&key) {
            Asked::Hit(value) => vec![HIT, value],
            Asked::Fetch(flight) => vec![FETCH, number(flight)],
            // JavaScript knows who waits; nobody is noted here.
            Asked::Wait(flight, place) => {
                let _: (Option<Waker>, Option<f64>) = core.leave(flight, place);
                vec![WAIT, number(flight)]
            }
        })
    }

    /// A fetch has succeeded.
    pub fn land(&self, flight: f64, value: f64, weight: usize, now: f64) {
        let left = self.current(now, |core| core.land(flight_id(flight), value, weight));
        self.note(left);
    }

    /// A fetch has failed, or was given up: whoever asks first again fetches.
    pub fn crash(&self, flight: f64) {
        let _: Vec<Waker> = self.core.borrow_mut().crash(flight_id(flight));
    }

    /// Keeps a value.
    pub fn set(&self, key: &str, value: f64, weight: usize, now: f64) {
        let left = self.current(now, |core| core.put(key.into(), value, weight));
        self.note(left);
    }

    /// Forgets a value. Whether there was one.
    pub fn delete(&self, key: &str, now: f64) -> bool {
        let left = self.current(now, |core| core.remove(key));
        let was_there = !left.values.is_empty();
        self.note(left);
        was_there
    }

    /// Forgets all values.
    pub fn clear(&self) {
        let left = self.core.borrow_mut().clear();
        self.note(left);
    }

    /// How many values there are.
    pub fn size(&self, now: f64) -> usize {
        self.current(now, |core| core.len())
    }

    /// How much they weigh.
    pub fn weight(&self, now: f64) -> usize {
        self.current(now, |core| core.bytes())
    }

    /// Hits, misses, joined, evicted, expired.
    pub fn stats(&self, now: f64) -> Vec<f64> {
        let stats = self.current(now, |core| core.stats());
        [
            stats.hits,
            stats.misses,
            stats.joined,
            stats.evicted,
            stats.expired,
        ]
        .map(|count| count as f64)
        .to_vec()
    }

    /// The number of a value that is not kept any more, each once; 0 when there is none.
    pub fn gone(&self) -> f64 {
        self.gone.borrow_mut().pop().unwrap_or_default()
    }

    /// Runs a closure on the values that are not too old.
    fn current<R>(&self, now: f64, f: impl FnOnce(&mut CacheCore<f64>) -> R) -> R {
        let mut core = self.core.borrow_mut();
        self.note(core.expire(duration(now)));
        f(&mut core)
    }

    fn note(&self, left: Leftovers<f64>) {
        self.gone.borrow_mut().extend(left.values);
    }
}

fn flight_id(flight: f64) -> FlightId {
    key(flight)
}
