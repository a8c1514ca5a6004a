//! Names that streams wait for until the test releases them.

use std::collections::HashMap;

use super::ExchangeId;
use super::timeline::Tick;

/// Closed until released; then open for good.
#[derive(Default)]
pub(crate) struct Gates {
    opened: HashMap<String, Tick>,
    waiting: HashMap<String, Vec<ExchangeId>>,
}

impl Gates {
    /// Whether nobody has named one.
    pub(crate) fn is_empty(&self) -> bool {
        self.opened.is_empty() && self.waiting.is_empty()
    }

    /// When this name was released; if it was not, who waits for that.
    pub(crate) fn pass(&mut self, name: &str, exchange: ExchangeId) -> Option<Tick> {
        let opened = self.opened.get(name).copied();
        if opened.is_none() {
            let waiting = self.waiting.entry(name.to_owned()).or_default();
            if !waiting.contains(&exchange) {
                waiting.push(exchange);
            }
        }
        opened
    }

    /// Opens a name; returns who waits for it.
    pub(crate) fn open(&mut self, name: &str, now: Tick) -> Vec<ExchangeId> {
        self.opened.entry(name.to_owned()).or_insert(now);
        self.waiting.remove(name).unwrap_or_default()
    }
}
