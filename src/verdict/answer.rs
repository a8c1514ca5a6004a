//! What an answer says about another attempt.

use crate::model::captured::Outcome;

/// What came of an attempt, as far as another one depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Another attempt is neither wrong nor called for.
    Either,
    /// Another attempt gets the same answer.
    Final,
    /// Nothing was said: there is no answer yet, the client has given up, or the test has no rule.
    Nothing,
    /// It has succeeded.
    Success,
    /// Another attempt may get a better answer.
    Transient(Effect),
}

/// Whether the request may have taken effect although it was not answered well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// It was turned away, or has never arrived.
    None,
    /// The server says that it has failed.
    Failed,
    /// Nobody knows.
    Unknown,
}

impl Answer {
    /// What came of an exchange. `status` is that of a head that has come.
    pub(super) fn of(status: Option<u16>, outcome: &Outcome, should_retry: Option<bool>) -> Self {
        match (status, outcome) {
            (_, Outcome::Unmatched) => Self::Nothing,
            (None, Outcome::Failed(error)) => {
                let never_sent = error.fault().is_some_and(|fault| fault.is_connect());
                Self::Transient(if never_sent {
                    Effect::None
                } else {
                    Effect::Unknown
                })
            }
            (None, _) => Self::Nothing,
            (Some(..=399), Outcome::Failed(_)) => Self::Transient(Effect::Unknown),
            (Some(..=399), _) => Self::Success,
            (Some(status), _) => match should_retry {
                Some(true) => Self::Transient(effect(status)),
                Some(false) => Self::Final,
                None => by_status(status),
            },
        }
    }
}

/// What a status says about another attempt (RFC 9110 §15, RFC 6585, RFC 8470; 520 to 529 are used by
/// proxies, and by providers that are overloaded).
fn by_status(status: u16) -> Answer {
    match status {
        408 | 425 | 429 | 500 | 502..=504 | 520..=529 => Answer::Transient(effect(status)),
        409 | 412 | 417 | 421 | 423 | 424 | 428 | 500.. => Answer::Either,
        _ => Answer::Final,
    }
}

/// A server that is busy has not begun.
fn effect(status: u16) -> Effect {
    match status {
        408 | 425 | 429 | 503 | 529 => Effect::None,
        _ => Effect::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_field_overrules_the_status() {
        let answer = |status, should_retry| Answer::of(Some(status), &Outcome::Done, should_retry);
        assert_eq!(answer(529, None), Answer::Transient(Effect::None));
        assert_eq!(answer(500, None), Answer::Transient(Effect::Failed));
        assert_eq!(answer(501, None), Answer::Either);
        assert_eq!(answer(404, None), Answer::Final);
        assert_eq!(answer(429, Some(false)), Answer::Final);
        assert_eq!(answer(400, Some(true)), Answer::Transient(Effect::Failed));
        assert_eq!(answer(200, Some(true)), Answer::Success);
    }
}
