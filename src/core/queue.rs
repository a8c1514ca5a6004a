//! Items that wait for workers: who is next, how many at once, and how each of them ended.

use std::collections::BTreeMap;
use std::task::Waker;
use std::time::Duration;

use super::line::{Line, Spot};
use super::timeline::Tick;
use crate::error::{Error, ErrorKind};
use crate::model::priority::Priority;
use crate::model::queue::{Completion, QueueStatus, Stop};

pub(crate) struct Queue<T> {
    pub(crate) workers: usize,
    pub(crate) max_waiting: Option<usize>,
    pub(crate) ageing: Option<Duration>,
    line: Line<T>,
    /// The items that are not over, or whose tickets have not been told so.
    tickets: BTreeMap<u64, Ticket>,
    /// Workers that wait for an item.
    idle: Vec<Waker>,
    status: QueueStatus,
    next_number: u64,
}

/// What is known of an item besides itself.
struct Ticket {
    state: State,
    waker: Option<Waker>,
    /// Whether somebody holds the ticket.
    is_held: bool,
}

enum State {
    Waiting(Spot),
    Running,
    Over(Completion),
}

/// What a worker gets that asks for an item.
pub(crate) enum Next<T> {
    Item(u64, T),
    Later,
    /// The queue was stopped, and has none left.
    Never,
}

impl<T> Queue<T> {
    pub(crate) fn new(workers: usize) -> Self {
        Self {
            workers,
            max_waiting: None,
            ageing: None,
            line: Line::new(),
            tickets: BTreeMap::new(),
            idle: Vec::new(),
            status: QueueStatus {
                waiting: 0,
                running: 0,
                peak: 0,
                done: 0,
                cancelled: 0,
                stopped: None,
            },
            next_number: 0,
        }
    }

    pub(crate) fn status(&self) -> QueueStatus {
        self.status
    }

    /// An item arrives; its number, and whom to wake. Refused, it is returned: it must not be
    /// dropped in here.
    pub(crate) fn push(
        &mut self,
        item: T,
        priority: Priority,
        now: Tick,
    ) -> Result<(u64, Vec<Waker>), (Error, T)> {
        if self.status.stopped.is_some() {
            return Err((Error::new(ErrorKind::QueueStopped), item));
        }
        let waiting = self.status.waiting;
        if self.max_waiting.is_some_and(|max| waiting >= max) {
            return Err((Error::new(ErrorKind::QueueFull { waiting }), item));
        }
        self.next_number += 1;
        let number = self.next_number;
        let spot = Spot {
            priority,
            number,
            since: now,
        };
        self.line.insert(spot, item);
        self.status.waiting += 1;
        let ticket = Ticket {
            state: State::Waiting(spot),
            waker: None,
            is_held: true,
        };
        self.tickets.insert(number, ticket);
        Ok((number, std::mem::take(&mut self.idle)))
    }

    /// The item that is next, unless as many are being worked on as may be. The waker is taken when
    /// there is none yet.
    pub(crate) fn next(&mut self, now: Tick, waker: &mut Option<Waker>) -> Next<T> {
        let spot = self.line.first(now, self.ageing);
        if spot.is_none() && self.status.stopped.is_some() {
            return Next::Never;
        }
        let spot = spot.filter(|_| self.status.running < self.workers);
        let item = spot.and_then(|spot| Some((spot.number, self.line.remove(spot)?)));
        let Some((number, item)) = item else {
            // Once each: who asks again and again, as in a loop of `select!`, is woken once.
            let known = |waker: &Waker| self.idle.iter().any(|other| other.will_wake(waker));
            if !waker.as_ref().is_some_and(known) {
                self.idle.extend(waker.take());
            }
            return Next::Later;
        };
        if let Some(ticket) = self.tickets.get_mut(&number) {
            ticket.state = State::Running;
        }
        let status = &mut self.status;
        status.waiting -= 1;
        status.running += 1;
        status.peak = status.peak.max(status.running);
        Next::Item(number, item)
    }

    /// A worker is done with an item, or gives it up; whom to wake.
    pub(crate) fn finish(&mut self, number: u64, completion: Completion) -> Vec<Waker> {
        self.status.running -= 1;
        let mut wake = std::mem::take(&mut self.idle);
        wake.extend(self.end(number, completion));
        wake
    }

    /// Takes an item out that waits still; and whom to wake.
    pub(crate) fn cancel(&mut self, number: u64) -> Option<(T, Vec<Waker>)> {
        let State::Waiting(spot) = self.tickets.get(&number)?.state else {
            return None;
        };
        let item = self.line.remove(spot)?;
        self.status.waiting -= 1;
        // Workers wait for the last item of a queue that was stopped.
        let mut wake = std::mem::take(&mut self.idle);
        wake.extend(self.end(number, Completion::Cancelled));
        Some((item, wake))
    }

    /// Takes nothing more; the items that are cancelled by that, and whom to wake.
    pub(crate) fn stop(&mut self, how: Stop) -> (Vec<T>, Vec<Waker>) {
        self.status.stopped = self.status.stopped.max(Some(how));
        let mut wake = std::mem::take(&mut self.idle);
        let mut items = Vec::new();
        if self.status.stopped == Some(Stop::Cancel) {
            let waiting = |(number, ticket): (&u64, &Ticket)| {
                matches!(ticket.state, State::Waiting(_)).then_some(*number)
            };
            let waiting: Vec<_> = self.tickets.iter().filter_map(waiting).collect();
            for number in waiting {
                if let Some((item, woken)) = self.cancel(number) {
                    items.push(item);
                    wake.extend(woken);
                }
            }
        }
        (items, wake)
    }

    /// How an item ended; the waker is exchanged when it has not.
    pub(crate) fn completion(
        &mut self,
        number: u64,
        waker: &mut Option<Waker>,
    ) -> Option<Completion> {
        let ticket = self.tickets.get_mut(&number)?;
        match ticket.state {
            State::Over(completion) => Some(completion),
            State::Waiting(_) | State::Running => {
                std::mem::swap(&mut ticket.waker, waker);
                None
            }
        }
    }

    /// Nobody asks any more how an item ends; the waker is to be dropped outside the borrow.
    pub(crate) fn detach(&mut self, number: u64) -> Option<Waker> {
        let ticket = self.tickets.get_mut(&number)?;
        ticket.is_held = false;
        let waker = ticket.waker.take();
        if let State::Over(_) = ticket.state {
            self.tickets.remove(&number);
        }
        waker
    }

    fn end(&mut self, number: u64, completion: Completion) -> Option<Waker> {
        match completion {
            Completion::Cancelled => self.status.cancelled += 1,
            Completion::Done => self.status.done += 1,
        }
        let ticket = self.tickets.get_mut(&number)?;
        ticket.state = State::Over(completion);
        let waker = ticket.waker.take();
        if !ticket.is_held {
            self.tickets.remove(&number);
        }
        waker
    }
}
