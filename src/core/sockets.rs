//! The WebSocket connections of a transport: who has which end, and who waits for what.

use std::collections::{BTreeMap, VecDeque};
use std::task::Waker;
use std::time::Duration;

use slotmap::{SecondaryMap, SlotMap};

use super::after::After;
use super::connection_rate::ConnectionRate;
use super::contexts::Contexts;
use super::journal::{Response, SocketRecord};
use super::rules::Site;
use super::socket::{Changes, Event, Machine, Next, Unmet};
use super::timeline::{Alarm, Tick};
use super::transcript::Limits;
use super::{ContextId, Core, ExchangeId, RuleId, SocketId};
use crate::error::Result;
use crate::mode::Mode;
use crate::model::captured::{Outcome, ResponseHead};
use crate::model::connection_builder::ConnectionBuilder;
use crate::model::message::{Message, Side};
use crate::model::request::Request;
use crate::model::socket_script::SharedScript;

/// How many unmet expectations are told in full.
const TOLD: usize = 64;

/// All connections of a transport. Made with the first one.
#[derive(Default)]
pub(crate) struct Sockets {
    pub(super) live: SlotMap<SocketId, Connection>,
    pub(crate) contexts: Contexts,
    /// The server ends that wait to be taken by the test.
    pub(super) waiting: SecondaryMap<RuleId, Listener>,
    /// Who waits for a client to say something.
    watchers: BTreeMap<Alarm, Waker>,
    pub(super) unmet: Vec<UnmetOf>,
    /// The number of the last message.
    last: u64,
}

pub(crate) struct Connection {
    pub(crate) machine: Machine,
    pub(crate) rule: RuleId,
    site: Site,
    pub(super) exchange: ExchangeId,
    /// `None` where JavaScript carries the messages, and notes them itself.
    pub(super) context: Option<ContextId>,
    /// The number of the request that opened it, which names it.
    pub(crate) number: u64,
    pub(crate) protocol: Option<String>,
    /// When it opened; `None` until then.
    pub(crate) opened: Option<Tick>,
    /// The response, until it opens.
    head: Option<Box<ResponseHead>>,
    /// Of a server end that the test has not taken yet.
    pub(super) request: Option<Request>,
    /// Who waits to read, of the client and of the server.
    pub(super) readers: [Option<Waker>; 2],
    /// Who waits to write, of the client and of the server.
    pub(super) writers: [Option<Waker>; 2],
}

#[derive(Default)]
pub(super) struct Listener {
    pub(super) waiting: VecDeque<SocketId>,
    pub(super) wakers: Vec<Waker>,
}

/// An expectation that was not met, and whose it was.
#[derive(Clone)]
pub(crate) struct UnmetOf {
    pub(crate) rule: RuleId,
    pub(crate) site: Site,
    pub(crate) connection: u64,
    pub(crate) unmet: Unmet,
}

/// What opens a connection.
pub(crate) struct Asked {
    pub(crate) rule: RuleId,
    pub(crate) site: Site,
    pub(crate) exchange: ExchangeId,
    pub(crate) script: Option<SharedScript>,
    pub(crate) protocol: Option<String>,
    pub(crate) head: ResponseHead,
    pub(crate) limits: Limits,
    pub(crate) client_answers: bool,
    /// `None` where JavaScript has one already.
    pub(crate) known: Option<Known>,
}

/// What is said of a connection when it is asked for.
pub(crate) struct Known {
    /// Who it belongs to.
    pub(crate) identity: Option<ConnectionBuilder>,
    /// How fast its rule lets connections be made.
    pub(crate) rate: Option<ConnectionRate>,
}

impl<M: Mode> Core<M> {
    /// A connection for an exchange that a rule has claimed.
    pub(crate) fn ask_for_socket(&mut self, asked: Asked) -> Result<SocketId> {
        let Some(exchange) = self.exchanges.get(asked.exchange) else {
            return Err(self.gone("exchange"));
        };
        let number = exchange.sequence();
        let now = self.timeline.now();
        let mut machine = Machine::new(now, asked.script, asked.limits);
        if asked.client_answers {
            machine.let_client_answer();
        }
        let sockets = self.sockets.get_or_insert_default();
        let context = match asked.known {
            Some(Known { identity, rate }) => {
                let contexts = &mut sockets.contexts;
                Some(contexts.open(asked.rule, rate, identity, now)?)
            }
            None => None,
        };
        let id = sockets.live.insert(Connection {
            machine,
            rule: asked.rule,
            site: asked.site,
            exchange: asked.exchange,
            context,
            number,
            protocol: asked.protocol,
            opened: None,
            head: Some(Box::new(asked.head)),
            request: None,
            readers: [None, None],
            writers: [None, None],
        });
        Ok(id)
    }

    /// Opens a connection when it is time; leaves who is to be woken when it is not. Fails when its host
    /// was killed meanwhile.
    pub(crate) fn open_socket(
        &mut self,
        id: SocketId,
        waker: &mut Option<Waker>,
    ) -> Result<(Next<()>, After)> {
        let lost = self.socket(id).and_then(|it| self.lost.get(it.exchange));
        if let Some((fault, _)) = lost {
            return Err((*fault).into());
        }
        let now = self.timeline.now();
        let ((next, response), after) = self.with_socket(id, |connection| {
            let next = connection.machine.open(now);
            if !matches!(next, Next::Ready(())) {
                std::mem::swap(&mut connection.readers[0], waker);
                return (next, None);
            }
            connection.opened = Some(now);
            (next, Some((connection.number, connection.head.take())))
        })?;
        if let Some((number, Some(head))) = response {
            self.note_opened(id, number, *head);
        }
        Ok((next, after))
    }

    fn note_opened(&mut self, id: SocketId, number: u64, head: ResponseHead) {
        self.timeline.note_activity();
        let now = self.timeline.now();
        if let Some(sockets) = &mut self.sockets {
            let context = sockets.live.get(id).and_then(|it| it.context);
            if let Some(context) = context {
                sockets.contexts.begin(context, now);
            }
        }
        if let Some(entry) = self.journal.get_mut(number) {
            entry.note_head(now);
            entry.response = Response::Socket(Box::new(SocketRecord {
                head,
                id,
                transcript: None,
                blocked: 0,
            }));
        }
    }

    /// What there is for an end; leaves who is to be woken when there is nothing. The client's
    /// exchange is over with the end of the connection.
    pub(crate) fn socket_next(
        &mut self,
        id: SocketId,
        side: Side,
        waker: &mut Option<Waker>,
    ) -> Result<(Next<Event>, After)> {
        let now = self.timeline.now();
        let (next, mut after) = self.with_socket(id, |connection| {
            let next = connection.machine.next(side, now);
            if !matches!(next, Next::Ready(_)) {
                std::mem::swap(&mut connection.readers[side as usize], waker);
            }
            next
        })?;
        if let (Side::Client, Next::Ready(Event::Over(ending))) = (side, &next) {
            let outcome = ending
                .as_ref()
                .map_or(Outcome::Done, |ending| Outcome::Failed(ending.error()));
            self.end_exchange(id, outcome, &mut after);
        }
        Ok((next, after))
    }

    /// Whether an end may send; leaves who is to be woken when it may not.
    pub(crate) fn socket_may_send(
        &mut self,
        id: SocketId,
        side: Side,
        waker: &mut Option<Waker>,
    ) -> Result<(Next<Result<()>>, After)> {
        let now = self.timeline.now();
        self.with_socket(id, |connection| {
            let may = connection.machine.may_send(side, now);
            if !matches!(may, Next::Ready(_)) {
                std::mem::swap(&mut connection.writers[side as usize], waker);
            }
            may
        })
    }

    /// An end sends a message. It is given back when it could not be looked at.
    pub(crate) fn socket_send(
        &mut self,
        id: SocketId,
        side: Side,
        message: Message,
    ) -> (Result<()>, After, Option<Message>) {
        let now = self.timeline.now();
        let mut message = Some(message);
        let sent = self.with_socket(id, |connection| match message.take() {
            Some(message) => connection.machine.send(side, message, now),
            None => Ok(()),
        });
        match sent {
            Ok((sent, after)) => (sent, after, None),
            Err(error) => (Err(error), After::default(), message),
        }
    }

    /// Changes a connection, and finds out who is to be woken.
    pub(super) fn with_socket<R>(
        &mut self,
        id: SocketId,
        f: impl FnOnce(&mut Connection) -> R,
    ) -> Result<(R, After)> {
        let sockets = self.sockets.as_deref_mut();
        let Some((sockets, connection)) = sockets.and_then(|it| it.split(id)) else {
            return Err(self.gone("connection"));
        };
        let result = f(connection);
        let passed = connection.machine.take_passed();
        if let Some(context) = connection.context.filter(|_| !passed.is_nothing()) {
            sockets.contexts.note(context, &passed);
        }
        let changes = connection.machine.take_changes();
        if changes != Changes::default() {
            self.timeline.note_activity();
        }
        let mut after = After {
            wake: connection.take_woken(changes),
            remains: None,
        };
        let litter = connection.machine.take_litter();
        if !litter.is_empty() {
            after.remains().litter = litter;
        }
        if connection.machine.transcript.number(sockets.last) && !sockets.watchers.is_empty() {
            after.remains().watchers = std::mem::take(sockets.watchers).into_values().collect();
        }
        if let Some(unmet) = connection.machine.take_unmet() {
            if sockets.unmet.len() < TOLD {
                sockets.unmet.push(connection.unmet(unmet));
            }
        }
        Ok((result, after))
    }

    /// Forgets which expectations were not met.
    pub(crate) fn clear_unmet_messages(&mut self) {
        if let Some(sockets) = &mut self.sockets {
            sockets.unmet.clear();
        }
    }

    /// Who waits for a client to say something, until the alarm.
    pub(crate) fn watch_messages(&mut self, alarm: Alarm, waker: Waker) -> Option<Waker> {
        let sockets = self.sockets.get_or_insert_default();
        sockets.watchers.insert(alarm, waker)
    }

    pub(crate) fn unwatch_messages(&mut self, alarm: Alarm) -> Option<Waker> {
        self.sockets.as_mut()?.watchers.remove(&alarm)
    }

    /// The number of the last message.
    pub(crate) fn last_message(&self) -> u64 {
        self.sockets.as_ref().map_or(0, |sockets| sockets.last)
    }

    pub(crate) fn socket(&self, id: SocketId) -> Option<&Connection> {
        self.sockets.as_ref()?.live.get(id)
    }
}

/// The connections of a transport without one of them.
struct Rest<'a> {
    contexts: &'a mut Contexts,
    last: &'a mut u64,
    watchers: &'a mut BTreeMap<Alarm, Waker>,
    unmet: &'a mut Vec<UnmetOf>,
}

impl Sockets {
    fn split(&mut self, id: SocketId) -> Option<(Rest<'_>, &mut Connection)> {
        let rest = Rest {
            contexts: &mut self.contexts,
            last: &mut self.last,
            watchers: &mut self.watchers,
            unmet: &mut self.unmet,
        };
        Some((rest, self.live.get_mut(id)?))
    }

    /// Forgets all connections, and gives them back, to be dropped outside the borrow. The keys of
    /// old connections never name new ones.
    pub(super) fn restart(&mut self) -> Self {
        let mut old = Self::default();
        for (_, connection) in self.live.drain() {
            old.live.insert(connection);
        }
        old.contexts = self.contexts.restart();
        old.waiting = std::mem::take(&mut self.waiting);
        old.watchers = std::mem::take(&mut self.watchers);
        old.unmet = std::mem::take(&mut self.unmet);
        self.last = 0;
        old
    }

    /// Everybody who waits for anything here.
    pub(crate) fn take_wakers(&mut self) -> Vec<Waker> {
        let mut wakers = Vec::new();
        for connection in self.live.values_mut() {
            let readers = connection.readers.iter_mut();
            wakers.extend(
                readers
                    .chain(&mut connection.writers)
                    .filter_map(Option::take),
            );
        }
        for (_, listener) in &mut self.waiting {
            wakers.append(&mut listener.wakers);
        }
        wakers.extend(std::mem::take(&mut self.watchers).into_values());
        wakers
    }
}

impl Connection {
    fn take_woken(&mut self, changes: Changes) -> [Option<Waker>; 4] {
        let Changes { readable, writable } = changes;
        let mut take = |changed: bool, reader: bool, side: usize| {
            let wakers = if reader {
                &mut self.readers
            } else {
                &mut self.writers
            };
            changed.then(|| wakers[side].take()).flatten()
        };
        [
            take(readable[0], true, 0),
            take(readable[1], true, 1),
            take(writable[0], false, 0),
            take(writable[1], false, 1),
        ]
    }

    pub(super) fn unmet(&self, unmet: Unmet) -> UnmetOf {
        UnmetOf {
            rule: self.rule,
            site: self.site.clone(),
            connection: self.number,
            unmet,
        }
    }

    /// How long it has been open.
    pub(crate) fn opened_at(&self) -> Duration {
        self.opened.unwrap_or_default()
    }
}
