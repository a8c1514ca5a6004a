//! Which exchanges are attempts at the same thing.

use std::collections::HashMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::value::{Entry, Outcome, Timeline};
use crate::model::millis;

/// A request that was made again after it had failed: from [`Timeline::retries`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Retry {
    /// The number of the request.
    pub sequence: u64,
    /// The number of the attempt before it.
    pub of: u64,
    /// Which attempt it is: 2 for the first retry.
    pub attempt: u32,
    /// How long the client waited after the end of the attempt before; in JSON, milliseconds.
    #[serde(with = "millis")]
    pub delay: Duration,
}

/// What is the same in all attempts at one thing: method, URL, and body.
type Content<'a> = (&'a str, &'a str, Option<&'a str>, u64);

impl Timeline {
    /// The retries among the exchanges, in the order of their arrival.
    ///
    /// A request is a retry of an earlier one with the same method, URL and body that had ended without
    /// success before it arrived: with an error, given up by the client before the head or in the midst
    /// of the body, or with status 408, 409, 425, 429 or 500 and above. Nothing is retried by two of
    /// them: of several attempts that might be meant, it is the one that ended last. A client that
    /// counts its attempts (`x-stainless-retry-count`) says itself which one is the first.
    ///
    /// That is what is drawn. [`verdict`](crate::verdict) looks closer, and judges.
    ///
    /// ```
    /// use std::time::Duration;
    /// use mockwire::{Reply, sync::MockTransport};
    ///
    /// let transport = MockTransport::new();
    /// transport.post("/pay").reply_after_failures(1, Reply::status(503), Reply::status(200));
    /// let pay = || http::Request::post("https://api.test/pay").body("7 EUR").unwrap();
    /// transport.block_on(async {
    ///     transport.call(pay()).await?;
    ///     transport.sleep(Duration::from_secs(1)).await?;
    ///     transport.call(pay()).await
    /// })?;
    ///
    /// let retries = transport.timeline().retries();
    /// assert_eq!((retries[0].sequence, retries[0].of, retries[0].attempt), (2, 1, 2));
    /// assert_eq!(retries[0].delay, Duration::from_secs(1));
    /// # Ok::<(), mockwire::Error>(())
    /// ```
    #[must_use]
    pub fn retries(&self) -> Vec<Retry> {
        let mut open: HashMap<_, Vec<(&Entry, u32)>> = HashMap::new();
        let mut retries = Vec::new();
        for entry in &self.entries {
            let attempts = open.entry(content(entry)).or_default();
            let ended = attempts.iter().enumerate().filter_map(|(at, (it, _))| {
                let end = it.end.as_ref().filter(|end| end.at <= entry.received)?;
                Some((end.at, at))
            });
            let mut attempt = 1;
            let is_first = entry.request_header("x-stainless-retry-count") == Some("0");
            if let Some((ended, at)) = ended.max().filter(|_| !is_first) {
                let (before, made) = attempts.swap_remove(at);
                attempt = made + 1;
                retries.push(Retry {
                    sequence: entry.sequence,
                    of: before.sequence,
                    attempt,
                    delay: entry.received.saturating_sub(ended),
                });
            }
            if has_failed(entry) {
                attempts.push((entry, attempt));
            }
        }
        retries
    }
}

fn content(entry: &Entry) -> Content<'_> {
    let request = &entry.request;
    let digest = request.digest.as_deref();
    (&request.method, &request.url, digest, request.bytes)
}

/// Whether a client may want to try again.
fn has_failed(entry: &Entry) -> bool {
    let Some(end) = &entry.end else {
        return false;
    };
    let status = entry.head.as_ref().map(|head| head.status);
    match (end.outcome, status) {
        (_, Some(408 | 409 | 425 | 429 | 500..)) => true,
        (Outcome::Done, _) => false,
        // Who does not begin to read has seen enough.
        (Outcome::Cancelled, Some(_)) => entry.bytes > 0,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timeline::{End, Head, Requested};

    fn entry(sequence: u64, received: u64, end: u64, status: u16) -> Entry {
        let millis = Duration::from_millis;
        Entry {
            sequence,
            received: millis(received),
            request: Requested {
                method: "POST".into(),
                url: "https://api.test/".into(),
                ..Requested::default()
            },
            head: Some(Head {
                at: millis(end),
                status,
                headers: Vec::new(),
            }),
            end: Some(End {
                at: millis(end),
                outcome: Outcome::Done,
                cause: None,
                code: None,
                message: None,
            }),
            ..Entry::default()
        }
    }

    fn retries(entries: Vec<Entry>) -> Vec<(u64, u64, u32)> {
        let timeline = Timeline {
            entries,
            ..Timeline::default()
        };
        let retries = timeline.retries().into_iter();
        retries.map(|it| (it.sequence, it.of, it.attempt)).collect()
    }

    #[test]
    fn a_chain_of_attempts_is_counted() {
        let chain = vec![
            entry(1, 0, 1, 500),
            entry(2, 5, 6, 429),
            entry(3, 9, 9, 200),
        ];
        assert_eq!(retries(chain), [(2, 1, 2), (3, 2, 3)]);
    }

    #[test]
    fn what_went_well_is_not_retried() {
        assert_eq!(retries(vec![entry(1, 0, 1, 200), entry(2, 5, 6, 200)]), []);
        assert_eq!(retries(vec![entry(1, 0, 1, 404), entry(2, 5, 6, 200)]), []);
    }

    #[test]
    fn those_that_go_on_side_by_side_are_told_apart() {
        let parallel = vec![
            entry(1, 0, 4, 503),
            entry(2, 1, 3, 503),
            entry(3, 5, 5, 200),
            entry(4, 6, 6, 200),
            entry(5, 7, 7, 200),
        ];
        assert_eq!(retries(parallel), [(3, 1, 2), (4, 2, 2)]);
    }

    #[test]
    fn another_body_is_another_thing() {
        let mut other = entry(2, 2, 2, 200);
        other.request.digest = Some("other".into());
        assert_eq!(retries(vec![entry(1, 0, 1, 500), other]), []);
    }

    #[test]
    fn a_client_that_counts_says_which_attempt_is_the_first() {
        let counted = |mut entry: Entry, count: &str| {
            let field = ("x-stainless-retry-count".to_owned(), count.to_owned());
            entry.request.headers.push(field);
            entry
        };
        let first = counted(entry(1, 0, 1, 500), "0");
        let again = counted(entry(2, 2, 2, 200), "1");
        let another = counted(entry(2, 2, 2, 200), "0");
        assert_eq!(retries(vec![first.clone(), again]), [(2, 1, 2)]);
        assert_eq!(retries(vec![first, another]), []);
    }
}
