//! The request lines seen lately, by number: a repeated request crosses as one number.

use http::{Method, Uri};

use crate::error::{Error, Part, Result, TOKEN};

/// How many lines are remembered; the oldest is forgotten for a new one.
const KEPT: usize = 1024;

/// Request lines by number.
#[derive(Default)]
pub(super) struct Lines {
    lines: Vec<(Method, Uri)>,
    /// How many there have ever been: the number of the next one.
    count: usize,
}

impl Lines {
    /// Remembers `METHOD URL`; its number.
    pub(super) fn add(&mut self, line: &str) -> Result<usize> {
        let parsed = parse(line)?;
        let number = self.count;
        match self.lines.get_mut(number % KEPT) {
            Some(oldest) => *oldest = parsed,
            None => self.lines.push(parsed),
        }
        self.count += 1;
        Ok(number)
    }

    /// The line with this number, unless it is forgotten.
    pub(super) fn get(&self, number: usize) -> Option<(Method, Uri)> {
        let kept = number < self.count && number + KEPT >= self.count;
        kept.then(|| self.lines.get(number % KEPT).cloned())
            .flatten()
    }
}

/// A request line, taken apart.
pub(super) fn parse(line: &str) -> Result<(Method, Uri)> {
    let (method, url) = line.split_once(' ').unwrap_or((line, ""));
    let method = Method::from_bytes(method.as_bytes())
        .map_err(|_| Error::invalid(Part::Method, method, TOKEN))?;
    let url =
        Uri::try_from(url).map_err(|error| Error::invalid(Part::Url, url, error.to_string()))?;
    Ok((method, url))
}
