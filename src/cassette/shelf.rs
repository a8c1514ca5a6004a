//! What may be replayed: the entries, which of them match a request, and which came nearest.

use std::collections::HashMap;
use std::sync::Arc;

use super::Cassette;
use super::compare::{Made, Recorded};
use super::entry::Entry;
use super::match_on::Criteria;
use crate::diagnosis::{Check, Diagnosis, Exclusion, NearMiss};
use crate::flow::decide::diagnosis_of;
use crate::model::redact;
use crate::model::request::Request;
use crate::model::times::Times;

/// How many entries a diagnosis tells of.
const NEAREST: usize = 3;

/// The entries of a cassette, made ready to be compared. They do not change.
#[derive(Debug)]
pub(super) struct Shelf {
    slots: Vec<(Arc<Entry>, Recorded)>,
    /// Those of which the path has to be exactly this one, and the others. In order.
    by_path: HashMap<String, Vec<usize>>,
    anywhere: Vec<usize>,
    /// What the cassette is called: `tests/chat.json`.
    name: String,
}

impl Shelf {
    pub(super) fn new(cassette: Cassette, criteria: &Criteria, name: String) -> Self {
        let entries = cassette.entries.into_iter();
        let slots: Vec<_> = entries
            .map(|entry| {
                let recorded = Recorded::new(entry.request.clone(), criteria);
                (Arc::new(entry), recorded)
            })
            .collect();
        let (mut by_path, mut anywhere) = (HashMap::<_, Vec<_>>::new(), Vec::new());
        for (index, (_, recorded)) in slots.iter().enumerate() {
            match recorded.exact_path() {
                Some(path) => by_path.entry(path.to_owned()).or_default().push(index),
                None => anywhere.push(index),
            }
        }
        Self {
            slots,
            by_path,
            anywhere,
            name,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn entry(&self, index: usize) -> &Arc<Entry> {
        &self.slots[index].0
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.slots.iter().map(|(entry, _)| &**entry)
    }

    /// The entries that match, in order.
    pub(super) fn matching(&self, request: &Request, criteria: &Criteria) -> Vec<usize> {
        let here = self.by_path.get(request.path());
        let candidates = here.into_iter().flatten().chain(&self.anywhere);
        let mut candidates: Vec<usize> = candidates.copied().collect();
        if candidates.is_empty() {
            return candidates;
        }
        candidates.sort_unstable();
        let made = Made::new(request, criteria);
        candidates.retain(|index| criteria.agree(&self.slots[*index].1, &made));
        candidates
    }

    /// What the entry that is nearest to a request asks for, and what of it is not there.
    pub(super) fn explain(&self, request: &Request, criteria: &Criteria) -> Vec<Check> {
        let mut misses = self.misses(request, criteria, |_| None);
        let is_there = !misses.is_empty();
        let (expected, checks) = if is_there {
            let (index, nearest) = misses.swap_remove(0);
            (self.place(index), nearest.checks)
        } else {
            ("a recorded request".to_owned(), Vec::new())
        };
        let cassette = Check {
            matcher: "recorded".to_owned(),
            expected,
            actual: "none: the cassette is empty".to_owned(),
            passed: is_there,
            weight: 9,
        };
        std::iter::once(cassette).chain(checks).collect()
    }

    /// Why no entry answers a request, of which so many have answered so often.
    pub(super) fn diagnose(
        &self,
        request: &Request,
        sequence: u64,
        criteria: &Criteria,
        hits: &[u32],
    ) -> Diagnosis {
        let excluded = |index: usize| {
            let hits = hits.get(index).copied().unwrap_or_default();
            (hits > 0).then(|| Exclusion::used_up(Times::from(1), hits.into()))
        };
        let mut misses = self.misses(request, criteria, excluded);
        misses.truncate(NEAREST);
        let nearest = misses.into_iter().map(|(_, miss)| miss).collect();
        Diagnosis {
            recorded: true,
            ..diagnosis_of(request, sequence, nearest, self.len())
        }
    }

    /// Every entry and why it is not the one, the nearest first.
    fn misses(
        &self,
        request: &Request,
        criteria: &Criteria,
        excluded: impl Fn(usize) -> Option<Exclusion>,
    ) -> Vec<(usize, NearMiss)> {
        let made = Made::new(request, criteria);
        let slots = self.slots.iter().enumerate();
        let misses = slots.map(|(index, (entry, recorded))| {
            let url = redact::printable_url(&entry.request.url);
            let target = format!("{} {url}", entry.request.method);
            let checks = criteria.explain(recorded, &made);
            let miss = NearMiss::new(target, self.place(index), checks, excluded(index));
            (index, miss)
        });
        let mut misses: Vec<_> = misses.collect();
        misses.sort_by_key(|(_, miss)| (miss.distance, miss.excluded.is_some()));
        misses
    }

    /// `tests/chat.json, entry 3`
    fn place(&self, index: usize) -> String {
        format!("{}, entry {}", self.name, index + 1)
    }
}
