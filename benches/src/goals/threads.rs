//! N5 and T1: what a second thread is worth, on one transport that is shared and on one each.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Instant;

use super::{among, ask, float};
use crate::fixtures;
use crate::floor::HandMade;
use crate::harness::{Lane, Plan, Series, interleave, processors};
use crate::report::{Bound, Row};
use crate::subject::{Sync, Transport};

/// Mocks registered besides the one that is asked for.
const OTHERS: usize = 999;
/// Threads with a transport each, many more than there are processors.
const MANY: usize = 64;

pub(super) fn rows(plan: Plan) -> Vec<Row> {
    let count = plan.iterations(8_000);
    let two = Crew::new(2);
    let many = Crew::new(MANY);
    let ours = || among::<Sync>(OTHERS);
    let floor = || HandMade::new(OTHERS);
    let lanes = vec![
        Lane::new("one thread", || two.share(&ours(), 1, count)),
        Lane::new("two threads, one transport", || {
            two.share(&ours(), 2, count)
        }),
        Lane::new("two threads, a transport each", || two.each(ours, 2, count)),
        Lane::new("64 threads, a transport each", || {
            many.each(ours, MANY, count)
        }),
        Lane::new("floor: one thread", || two.share(&floor(), 1, count)),
        Lane::new("floor: two threads, one mock", || {
            two.share(&floor(), 2, count)
        }),
        Lane::new("floor: two threads, a mock each", || {
            two.each(floor, 2, count)
        }),
    ];
    let series = interleave(plan, lanes);
    let [one, shared, own, of_many, floor, floor_shared, floor_own] = &series[..] else {
        unreachable!("seven lanes");
    };
    let judged =
        |id: &str, what: &str, ours: &Series, least: f64| Row::faster(id, what, ours, one, least);
    let gain = |id: &str, of: &Series, than: &Series| {
        let gain = of.zip(than, |of, than| than / of);
        Row::absolute(id, &of.name, &gain, "x", Bound::Unbounded)
    };
    vec![
        judged(
            "N5-shared",
            "two threads on one transport, whole requests / one thread",
            shared,
            1.2,
        ),
        gain("N5-floor", floor_shared, floor),
        judged(
            "T1-two",
            "two threads with a transport each, whole requests / one thread",
            own,
            1.8,
        ),
        gain("T1-many", of_many, one),
        gain("T1-floor", floor_own, floor),
        Row::shown("T1-one", one, "ns"),
    ]
}

/// Threads that stay, each tied to a processor while there are enough: to begin one costs more than a
/// slice, and so does an allocator's first memory.
struct Crew {
    members: Vec<Sender<Job>>,
}

type Job = Box<dyn FnOnce() + Send>;

impl Crew {
    fn new(size: usize) -> Self {
        let processors = processors();
        let member = |n: usize| {
            let (give, jobs): (Sender<Job>, Receiver<Job>) = channel();
            let processor = processors.get(n % processors.len().max(1)).copied();
            thread::spawn(move || {
                processor.map(core_affinity::set_for_current);
                jobs.into_iter().for_each(|job| job());
            });
            give
        };
        Self {
            members: (0..size).map(member).collect(),
        }
    }

    /// Nanoseconds per request, `count` of them shared out among as many threads as are wanted.
    fn share<T: Transport + Clone + Send + 'static>(
        &self,
        transport: &T,
        threads: usize,
        count: usize,
    ) -> f64 {
        self.each(|| transport.clone(), threads, count)
    }

    /// The same, with a transport for each.
    fn each<T: Transport + Send + 'static>(
        &self,
        make: impl Fn() -> T,
        threads: usize,
        count: usize,
    ) -> f64 {
        let start = Arc::new(Barrier::new(threads));
        let (tell, times) = channel();
        let share = count / threads;
        for member in &self.members[..threads] {
            let (transport, start, tell) = (make(), start.clone(), tell.clone());
            let job = move || {
                let uri = fixtures::uri(fixtures::PATH);
                ask(&transport, &uri, share / 10 + 1);
                start.wait();
                let from = Instant::now();
                ask(&transport, &uri, share);
                tell.send((from, Instant::now())).expect("somebody listens");
                // Nobody frees while another one is at work.
                start.wait();
            };
            member.send(Box::new(job)).expect("the crew stays");
        }
        drop(tell);
        let times: Vec<(Instant, Instant)> = times.into_iter().collect();
        let from = times.iter().map(|(from, _)| *from).min();
        let to = times.iter().map(|(_, to)| *to).max();
        let (Some(from), Some(to)) = (from, to) else {
            unreachable!("every thread tells its times");
        };
        float(to.duration_since(from).as_nanos() as u64) / float(share * threads)
    }
}
