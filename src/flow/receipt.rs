//! Waiting for the answer to a message.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::ending::Ending;
use crate::error::Result;
use crate::mode::Mode;
use crate::model::session::Answer;
use crate::state::sessions::Sessions;

/// The answer to a message, once it is there; what [`Session::send`](crate::state::Session::send)
/// returns. Dropping it changes nothing: the message is answered all the same.
///
/// Fails with [`StaleHandle`](crate::ErrorKind::StaleHandle) when the session is removed before, with
/// [`Disposed`](crate::ErrorKind::Disposed) when the transport is disposed before, and with what
/// [`Turn::fail`](crate::state::Turn::fail) is given.
pub struct Receipt<M: Mode> {
    sessions: Sessions<M>,
    number: u64,
    ending: Ending,
    is_over: bool,
}

impl<M: Mode> Receipt<M> {
    pub(crate) fn new(sessions: Sessions<M>, number: u64) -> Self {
        Self {
            sessions,
            number,
            ending: Ending::new(),
            is_over: false,
        }
    }
}

impl<M: Mode> Future for Receipt<M> {
    type Output = Result<Answer>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        assert!(
            !self.is_over,
            "a `Receipt` was polled after it had completed"
        );
        let mut waker = Some(cx.waker().clone());
        let this = &mut *self;
        let (sessions, number) = (&this.sessions, this.number);
        let answer = sessions.with(|core| core.take_answer(number, &mut waker));
        let ended = || this.ending.poll(&sessions.engine, cx).err().map(Err);
        let Some(answer) = answer.or_else(ended) else {
            return Poll::Pending;
        };
        this.is_over = true;
        Poll::Ready(answer)
    }
}

impl<M: Mode> Unpin for Receipt<M> {}

impl<M: Mode> Drop for Receipt<M> {
    fn drop(&mut self) {
        drop(self.sessions.with(|core| core.forget(self.number)));
        self.ending.leave(&self.sessions.engine);
    }
}

impl<M: Mode> fmt::Debug for Receipt<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Receipt(message #{})", self.number)
    }
}
