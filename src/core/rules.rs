//! The rules of a transport: what each one says, and how often it has answered.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::panic::Location;
use std::sync::{Arc, OnceLock};

use slotmap::SlotMap;

use super::connection_rate::ConnectionRate;
use super::index::{Candidates, Index, Route, Slot};
use super::{RuleId, ScopeId};
use crate::matcher::Matcher;
use crate::matcher::pattern::Pattern;
use crate::mode::Mode;
use crate::model::damage::Chaos;
use crate::model::reply::Reply;
use crate::model::request::Request;
use crate::model::sequence::SequenceEnd;
use crate::model::socket_script::SharedScript;
use crate::model::times::Times;
use crate::rate_limit::RateLimit;

/// How many removed rules are remembered at least.
const MANY: usize = 64;

/// What a rule says. Immutable once registered.
pub(crate) struct Rule<M: Mode> {
    pub(crate) matcher: Matcher<M>,
    pub(crate) action: Action<M>,
    pub(crate) priority: i32,
    pub(crate) site: Site,
    /// `None` for most rules: they answer any number of times, whatever the scenario.
    pub(crate) terms: Option<Box<Terms<M>>>,
    pub(crate) ease: Ease,
}

/// When a rule is in play, how fast, and what goes wrong.
pub(crate) struct Terms<M: Mode> {
    pub(crate) times: Times,
    pub(crate) step: Option<Step>,
    pub(crate) scope: Option<ScopeId>,
    pub(crate) rates: Vec<RateLimit<M>>,
    /// What goes wrong with its replies, by chance.
    pub(crate) chaos: Option<Chaos>,
}

impl<M: Mode> Terms<M> {
    /// Whether a rule with these terms is always in play.
    pub(crate) fn is_none(&self) -> bool {
        let Self {
            times,
            step,
            scope,
            rates,
            chaos,
        } = self;
        *times == Times::ANY
            && step.is_none()
            && scope.is_none()
            && rates.is_empty()
            && chaos.is_none()
    }
}

/// What makes a rule easy to decide and to reply with; found out once, when it is registered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ease {
    /// Method, scheme, host, port and path decide alone, so that the engine can.
    pub(crate) decided_by_target: bool,
    /// The reply is the same whatever the request says.
    pub(crate) replies_alike: bool,
}

/// What a rule does with a request.
pub(crate) enum Action<M: Mode> {
    /// Calls a handler.
    Handle(M::Responder),
    /// Keeps the request until the test replies to it.
    Hold,
    /// Always the same reply.
    Reply(Reply),
    /// One reply after the other.
    Sequence {
        replies: Box<[Reply]>,
        end: SequenceEnd,
    },
    /// Opens a WebSocket connection.
    Socket(Box<Accept<M>>),
}

/// How a rule opens a WebSocket connection.
pub(crate) struct Accept<M: Mode> {
    /// The subprotocol that it chooses.
    pub(crate) protocol: Option<String>,
    /// Says who a connection belongs to.
    pub(crate) identify: Option<M::Identify>,
    /// How fast it lets connections be made.
    pub(crate) rate: Option<ConnectionRate>,
    pub(crate) server: Server<M>,
}

/// Who has the server's end of a connection.
pub(crate) enum Server<M: Mode> {
    Handler(M::SocketHandler),
    Script(SharedScript),
    /// The test takes it.
    Test,
}

/// A scenario, the state that a rule waits for, and the one that it moves to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) scenario: String,
    pub(crate) when: Option<String>,
    pub(crate) then: Option<String>,
}

/// Where a rule was registered.
#[derive(Clone, Debug)]
pub(crate) enum Site {
    Rust(&'static Location<'static>),
    /// Told when somebody wants to know: to find it out takes long.
    #[cfg_attr(not(all(feature = "js", target_arch = "wasm32")), allow(dead_code))]
    Text(OnceLock<Arc<str>>),
}

/// A rule's turn to answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turn {
    pub(crate) rule: RuleId,
    /// How often it had answered before, from 0.
    pub(crate) number: u64,
    /// Which of its replies that are values is given.
    pub(crate) reply: Option<usize>,
}

pub(crate) struct Registered<M: Mode> {
    pub(crate) rule: M::Ptr<Rule<M>>,
    hits: u32,
}

pub(crate) struct Rules<M: Mode> {
    registered: SlotMap<RuleId, Registered<M>>,
    /// Those that were removed and whose replies captures name still.
    removed: BTreeMap<RuleId, M::Ptr<Rule<M>>>,
    /// How many removed ones are remembered before it is worth while to look who is named still.
    many: usize,
    /// The only rule, where the target alone decides: it is asked at once, and is not in the index.
    alone: Option<Slot>,
    index: Index,
    next_order: u32,
}

impl<M: Mode> Registered<M> {
    /// How often the rule has answered.
    pub(crate) fn hits(&self) -> u64 {
        self.hits.into()
    }

    /// Counts an answer.
    #[inline]
    pub(crate) fn take_turn(&mut self, id: RuleId) -> Turn {
        let number = self.hits();
        self.hits = self.hits.saturating_add(1);
        Turn {
            rule: id,
            number,
            reply: self.rule.reply_index(number),
        }
    }
}

/// A rule that may answer, taken out of the engine to be asked.
#[derive(Clone)]
pub(crate) struct Candidate<M: Mode> {
    pub(crate) id: RuleId,
    pub(crate) rule: M::Ptr<Rule<M>>,
}

impl<M: Mode> Rule<M> {
    /// A rule that is always in play.
    #[cfg_attr(not(all(feature = "js", target_arch = "wasm32")), allow(dead_code))]
    pub(crate) fn plain(matcher: Matcher<M>, action: Action<M>, site: Site) -> Self {
        Self {
            ease: Ease::of(&matcher, &action, &[]),
            matcher,
            action,
            priority: 0,
            site,
            terms: None,
        }
    }

    /// Whether header fields or the body have to be known to decide or to reply.
    #[cfg_attr(not(all(feature = "js", target_arch = "wasm32")), allow(dead_code))]
    pub(crate) fn needs_whole_request(&self) -> bool {
        !self.matcher.is_only(Pattern::needs_only_the_url)
            || self.action.replies().iter().any(Reply::is_template)
            || self.rates().iter().any(RateLimit::reads_requests)
    }

    pub(crate) fn times(&self) -> Times {
        self.terms.as_ref().map_or(Times::ANY, |terms| terms.times)
    }

    pub(crate) fn step(&self) -> Option<&Step> {
        self.terms.as_ref()?.step.as_ref()
    }

    pub(crate) fn chaos(&self) -> Option<&Chaos> {
        self.terms.as_ref()?.chaos.as_ref()
    }

    pub(crate) fn scope(&self) -> Option<ScopeId> {
        self.terms.as_ref()?.scope
    }

    /// How fast it may answer.
    pub(crate) fn rates(&self) -> &[RateLimit<M>] {
        self.terms.as_ref().map_or(&[], |terms| &terms.rates)
    }

    /// The reply for the `turn`-th request (from 0): its index among the replies.
    pub(crate) fn reply_index(&self, turn: u64) -> Option<usize> {
        match &self.action {
            Action::Reply(_) => Some(0),
            Action::Sequence { replies, end } => end.index(turn, replies.len()),
            Action::Handle(_) | Action::Hold | Action::Socket(_) => None,
        }
    }

    pub(crate) fn reply(&self, index: usize) -> Option<&Reply> {
        self.action.replies().get(index)
    }
}

impl<M: Mode> Action<M> {
    /// How it opens a WebSocket connection, if that is what it does.
    pub(crate) fn accept(&self) -> Option<&Accept<M>> {
        match self {
            Self::Socket(accept) => Some(accept),
            _ => None,
        }
    }

    /// The replies that are values.
    pub(crate) fn replies(&self) -> &[Reply] {
        match self {
            Self::Reply(reply) => std::slice::from_ref(reply),
            Self::Sequence { replies, .. } => replies,
            Self::Handle(_) | Self::Hold | Self::Socket(_) => &[],
        }
    }
}

impl Ease {
    pub(crate) fn of<M: Mode>(
        matcher: &Matcher<M>,
        action: &Action<M>,
        rates: &[RateLimit<M>],
    ) -> Self {
        let captures =
            |pattern: &Pattern| matches!(pattern, Pattern::Path(path) if path.exact().is_none());
        let replies = action.replies();
        let depends = |reply: &Reply| reply.is_template() || reply.is_from_exchange();
        let differs = replies.iter().any(depends);
        Self {
            decided_by_target: matcher.is_only(Pattern::is_about_target)
                && !differs
                && rates.is_empty(),
            replies_alike: !replies.is_empty()
                && !differs
                && !matcher.required_patterns().any(captures),
        }
    }
}

impl<M: Mode> Rules<M> {
    pub(crate) fn new() -> Self {
        Self {
            registered: SlotMap::with_key(),
            removed: BTreeMap::new(),
            many: MANY,
            alone: None,
            index: Index::default(),
            next_order: 0,
        }
    }

    pub(crate) fn insert(&mut self, rule: M::Ptr<Rule<M>>) -> RuleId {
        let (priority, order) = (rule.priority, self.next_order);
        self.next_order += 1;
        let may_be_alone = self.registered.is_empty() && rule.ease.decided_by_target;
        let id = self.registered.insert(Registered { rule, hits: 0 });
        let slot = Slot::new(priority, order, id);
        if may_be_alone {
            self.alone = Some(slot);
        } else {
            self.insert_beside(slot);
        }
        id
    }

    /// Files a rule in the index, after the one that was alone so far.
    #[inline(never)]
    fn insert_beside(&mut self, slot: Slot) {
        for slot in self.alone.take().into_iter().chain([slot]) {
            if let Some(registered) = self.registered.get(slot.id()) {
                let route = Route::of_rule(&registered.rule.matcher);
                self.index.insert(route, slot);
            }
        }
    }

    pub(crate) fn remove(&mut self, id: RuleId) -> Option<M::Ptr<Rule<M>>> {
        let Registered { rule, hits } = self.registered.remove(id)?;
        if self.alone.take_if(|slot| slot.id() == id).is_none() {
            self.index.remove(Route::of_rule(&rule.matcher), id);
        }
        // What makes replies, and what it owns, goes with the rule: captures name those that are values.
        let mut replies = rule.action.replies().iter();
        if hits > 0 && replies.any(|reply| !reply.is_from_exchange()) {
            self.removed.insert(id, rule.clone());
        }
        Some(rule)
    }

    /// A rule, also one that was removed if a capture may name its reply.
    pub(crate) fn ever(&self, id: RuleId) -> Option<&M::Ptr<Rule<M>>> {
        let registered = self.registered.get(id).map(|it| &it.rule);
        registered.or_else(|| self.removed.get(&id))
    }

    /// Whether it is worth while to look for removed rules that nobody names any more.
    pub(crate) fn remembers_many(&self) -> bool {
        self.removed.len() > self.many
    }

    /// Forgets the removed rules but for these; to be dropped outside the borrow.
    pub(crate) fn forget_others(&mut self, named: &BTreeSet<RuleId>) -> Vec<M::Ptr<Rule<M>>> {
        let (kept, forgotten) = std::mem::take(&mut self.removed)
            .into_iter()
            .partition(|(id, _)| named.contains(id));
        self.removed = kept;
        self.many = MANY.max(2 * self.removed.len());
        let forgotten: BTreeMap<_, _> = forgotten;
        forgotten.into_values().collect()
    }

    pub(crate) fn get(&self, id: RuleId) -> Option<&Registered<M>> {
        self.registered.get(id)
    }

    pub(crate) fn get_mut(&mut self, id: RuleId) -> Option<&mut Registered<M>> {
        self.registered.get_mut(id)
    }

    /// The rules that the request's target does not rule out, best first.
    pub(crate) fn candidates(&self, request: &Request) -> Candidates<'_> {
        match &self.alone {
            Some(slot) => Candidates::only(slot),
            None => self.index.candidates(request),
        }
    }

    /// All rules, in the order of their registration.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (RuleId, &Registered<M>)> {
        let mut order: Vec<_> = self.alone.into_iter().chain(self.index.slots()).collect();
        order.sort_unstable_by_key(|slot| slot.order());
        let registered = order.into_iter().map(|slot| slot.id());
        registered.filter_map(|id| Some((id, self.registered.get(id)?)))
    }

    pub(crate) fn clear(&mut self) -> Vec<M::Ptr<Rule<M>>> {
        if self.alone.take().is_none() {
            self.index.clear();
        }
        let mut rules = Vec::with_capacity(self.registered.len());
        rules.extend(
            self.registered
                .drain()
                .map(|(_, registered)| registered.rule),
        );
        if !self.removed.is_empty() {
            rules.extend(std::mem::take(&mut self.removed).into_values());
        }
        rules
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rust(location) => location.fmt(f),
            Self::Text(text) => f.write_str(text.get().map_or("", |text| text)),
        }
    }
}
