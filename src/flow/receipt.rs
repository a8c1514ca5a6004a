//! Waiting for the answer to a message.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::error::Result;
use crate::mode::Mode;
use crate::model::session::Answer;
use crate::state::sessions::Sessions;

/// The answer to a message, once it is there; what [`Session::send`](crate::state::Session::send)
/// returns. Dropping it changes nothing: the message is answered all the same.
///
/// Fails with [`StaleHandle`](crate::ErrorKind::StaleHandle) when the session is removed before.
pub struct Receipt<M: Mode> {
    sessions: Sessions<M>,
    number: u64,
    is_over: bool,
}

impl<M: Mode> Receipt<M> {
    pub(crate) fn new(sessions: Sessions<M>, number: u64) -> Self {
        Self {
            sessions,
            number,
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
        let (sessions, number) = (&self.sessions, self.number);
        let answer = sessions.with(|core| core.take_answer(number, &mut waker));
        let Some(answer) = answer else {
            return Poll::Pending;
        };
        self.is_over = true;
        Poll::Ready(answer)
    }
}

impl<M: Mode> Unpin for Receipt<M> {}

impl<M: Mode> Drop for Receipt<M> {
    fn drop(&mut self) {
        drop(self.sessions.with(|core| core.forget(self.number)));
    }
}

impl<M: Mode> fmt::Debug for Receipt<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Receipt(message #{})", self.number)
    }
}
