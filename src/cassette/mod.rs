//! Recorded traffic, replayed: a cassette is a readable file of requests and of what answered them.
//!
//! * A [`Cassette`] is a plain value; its file is JSON, described in `docs/cassette.md` and by
//!   `docs/cassette.schema.json`.

mod compare;
mod draft;
mod edit;
mod entry;
mod format;
mod har;
mod ids;
mod json_text;
mod match_on;
mod merge;
mod multipart;
mod options;
mod placeholder;
mod pointer;
pub(crate) mod problem;
pub(crate) mod recorder;
mod redact;
mod redactor;
mod replay;
mod secret;
mod shelf;
mod tape;
mod texts;
mod tidy;
mod times;

pub use self::entry::{Entry, Frame, RecordedBody, RecordedEnd, RecordedRequest, RecordedResponse};
pub use self::har::{HarImport, SkippedEntry};
pub use self::match_on::MatchOn;
pub use self::options::{Options, RecordMode};
pub use self::problem::Problem;
pub use self::recorder::Recorder;
pub use self::redact::Redaction;
pub use self::replay::Speed;

/// Recorded requests and the responses to them, in order.
///
/// A plain value, which `serde_json` reads and writes as the file has it:
///
/// ```
/// use mockwire::cassette::{Cassette, Entry, RecordedRequest, RecordedResponse};
///
/// let request = RecordedRequest::new(http::Method::GET, "https://api.test/models".parse()?);
/// let mut response = RecordedResponse::new(http::StatusCode::OK);
/// response.headers.insert("content-type", "application/json".parse()?);
/// response.body = mockwire::cassette::RecordedBody::Whole(r#"{"models":[]}"#.into());
///
/// let mut cassette = Cassette::new();
/// cassette.entries.push(Entry::new(request, response));
/// assert_eq!(
///     cassette.to_json(),
///     r#"{
///   "format": "mockwire-cassette",
///   "version": 1,
///   "entries": [
///     {
///       "id": 1,
///       "request": {"method": "GET", "url": "https://api.test/models"},
///       "response": {
///         "status": 200,
///         "headers": {"content-type": "application/json"},
///         "body": {"json": {"models": []}}
///       }
///     }
///   ]
/// }
/// "#
/// );
/// assert_eq!(Cassette::parse(&cassette.to_json()).unwrap(), cassette);
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Cassette {
    /// The entries, in the order in which the requests were made.
    pub entries: Vec<Entry>,
}

impl Cassette {
    /// A cassette with nothing on it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}
