//! When things happened to an exchange.
//!
//! Most exchanges are over at the tick of their arrival, and all that can be told of them follows
//! from that. Only what happens at another time is noted, beside the journal's entry.

use super::journal::{Entry, Response};
use super::rules::Rule;
use super::timeline::Tick;
use super::{Core, ExchangeId};
use crate::mode::Mode;
use crate::model::captured::Outcome;
use crate::model::reply::ReplyBody;

/// How many frames there is room for when the first one comes.
const MOST_STREAMS: usize = 16;

/// What happened to an exchange after its arrival.
#[derive(Default)]
pub(crate) struct Trace {
    /// Where it had to wait.
    queued: Option<Queued>,
    /// When a rule was found, if not on its admission.
    matched: Option<Tick>,
    head: Head,
    frames: Vec<Frame>,
    dropped_frames: u64,
    /// When it was over, if not on its arrival.
    end: Option<Tick>,
    /// Whether its host was killed.
    killed: bool,
    /// Which rate limit has refused it, in words.
    refused: Option<Box<str>>,
}

/// A wait for the limits on concurrency.
#[derive(Clone)]
pub(crate) struct Queued {
    /// The key whose limit was reached; `None` for that of the whole transport.
    pub(crate) key: Option<String>,
    /// When it was admitted.
    pub(crate) acquired: Option<Tick>,
}

/// When the head of a response was given.
#[derive(Clone, Copy, Default)]
enum Head {
    /// When a rule was found: as soon as there was one to give.
    #[default]
    AtOnce,
    At(Tick),
    /// It has not been given, although there is one.
    NotGiven,
}

/// A frame of a body, taken by the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) at: Tick,
    pub(crate) bytes: u64,
}

/// When everything happened, as it is given out.
pub(crate) struct Times {
    pub(crate) queued: Option<Queued>,
    pub(crate) matched: Option<Tick>,
    pub(crate) refused: Option<String>,
    pub(crate) head: Option<Tick>,
    pub(crate) frames: Vec<Frame>,
    pub(crate) dropped_frames: u64,
    pub(crate) end: Option<Tick>,
    pub(crate) killed: bool,
}

impl Head {
    fn at(self, matched: Tick) -> Option<Tick> {
        match self {
            Self::AtOnce => Some(matched),
            Self::At(at) => Some(at),
            Self::NotGiven => None,
        }
    }
}

impl<M: Mode> Core<M> {
    /// A reply is there that the client gets later, or never.
    pub(crate) fn note_no_head(&mut self, exchange: ExchangeId) {
        let Some(sequence) = self.exchanges.get(exchange).map(|it| it.sequence()) else {
            return;
        };
        if let Some(entry) = self.journal.get_mut(sequence) {
            let rule = entry.rule.and_then(|rule| self.rules.ever(rule));
            if entry.response.has_head(rule.map(|rule| &**rule)) {
                entry.trace().head = Head::NotGiven;
            }
        }
    }

    /// The client gets the head now.
    pub(crate) fn note_head(&mut self, exchange: ExchangeId) {
        let now = self.timeline.now();
        if let Some(entry) = self.entry(exchange) {
            entry.note_head(now);
        }
    }

    /// The client takes a frame that comes in its own time.
    pub(crate) fn note_frame(&mut self, exchange: ExchangeId, bytes: usize) {
        let at = self.timeline.now();
        let bytes = bytes as u64;
        if let Some(entry) = self.entry_or_lost(exchange) {
            let frames = &mut entry.trace().frames;
            if frames.is_empty() {
                frames.reserve(MOST_STREAMS);
            }
            frames.push(Frame { at, bytes });
        }
    }

    /// So many frames more have come than are kept.
    pub(crate) fn note_dropped_frames(&mut self, exchange: ExchangeId, frames: u64) {
        if let Some(entry) = self.entry_or_lost(exchange) {
            entry.trace().dropped_frames = frames;
        }
    }

    /// A rate limit, in words, has refused the request.
    pub(crate) fn note_refused(&mut self, exchange: ExchangeId, limit: Box<str>) {
        if let Some(entry) = self.entry(exchange) {
            entry.trace().refused = Some(limit);
        }
    }

    /// The rule that answers.
    pub(crate) fn rule_of(&self, entry: &Entry) -> Option<&M::Ptr<Rule<M>>> {
        self.rules.ever(entry.rule?)
    }

    /// Of an exchange that is going on, or has failed before its client knew.
    fn entry_or_lost(&mut self, exchange: ExchangeId) -> Option<&mut Entry> {
        let going_on = self.exchanges.get(exchange).map(|it| it.sequence());
        let lost = || self.lost.get(exchange).map(|(_, sequence)| *sequence);
        self.journal.get_mut(going_on.or_else(lost)?)
    }
}

impl Entry {
    /// It waits to be admitted, because of this limit.
    pub(crate) fn note_queued(&mut self, key: Option<String>) {
        let acquired = None;
        self.trace().queued = Some(Queued { key, acquired });
    }

    /// It is admitted after a wait.
    pub(crate) fn note_acquired(&mut self, now: Tick) {
        if let Some(queued) = &mut self.trace().queued {
            queued.acquired = Some(now);
        }
    }

    /// A rule was found.
    pub(crate) fn note_matched(&mut self, now: Tick) {
        if now != self.at {
            self.trace().matched = Some(now);
        }
    }

    pub(crate) fn note_head(&mut self, now: Tick) {
        if self.is_late(now) {
            self.trace().head = Head::At(now);
        }
    }

    /// It is over.
    #[inline]
    pub(crate) fn note_end(&mut self, now: Tick) {
        if self.is_late(now) {
            self.trace().end = Some(now);
        }
    }

    pub(crate) fn note_killed(&mut self) {
        self.trace().killed = true;
    }

    /// How long it waited to be admitted, if it was.
    pub(crate) fn queued_for(&self) -> Tick {
        let queued = self.trace.as_ref().and_then(|it| it.queued.as_ref());
        let acquired = queued.and_then(|queued| queued.acquired);
        acquired.map_or(Tick::ZERO, |acquired| acquired.saturating_sub(self.at))
    }

    /// Where it had to wait, and which rate limit has refused it, in words.
    #[cfg(all(feature = "js", target_arch = "wasm32"))]
    pub(crate) fn limits_met(&self) -> (Option<Queued>, Option<String>) {
        let Some(trace) = &self.trace else {
            return (None, None);
        };
        let refused = trace.refused.as_deref().map(str::to_owned);
        (trace.queued.clone(), refused)
    }

    /// When everything happened; `rule` is the one that answers.
    pub(crate) fn times<M: Mode>(&self, rule: Option<&Rule<M>>) -> Times {
        let none = Trace::default();
        let trace = self.trace.as_deref().unwrap_or(&none);
        let queued = trace.queued.clone();
        let acquired = queued.as_ref().and_then(|it| it.acquired);
        let admitted = acquired.unwrap_or(self.at);
        let matched = trace.matched.unwrap_or(admitted);
        let is_over = !matches!(self.outcome, Outcome::Pending);
        let end = trace.end.unwrap_or(self.at);
        Times {
            queued,
            matched: self.rule.map(|_| matched),
            refused: trace.refused.as_deref().map(str::to_owned),
            head: trace
                .head
                .at(matched)
                .filter(|_| self.response.has_head(rule)),
            frames: if trace.frames.is_empty() && is_over {
                self.frames_at(end, rule)
            } else {
                trace.frames.clone()
            },
            dropped_frames: trace.dropped_frames,
            end: is_over.then_some(end),
            killed: trace.killed,
        }
    }

    /// Whether this is not to be told from the arrival alone.
    #[inline]
    fn is_late(&self, now: Tick) -> bool {
        now != self.at || self.trace.is_some()
    }

    #[cold]
    fn trace(&mut self) -> &mut Trace {
        self.trace.get_or_insert_default()
    }

    /// The frames of a body without times of its own: all are told when the last one was taken.
    fn frames_at<M: Mode>(&self, at: Tick, rule: Option<&Rule<M>>) -> Vec<Frame> {
        if let Response::Socket(_) = &self.response {
            return Vec::new();
        }
        let of_rule = self.response.of_rule(rule);
        let parts = match of_rule.map(|reply| &reply.body) {
            Some(ReplyBody::Frames(frames)) => frames,
            _ => self.taken(),
        };
        let mut left = self.delivered;
        let lengths = parts.iter().map(|part| part.len() as u64);
        // What is not kept of the body is one frame more.
        let taken = lengths.chain([u64::MAX]).map_while(|length| {
            let bytes = length.min(left);
            left -= bytes;
            (bytes > 0).then_some(Frame { at, bytes })
        });
        taken.collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::engine::Timing;
    use crate::{Local, MockTransport, Mode, Reply, Threaded};

    /// Which of the entries have something noted beside them.
    fn noted<M: Mode>() -> Vec<bool> {
        let transport = MockTransport::<M>::builder().timing(Timing::Manual).build();
        let millis = Duration::from_millis;
        transport.get("/plain").reply(Reply::json([1, 2]));
        transport.get("/frames").reply(Reply::stream(["a", "b"]));
        transport
            .get("/late")
            .reply(Reply::text("late").delay(millis(1)));
        let call = |path: &str| {
            let request = http::Request::get(format!("https://api.test{path}")).body(());
            transport.call(request.expect("a request"))
        };
        transport.advance(millis(7));
        for path in ["/plain", "/frames"] {
            let body = async { call(path).await?.into_body().bytes().await };
            transport.block_on(body).expect("a body");
        }
        assert!(transport.block_on(call("/nowhere")).is_err());
        drop(transport.block_on(call("/plain")));
        // What takes time is noted.
        let late = call("/late");
        let clock = transport.clone();
        let advancing = async { clock.advance(millis(1)) };
        let both = futures_util::future::join(late, advancing);
        assert!(transport.block_on(both).0.is_ok());
        transport.engine.with(|core| {
            let entries = core.journal.since(0);
            entries.map(|(_, entry)| entry.trace.is_some()).collect()
        })
    }

    #[test]
    fn what_happens_on_the_tick_of_the_arrival_is_not_noted() {
        let expected = [false, false, false, false, true];
        assert_eq!(noted::<Local>(), expected);
        assert_eq!(noted::<Threaded>(), expected);
    }
}
