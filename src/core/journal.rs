//! What happened: one entry for each request, in order of arrival, the oldest evicted first.

use bytes::Bytes;
use http::HeaderMap;

use super::blocks::Blocks;
use super::rules::{Rule, Turn};
use super::timeline::Tick;
use super::trace::Trace;
use super::transcript::Transcript;
use super::{ExchangeId, RuleId, SocketId};
use crate::diagnosis::Diagnosis;
use crate::mode::Mode;
use crate::model::captured::{Captured, Outcome, ResponseHead};
use crate::model::reply::{Reply, ReplyBody};
use crate::model::request::Request;

/// How many unmatched requests a report diagnoses.
pub(crate) const DIAGNOSED: usize = 5;

pub(crate) struct Journal {
    entries: Blocks<Entry>,
    /// The number of the first entry; numbers count from 1.
    first: u64,
    cap: usize,
    /// How many entries were evicted since the last clearing.
    dropped: u64,
    /// How many requests matched no rule since the last clearing, also those that were evicted.
    unmatched: u64,
    /// Why the first of them did not, as it was found when they came: rules and states have changed since.
    diagnosed: Vec<Diagnosis>,
    /// The number of the last request before the last clearing.
    cleared_at: u64,
}

pub(crate) struct Entry {
    /// Stale once the exchange is over.
    pub(crate) exchange: ExchangeId,
    pub(crate) at: Tick,
    /// What did not happen on its arrival.
    pub(super) trace: Option<Box<Trace>>,
    pub(crate) request: Request,
    pub(crate) rule: Option<RuleId>,
    pub(crate) response: Response,
    pub(crate) outcome: Outcome,
    pub(crate) delivered: u64,
    /// What was delivered, where the rule does not have it.
    pub(crate) taken: Option<Box<[Bytes]>>,
}

/// The head of a response, without a copy where the rule has it.
pub(crate) enum Response {
    None,
    Made(Box<ResponseHead>),
    /// The reply with this number, of the rule that the entry names.
    OfRule {
        reply: usize,
    },
    Socket(Box<SocketRecord>),
}

/// A request that has opened a WebSocket connection.
pub(crate) struct SocketRecord {
    pub(crate) head: ResponseHead,
    pub(crate) id: SocketId,
    /// Once the connection is gone; until then it has its own.
    pub(crate) transcript: Option<Transcript>,
    pub(crate) blocked: u64,
}

impl Journal {
    pub(crate) fn new(cap: usize) -> Self {
        Self {
            entries: Blocks::new(),
            first: 1,
            cap,
            dropped: 0,
            unmatched: 0,
            diagnosed: Vec::new(),
            cleared_at: 0,
        }
    }

    /// Notes an arrival, and who answers if that is known; returns its number.
    #[inline]
    pub(crate) fn arrive(
        &mut self,
        exchange: ExchangeId,
        at: Tick,
        request: Request,
        answer: Option<Turn>,
    ) -> u64 {
        let reply = answer.and_then(|turn| turn.reply);
        let entry = Entry {
            exchange,
            at,
            trace: None,
            request,
            rule: answer.map(|turn| turn.rule),
            response: reply.map_or(Response::None, |reply| Response::OfRule { reply }),
            outcome: Outcome::Pending,
            delivered: 0,
            taken: None,
        };
        self.entries.push_back(entry);
        self.last()
    }

    /// Whether an entry has to go.
    #[inline]
    pub(crate) fn is_too_long(&self) -> bool {
        self.entries.len() > self.cap
    }

    /// Evicts the oldest entry, which is to be dropped outside the borrow.
    pub(crate) fn evict(&mut self) -> Option<Entry> {
        let evicted = self.entries.pop_front()?;
        self.first += 1;
        self.dropped += 1;
        Some(evicted)
    }

    /// The number of the last request.
    pub(crate) fn last(&self) -> u64 {
        self.first - 1 + self.entries.len() as u64
    }

    /// How many requests have arrived since the last clearing.
    pub(crate) fn arrived(&self) -> u64 {
        self.last() - self.cleared_at
    }

    /// How many entries were evicted since the last clearing.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }

    pub(crate) fn unmatched(&self) -> u64 {
        self.unmatched
    }

    /// Why the first unmatched requests matched no rule.
    pub(crate) fn diagnosed(&self) -> &[Diagnosis] {
        &self.diagnosed
    }

    pub(crate) fn note_diagnosis(&mut self, diagnosis: &Diagnosis) {
        if self.diagnosed.len() < DIAGNOSED {
            self.diagnosed.push(diagnosis.clone());
        }
    }

    pub(crate) fn note_unmatched(&mut self, number: u64, at: Tick) {
        self.unmatched += 1;
        if let Some(entry) = self.get_mut(number) {
            entry.outcome = Outcome::Unmatched;
            entry.note_end(at);
        }
    }

    /// The entry with this number, unless it was evicted.
    pub(crate) fn get_mut(&mut self, number: u64) -> Option<&mut Entry> {
        let index = number.checked_sub(self.first)?;
        self.entries.get_mut(usize::try_from(index).ok()?)
    }

    /// Replaces what was captured of a request by something fuller; returns what was there.
    #[cfg_attr(not(all(feature = "js", target_arch = "wasm32")), allow(dead_code))]
    pub(crate) fn replace_request(&mut self, number: u64, request: Request) -> Option<Request> {
        let entry = self.get_mut(number)?;
        Some(std::mem::replace(&mut entry.request, request))
    }

    /// The exchange of the request with this number, unless it was evicted.
    #[cfg_attr(not(all(feature = "js", target_arch = "wasm32")), allow(dead_code))]
    pub(crate) fn exchange(&mut self, number: u64) -> Option<ExchangeId> {
        Some(self.get_mut(number)?.exchange)
    }

    /// The entries from this number on, with their numbers.
    pub(crate) fn since(&self, number: u64) -> impl Iterator<Item = (u64, &Entry)> {
        let skip = number.saturating_sub(self.first);
        let skip =
            usize::try_from(skip).map_or(self.entries.len(), |skip| skip.min(self.entries.len()));
        let numbers = self.first + skip as u64..;
        numbers.zip(self.entries.since(skip))
    }

    /// Forgets all entries, and counts from 1 again.
    pub(crate) fn restart(&mut self) -> Blocks<Entry> {
        let empty = Self::new(self.cap);
        std::mem::replace(self, empty).entries
    }

    /// Forgets all entries. The numbers go on, as exchanges may be going on.
    pub(crate) fn clear(&mut self) -> Blocks<Entry> {
        self.cleared_at = self.last();
        self.first = self.cleared_at + 1;
        self.dropped = 0;
        self.unmatched = 0;
        self.diagnosed.clear();
        std::mem::replace(&mut self.entries, Blocks::new())
    }
}

impl Entry {
    /// A rule answers.
    pub(crate) fn note_answer(&mut self, turn: Turn) {
        self.rule = Some(turn.rule);
        if let Some(reply) = turn.reply {
            self.response = Response::OfRule { reply };
        }
    }

    pub(super) fn taken(&self) -> &[Bytes] {
        self.taken.as_deref().unwrap_or_default()
    }

    /// What is known of the exchange, with at most `cap` bytes of the response body. `rule` is the one
    /// that the entry names.
    pub(crate) fn snapshot<M: Mode>(
        &self,
        sequence: u64,
        rule: Option<&Rule<M>>,
        cap: usize,
    ) -> Captured {
        let delivered = usize::try_from(self.delivered).unwrap_or(usize::MAX);
        let reply = self.response.of_rule(rule);
        Captured {
            sequence,
            at: self.at,
            queued: self.queued_for(),
            request: self.request.clone(),
            rule: self.rule,
            outcome: self.outcome.clone(),
            response: self.response.head(reply),
            delivered: self.delivered,
            response_body: response_body(reply, self.taken(), delivered.min(cap)),
            messages: Vec::new(),
            dropped_messages: 0,
            blocked_sends: 0,
        }
    }
}

impl Response {
    /// The reply that the rule has as a value, if that is what was given.
    pub(super) fn of_rule<'a, M: Mode>(&self, rule: Option<&'a Rule<M>>) -> Option<&'a Reply> {
        match self {
            Self::OfRule { reply } => rule?.reply(*reply),
            _ => None,
        }
    }

    /// Whether there is a head.
    pub(crate) fn has_head<M: Mode>(&self, rule: Option<&Rule<M>>) -> bool {
        match self {
            Self::None => false,
            Self::Made(_) | Self::Socket(_) => true,
            Self::OfRule { .. } => {
                let reply = self.of_rule(rule);
                reply.is_some_and(|reply| reply.as_fault().is_none())
            }
        }
    }

    fn head(&self, of_rule: Option<&Reply>) -> Option<ResponseHead> {
        match self {
            Self::None => None,
            Self::Made(head) => Some((**head).clone()),
            Self::Socket(record) => Some(record.head.clone()),
            Self::OfRule { .. } => {
                let reply = of_rule.filter(|reply| reply.as_fault().is_none())?;
                Some(ResponseHead {
                    status: reply.status,
                    headers: HeaderMap::clone(&reply.headers),
                })
            }
        }
    }
}

/// The first bytes of a response body.
fn response_body(of_rule: Option<&Reply>, taken: &[Bytes], len: usize) -> Bytes {
    let frames = match of_rule.map(|reply| &reply.body) {
        Some(ReplyBody::Full(bytes)) => std::slice::from_ref(bytes),
        Some(ReplyBody::Frames(frames)) => frames,
        _ => taken,
    };
    match frames {
        [] => Bytes::new(),
        [only] => only.slice(..len.min(only.len())),
        frames => frames.iter().flatten().take(len).copied().collect(),
    }
}
