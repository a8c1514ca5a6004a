//! The messages of one session: one turn at a time, in the order in which they were sent.

use std::collections::VecDeque;
use std::collections::hash_map::RandomState;
use std::task::Waker;
use std::time::Duration;

use super::recent::Recent;
use crate::model::session::Message;

pub(crate) struct Inbox {
    queue: VecDeque<Queued>,
    running: Option<Running>,
    /// A turn that was interrupted, and is to be taken again before the queue is.
    interrupted: Option<Work>,
    pub(crate) recent: Recent<RandomState>,
}

/// A message, and its number among all.
#[derive(Clone)]
pub(crate) struct Queued {
    pub(crate) number: u64,
    pub(crate) message: Message,
}

/// Messages that are answered together, and their answer so far.
pub(crate) struct Work {
    pub(crate) messages: Vec<Queued>,
    pub(crate) output: Vec<String>,
    /// How often it was begun.
    pub(crate) attempt: u32,
}

/// A turn that is going on.
struct Running {
    run: u64,
    work: Work,
    /// Who wants to know when it is interrupted.
    wakers: Vec<Waker>,
}

impl Inbox {
    pub(crate) fn new(window: Duration) -> Self {
        Self {
            queue: VecDeque::new(),
            running: None,
            interrupted: None,
            recent: Recent::new(window),
        }
    }

    pub(crate) fn push(&mut self, queued: Queued) {
        self.queue.push_back(queued);
    }

    /// The number of the message whose turn is next, unless a turn is going on.
    pub(crate) fn rank(&self) -> Option<u64> {
        if self.running.is_some() {
            return None;
        }
        let first = match &self.interrupted {
            Some(work) => work.messages.first(),
            None => self.queue.front(),
        };
        first.map(|queued| queued.number)
    }

    /// Begins the next turn, of at most so many messages.
    pub(crate) fn begin(&mut self, run: u64, batch: usize) -> &Work {
        let mut work = match self.interrupted.take() {
            Some(work) => work,
            None => Work {
                messages: self.queue.drain(..self.queue.len().min(batch)).collect(),
                output: Vec::new(),
                attempt: 0,
            },
        };
        work.attempt += 1;
        let wakers = Vec::new();
        let running = self.running.insert(Running { run, work, wakers });
        &running.work
    }

    /// The turn of this number, while it is going on.
    pub(crate) fn work(&mut self, run: u64) -> Option<&mut Work> {
        let running = self.running.as_mut()?;
        (running.run == run).then_some(&mut running.work)
    }

    /// Whether the turn of this number is going on; then the waker is taken.
    pub(crate) fn watch(&mut self, run: u64, waker: &mut Option<Waker>) -> bool {
        let Some(running) = self.running.as_mut().filter(|it| it.run == run) else {
            return false;
        };
        let known = |waker: &Waker| running.wakers.iter().any(|other| other.will_wake(waker));
        if !waker.as_ref().is_some_and(known) {
            running.wakers.extend(waker.take());
        }
        true
    }

    /// Ends the turn of this number; who watches it is to be woken.
    pub(crate) fn finish(&mut self, run: u64) -> Option<(Work, Vec<Waker>)> {
        let running = self.running.take_if(|it| it.run == run)?;
        Some((running.work, running.wakers))
    }

    /// Interrupts the turn that is going on, or only that of this number: it will be taken again.
    pub(crate) fn interrupt(&mut self, run: Option<u64>) -> Vec<Waker> {
        let running = self
            .running
            .take_if(|it| run.is_none_or(|run| it.run == run));
        let Some(running) = running else {
            return Vec::new();
        };
        self.interrupted = Some(running.work);
        running.wakers
    }

    /// Takes everything that is unfinished, in order, each with its output; who watches it is to be
    /// woken.
    pub(crate) fn take_unfinished(&mut self) -> (Vec<Work>, Vec<Waker>) {
        let (running, wakers) = match self.running.take() {
            Some(running) => (Some(running.work), running.wakers),
            None => (None, Vec::new()),
        };
        let queued = std::mem::take(&mut self.queue).into_iter().map(|it| Work {
            messages: vec![it],
            output: Vec::new(),
            attempt: 0,
        });
        let begun = running.into_iter().chain(self.interrupted.take());
        (begun.chain(queued).collect(), wakers)
    }

    pub(crate) fn waiting(&self) -> usize {
        let interrupted = self.interrupted.as_ref();
        self.queue.len() + interrupted.map_or(0, |work| work.messages.len())
    }

    pub(crate) fn running(&self) -> usize {
        let running = self.running.as_ref();
        running.map_or(0, |it| it.work.messages.len())
    }
}
