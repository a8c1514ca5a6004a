//! What the rules say of a connection, of which nobody knows yet what it is for.

use crate::core::arrival::Arrived;
use crate::core::exchange::Claimed;
use crate::core::rules::{Action, Candidate, Registered, Rule};
use crate::core::{Core, ExchangeId, RuleId};
use crate::engine::Engine;
use crate::error::Result;
use crate::fault::Fault;
use crate::flow::decide::Decision;
use crate::matcher::pattern::Pattern;
use crate::matcher::{Node, Subject};
use crate::mode::Mode;
use crate::model::damage::{Chaos, Damage};
use crate::model::reply::ReplyBody;
use crate::model::request::Request;

/// Asks for a connection, which is what the request stands for. `None` when nobody has anything to say
/// about it: then it is not captured.
pub(super) fn dial<M: Mode>(
    engine: &Engine<M>,
    request: &Request,
) -> Result<Option<(ExchangeId, Decision<M>)>> {
    engine.follow_clock();
    let settings = &engine.settings;
    let dialled = engine.with(|core| core.dial(request, &settings.chaos, settings.seed));
    let (next, candidates) = match dialled? {
        Dialled::Down(arrived, fault) => {
            let failed = Decision::Failed(fault.into());
            return Ok(Some((arrived.settle().0, failed)));
        }
        Dialled::Ask { next, candidates } => (next, candidates),
    };
    let mut subject = Subject::new(request, next);
    for Candidate { id, rule } in candidates {
        let matched = rule.matcher.test(&mut subject);
        if !matched.map_err(|error| error.in_rule(&rule.site.to_string()))? {
            continue;
        }
        if let Some(answered) = engine.with(|core| core.answer_dial(id, request)) {
            return Ok(Some(decided(answered, request)));
        }
    }
    let refused = engine.with(|core| core.refuse_dial(request));
    Ok(refused.map(|answered| decided(answered, request)))
}

fn decided<M: Mode>(
    answered: (Arrived, Claimed<M>),
    request: &Request,
) -> (ExchangeId, Decision<M>) {
    let (arrived, claimed) = answered;
    let request = Some(request.clone());
    (arrived.settle().0, Decision::Answer { claimed, request })
}

/// What can be said of a connection at once.
enum Dialled<M: Mode> {
    /// These rules are for connections, and have to be asked, in this order.
    Ask {
        /// The number that the attempt has if it is captured.
        next: u64,
        candidates: Vec<Candidate<M>>,
    },
    /// The host is down.
    Down(Arrived, Fault),
}

impl<M: Mode> Core<M> {
    fn dial(&mut self, request: &Request, chaos: &Chaos, seed: u64) -> Result<Dialled<M>> {
        self.ensure_alive()?;
        let next = self.journal.last() + 1;
        let down = self.endpoints.fault(request, self.timeline.now());
        let by_chance = || match chaos.draw(seed, next)? {
            Damage::Fault(fault) if fault.is_connect() => Some(*fault),
            _ => None,
        };
        if let Some(fault) = down.or_else(by_chance) {
            return Ok(Dialled::Down(self.arrive(request.clone(), None), fault));
        }
        let rules = self.rules.iter();
        let for_connections = rules.filter(|(_, registered)| is_for_connections(&registered.rule));
        let candidates = for_connections.map(|(id, registered)| {
            let rule = registered.rule.clone();
            Candidate { id, rule }
        });
        let mut candidates: Vec<Candidate<M>> = candidates.collect();
        candidates.sort_by_key(|candidate| std::cmp::Reverse(candidate.rule.priority));
        Ok(Dialled::Ask { next, candidates })
    }

    /// Lets a rule answer, unless it is out of play by now.
    fn answer_dial(&mut self, id: RuleId, request: &Request) -> Option<(Arrived, Claimed<M>)> {
        if !self.is_in_play(self.rules.get(id)?) {
            return None;
        }
        let arrived = self.arrive(request.clone(), None);
        let claimed = self.claim(arrived.exchange, id)?;
        Some((arrived, claimed))
    }

    /// Lets the first rule answer that a request to this origin may meet, when none of them would let
    /// a connection be made.
    fn refuse_dial(&mut self, request: &Request) -> Option<(Arrived, Claimed<M>)> {
        let rules = self.rules.iter();
        let mut first = None;
        for (id, registered) in rules {
            let rule = &registered.rule;
            let concerned = may_answer(rule, request) && self.is_in_play(registered);
            if !concerned || is_for_connections(rule) {
                continue;
            }
            if !fails_to_connect(registered) {
                return None;
            }
            let is_before = first.is_none_or(|(priority, _)| rule.priority > priority);
            if is_before {
                first = Some((rule.priority, id));
            }
        }
        self.answer_dial(first?.1, request)
    }
}

/// Whether a rule is for attempts to connect, and says so.
fn is_for_connections<M: Mode>(rule: &Rule<M>) -> bool {
    let connect = "CONNECT";
    rule.matcher.required().iter().any(|node| match node {
        Node::Pattern(pattern) => {
            matches!(&**pattern, Pattern::Method(method) if method == connect)
        }
        Node::Target(target) => target.method() == Some(connect),
        _ => false,
    })
}

/// Whether a rule may answer a request that goes where this one goes, whatever else it says.
fn may_answer<M: Mode>(rule: &Rule<M>, request: &Request) -> bool {
    let is_http = !matches!(rule.action, Action::Socket(_));
    is_http
        && rule.matcher.required().iter().all(|node| match node {
            Node::Pattern(pattern) => match &**pattern {
                Pattern::Host(_) | Pattern::Port(_) | Pattern::Scheme(_) => {
                    pattern.test_target(request)
                }
                _ => true,
            },
            Node::Target(target) => target.test_origin(request),
            _ => true,
        })
}

/// Whether a rule's next reply is that no connection is made.
fn fails_to_connect<M: Mode>(registered: &Registered<M>) -> bool {
    let rule = &registered.rule;
    let next = rule.reply_index(registered.hits());
    let next = next.and_then(|index| rule.reply(index));
    next.is_some_and(|reply| matches!(reply.body, ReplyBody::Fault(fault) if fault.is_connect()))
}
