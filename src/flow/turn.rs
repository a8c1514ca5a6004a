//! Taking turns at answering the messages of sessions.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::ending::Ending;
use crate::core::sessions::{Begun, SessionsCore};
use crate::error::{Error, Result};
use crate::mode::Mode;
use crate::model::session::Message;
use crate::state::sessions::{Session, Sessions};
use crate::wake::wake_all;

/// The future that [`Sessions::next_turn`](crate::state::Sessions::next_turn) returns.
#[must_use = "futures do nothing unless polled"]
pub struct NextTurn<M: Mode> {
    sessions: Sessions<M>,
    ending: Ending,
}

impl<M: Mode> NextTurn<M> {
    pub(crate) fn new(sessions: Sessions<M>) -> Self {
        let ending = Ending::new();
        Self { sessions, ending }
    }
}

impl<M: Mode> Future for NextTurn<M> {
    type Output = Result<Turn<M>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Turn<M>>> {
        let Self { sessions, ending } = &mut *self;
        if let Err(error) = ending.poll(&sessions.engine, cx) {
            return Poll::Ready(Err(error));
        }
        let mut waker = Some(cx.waker().clone());
        match sessions.with(|core| core.begin(&mut waker)) {
            Some(begun) => Poll::Ready(Ok(Turn {
                sessions: sessions.clone(),
                begun,
            })),
            None => Poll::Pending,
        }
    }
}

impl<M: Mode> Unpin for NextTurn<M> {}

impl<M: Mode> Drop for NextTurn<M> {
    fn drop(&mut self) {
        self.ending.leave(&self.sessions.engine);
    }
}

impl<M: Mode> fmt::Debug for NextTurn<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NextTurn")
    }
}

/// A turn at answering messages of one session, which has no other meanwhile.
///
/// It is over when it is [`finish`](Self::finish)ed, pre-empted by a later message
/// ([`Burst::Preempt`](crate::state::Burst::Preempt)), killed, or when its session is removed or the
/// transport disposed.
/// Dropped before, it is interrupted as by a kill: it will be taken again, with the output that it
/// has had so far.
#[must_use = "a turn that is dropped will be taken again"]
pub struct Turn<M: Mode> {
    sessions: Sessions<M>,
    begun: Begun,
}

impl<M: Mode> Turn<M> {
    /// The session.
    #[must_use]
    pub fn session(&self) -> Session<M> {
        self.sessions.session(self.begun.session)
    }

    /// The messages to answer, in the order in which they were sent; at least one.
    #[must_use]
    pub fn messages(&self) -> &[Message] {
        &self.begun.messages
    }

    /// How often this turn was taken, this time included: 1, unless it was interrupted.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.begun.attempt
    }

    /// The output so far, that of interrupted attempts included.
    ///
    /// # Errors
    ///
    /// [`StaleHandle`](crate::ErrorKind::StaleHandle) when the turn is over.
    pub fn output(&self) -> Result<Vec<String>> {
        let Begun { session, run, .. } = self.begun;
        self.sessions
            .with(|core| core.work(session, run).map(|work| work.output.clone()))
    }

    /// Adds a piece to the output.
    ///
    /// # Errors
    ///
    /// [`StaleHandle`](crate::ErrorKind::StaleHandle) or [`Disposed`](crate::ErrorKind::Disposed) when
    /// the turn is over: then the piece is part of no answer.
    pub fn push(&self, piece: &str) -> Result<()> {
        let Begun { session, run, .. } = self.begun;
        self.sessions.now()?; // something happens
        self.sessions.with(|core| {
            let work = core.work(session, run)?;
            work.output.push(piece.to_owned());
            Ok(())
        })
    }

    /// Waits until the turn is over although it was not finished: what a worker selects with.
    pub fn interrupted(&self) -> Interrupted<'_, M> {
        Interrupted {
            turn: self,
            ending: Ending::new(),
        }
    }

    /// Answers the messages with the output, and lets the session's next turn begin.
    ///
    /// # Errors
    ///
    /// [`StaleHandle`](crate::ErrorKind::StaleHandle) or [`Disposed`](crate::ErrorKind::Disposed) when
    /// the turn is over.
    pub fn finish(self) -> Result<()> {
        self.end(None)
    }

    /// Answers the messages with an error, and lets the session's next turn begin. The output is lost.
    ///
    /// ```
    /// use mockwire::state::{SessionKey, SessionOptions, Sessions};
    /// use mockwire::{Fault, sync::MockTransport};
    ///
    /// let transport = MockTransport::new();
    /// let sessions = Sessions::new(&transport, SessionOptions::new());
    /// let receipt = sessions.create(SessionKey::new())?.send("hello")?;
    /// transport.block_on(sessions.next_turn())?.fail(Fault::Timeout)?;
    /// assert_eq!(transport.block_on(receipt).unwrap_err().code(), "ETIMEDOUT");
    /// # Ok::<(), mockwire::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`StaleHandle`](crate::ErrorKind::StaleHandle) or [`Disposed`](crate::ErrorKind::Disposed) when
    /// the turn is over.
    pub fn fail(self, error: impl Into<Error>) -> Result<()> {
        self.end(Some(error.into()))
    }

    fn end(self, failure: Option<Error>) -> Result<()> {
        let Begun { session, run, .. } = self.begun;
        let now = self.sessions.now()?;
        let finish = |core: &mut SessionsCore<M>| core.finish(session, run, failure, now);
        let wake = self.sessions.with(finish)?;
        wake_all(wake);
        Ok(())
    }
}

impl<M: Mode> Drop for Turn<M> {
    fn drop(&mut self) {
        let Begun { session, run, .. } = self.begun;
        self.sessions.wake(|core| core.interrupt(session, run));
    }
}

impl<M: Mode> fmt::Debug for Turn<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn")
            .field("messages", &self.messages())
            .field("attempt", &self.attempt())
            .finish_non_exhaustive()
    }
}

/// The future that [`Turn::interrupted`] returns.
#[must_use = "futures do nothing unless polled"]
pub struct Interrupted<'a, M: Mode> {
    turn: &'a Turn<M>,
    ending: Ending,
}

impl<M: Mode> Future for Interrupted<'_, M> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { turn, ending } = &mut *self;
        let Begun { session, run, .. } = turn.begun;
        let mut waker = Some(cx.waker().clone());
        let watch = |core: &mut SessionsCore<M>| core.watch(session, run, &mut waker);
        if turn.sessions.with(watch) && ending.poll(&turn.sessions.engine, cx).is_ok() {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    }
}

impl<M: Mode> Unpin for Interrupted<'_, M> {}

impl<M: Mode> Drop for Interrupted<'_, M> {
    fn drop(&mut self) {
        self.ending.leave(&self.turn.sessions.engine);
    }
}

impl<M: Mode> fmt::Debug for Interrupted<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Interrupted")
    }
}
