//! What is said of exchanges in words, and how numbers are shown.

use std::time::Duration;

use super::value::{Cause, End, Outage, Outcome};

/// How an exchange ended, unless it went as it should.
pub(super) fn end(end: &End) -> Option<String> {
    let code = end.code.as_deref().unwrap_or("failed");
    Some(match (end.outcome, end.cause) {
        (Outcome::Done, _) => return None,
        (Outcome::Cancelled, _) => "the client gave up".to_owned(),
        (Outcome::Unmatched, _) => "no rule matched".to_owned(),
        (_, Some(Cause::Killed)) => "the host was killed".to_owned(),
        (_, Some(Cause::Outage)) => format!("the host was down: {code}"),
        (_, Some(Cause::QueueFull)) => "the waiting line was full".to_owned(),
        (_, Some(Cause::Handler)) => format!("the handler failed: {code}"),
        (Outcome::Failed, _) => code.to_owned(),
    })
}

/// `api.test was killed at 1.2 s, was back after 3 s, and answered again after 3.5 s`
pub(super) fn outage(outage: &Outage) -> String {
    let what = if outage.killed {
        "was killed"
    } else {
        "was down"
    };
    let mut words = format!("{} {what} at {}", outage.host, duration(outage.from));
    match outage.duration() {
        Some(down) => words += &format!(", was back after {}", duration(down)),
        None => words += ", and is still",
    }
    if let Some(recovery) = outage.recovery() {
        words += &format!(", and answered again after {}", duration(recovery));
    }
    words
}

/// `250 µs`, `12.5 ms`, `3 s`, `2 min 30 s`: at most three digits.
pub(super) fn duration(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    match nanos {
        0 => "0 ms".to_owned(),
        1..1_000 => format!("{nanos} ns"),
        1_000..1_000_000 => format!("{} µs", digits(nanos as f64 / 1e3)),
        1_000_000..1_000_000_000 => format!("{} ms", digits(nanos as f64 / 1e6)),
        1_000_000_000..60_000_000_000 => format!("{} s", digits(nanos as f64 / 1e9)),
        _ => {
            let half = Duration::from_millis(500);
            joined(duration.saturating_add(half).as_secs(), 2)
        }
    }
}

/// `1 h 1 min 30 s`: at most so many parts, and none that is zero.
fn joined(seconds: u64, most: usize) -> String {
    let parts = [
        (seconds / 3600, "h"),
        (seconds / 60 % 60, "min"),
        (seconds % 60, "s"),
    ];
    let parts = parts
        .iter()
        .skip_while(|(number, _)| *number == 0)
        .take(most);
    let parts = parts.filter(|(number, _)| *number > 0);
    let parts: Vec<_> = parts
        .map(|(number, unit)| format!("{number} {unit}"))
        .collect();
    parts.join(" ")
}

/// `512 B`, `1.5 kB`, `20 MB`.
pub(super) fn bytes(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} kB", digits(bytes as f64 / 1e3)),
        1_000_000..1_000_000_000 => format!("{} MB", digits(bytes as f64 / 1e6)),
        _ => format!("{} GB", digits(bytes as f64 / 1e9)),
    }
}

/// `1 frame`, `2 frames`.
pub(super) fn count(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

/// A round time, with all its digits: `250 ms`, `1.25 s`, `10 min`.
pub(super) fn exact(time: Duration) -> String {
    let nanos = time.as_nanos();
    let of = |unit: u128, name: &str| {
        let number = format!("{:.6}", nanos as f64 / unit as f64);
        let number = number.trim_end_matches('0').trim_end_matches('.');
        format!("{number} {name}")
    };
    match nanos {
        0 => "0".to_owned(),
        1..1_000 => of(1, "ns"),
        1_000..1_000_000 => of(1_000, "µs"),
        1_000_000..1_000_000_000 => of(1_000_000, "ms"),
        _ if nanos >= 60_000_000_000 && time.subsec_nanos() == 0 => joined(time.as_secs(), 3),
        _ => of(1_000_000_000, "s"),
    }
}

/// A number from 1 to 999 with three digits, and no zeros after the point.
fn digits(number: f64) -> String {
    let after = if number < 9.995 {
        2
    } else if number < 99.95 {
        1
    } else {
        0
    };
    let text = format!("{number:.after$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_exact() {
        let millis = |millis| exact(Duration::from_millis(millis));
        let shown = [0, 250, 1_250, 60_500, 61_000, 3_661_000, 7_200_000].map(millis);
        let expected = [
            "0",
            "250 ms",
            "1.25 s",
            "60.5 s",
            "1 min 1 s",
            "1 h 1 min 1 s",
            "2 h",
        ];
        assert_eq!(shown, expected);
        assert_eq!(exact(Duration::from_nanos(2_500)), "2.5 µs");
    }

    #[test]
    fn numbers_are_short() {
        let nanos = |nanos| duration(Duration::from_nanos(nanos));
        assert_eq!(nanos(0), "0 ms");
        assert_eq!(nanos(999), "999 ns");
        assert_eq!(nanos(1_500), "1.5 µs");
        assert_eq!(nanos(12_345_678), "12.3 ms");
        assert_eq!(nanos(250_000_000), "250 ms");
        assert_eq!(nanos(3_000_000_000), "3 s");
        assert_eq!(nanos(59_994_000_000), "60 s");
        assert_eq!(nanos(90_000_000_000), "1 min 30 s");
        assert_eq!(nanos(3_600_000_000_000), "1 h");
        assert_eq!(nanos(3_661_000_000_000), "1 h 1 min");
        assert_eq!(nanos(359_999_600_000_000), "100 h");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(1_536), "1.54 kB");
        assert_eq!(bytes(20_000_000), "20 MB");
    }
}
