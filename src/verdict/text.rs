//! A verdict as a person reads it.

use std::fmt;
use std::time::Duration;

use super::{Attempt, Call, Severity, Verdict};
use crate::model::captured::Outcome;

/// How many calls, attempts and findings of one call, and items of a list are told.
const CALLS: usize = 10;
const ATTEMPTS: usize = 12;
const FINDINGS: usize = 12;
const ITEMS: usize = 8;

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let requests: usize = self.calls.iter().map(|call| call.attempts.len()).sum();
        if requests == 0 {
            f.write_str("the client made no request")?;
        } else {
            let calls = plural(self.calls.len() as u64, "call");
            let requests = plural(requests as u64, "request");
            let found = self.found();
            if self.is_resilient() {
                write!(f, "the client was resilient in {calls} ({requests}){found}")?;
            } else {
                write!(
                    f,
                    "the client was not resilient in {calls} ({requests}){found}"
                )?;
            }
        }
        let worth_telling = |call: &&Call| !call.findings.is_empty() || call.attempts.len() > 1;
        write_calls(f, &self.calls, worth_telling)?;
        if self.forgotten > 0 {
            let requests = plural(self.forgotten, "earlier request");
            write!(
                f,
                "\n\nnot judged: {requests} that the journal has forgotten (`max_requests`)"
            )?;
        }
        Ok(())
    }
}

impl Verdict {
    /// `: 2 errors, 1 note`
    fn found(&self) -> String {
        let severities = [
            (Severity::Error, "error"),
            (Severity::Warning, "warning"),
            (Severity::Note, "note"),
        ];
        let found = severities.iter().filter_map(|(severity, what)| {
            let count = self
                .findings()
                .filter(|it| it.severity() == *severity)
                .count();
            (count > 0).then(|| plural(count as u64, what))
        });
        let found: Vec<_> = found.collect();
        if found.is_empty() {
            return String::new();
        }
        format!(": {}", found.join(", "))
    }
}

/// Writes the calls that are worth it, and how many are not.
pub(super) fn write_calls(
    f: &mut fmt::Formatter<'_>,
    calls: &[Call],
    worth_telling: impl Fn(&&Call) -> bool,
) -> fmt::Result {
    let telling = calls.iter().filter(&worth_telling).count();
    for call in calls.iter().filter(worth_telling).take(CALLS) {
        write!(f, "\n\n{call}")?;
    }
    if telling > CALLS {
        write!(
            f,
            "\n\nand {} like that",
            plural((telling - CALLS) as u64, "more call")
        )?;
    }
    match (calls.len() - telling) as u64 {
        0 => Ok(()),
        quiet => write!(
            f,
            "\n\n{} with one attempt, and nothing to say about it",
            plural(quiet, "more call")
        ),
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let attempts = self.attempts.len();
        writeln!(
            f,
            "{}: {}",
            self.request,
            plural(attempts as u64, "attempt")
        )?;
        write_attempts(f, &self.attempts)?;
        let mut findings: Vec<_> = self.findings.iter().collect();
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity()));
        if !findings.is_empty() {
            writeln!(f)?;
        }
        for (index, finding) in findings.iter().enumerate().take(FINDINGS) {
            let mark = match finding.severity() {
                Severity::Error => '✗',
                Severity::Warning => '!',
                Severity::Note => '·',
            };
            write!(f, "\n  {mark} {finding}")?;
            // Said once for several of a kind.
            let next = findings.get(index + 1).filter(|_| index + 1 < FINDINGS);
            if next.is_none_or(|next| next.advice() != finding.advice()) {
                write!(f, "\n    {}", finding.advice())?;
            }
        }
        match findings.len().saturating_sub(FINDINGS) {
            0 => Ok(()),
            hidden => write!(f, "\n  … and {hidden} more"),
        }
    }
}

/// Writes the attempts as a table; of many those in the middle are left out.
fn write_attempts(f: &mut fmt::Formatter<'_>, attempts: &[Attempt]) -> fmt::Result {
    let rows: Vec<_> = attempts.iter().map(row).collect();
    let widths: [usize; 5] = std::array::from_fn(|column| {
        let lengths = rows.iter().map(|row| row[column].chars().count());
        lengths.max().unwrap_or_default()
    });
    let hidden = rows.len().saturating_sub(ATTEMPTS);
    let first_hidden = ATTEMPTS / 2;
    for (index, row) in rows.iter().enumerate() {
        if hidden > 0 && index == first_hidden {
            write!(f, "\n  … {}", plural(hidden as u64, "more attempt"))?;
        }
        if (first_hidden..first_hidden + hidden).contains(&index) {
            continue;
        }
        let cells = row.iter().zip(widths).enumerate();
        let cells = cells.filter(|(_, (_, width))| *width > 0);
        let line: String = cells
            .map(|(column, (cell, width))| match column {
                // Numbers and times stand to the right.
                0..=2 => format!("  {cell:>width$}"),
                _ => format!("  {cell:width$}"),
            })
            .collect();
        write!(f, "\n{}", line.trim_end())?;
    }
    Ok(())
}

/// The number, when, after what wait, the answer, and what has become of its body.
fn row(attempt: &Attempt) -> [String; 5] {
    let answer = match (attempt.status, &attempt.outcome) {
        (_, Outcome::Unmatched) => "no rule".to_owned(),
        (Some(status), _) => match attempt.asked {
            Some(asked) => format!("{status}, asks for {}", Shown(asked.wait)),
            None => status.to_string(),
        },
        (None, Outcome::Failed(error)) => {
            let code = error.fault().map(|fault| fault.code());
            code.unwrap_or("failed").to_owned()
        }
        (None, Outcome::Pending) => "no answer yet".to_owned(),
        (None, _) => "given up".to_owned(),
    };
    let body = match (attempt.status, &attempt.outcome) {
        (None | Some(101), _) | (_, Outcome::Unmatched) => "",
        (_, Outcome::Cancelled) => "cancelled",
        (_, Outcome::Done) => "read",
        (_, Outcome::Failed(_)) => "broken",
        (_, Outcome::Pending) => "left open",
    };
    [
        format!("#{}", attempt.sequence),
        Shown(attempt.at).to_string(),
        attempt
            .waited
            .map_or_else(String::new, |waited| format!("+{}", Shown(waited))),
        answer,
        body.to_owned(),
    ]
}

/// A duration for people: to the millisecond, unless it is shorter than one.
pub(super) struct Shown(pub(super) Duration);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(duration) = *self;
        if duration.is_zero() {
            return f.write_str("0s");
        }
        let millis = duration.as_millis();
        match u64::try_from(millis) {
            Ok(0) | Err(_) => write!(f, "{duration:?}"),
            Ok(millis) => write!(f, "{:?}", Duration::from_millis(millis)),
        }
    }
}

/// Numbers of requests: `#1, #2 and #5 to #9`.
pub(super) struct Numbers<'a>(pub(super) &'a [u64]);

impl fmt::Display for Numbers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let runs = self.0.chunk_by(|one, next| one + 1 == *next);
        let runs: Vec<_> = runs
            .flat_map(|run| match run {
                [first, _, .., last] => vec![format!("#{first} to #{last}")],
                few => few.iter().map(|number| format!("#{number}")).collect(),
            })
            .collect();
        f.write_str(&list(&runs))
    }
}

/// Waits: `1s, 2s and 4s`, or `1s each`.
pub(super) struct Waits<'a>(pub(super) &'a [Duration]);

impl fmt::Display for Waits<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waits: Vec<_> = self.0.iter().map(|wait| Shown(*wait).to_string()).collect();
        match waits.as_slice() {
            [first, others @ ..] if others.iter().all(|it| it == first) => {
                write!(f, "{first} each")
            }
            waits => f.write_str(&list(waits)),
        }
    }
}

/// The first items of a list, and how many more there are.
fn list(items: &[String]) -> String {
    let shown = items.len().min(ITEMS);
    match items.split_last() {
        Some((last, before)) if items.len() == shown && !before.is_empty() => {
            format!("{} and {last}", before.join(", "))
        }
        Some((_, before)) if items.len() > shown => {
            format!(
                "{} and {} more",
                before[..shown].join(", "),
                items.len() - shown
            )
        }
        _ => items.concat(),
    }
}

pub(super) fn plural(n: u64, what: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{n} {what}{s}")
}
