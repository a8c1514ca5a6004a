//! What can be wrong with a cassette, and what to do about it.

use std::fmt;

use crate::error::{Error, ErrorKind};

/// What is wrong with a cassette, or with its file. See
/// [`ErrorKind::Cassette`](crate::ErrorKind::Cassette).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// Something in it cannot be.
    Corrupt {
        /// Where, from 1; 0 where it is not one place.
        line: usize,
        /// Where in the line.
        column: usize,
        /// What is wrong.
        reason: String,
    },
    /// It is something else.
    Foreign {
        /// What it looks like, and what reads that.
        looks_like: Option<&'static str>,
    },
    /// Somebody else is writing it.
    Locked {
        /// The file that says so.
        lock: String,
    },
    /// There is no such file.
    Missing,
    /// It was written by a newer version of this crate.
    NewerVersion {
        /// The version that it has.
        found: u64,
        /// The newest one that this crate knows.
        known: u64,
    },
    /// It was to be a HAR file, and is none.
    NotHar {
        /// Where it goes wrong, from 1; 0 where it is not one place.
        line: usize,
        /// Where in the line.
        column: usize,
        /// What is wrong.
        reason: String,
    },
    /// It ends too early.
    Truncated {
        /// Where it ends, from 1.
        line: usize,
        /// Where in the line.
        column: usize,
    },
    /// The file cannot be read; see the source.
    Unreadable,
    /// The file cannot be written; see the source.
    Unwritable,
}

impl Problem {
    pub(crate) fn corrupt(reason: impl Into<String>) -> Self {
        Self::Corrupt {
            line: 0,
            column: 0,
            reason: reason.into(),
        }
    }

    pub(super) fn of_json(error: &serde_json::Error, text: &str) -> Self {
        let (line, column) = (error.line(), error.column());
        // A number that is cut off is no number: what counts is that nothing follows.
        let before = text.split_inclusive('\n').take(line.saturating_sub(1));
        let place = before.map(str::len).sum::<usize>() + column;
        if error.is_eof() || error.is_syntax() && place >= text.len() {
            return Self::Truncated { line, column };
        }
        // The place is told apart from the reason.
        let place = format!(" at line {line} column {column}");
        let reason = error.to_string().replace(&place, "");
        Self::Corrupt {
            line,
            column,
            reason,
        }
    }

    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Corrupt { .. } => "MOCKWIRE_CASSETTE_CORRUPT",
            Self::Foreign { .. } => "MOCKWIRE_CASSETTE_FOREIGN",
            Self::Locked { .. } => "MOCKWIRE_CASSETTE_LOCKED",
            Self::Missing => "MOCKWIRE_CASSETTE_MISSING",
            Self::NewerVersion { .. } => "MOCKWIRE_CASSETTE_NEWER_VERSION",
            Self::NotHar { .. } => "MOCKWIRE_CASSETTE_NOT_HAR",
            Self::Truncated { .. } => "MOCKWIRE_CASSETTE_TRUNCATED",
            Self::Unreadable => "MOCKWIRE_CASSETTE_UNREADABLE",
            Self::Unwritable => "MOCKWIRE_CASSETTE_UNWRITABLE",
        }
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        error(problem)
    }
}

impl Error {
    /// The same, where it is about a cassette, with the path of its file.
    #[cfg_attr(
        all(target_arch = "wasm32", not(feature = "js-extras")),
        allow(dead_code)
    )]
    pub(crate) fn of_cassette(self, path: Option<&str>) -> Self {
        match (self.kind(), path) {
            (ErrorKind::Cassette { problem, .. }, Some(path)) => Self::new(ErrorKind::Cassette {
                path: Some(path.to_owned()),
                problem: problem.clone(),
            }),
            _ => self,
        }
    }
}

/// The error of a cassette that has no file, or whose file is not known here.
pub(super) fn error(problem: Problem) -> Error {
    Error::new(ErrorKind::Cassette {
        path: None,
        problem,
    })
}

/// In words, with what to do.
pub(crate) fn describe(
    path: Option<&str>,
    problem: &Problem,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    if let Problem::Foreign { looks_like } = problem {
        f.write_str(path.unwrap_or("this"))?;
        f.write_str(" is not a cassette, which has the format \"mockwire-cassette\"")?;
        return looks_like.map_or(Ok(()), |it| write!(f, ": it looks like {it}"));
    }
    if let Problem::NotHar {
        line,
        column,
        reason,
    } = problem
    {
        f.write_str(path.unwrap_or("this"))?;
        f.write_str(" is not a HAR file that can be read")?;
        at(*line, *column, f)?;
        return write!(f, ": {reason}: save it anew, as HAR with content");
    }
    f.write_str("the cassette")?;
    if let Some(path) = path {
        write!(f, " {path}")?;
    }
    match problem {
        Problem::Corrupt {
            line,
            column,
            reason,
        } => {
            f.write_str(" is corrupt")?;
            at(*line, *column, f)?;
            write!(f, ": {reason}: {RESTORE}")
        }
        Problem::Foreign { .. } | Problem::NotHar { .. } => Ok(()),
        Problem::Locked { lock } => write!(
            f,
            " is being written by somebody else: if nobody is, a process has died doing it, and {lock} is to be deleted"
        ),
        Problem::Missing => {
            f.write_str(" does not exist: make it in the mode `record` or `record-missing`")
        }
        Problem::NewerVersion { found, known } => write!(
            f,
            " has version {found}, and this mockwire reads up to {known}: use a newer mockwire, or record it anew"
        ),
        Problem::Truncated { line, column } => {
            write!(f, " is cut off at line {line}, column {column}: {RESTORE}")
        }
        Problem::Unreadable => f.write_str(" cannot be read"),
        Problem::Unwritable => f.write_str(" cannot be written"),
    }
}

fn at(line: usize, column: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match line {
        0 => Ok(()),
        _ => write!(f, " at line {line}, column {column}"),
    }
}

const RESTORE: &str = "restore it, or delete it and record it anew";
