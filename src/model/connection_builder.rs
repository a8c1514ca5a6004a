//! Says who a connection belongs to.

use std::time::Duration;

use serde_json::Value;

use super::connection::{ConnectionContext, Owner, required, validate_name};
use super::usage::{Usage, WARN_AFTER};
#[allow(unused_imports, reason = "the documentation names it")]
use crate::error::{ErrorKind, Result};

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
    /// user, thread and run, in this order; then
    /// [`Part::Connection`](crate::Part::Connection) for the first of them that is empty, has more
    /// than 128 bytes or has a control character.
    pub fn build(self) -> Result<ConnectionContext> {
        let connection_id = required("connection_id", self.connection_id)?;
        let owner = Owner {
            user: required("user", self.user)?,
            thread: required("thread", self.thread)?,
            run: required("run", self.run)?,
        };
        validate_name("connection id", &connection_id)?;
        validate_name("user", &owner.user)?;
        validate_name("thread", &owner.thread)?;
        validate_name("run", &owner.run)?;
        let usage = Usage {
            state: self.state,
            warn_after: self.warn_after.unwrap_or(WARN_AFTER),
            ..Usage::new(connection_id, self.connected_at.unwrap_or_default())
        };
        Ok(ConnectionContext { owner, usage })
    }

    /// Whether it was told when the connection was made.
    pub(crate) fn is_dated(&self) -> bool {
        self.connected_at.is_some()
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
