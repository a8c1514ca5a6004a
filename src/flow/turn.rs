//! Taking turns at answering the messages of sessions.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use crate::core::sessions::Begun;
use crate::error::Result;
use crate::mode::Mode;
use crate::model::session::Message;
use crate::state::sessions::{Session, Sessions};

/// The future that [`Sessions::next_turn`](crate::state::Sessions::next_turn) returns.
#[must_use = "futures do nothing unless polled"]
pub struct NextTurn<M: Mode> {
    sessions: Sessions<M>,
}

impl<M: Mode> NextTurn<M> {
    pub(crate) fn new(sessions: Sessions<M>) -> Self {
        Self { sessions }
    }
}

impl<M: Mode> Future for NextTurn<M> {
    type Output = Turn<M>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Turn<M>> {
        let mut waker = Some(cx.waker().clone());
        match self.sessions.with(|core| core.begin(&mut waker)) {
            Some(begun) => Poll::Ready(Turn {
                sessions: self.sessions.clone(),
                begun,
            }),
            None => Poll::Pending,
        }
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
/// ([`Burst::Preempt`](crate::state::Burst::Preempt)), killed, or when its session is removed.
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
    /// [`StaleHandle`](crate::ErrorKind::StaleHandle) when the turn is over: then the piece is part
    /// of no answer.
    pub fn push(&self, piece: &str) -> Result<()> {
        let Begun { session, run, .. } = self.begun;
        self.sessions.now(); // something happens
        self.sessions.with(|core| {
            let work = core.work(session, run)?;
            work.output.push(piece.to_owned());
            Ok(())
        })
    }

    /// Waits until the turn is over although it was not finished: what a worker selects with.
    pub fn interrupted(&self) -> Interrupted<'_, M> {
        Interrupted(self)
    }

    /// Answers the messages with the output, and lets the session's next turn begin.
    ///
    /// # Errors
    ///
    /// [`StaleHandle`](crate::ErrorKind::StaleHandle) when the turn is over.
    pub fn finish(self) -> Result<()> {
        let Begun { session, run, .. } = self.begun;
        let now = self.sessions.now();
        let wake = self.sessions.with(|core| core.finish(session, run, now))?;
        wake.into_iter().for_each(Waker::wake);
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
pub struct Interrupted<'a, M: Mode>(&'a Turn<M>);

impl<M: Mode> Future for Interrupted<'_, M> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Begun { session, run, .. } = self.0.begun;
        let mut waker = Some(cx.waker().clone());
        let goes_on = |waker| {
            let sessions = &self.0.sessions;
            sessions.with(|core| core.watch(session, run, waker))
        };
        if goes_on(&mut waker) {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    }
}

impl<M: Mode> fmt::Debug for Interrupted<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Interrupted")
    }
}
