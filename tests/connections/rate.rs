//! How fast connections may be made.

use std::time::Duration;

use mockwire::connections::ConnectionRate;
use mockwire::{ErrorKind, Part};
use proptest::prelude::*;

const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

#[test]
fn a_rate_that_admits_nothing_or_everything_is_refused() {
    for (limit, window) in [(0, ms(1)), (1, ms(0))] {
        let error = ConnectionRate::new(limit, window).unwrap_err();
        let part = match error.kind() {
            ErrorKind::Invalid { part, .. } => *part,
            other => panic!("{other:?}"),
        };
        assert_eq!(part, Part::Option);
    }
}

#[test]
fn what_is_refused_says_when_to_come_back() {
    let mut rate = ConnectionRate::new(1, ms(1_000)).unwrap();
    rate.admit(ms(500)).unwrap();
    let error = rate.admit(ms(750)).unwrap_err();
    assert_eq!(error.code(), "MOCKWIRE_CONNECTION_RATE_EXCEEDED");
    assert_eq!(
        error.to_string(),
        "no more connections than 1 may be made in 1s: try again in 750ms"
    );
}

#[test]
fn a_window_that_never_ends_is_no_overflow() {
    let mut rate = ConnectionRate::new(1, Duration::MAX).unwrap();
    rate.admit(ms(1)).unwrap();
    assert_eq!(rate.retry_after(ms(1)), Some(Duration::MAX - ms(1)));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Against the definition: fewer than `limit` were admitted in the window that ends now.
    #[test]
    fn a_rate_counts_exactly(
        limit in 1..5_usize,
        window in 1..20_u64,
        gaps in prop::collection::vec(0..8_u64, 0..40),
    ) {
        let mut rate = ConnectionRate::new(limit, ms(window)).unwrap();
        let mut admitted: Vec<u64> = Vec::new();
        let mut now = 0;
        for gap in gaps {
            now += gap;
            let recent = |now: u64| admitted.iter().filter(|at| **at + window > now).count();
            let free = (now..).find(|at| recent(*at) < limit).unwrap();
            let wait = (free > now).then(|| ms(free - now));
            prop_assert_eq!(rate.retry_after(ms(now)), wait);
            prop_assert_eq!(rate.admit(ms(now)).is_ok(), wait.is_none());
            if wait.is_none() {
                admitted.push(now);
            }
        }
    }
}
