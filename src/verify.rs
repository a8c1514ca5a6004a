//! Whether everything went as the test expects, and the text that says why not.

use std::fmt;

use serde::Serialize;

use crate::core::RuleId;
use crate::core::journal::DIAGNOSED;
use crate::core::rules::Candidate;
use crate::diagnosis::{Diagnosis, NearMiss};
use crate::engine::Engine;
use crate::error::Result;
use crate::flow::decide::{diagnose, near_miss};
use crate::matcher::{Matcher, Subject};
use crate::mode::Mode;
use crate::model::captured::{Captured, Outcome};
use crate::model::times::{Answered, Count, Times};

/// What is not as the test expects: as data, and as the text of the failing test.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The rules that have not answered as often as they must.
    pub unmet: Vec<Unmet>,
    /// Why requests matched no rule when they came; the first five of them.
    pub unmatched: Vec<Diagnosis>,
    /// How many requests matched no rule.
    pub unmatched_count: u64,
    /// What scripts of WebSocket connections have expected, and has not come.
    pub unmet_messages: Vec<UnmetMessage>,
    /// Whether the transport is disposed: then nothing is left to verify.
    pub disposed: bool,
}

/// A message that the script of a WebSocket connection has expected, and that has not come.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct UnmetMessage {
    /// Where the rule with the script was registered: `file:line:column`.
    pub site: String,
    /// The connection: the number of the request that opened it.
    pub connection: u64,
    /// What was expected, in words.
    pub expected: String,
    /// What came instead, in words.
    pub actual: String,
}

/// A rule that has not answered as often as it must.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Unmet {
    /// The rule, in words.
    pub rule: String,
    /// Where it was registered: `file:line:column`.
    pub site: String,
    /// How often it must answer, in words.
    pub expected: String,
    /// How often it has answered.
    pub calls: u64,
    /// The captured request that came nearest to it, and why it is not the one.
    pub nearest: Option<(String, NearMiss)>,
}

/// Verifies these rules; when none are named, all rules, and that every request matched.
pub(crate) fn verify<M: Mode>(engine: &Engine<M>, of: Option<&[RuleId]>) -> Result<(), Report> {
    let unmet = unmet(engine, of);
    let allowed = of.is_some() || engine.settings.allow_unmatched;
    let (unmatched_count, unmatched) = if allowed {
        (0, Vec::new())
    } else {
        unmatched(engine)
    };
    Report {
        unmet,
        unmatched,
        unmatched_count,
        unmet_messages: unmet_messages(engine, of),
        // A scope that outlives its transport has nothing to say.
        disposed: of.is_none() && is_disposed(engine),
    }
    .into_result()
}

fn unmet_messages<M: Mode>(engine: &Engine<M>, of: Option<&[RuleId]>) -> Vec<UnmetMessage> {
    let unmet = engine.with(|core| core.unmet_messages()).into_iter();
    let named = unmet.filter(|it| of.is_none_or(|of| of.contains(&it.rule)));
    named
        .map(|it| UnmetMessage {
            site: it.site.to_string(),
            connection: it.connection,
            expected: it.unmet.expected,
            actual: it.unmet.actual,
        })
        .collect()
}

/// Verifies that every request matched a rule.
pub(crate) fn no_unmatched<M: Mode>(engine: &Engine<M>) -> Result<(), Report> {
    let (unmatched_count, unmatched) = unmatched(engine);
    Report {
        unmatched,
        unmatched_count,
        disposed: is_disposed(engine),
        ..Report::default()
    }
    .into_result()
}

fn is_disposed<M: Mode>(engine: &Engine<M>) -> bool {
    engine.with(|core| core.disposed)
}

impl Report {
    fn into_result(self) -> Result<(), Self> {
        let is_well = self.unmet.is_empty()
            && self.unmatched_count == 0
            && self.unmet_messages.is_empty()
            && !self.disposed;
        if is_well { Ok(()) } else { Err(self) }
    }
}

fn unmet<M: Mode>(engine: &Engine<M>, of: Option<&[RuleId]>) -> Vec<Unmet> {
    let short: Vec<(Candidate<M>, u64)> = engine.with(|core| {
        let rules = core.rules.iter();
        let named = rules.filter(|(id, _)| of.is_none_or(|of| of.contains(id)));
        let short = named.filter(|(_, it)| it.hits() < it.rule.times().min);
        let short = short.map(|(id, it)| {
            let rule = it.rule.clone();
            (Candidate { id, rule }, it.hits())
        });
        short.collect()
    });
    if short.is_empty() {
        return Vec::new();
    }
    let captured = engine.captured(0);
    short
        .into_iter()
        .map(|(candidate, calls)| Unmet {
            rule: candidate.rule.matcher.to_string(),
            site: candidate.rule.site.to_string(),
            expected: candidate.rule.times().to_string(),
            calls,
            nearest: nearest(&candidate, &captured),
        })
        .collect()
}

/// The captured request that came nearest to a rule, of those that it did not answer.
fn nearest<M: Mode>(candidate: &Candidate<M>, captured: &[Captured]) -> Option<(String, NearMiss)> {
    let others = captured.iter().filter(|it| it.rule != Some(candidate.id));
    let misses = others.map(|captured| {
        let subject = Subject::new(&captured.request, captured.sequence);
        (captured, near_miss(candidate, &subject, None))
    });
    // Of those equally near, one that nobody answered is the more likely one.
    let (captured, miss) =
        misses.min_by_key(|(captured, miss)| (miss.distance, captured.rule.is_some()))?;
    let request = format!("#{} {}", captured.sequence, captured.request);
    Some((request, miss))
}

fn unmatched<M: Mode>(engine: &Engine<M>) -> (u64, Vec<Diagnosis>) {
    let (count, mut diagnosed) = engine.with(|core| {
        let journal = &core.journal;
        (journal.unmatched(), journal.diagnosed().to_vec())
    });
    // JavaScript says of some requests afterwards that they matched nothing.
    if (diagnosed.len() as u64) < count.min(DIAGNOSED as u64) {
        let is_told = |it: &Captured| diagnosed.iter().any(|told| told.sequence == it.sequence);
        let untold = engine.captured(0).into_iter();
        let untold = untold.filter(|it| it.outcome == Outcome::Unmatched && !is_told(it));
        let untold: Vec<_> = untold.take(DIAGNOSED - diagnosed.len()).collect();
        let subjects = untold
            .iter()
            .map(|it| Subject::new(&it.request, it.sequence));
        diagnosed.extend(subjects.map(|subject| diagnose(engine, &subject)));
    }
    (count, diagnosed)
}

/// Whether requests that match have arrived as often as expected; the text of the failure if not.
pub(crate) fn called<M: Mode>(
    engine: &Engine<M>,
    matcher: &Matcher<M>,
    times: Times,
) -> Result<(), String> {
    well_formed(matcher)?;
    let captured = engine.captured(0);
    let (matching, others) = split(matcher, &captured)?;
    let count = matching.len() as u64;
    if count >= times.min && times.max.is_none_or(|max| count <= max) {
        return Ok(());
    }
    let mut text = match count {
        0 => format!("{matcher} should have been called {times}, but never was"),
        _ => format!(
            "{matcher} should have been called {times}, but was called {}",
            Count(count)
        ),
    };
    for captured in &matching {
        text.push_str(&format!("\n  called by {captured}"));
    }
    if captured.is_empty() {
        text.push_str(&what_came(&captured));
    }
    let explained = others.into_iter().map(|captured| {
        let subject = Subject::new(&captured.request, captured.sequence);
        let checks = matcher.explain(&subject);
        (
            captured,
            NearMiss::new(captured.to_string(), String::new(), checks, None),
        )
    });
    if count < times.min {
        let nearest = explained.min_by_key(|(_, miss)| miss.distance);
        if let Some((captured, miss)) = nearest {
            text.push_str(&format!("\nthe nearest request: {captured}"));
            for check in miss.checks.iter().filter(|check| !check.passed) {
                let (expected, actual) = (&check.expected, &check.actual);
                text.push_str(&format!(
                    "\n  ✗ {}: expected {expected}, actual {actual}",
                    check.matcher
                ));
            }
        }
    }
    Err(text)
}

/// Whether requests matching these have arrived in this order; the text of the failure if not.
pub(crate) fn in_order<M: Mode>(engine: &Engine<M>, matchers: &[Matcher<M>]) -> Result<(), String> {
    matchers.iter().try_for_each(well_formed)?;
    let captured = engine.captured(0);
    let mut rest = captured.as_slice();
    let mut text = "the requests did not come in this order:".to_owned();
    let mut last = None;
    for (index, matcher) in matchers.iter().enumerate() {
        let mut found = None;
        for (at, captured) in rest.iter().enumerate() {
            if matches(matcher, captured)? {
                found = Some(at);
                break;
            }
        }
        let Some(at) = found else {
            text.push_str(&match last {
                None => format!("\n  ✗ {matcher}: there was none"),
                Some(last) => format!("\n  ✗ {matcher}: there was none after #{last}"),
            });
            let others = matchers[index + 1..].iter();
            text.extend(others.map(|matcher| format!("\n    {matcher}")));
            text.push_str(&what_came(&captured));
            return Err(text);
        };
        last = Some(rest[at].sequence);
        text.push_str(&format!("\n  ✓ {matcher}: #{}", rest[at].sequence));
        rest = &rest[at + 1..];
    }
    Ok(())
}

fn what_came(captured: &[Captured]) -> String {
    if captured.is_empty() {
        return "\nno request came at all".to_owned();
    }
    let lines: String = captured.iter().map(|it| format!("\n  {it}")).collect();
    format!("\nwhat came:{lines}")
}

fn well_formed<M: Mode>(matcher: &Matcher<M>) -> Result<(), String> {
    matcher
        .mistake()
        .map_or(Ok(()), |error| Err(error.to_string()))
}

type Split<'a> = (Vec<&'a Captured>, Vec<&'a Captured>);

fn split<'a, M: Mode>(matcher: &Matcher<M>, captured: &'a [Captured]) -> Result<Split<'a>, String> {
    let (mut matching, mut others) = (Vec::new(), Vec::new());
    for captured in captured {
        if matches(matcher, captured)? {
            matching.push(captured);
        } else {
            others.push(captured);
        }
    }
    Ok((matching, others))
}

fn matches<M: Mode>(matcher: &Matcher<M>, captured: &Captured) -> Result<bool, String> {
    let mut subject = Subject::new(&captured.request, captured.sequence);
    matcher
        .test(&mut subject)
        .map_err(|error| error.to_string())
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.disposed {
            return f.write_str(
                "the transport is disposed, and has forgotten what to verify: call `verify` before `dispose`",
            );
        }
        f.write_str("the mock transport was not used as expected")?;
        for unmet in &self.unmet {
            write!(f, "\n\n{unmet}")?;
        }
        for unmet in &self.unmet_messages {
            write!(f, "\n\n{unmet}")?;
        }
        match self.unmatched_count {
            0 => return Ok(()),
            1 => f.write_str("\n\n1 request matched no rule")?,
            n => write!(f, "\n\n{n} requests matched no rule")?,
        }
        if self.unmatched_count > self.unmatched.len() as u64 {
            write!(f, "; the first {}", self.unmatched.len())?;
        }
        f.write_str(":")?;
        for diagnosis in &self.unmatched {
            write!(f, "\n\n{diagnosis}")?;
        }
        Ok(())
    }
}

impl fmt::Display for UnmetMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the script of the WebSocket connection #{}\n     at {}\n     ✗ expected {}\n       actual   {}",
            self.connection, self.site, self.expected, self.actual
        )
    }
}

impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            rule,
            site,
            expected,
            calls,
            ..
        } = self;
        write!(
            f,
            "{rule}\n     at {site}\n     should have answered {expected}, but {}",
            Answered(*calls)
        )?;
        let Some((request, miss)) = &self.nearest else {
            return f.write_str("\n     no other request was made");
        };
        write!(f, "\n     the nearest request: {request}")?;
        for check in miss.checks.iter().filter(|check| !check.passed) {
            let (expected, actual) = (&check.expected, &check.actual);
            write!(
                f,
                "\n     ✗ {}: expected {expected}, actual {actual}",
                check.matcher
            )?;
        }
        Ok(())
    }
}

impl std::error::Error for Report {}
