//! One end of a WebSocket connection, as both of its types have it.

use std::task::{Context, Poll, Waker};

use super::due::Due;
use crate::core::after::After;
use crate::core::socket::{Ending, Event, Next};
use crate::core::timeline::Alarm;
use crate::core::{Core, SocketId};
use crate::engine::Engine;
use crate::error::{Error, Part, Result};
use crate::mode::Mode;
use crate::model::message::{CloseFrame, Message, Side};

/// One end. Dropped, it is gone.
pub(super) struct End<M: Mode> {
    pub(super) engine: M::Ptr<Engine<M>>,
    pub(super) id: SocketId,
    side: Side,
    /// Orders it among those due together.
    place: u64,
    due: Due<M>,
    /// Whether it has told the end of the connection.
    over: bool,
}

impl<M: Mode> End<M> {
    pub(super) fn new(engine: M::Ptr<Engine<M>>, id: SocketId, side: Side) -> Self {
        let place = engine.with(|core| core.timeline.number());
        Self {
            engine,
            id,
            side,
            place,
            due: Due::new(),
            over: false,
        }
    }

    /// Waits until the connection is open.
    pub(super) fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.poll(cx, |core, id, _, waker| core.open_socket(id, waker))
    }

    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Message>>> {
        if self.over {
            return Poll::Ready(None);
        }
        let polled = self.poll(cx, |core, id, side, waker| {
            core.socket_next(id, side, waker)
        });
        let Poll::Ready(event) = polled else {
            return Poll::Pending;
        };
        self.over = !matches!(event, Ok(Event::Message(_)));
        Poll::Ready(match event {
            Ok(Event::Message(message)) => Some(Ok(message)),
            Ok(Event::Over(None)) => None,
            Ok(Event::Over(Some(ending))) => Some(Err(ending.error())),
            Err(error) => Some(Err(error)),
        })
    }

    pub(super) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let polled = self.poll(cx, |core, id, side, waker| {
            core.socket_may_send(id, side, waker)
        });
        polled.map(|may| may?)
    }

    pub(super) fn send(&self, message: Message) -> Result<()> {
        let message = message.validate()?;
        let (sent, after, refused) = self
            .engine
            .with(|core| core.socket_send(self.id, self.side, message));
        after.settle();
        drop(refused);
        sent
    }

    pub(super) fn close(&self, frame: CloseFrame) -> Result<()> {
        self.send(Message::Close(Some(frame)))
    }

    /// Begins the closing handshake with the normal end, unless the connection is closed.
    pub(super) fn poll_close(&self) -> Poll<Result<()>> {
        let is_closed = |core: &mut Core<M>| {
            let connection = core.socket(self.id);
            connection.is_none_or(|it| it.machine.has_closed(self.side))
        };
        if self.over || self.engine.with(is_closed) {
            return Poll::Ready(Ok(()));
        }
        let reason = String::new();
        Poll::Ready(self.close(CloseFrame { code: 1000, reason }))
    }

    pub(super) fn end(&self, ending: Ending) -> Result<()> {
        let after = self.engine.with(|core| core.end_socket(self.id, ending))?;
        after.settle();
        Ok(())
    }

    /// Fails the connection, which the client hears of otherwise.
    pub(super) fn fail(&self, error: Error) {
        if let Ok(after) = self.engine.with(|core| core.fail_socket(self.id, error)) {
            after.settle();
        }
    }

    /// The server closes with this frame, and the connection fails.
    pub(super) fn violate(&self, frame: CloseFrame) {
        let error = Error::invalid(Part::Message, "a frame", frame.reason.clone());
        let violated = self
            .engine
            .with(|core| core.violate_socket(self.id, frame, error));
        if let Ok(after) = violated {
            after.settle();
        }
    }

    /// The number of the request that opened the connection; 0 when it is gone.
    pub(super) fn number(&self) -> u64 {
        let number = |core: &mut Core<M>| core.socket(self.id).map(|it| it.number);
        self.engine.with(number).unwrap_or_default()
    }

    /// Asks the connection, and again when it is time for what it waits for.
    fn poll<T>(
        &mut self,
        cx: &mut Context<'_>,
        ask: impl Fn(&mut Core<M>, SocketId, Side, &mut Option<Waker>) -> Result<(Next<T>, After)>,
    ) -> Poll<Result<T>> {
        // Most of the time it is ready: then nobody has to be woken.
        let mut waker = None;
        loop {
            let patient = waker.is_some();
            let asked = self
                .engine
                .with(|core| ask(core, self.id, self.side, &mut waker));
            let next = match asked {
                Ok((next, after)) => {
                    after.settle();
                    next
                }
                Err(error) => {
                    self.due.leave(&self.engine);
                    return Poll::Ready(Err(error));
                }
            };
            match next {
                Next::Ready(it) => {
                    self.due.leave(&self.engine);
                    return Poll::Ready(Ok(it));
                }
                Next::At(_) | Next::Idle if !patient => waker = Some(cx.waker().clone()),
                Next::At(due) => {
                    let number = self.place;
                    let alarm = Alarm { due, number };
                    if self.due.poll(&self.engine, alarm, None, cx).is_pending() {
                        return Poll::Pending;
                    }
                    waker = None;
                }
                Next::Idle => {
                    self.due.leave(&self.engine);
                    return Poll::Pending;
                }
            }
        }
    }
}

impl<M: Mode> Drop for End<M> {
    fn drop(&mut self) {
        self.due.leave(&self.engine);
        let after = self
            .engine
            .with(|core| core.leave_socket(self.id, self.side));
        after.settle();
    }
}
