//! A request arrives: it is noted, and the rules that its target does not rule out are found; where that
//! alone decides, the first of them is claimed.

use std::task::Waker;

use http::Method;

use super::exchange::{Claimed, Exchange};
use super::journal::Entry;
use super::rules::{Candidate, Ease, Turn};
use super::{Core, ExchangeId, RuleId};
use crate::error::{Error, Result};
use crate::fault::Fault;
use crate::mode::Mode;
use crate::model::reply::Reply;
use crate::model::request::Request;
use crate::wake::wake_all;

/// A request that has arrived, and is noted.
pub(crate) struct Arrived {
    pub(crate) exchange: ExchangeId,
    pub(crate) sequence: u64,
    /// What else has come of it, if anything has.
    pub(super) stir: Option<Box<Stir>>,
}

/// What an arrival has led to, to be settled outside the borrow.
#[derive(Default)]
pub(super) struct Stir {
    wake: Vec<Waker>,
    evicted: Option<Entry>,
}

/// What can be said of a request on its arrival.
pub(crate) enum Verdict<M: Mode> {
    /// The target alone decided, and the caller has the reply.
    Replied,
    /// The target alone decided. The request is there when the rule's reply depends on it.
    Claimed {
        claimed: Claimed<M>,
        request: Option<Request>,
    },
    /// Its host is down.
    Down(Fault),
    /// These have to be asked, in this order.
    Ask {
        candidates: Vec<Candidate<M>>,
        request: Request,
    },
}

/// A request that has arrived with what can be said of it; or it is given back with why it has not.
pub(crate) type Admitted<M> = Result<(Arrived, Verdict<M>), (Error, Request)>;

impl<M: Mode> Core<M> {
    /// A request arrives: it is noted, and claimed at once by the first rule where no more than
    /// its target has to be asked. The journal keeps it, or what is to be kept instead. Refused, it
    /// is returned: it must not be dropped in here.
    ///
    /// The caller may take a reply that is the same for every request in here, and says whether it has:
    /// then the rule need not be shared with it.
    #[inline]
    pub(crate) fn admit(
        &mut self,
        request: Request,
        instead: Option<Request>,
        take_reply: impl FnOnce(&Reply) -> bool,
    ) -> Admitted<M> {
        if let Err(error) = self.ensure_alive() {
            return Err((error, request));
        }
        if let Some(fault) = self.endpoints.fault(&request, self.timeline.now()) {
            let arrived = self.arrive(instead.unwrap_or(request), None);
            return Ok((arrived, Verdict::Down(fault)));
        }
        let first = self.first_verdict(&request);
        // A response to HEAD is without its body, so it is not like the others.
        let alike = matches!(first, Ok((_, ease)) if ease.replies_alike)
            && request.method() != Method::HEAD;
        // Shared only when somebody besides the journal looks at it.
        let (kept, request) = match instead {
            Some(instead) => (instead, Some(request)),
            None if alike => (request, None),
            None => (request.clone(), Some(request)),
        };
        let turn = first.as_ref().ok().and_then(|(id, _)| self.take_turn(*id));
        let arrived = self.arrive(kept, turn);
        let verdict = match (turn, request) {
            (Some(turn), request) => {
                let Some(registered) = self.rules.get(turn.rule) else {
                    unreachable!("its turn was just taken");
                };
                let rule = &registered.rule;
                // A request that is to be given back must not be dropped in here.
                let is_alone = request.is_none() && rule.chaos().is_none();
                let reply = turn.reply.filter(|_| is_alone);
                let reply = reply.and_then(|index| rule.reply(index));
                if reply.is_some_and(take_reply) {
                    Verdict::Replied
                } else {
                    let claimed = Claimed::new(turn, rule);
                    Verdict::Claimed { claimed, request }
                }
            }
            (None, Some(request)) => Verdict::Ask {
                candidates: first.err().unwrap_or_default(),
                request,
            },
            (None, None) => unreachable!("shared unless it was claimed"),
        };
        Ok((arrived, verdict))
    }

    /// Notes the arrival of a request, and who answers it if that is known.
    #[inline]
    pub(crate) fn arrive(&mut self, kept: Request, answer: Option<Turn>) -> Arrived {
        self.timeline.note_activity();
        let exchange = Exchange::new(self.journal.last() + 1);
        let exchange = self.exchanges.insert(exchange);
        let now = self.timeline.now();
        let sequence = self.journal.arrive(exchange, now, kept, answer);
        if let Some(state) = &self.state {
            state.count_request();
        }
        let mut arrived = Arrived {
            exchange,
            sequence,
            stir: None,
        };
        if self.journal.is_too_long() || !self.arrivals.is_empty() {
            arrived.stir = Some(self.stir());
        }
        arrived
    }

    /// What an arrival leads to.
    #[cold]
    fn stir(&mut self) -> Box<Stir> {
        let evicted = if self.journal.is_too_long() {
            self.journal.evict()
        } else {
            None
        };
        let wake = self.take_arrivals();
        Box::new(Stir { wake, evicted })
    }

    /// The first rule where the target alone decides; or the rules that have to be asked.
    #[inline]
    fn first_verdict(&mut self, request: &Request) -> Result<(RuleId, Ease), Vec<Candidate<M>>> {
        if let Some((id, registered)) = self.latest.get(request, &self.rules) {
            let is_in_play = self.is_in_play(registered);
            return if is_in_play {
                Ok((id, registered.rule.ease))
            } else {
                Err(Vec::new())
            };
        }
        self.look_up(request)
    }

    /// As `first_verdict`, for another target than the latest.
    #[inline(never)]
    fn look_up(&mut self, request: &Request) -> Result<(RuleId, Ease), Vec<Candidate<M>>> {
        let candidates = self.rules.candidates(request);
        let is_alone = candidates.is_only_one();
        let verdict = self.first_of(candidates, request);
        if let (Ok((id, _)), true) = (&verdict, is_alone) {
            self.latest.remember(request, *id);
        }
        verdict
    }

    fn first_of(
        &self,
        candidates: impl Iterator<Item = RuleId>,
        request: &Request,
    ) -> Result<(RuleId, Ease), Vec<Candidate<M>>> {
        let mut to_ask: Vec<Candidate<M>> = Vec::new();
        for id in candidates {
            let Some(registered) = self.rules.get(id) else {
                continue;
            };
            let rule = &registered.rule;
            if !to_ask.is_empty() || !rule.ease.decided_by_target {
                let rule = rule.clone();
                to_ask.push(Candidate { id, rule });
            } else if rule.matcher.test_target(request) && self.is_in_play(registered) {
                return Ok((id, rule.ease));
            }
        }
        Err(to_ask)
    }
}

impl Arrived {
    /// The exchange of the entry that had to go for it.
    #[cfg_attr(not(all(feature = "js", target_arch = "wasm32")), allow(dead_code))]
    pub(crate) fn evicted(&self) -> Option<ExchangeId> {
        let stir = self.stir.as_ref()?;
        Some(stir.evicted.as_ref()?.exchange)
    }

    /// Who else is to be woken for it.
    pub(super) fn wakes(&mut self, wakers: Vec<Waker>) {
        if !wakers.is_empty() {
            self.stir.get_or_insert_default().wake.extend(wakers);
        }
    }

    /// Outside the borrow: drops and wakes. Returns its exchange and its number.
    #[inline]
    pub(crate) fn settle(self) -> (ExchangeId, u64) {
        if let Some(stir) = self.stir {
            stir.settle();
        }
        (self.exchange, self.sequence)
    }
}

impl Stir {
    #[cold]
    #[inline(never)]
    fn settle(self) {
        drop(self.evicted);
        wake_all(self.wake);
    }
}
