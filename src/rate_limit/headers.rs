//! How a rate limit tells clients where they stand.

use std::time::Duration;

use http::header::{DATE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::core::rate::{Refused, Standing};
use crate::model::date::Date;

/// How a refusal says when to try again. Always rounded up: who waits so long is not refused again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RetryAfter {
    /// In no header field: nobody says it, or the body does.
    None,
    /// `retry-after: 3`, in seconds (RFC 9110 §10.2.3).
    #[default]
    Seconds,
    /// `retry-after: Wed, 01 Jan 2025 00:00:03 GMT`, with a `date`; see
    /// [`Builder::epoch`](crate::Builder::epoch).
    HttpDate,
    /// `retry-after-ms: 2500`, and `retry-after` in seconds for those who do not know it.
    Millis,
}

/// In which header fields every reply says how a rate limit stands: how much there is, how much of
/// it is left, and when all of it will be there again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RateHeaders {
    /// In none.
    None,
    /// `ratelimit-limit`, `ratelimit-remaining`, `ratelimit-reset` in seconds
    /// (draft-ietf-httpapi-ratelimit-headers-06). Of several limits, the one of which least is left.
    #[default]
    Draft,
    /// `x-ratelimit-limit-requests`, `-remaining-requests`, `-reset-requests` as `6m0s`; or
    /// `-tokens`.
    OpenAi,
    /// `anthropic-ratelimit-requests-limit`, `-remaining`, `-reset` as a date of RFC 3339; or
    /// `-tokens-`.
    Anthropic,
}

/// How one limit is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Style {
    pub(crate) retry_after: RetryAfter,
    pub(crate) headers: RateHeaders,
    /// Whether it counts tokens, not requests.
    pub(crate) tokens: bool,
}

impl Style {
    /// Says how a limit stands. `today` is now, since 1970.
    pub(crate) fn tell(self, standing: &Standing, today: Duration, fields: &mut HeaderMap) {
        let Standing {
            limit,
            remaining,
            reset,
        } = *standing;
        let (before, after) = match (self.headers, self.tokens) {
            (RateHeaders::None, _) => return,
            (RateHeaders::Draft, _) => ("ratelimit-", ""),
            (RateHeaders::OpenAi, false) => ("x-ratelimit-", "-requests"),
            (RateHeaders::OpenAi, true) => ("x-ratelimit-", "-tokens"),
            (RateHeaders::Anthropic, false) => ("anthropic-ratelimit-requests-", ""),
            (RateHeaders::Anthropic, true) => ("anthropic-ratelimit-tokens-", ""),
        };
        let reset = match self.headers {
            RateHeaders::OpenAi => go_duration(reset),
            RateHeaders::Anthropic => date_after(today, reset).to_rfc3339(),
            RateHeaders::Draft | RateHeaders::None => whole_seconds(reset).to_string(),
        };
        let values = [limit.to_string(), remaining.to_string(), reset];
        for (what, value) in ["limit", "remaining", "reset"].into_iter().zip(values) {
            let name = [before, what, after].concat();
            insert(fields, HeaderName::try_from(name), &value);
        }
    }

    /// Whether it is told in the same header fields.
    pub(crate) fn shares_fields(self, other: Self) -> bool {
        self.headers == other.headers
            && (self.tokens == other.tokens || self.headers == RateHeaders::Draft)
    }

    /// Says when to try again; nothing when there is no use in it.
    pub(crate) fn refuse(self, refused: Refused, today: Duration, fields: &mut HeaderMap) {
        let Some(wait) = refused.retry_after else {
            return;
        };
        match self.retry_after {
            RetryAfter::None => {}
            RetryAfter::HttpDate => {
                insert_known(fields, DATE, &Date::at(today).to_http());
                insert_known(fields, RETRY_AFTER, &date_after(today, wait).to_http());
            }
            RetryAfter::Seconds => {
                insert_known(fields, RETRY_AFTER, &whole_seconds(wait).to_string());
            }
            RetryAfter::Millis => {
                let millis = wait.as_nanos().div_ceil(1_000_000).to_string();
                insert(fields, HeaderName::try_from("retry-after-ms"), &millis);
                insert_known(fields, RETRY_AFTER, &whole_seconds(wait).to_string());
            }
        }
    }
}

fn insert<E>(fields: &mut HeaderMap, name: Result<HeaderName, E>, value: &str) {
    if let Ok(name) = name {
        insert_known(fields, name, value);
    }
}

fn insert_known(fields: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::try_from(value) {
        fields.insert(name, value);
    }
}

/// The first whole second that is not before.
fn whole_seconds(duration: Duration) -> u64 {
    let begun = u64::from(duration.subsec_nanos() > 0);
    duration.as_secs().saturating_add(begun)
}

fn date_after(today: Duration, wait: Duration) -> Date {
    let due = whole_seconds(today.saturating_add(wait));
    Date::at(Duration::from_secs(due))
}

/// As Go prints a duration, to the millisecond: `1h0m2s`, `6m0s`, `1.5s`, `12ms`, `0s`.
fn go_duration(duration: Duration) -> String {
    let millis = duration.as_nanos().div_ceil(1_000_000);
    if millis > 0 && millis < 1000 {
        return format!("{millis}ms");
    }
    let (hours, minutes) = (millis / 3_600_000, millis / 60_000 % 60);
    let (seconds, rest) = (millis / 1000 % 60, millis % 1000);
    let mut text = match (hours, minutes) {
        (0, 0) => String::new(),
        (0, minutes) => format!("{minutes}m"),
        (hours, minutes) => format!("{hours}h{minutes}m"),
    };
    text.push_str(&seconds.to_string());
    if rest > 0 {
        text.push_str(format!(".{rest:03}").trim_end_matches('0'));
    }
    text.push('s');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_go_writes_them() {
        let shown = |millis| go_duration(Duration::from_millis(millis));
        let expected = ["0s", "12ms", "1s", "1.5s", "6m0s", "1h0m2s", "26h3m4.005s"];
        let millis = [0, 12, 1000, 1500, 360_000, 3_602_000, 93_784_005];
        assert_eq!(millis.map(shown), expected);
        assert_eq!(go_duration(Duration::from_nanos(1)), "1ms");
    }
}
