//! Who a session belongs to, what is sent to it, and what it answers.

use std::fmt::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::isolation_key::escaped;
use crate::error::{Error, Part, Result};

/// Who a session belongs to: the client, the project, the user and the thread.
///
/// As text it is `client/project/user/thread`, with each `/` and `%` of the names as `%2F` and `%25`:
/// two texts are equal only when the keys are. In JSON it is that text.
///
/// ```
/// use mockwire::state::SessionKey;
///
/// let key = SessionKey::new().client("cli").user("ada").thread("notes/2");
/// assert_eq!(key.to_string(), "cli//ada/notes%2F2");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionKey {
    client: Box<str>,
    project: Box<str>,
    user: Box<str>,
    thread: Box<str>,
}

impl SessionKey {
    /// A key whose four names are empty.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with this client.
    #[must_use]
    pub fn client(mut self, name: &str) -> Self {
        self.client = name.into();
        self
    }

    /// The same with this project.
    #[must_use]
    pub fn project(mut self, name: &str) -> Self {
        self.project = name.into();
        self
    }

    /// The same with this user.
    #[must_use]
    pub fn user(mut self, name: &str) -> Self {
        self.user = name.into();
        self
    }

    /// The same with this thread.
    #[must_use]
    pub fn thread(mut self, name: &str) -> Self {
        self.thread = name.into();
        self
    }
}

impl fmt::Display for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        escaped(&self.client, f)?;
        for name in [&self.project, &self.user, &self.thread] {
            f.write_char('/')?;
            escaped(name, f)?;
        }
        Ok(())
    }
}

impl Serialize for SessionKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What is sent to a session: a text, and perhaps an id of the sender's.
///
/// With an id it is known by that again, without one by its whole text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    id: Option<Arc<str>>,
    text: Arc<str>,
}

impl Message {
    /// A message without an id.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let text = text.into();
        Self { id: None, text }
    }

    /// The same with an id.
    #[must_use]
    pub fn with_id(mut self, id: &str) -> Self {
        self.id = Some(id.into());
        self
    }

    /// The id, if there is one.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text as a value of type `T`, parsed from its JSON.
    ///
    /// # Errors
    ///
    /// [`Part::Json`] when it is not JSON or does not fit the type.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_str(&self.text)
            .map_err(|error| Error::invalid(Part::Json, &*self.text, error.to_string()))
    }

    pub(crate) fn fingerprint(&self) -> Fingerprint {
        match &self.id {
            Some(id) => Fingerprint::Id(id.clone()),
            None => Fingerprint::Text(self.text.clone()),
        }
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::new(&text)
    }
}

impl From<Value> for Message {
    fn from(value: Value) -> Self {
        Self::new(&value.to_string())
    }
}

/// What a message is known by. An id and a text are never equal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Fingerprint {
    Id(Arc<str>),
    Text(Arc<str>),
}

/// What a session has answered to a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Answer {
    /// The pieces of it, in order.
    pub output: Vec<String>,
    /// Whether there would have been more, had a later message not pre-empted it.
    pub is_partial: bool,
}

impl Answer {
    /// All pieces together.
    #[must_use]
    pub fn text(&self) -> String {
        self.output.concat()
    }
}

/// What there is to know of a session. Times are of the transport.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SessionInfo {
    /// Who it belongs to.
    pub key: SessionKey,
    /// When it was created.
    pub created_at: Duration,
    /// When it was last got or sent to, or finished a turn.
    pub last_active: Duration,
    /// How many messages wait for their turn.
    pub waiting: usize,
    /// How many messages the turn that is going on has; 0 when none is.
    pub running: usize,
}

/// What becomes of unfinished messages when another one is sent to the same session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Burst {
    /// The later one ends them: each is answered with what output there is by then.
    Preempt,
    /// The later one waits for its turn.
    #[default]
    Queue,
}

/// How [`Sessions`](crate::state::Sessions) behave.
///
/// ```
/// use mockwire::state::{Burst, SessionOptions};
///
/// let options = SessionOptions::new().limit(10).burst(Burst::Preempt);
/// # let _ = options;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionOptions {
    pub(crate) limit: usize,
    pub(crate) batch: usize,
    pub(crate) burst: Burst,
    pub(crate) duplicate_window: Duration,
}

impl SessionOptions {
    /// Any number of sessions; one message a turn; a later message waits for its turn; the same one
    /// is refused for five minutes.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            limit: usize::MAX,
            batch: 1,
            burst: Burst::Queue,
            duplicate_window: Duration::from_secs(300),
        }
    }

    /// How many sessions there may be at one time, together with the reserved ones.
    #[must_use]
    pub const fn limit(mut self, sessions: usize) -> Self {
        self.limit = sessions;
        self
    }

    /// How many of the messages that wait when a turn begins it takes at most; at least one.
    #[must_use]
    pub const fn batch(mut self, messages: usize) -> Self {
        self.batch = if messages == 0 { 1 } else { messages };
        self
    }

    /// What becomes of unfinished messages when another one is sent to the same session.
    #[must_use]
    pub const fn burst(mut self, burst: Burst) -> Self {
        self.burst = burst;
        self
    }

    /// For how long a session refuses a message that it was sent before: one with the same id, or
    /// without an id and with the same text. It remembers them all for so long. Zero: never.
    #[must_use]
    pub const fn duplicate_window(mut self, window: Duration) -> Self {
        self.duplicate_window = window;
        self
    }
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self::new()
    }
}
