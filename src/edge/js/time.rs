//! The transport's time, as JavaScript waits for it and moves it.
//!
//! JavaScript stands in the engine's line with numbers instead of wakers: who falls due is answered,
//! not woken. Times are milliseconds since the transport was made.

use std::task::Waker;

use wasm_bindgen::prelude::wasm_bindgen;

use super::Engine;
use crate::core::ExchangeId;
use crate::core::timeline::{Alarm, Asked};
use crate::edge::js_values::{duration, milliseconds};

#[wasm_bindgen]
impl Engine {
    /// The transport's time.
    pub fn now(&self) -> f64 {
        milliseconds(self.transport.now())
    }

    /// Moves time forward. It never moves back.
    #[wasm_bindgen(js_name = advanceTo)]
    pub fn advance_to(&self, time: f64) {
        let engine = &self.transport.engine;
        drop(engine.with(|core| core.timeline.advance_to(duration(time))));
    }

    /// A number of one's own: among those due together, lower numbers come first.
    pub fn place(&self) -> f64 {
        let number = self.transport.engine.with(|core| core.timeline.number());
        number as f64
    }

    /// Asks whether it is this one's turn; if not, it waits in line. If so, its place at `next` is
    /// kept, unless that is no number.
    pub fn ask(&self, due: f64, place: f64, next: f64) -> bool {
        let next = (!next.is_nan()).then(|| alarm(next, place));
        let waker = Waker::noop().clone();
        let engine = &self.transport.engine;
        match engine.with(|core| core.timeline.ask(alarm(due, place), next, waker)) {
            Asked::Now(left) => {
                left.settle();
                true
            }
            Asked::Later(was) => {
                drop(was);
                false
            }
        }
    }

    /// Gives up a place in line.
    pub fn leave(&self, due: f64, place: f64) {
        let engine = &self.transport.engine;
        let left = engine.with(|core| core.timeline.leave(alarm(due, place)));
        left.settle();
    }

    /// When somebody is due next; `Infinity` when nobody waits.
    #[wasm_bindgen(js_name = nextDue)]
    pub fn next_due(&self) -> f64 {
        let engine = &self.transport.engine;
        let first = engine.with(|core| core.timeline.first());
        first.map_or(f64::INFINITY, |(alarm, _)| milliseconds(alarm.due))
    }

    /// Takes out of the line those who wait and are due next, unless that is later than `limit`, and
    /// moves time to them; their places, in order. Whoever has only kept a place is waited for, unless
    /// everything has settled.
    pub fn step(&self, limit: f64, settled: bool) -> Vec<f64> {
        let engine = &self.transport.engine;
        let (mut places, mut left, mut tick) = (Vec::new(), Vec::new(), duration(limit));
        loop {
            let more = engine.with(|core| {
                let (first, is_kept) = core.timeline.first()?;
                if first.due > tick {
                    return None;
                }
                if is_kept {
                    let is_over = settled && places.is_empty();
                    is_over.then(|| left.push(core.timeline.leave(first)))
                } else {
                    tick = first.due;
                    places.push(first.number as f64);
                    core.timeline.take_first(tick).map(drop)
                }
            });
            if more.is_none() {
                break;
            }
        }
        for left in left {
            left.settle();
        }
        places
    }

    /// When this name was released; `NaN` when it was not.
    pub fn released(&self, name: &str) -> f64 {
        let engine = &self.transport.engine;
        // JavaScript knows who waits; nobody is noted here.
        let opened = engine.with(|core| core.gates.pass(name, ExchangeId::default()));
        opened.map_or(f64::NAN, milliseconds)
    }

    /// Lets the streams go on that are held at this name, now and later.
    pub fn release(&self, name: &str) {
        self.transport.release(name);
    }
}

fn alarm(due: f64, place: f64) -> Alarm {
    Alarm {
        due: duration(due),
        number: place as u64,
    }
}
