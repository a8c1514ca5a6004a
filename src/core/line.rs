//! A line of those who wait: the most urgent first, and in order of arrival among equals.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use super::timeline::Tick;
use crate::model::priority::Priority;

/// Where somebody stands: numbers rise in order of arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spot {
    pub(crate) priority: Priority,
    pub(crate) number: u64,
    pub(crate) since: Tick,
}

pub(crate) struct Line<T> {
    /// One for each priority: who stands there, by number.
    lanes: [BTreeMap<u64, (Tick, T)>; 4],
}

impl<T> Line<T> {
    pub(crate) fn new() -> Self {
        Self {
            lanes: Default::default(),
        }
    }

    pub(crate) fn insert(&mut self, spot: Spot, item: T) {
        self.lane(spot.priority)
            .insert(spot.number, (spot.since, item));
    }

    pub(crate) fn remove(&mut self, spot: Spot) -> Option<T> {
        let (_, item) = self.lane(spot.priority).remove(&spot.number)?;
        Some(item)
    }

    /// Who has waited longest with this priority.
    pub(crate) fn head(&self, priority: Priority) -> Option<Spot> {
        let (&number, &(since, _)) = self.lanes[priority as usize].first_key_value()?;
        Some(Spot {
            priority,
            number,
            since,
        })
    }

    /// Whose turn it is now, when everybody rises by one priority for each so long of waiting. Who
    /// has waited longest in a lane has risen most, so that only the heads have to be compared.
    pub(crate) fn first(&self, now: Tick, ageing: Option<Duration>) -> Option<Spot> {
        let heads = Priority::ALL.into_iter().filter_map(|lane| self.head(lane));
        heads.max_by_key(|spot| {
            let waited = now.saturating_sub(spot.since);
            let steps = ageing.map_or(0, |step| waited.as_nanos() / step.as_nanos().max(1));
            (spot.priority.raised_by(steps), Reverse(spot.number))
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.lanes.iter().map(BTreeMap::len).sum()
    }

    fn lane(&mut self, priority: Priority) -> &mut BTreeMap<u64, (Tick, T)> {
        &mut self.lanes[priority as usize]
    }
}
