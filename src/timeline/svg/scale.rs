//! From times to places on the axis.

use std::time::Duration;

/// How wide a cut is, where a long time in which nothing happens is left out.
const CUT: f64 = 34.0;

/// The longest time in which nothing happens is left out when it is longer than all others together
/// so many times.
const LONG: f64 = 2.0;

/// How far apart marks on the axis are at least.
const APART: f64 = 84.0;

/// The axis: time goes from left to right, evenly, but for what is left out.
pub(super) struct Scale {
    pieces: Vec<Piece>,
    /// Whether everything happens at once.
    is_moment: bool,
    /// How many pixels a nanosecond has, where time goes evenly.
    density: f64,
}

/// A time that is shown, or left out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Piece {
    from: f64,
    to: f64,
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) is_cut: bool,
}

impl Piece {
    pub(super) fn duration(&self) -> Duration {
        Duration::from_nanos((self.to - self.from) as u64)
    }
}

impl Scale {
    /// An axis for these times, in which something happens, from one place to another.
    pub(super) fn new(times: &[Duration], left: f64, right: f64) -> Self {
        let mut times: Vec<f64> = times.iter().map(|time| time.as_nanos() as f64).collect();
        times.sort_by(f64::total_cmp);
        times.dedup();
        let is_moment = times.len() < 2;
        let (first, last) = match (times.first(), times.last()) {
            (Some(first), Some(last)) if last > first => (*first, *last),
            // Everything happens at once.
            (first, _) => {
                let first = first.copied().unwrap_or_default();
                times = vec![first, first + 1e6];
                (first, first + 1e6)
            }
        };
        let gaps = times.windows(2).map(|pair| (pair[0], pair[1]));
        let mut gaps: Vec<_> = gaps.collect();
        gaps.sort_by(|one, other| (other.1 - other.0).total_cmp(&(one.1 - one.0)));
        let mut shown = last - first;
        let mut cuts = Vec::new();
        for (from, to) in gaps {
            let others = shown - (to - from);
            if others <= 0.0 || to - from <= LONG * others {
                break;
            }
            shown = others;
            cuts.push((from, to));
        }
        cuts.sort_by(|one, other| one.0.total_cmp(&other.0));
        let width = right - left - CUT * cuts.len() as f64;
        let mut scale = Self {
            pieces: Vec::new(),
            is_moment,
            density: width.max(CUT) / shown,
        };
        let mut from = first;
        for (begin, end) in cuts {
            scale.add(from, begin, left);
            scale.add_cut(begin, end, left);
            from = end;
        }
        scale.add(from, last, left);
        scale
    }

    /// Where a time is. What is beyond the ends is at the ends.
    pub(super) fn x(&self, time: Duration) -> f64 {
        let time = time.as_nanos() as f64;
        let piece = self.pieces.iter().find(|piece| time <= piece.to);
        let Some(piece) = piece.or_else(|| self.pieces.last()) else {
            return 0.0;
        };
        let share = (time - piece.from) / (piece.to - piece.from);
        piece.left + (piece.right - piece.left) * share.clamp(0.0, 1.0)
    }

    /// What is left out.
    pub(super) fn cuts(&self) -> impl Iterator<Item = &Piece> {
        self.pieces.iter().filter(|piece| piece.is_cut)
    }

    /// Round times to be marked on the axis, and where they are.
    pub(super) fn marks(&self) -> Vec<(Duration, f64)> {
        if let (true, Some(only)) = (self.is_moment, self.pieces.first()) {
            return vec![(Duration::from_nanos(only.from as u64), only.left)];
        }
        let step = step(APART / self.density);
        let shown = self.pieces.iter().filter(|piece| !piece.is_cut);
        let mut marks: Vec<(Duration, f64)> = Vec::new();
        for piece in shown {
            let mut time = (piece.from / step).ceil() * step;
            while time <= piece.to {
                let x = piece.left + (time - piece.from) * self.density;
                let is_apart = marks.last().is_none_or(|(_, last)| x - last > 0.6 * APART);
                if is_apart {
                    marks.push((Duration::from_nanos(time as u64), x));
                }
                time += step;
            }
        }
        marks
    }

    fn add(&mut self, from: f64, to: f64, left: f64) {
        let left = self.pieces.last().map_or(left, |piece| piece.right);
        if to > from {
            self.pieces.push(Piece {
                from,
                to,
                left,
                right: left + (to - from) * self.density,
                is_cut: false,
            });
        }
    }

    fn add_cut(&mut self, from: f64, to: f64, left: f64) {
        let left = self.pieces.last().map_or(left, |piece| piece.right);
        self.pieces.push(Piece {
            from,
            to,
            left,
            right: left + CUT,
            is_cut: true,
        });
    }
}

/// A round time that is no shorter: in nanoseconds.
fn step(least: f64) -> f64 {
    const SECOND: f64 = 1e9;
    const ROUND: [f64; 15] = [
        1.0, 2.0, 5.0, 10.0, 15.0, 30.0, // seconds
        60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, // minutes
        3600.0, 7200.0, 21600.0, // hours
    ];
    if least <= SECOND {
        let magnitude = 10_f64.powf(least.max(1.0).log10().floor());
        let round = [1.0, 2.0, 5.0, 10.0].map(|digit| digit * magnitude);
        let rounded = round.into_iter().find(|step| *step >= least);
        return rounded.unwrap_or(SECOND);
    }
    let round = ROUND.map(|seconds| seconds * SECOND);
    let rounded = round.into_iter().find(|step| *step >= least);
    rounded.unwrap_or_else(|| (least / (12.0 * 3600.0 * SECOND)).ceil() * 12.0 * 3600.0 * SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn time_goes_evenly_from_end_to_end() {
        let scale = Scale::new(&[millis(100), millis(200), millis(300)], 10.0, 210.0);
        let x = [0, 100, 150, 200, 300, 999].map(|time| scale.x(millis(time)));
        assert_eq!(x, [10.0, 10.0, 60.0, 110.0, 210.0, 210.0]);
        assert_eq!(scale.cuts().count(), 0);
    }

    #[test]
    fn a_long_time_in_which_nothing_happens_is_left_out() {
        let times = [0, 50, 100, 60_100, 60_200].map(millis);
        let scale = Scale::new(&times, 0.0, 434.0);
        let [cut] = &*scale.cuts().collect::<Vec<_>>() else {
            panic!("one cut");
        };
        assert_eq!(cut.duration(), millis(60_000));
        assert_eq!((cut.left, cut.right), (200.0, 234.0));
        assert_eq!(scale.x(millis(50)), 100.0);
        assert_eq!(scale.x(millis(60_200)), 434.0);
    }

    #[test]
    fn back_off_that_grows_is_shown_as_it_is() {
        let times = [0, 10, 1010, 1020, 3020, 3030, 7030, 7040].map(millis);
        assert_eq!(Scale::new(&times, 0.0, 800.0).cuts().count(), 0);
    }

    #[test]
    fn all_at_once_is_at_the_beginning() {
        for times in [&[][..], &[millis(7)], &[millis(7), millis(7)]] {
            let scale = Scale::new(times, 5.0, 100.0);
            assert_eq!(
                scale.x(millis(7)).floor(),
                if times.is_empty() { 100.0 } else { 5.0 }
            );
            assert_eq!(scale.marks().len(), 1);
        }
    }

    #[test]
    fn marks_are_round_and_apart() {
        let shown = |last: u64| {
            let scale = Scale::new(&[millis(0), millis(last)], 0.0, 850.0);
            let marks = scale.marks();
            (marks.len(), marks[1].0)
        };
        assert_eq!(shown(1_000), (11, millis(100)));
        assert_eq!(shown(1_300), (7, millis(200)));
        assert_eq!(shown(60_000), (7, millis(10_000)));
        assert_eq!(shown(600_000), (11, millis(60_000)));
        assert_eq!(shown(86_400_000), (5, millis(21_600_000)));
    }
}
