//! What was written for one answer, kept: to write it again costs a reference.

use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::Uri;

use super::answer::Answer;
use super::api::ModelApi;
use super::api_error::ApiError;
use super::pattern::Pattern;
use crate::{Exchange, Reply, Request};

/// How many patterns are kept for an answer; those used least recently go first.
const KEPT: usize = 16;
/// Above how many bytes a request is not kept.
const LONGEST: usize = 64 * 1024;
/// How many bytes all patterns of an answer may have together.
const ROOM: usize = 8 * 1024 * 1024;

/// An answer, and what was written for the requests to which it was given.
pub(super) struct Patterns<A> {
    answer: Answer,
    /// The one used last is the last.
    known: Mutex<Vec<(Key, Arc<Pattern>)>>,
    api: PhantomData<A>,
}

/// What of a request a pattern is made of, all of it: two requests are the same only if these are.
#[derive(Clone, Debug, PartialEq)]
struct Key {
    url: Uri,
    body: Bytes,
}

impl<A: ModelApi> Patterns<A> {
    pub(super) fn new(answer: Answer) -> Self {
        Self {
            answer,
            known: Mutex::default(),
            api: PhantomData,
        }
    }

    /// The provider's reply in an exchange: a function of the request, of what the model says, and of the
    /// number, the time and the random numbers of the exchange.
    pub(super) fn reply(&self, exchange: &Exchange) -> Reply {
        let reply = match self.pattern(exchange.request()) {
            Ok(pattern) => pattern.fill(exchange),
            Err(error) => self.error(error, exchange),
        };
        let fields = self.answer.headers.iter();
        let reply = fields.fold(reply, |reply, (name, value)| reply.header(name, value));
        reply.delay(self.answer.delay)
    }

    /// An error knows for how long a limit refuses.
    fn error(&self, mut error: ApiError, exchange: &Exchange) -> Reply {
        error.retry_after = error.retry_after.or_else(|| exchange.retry_after());
        A::render_error(&error).fill(exchange)
    }

    /// What is written for this request; or the error that is all there is.
    fn pattern(&self, request: &Request) -> Result<Arc<Pattern>, ApiError> {
        let key = Key {
            url: request.url().clone(),
            body: request.body().clone(),
        };
        if let Some(known) = self.known(&key) {
            return Ok(known);
        }
        let conversation = A::conversation(request)
            .map_err(|error| ApiError::invalid_request(error.to_string()))?;
        if let Some(error) = A::refuse(&conversation) {
            return Err(error);
        }
        let stream = self.answer.stream.unwrap_or(conversation.stream);
        if let Some(error) = self.answer.whole_error(stream) {
            return Err(error.clone());
        }
        let pattern = Arc::new(A::render(&conversation, &self.answer));
        if key.body.len() <= LONGEST && pattern.bytes() <= ROOM {
            // What has to go may have a drop of the user's: that is for outside the lock.
            drop(self.keep(key, pattern.clone()));
        }
        Ok(pattern)
    }

    fn known(&self, key: &Key) -> Option<Arc<Pattern>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let at = known.iter().rposition(|(it, _)| it == key)?;
        let last = known.len() - 1;
        known[at..=last].rotate_left(1);
        Some(known[last].1.clone())
    }

    /// Returns what has to go instead.
    fn keep(&self, key: Key, pattern: Arc<Pattern>) -> Vec<(Key, Arc<Pattern>)> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.push((key, pattern));
        let (mut count, mut bytes) = (0, 0);
        // From the last one used back to the first that there is no room for.
        let kept = known.iter().rev().take_while(|(_, pattern)| {
            count += 1;
            bytes += pattern.bytes();
            count <= KEPT && bytes <= ROOM
        });
        let gone = known.len() - kept.count();
        known.drain(..gone).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::providers::anthropic::Messages;

    const URL: &str = "https://api.test/v1/messages";

    fn request(url: &str, body: &str) -> Request {
        let request = http::Request::post(url).body(body.to_owned());
        Request::from_http(request.expect("a request"))
    }

    fn body(number: usize) -> String {
        format!(r#"{{"model":"m","messages":[{{"role":"user","content":"{number}"}}]}}"#)
    }

    fn pattern(patterns: &Patterns<Messages>, body: &str) -> Arc<Pattern> {
        patterns.pattern(&request(URL, body)).expect("a pattern")
    }

    fn kept(patterns: &Patterns<Messages>) -> usize {
        patterns.known.lock().expect("no panic").len()
    }

    #[test]
    fn the_same_request_gets_the_same_pattern() {
        let patterns = Patterns::new("Hello".into());
        let first = pattern(&patterns, &body(1));
        assert!(Arc::ptr_eq(&first, &pattern(&patterns, &body(1))));
        assert!(!Arc::ptr_eq(&first, &pattern(&patterns, &body(2))));
        let elsewhere = request("https://api.test/v1/messages?beta=true", &body(1));
        let elsewhere = patterns.pattern(&elsewhere).expect("a pattern");
        assert!(!Arc::ptr_eq(&first, &elsewhere), "another URL");
    }

    #[test]
    fn those_used_least_recently_go_first() {
        let patterns = Patterns::new("Hello".into());
        let first = pattern(&patterns, &body(0));
        let second = pattern(&patterns, &body(1));
        for number in 2..100 {
            pattern(&patterns, &body(number));
            assert_eq!(kept(&patterns), KEPT.min(number + 1));
            // Used again and again, the first one stays.
            assert!(Arc::ptr_eq(&first, &pattern(&patterns, &body(0))));
        }
        assert!(!Arc::ptr_eq(&second, &pattern(&patterns, &body(1))));
    }

    #[test]
    fn all_that_is_kept_has_a_limit_in_bytes() {
        let said = "x".repeat(ROOM / 3);
        let patterns = Patterns::new(Answer::text(&*said));
        let first = pattern(&patterns, &body(0));
        let second = pattern(&patterns, &body(1));
        assert_eq!(kept(&patterns), 2);
        assert!(Arc::ptr_eq(&first, &pattern(&patterns, &body(0))));
        pattern(&patterns, &body(2));
        assert_eq!(kept(&patterns), 2, "no room for a third");
        assert!(Arc::ptr_eq(&first, &pattern(&patterns, &body(0))));
        assert!(!Arc::ptr_eq(&second, &pattern(&patterns, &body(1))));
        let patterns = Patterns::new(Answer::text("x".repeat(ROOM)));
        pattern(&patterns, &body(0));
        assert_eq!(kept(&patterns), 0, "no room even for one");
    }

    #[test]
    fn what_is_long_is_not_kept_and_neither_is_an_error() {
        let patterns = Patterns::new("Hello".into());
        let long = format!(r#"{{"model":"{}"}}"#, "m".repeat(LONGEST));
        assert_eq!(pattern(&patterns, &long), pattern(&patterns, &long));
        assert!(patterns.pattern(&request(URL, "no JSON")).is_err());
        assert_eq!(kept(&patterns), 0);
        // The longest that is kept.
        let short = format!(r#"{{"model":"{}"}}"#, "m".repeat(LONGEST - 12));
        assert_eq!(short.len(), LONGEST);
        pattern(&patterns, &short);
        assert_eq!(kept(&patterns), 1);
    }

    /// A hash that a cache might have used (FNV-1a), its last 24 bits.
    fn hash(text: &str) -> u32 {
        let byte = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        text.bytes().fold(0x811c_9dc5, byte) & 0xFF_FFFF
    }

    #[test]
    fn requests_whose_hashes_collide_are_told_apart() {
        let mut known = HashMap::new();
        let colliding = (0..).find_map(|number| {
            let before = known.insert(hash(&body(number)), number)?;
            Some([body(before), body(number)])
        });
        let [one, other] = colliding.expect("there are more texts than hashes");
        assert_eq!(hash(&one), hash(&other), "the collision is forced");
        assert_ne!(one, other);
        let patterns = Patterns::new("Hello".into());
        let first = pattern(&patterns, &one);
        let second = pattern(&patterns, &other);
        assert!(!Arc::ptr_eq(&first, &second));
        assert!(Arc::ptr_eq(&first, &pattern(&patterns, &one)));
        assert!(Arc::ptr_eq(&second, &pattern(&patterns, &other)));
    }
}
