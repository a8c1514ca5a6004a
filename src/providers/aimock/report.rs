//! What is not understood, gathered while a file is read.

use std::time::Duration;

use serde_json::Value;

use super::Unsupported;
use crate::model::millis;

/// Why what concerns embeddings is not understood.
pub(super) const NO_EMBEDDINGS: &str = "there are no embeddings here";

/// What is not understood so far.
#[derive(Default)]
pub(super) struct Report {
    /// The one that is being read.
    pub(super) fixture: usize,
    pub(super) unsupported: Vec<Unsupported>,
}

impl Report {
    pub(super) fn note(&mut self, member: &str, reason: &str) {
        self.unsupported.push(Unsupported {
            fixture: self.fixture,
            member: member.to_owned(),
            reason: reason.to_owned(),
        });
    }

    /// What a value is; it is noted when it is not that.
    pub(super) fn expect<T>(&mut self, member: &str, what: &str, value: Option<T>) -> Option<T> {
        if value.is_none() {
            self.note(member, &format!("it is to be {what}"));
        }
        value
    }

    pub(super) fn text(&mut self, member: &str, value: &Value) -> String {
        let text = self.expect(member, "a text", value.as_str());
        text.unwrap_or_default().to_owned()
    }

    pub(super) fn count(&mut self, member: &str, value: &Value) -> u64 {
        let number = self.expect(member, "a whole number from 0", value.as_u64());
        number.unwrap_or_default()
    }

    pub(super) fn number(&mut self, member: &str, value: &Value) -> f64 {
        let number = value.as_f64().filter(|it| *it >= 0.0);
        self.expect(member, "a number from 0", number)
            .unwrap_or_default()
    }

    pub(super) fn millis(&mut self, member: &str, value: &Value) -> Duration {
        let duration = value.as_f64().and_then(millis::of);
        self.expect(member, "a number of milliseconds", duration)
            .unwrap_or_default()
    }

    pub(super) fn unknown(&mut self, member: &str) {
        self.note(member, "mockwire does not know it");
    }
}
