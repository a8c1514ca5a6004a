//! The sessions there are, whose turn is next, and what has been answered.
//!
//! Whoever is to be woken, and whatever may own a value of the user's, is returned.

use std::collections::{BTreeMap, HashMap};
use std::task::Waker;
use std::time::Duration;

use slotmap::{SlotMap, new_key_type};

use super::inbox::{Inbox, Queued, Work};
use super::timeline::Tick;
use crate::error::{Error, ErrorKind, Part, Result};
use crate::mode::Mode;
use crate::model::session::{Answer, Burst, Message, SessionInfo, SessionKey, SessionOptions};
use crate::state::conversation::State;

new_key_type! {
    /// Names a session. Stale once it is removed.
    pub(crate) struct SessionId;
}

struct Entry<M: Mode> {
    key: SessionKey,
    /// Orders the sessions.
    number: u64,
    created_at: Tick,
    last_active: Tick,
    state: State<M>,
    inbox: Inbox,
    /// Its place among those whose turn may begin.
    rank: Option<u64>,
}

/// What the sender of a message waits for.
#[derive(Default)]
struct Pending {
    waker: Option<Waker>,
    answer: Option<Result<Answer>>,
}

/// A turn that has begun.
pub(crate) struct Begun {
    pub(crate) session: SessionId,
    pub(crate) run: u64,
    pub(crate) attempt: u32,
    pub(crate) messages: Vec<Message>,
}

pub(crate) struct SessionsCore<M: Mode> {
    options: SessionOptions,
    sessions: SlotMap<SessionId, Entry<M>>,
    by_key: HashMap<SessionKey, SessionId>,
    reserved: usize,
    /// The sessions whose turn may begin, by the number of its first message.
    ready: BTreeMap<u64, SessionId>,
    /// Who waits for a turn to begin.
    takers: Vec<Waker>,
    /// The messages that somebody waits to have answered.
    pending: HashMap<u64, Pending>,
    is_down: bool,
    next_number: u64,
}

impl<M: Mode> SessionsCore<M> {
    pub(crate) fn new(options: SessionOptions) -> Self {
        Self {
            options,
            sessions: SlotMap::with_key(),
            by_key: HashMap::new(),
            reserved: 0,
            ready: BTreeMap::new(),
            takers: Vec::new(),
            pending: HashMap::new(),
            is_down: false,
            next_number: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.sessions.len()
    }

    /// How many more there may be.
    pub(crate) fn available(&self) -> usize {
        self.options.limit - self.sessions.len() - self.reserved
    }

    /// Keeps a place for a session.
    pub(crate) fn reserve(&mut self) -> Result<()> {
        if self.available() == 0 {
            let limit = self.options.limit;
            return Err(Error::new(ErrorKind::SessionLimit { limit }));
        }
        self.reserved += 1;
        Ok(())
    }

    pub(crate) fn unreserve(&mut self) {
        self.reserved -= 1;
    }

    /// Creates a session on a reserved place, which is free again when that fails.
    pub(crate) fn create(
        &mut self,
        key: SessionKey,
        state: State<M>,
        now: Tick,
    ) -> Result<SessionId> {
        self.unreserve();
        if self.by_key.contains_key(&key) {
            let reason = "there is a session of this key: get it, or remove it first";
            return Err(Error::invalid(Part::Session, key.to_string(), reason));
        }
        let number = self.number();
        let id = self.sessions.insert(Entry {
            key: key.clone(),
            number,
            created_at: now,
            last_active: now,
            state,
            inbox: Inbox::new(self.options.duplicate_window),
            rank: None,
        });
        self.by_key.insert(key, id);
        Ok(id)
    }

    pub(crate) fn find(&self, key: &SessionKey) -> Option<SessionId> {
        self.by_key.get(key).copied()
    }

    pub(crate) fn touch(&mut self, id: SessionId, now: Tick) -> Result<()> {
        let entry = self.entry(id)?;
        entry.last_active = entry.last_active.max(now);
        Ok(())
    }

    pub(crate) fn state(&mut self, id: SessionId) -> Result<State<M>> {
        self.entry(id).map(|entry| entry.state.clone())
    }

    pub(crate) fn info(&mut self, id: SessionId) -> Result<SessionInfo> {
        self.entry(id).map(|entry| entry.info())
    }

    /// All sessions, in the order of their creation.
    pub(crate) fn list(&self) -> Vec<SessionInfo> {
        let ids = self.ids().into_iter();
        ids.map(|id| self.sessions[id].info()).collect()
    }

    /// The keys of all sessions, in the order of their creation.
    pub(crate) fn ids(&self) -> Vec<SessionId> {
        let mut ids: Vec<_> = self.sessions.keys().collect();
        ids.sort_unstable_by_key(|id| self.sessions[*id].number);
        ids
    }

    /// The sessions without unfinished messages that nobody has used for so long.
    pub(crate) fn inactive(&self, since: Duration, now: Tick) -> Vec<SessionId> {
        let is_inactive = |entry: &Entry<M>| {
            let is_idle = entry.inbox.waiting() + entry.inbox.running() == 0;
            is_idle && entry.last_active.saturating_add(since) <= now
        };
        let mut inactive = self.ids();
        inactive.retain(|id| is_inactive(&self.sessions[*id]));
        inactive
    }

    /// Removes a session. Whoever waits for its answers is told.
    pub(crate) fn remove(&mut self, id: SessionId) -> Result<(SessionKey, State<M>, Vec<Waker>)> {
        let mut entry = self.sessions.remove(id).ok_or_else(|| gone("session"))?;
        self.by_key.remove(&entry.key);
        if let Some(rank) = entry.rank {
            self.ready.remove(&rank);
        }
        let (unfinished, mut wake) = entry.inbox.take_unfinished();
        for work in unfinished {
            self.answer(&work.messages, &Err(gone("session")), &mut wake);
        }
        Ok((entry.key, entry.state, wake))
    }

    /// Takes a message in; its number, and who is to be woken.
    pub(crate) fn send(
        &mut self,
        id: SessionId,
        message: Message,
        now: Tick,
    ) -> Result<(u64, Vec<Waker>)> {
        let burst = self.options.burst;
        let number = self.number();
        let entry = self.entry(id)?;
        let fingerprint = message.fingerprint();
        if let Err(first) = entry.inbox.recent.note(fingerprint, now) {
            return Err(Error::new(ErrorKind::DuplicateMessage {
                session: entry.key.to_string(),
                ago: now.saturating_sub(first),
            }));
        }
        entry.last_active = entry.last_active.max(now);
        entry.state.count_request();
        let (preempted, mut wake) = match burst {
            Burst::Preempt => entry.inbox.take_unfinished(),
            Burst::Queue => (Vec::new(), Vec::new()),
        };
        entry.inbox.push(Queued { number, message });
        for work in preempted {
            let (output, is_partial) = (work.output, true);
            let answer = Ok(Answer { output, is_partial });
            self.answer(&work.messages, &answer, &mut wake);
        }
        self.pending.insert(number, Pending::default());
        self.rank(id, &mut wake);
        Ok((number, wake))
    }

    /// Begins the turn whose message was sent first; takes the waker when there is none.
    pub(crate) fn begin(&mut self, waker: &mut Option<Waker>) -> Option<Begun> {
        let first = self.ready.first_key_value().map(|(_, id)| *id);
        let Some(session) = first.filter(|_| !self.is_down) else {
            let known = |waker: &Waker| self.takers.iter().any(|other| other.will_wake(waker));
            if !waker.as_ref().is_some_and(known) {
                self.takers.extend(waker.take());
            }
            return None;
        };
        let (run, batch) = (self.number(), self.options.batch);
        let work = self.sessions.get_mut(session)?.inbox.begin(run, batch);
        let begun = Begun {
            session,
            run,
            attempt: work.attempt,
            messages: work.messages.iter().map(|it| it.message.clone()).collect(),
        };
        self.rank(session, &mut Vec::new());
        Some(begun)
    }

    /// The turn of this number, while it is going on.
    pub(crate) fn work(&mut self, id: SessionId, run: u64) -> Result<&mut Work> {
        let entry = self.sessions.get_mut(id);
        let work = entry.and_then(|entry| entry.inbox.work(run));
        work.ok_or_else(|| gone("turn"))
    }

    pub(crate) fn watch(&mut self, id: SessionId, run: u64, waker: &mut Option<Waker>) -> bool {
        let entry = self.sessions.get_mut(id);
        entry.is_some_and(|entry| entry.inbox.watch(run, waker))
    }

    /// A turn is over, with its output or with a failure; who is to be woken.
    pub(crate) fn finish(
        &mut self,
        id: SessionId,
        run: u64,
        failure: Option<Error>,
        now: Tick,
    ) -> Result<Vec<Waker>> {
        let entry = self.sessions.get_mut(id).ok_or_else(|| gone("turn"))?;
        let (work, mut wake) = entry.inbox.finish(run).ok_or_else(|| gone("turn"))?;
        entry.last_active = entry.last_active.max(now);
        let (output, is_partial) = (work.output, false);
        let answer = failure.map_or(Ok(Answer { output, is_partial }), Err);
        self.answer(&work.messages, &answer, &mut wake);
        self.rank(id, &mut wake);
        Ok(wake)
    }

    /// A turn was dropped: it will be taken again.
    pub(crate) fn interrupt(&mut self, id: SessionId, run: u64) -> Vec<Waker> {
        let Some(entry) = self.sessions.get_mut(id) else {
            return Vec::new();
        };
        let mut wake = entry.inbox.interrupt(Some(run));
        self.rank(id, &mut wake);
        wake
    }

    /// Interrupts all turns, and begins none.
    pub(crate) fn kill(&mut self) -> Vec<Waker> {
        self.is_down = true;
        let mut wake = Vec::new();
        let ids: Vec<_> = self.sessions.keys().collect();
        for id in ids {
            if let Some(entry) = self.sessions.get_mut(id) {
                wake.extend(entry.inbox.interrupt(None));
            }
            self.rank(id, &mut wake);
        }
        wake
    }

    pub(crate) fn restart(&mut self) -> Vec<Waker> {
        self.is_down = false;
        std::mem::take(&mut self.takers)
    }

    /// The answer to a message, once it is there; takes the waker until then, in exchange for the
    /// one that was there.
    pub(crate) fn take_answer(
        &mut self,
        number: u64,
        waker: &mut Option<Waker>,
    ) -> Option<Result<Answer>> {
        let pending = self.pending.get_mut(&number)?;
        std::mem::swap(&mut pending.waker, waker);
        pending.answer.take()
    }

    /// Nobody waits for the answer to this message any more.
    pub(crate) fn forget(&mut self, number: u64) -> Option<Waker> {
        self.pending.remove(&number)?.waker
    }

    fn answer(&mut self, messages: &[Queued], answer: &Result<Answer>, wake: &mut Vec<Waker>) {
        for queued in messages {
            if let Some(pending) = self.pending.get_mut(&queued.number) {
                pending.answer = Some(answer.clone());
                wake.extend(pending.waker.take());
            }
        }
    }

    /// Puts a session where its next turn belongs.
    fn rank(&mut self, id: SessionId, wake: &mut Vec<Waker>) {
        let Some(entry) = self.sessions.get_mut(id) else {
            return;
        };
        let rank = entry.inbox.rank();
        if let Some(was) = std::mem::replace(&mut entry.rank, rank) {
            self.ready.remove(&was);
        }
        if let Some(rank) = rank {
            self.ready.insert(rank, id);
            wake.append(&mut self.takers);
        }
    }

    fn entry(&mut self, id: SessionId) -> Result<&mut Entry<M>> {
        self.sessions.get_mut(id).ok_or_else(|| gone("session"))
    }

    fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }
}

impl<M: Mode> Entry<M> {
    fn info(&self) -> SessionInfo {
        SessionInfo {
            key: self.key.clone(),
            created_at: self.created_at,
            last_active: self.last_active,
            waiting: self.inbox.waiting(),
            running: self.inbox.running(),
        }
    }
}

fn gone(what: &'static str) -> Error {
    Error::new(ErrorKind::StaleHandle { what })
}
