//! Rounds, slices, medians and spread.
//!
//! A *lane* is one contestant. In each round every lane runs, a few *slices* each, the lanes
//! taking turns slice by slice so that a busy moment of the machine hits them alike. A round's
//! value is the median of its slices; a lane's figure is the median of its rounds.

use std::sync::OnceLock;
use std::time::Instant;

use core_affinity::CoreId;

/// How much to run. `MOCKWIRE_BENCH_QUICK=1` makes it a smoke run.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Rounds; the spread is taken over them.
    pub rounds: usize,
    /// Slices per lane and round.
    pub slices: usize,
    quick: bool,
}

impl Plan {
    /// The plan the environment asks for.
    #[must_use]
    pub fn from_env() -> Self {
        let quick = std::env::var("MOCKWIRE_BENCH_QUICK").is_ok_and(|value| value != "0");
        let (rounds, slices) = if quick { (3, 3) } else { (9, 5) };
        Self {
            rounds,
            slices,
            quick,
        }
    }

    /// The same with so many slices.
    #[must_use]
    pub fn with_slices(self, slices: usize) -> Self {
        Self { slices, ..self }
    }

    /// `full` iterations, or a fifth of them in quick mode.
    #[must_use]
    pub fn iterations(&self, full: usize) -> usize {
        if self.quick { (full / 5).max(1) } else { full }
    }
}

/// One contestant: a name and a closure that measures one slice.
pub struct Lane<'a> {
    name: String,
    slice: Box<dyn FnMut() -> f64 + 'a>,
}

impl std::fmt::Debug for Lane<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lane")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl<'a> Lane<'a> {
    /// A lane whose `slice` returns its own figure, usually nanoseconds per operation.
    pub fn new(name: impl Into<String>, slice: impl FnMut() -> f64 + 'a) -> Self {
        Self {
            name: name.into(),
            slice: Box::new(slice),
        }
    }
}

/// A lane's rounds.
#[derive(Clone, Debug)]
pub struct Series {
    /// The lane's name.
    pub name: String,
    values: Vec<f64>,
}

impl Series {
    /// A series of values that were not measured in rounds, such as exact counts.
    ///
    /// # Panics
    ///
    /// If there are no values.
    pub fn of(name: impl Into<String>, values: impl IntoIterator<Item = f64>) -> Self {
        let values: Vec<f64> = values.into_iter().collect();
        assert!(!values.is_empty(), "a series has at least one value");
        Self {
            name: name.into(),
            values,
        }
    }

    /// The middle value.
    #[must_use]
    pub fn median(&self) -> f64 {
        median(&self.values)
    }

    /// The least value.
    #[must_use]
    pub fn min(&self) -> f64 {
        self.values.iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// The greatest value.
    #[must_use]
    pub fn max(&self) -> f64 {
        self.values
            .iter()
            .copied()
            .fold(f64::NEG_INFINITY, f64::max)
    }

    /// Round by round, `combine` of this series and another one of the same run.
    #[must_use]
    pub fn zip(&self, other: &Self, combine: impl Fn(f64, f64) -> f64) -> Self {
        let pairs = self.values.iter().zip(&other.values);
        Self::of(
            self.name.clone(),
            pairs.map(|(&ours, &theirs)| combine(ours, theirs)),
        )
    }
}

/// Runs the lanes in interleaved rounds, after one slice each that is thrown away.
#[must_use]
pub fn interleave(plan: Plan, mut lanes: Vec<Lane<'_>>) -> Vec<Series> {
    for lane in &mut lanes {
        (lane.slice)();
    }
    let count = lanes.len();
    let mut rounds = vec![Vec::with_capacity(plan.rounds); count];
    for round in 0..plan.rounds {
        let mut slices = vec![Vec::with_capacity(plan.slices); count];
        for slice in 0..plan.slices {
            for turn in 0..count {
                // Another lane goes first each time: nobody always runs after the same one.
                let lane = (turn + slice + round) % count;
                slices[lane].push((lanes[lane].slice)());
            }
        }
        for (values, slices) in rounds.iter_mut().zip(&slices) {
            values.push(median(slices));
        }
    }
    lanes
        .into_iter()
        .zip(rounds)
        .map(|(lane, values)| Series::of(lane.name, values))
        .collect()
}

/// Nanoseconds per iteration of `work`, which gets the iteration's number.
#[allow(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
pub fn nanoseconds(iterations: usize, mut work: impl FnMut(usize)) -> f64 {
    let start = Instant::now();
    for n in 0..iterations {
        work(n);
    }
    start.elapsed().as_nanos() as f64 / iterations as f64
}

/// Ties this process, and every thread it starts later, to one processor: a wake-up across
/// processors would cost the peers more than their work. `MOCKWIRE_BENCH_UNPINNED=1` opts out.
pub fn pin() {
    if std::env::var_os("MOCKWIRE_BENCH_UNPINNED").is_some() {
        return;
    }
    if let Some(last) = processors().last() {
        core_affinity::set_for_current(*last);
    }
}

/// The processors that this process had before it was tied to one.
pub fn processors() -> &'static [CoreId] {
    static PROCESSORS: OnceLock<Vec<CoreId>> = OnceLock::new();
    PROCESSORS.get_or_init(|| core_affinity::get_core_ids().unwrap_or_default())
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len() - 1;
    // The same one twice where there is a middle.
    f64::midpoint(sorted[last / 2], sorted[last - last / 2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_is_the_median_of_its_slices() {
        let plan = Plan {
            rounds: 2,
            slices: 3,
            quick: true,
        };
        let mut values = [9.0, 1.0, 100.0, 2.0, 8.0, 3.0, 7.0].into_iter();
        let lanes = vec![Lane::new("only", || {
            values.next().expect("one value per slice")
        })];
        // 9 is the warm-up; the rounds are {1, 100, 2} and {8, 3, 7}.
        let series = &interleave(plan, lanes)[0];
        assert_eq!(
            (series.min(), series.median(), series.max()),
            (2.0, 4.5, 7.0)
        );
    }
}
