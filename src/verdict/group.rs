//! Which requests are attempts of one call.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::time::Duration;

use http::{Method, Uri};

use super::answer::Answer;
use super::fact::{Content, Fact};

/// The calls, in the order of their first requests: each as the places of its attempts, in order.
/// Every request is in exactly one.
pub(super) fn group(facts: &[Fact<'_>]) -> Vec<Vec<usize>> {
    let mut grouping = Grouping::new(facts);
    (0..facts.len()).for_each(|place| grouping.add(place));
    grouping.calls.into_iter().map(|call| call.places).collect()
}

/// The number of a call.
type Number = usize;

/// A call, as far as its attempts have come.
#[derive(Default)]
struct Call {
    places: Vec<usize>,
    /// When the client knew of a success.
    succeeded: Option<Duration>,
}

struct Grouping<'a> {
    facts: &'a [Fact<'a>],
    calls: Vec<Call>,
    by_key: HashMap<&'a str, Number>,
    by_idempotency_key: HashMap<(&'a [u8], Content<'a>), Number>,
    by_request_id: HashMap<(&'a [u8], &'a Method, &'a Uri), Number>,
    /// The calls that may have another attempt.
    by_content: HashMap<Content<'a>, Vec<Number>>,
}

impl<'a> Grouping<'a> {
    fn new(facts: &'a [Fact<'a>]) -> Self {
        Self {
            facts,
            calls: Vec::new(),
            by_key: HashMap::new(),
            by_idempotency_key: HashMap::new(),
            by_request_id: HashMap::new(),
            by_content: HashMap::new(),
        }
    }

    fn add(&mut self, place: usize) {
        let fact = &self.facts[place];
        let call = match &fact.key {
            Some(key) => self.by_key.get(key.as_str()).copied(),
            None => self.find(fact),
        };
        let call = call.unwrap_or_else(|| {
            self.calls.push(Call::default());
            self.calls.len() - 1
        });
        self.calls[call].add(place, fact);
        self.remember(fact, call);
    }

    /// The call that a request is another attempt of, by what is in it.
    fn find(&mut self, fact: &Fact<'a>) -> Option<Number> {
        let by_idempotency_key = || {
            let value = fact.idempotency_key?.value;
            let key = (value, fact.content());
            self.by_idempotency_key.get(&key).copied()
        };
        let by_request_id = || {
            let (method, url, ..) = fact.content();
            let call = *self.by_request_id.get(&(fact.request_id?, method, url))?;
            (!self.calls[call].has_succeeded(fact.at())).then_some(call)
        };
        let found = by_idempotency_key().or_else(by_request_id);
        found.or_else(|| self.find_by_content(fact))
    }

    fn find_by_content(&mut self, fact: &Fact<'a>) -> Option<Number> {
        let content = fact.content();
        let calls = self.by_content.remove(&content)?;
        let calls: Vec<_> = calls
            .into_iter()
            .filter(|call| !self.calls[*call].has_succeeded(fact.at()))
            .collect();
        let open = calls
            .iter()
            .copied()
            .filter(|call| self.goes_on(*call, fact));
        // Who has waited longest comes first.
        let found = open.min_by_key(|call| {
            let last = self.last(*call);
            let is_counted = fact.retry_count == Some(self.calls[*call].places.len() as u64);
            (!is_counted, last.is_open_at(fact.at()), last.known())
        });
        self.by_content.insert(content, calls);
        found
    }

    /// Whether a request with the same content may be the next attempt of a call.
    fn goes_on(&self, call: Number, fact: &Fact<'_>) -> bool {
        let last = self.last(call);
        if fact.retry_count == Some(0) {
            return false;
        }
        let differ = fact.idempotency_key.is_some()
            && last.idempotency_key.is_some()
            && fact.idempotency_key != last.idempotency_key;
        // Who counts, and who marks requests as different, does not make two at once by mistake.
        !last.is_open_at(fact.at()) || !(differ || fact.retry_count.is_some())
    }

    fn last(&self, call: Number) -> &'a Fact<'a> {
        let places = &self.calls[call].places;
        &self.facts[places[places.len() - 1]]
    }

    fn remember(&mut self, fact: &'a Fact<'a>, call: Number) {
        if let Some(key) = &fact.key {
            self.by_key.insert(key, call);
            return;
        }
        let content = fact.content();
        if let Some(key) = fact.idempotency_key {
            self.by_idempotency_key.insert((key.value, content), call);
        }
        if let Some(id) = fact.request_id {
            self.by_request_id.insert((id, content.0, content.1), call);
        }
        match self.by_content.entry(content) {
            Entry::Occupied(mut entry) if !entry.get().contains(&call) => {
                entry.get_mut().push(call);
            }
            Entry::Occupied(_) => {}
            Entry::Vacant(entry) => drop(entry.insert(vec![call])),
        }
    }
}

impl Call {
    fn add(&mut self, place: usize, fact: &Fact<'_>) {
        self.places.push(place);
        if fact.answer == Answer::Success {
            let succeeded = self.succeeded.into_iter().chain(fact.known());
            self.succeeded = succeeded.min();
        }
    }

    /// Whether the client knew of a success at this time.
    fn has_succeeded(&self, at: Duration) -> bool {
        self.succeeded.is_some_and(|succeeded| succeeded <= at)
    }
}
