//! How much may be done in how much time: counters, on the transport's time, in whole nanoseconds.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use slotmap::SecondaryMap;

use super::RuleId;
use super::timeline::Tick;

/// Above how many keys those whose counters are as new are forgotten.
const KEYS: usize = 1000;

/// How a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// So many in each window; windows begin at the multiples of their length.
    FixedWindow { limit: u64, per: Duration },
    /// So many in any window.
    SlidingWindow { limit: u64, per: Duration },
    /// So many at once, and then as they come back: steadily, so many in so much time.
    TokenBucket {
        capacity: u64,
        refill: u64,
        per: Duration,
    },
}

/// What one limit is asked for: how much, and under which key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) key: String,
    pub(crate) cost: u64,
}

/// How one limit stands after it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) limit: u64,
    pub(crate) remaining: u64,
    /// How long until all of it is there again.
    pub(crate) reset: Duration,
}

/// The answer of limits that apply together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) standings: Vec<Standing>,
    pub(crate) refused: Option<Refused>,
}

/// It was too much: nothing was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// How long until as much can be had; `None` when it never can.
    pub(crate) retry_after: Option<Duration>,
    /// Which of the limits has to be waited for longest.
    pub(crate) by: usize,
}

/// The counters of a transport.
#[derive(Default)]
pub(crate) struct RateBook {
    pub(crate) of_all: Rates,
    pub(crate) of_rules: SecondaryMap<RuleId, Rates>,
}

/// Limits that apply together: what they are asked for, they all give, or none does.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rates(Vec<Rate>);

#[derive(Clone, Debug)]
struct Rate {
    kind: Kind,
    counters: HashMap<String, Counter>,
    /// At how many counters to look for those that can be forgotten.
    purge_at: usize,
}

/// How long until so much can be had.
enum Wait {
    Not,
    /// `None` is for ever.
    Until(Option<Duration>),
}

#[derive(Clone, Debug)]
enum Counter {
    Fixed {
        window: u128,
        used: u64,
    },
    Sliding {
        /// What was given and has not left the window, the earliest first.
        given: VecDeque<(Tick, u64)>,
        used: u64,
    },
    Bucket {
        /// In parts of a token: as many as the nanoseconds of the refill's time.
        level: u128,
        at: Tick,
    },
}

impl Kind {
    pub(crate) fn limit(self) -> u64 {
        match self {
            Self::FixedWindow { limit, .. } | Self::SlidingWindow { limit, .. } => limit,
            Self::TokenBucket { capacity, .. } => capacity,
        }
    }

    /// What makes it let nothing through, or everything.
    pub(crate) fn mistake(self) -> Option<&'static str> {
        let (limit, refill, per) = match self {
            Self::FixedWindow { limit, per } | Self::SlidingWindow { limit, per } => {
                (limit, 1, per)
            }
            Self::TokenBucket {
                capacity,
                refill,
                per,
            } => (capacity, refill, per),
        };
        (limit == 0 || refill == 0 || per.is_zero())
            .then_some("a rate limit lets something through, and takes time")
    }
}

impl Rates {
    pub(crate) fn new(kinds: impl IntoIterator<Item = Kind>) -> Self {
        let rate = |kind| Rate {
            kind,
            counters: HashMap::new(),
            purge_at: KEYS,
        };
        Self(kinds.into_iter().map(rate).collect())
    }

    /// Everything is there again.
    pub(crate) fn clear(&mut self) {
        for rate in &mut self.0 {
            rate.counters.clear();
        }
    }

    /// Asks each limit for its share, now.
    pub(crate) fn take(&mut self, asked: &[Asked], now: Tick) -> Taken {
        let mut refused: Option<Refused> = None;
        for (by, (rate, asked)) in self.0.iter_mut().zip(asked).enumerate() {
            let kind = rate.kind;
            let wait = rate.counter(&asked.key, now).wait(kind, asked.cost, now);
            if let Wait::Until(retry_after) = wait {
                let new = Refused { retry_after, by };
                refused = Some(refused.map_or(new, |other| other.or_longer(new)));
            }
        }
        let mut standings = Vec::with_capacity(self.0.len());
        for (rate, asked) in self.0.iter_mut().zip(asked) {
            let kind = rate.kind;
            let counter = rate.counter(&asked.key, now);
            if refused.is_none() {
                counter.give(kind, asked.cost, now);
            }
            standings.push(counter.standing(kind, now));
        }
        Taken { standings, refused }
    }
}

impl Refused {
    /// The one that takes longer.
    fn or_longer(self, other: Self) -> Self {
        let longest = |it: &Self| it.retry_after.unwrap_or(Duration::MAX);
        if longest(&other) > longest(&self) {
            other
        } else {
            self
        }
    }
}

impl Rate {
    /// The counter of a key, brought up to date.
    fn counter(&mut self, key: &str, now: Tick) -> &mut Counter {
        let kind = self.kind;
        if !self.counters.contains_key(key) && self.counters.len() >= self.purge_at {
            self.counters.retain(|_, counter| {
                counter.update(kind, now);
                counter.standing(kind, now).remaining < kind.limit()
            });
            self.purge_at = KEYS.max(2 * self.counters.len());
        }
        let counter = self
            .counters
            .entry(key.to_owned())
            .or_insert_with(|| Counter::new(kind));
        counter.update(kind, now);
        counter
    }
}

impl Counter {
    fn new(kind: Kind) -> Self {
        match kind {
            Kind::FixedWindow { .. } => Self::Fixed { window: 0, used: 0 },
            Kind::SlidingWindow { .. } => Self::Sliding {
                given: VecDeque::new(),
                used: 0,
            },
            Kind::TokenBucket { capacity, per, .. } => Self::Bucket {
                level: parts(capacity, per),
                at: Tick::ZERO,
            },
        }
    }

    /// Gives back what time has given back.
    fn update(&mut self, kind: Kind, now: Tick) {
        match (self, kind) {
            (Self::Fixed { window, used }, Kind::FixedWindow { per, .. }) => {
                let current = now.as_nanos() / per.as_nanos();
                if *window != current {
                    (*window, *used) = (current, 0);
                }
            }
            (Self::Sliding { given, used }, Kind::SlidingWindow { per, .. }) => {
                while let Some((at, cost)) = given.front() {
                    if at.saturating_add(per) > now {
                        break;
                    }
                    *used -= cost;
                    given.pop_front();
                }
            }
            (
                Self::Bucket { level, at },
                Kind::TokenBucket {
                    capacity,
                    refill,
                    per,
                },
            ) => {
                let elapsed = now.saturating_sub(*at).as_nanos();
                let refilled = level.saturating_add(elapsed.saturating_mul(refill.into()));
                *level = refilled.min(parts(capacity, per));
                *at = now;
            }
            _ => unreachable!("a counter is of its limit's kind"),
        }
    }

    fn wait(&self, kind: Kind, cost: u64, now: Tick) -> Wait {
        if cost > kind.limit() {
            return Wait::Until(None);
        }
        let lacking = cost.saturating_sub(self.remaining(kind));
        if lacking == 0 {
            return Wait::Not;
        }
        let retry_after = match (self, kind) {
            (Self::Sliding { given, .. }, Kind::SlidingWindow { per, .. }) => {
                let mut freed = 0;
                let enough = given.iter().find(|(_, cost)| {
                    freed += cost;
                    freed >= lacking
                });
                let at = enough.map_or(now, |(at, _)| *at);
                at.saturating_add(per).saturating_sub(now)
            }
            (Self::Bucket { level, .. }, Kind::TokenBucket { refill, per, .. }) => {
                let lacking = parts(cost, per).saturating_sub(*level);
                from_nanos(lacking.div_ceil(refill.into()))
            }
            _ => self.reset(kind, now),
        };
        Wait::Until(Some(retry_after))
    }

    fn give(&mut self, kind: Kind, cost: u64, now: Tick) {
        match self {
            Self::Fixed { used, .. } => *used += cost,
            Self::Sliding { .. } if cost == 0 => {}
            Self::Sliding { given, used } => {
                *used += cost;
                match given.back_mut() {
                    Some((at, sum)) if *at == now => *sum += cost,
                    _ => given.push_back((now, cost)),
                }
            }
            Self::Bucket { level, .. } => {
                if let Kind::TokenBucket { per, .. } = kind {
                    *level = level.saturating_sub(parts(cost, per));
                }
            }
        }
    }

    fn remaining(&self, kind: Kind) -> u64 {
        match (self, kind) {
            (Self::Fixed { used, .. } | Self::Sliding { used, .. }, _) => {
                kind.limit().saturating_sub(*used)
            }
            (Self::Bucket { level, .. }, Kind::TokenBucket { per, .. }) => {
                u64::try_from(level / per.as_nanos()).unwrap_or(u64::MAX)
            }
            _ => unreachable!("a counter is of its limit's kind"),
        }
    }

    /// How long until all of it is there again.
    fn reset(&self, kind: Kind, now: Tick) -> Duration {
        match (self, kind) {
            (Self::Fixed { used: 0, .. }, _) => Duration::ZERO,
            (Self::Fixed { window, .. }, Kind::FixedWindow { per, .. }) => {
                from_nanos((window + 1).saturating_mul(per.as_nanos())).saturating_sub(now)
            }
            (Self::Sliding { given, .. }, Kind::SlidingWindow { per, .. }) => {
                let last = given.back().map(|(at, _)| at.saturating_add(per));
                last.map_or(Duration::ZERO, |free| free.saturating_sub(now))
            }
            (
                Self::Bucket { level, .. },
                Kind::TokenBucket {
                    capacity,
                    refill,
                    per,
                },
            ) => {
                let lacking = parts(capacity, per).saturating_sub(*level);
                from_nanos(lacking.div_ceil(refill.into()))
            }
            _ => unreachable!("a counter is of its limit's kind"),
        }
    }

    fn standing(&self, kind: Kind, now: Tick) -> Standing {
        Standing {
            limit: kind.limit(),
            remaining: self.remaining(kind),
            reset: self.reset(kind, now),
        }
    }
}

/// So many tokens in parts: as many to a token as the refill's time has nanoseconds.
fn parts(tokens: u64, per: Duration) -> u128 {
    u128::from(tokens).saturating_mul(per.as_nanos())
}

fn from_nanos(nanos: u128) -> Duration {
    const SECOND: u128 = 1_000_000_000;
    let seconds = u64::try_from(nanos / SECOND).unwrap_or(u64::MAX);
    Duration::new(seconds, (nanos % SECOND) as u32)
}
