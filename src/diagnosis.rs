//! Why a request matched no rule: as data, and as the text that a failing test prints.

use std::fmt;

use serde::Serialize;

use crate::matcher::explain::cut;
use crate::model::times::{Answered, Times};

/// How many characters of a header field are told.
const LONGEST: usize = 200;

/// Why a request matched no rule: the request, and the rules that came nearest.
///
/// `Display` is the text of the failing test. Secrets are redacted.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Diagnosis {
    /// Method and URL.
    pub request: String,
    /// The number of the request on its transport, from 1.
    pub sequence: u64,
    /// The header fields, secrets redacted.
    pub headers: Vec<(String, String)>,
    /// The beginning of the body.
    pub body: String,
    /// At most three rules, the nearest first.
    pub nearest: Vec<NearMiss>,
    /// How many rules there were.
    pub rules: usize,
    /// Whether it is about the entries of a cassette: `nearest` and `rules` are of them, not of rules.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub recorded: bool,
    /// What to do, where that is plain: a WebSocket was opened where a plain request is expected,
    /// or the other way round.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<&'static str>,
}

/// A rule, and why it did not answer a request.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct NearMiss {
    /// The rule, in words.
    pub rule: String,
    /// Where it was registered: `file:line:column`.
    pub site: String,
    /// How far the request is from the rule; 0 when everything it asks for is there.
    pub distance: u32,
    /// Each thing that the rule asks for.
    pub checks: Vec<Check>,
    /// Why the rule was out of play although it may fit.
    pub excluded: Option<Exclusion>,
}

/// One thing that a rule asks for, and what was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Check {
    /// What it looks at: `header x-plan`, `JSON /model`, `query page`.
    pub matcher: String,
    /// What it asks for.
    pub expected: String,
    /// What was found; empty when it passed.
    pub actual: String,
    /// Whether it passed.
    pub passed: bool,
    /// How much it adds to the distance when it did not.
    #[serde(skip)]
    pub(crate) weight: u32,
}

/// Why a rule that may fit the request is out of play.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Exclusion {
    /// It has answered as often as it may.
    UsedUp {
        /// How often it may, in words.
        times: String,
        /// How often it has.
        hits: u64,
    },
    /// Its scenario is in another state.
    WrongState {
        /// The scenario.
        scenario: String,
        /// The state that the rule waits for.
        expected: String,
        /// The state that the scenario is in.
        actual: String,
    },
}

impl NearMiss {
    pub(crate) fn new(
        rule: String,
        site: String,
        checks: Vec<Check>,
        excluded: Option<Exclusion>,
    ) -> Self {
        let failed = checks.iter().filter(|check| !check.passed);
        Self {
            rule,
            site,
            distance: failed.map(|check| check.weight).sum(),
            checks,
            excluded,
        }
    }
}

impl Exclusion {
    pub(crate) fn used_up(times: Times, hits: u64) -> Self {
        Self::UsedUp {
            times: times.to_string(),
            hits,
        }
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (of, ofs, matched) = if self.recorded {
            (
                "recorded request",
                "recorded requests",
                "recorded request is",
            )
        } else {
            ("rule", "rules", "rule matched")
        };
        write!(f, "no {matched} {}", self.request)?;
        match self.sequence {
            0 => writeln!(f)?,
            sequence => writeln!(f, " (request #{sequence})")?,
        }
        if !self.headers.is_empty() || !self.body.is_empty() {
            writeln!(f)?;
        }
        for (name, value) in &self.headers {
            writeln!(f, "    {name}: {}", cut(value, LONGEST))?;
        }
        for line in self.body.lines() {
            writeln!(f, "    {line}")?;
        }
        writeln!(f)?;
        match (self.rules, self.nearest.len()) {
            (0, _) if self.recorded => {
                return f.write_str("the cassette is empty: record it first");
            }
            (0, _) => {
                return f
                    .write_str("the transport has no rules: add one, with its reply, before the request is made");
            }
            (1, _) => write!(f, "the only {of}:")?,
            (all, shown) if all == shown => write!(f, "its {all} {ofs}, the nearest first:")?,
            (all, shown) => write!(f, "the nearest {shown} of {all} {ofs}:")?,
        }
        for (index, miss) in self.nearest.iter().enumerate() {
            write!(f, "\n\n{:>3}. {miss}", index + 1)?;
        }
        self.hint.map_or(Ok(()), |hint| write!(f, "\n\n{hint}"))
    }
}

impl fmt::Display for NearMiss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The target: the checks below say what else the rule asks for.
        let target = self.rule.split(", ").next().unwrap_or_default();
        write!(f, "{target}\n     at {}", self.site)?;
        let width = self
            .checks
            .iter()
            .map(|check| check.matcher.chars().count());
        let width = width.max().unwrap_or_default();
        for check in &self.checks {
            let Check {
                matcher,
                expected,
                actual,
                ..
            } = check;
            if check.passed {
                write!(f, "\n     ✓ {matcher:width$}  {expected}")?;
            } else {
                write!(f, "\n     ✗ {matcher:width$}  expected {expected}")?;
                write!(f, "\n       {:width$}  actual   {actual}", "")?;
            }
        }
        match &self.excluded {
            Some(exclusion) => write!(f, "\n     ✗ {exclusion}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Exclusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UsedUp { hits: 0, .. } => f.write_str("it is never to answer"),
            Self::UsedUp { times, hits } => {
                write!(f, "used up: answers {times}, {}", Answered(*hits))
            }
            Self::WrongState {
                scenario,
                expected,
                actual,
            } => write!(
                f,
                "wrong state: scenario {scenario:?} is in {actual:?}, the rule waits for {expected:?}"
            ),
        }
    }
}
