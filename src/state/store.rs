//! What a conversation remembers.

use std::any::TypeId;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::Value;

use crate::mode::Mode;

/// The values of a conversation. What is replaced or removed is returned: it is dropped outside.
pub(crate) struct Store<M: Mode> {
    json: BTreeMap<String, Arc<Value>>,
    typed: HashMap<TypeId, M::Value>,
    pub(crate) requests: u64,
}

impl<M: Mode> Store<M> {
    pub(crate) fn new() -> Self {
        Self {
            json: BTreeMap::new(),
            typed: HashMap::new(),
            requests: 0,
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<Arc<Value>> {
        self.json.get(key).cloned()
    }

    pub(crate) fn set(&mut self, key: &str, value: Arc<Value>) -> Option<Arc<Value>> {
        self.json.insert(key.to_owned(), value)
    }

    /// Replaces a value unless it is another by now; gives back what is not kept.
    pub(crate) fn swap(
        &mut self,
        key: &str,
        known: Option<&Arc<Value>>,
        value: Arc<Value>,
    ) -> Result<Option<Arc<Value>>, Arc<Value>> {
        let is_known = match (self.json.get(key), known) {
            (Some(actual), Some(known)) => Arc::ptr_eq(actual, known),
            (actual, known) => actual.is_none() && known.is_none(),
        };
        if is_known {
            Ok(self.set(key, value))
        } else {
            Err(value)
        }
    }

    pub(crate) fn remove(&mut self, key: &str) -> Option<Arc<Value>> {
        self.json.remove(key)
    }

    /// All values that have a key, in the order of the keys.
    pub(crate) fn entries(&self) -> Vec<(String, Arc<Value>)> {
        let entries = self.json.iter();
        entries.map(|(k, v)| (k.clone(), v.clone())).collect()
    }

    pub(crate) fn typed(&self, key: TypeId) -> Option<M::Value> {
        self.typed.get(&key).cloned()
    }

    pub(crate) fn put(&mut self, key: TypeId, value: M::Value) -> Option<M::Value> {
        self.typed.insert(key, value)
    }

    /// Like [`swap`](Self::swap), of a value that has a type for its key.
    pub(crate) fn swap_typed(
        &mut self,
        key: TypeId,
        known: Option<&M::Value>,
        value: M::Value,
    ) -> Result<Option<M::Value>, M::Value> {
        let is_known = match (self.typed.get(&key), known) {
            (Some(actual), Some(known)) => {
                std::ptr::addr_eq(&raw const **actual, &raw const **known)
            }
            (actual, known) => actual.is_none() && known.is_none(),
        };
        if is_known {
            Ok(self.put(key, value))
        } else {
            Err(value)
        }
    }
}
