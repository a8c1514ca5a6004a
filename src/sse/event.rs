//! One event, as the server writes it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::json;
use crate::error::{Error, Part, Result};

/// One server-sent event as the server writes it: a block of lines that ends with a blank one.
///
/// A plain value. What no event can hold, a line break in a name or an id, is refused when the
/// event is [validated](Self::validate) or encoded, as [`Part::Event`].
///
/// In JSON it is short, and every member may be left out:
/// `{"event": "x", "data": "..", "id": "1", "retry": 1000, "comment": "ping"}`. `data` may be any
/// JSON value, which is then sent as its text (with sorted keys); `comment` may be a list.
///
/// ```
/// use mockwire::sse::Event;
///
/// let event: Event = serde_json::from_str(r#"{"event": "greeting", "data": "hello"}"#)?;
/// assert_eq!(event, Event::data("hello").named("greeting"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Event {
    /// The type of the event. Clients take an event without one, or with an empty one, for a
    /// `message`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// The payload, of any number of lines. A line break of any kind reaches the client as a line
    /// feed. Clients do not see an event without data, though they do take its `id` and `retry`;
    /// empty data is data.
    #[serde(
        deserialize_with = "json::data",
        skip_serializing_if = "Option::is_none"
    )]
    pub data: Option<String>,
    /// The id, with which a client that comes back says what it has seen. An empty one forgets the
    /// last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// How long a client is to wait before it comes back; whole milliseconds, what is less is cut.
    #[serde(with = "json::milliseconds", skip_serializing_if = "Option::is_none")]
    pub retry: Option<Duration>,
    /// Lines that clients ignore, used to keep a connection alive.
    #[serde(
        rename = "comment",
        with = "json::one_or_many",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub comments: Vec<String>,
}

impl Event {
    /// An event with nothing in it, for those without data: `Event::new().comment("ping")`.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An event with this payload.
    #[must_use]
    pub fn data(data: impl Into<String>) -> Self {
        Self {
            data: Some(data.into()),
            ..Self::default()
        }
    }

    /// An event whose payload is this value as JSON, on one line.
    ///
    /// # Panics
    ///
    /// If the value cannot be serialised; see [`try_json`](Self::try_json).
    #[must_use]
    #[track_caller]
    pub fn json(value: impl Serialize) -> Self {
        match Self::try_json(value) {
            Ok(event) => event,
            Err(error) => panic!("{error}"),
        }
    }

    /// An event whose payload is this value as JSON, on one line.
    ///
    /// # Errors
    ///
    /// [`Part::Json`] if the value cannot be serialised, as a map whose keys are no strings.
    pub fn try_json(value: impl Serialize) -> Result<Self> {
        let text = serde_json::to_string(&value).map_err(|error| {
            Error::invalid(
                Part::Json,
                std::any::type_name_of_val(&value),
                format!("cannot be serialised: {error}"),
            )
        })?;
        Ok(Self::data(text))
    }

    /// Sets the type.
    #[must_use]
    pub fn named(self, event: impl Into<String>) -> Self {
        Self {
            event: Some(event.into()),
            ..self
        }
    }

    /// Sets the id.
    #[must_use]
    pub fn id(self, id: impl Into<String>) -> Self {
        Self {
            id: Some(id.into()),
            ..self
        }
    }

    /// Sets how long a client is to wait before it comes back.
    #[must_use]
    pub fn retry(self, retry: Duration) -> Self {
        Self {
            retry: Some(retry),
            ..self
        }
    }

    /// Adds a comment; one of several lines is several comments.
    #[must_use]
    pub fn comment(mut self, comment: impl Into<String>) -> Self {
        self.comments.push(comment.into());
        self
    }

    /// Whether a client can read back what the event says.
    ///
    /// # Errors
    ///
    /// [`Part::Event`] if the type or the id has a line break, which would end its line, or if the
    /// id has a NUL, for which clients ignore it (§9.2.6).
    pub fn validate(&self) -> Result<()> {
        let line_breaks = ['\n', '\r'];
        if let Some(event) = &self.event {
            if event.contains(line_breaks) {
                let reason = "the type of an event is one line: take the line breaks out";
                return Err(Error::invalid(Part::Event, event, reason));
            }
        }
        if let Some(id) = &self.id {
            if id.contains(line_breaks) {
                let reason = "the id of an event is one line: take the line breaks out";
                return Err(Error::invalid(Part::Event, id, reason));
            }
            if id.contains('\0') {
                let reason = "clients ignore an id with a NUL: take it out";
                return Err(Error::invalid(Part::Event, id, reason));
            }
        }
        Ok(())
    }
}

impl From<&str> for Event {
    fn from(data: &str) -> Self {
        Self::data(data)
    }
}

impl From<String> for Event {
    fn from(data: String) -> Self {
        Self::data(data)
    }
}
