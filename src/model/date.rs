//! Dates as header fields carry them.

use std::time::Duration;

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// A moment, to the second, of the proleptic Gregorian calendar in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Date {
    year: u64,
    /// From 0.
    month: usize,
    /// From 1.
    day: u64,
    /// Since 1970-01-01, a Thursday.
    days: u64,
    second: u64,
}

impl Date {
    /// The second that has begun so long after 1970.
    pub(crate) fn at(since_1970: Duration) -> Self {
        let (days, second) = (since_1970.as_secs() / 86_400, since_1970.as_secs() % 86_400);
        // 400 years always have as many days; only within them it is counted.
        let (mut year, mut left) = (1970 + days / 146_097 * 400, days % 146_097);
        while left >= 365 + u64::from(is_leap(year)) {
            left -= 365 + u64::from(is_leap(year));
            year += 1;
        }
        let february = 28 + u64::from(is_leap(year));
        let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        let mut month = 0;
        while left >= lengths[month] {
            left -= lengths[month];
            month += 1;
        }
        Self {
            year,
            month,
            day: left + 1,
            days,
            second,
        }
    }

    /// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 §5.6.7).
    pub(crate) fn to_http(self) -> String {
        let Self { year, day, .. } = self;
        let (weekday, month) = (DAYS[(self.days % 7) as usize], MONTHS[self.month]);
        format!("{weekday}, {day:02} {month} {year:04} {} GMT", self.time())
    }

    /// `1994-11-06T08:49:37Z` (RFC 3339).
    pub(crate) fn to_rfc3339(self) -> String {
        let Self { year, day, .. } = self;
        let month = self.month + 1;
        format!("{year:04}-{month:02}-{day:02}T{}Z", self.time())
    }

    fn time(self) -> String {
        let (hour, minute) = (self.second / 3600, self.second / 60 % 60);
        format!("{hour:02}:{minute:02}:{:02}", self.second % 60)
    }
}

/// `1994-11-06T08:49:37.125Z` (RFC 3339): to the millisecond that has begun, so that dates are in the
/// order of their texts.
pub(crate) fn rfc3339(since_1970: Duration) -> String {
    let whole = Date::at(since_1970).to_rfc3339();
    let millis = since_1970.subsec_millis();
    format!("{}.{millis:03}Z", whole.trim_end_matches('Z'))
}

fn is_leap(year: u64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_of_a_second_are_written() {
        let at = |nanos| rfc3339(Duration::from_nanos(nanos));
        assert_eq!(at(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(at(1_120_000_000), "1970-01-01T00:00:01.120Z");
        assert_eq!(at(500), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn dates_are_written_as_the_standards_show_them() {
        let shown = |seconds| {
            let date = Date::at(Duration::from_secs(seconds));
            (date.to_http(), date.to_rfc3339())
        };
        let expect = |http: &str, rfc: &str| (http.to_owned(), rfc.to_owned());
        assert_eq!(
            shown(784_111_777),
            expect("Sun, 06 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37Z")
        );
        assert_eq!(
            shown(0),
            expect("Thu, 01 Jan 1970 00:00:00 GMT", "1970-01-01T00:00:00Z")
        );
        assert_eq!(
            shown(951_782_399),
            expect("Mon, 28 Feb 2000 23:59:59 GMT", "2000-02-28T23:59:59Z")
        );
        assert_eq!(
            shown(951_782_400),
            expect("Tue, 29 Feb 2000 00:00:00 GMT", "2000-02-29T00:00:00Z")
        );
        assert_eq!(
            shown(4_107_542_400),
            expect("Mon, 01 Mar 2100 00:00:00 GMT", "2100-03-01T00:00:00Z")
        );
        assert_eq!(
            shown(1_735_689_600),
            expect("Wed, 01 Jan 2025 00:00:00 GMT", "2025-01-01T00:00:00Z")
        );
    }
}
