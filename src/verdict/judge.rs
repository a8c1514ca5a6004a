//! What there is to say about each call.

use std::collections::HashMap;
use std::time::Duration;

use super::answer::{Answer, Effect};
use super::back_off;
use super::fact::{Content, Fact};
use super::{Call, Criteria, Finding};
use crate::model::captured::Outcome;

/// Longer than this nobody needs to wait for another attempt.
const PATIENCE: Duration = Duration::from_secs(60);

/// What there is to say about calls, which name their attempts by place.
pub(super) fn judge(facts: &[Fact<'_>], calls: &[Vec<usize>], criteria: &Criteria) -> Vec<Call> {
    let mut reused = reused_keys(facts);
    let judged = calls.iter().map(|places| {
        let attempts = Attempts(places.iter().map(|place| &facts[*place]).collect());
        let mut findings = attempts.findings(criteria);
        findings.extend(places.iter().filter_map(|place| reused.remove(place)));
        Call {
            request: attempts.0[0].request(),
            attempts: attempts.told(),
            findings,
        }
    });
    judged.collect()
}

/// The requests whose idempotency key an earlier one had that is different.
fn reused_keys(facts: &[Fact<'_>]) -> HashMap<usize, Finding> {
    let mut first_with: HashMap<(&str, &[u8]), (u64, Content<'_>)> = HashMap::new();
    let mut reused = HashMap::new();
    for (place, fact) in facts.iter().enumerate() {
        let Some(key) = fact.idempotency_key else {
            continue;
        };
        let (sequence, content) = (fact.sequence(), fact.content());
        let first = first_with.entry((fact.authority(), key.value));
        let (first, of_first) = *first.or_insert((sequence, content));
        if of_first != content {
            let header = key.header.to_owned();
            let finding = Finding::IdempotencyKeyReused {
                header,
                first,
                sequence,
            };
            reused.insert(place, finding);
        }
    }
    reused
}

/// The attempts of one call, in order. There is at least one.
struct Attempts<'a>(Vec<&'a Fact<'a>>);

/// An attempt that has waited for the one before.
struct Retry<'a> {
    before: &'a Fact<'a>,
    fact: &'a Fact<'a>,
    waited: Duration,
}

impl<'a> Attempts<'a> {
    fn findings(&self, criteria: &Criteria) -> Vec<Finding> {
        let mut findings = Vec::new();
        self.judge_number(criteria.max_attempts, &mut findings);
        for retry in self.retries() {
            findings.extend(retry.too_early());
            findings.extend(retry.futile());
        }
        self.judge_waits(criteria.jitter, &mut findings);
        self.judge_hedges(&mut findings);
        self.judge_keys(&mut findings);
        self.judge_bodies(&mut findings);
        self.judge_end(&mut findings);
        findings
    }

    fn told(&self) -> Vec<super::Attempt> {
        let told = self.0.iter().enumerate().map(|(index, fact)| {
            let before = index.checked_sub(1).map(|before| self.0[before]);
            fact.attempt(before.and_then(|before| waited(before, fact)))
        });
        told.collect()
    }

    fn judge_number(&self, limit: usize, findings: &mut Vec<Finding>) {
        if self.0.len() > limit {
            let sequences = self.sequences();
            findings.push(Finding::TooManyAttempts { sequences, limit });
        }
    }

    /// Whether the client backs off where it is left to it.
    fn judge_waits(&self, jitter: f64, findings: &mut Vec<Finding>) {
        let own: Vec<_> = self
            .retries()
            .filter(Retry::is_left_to_the_client)
            .collect();
        let is_at_once = |retry: &&Retry<'_>| retry.waited.is_zero();
        let at_once: Vec<u64> = own
            .iter()
            .filter(is_at_once)
            // The first one after a connection that failed: that may have been an idle one.
            .skip(usize::from(
                own.first().is_some_and(Retry::is_of_idle_connection),
            ))
            .map(|retry| retry.fact.sequence())
            .collect();
        let waits: Vec<_> = own.iter().map(|retry| retry.waited).collect();
        let has_waited = waits.iter().any(|wait| !wait.is_zero());
        if !at_once.is_empty() {
            findings.push(Finding::RetriedAtOnce { sequences: at_once });
        }
        if has_waited && !back_off::grows(&waits, jitter) {
            let sequences = own.iter().map(|retry| retry.fact.sequence()).collect();
            findings.push(Finding::DidNotBackOff { sequences, waits });
        }
    }

    fn judge_hedges(&self, findings: &mut Vec<Finding>) {
        let hedges = self
            .0
            .windows(2)
            .filter(|pair| pair[0].is_open_at(pair[1].at()));
        let sequences: Vec<_> = hedges.map(|pair| pair[1].sequence()).collect();
        if !sequences.is_empty() {
            let safe = self.0[0].is_idempotent() || self.share_a_key();
            findings.push(Finding::Hedged { sequences, safe });
        }
    }

    fn judge_keys(&self, findings: &mut Vec<Finding>) {
        if self.0.len() < 2 || self.share_a_key() {
            return;
        }
        if let Some((first, key)) = self.0.iter().find_map(|it| Some((it, it.idempotency_key?))) {
            let others = self.0.iter().filter(|it| it.idempotency_key != Some(key));
            findings.push(Finding::IdempotencyKeyChanged {
                header: key.header.to_owned(),
                first: first.sequence(),
                sequences: others.map(|it| it.sequence()).collect(),
            });
        } else if !self.0[0].is_idempotent() {
            let (_, before) = self.0.split_last().unwrap_or((&self.0[0], &[]));
            let unknown = before.iter().filter(|it| it.effect_is_unknown());
            findings.push(Finding::IdempotencyKeyMissing {
                method: self.0[0].method().to_string(),
                sequences: self.sequences(),
                unknown: unknown.map(|it| it.sequence()).collect(),
            });
        }
    }

    fn judge_bodies(&self, findings: &mut Vec<Finding>) {
        let with = |outcome: &Outcome| -> Vec<u64> {
            let bodies = self.0.iter().filter(|it| it.body() == Some(outcome));
            bodies.map(|it| it.sequence()).collect()
        };
        let open = Some(with(&Outcome::Pending)).filter(|them| !them.is_empty());
        let cancelled = Some(with(&Outcome::Cancelled)).filter(|them| !them.is_empty());
        findings.extend(open.map(|sequences| Finding::BodyLeftOpen { sequences }));
        findings.extend(cancelled.map(|sequences| Finding::BodyCancelled { sequences }));
    }

    /// Whether the client gave up where it should not have.
    fn judge_end(&self, findings: &mut Vec<Finding>) {
        let has = |answer| self.0.iter().any(|it| it.answer == answer);
        let Some(last) = self.0.last() else { return };
        let Answer::Transient(effect) = last.answer else {
            return;
        };
        if has(Answer::Success) || self.0.iter().any(|it| it.known().is_none()) {
            return;
        }
        let (sequences, status) = (self.sequences(), last.status());
        let asks_for_much = last.asked.is_some_and(|asked| asked.wait > PATIENCE);
        if sequences.len() > 1 || asks_for_much {
            findings.push(Finding::GaveUp { sequences, status });
        } else if last.is_idempotent() || last.idempotency_key.is_some() || effect == Effect::None {
            let sequence = last.sequence();
            findings.push(Finding::NeverRetried { sequence, status });
        }
    }

    fn retries(&self) -> impl Iterator<Item = Retry<'a>> {
        let pairs = self.0.windows(2).map(|pair| (pair[0], pair[1]));
        pairs.filter_map(|(before, fact)| {
            let waited = waited(before, fact)?;
            Some(Retry {
                before,
                fact,
                waited,
            })
        })
    }

    /// Whether all have the same idempotency key.
    fn share_a_key(&self) -> bool {
        let key = self.0[0].idempotency_key;
        key.is_some() && self.0.iter().all(|it| it.idempotency_key == key)
    }

    fn sequences(&self) -> Vec<u64> {
        self.0.iter().map(|it| it.sequence()).collect()
    }
}

impl Retry<'_> {
    fn too_early(&self) -> Option<Finding> {
        let asked = self.before.asked?;
        let is_early = self.waited + back_off::GRAIN <= asked.wait;
        is_early.then(|| Finding::RetriedTooEarly {
            sequence: self.fact.sequence(),
            after: self.before.sequence(),
            asked,
            waited: self.waited,
        })
    }

    fn futile(&self) -> Option<Finding> {
        let status = self.before.status()?;
        let is_signed_anew =
            matches!(status, 401 | 403 | 407) && self.fact.has_other_credentials(self.before);
        let is_futile = self.before.answer == Answer::Final && !is_signed_anew;
        is_futile.then(|| Finding::FutileRetry {
            sequence: self.fact.sequence(),
            after: self.before.sequence(),
            status,
        })
    }

    /// Whether nobody but the client says how long to wait.
    fn is_left_to_the_client(&self) -> bool {
        matches!(self.before.answer, Answer::Transient(_)) && self.before.asked.is_none()
    }

    fn is_of_idle_connection(&self) -> bool {
        self.before.status().is_none() && self.waited.is_zero()
    }
}

/// How long an attempt has waited since the client knew of the one before, if it has waited for that.
fn waited(before: &Fact<'_>, fact: &Fact<'_>) -> Option<Duration> {
    fact.at().checked_sub(before.known()?)
}
