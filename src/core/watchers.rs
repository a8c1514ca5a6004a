//! Who watches what happens to permits. Each has events of its own, and reads them when it likes.

use std::collections::VecDeque;
use std::task::{Poll, Waker};

use slotmap::{SlotMap, new_key_type};

use super::timeline::Tick;
use crate::model::concurrency::{PermitEvent, PermitEventKind};

new_key_type! {
    pub(crate) struct WatcherId;
}

/// How many events are kept for one who does not read them; the oldest are forgotten, and counted.
pub(crate) const EVENTS: usize = 16_384;

#[derive(Default)]
pub(crate) struct Watchers {
    watchers: SlotMap<WatcherId, Watcher>,
}

#[derive(Default)]
struct Watcher {
    events: VecDeque<PermitEvent>,
    missed: u64,
    waker: Option<Waker>,
}

impl Watchers {
    /// Somebody watches from now on.
    pub(crate) fn add(&mut self) -> WatcherId {
        self.watchers.insert(Watcher::default())
    }

    /// Nobody watches there any more. What is left is dropped outside the borrow.
    pub(crate) fn remove(&mut self, id: WatcherId) -> impl Sized + use<> {
        self.watchers.remove(id)
    }

    pub(super) fn note(&mut self, kind: PermitEventKind, sequence: u64, key: &str, at: Tick) {
        for watcher in self.watchers.values_mut() {
            if watcher.events.len() == EVENTS {
                watcher.events.pop_front();
                watcher.missed += 1;
            }
            watcher.events.push_back(PermitEvent {
                kind,
                sequence,
                key: key.to_owned(),
                at,
            });
        }
    }

    /// Who waits for an event and has one now; to be woken outside the borrow.
    pub(super) fn take_wakers(&mut self) -> impl Iterator<Item = Waker> {
        let watchers = self.watchers.values_mut();
        watchers.filter_map(|watcher| match watcher.events.is_empty() {
            true => None,
            false => watcher.waker.take(),
        })
    }

    /// Everybody who waits: the transport was reset, or disposed.
    pub(super) fn take_all_wakers(&mut self) -> impl Iterator<Item = Waker> {
        let watchers = self.watchers.values_mut();
        watchers.filter_map(|watcher| watcher.waker.take())
    }

    /// The next event, or a waker is left, in exchange for the one before.
    pub(crate) fn next(&mut self, id: WatcherId, waker: &mut Option<Waker>) -> Poll<PermitEvent> {
        let Some(watcher) = self.watchers.get_mut(id) else {
            return Poll::Pending;
        };
        match watcher.events.pop_front() {
            Some(event) => Poll::Ready(event),
            None => {
                std::mem::swap(&mut watcher.waker, waker);
                Poll::Pending
            }
        }
    }

    /// All events that have not been read.
    pub(crate) fn take(&mut self, id: WatcherId) -> VecDeque<PermitEvent> {
        let watcher = self.watchers.get_mut(id);
        watcher.map_or_else(VecDeque::new, |it| std::mem::take(&mut it.events))
    }

    /// How many events were forgotten.
    pub(crate) fn missed(&self, id: WatcherId) -> u64 {
        self.watchers.get(id).map_or(0, |watcher| watcher.missed)
    }
}
