//! What is known of one connection: who it belongs to, and what has passed over it.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::isolation_key::IsolationKey;
use crate::error::{Error, ErrorKind, Part, Result};

/// How many bytes each of the four names may have.
const MAX_NAME: usize = 128;
/// How old a connection is when that is worth a warning, unless said otherwise.
const WARN_AFTER: Duration = Duration::from_secs(2 * 60 * 60);

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
    info: ConnectionInfo,
    warn_after: Duration,
}

/// A snapshot of a connection, as plain data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectionInfo {
    /// What names the connection.
    pub connection_id: String,
    /// Whose connection it is.
    pub user: String,
    /// Which of the user's threads it serves.
    pub thread: String,
    /// Which run of the thread it serves.
    pub run: String,
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
        &self.info.connection_id
    }

    /// Whose connection it is.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.info.user
    }

    /// Which of the user's threads it serves.
    #[must_use]
    pub fn thread(&self) -> &str {
        &self.info.thread
    }

    /// Which run of the thread it serves.
    #[must_use]
    pub fn run(&self) -> &str {
        &self.info.run
    }

    /// When it was made, in the transport's time.
    #[must_use]
    pub fn connected_at(&self) -> Duration {
        self.info.connected_at
    }

    /// When something last passed over it, in the transport's time.
    #[must_use]
    pub fn last_activity(&self) -> Duration {
        self.info.last_activity
    }

    /// Whether it is in use: until it is closed.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.info.active
    }

    /// What has passed over it.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.info.traffic
    }

    /// Whatever the test wants to know of it; `null` at first.
    #[must_use]
    pub fn state(&self) -> &Value {
        &self.info.state
    }

    /// Replaces the state.
    pub fn set_state(&mut self, state: impl Into<Value>) {
        self.info.state = state.into();
    }

    /// What keeps its state apart from that of others: the user and the thread. Another connection
    /// of the same thread has the same key. Costs nothing and allocates nothing.
    #[must_use]
    pub fn isolation_key(&self) -> IsolationKey<'_> {
        self.info.isolation_key()
    }

    /// Notes that the connection is used now. Time never moves back, and a closed connection is not
    /// used. Allocates nothing.
    pub fn touch(&mut self, now: Duration) {
        if self.info.active {
            self.info.last_activity = self.info.last_activity.max(now);
        }
    }

    /// Notes that a message of so many bytes was sent. A closed connection sends nothing.
    pub fn sent(&mut self, bytes: usize, now: Duration) {
        self.touch(now);
        if self.info.active {
            self.info.traffic.messages_sent += 1;
            self.info.traffic.bytes_sent += bytes as u64;
        }
    }

    /// Notes that a message of so many bytes was received. A closed connection receives nothing.
    pub fn received(&mut self, bytes: usize, now: Duration) {
        self.touch(now);
        if self.info.active {
            self.info.traffic.messages_received += 1;
            self.info.traffic.bytes_received += bytes as u64;
        }
    }

    /// Notes that the connection is closed. It stays so.
    pub fn close(&mut self) {
        self.info.active = false;
    }

    /// How long ago it was made.
    #[must_use]
    pub fn age(&self, now: Duration) -> Duration {
        now.saturating_sub(self.info.connected_at)
    }

    /// How long ago it was last used.
    #[must_use]
    pub fn idle(&self, now: Duration) -> Duration {
        now.saturating_sub(self.info.last_activity)
    }

    /// A warning if the connection is open and older than its limit: two hours, unless
    /// [`warn_after`](ConnectionBuilder::warn_after) said otherwise.
    #[must_use]
    pub fn age_warning(&self, now: Duration) -> Option<AgeWarning> {
        let (age, limit) = (self.age(now), self.warn_after);
        (self.info.active && age > limit).then_some(AgeWarning { age, limit })
    }

    /// A snapshot.
    #[must_use]
    pub fn info(&self) -> ConnectionInfo {
        self.info.clone()
    }
}

impl TryFrom<ConnectionInfo> for ConnectionContext {
    type Error = Error;

    /// A context that goes on where the snapshot was taken, with the usual age limit.
    fn try_from(info: ConnectionInfo) -> Result<Self> {
        info.validate()?;
        Ok(Self {
            info,
            warn_after: WARN_AFTER,
        })
    }
}

impl ConnectionInfo {
    /// What keeps its state apart from that of others: the user and the thread.
    #[must_use]
    pub fn isolation_key(&self) -> IsolationKey<'_> {
        IsolationKey::new(&self.user, &self.thread)
    }

    /// Whether this can be said of a connection.
    ///
    /// # Errors
    ///
    /// [`Part::Connection`] for the first of connection id, user, thread and run that is empty, has
    /// more than 128 bytes or has a control character; or if it was last used before it was made.
    pub fn validate(&self) -> Result<()> {
        validate_name("connection id", &self.connection_id)?;
        validate_name("user", &self.user)?;
        validate_name("thread", &self.thread)?;
        validate_name("run", &self.run)?;
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

fn validate_name(field: &str, name: &str) -> Result<()> {
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

/// Says who a connection belongs to; made by [`ConnectionContext::builder`].
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use = "a builder does nothing until `build`"]
pub struct ConnectionBuilder {
    connection_id: Option<String>,
    user: Option<String>,
    thread: Option<String>,
    run: Option<String>,
    connected_at: Option<Duration>,
    warn_after: Option<Duration>,
    state: Value,
}

impl ConnectionBuilder {
    /// What names the connection. Required, but where [`Connections`] count them.
    ///
    /// [`Connections`]: crate::connections::Connections
    pub fn connection_id(mut self, connection_id: impl Into<String>) -> Self {
        self.connection_id = Some(connection_id.into());
        self
    }

    /// Whose connection it is. Required.
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// Which of the user's threads it serves. Required.
    pub fn thread(mut self, thread: impl Into<String>) -> Self {
        self.thread = Some(thread.into());
        self
    }

    /// Which run of the thread it serves. Required.
    pub fn run(mut self, run: impl Into<String>) -> Self {
        self.run = Some(run.into());
        self
    }

    /// When it was made, in the transport's time: its beginning, unless said otherwise.
    pub fn connected_at(mut self, connected_at: Duration) -> Self {
        self.connected_at = Some(connected_at);
        self
    }

    /// How old the connection may be before that is worth a warning; two hours unless said
    /// otherwise.
    pub fn warn_after(mut self, age: Duration) -> Self {
        self.warn_after = Some(age);
        self
    }

    /// Whatever the test wants to know of it.
    pub fn state(mut self, state: impl Into<Value>) -> Self {
        self.state = state.into();
        self
    }

    /// The context.
    ///
    /// # Errors
    ///
    /// [`MissingField`](ErrorKind::MissingField) for the first that is missing of connection id,
    /// user, thread and run, in this order; then that of [`ConnectionInfo::validate`].
    pub fn build(self) -> Result<ConnectionContext> {
        let connected_at = self.connected_at.unwrap_or_default();
        let info = ConnectionInfo {
            connection_id: required("connection_id", self.connection_id)?,
            user: required("user", self.user)?,
            thread: required("thread", self.thread)?,
            run: required("run", self.run)?,
            connected_at,
            last_activity: connected_at,
            active: true,
            state: self.state,
            traffic: Traffic::default(),
        };
        info.validate()?;
        Ok(ConnectionContext {
            info,
            warn_after: self.warn_after.unwrap_or(WARN_AFTER),
        })
    }

    /// What the connection is called, and when it was made, unless the builder was told.
    pub(crate) fn with_defaults(
        mut self,
        id: impl FnOnce() -> String,
        connected_at: Duration,
    ) -> Self {
        self.connection_id.get_or_insert_with(id);
        self.connected_at.get_or_insert(connected_at);
        self
    }
}

fn required(field: &'static str, name: Option<String>) -> Result<String> {
    let of = "connection context";
    name.ok_or_else(|| Error::new(ErrorKind::MissingField { of, field }))
}

impl fmt::Display for AgeWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { age, limit } = self;
        write!(f, "open for {age:?}, which is longer than {limit:?}")
    }
}
