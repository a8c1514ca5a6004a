//! What changes while a cassette is used: which entries have answered, and what is recorded.

use super::entry::Entry;

/// The state of a cassette that is used.
#[derive(Debug)]
pub(super) struct Tape {
    /// How often each entry has answered.
    hits: Vec<u32>,
    /// By order of the requests.
    recorded: Vec<Slot>,
    /// How many exchanges were not recorded, as there were too many.
    dropped: u64,
    /// What was found to be secret so far.
    secrets: Vec<String>,
}

/// How many secrets are remembered, of those that were found in one exchange and may stand in another.
const SECRETS: usize = 1000;

#[derive(Debug)]
enum Slot {
    /// Its exchange is going on.
    Going,
    /// There was no response.
    Gone,
    Done(Box<Entry>),
}

impl Tape {
    pub(super) fn new(entries: usize) -> Self {
        Self {
            hits: vec![0; entries],
            recorded: Vec::new(),
            dropped: 0,
            secrets: Vec::new(),
        }
    }

    /// The first of these entries that has not answered yet, or the last one where that may repeat.
    pub(super) fn take(&mut self, matching: &[usize], repeats: bool) -> Option<usize> {
        let fresh = matching.iter().find(|index| self.hits[**index] == 0);
        let index = fresh
            .or_else(|| matching.last().filter(|_| repeats))
            .copied()?;
        self.hits[index] = self.hits[index].saturating_add(1);
        Some(index)
    }

    pub(super) fn hits(&self) -> Vec<u32> {
        self.hits.clone()
    }

    /// A place for what is going to be recorded; `None` when there are as many as there may be.
    pub(super) fn begin(&mut self, limit: usize) -> Option<usize> {
        if self.recorded.len() >= limit {
            self.dropped += 1;
            return None;
        }
        self.recorded.push(Slot::Going);
        Some(self.recorded.len() - 1)
    }

    /// What was recorded there, and the secrets that were found in it.
    pub(super) fn end(&mut self, slot: usize, entry: Option<Box<Entry>>, secrets: Vec<String>) {
        for secret in secrets {
            if self.secrets.len() < SECRETS && !self.secrets.contains(&secret) {
                self.secrets.push(secret);
            }
        }
        if let Some(slot) = self.recorded.get_mut(slot) {
            *slot = entry.map_or(Slot::Gone, Slot::Done);
        }
    }

    /// What was recorded, in order of the requests, and the secrets that were found in any of it.
    pub(super) fn recorded(&self) -> (Vec<Entry>, Vec<String>) {
        let done = self.recorded.iter().filter_map(|slot| match slot {
            Slot::Done(entry) => Some(Entry::clone(entry)),
            Slot::Going | Slot::Gone => None,
        });
        (done.collect(), self.secrets.clone())
    }

    pub(super) fn going_on(&self) -> usize {
        let going = self.recorded.iter().filter(|it| matches!(it, Slot::Going));
        going.count()
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }
}
