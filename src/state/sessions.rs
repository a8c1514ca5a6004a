//! Sessions: who talks to whom, in what order, and what has been answered.

use std::fmt;
use std::task::Waker;
use std::time::Duration;

use super::conversation::State;
use crate::core::sessions::{SessionId, SessionsCore};
use crate::core::timeline::Tick;
use crate::engine::Engine;
use crate::error::Result;
use crate::flow::receipt::Receipt;
use crate::flow::turn::NextTurn;
use crate::mode::{Cell, Mode};
use crate::model::session::{Message, SessionInfo, SessionKey, SessionOptions};
use crate::transport::MockTransport;
use crate::wake::wake_all;

/// Sessions by their key, each with a [`State`] and messages that are answered in order.
///
/// Senders [`send`](Session::send) and await the [`Receipt`]; workers take turns with
/// [`next_turn`](Self::next_turn). A session has one turn at a time, in the order of its messages;
/// turns of different sessions overlap, as many as there are workers.
///
/// A clone is another handle to the same. It refers to its transport: a rule whose handler has
/// captured it keeps both until the transport is reset or disposed. Once that is disposed, whoever
/// waits and whoever does anything gets [`Disposed`](crate::ErrorKind::Disposed); what there was can
/// still be read.
///
/// ```
/// use mockwire::state::{SessionKey, SessionOptions, Sessions};
/// use mockwire::sync::MockTransport;
///
/// let transport = MockTransport::new();
/// let sessions = Sessions::new(&transport, SessionOptions::new().limit(10));
/// let session = sessions.create(SessionKey::new().user("ada").thread("notes"))?;
///
/// let receipt = session.send("hello")?;
/// let turn = transport.block_on(sessions.next_turn())?;
/// turn.push(&format!("{} to you", turn.messages()[0].text()))?;
/// turn.finish()?;
///
/// assert_eq!(transport.block_on(receipt)?.text(), "hello to you");
/// assert_eq!(session.send("hello").unwrap_err().code(), "MOCKWIRE_DUPLICATE_MESSAGE");
/// # Ok::<(), mockwire::Error>(())
/// ```
pub struct Sessions<M: Mode> {
    pub(crate) engine: M::Ptr<Engine<M>>,
    core: M::Ptr<M::Cell<SessionsCore<M>>>,
}

impl<M: Mode> Sessions<M> {
    /// No sessions yet, in the time of this transport.
    #[must_use]
    pub fn new(transport: &MockTransport<M>, options: SessionOptions) -> Self {
        let cell: M::Cell<SessionsCore<M>> = Cell::new(SessionsCore::new(options));
        Self {
            engine: transport.engine.clone(),
            core: cell.into(),
        }
    }

    /// Creates a session.
    ///
    /// # Errors
    ///
    /// [`SessionLimit`](crate::ErrorKind::SessionLimit) when there are as many as there may be,
    /// [`Part::Session`](crate::Part::Session) when there is one of this key.
    pub fn create(&self, key: SessionKey) -> Result<Session<M>> {
        let (now, state) = (self.now()?, State::new());
        let id = self.with(|core| {
            core.reserve()?;
            core.create(key, state.clone(), now)
        })?;
        Ok(self.session(id))
    }

    /// Keeps a place for a session that takes a while to make. However many reserve at once, there
    /// are never more places than the limit.
    ///
    /// # Errors
    ///
    /// [`SessionLimit`](crate::ErrorKind::SessionLimit) when there are as many as there may be.
    pub fn reserve(&self) -> Result<Reservation<M>> {
        self.now()?;
        self.with(SessionsCore::reserve)?;
        Ok(Reservation {
            sessions: Some(self.clone()),
        })
    }

    /// The session of this key, which then counts as used now.
    #[must_use]
    pub fn get(&self, key: &SessionKey) -> Option<Session<M>> {
        let now = self.engine.happens_at();
        let id = self.with(|core| {
            let id = core.find(key)?;
            core.touch(id, now).ok().map(|()| id)
        })?;
        Some(self.session(id))
    }

    /// The session of this key, which is created when there is none.
    ///
    /// # Errors
    ///
    /// [`SessionLimit`](crate::ErrorKind::SessionLimit) when there are as many as there may be.
    pub fn get_or_create(&self, key: &SessionKey) -> Result<Session<M>> {
        let (now, state) = (self.now()?, State::new());
        let id = self.with(|core| {
            if let Some(id) = core.find(key) {
                return core.touch(id, now).map(|()| id);
            }
            core.reserve()?;
            core.create(key.clone(), state.clone(), now)
        })?;
        Ok(self.session(id))
    }

    /// All sessions, in the order of their creation. None counts as used.
    #[must_use]
    pub fn list(&self) -> Vec<SessionInfo> {
        self.with(|core| core.list())
    }

    /// How many sessions there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.with(|core| core.len())
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many more there may be.
    #[must_use]
    pub fn available(&self) -> usize {
        self.with(|core| core.available())
    }

    /// Removes a session. Whether there was one. Who waits for its answers gets
    /// [`StaleHandle`](crate::ErrorKind::StaleHandle).
    pub fn remove(&self, key: &SessionKey) -> bool {
        let removed = self.with(|core| {
            let id = core.find(key)?;
            core.remove(id).ok()
        });
        let Some((_key, _state, wake)) = removed else {
            return false;
        };
        wake_all(wake);
        true
    }

    /// Removes the sessions that nobody has used for so long and that have no unfinished messages;
    /// their keys, in the order of their creation.
    pub fn remove_inactive(&self, since: Duration) -> Vec<SessionKey> {
        let now = self.engine.happens_at();
        let removed: Vec<_> = self.with(|core| {
            let inactive = core.inactive(since, now).into_iter();
            inactive.filter_map(|id| core.remove(id).ok()).collect()
        });
        removed.into_iter().map(|(key, ..)| key).collect()
    }

    /// Waits for the turn whose message was sent first, among all sessions that have none going on.
    ///
    /// ```
    /// # use mockwire::state::{SessionKey, SessionOptions, Sessions};
    /// # use mockwire::sync::MockTransport;
    /// # let transport = MockTransport::new();
    /// # let sessions = Sessions::new(&transport, SessionOptions::new());
    /// let worker = async {
    ///     while let Ok(turn) = sessions.next_turn().await {
    ///         turn.push("noted")?;
    ///         turn.finish()?;
    ///     }
    ///     Ok::<(), mockwire::Error>(())
    /// };
    /// # let receipt = sessions.create(SessionKey::new())?.send("hello")?;
    /// # let end = async { drop(receipt.await); transport.dispose() };
    /// # let (worked, ()) = transport.block_on(async { futures_util::join!(worker, end) });
    /// # worked?;
    /// # Ok::<(), mockwire::Error>(())
    /// ```
    ///
    /// The future fails with [`Disposed`](crate::ErrorKind::Disposed) once the transport is disposed.
    pub fn next_turn(&self) -> NextTurn<M> {
        NextTurn::new(self.clone())
    }

    /// What happens to the process that hosts the sessions: all turns are interrupted, and none
    /// begins. Messages can be sent all the same. Nothing is lost: after
    /// [`restart`](Self::restart) each interrupted turn is taken again, before what was sent later,
    /// with the output that it has had so far.
    pub fn kill(&self) {
        self.wake(SessionsCore::kill);
    }

    /// Lets turns begin again.
    pub fn restart(&self) {
        self.wake(SessionsCore::restart);
    }

    pub(crate) fn session(&self, id: SessionId) -> Session<M> {
        let sessions = self.clone();
        Session { sessions, id }
    }

    /// The transport's time; fails when the transport is disposed.
    pub(crate) fn now(&self) -> Result<Tick> {
        self.engine.happens_now()
    }

    /// Runs a closure on the sessions. It must not call foreign code; see [`Cell`].
    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut SessionsCore<M>) -> R) -> R {
        self.core.with(f)
    }

    /// Runs a closure on the sessions, then wakes whom it returns.
    pub(crate) fn wake(&self, f: impl FnOnce(&mut SessionsCore<M>) -> Vec<Waker>) {
        wake_all(self.with(f));
    }
}

impl<M: Mode> Clone for Sessions<M> {
    fn clone(&self) -> Self {
        Self {
            engine: self.engine.clone(),
            core: self.core.clone(),
        }
    }
}

impl<M: Mode> fmt::Debug for Sessions<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sessions").field(&self.list()).finish()
    }
}

/// A place for a session. Dropping it frees the place.
#[must_use = "dropping the reservation frees the place"]
pub struct Reservation<M: Mode> {
    /// Until the place is taken.
    sessions: Option<Sessions<M>>,
}

impl<M: Mode> Reservation<M> {
    /// Creates the session. When that fails, the place is free again.
    ///
    /// # Errors
    ///
    /// [`Part::Session`](crate::Part::Session) when there is a session of this key.
    pub fn create(mut self, key: SessionKey) -> Result<Session<M>> {
        let Some(sessions) = self.sessions.clone() else {
            unreachable!("taken only here, with the reservation");
        };
        let (now, state) = (sessions.now()?, State::new());
        // Creating takes the place, or frees it.
        self.sessions = None;
        let id = sessions.with(|core| core.create(key, state, now))?;
        Ok(sessions.session(id))
    }
}

impl<M: Mode> Drop for Reservation<M> {
    fn drop(&mut self) {
        if let Some(sessions) = &self.sessions {
            sessions.with(SessionsCore::unreserve);
        }
    }
}

impl<M: Mode> fmt::Debug for Reservation<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reservation")
    }
}

/// A handle to a session. Dropping it changes nothing; the session stays.
pub struct Session<M: Mode> {
    sessions: Sessions<M>,
    id: SessionId,
}

impl<M: Mode> Session<M> {
    /// What there is to know of the session, which does not count as used by that.
    ///
    /// # Errors
    ///
    /// [`StaleHandle`](crate::ErrorKind::StaleHandle) when it is removed.
    pub fn info(&self) -> Result<SessionInfo> {
        self.sessions.with(|core| core.info(self.id))
    }

    /// Who the session belongs to.
    ///
    /// # Errors
    ///
    /// [`StaleHandle`](crate::ErrorKind::StaleHandle) when it is removed.
    pub fn key(&self) -> Result<SessionKey> {
        self.info().map(|info| info.key)
    }

    /// What the session remembers. Its count of requests is that of the messages.
    ///
    /// # Errors
    ///
    /// [`StaleHandle`](crate::ErrorKind::StaleHandle) when it is removed.
    pub fn state(&self) -> Result<State<M>> {
        self.sessions.with(|core| core.state(self.id))
    }

    /// Sends a message; the receipt tells the answer.
    ///
    /// # Errors
    ///
    /// [`DuplicateMessage`](crate::ErrorKind::DuplicateMessage) when it was sent before, within
    /// [`duplicate_window`](SessionOptions::duplicate_window);
    /// [`StaleHandle`](crate::ErrorKind::StaleHandle) when the session is removed.
    pub fn send(&self, message: impl Into<Message>) -> Result<Receipt<M>> {
        let (message, now) = (message.into(), self.sessions.now()?);
        let (number, wake) = self
            .sessions
            .with(|core| core.send(self.id, message, now))?;
        wake_all(wake);
        Ok(Receipt::new(self.sessions.clone(), number))
    }
}

impl<M: Mode> Clone for Session<M> {
    fn clone(&self) -> Self {
        self.sessions.session(self.id)
    }
}

impl<M: Mode> fmt::Debug for Session<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Session").field(&self.info()).finish()
    }
}
