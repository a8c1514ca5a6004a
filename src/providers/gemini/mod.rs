//! Google Gemini: `POST /v1beta/models/{model}:generateContent` and `:streamGenerateContent`.
//!
//! ```
//! use mockwire::providers::{Answer, gemini};
//! use mockwire::sync::MockTransport;
//! use serde_json::json;
//!
//! let transport = MockTransport::new();
//! gemini::generate_content(&transport)
//!     .last_user_message("hi")
//!     .reply(Answer::text("Hello").tool("get_weather", json!({"city": "Paris"})));
//!
//! let body = json!({"contents": [{"role": "user", "parts": [{"text": "hi"}]}]});
//! let url = "https://generativelanguage.googleapis.com/v1beta/models/gemini-3:generateContent";
//! let request = http::Request::post(url).body(body).unwrap();
//! let text = transport.block_on(async { transport.call(request).await?.into_body().text().await })?;
//!
//! let response: serde_json::Value = serde_json::from_str(&text).unwrap();
//! let parts = &response["candidates"][0]["content"]["parts"];
//! assert_eq!(parts[0]["text"], "Hello");
//! assert_eq!(parts[1]["functionCall"]["args"]["city"], "Paris");
//! assert_eq!(response["modelVersion"], "gemini-3");
//! # Ok::<(), mockwire::Error>(())
//! ```
//!
//! # The stream
//!
//! The URL says whether a stream is asked for (<https://ai.google.dev/api/generate-content>). With
//! `:streamGenerateContent?alt=sse` it is one of server-sent events without names, whose lines end with
//! CR LF; without `alt=sse` it is one JSON array, which arrives element by element. Each chunk is a whole
//! response with the usage so far; the last one has no text, the finish reason, and the signature of what
//! was thought. There is no `[DONE]`. The arguments of a function arrive whole: a [`Split`](super::Split)
//! cuts texts only. Thoughts are parts with `thought`, and their signature stands at the first function
//! call, if there is one. With `candidateCount` there are several candidates, each in chunks of its own: see
//! [`Answer::alternative`].
//!
//! An error in the middle of a stream is a chunk with nothing but an `error`.
//!
//! # Errors and limits
//!
//! When to try again is told in the body, as a `google.rpc.RetryInfo`, and in no header field. It is true
//! where a [`RateLimit`] refuses: see [`rate_limit`].

mod content;
mod errors;
mod request;
mod stream;

use serde_json::Value;

use super::api::{ModelApi, Render};
use super::pattern::Pattern;
use super::when_prompted::WhenPrompted;
use super::{Answer, ApiError, Conversation};
use crate::{Matcher, MockTransport, Mode, RateHeaders, RateLimit, Request, RetryAfter, reading};

/// How many candidates a request may ask for.
const MOST: u64 = 8;

/// The `generateContent` and `streamGenerateContent` methods of Gemini's models.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GenerateContent;

/// Begins a rule for `generateContent` and `streamGenerateContent` of any model at any host, also with
/// the longer paths of Vertex AI. [`GenerateContent`] has what else there is to it: an answer as a reply, a
/// request as a conversation.
#[track_caller]
pub fn generate_content<M: Mode>(transport: &MockTransport<M>) -> WhenPrompted<M, GenerateContent> {
    GenerateContent::on(transport)
}

/// A limit that refuses as the provider does: 429 `RESOURCE_EXHAUSTED`, which says in its body when to
/// try again.
///
/// ```
/// use std::time::Duration;
/// use mockwire::providers::gemini;
/// use mockwire::{RateLimit, sync::MockTransport};
///
/// let limit = RateLimit::fixed_window(1, Duration::from_secs(60));
/// let transport = MockTransport::builder().rate_limit(gemini::rate_limit(limit)).build();
/// gemini::generate_content(&transport).reply("Hello");
///
/// let ask = || {
///     let request = http::Request::post("https://google.test/v1beta/models/gemini-3:generateContent");
///     let request = request.body("{}").unwrap();
///     transport.block_on(async { transport.call(request).await?.into_body().text().await })
/// };
/// assert!(ask()?.contains("Hello"));
/// assert!(ask()?.contains(r#""retryDelay":"60s""#));
/// # Ok::<(), mockwire::Error>(())
/// ```
#[must_use]
pub fn rate_limit<M: Mode>(limit: RateLimit<M>) -> RateLimit<M> {
    limit
        .headers(RateHeaders::None)
        .retry_after(RetryAfter::None)
        .refuse_with(GenerateContent::reply(ApiError::rate_limit()))
}

impl ModelApi for GenerateContent {}

impl Render for GenerateContent {
    const TARGET: &'static str = "/**/models/*";

    fn also<M: Mode>() -> Matcher<M> {
        let method = || {
            reading("method of the model", |request| {
                Some(request::method(request)?.into())
            })
        };
        method()
            .equals("generateContent")
            .or(method().equals("streamGenerateContent"))
    }

    fn read(request: &Request, json: &Value) -> Conversation {
        request::read(request, json)
    }

    fn refuse(conversation: &Conversation) -> Option<ApiError> {
        let count = conversation.choices.filter(|it| !(1..=MOST).contains(it))?;
        let message = format!("candidateCount must be from 1 to {MOST}, and is {count}.");
        Some(ApiError::invalid_request(message))
    }

    fn render_json(conversation: &Conversation, answer: &Answer) -> Pattern {
        content::pattern(conversation, answer)
    }

    fn render_stream(conversation: &Conversation, answer: &Answer) -> Pattern {
        stream::pattern(conversation, answer)
    }

    fn render_error(error: &ApiError) -> Pattern {
        errors::pattern(error)
    }
}
