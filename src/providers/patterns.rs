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
        let stream = self.answer.stream.unwrap_or(conversation.stream);
        if let Some(error) = self.answer.whole_error(stream) {
            return Err(error.clone());
        }
        let pattern = Arc::new(A::render(&conversation, &self.answer));
        if key.body.len() <= LONGEST {
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

    fn keep(&self, key: Key, pattern: Arc<Pattern>) -> Option<(Key, Arc<Pattern>)> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let oldest = (known.len() >= KEPT).then(|| known.remove(0));
        known.push((key, pattern));
        oldest
    }
}
