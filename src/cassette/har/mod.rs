//! HTTP archives (HAR 1.2), of which cassettes are made, and which are made of cassettes.

mod read;
mod write;

use std::fmt;

use super::Cassette;
use super::options::Options;
use super::problem::{self, Problem};
use crate::error::Result;

/// What was read from a HAR file: see [`Cassette::from_har`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct HarImport {
    /// What a cassette can hold.
    pub cassette: Cassette,
    /// The other entries, in order.
    pub skipped: Vec<SkippedEntry>,
}

/// An entry of a HAR file that no cassette can hold.
///
/// ```
/// use mockwire::cassette::{Cassette, Options};
///
/// let har = r#"{"log": {"entries": [{
///     "request": {"method": "GET", "url": "wss://api.test/chat"},
///     "response": {"status": 101},
///     "_resourceType": "websocket",
///     "_webSocketMessages": []
/// }]}}"#;
/// let import = Cassette::from_har(har, &Options::new())?;
/// assert_eq!(
///     import.skipped[0].to_string(),
///     "entry 1, GET wss://api.test/chat: a WebSocket, of which cassettes hold nothing"
/// );
/// # Ok::<(), mockwire::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SkippedEntry {
    /// Its place in the file, from 1.
    pub number: usize,
    /// The method, and the URL without its query.
    pub request: String,
    /// Why.
    pub reason: String,
}

impl fmt::Display for SkippedEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            number,
            request,
            reason,
        } = self;
        write!(f, "entry {number}, {request}: {reason}")
    }
}

impl Cassette {
    /// The cassette of an HTTP archive, as browsers' developer tools and proxies write it.
    ///
    /// Entries are made what a [`Recorder`](super::Recorder) would have recorded: secrets are taken out,
    /// and what is not the same each time is made so, unless the options say otherwise. Only
    /// [`redaction`](Options::redaction) and [`keep_volatile`](Options::keep_volatile) matter here.
    ///
    /// An archive has bodies as they are without their `content-encoding`, so that field is left out. It
    /// has no pauses in a body: events come at once, but for those of an archive that
    /// [`to_har`](Self::to_har) has written. What a cassette cannot hold is told in
    /// [`skipped`](HarImport::skipped): WebSockets, requests without a response, and bodies that were not
    /// saved.
    ///
    /// ```
    /// use mockwire::cassette::{Cassette, Options};
    ///
    /// let har = r#"{"log": {"version": "1.2", "creator": {"name": "a browser", "version": "1"}, "entries": [{
    ///     "startedDateTime": "2026-03-01T10:00:00.000Z",
    ///     "time": 12.5,
    ///     "request": {
    ///         "method": "GET", "url": "https://api.test/models?key=AIza0123456789", "httpVersion": "h2",
    ///         "headers": [{"name": "Authorization", "value": "Bearer sk-secret-key"}]
    ///     },
    ///     "response": {
    ///         "status": 200, "headers": [{"name": "Content-Type", "value": "application/json"}],
    ///         "content": {"size": 13, "text": "eyJtb2RlbHMiOltdfQ==", "encoding": "base64"}
    ///     }
    /// }]}}"#;
    ///
    /// let import = Cassette::from_har(har, &Options::new())?;
    /// let entry = &import.cassette.entries[0];
    /// assert_eq!(entry.response.body.to_bytes(), r#"{"models":[]}"#);
    /// assert_eq!(entry.request.headers["authorization"], "<redacted>");
    /// assert!(!import.cassette.to_json().contains("AIza"));
    /// assert!(import.skipped.is_empty());
    /// # Ok::<(), mockwire::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Cassette`](crate::ErrorKind::Cassette) when the text is no archive, and
    /// [`Invalid`](crate::ErrorKind::Invalid) for a malformed option.
    pub fn from_har(text: &str, options: &Options) -> Result<HarImport> {
        let settings = options.compile()?;
        let (mut entries, mut skipped) = (Vec::new(), Vec::new());
        let archived = read::entries(text).map_err(problem::error)?;
        for (archived, number) in archived.iter().zip(1..) {
            match read::entry(archived) {
                Ok(entry) => entries.push(entry),
                Err(reason) => skipped.push(SkippedEntry {
                    number,
                    request: read::told(archived),
                    reason,
                }),
            }
        }
        Ok(HarImport {
            cassette: Self {
                entries: settings.as_recorded(entries),
            },
            skipped,
        })
    }

    /// The cassette as an HTTP archive (HAR 1.2), which browsers' developer tools and many others read:
    /// JSON, indented.
    ///
    /// A cassette has no dates, so the requests are made one after another from the first of January
    /// 2025 on. What the format has no field for (the times of the pieces of a body, how it ended, its
    /// trailers) is under `_mockwire` in each entry, and [`from_har`](Self::from_har) reads it.
    ///
    /// ```
    /// use mockwire::cassette::{Cassette, Entry, RecordedRequest, RecordedResponse};
    ///
    /// let request = RecordedRequest::new(http::Method::GET, "https://api.test/models".parse()?);
    /// let mut cassette = Cassette::new();
    /// cassette.entries.push(Entry::new(request, RecordedResponse::new(http::StatusCode::OK)));
    ///
    /// let har: serde_json::Value = serde_json::from_str(&cassette.to_har()).unwrap();
    /// assert_eq!(har["log"]["version"], "1.2");
    /// assert_eq!(har["log"]["entries"][0]["request"]["url"], "https://api.test/models");
    /// # Ok::<(), http::Error>(())
    /// ```
    #[must_use]
    pub fn to_har(&self) -> String {
        let archive = write::archive(&self.entries);
        serde_json::to_string_pretty(&archive).unwrap_or_default()
    }
}

/// What is wrong with a text that is to be an archive.
fn not_har(line: usize, column: usize, reason: impl Into<String>) -> Problem {
    Problem::NotHar {
        line,
        column,
        reason: reason.into(),
    }
}
