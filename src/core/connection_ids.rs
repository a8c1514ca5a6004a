//! What open connections are called: those that are given no id are counted.

use std::collections::HashMap;
use std::sync::Arc;

use crate::error::{Error, Part, Result};

/// The ids of open connections, and whose each is.
#[derive(Clone, Debug)]
pub(super) struct ConnectionIds<K> {
    taken: HashMap<Arc<str>, K>,
    /// How many ids were given by number.
    numbered: u64,
}

impl<K> Default for ConnectionIds<K> {
    fn default() -> Self {
        Self {
            taken: HashMap::new(),
            numbered: 0,
        }
    }
}

impl<K: Copy + PartialEq> ConnectionIds<K> {
    pub(super) fn numbered(&self) -> u64 {
        self.numbered
    }

    /// The next id after a number that nobody has.
    pub(super) fn next(&self, number: &mut u64) -> String {
        loop {
            *number += 1;
            let id = format!("conn_{number}");
            if !self.taken.contains_key(&*id) {
                return id;
            }
        }
    }

    pub(super) fn ensure_free(&self, id: &str) -> Result<()> {
        if self.taken.contains_key(id) {
            let reason = "another open connection has this id";
            return Err(Error::invalid(Part::Connection, id, reason));
        }
        Ok(())
    }

    /// Gives an id to a connection; so many are numbered now.
    pub(super) fn take(&mut self, id: Arc<str>, key: K, numbered: u64) {
        self.taken.insert(id, key);
        self.numbered = numbered;
    }

    /// The id of a connection is free again, unless another one has it by now.
    pub(super) fn release(&mut self, id: &str, key: K) {
        if self.find(id) == Some(key) {
            self.taken.remove(id);
        }
    }

    pub(super) fn find(&self, id: &str) -> Option<K> {
        self.taken.get(id).copied()
    }
}
