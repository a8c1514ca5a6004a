//! Finds the rules that a request's target does not rule out, without asking them all.
//!
//! The index is a filter: it may let a rule through that does not match, and never holds one back
//! that does. What decides is always the rule's own matcher, so a hash collision costs time only.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::RuleId;
use crate::matcher::Matcher;
use crate::matcher::pattern::Pattern;
use crate::mode::Mode;
use crate::model::request::Request;
use crate::model::urlencoded::percent_decode;

/// How many rules are few.
const FEW: usize = 64;

/// Where a rule stands: higher priority first, then the order of registration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    rank: (std::cmp::Reverse<i32>, u32),
    id: RuleId,
}

/// What of a rule's target can be looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// An exact path, and perhaps a method and a host.
    Exact { key: u32, kind: usize },
    /// A path that begins with these segments.
    Prefix { key: u32 },
    /// Anything.
    Rest,
}

#[derive(Default)]
pub(crate) struct Index {
    exact: HashMap<u32, Bucket, BuildHasherDefault<Hashed>>,
    /// How many exact rules there are of each kind: bit 0 has a method, bit 1 a host.
    kinds: [usize; 4],
    prefix: HashMap<u32, Bucket, BuildHasherDefault<Hashed>>,
    rest: Bucket,
}

/// Rules under one key, in rank order. Nearly always there is one.
#[derive(Default)]
enum Bucket {
    #[default]
    Empty,
    One(Slot),
    Many(Vec<Slot>),
}

impl Slot {
    pub(crate) fn new(priority: i32, order: u32, id: RuleId) -> Self {
        let rank = (std::cmp::Reverse(priority), order);
        Self { rank, id }
    }

    pub(crate) fn id(self) -> RuleId {
        self.id
    }

    pub(crate) fn order(self) -> u32 {
        self.rank.1
    }
}

impl Route {
    pub(crate) fn of_rule<M: Mode>(matcher: &Matcher<M>) -> Self {
        if let Some(target) = matcher.exact_target() {
            return Self::exact(target.method(), target.host(), target.path());
        }
        let (mut method, mut host, mut path) = (None, None, None);
        for pattern in matcher.required_patterns() {
            match pattern {
                Pattern::Method(it) => method = Some(it.as_str()),
                Pattern::Host(it) if !it.is_glob => host = Some(it.text.as_str()),
                Pattern::Path(it) => path = Some(it),
                _ => {}
            }
        }
        let Some(path) = path else {
            return Self::Rest;
        };
        match path.exact() {
            Some(exact) => Self::exact(method, host, exact),
            None => Self::Prefix {
                key: hash(path.literal_prefix()),
            },
        }
    }

    fn exact(method: Option<&str>, host: Option<&str>, path: &str) -> Self {
        Self::Exact {
            key: exact_key(method, host, path),
            kind: usize::from(method.is_some()) | usize::from(host.is_some()) << 1,
        }
    }
}

impl Index {
    /// Keeps the memory of a few rules.
    #[inline(never)]
    pub(crate) fn clear(&mut self) {
        if self.exact.capacity().max(self.prefix.capacity()) > FEW {
            *self = Self::default();
        } else {
            self.exact.clear();
            self.prefix.clear();
            self.kinds = Default::default();
            self.rest = Bucket::Empty;
        }
    }

    pub(crate) fn insert(&mut self, route: Route, slot: Slot) {
        if let Route::Exact { kind, .. } = route {
            self.kinds[kind] += 1;
        }
        self.bucket_mut(route).insert(slot);
    }

    pub(crate) fn remove(&mut self, route: Route, id: RuleId) {
        if let Route::Exact { kind, .. } = route {
            self.kinds[kind] -= 1;
        }
        let bucket = self.bucket_mut(route);
        bucket.remove(id);
        if bucket.as_slice().is_empty() {
            match route {
                Route::Exact { key, .. } => drop(self.exact.remove(&key)),
                Route::Prefix { key } => drop(self.prefix.remove(&key)),
                Route::Rest => {}
            }
        }
    }

    /// All slots, in no order.
    pub(crate) fn slots(&self) -> impl Iterator<Item = Slot> {
        let buckets = self.exact.values().chain(self.prefix.values());
        let buckets = buckets.chain(std::iter::once(&self.rest));
        buckets.flat_map(Bucket::as_slice).copied()
    }

    /// The rules that the request's target does not rule out, best first.
    #[inline(never)]
    pub(crate) fn candidates(&self, request: &Request) -> Candidates<'_> {
        let path = percent_decode(request.path());
        let mut candidates = Candidates::default();
        candidates.add(self.rest.as_slice());
        for (kind, _) in self
            .kinds
            .iter()
            .enumerate()
            .filter(|(_, rules)| **rules > 0)
        {
            let method = (kind & 1 != 0).then(|| request.method().as_str());
            let host = (kind & 2 != 0).then(|| request.host()).flatten();
            if let Some(bucket) = self.exact.get(&exact_key(method, host, &path)) {
                candidates.add(bucket.as_slice());
            }
        }
        if !self.prefix.is_empty() {
            let slashes = path.match_indices('/').map(|(at, _)| at);
            for end in slashes.chain(std::iter::once(path.len())) {
                if let Some(bucket) = self.prefix.get(&hash(&path[..end])) {
                    candidates.add(bucket.as_slice());
                }
            }
        }
        candidates
    }

    fn bucket_mut(&mut self, route: Route) -> &mut Bucket {
        match route {
            Route::Exact { key, .. } => self.exact.entry(key).or_default(),
            Route::Prefix { key } => self.prefix.entry(key).or_default(),
            Route::Rest => &mut self.rest,
        }
    }
}

/// Merges lists that are each in rank order. Nearly always there is one.
#[derive(Default)]
pub(crate) struct Candidates<'a> {
    first: &'a [Slot],
    others: Vec<&'a [Slot]>,
}

impl<'a> Candidates<'a> {
    /// Whether there is no second one.
    pub(crate) fn is_only_one(&self) -> bool {
        self.first.len() == 1 && self.others.is_empty()
    }

    /// One rule that needs not be looked up.
    pub(crate) fn only(slot: &'a Slot) -> Self {
        Self {
            first: std::slice::from_ref(slot),
            others: Vec::new(),
        }
    }

    fn add(&mut self, list: &'a [Slot]) {
        if self.first.is_empty() {
            self.first = list;
        } else if !list.is_empty() {
            self.others.push(list);
        }
    }
}

impl Iterator for Candidates<'_> {
    type Item = RuleId;

    fn next(&mut self) -> Option<RuleId> {
        let mut best = &mut self.first;
        for list in &mut self.others {
            let better = match (list.first(), best.first()) {
                (Some(slot), Some(best)) => slot.rank < best.rank,
                (slot, _) => slot.is_some(),
            };
            if better {
                best = list;
            }
        }
        let (first, others) = best.split_first()?;
        *best = others;
        Some(first.id)
    }
}

impl Bucket {
    fn as_slice(&self) -> &[Slot] {
        match self {
            Self::Empty => &[],
            Self::One(slot) => std::slice::from_ref(slot),
            Self::Many(slots) => slots,
        }
    }

    fn insert(&mut self, slot: Slot) {
        match self {
            Self::Empty => *self = Self::One(slot),
            Self::One(first) => {
                let mut slots = vec![*first, slot];
                slots.sort_unstable_by_key(|slot| slot.rank);
                *self = Self::Many(slots);
            }
            Self::Many(slots) => {
                let at = slots.partition_point(|other| other.rank < slot.rank);
                slots.insert(at, slot);
            }
        }
    }

    fn remove(&mut self, id: RuleId) {
        match self {
            Self::One(slot) if slot.id == id => *self = Self::Empty,
            Self::Empty | Self::One(_) => {}
            Self::Many(slots) => slots.retain(|slot| slot.id != id),
        }
    }
}

/// Rules keep their hosts in lower case, so the case of the request's host is folded.
fn exact_key(method: Option<&str>, host: Option<&str>, path: &str) -> u32 {
    let mut key = fold(0, path.as_bytes(), |word| word);
    if let Some(method) = method {
        key = fold(key ^ 1, method.as_bytes(), |word| word);
    }
    if let Some(host) = host {
        // Sets bit 5 of each byte: the case of letters, and never the other way round.
        key = fold(key ^ 2, host.as_bytes(), |word| {
            word | 0x2020_2020_2020_2020
        });
    }
    half(key)
}

fn hash(text: impl AsRef<str>) -> u32 {
    half(fold(0, text.as_ref().as_bytes(), |word| word))
}

/// Half of a hash: enough to tell rules apart, and half as much to keep.
fn half(hash: u64) -> u32 {
    (hash >> 32) as u32
}

/// A quick hash: enough for a filter whose keys are written by the test's author.
fn fold(seed: u64, bytes: &[u8], each: impl Fn(u64) -> u64) -> u64 {
    const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;
    let mix = |hash: u64, word: u64| {
        let mixed = (hash ^ word).wrapping_mul(MULTIPLIER);
        mixed ^ (mixed >> 32)
    };
    let whole = |word: &[u8]| word.try_into().map_or(0, u64::from_le_bytes);
    let mut hash = mix(seed, bytes.len() as u64);
    if let Some(last) = bytes.last_chunk::<8>() {
        for word in bytes[..bytes.len() - 1].chunks_exact(8) {
            hash = mix(hash, each(whole(word)));
        }
        // Again those of the last whole word, perhaps: that is quicker than to take the rest one by one.
        return mix(hash, each(u64::from_le_bytes(*last)));
    }
    let rest = match (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        (Some(first), Some(last)) => {
            u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last))
        }
        _ => bytes
            .iter()
            .fold(0, |word, byte| word << 8 | u64::from(*byte)),
    };
    mix(hash, each(rest))
}

/// A key that is a hash already, spread over all the bits that the map looks at.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("the keys of the index are `u32`");
    }

    fn write_u32(&mut self, key: u32) {
        self.0 = u64::from(key) << 32 | u64::from(key);
    }
}
