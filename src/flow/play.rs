//! A script on its way to one client.

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;

use super::due::Due;
use crate::core::ExchangeId;
use crate::core::exchange::Waits;
use crate::core::timeline::{Alarm, Tick};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::fault::Fault;
use crate::mode::Mode;
use crate::model::script::player::{Played, Player};
use crate::model::script::{Ending, Script};
use crate::wake::wake_all;

pub(crate) struct Playing<M: Mode> {
    player: Player,
    /// What comes next, and what after that when it can be told already.
    next: Played,
    then: Option<Played>,
    begun: Tick,
    /// Orders it among those due together: the lower its number, the earlier it began.
    number: u64,
    due: Due<M>,
    /// Whether it may be over without our having noticed.
    has_waited: bool,
    /// How many frames the client has taken.
    pub(super) taken: u64,
}

impl<M: Mode> Playing<M> {
    /// Begins to play, now.
    pub(crate) fn begin(engine: &Engine<M>, script: Arc<Script>, exchange: ExchangeId) -> Self {
        engine.follow_clock();
        let (begun, number, sequence) = engine.with(|core| {
            let sequence = core.exchanges.get(exchange).map(|it| it.sequence());
            let timeline = &mut core.timeline;
            (
                timeline.now(),
                timeline.number(),
                sequence.unwrap_or_default(),
            )
        });
        let mut player = Player::new(script, engine.settings.seed, sequence);
        let next = player.next();
        let then = after(&mut player, &next);
        Self {
            player,
            next,
            then,
            begun,
            number,
            due: Due::new(),
            has_waited: false,
            taken: 0,
        }
    }

    /// The next frame; `None` at a clean end.
    pub(crate) fn poll(
        &mut self,
        engine: &Engine<M>,
        exchange: ExchangeId,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes>>> {
        if std::mem::take(&mut self.has_waited) {
            if let Err(error) = engine.with(|core| core.ensure_going_on(exchange)) {
                return Poll::Ready(Some(Err(error)));
            }
        }
        let polled = self.poll_next(engine, exchange, cx);
        self.has_waited = polled.is_pending();
        polled
    }

    fn poll_next(
        &mut self,
        engine: &Engine<M>,
        exchange: ExchangeId,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes>>> {
        loop {
            match &self.next {
                Played::Hold(name) => {
                    let mut waker = Some(cx.waker().clone());
                    let opened = engine.with(|core| {
                        let opened = core.gates.pass(name, exchange);
                        if opened.is_none() {
                            core.park(exchange, &mut waker, || Waits::Release(name.clone()))?;
                        }
                        Ok(opened)
                    });
                    match opened {
                        Err(error) => return Poll::Ready(Some(Err(error))),
                        Ok(None) => return Poll::Pending,
                        Ok(Some(at)) => self.player.go_on(at.saturating_sub(self.begun)),
                    }
                    self.turn();
                }
                Played::Frame { due, .. } | Played::End { due, .. } => {
                    let alarm = self.alarm(*due);
                    // What is due with the head never waits, so that no clock is touched.
                    if !due.is_zero() {
                        let next = self.then.as_ref().and_then(|then| self.alarm_of(then));
                        if self.due.poll(engine, alarm, next, cx).is_pending() {
                            return Poll::Pending;
                        }
                    }
                    if let Played::End { ending, .. } = self.next {
                        return self.end(ending, engine, exchange, cx);
                    }
                    if let Played::Frame { bytes, .. } = self.turn() {
                        return Poll::Ready(Some(Ok(bytes)));
                    }
                }
            }
        }
    }

    /// Gives up its place among those who wait.
    pub(crate) fn leave(&mut self, engine: &Engine<M>) {
        self.due.leave(engine);
    }

    /// The fields after the body.
    pub(crate) fn trailers(&self) -> Option<HeaderMap> {
        let fields = self.player.script().trailer_fields().ok();
        fields.filter(|fields| !fields.is_empty())
    }

    fn turn(&mut self) -> Played {
        let next = match self.then.take() {
            Some(then) => then,
            None => self.player.next(),
        };
        self.then = after(&mut self.player, &next);
        std::mem::replace(&mut self.next, next)
    }

    fn end(
        &self,
        ending: Ending,
        engine: &Engine<M>,
        exchange: ExchangeId,
        cx: &Context<'_>,
    ) -> Poll<Option<Result<Bytes>>> {
        match ending {
            Ending::Clean => Poll::Ready(None),
            Ending::Fault(fault) => Poll::Ready(Some(Err(fault.into()))),
            Ending::Reset => Poll::Ready(Some(Err(Fault::ConnectionReset.into()))),
            Ending::Stall => {
                let mut waker = Some(cx.waker().clone());
                let parked = engine.with(|core| core.park(exchange, &mut waker, || Waits::Nothing));
                match parked {
                    Ok(()) => Poll::Pending,
                    Err(error) => Poll::Ready(Some(Err::<_, Error>(error))),
                }
            }
        }
    }

    fn alarm(&self, due: Tick) -> Alarm {
        Alarm {
            due: self.begun.saturating_add(due),
            number: self.number,
        }
    }

    fn alarm_of(&self, played: &Played) -> Option<Alarm> {
        match played {
            Played::Frame { due, .. } | Played::End { due, .. } => Some(self.alarm(*due)),
            Played::Hold(_) => None,
        }
    }
}

/// What comes after this, unless that depends on what has not happened yet.
fn after(player: &mut Player, played: &Played) -> Option<Played> {
    matches!(played, Played::Frame { .. }).then(|| player.next())
}

/// Wakes those whose exchanges may go on.
pub(crate) fn release<M: Mode>(engine: &Engine<M>, name: &str) {
    engine.follow_clock();
    let wake = engine.with(|core| core.release_gate(name));
    wake_all(wake);
}
