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

    /// How long after 1970 a date in a header field is, in any of the three forms of RFC 9110 §5.6.7;
    /// zero for one before 1970.
    pub(crate) fn parse_http(text: &str) -> Option<Duration> {
        let is_separator = |c: char| matches!(c, ' ' | ',' | '-');
        let parts: Vec<_> = text
            .split(is_separator)
            .filter(|it| !it.is_empty())
            .collect();
        let (day, month, year, time) = match *parts.as_slice() {
            [_, day, month, year, time, "GMT"] => (day, month, year, time),
            // As C's `asctime` writes it.
            [_, month, day, time, year] => (day, month, year, time),
            _ => return None,
        };
        let month = MONTHS.iter().position(|name| *name == month)?;
        let year = match (number(year)?, year.len()) {
            // Two digits are of the last hundred years, or of the coming fifty: here up to 2069.
            (year @ 70.., 2) => 1900 + year,
            (year, 2) => 2000 + year,
            (year, _) => year,
        };
        let day = number(day)?;
        if !(1..=31).contains(&day) || year > 9999 {
            return None;
        }
        let mut time = time.splitn(3, ':').map(number);
        let (hour, minute, second) = (time.next()??, time.next()??, time.next()??);
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let days = days_before(year, month)
            .checked_add(day - 1)?
            .checked_sub(days_before(1970, 0));
        let seconds = hour * 3600 + minute * 60 + second;
        Some(days.map_or(Duration::ZERO, |days| {
            Duration::from_secs(days * 86_400 + seconds)
        }))
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

/// How many days of the calendar come before the first of a month.
fn days_before(year: u64, month: usize) -> u64 {
    const DAYS: [u64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let years = year.saturating_sub(1);
    let leap_days = years / 4 - years / 100 + years / 400;
    let leap_day = u64::from(is_leap(year) && month > 1);
    year * 365 + leap_days + DAYS[month] + leap_day
}

/// Digits, and nothing else.
fn number(text: &str) -> Option<u64> {
    let is_number = text.len() <= 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok())?
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

    #[test]
    fn dates_of_all_three_forms_are_read_and_what_is_written_comes_back() {
        let seconds = |text| Date::parse_http(text).map(|it| it.as_secs());
        for form in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ] {
            assert_eq!(seconds(form), Some(784_111_777), "{form}");
        }
        assert_eq!(seconds("Wed, 31 Dec 1969 23:59:59 GMT"), Some(0));
        // One moment of every ninth day or so, through leap years and centuries without one.
        for seconds in (0..8_000_000_000).step_by(777_777) {
            let at = Duration::from_secs(seconds);
            let written = Date::at(at).to_http();
            assert_eq!(Date::parse_http(&written), Some(at), "{written}");
        }
        for nonsense in [
            "",
            "soon",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49 GMT",
            "Sun, 06 Nov 1994 24:00:00 GMT",
            "Sun, 32 Nov 1994 08:49:37 GMT",
            "Sun, 00 Nov 1994 08:49:37 GMT",
            "Sun, 06 Now 1994 08:49:37 GMT",
            "Sun, +6 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 99999 08:49:37 GMT",
        ] {
            assert_eq!(seconds(nonsense), None, "{nonsense}");
        }
    }
}
