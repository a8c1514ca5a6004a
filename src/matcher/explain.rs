//! Why a matcher does or does not match: one [`Check`] for each thing that it asks.

use serde_json::Value;

use super::pattern::{JsonTest, Pattern, actual_port, header_values, values};
use super::{Matcher, Node, Predicate, StateTest, Subject};
use crate::diagnosis::Check;
use crate::mode::Mode;
use crate::model::json;
use crate::model::redact::REDACTED;
use crate::model::request::Request;

/// How many characters of a value are told.
pub(super) const LONGEST: usize = 120;

impl<M: Mode> Matcher<M> {
    /// What the matcher asks, each with what was found. Runs no predicate that has not run yet.
    pub(crate) fn explain(&self, subject: &Subject<'_>) -> Vec<Check> {
        let mut checks = Vec::new();
        self.0.explain(subject, &mut checks);
        checks
    }
}

impl<M: Mode> Node<M> {
    fn explain(&self, subject: &Subject<'_>, checks: &mut Vec<Check>) {
        match self {
            Self::All(all) => all.iter().for_each(|node| node.explain(subject, checks)),
            Self::Pattern(pattern) => checks.push(pattern.explain(subject)),
            Self::Reading(reading) => checks.push(reading.explain(subject.request)),
            Self::State(state) => checks.push(state.explain()),
            Self::Target(target) => {
                let patterns = target.patterns();
                checks.extend(patterns.iter().map(|pattern| pattern.explain(subject)));
            }
            Self::Predicate { test, .. } => match test.explain(subject.request) {
                Some(parts) => checks.extend(parts),
                None => checks.push(self.explain_combined(subject)),
            },
            _ => checks.push(self.explain_combined(subject)),
        }
    }

    /// One check for what cannot be told apart: `or`, `!`, a predicate.
    fn explain_combined(&self, subject: &Subject<'_>) -> Check {
        let verdict = self.verdict(subject);
        let (matcher, expected) = match self {
            Self::Any(_) => ("any of", self.to_string()),
            Self::Not(node) => ("not", format!("no match of {node}")),
            Self::Predicate { label, .. } => ("predicate", format!("a match ({label})")),
            _ => ("all of", self.to_string()),
        };
        let actual = match verdict {
            None => "(not asked)",
            Some(verdict) if verdict == matches!(self, Self::Not(_)) => "no match",
            Some(_) => "a match",
        };
        Check {
            matcher: matcher.to_owned(),
            expected,
            actual: actual.to_owned(),
            passed: verdict.unwrap_or(false),
            weight: 2,
        }
    }

    /// What the node says, as far as it is known without running a predicate again.
    pub(super) fn verdict(&self, subject: &Subject<'_>) -> Option<bool> {
        match self {
            Self::All(nodes) => decide(nodes.iter().map(|node| node.verdict(subject)), false),
            Self::Any(nodes) => decide(nodes.iter().map(|node| node.verdict(subject)), true),
            Self::Invalid(_) => Some(false),
            Self::Not(node) => node.verdict(subject).map(|matched| !matched),
            Self::Pattern(pattern) => Some(pattern.test(subject)),
            Self::Predicate { test, .. } => subject.remembered(&**test)?.ok(),
            Self::Reading(reading) => reading.test(subject.request).ok(),
            Self::State(state) => Some(state.test()),
            Self::Target(target) => Some(target.test(subject.request)),
        }
    }
}

impl<M: Mode> StateTest<M> {
    /// By what the state is now.
    fn explain(&self) -> Check {
        let actual = self.state.shared(&self.key);
        let passed = self.test.test(actual.as_deref());
        let mut check = Check {
            matcher: format!("state {}", self.key),
            expected: self.test.to_string(),
            actual: String::new(),
            passed,
            weight: 2,
        };
        if passed {
            check.expected = cut(&check.expected, LONGEST);
        } else {
            check.actual = or_missing(actual.as_deref());
            cut_to_difference(&mut check);
        }
        check
    }
}

/// One decisive verdict decides; otherwise all of them have to be known.
fn decide(verdicts: impl Iterator<Item = Option<bool>>, decisive: bool) -> Option<bool> {
    let mut decided = Some(!decisive);
    for verdict in verdicts {
        match verdict {
            Some(verdict) if verdict == decisive => return Some(decisive),
            Some(_) => {}
            None => decided = None,
        }
    }
    decided
}

impl Pattern {
    fn explain(&self, subject: &Subject<'_>) -> Check {
        let passed = self.test(subject);
        let (matcher, expected) = self.describe();
        let mut check = Check {
            matcher,
            expected,
            actual: String::new(),
            passed,
            weight: 2,
        };
        if passed {
            check.expected = cut(&check.expected, LONGEST);
        } else {
            self.explain_failure(subject, &mut check);
            cut_to_difference(&mut check);
        }
        check
    }

    fn explain_failure(&self, subject: &Subject<'_>, check: &mut Check) {
        let request = subject.request;
        let missing = || "(missing)".to_owned();
        let quoted = |text: &str| format!("{text:?}");
        check.actual = match self {
            Self::Authorization { scheme, .. } => match request.header("authorization") {
                None => missing(),
                Some(actual) => {
                    let is_same = |actual: &str| actual.eq_ignore_ascii_case(scheme);
                    let other = match actual.split_once(' ') {
                        Some((actual, _)) if is_same(actual) => "another",
                        _ => "of another scheme:",
                    };
                    format!("{other} {REDACTED}")
                }
            },
            Self::Body(_) | Self::BodyBytes(_) => excerpt(request),
            Self::Cookie { name, test } => match request.cookie(name) {
                None => missing(),
                Some(_) if test.is_about_presence() => "(present)".to_owned(),
                Some(_) => format!("another {REDACTED}"),
            },
            Self::Form { name, .. } => listed(values(request.form_pairs(), name)),
            Self::Header { name, secret, .. } => {
                let secret = *secret
                    || request
                        .headers()
                        .get_all(name)
                        .iter()
                        .any(http::HeaderValue::is_sensitive);
                match header_values(request, name).next() {
                    Some(_) if secret => format!("another {REDACTED}"),
                    _ => listed(header_values(request, name)),
                }
            }
            Self::Host(_) => request.host().map_or_else(missing, str::to_owned),
            Self::Json { pointer, test } => explain_json(request, pointer, test, check),
            #[cfg(feature = "jsonpath")]
            Self::JsonPath(_) => not_json(request).unwrap_or_else(|| "no node".to_owned()),
            #[cfg(feature = "jsonschema")]
            Self::JsonSchema(schema) => not_json(request).unwrap_or_else(|| {
                let body = request.json_value().unwrap_or_default();
                let error = schema.iter_errors(&body).next();
                error.map_or_else(missing, |error| {
                    format!("{error} (at {:?})", error.instance_path().to_string())
                })
            }),
            Self::Method(_) => {
                check.weight = 4;
                request.method().to_string()
            }
            Self::Nth { .. } => format!("request #{}", subject.sequence),
            Self::Path(pattern) => {
                check.weight = 3 + dissimilarity(&pattern.to_string(), request.path());
                request.path().to_owned()
            }
            #[cfg(feature = "regex")]
            Self::PathRegex(_) => {
                check.weight = 8;
                request.path().to_owned()
            }
            Self::Port(_) => actual_port(request).map_or_else(missing, |port| port.to_string()),
            Self::Query { name, .. } => listed(values(request.query_pairs(), name)),
            Self::Scheme(_) => request.url().scheme_str().map_or_else(missing, quoted),
        };
        if let Self::Host(_) = self {
            check.weight = 5;
        }
    }

    /// What the pattern looks at, and what it asks for; secrets are not told.
    pub(super) fn describe(&self) -> (String, String) {
        let of = |kind: &str, name: &str| format!("{kind} {name}");
        match self {
            Self::Authorization { scheme, .. } => {
                ("authorization".into(), format!("{scheme} {REDACTED}"))
            }
            Self::Body(test) => ("body".into(), test.to_string()),
            Self::BodyBytes(bytes) => ("body".into(), format!("{} given bytes", bytes.len())),
            Self::Cookie { name, test } if test.is_about_presence() => {
                (of("cookie", name), test.to_string())
            }
            Self::Cookie { name, .. } => (of("cookie", name), REDACTED.into()),
            Self::Form { name, test } => (of("form", name), test.to_string()),
            Self::Header { name, test, secret } if *secret && !test.is_about_presence() => {
                (of("header", name.as_str()), REDACTED.into())
            }
            Self::Header { name, test, .. } => (of("header", name.as_str()), test.to_string()),
            Self::Host(host) => ("host".into(), host.text.clone()),
            Self::Json { pointer, test } => {
                let matcher = if pointer.is_empty() {
                    "JSON".to_owned()
                } else {
                    of("JSON", pointer)
                };
                (matcher, test.to_string())
            }
            #[cfg(feature = "jsonpath")]
            Self::JsonPath(path) => ("JSONPath".into(), path.to_string()),
            #[cfg(feature = "jsonschema")]
            Self::JsonSchema(_) => ("JSON Schema".into(), "a valid body".into()),
            Self::Method(method) => ("method".into(), method.to_string()),
            Self::Nth { from, to } => ("index".into(), nth(*from, *to)),
            Self::Path(path) => ("path".into(), path.to_string()),
            #[cfg(feature = "regex")]
            Self::PathRegex(regex) => ("path".into(), format!("/{regex}/")),
            Self::Port(port) => ("port".into(), port.to_string()),
            Self::Query { name, test } => (of("query", name), test.to_string()),
            Self::Scheme(scheme) => ("scheme".into(), format!("{scheme:?}")),
        }
    }
}

fn nth(from: u64, to: Option<u64>) -> String {
    match to {
        Some(to) if from == to => format!("request #{from}"),
        Some(to) => format!("requests #{from} to #{to}"),
        None => format!("request #{from} and later"),
    }
}

/// Points at the first difference rather than at two long values.
fn explain_json(request: &Request, pointer: &str, test: &JsonTest, check: &mut Check) -> String {
    if let Some(not_json) = not_json(request) {
        return not_json;
    }
    let body = request.json_value().unwrap_or_default();
    let Some(actual) = body.pointer(pointer) else {
        return "(missing)".to_owned();
    };
    let difference = test
        .comparison()
        .and_then(|(expected, comparison)| json::first_difference(expected, actual, comparison));
    let Some(difference) = difference else {
        return actual.to_string();
    };
    let place = format!("{pointer}{}", difference.pointer);
    if !place.is_empty() {
        check.matcher = format!("JSON {place}");
    }
    check.expected = or_missing(difference.expected.as_ref());
    or_missing(difference.actual.as_ref())
}

fn not_json(request: &Request) -> Option<String> {
    let error = request.json_value().err()?;
    Some(if request.body().is_empty() {
        "(no body)".to_owned()
    } else {
        error.to_string()
    })
}

pub(super) fn or_missing(value: Option<&Value>) -> String {
    value.map_or_else(|| "(missing)".to_owned(), ToString::to_string)
}

fn excerpt(request: &Request) -> String {
    match request.text() {
        Ok("") => "(no body)".to_owned(),
        Ok(text) => format!("{text:?}"),
        Err(_) => format!("{} bytes that are not UTF-8", request.body().len()),
    }
}

/// The beginning of a text, in whole characters.
pub(crate) fn cut(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// Cuts both texts, where they are long, so that what is left shows where they differ.
pub(crate) fn cut_to_difference(check: &mut Check) {
    const BEFORE: usize = 20;
    let (expected, actual) = (check.expected.chars(), check.actual.chars());
    let alike = expected.zip(actual).take_while(|(a, b)| a == b).count();
    let longest = check.expected.len().max(check.actual.len());
    let skip = if longest > LONGEST && alike > LONGEST / 2 {
        alike - BEFORE
    } else {
        0
    };
    for text in [&mut check.expected, &mut check.actual] {
        let rest: String = text.chars().skip(skip).collect();
        let rest = cut(&rest, LONGEST);
        *text = if skip > 0 { format!("…{rest}") } else { rest };
    }
}

fn listed<T: AsRef<str>>(values: impl Iterator<Item = T>) -> String {
    let values: Vec<_> = values
        .map(|value| format!("{:?}", value.as_ref()))
        .collect();
    if values.is_empty() {
        "(missing)".to_owned()
    } else {
        values.join(", ")
    }
}

/// From 0 (equal) to 9 (nothing in common): the edit distance, relative to the length.
pub(crate) fn dissimilarity(a: &str, b: &str) -> u32 {
    let (a, b): (Vec<_>, Vec<_>) = (a.chars().take(200).collect(), b.chars().take(200).collect());
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    let longest = a.len().max(b.len()).max(1);
    u32::try_from(row[b.len()] * 9 / longest).unwrap_or(9)
}
