//! What is known of one connection: who it belongs to, and what has passed over it.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::connection_builder::ConnectionBuilder;
use super::isolation_key::IsolationKey;
use super::usage::{Usage, WARN_AFTER};
use crate::error::{Error, ErrorKind, Part, Result};

/// How many bytes each of the four names may have.
const MAX_NAME: usize = 128;

/// Who a connection belongs to, when it was last used, and what has passed over it.
///
/// A plain value without a clock: whoever uses it says what time it is, in the transport's time.
///
/// ```
/// use std::time::Duration;
/// use mockwire::connections::ConnectionContext;
///
/// let mut context = ConnectionContext::builder()
///     .connection_id("conn_1")
///     .user("ada")
///     .thread("notes")
///     .run("run_7")
///     .build()?;
/// context.received(11, Duration::from_millis(5));
///
/// assert_eq!(context.last_activity(), Duration::from_millis(5));
/// assert_eq!(context.traffic().bytes_received, 11);
/// assert_eq!(context.isolation_key().to_string(), "ada/notes");
/// # Ok::<(), mockwire::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ConnectionContext {
    pub(super) owner: Owner,
    pub(super) usage: Usage,
}

/// Who a connection belongs to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Owner {
    pub(super) user: String,
    pub(super) thread: String,
    pub(super) run: String,
}

/// A snapshot of a connection, as plain data. Nobody need have said who it belongs to: then user,
/// thread and run are all `None`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectionInfo {
    /// What names the connection.
    pub connection_id: String,
    /// Whose connection it is.
    #[serde(default)]
    pub user: Option<String>,
    /// Which of the user's threads it serves.
    #[serde(default)]
    pub thread: Option<String>,
    /// Which run of the thread it serves.
    #[serde(default)]
    pub run: Option<String>,
    /// When it was made, in the transport's time.
    pub connected_at: Duration,
    /// When something last passed over it, in the transport's time.
    pub last_activity: Duration,
    /// Whether it is in use: until it is closed.
    pub active: bool,
    /// Whatever the test wants to know of it; `null` at first.
    #[serde(default)]
    pub state: Value,
    /// What has passed over it.
    #[serde(default)]
    pub traffic: Traffic,
}

/// What has passed over a connection, as its server sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Traffic {
    /// Messages that were sent.
    pub messages_sent: u64,
    /// Messages that were received.
    pub messages_received: u64,
    /// Bytes of the messages that were sent.
    pub bytes_sent: u64,
    /// Bytes of the messages that were received.
    pub bytes_received: u64,
}

/// A connection has been open for longer than its test thinks it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AgeWarning {
    /// How long it has been open.
    pub age: Duration,
    /// How long it may be before that is worth a warning.
    pub limit: Duration,
}

impl ConnectionContext {
    /// Says who a connection belongs to.
    pub fn builder() -> ConnectionBuilder {
        ConnectionBuilder::default()
    }

    /// What names the connection.
    #[must_use]
    pub fn connection_id(&self) -> &str {
        &self.usage.connection_id
    }

    /// Whose connection it is.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.owner.user
    }

    /// Which of the user's threads it serves.
    #[must_use]
    pub fn thread(&self) -> &str {
        &self.owner.thread
    }

    /// Which run of the thread it serves.
    #[must_use]
    pub fn run(&self) -> &str {
        &self.owner.run
    }

    /// When it was made, in the transport's time.
    #[must_use]
    pub fn connected_at(&self) -> Duration {
        self.usage.connected_at
    }

    /// When something last passed over it, in the transport's time.
    #[must_use]
    pub fn last_activity(&self) -> Duration {
        self.usage.last_activity
    }

    /// Whether it is in use: until it is closed.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.usage.active
    }

    /// What has passed over it.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.usage.traffic
    }

    /// Whatever the test wants to know of it; `null` at first.
    #[must_use]
    pub fn state(&self) -> &Value {
        &self.usage.state
    }

    /// Replaces the state.
    pub fn set_state(&mut self, state: impl Into<Value>) {
        self.usage.state = state.into();
    }

    /// What keeps its state apart from that of others: the user and the thread. Another connection
    /// of the same thread has the same key. Costs nothing and allocates nothing.
    #[must_use]
    pub fn isolation_key(&self) -> IsolationKey<'_> {
        self.owner.isolation_key()
    }

    /// Notes that the connection is used now. Time never moves back, and a closed connection is not
    /// used. Allocates nothing.
    pub fn touch(&mut self, now: Duration) {
        self.usage.touch(now);
    }

    /// Notes that a message of so many bytes was sent. A closed connection sends nothing.
    pub fn sent(&mut self, bytes: usize, now: Duration) {
        self.usage.add(&Traffic::of_sent(bytes), now);
    }

    /// Notes that a message of so many bytes was received. A closed connection receives nothing.
    pub fn received(&mut self, bytes: usize, now: Duration) {
        self.usage.add(&Traffic::of_received(bytes), now);
    }

    /// Notes that the connection is closed. It stays so.
    pub fn close(&mut self) {
        self.usage.active = false;
    }

    /// How long ago it was made.
    #[must_use]
    pub fn age(&self, now: Duration) -> Duration {
        self.usage.age(now)
    }

    /// How long ago it was last used.
    #[must_use]
    pub fn idle(&self, now: Duration) -> Duration {
        now.saturating_sub(self.usage.last_activity)
    }

    /// A warning if the connection is open and older than its limit: two hours, unless
    /// [`warn_after`](ConnectionBuilder::warn_after) said otherwise.
    #[must_use]
    pub fn age_warning(&self, now: Duration) -> Option<AgeWarning> {
        self.usage.age_warning(now)
    }

    /// A snapshot.
    #[must_use]
    pub fn info(&self) -> ConnectionInfo {
        ConnectionInfo::of(Some(&self.owner), &self.usage)
    }

    pub(crate) fn into_parts(self) -> (Owner, Usage) {
        (self.owner, self.usage)
    }
}

impl Owner {
    pub(crate) fn isolation_key(&self) -> IsolationKey<'_> {
        IsolationKey::new(&self.user, &self.thread)
    }
}

impl Traffic {
    pub(crate) fn of_sent(bytes: usize) -> Self {
        Self {
            messages_sent: 1,
            bytes_sent: bytes as u64,
            ..Self::default()
        }
    }

    pub(crate) fn of_received(bytes: usize) -> Self {
        Self {
            messages_received: 1,
            bytes_received: bytes as u64,
            ..Self::default()
        }
    }

    pub(crate) fn add(&mut self, more: &Self) {
        self.messages_sent += more.messages_sent;
        self.messages_received += more.messages_received;
        self.bytes_sent += more.bytes_sent;
        self.bytes_received += more.bytes_received;
    }
}

impl TryFrom<ConnectionInfo> for ConnectionContext {
    type Error = Error;

    /// A context that goes on where the snapshot was taken, with the usual age limit.
    fn try_from(info: ConnectionInfo) -> Result<Self> {
        let owner = Owner {
            user: required("user", info.user.clone())?,
            thread: required("thread", info.thread.clone())?,
            run: required("run", info.run.clone())?,
        };
        info.validate()?;
        let usage = Usage {
            connection_id: info.connection_id,
            connected_at: info.connected_at,
            last_activity: info.last_activity,
            active: info.active,
            state: info.state,
            traffic: info.traffic,
            warn_after: WARN_AFTER,
        };
        Ok(Self { owner, usage })
    }
}

impl ConnectionInfo {
    pub(crate) fn of(owner: Option<&Owner>, usage: &Usage) -> Self {
        Self {
            connection_id: usage.connection_id.clone(),
            user: owner.map(|owner| owner.user.clone()),
            thread: owner.map(|owner| owner.thread.clone()),
            run: owner.map(|owner| owner.run.clone()),
            connected_at: usage.connected_at,
            last_activity: usage.last_activity,
            active: usage.active,
            state: usage.state.clone(),
            traffic: usage.traffic,
        }
    }

    /// What keeps its state apart from that of others: the user and the thread. `None` where nobody
    /// has said who it belongs to.
    #[must_use]
    pub fn isolation_key(&self) -> Option<IsolationKey<'_>> {
        let user = self.user.as_deref()?;
        Some(IsolationKey::new(user, self.thread.as_deref()?))
    }

    /// Whether this can be said of a connection.
    ///
    /// # Errors
    ///
    /// [`Part::Connection`] for the first of connection id, user, thread and run that is empty, has
    /// more than 128 bytes or has a control character; or if it was last used before it was made.
    /// [`MissingField`](ErrorKind::MissingField) for the first of user, thread and run that is not
    /// there, where another one is.
    pub fn validate(&self) -> Result<()> {
        validate_name("connection id", &self.connection_id)?;
        let names = [
            ("user", &self.user),
            ("thread", &self.thread),
            ("run", &self.run),
        ];
        let is_owned = names.iter().any(|(_, name)| name.is_some());
        for (field, name) in names {
            match name {
                Some(name) => validate_name(field, name)?,
                None if is_owned => return Err(missing(field)),
                None => {}
            }
        }
        if self.last_activity < self.connected_at {
            return Err(Error::invalid(
                Part::Connection,
                &self.connection_id,
                format!(
                    "it was last used at {:?}, before it was made at {:?}",
                    self.last_activity, self.connected_at
                ),
            ));
        }
        Ok(())
    }
}

pub(super) fn validate_name(field: &str, name: &str) -> Result<()> {
    let reason = if name.is_empty() {
        format!("the {field} is empty: it must tell this one from others")
    } else if name.len() > MAX_NAME {
        let bytes = name.len();
        format!("the {field} has {bytes} bytes: at most {MAX_NAME} are allowed")
    } else if name.contains(char::is_control) {
        format!("the {field} has a control character: take it out")
    } else {
        return Ok(());
    };
    Err(Error::invalid(Part::Connection, name, reason))
}

pub(super) fn required(field: &'static str, name: Option<String>) -> Result<String> {
    name.ok_or_else(|| missing(field))
}

fn missing(field: &'static str) -> Error {
    let of = "connection context";
    Error::new(ErrorKind::MissingField { of, field })
}

impl fmt::Display for AgeWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { age, limit } = self;
        write!(f, "open for {age:?}, which is longer than {limit:?}")
    }
}
