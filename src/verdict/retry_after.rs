//! How long an answer asks to wait.

use std::time::Duration;

use http::HeaderMap;
use serde::Serialize;

use crate::model::date::Date;
use crate::model::millis;

/// How long an answer asks to wait before another attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Asked {
    /// How long, from the moment when the answer came. Zero when the time has passed.
    #[serde(with = "millis")]
    pub wait: Duration,
    /// The header field that says so: `retry-after-ms` or `retry-after`.
    pub field: &'static str,
}

impl Asked {
    /// What these header fields ask for. `today` is when they came, since 1970.
    pub(super) fn by(headers: &HeaderMap, today: Duration) -> Option<Self> {
        let asked = |field: &'static str, read: fn(&str, Duration) -> Option<Duration>| {
            let text = headers.get(field)?.to_str().ok()?;
            let wait = read(text.trim(), today)?;
            Some(Self { wait, field })
        };
        asked("retry-after-ms", in_millis).or_else(|| asked("retry-after", in_seconds_or_by_date))
    }
}

fn in_millis(text: &str, _: Duration) -> Option<Duration> {
    millis::of(text.parse().ok()?)
}

fn in_seconds_or_by_date(text: &str, today: Duration) -> Option<Duration> {
    match text.parse() {
        Ok::<f64, _>(seconds) => millis::of(seconds * 1000.0),
        Err(_) => Some(Date::parse_http(text)?.saturating_sub(today)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderName;

    fn asked(fields: &[(&'static str, &str)]) -> Option<(Duration, &'static str)> {
        let fields = fields.iter().map(|(name, value)| {
            let name = HeaderName::from_static(name);
            (name, value.parse().unwrap())
        });
        let asked = Asked::by(&fields.collect(), Duration::from_secs(784_111_770))?;
        Some((asked.wait, asked.field))
    }

    #[test]
    fn milliseconds_come_before_seconds_and_a_date_is_counted_from_now() {
        let millis = Duration::from_millis;
        let seconds = |text| asked(&[("retry-after", text)]).map(|(wait, _)| wait);
        assert_eq!(seconds("3"), Some(millis(3000)));
        assert_eq!(seconds(" 0.25 "), Some(millis(250)));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:37 GMT"), Some(millis(7000)));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:07 GMT"), Some(millis(0)));
        assert_eq!(
            asked(&[("retry-after", "1"), ("retry-after-ms", "312.5")]),
            Some((Duration::from_micros(312_500), "retry-after-ms"))
        );
        // What cannot be read asks for nothing; the other field may still.
        assert_eq!(
            asked(&[("retry-after", "1"), ("retry-after-ms", "soon")]),
            Some((millis(1000), "retry-after"))
        );
        for nonsense in ["", "-1", "NaN", "inf", "soon", "1e300"] {
            assert_eq!(seconds(nonsense), None, "{nonsense}");
        }
    }
}
