//! The request queue under 10,000 random runs, against a naive model: every item ends exactly once,
//! and whoever is next is who the model says.
#![cfg(not(target_arch = "wasm32"))]

use std::time::Duration;

use futures::FutureExt;
use mockwire::futures::{Running, Ticket};
use mockwire::sync::{MockTransport, RequestQueue};
use mockwire::{Completion, Priority, Stop, Threaded, Timing};
use proptest::prelude::*;

#[derive(Clone, Copy, Debug)]
enum Step {
    Abandon(usize),
    Advance(u64),
    Cancel(usize),
    Done(usize),
    Push(Priority),
    Stop(Stop),
    Take,
}

fn step() -> impl Strategy<Value = Step> {
    let priority = prop::sample::select(Priority::ALL.to_vec());
    let stop = prop::sample::select(vec![Stop::Drain, Stop::Cancel]);
    prop_oneof![
        8 => priority.prop_map(Step::Push),
        8 => Just(Step::Take),
        4 => any::<usize>().prop_map(Step::Done),
        1 => any::<usize>().prop_map(Step::Abandon),
        2 => any::<usize>().prop_map(Step::Cancel),
        2 => (0..50u64).prop_map(Step::Advance),
        1 => stop.prop_map(Step::Stop),
    ]
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Waiting,
    Running,
    Over(Completion),
}

/// An item as the model knows it.
#[derive(Clone, Debug)]
struct Item {
    priority: usize,
    since: u64,
    state: State,
    /// How often it ended.
    ends: u32,
}

#[derive(Debug)]
struct Model {
    items: Vec<Item>,
    now: u64,
    workers: usize,
    max_waiting: usize,
    ageing: Option<u64>,
    stopped: Option<Stop>,
}

impl Model {
    fn count(&self, state: State) -> usize {
        self.items.iter().filter(|it| it.state == state).count()
    }

    /// Who is next: the most urgent by now, then who was there first.
    fn next(&self) -> Option<usize> {
        if self.count(State::Running) >= self.workers {
            return None;
        }
        let mut best: Option<(usize, usize)> = None;
        for (number, item) in self.items.iter().enumerate() {
            let waited = self.now - item.since;
            let risen = self.ageing.map_or(0, |step| waited / step) as usize;
            let urgency = (item.priority + risen).min(3);
            if item.state == State::Waiting && best.is_none_or(|(most, _)| urgency > most) {
                best = Some((urgency, number));
            }
        }
        best.map(|(_, number)| number)
    }

    fn end(&mut self, number: usize, how: Completion) {
        self.items[number].state = State::Over(how);
        self.items[number].ends += 1;
    }
}

type Taken = (usize, Running<usize, Threaded>);

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 10_000,
        failure_persistence: None, // the failing input is printed: it becomes a test of its own
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_item_ends_once_and_in_order(
        workers in 1..4usize,
        max_waiting in 0..8usize,
        ageing in prop::option::of(1..40u64),
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let transport = MockTransport::builder().timing(Timing::Manual).build();
        let mut queue = RequestQueue::new(&transport, workers).max_waiting(max_waiting);
        if let Some(step) = ageing {
            queue = queue.ageing(Duration::from_millis(step));
        }
        let mut model = Model { items: Vec::new(), now: 0, workers, max_waiting, ageing, stopped: None };
        let mut tickets: Vec<Ticket<usize, Threaded>> = Vec::new();
        let mut running: Vec<Taken> = Vec::new();
        for step in steps {
            match step {
                Step::Advance(millis) => {
                    transport.advance(Duration::from_millis(millis));
                    model.now += millis;
                }
                Step::Push(priority) => {
                    let number = tickets.len();
                    let full = model.count(State::Waiting) >= model.max_waiting;
                    let code = match queue.push(number, priority) {
                        Ok(ticket) => {
                            tickets.push(ticket);
                            model.items.push(Item {
                                priority: priority as usize,
                                since: model.now,
                                state: State::Waiting,
                                ends: 0,
                            });
                            None
                        }
                        Err(error) => Some(error.code()),
                    };
                    let expected = match (model.stopped, full) {
                        (Some(_), _) => Some("MOCKWIRE_QUEUE_STOPPED"),
                        (None, true) => Some("MOCKWIRE_QUEUE_FULL"),
                        (None, false) => None,
                    };
                    prop_assert_eq!(code, expected);
                }
                Step::Take => {
                    let over = model.stopped.is_some() && model.count(State::Waiting) == 0;
                    match queue.next().now_or_never() {
                        Some(Some((item, taken))) => {
                            prop_assert_eq!(model.next(), Some(item));
                            model.items[item].state = State::Running;
                            running.push((item, taken));
                        }
                        Some(None) => prop_assert!(over),
                        None => prop_assert!(!over && model.next().is_none()),
                    }
                }
                Step::Done(at) | Step::Abandon(at) if !running.is_empty() => {
                    let (item, taken) = running.swap_remove(at % running.len());
                    if let Step::Done(_) = step {
                        taken.done();
                        model.end(item, Completion::Done);
                    } else {
                        drop(taken);
                        model.end(item, Completion::Cancelled);
                    }
                }
                Step::Cancel(at) if !tickets.is_empty() => {
                    let number = at % tickets.len();
                    let waits = model.items[number].state == State::Waiting;
                    prop_assert_eq!(tickets[number].cancel(), waits.then_some(number));
                    if waits {
                        model.end(number, Completion::Cancelled);
                    }
                }
                Step::Stop(how) => {
                    queue.stop(how);
                    model.stopped = model.stopped.max(Some(how));
                    if model.stopped == Some(Stop::Cancel) {
                        for number in 0..model.items.len() {
                            if model.items[number].state == State::Waiting {
                                model.end(number, Completion::Cancelled);
                            }
                        }
                    }
                }
                Step::Done(_) | Step::Abandon(_) | Step::Cancel(_) => {}
            }
            let status = queue.status();
            prop_assert_eq!(status.waiting, model.count(State::Waiting));
            prop_assert_eq!(status.running, model.count(State::Running));
            prop_assert!(status.running <= workers && status.peak <= workers);
        }
        // Whatever is left is drained; then everything has ended, each once.
        drop(running.drain(..).map(|(item, taken)| {
            taken.done();
            model.end(item, Completion::Done);
        }).collect::<Vec<_>>());
        queue.stop(Stop::Drain);
        while let Some((item, taken)) = queue.next().now_or_never().unwrap() {
            prop_assert_eq!(model.next(), Some(item));
            taken.done();
            model.end(item, Completion::Done);
        }
        for (ticket, item) in tickets.into_iter().zip(&model.items) {
            prop_assert_eq!(item.ends, 1);
            let ended = ticket.now_or_never().map(State::Over);
            prop_assert_eq!(ended, Some(item.state));
        }
        let status = queue.status();
        let ended = status.done + status.cancelled;
        prop_assert_eq!(ended as usize, model.items.len());
        prop_assert_eq!(status.done as usize, model.count(State::Over(Completion::Done)));
    }
}
