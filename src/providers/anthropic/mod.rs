//! Anthropic Messages: `POST /v1/messages`.
//!
//! ```
//! use mockwire::providers::{Answer, anthropic};
//! use mockwire::sync::MockTransport;
//! use serde_json::json;
//!
//! let transport = MockTransport::new();
//! anthropic::messages(&transport)
//!     .last_user_message("hi")
//!     .reply(Answer::text("Hello").tool("get_weather", json!({"city": "Paris"})));
//!
//! let body = json!({"model": "claude", "max_tokens": 64, "messages": [{"role": "user", "content": "hi"}]});
//! let request = http::Request::post("https://api.anthropic.com/v1/messages").body(body).unwrap();
//! let response = transport.block_on(transport.call(request))?;
//! assert!(response.headers()["request-id"].to_str().unwrap().starts_with("req_"));
//!
//! let message: serde_json::Value = transport.block_on(response.into_body().json())?;
//! assert_eq!(message["content"][0], json!({"type": "text", "text": "Hello"}));
//! assert_eq!(message["content"][1]["input"]["city"], "Paris");
//! assert_eq!(message["stop_reason"], "tool_use");
//! # Ok::<(), mockwire::Error>(())
//! ```
//!
//! # The stream
//!
//! With `"stream": true` the same answer is a stream of named events
//! (<https://docs.anthropic.com/en/docs/build-with-claude/streaming>): `message_start`; for each block
//! `content_block_start`, `content_block_delta`s and `content_block_stop`; `message_delta` with the stop
//! reason and the whole usage; `message_stop`. There is no `[DONE]`. Blocks never interleave. A `ping`
//! comes after the first `content_block_start`, as it does in recordings. The first delta of a tool's
//! arguments is empty, and a tool without arguments has no other. The `signature` of thinking is its last
//! delta. A refusal has no content: its words are the explanation of the stop reason.
//!
//! An error in the middle of a stream is an `error` event, after which nothing comes.
//!
//! # Threads
//!
//! A client that sends a `thread` (a beta) leaves the history to the provider, and sends what is new. The ids
//! that are made there tell the turn they belong to, and those of calls their tool, so
//! [`Conversation::turn`], results by the name of the tool, and with them dialogues still work.
//!
//! # The head
//!
//! Every response has a `request-id`. With a [`RateLimit`] whose
//! [`headers`](crate::RateLimit::headers) are [`RateHeaders::Anthropic`]
//! it has `anthropic-ratelimit-requests-limit` and the like; [`rate_limit`] makes such a limit, which
//! refuses as the provider does.

mod errors;
mod message;
mod request;
mod stream;

use std::sync::Arc;

use serde_json::Value;

use super::api::{ModelApi, Render};
use super::pattern::Pattern;
use super::when_prompted::WhenPrompted;
use super::{Answer, ApiError, Conversation};
use crate::{MockTransport, Mode, RateHeaders, RateLimit, Reply, Request, Result};

/// The Messages API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Messages;

/// Begins a rule for `POST /v1/messages` at any host. For another path, a gateway's say, there is
/// [`ModelApi::at`].
#[track_caller]
pub fn messages<M: Mode>(transport: &MockTransport<M>) -> WhenPrompted<M, Messages> {
    Messages::on(transport)
}

/// What a request asks of the model: read once per request, then shared.
///
/// # Errors
///
/// [`Part::Json`](crate::Part::Json) when the body is not JSON.
pub fn conversation(request: &Request) -> Result<Arc<Conversation>> {
    Messages::conversation(request)
}

/// What the model says, as a reply: for sequences of other replies, for requests that are held, for
/// handlers.
///
/// ```
/// use mockwire::providers::{Answer, anthropic};
/// use mockwire::{Fault, Reply, SequenceEnd, sync::MockTransport};
///
/// let transport = MockTransport::new();
/// let replies = [Reply::fault(Fault::ConnectionReset), anthropic::reply("Hello")];
/// transport.post("/v1/messages").reply_sequence(replies, SequenceEnd::Fail);
/// ```
#[must_use]
pub fn reply(answer: impl Into<Answer>) -> Reply {
    Messages::reply(answer)
}

/// A limit that tells how it stands, and refuses, as the provider does: `anthropic-ratelimit-*` on every
/// response, and 429 with a `rate_limit_error` and a true `retry-after`.
///
/// ```
/// use std::time::Duration;
/// use mockwire::providers::anthropic;
/// use mockwire::{RateLimit, sync::MockTransport};
///
/// let limit = RateLimit::fixed_window(50, Duration::from_secs(60));
/// let transport = MockTransport::builder().rate_limit(anthropic::rate_limit(limit)).build();
/// anthropic::messages(&transport).reply("Hello");
///
/// let request = http::Request::post("https://api.anthropic.com/v1/messages").body("{}").unwrap();
/// let response = transport.block_on(transport.call(request))?;
/// assert_eq!(response.headers()["anthropic-ratelimit-requests-remaining"], "49");
/// assert_eq!(response.headers()["anthropic-ratelimit-requests-reset"], "2025-01-01T00:01:00Z");
/// # Ok::<(), mockwire::Error>(())
/// ```
#[must_use]
pub fn rate_limit<M: Mode>(limit: RateLimit<M>) -> RateLimit<M> {
    limit
        .headers(RateHeaders::Anthropic)
        .refuse_with(reply(ApiError::rate_limit()))
}

impl ModelApi for Messages {}

impl Render for Messages {
    const TARGET: &'static str = "/v1/messages";

    fn read(_: &Request, json: &Value) -> Conversation {
        request::read(json)
    }

    fn render_json(conversation: &Conversation, answer: &Answer) -> Pattern {
        message::pattern(conversation, answer)
    }

    fn render_stream(conversation: &Conversation, answer: &Answer) -> Pattern {
        stream::pattern(conversation, answer)
    }

    fn render_error(error: &ApiError) -> Pattern {
        errors::pattern(error)
    }
}
