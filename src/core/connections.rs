//! The connections that are open at one time.

use std::sync::Arc;
use std::time::Duration;

use slotmap::{SlotMap, new_key_type};

use super::connection_ids::ConnectionIds;
use super::connection_rate::ConnectionRate;
use crate::error::{Error, ErrorKind, Result};
use crate::model::connection::ConnectionContext;
use crate::model::connection_builder::ConnectionBuilder;

new_key_type! {
    /// Names a connection of one [`Connections`]. Stale once the connection is closed.
    pub struct ConnectionKey;
}

/// Connections that are open at the same time, each with its context.
///
/// Those that are given no id are counted: `conn_1`, `conn_2`, and no number is used twice.
///
/// ```
/// use std::time::Duration;
/// use mockwire::connections::{ConnectionContext, Connections};
///
/// let mut connections = Connections::new();
/// let ada = ConnectionContext::builder().user("ada").thread("notes").run("run_1");
/// let key = connections.open(ada, Duration::ZERO)?;
///
/// connections.get_mut(key)?.received(5, Duration::from_secs(1));
/// assert_eq!(connections.get(key)?.connection_id(), "conn_1");
///
/// let closed = connections.close(key)?;
/// assert_eq!(closed.traffic().messages_received, 1);
/// assert_eq!(connections.get(key).unwrap_err().code(), "MOCKWIRE_STALE_HANDLE");
/// # Ok::<(), mockwire::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Connections {
    open: SlotMap<ConnectionKey, Open>,
    ids: ConnectionIds<ConnectionKey>,
    rate: Option<ConnectionRate>,
}

#[derive(Clone, Debug)]
struct Open {
    /// What it was opened as, whatever becomes of its context.
    id: Arc<str>,
    context: ConnectionContext,
}

impl Connections {
    /// No connections, and no limit to how fast they are made.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// No connections, and a limit to how fast they are made.
    #[must_use]
    pub fn limited(rate: ConnectionRate) -> Self {
        Self {
            rate: Some(rate),
            ..Self::default()
        }
    }

    /// Opens a connection now, unless the builder says when it was made.
    ///
    /// # Errors
    ///
    /// That of [`ConnectionBuilder::build`]; [`Part::Connection`](crate::Part::Connection) if an open connection has the same
    /// id; [`ConnectionRateExceeded`](ErrorKind::ConnectionRateExceeded) if there were too many.
    /// What is refused counts for nothing.
    pub fn open(&mut self, builder: ConnectionBuilder, now: Duration) -> Result<ConnectionKey> {
        let mut number = self.ids.numbered();
        let context = builder
            .with_defaults(|| self.ids.next(&mut number), now)
            .build()?;
        self.ids.ensure_free(context.connection_id())?;
        if let Some(rate) = &mut self.rate {
            rate.admit(now)?;
        }
        let id: Arc<str> = context.connection_id().into();
        let open = Open {
            id: id.clone(),
            context,
        };
        let key = self.open.insert(open);
        self.ids.take(id, key, number);
        Ok(key)
    }

    /// Closes a connection and gives back its context, which is no longer active.
    ///
    /// # Errors
    ///
    /// [`StaleHandle`](ErrorKind::StaleHandle) if it is closed already.
    pub fn close(&mut self, key: ConnectionKey) -> Result<ConnectionContext> {
        let Open { id, mut context } = self.open.remove(key).ok_or_else(stale)?;
        self.ids.release(&id, key);
        context.close();
        Ok(context)
    }

    /// The context of a connection.
    ///
    /// # Errors
    ///
    /// [`StaleHandle`](ErrorKind::StaleHandle) if it is closed.
    pub fn get(&self, key: ConnectionKey) -> Result<&ConnectionContext> {
        let open = self.open.get(key).ok_or_else(stale)?;
        Ok(&open.context)
    }

    /// The context of a connection, to be changed.
    ///
    /// # Errors
    ///
    /// [`StaleHandle`](ErrorKind::StaleHandle) if it is closed.
    pub fn get_mut(&mut self, key: ConnectionKey) -> Result<&mut ConnectionContext> {
        let open = self.open.get_mut(key).ok_or_else(stale)?;
        Ok(&mut open.context)
    }

    /// The open connection of this id.
    #[must_use]
    pub fn find(&self, connection_id: &str) -> Option<ConnectionKey> {
        self.ids.find(connection_id)
    }

    /// Notes that a connection is used now. Allocates nothing.
    ///
    /// # Errors
    ///
    /// [`StaleHandle`](ErrorKind::StaleHandle) if it is closed.
    pub fn touch(&mut self, key: ConnectionKey, now: Duration) -> Result<()> {
        self.get_mut(key)?.touch(now);
        Ok(())
    }

    /// How many connections there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// The connections, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (ConnectionKey, &ConnectionContext)> {
        self.open.iter().map(|(key, open)| (key, &open.context))
    }

    /// How many connections are in use: those whose context was not closed on its own.
    #[must_use]
    pub fn active(&self) -> usize {
        self.iter()
            .filter(|(_, context)| context.is_active())
            .count()
    }
}

fn stale() -> Error {
    Error::new(ErrorKind::StaleHandle { what: "connection" })
}
