//! Whether waits grow.

use std::time::Duration;

/// What is never told apart: timers know no better.
pub(super) const GRAIN: Duration = Duration::from_millis(1);

/// Whether waits grow, when chance may change each by this share: none is much shorter than the one
/// before, and the longest is longer than the first could be by chance. With a share of 1 anything goes.
pub(super) fn grows(waits: &[Duration], jitter: f64) -> bool {
    let (Some(first), Some(longest)) = (waits.first(), waits.iter().max()) else {
        return true;
    };
    if waits.len() < 2 || jitter >= 1.0 {
        return true;
    }
    let falls = |pair: &[Duration]| pair[1] + GRAIN < pair[0].mul_f64(1.0 - jitter);
    !waits.windows(2).any(falls) && *longest > first.mul_f64(1.0 + jitter) + GRAIN
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grow(millis: &[u64]) -> bool {
        let waits: Vec<_> = millis.iter().copied().map(Duration::from_millis).collect();
        grows(&waits, 0.25)
    }

    #[test]
    fn what_doubles_grows_up_to_a_cap_and_what_stays_does_not() {
        assert!(grow(&[500, 1000, 2000, 4000, 8000, 8000, 8000]));
        assert!(grow(&[1000, 2000, 3000]));
        // Doubling, each less up to a quarter: the least growth that there can be.
        assert!(grow(&[500, 750, 1500]));
        assert!(grow(&[500, 1000, 2000, 4000, 8000, 6000, 6000]));
        assert!(grow(&[1000]) && grow(&[]));

        assert!(!grow(&[1000, 1000, 1000]));
        assert!(!grow(&[1000, 1100, 900, 1200]));
        assert!(!grow(&[4000, 2000, 1000]));
        assert!(!grow(&[1000, 4000, 1000]));
        assert!(!grow(&[0, 0]) && !grow(&[0, 1]));
    }

    #[test]
    fn full_jitter_may_do_anything() {
        let waits = [800, 100, 1500].map(Duration::from_millis);
        assert!(grows(&waits, 1.0) && !grows(&waits, 0.25));
    }
}
