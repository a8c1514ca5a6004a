//! OpenAI: Chat Completions (`POST /v1/chat/completions`) and Responses (`POST /v1/responses`).
//!
//! ```
//! use mockwire::providers::{Answer, openai};
//! use mockwire::sync::MockTransport;
//! use serde_json::json;
//!
//! let transport = MockTransport::new();
//! openai::chat_completions(&transport)
//!     .last_user_message("hi")
//!     .reply(Answer::text("Hello").tool("get_weather", json!({"city": "Paris"})));
//!
//! let body = json!({"model": "gpt", "messages": [{"role": "user", "content": "hi"}]});
//! let request = http::Request::post("https://api.openai.com/v1/chat/completions").body(body).unwrap();
//! let response = transport.block_on(transport.call(request))?;
//! assert!(response.headers()["x-request-id"].to_str().unwrap().starts_with("req_"));
//!
//! let completion: serde_json::Value = transport.block_on(response.into_body().json())?;
//! let message = &completion["choices"][0]["message"];
//! assert_eq!(message["content"], "Hello");
//! assert_eq!(message["tool_calls"][0]["function"]["arguments"], r#"{"city":"Paris"}"#);
//! assert_eq!(completion["choices"][0]["finish_reason"], "tool_calls");
//! # Ok::<(), mockwire::Error>(())
//! ```
//!
//! # The stream of Chat Completions
//!
//! With `"stream": true` the answer comes in chunks without names
//! (<https://platform.openai.com/docs/api-reference/chat-streaming>): the role; the pieces of the text, or
//! for each tool its name and then the pieces of its arguments; the finish reason; with
//! `stream_options.include_usage` the usage, in a chunk without choices; and `data: [DONE]`. All have the
//! same id and time. Each has as much `obfuscation` as hides how long its text is, unless
//! `stream_options.include_obfuscation` is false. Thoughts are counted, and not shown. A tool that the
//! request declares as `custom` is called with a text; of such chunks there is no schema yet, and the helpers
//! of official clients do not read them (<https://github.com/openai/openai-openapi/issues/576>). With `n` there are several choices: see
//! [`Answer::alternative`](super::Answer::alternative).
//!
//! An error in the middle of a stream is a chunk that has nothing but an `error`.
//!
//! # The stream of Responses
//!
//! Events have names, and numbers from 0
//! (<https://platform.openai.com/docs/api-reference/responses-streaming>): `response.created`,
//! `response.in_progress`; for each item `response.output_item.added`, its parts with their deltas, and
//! `response.output_item.done`; `response.completed`, `response.incomplete` or `response.failed`. There is
//! no `[DONE]`. Texts in a row are the parts of one message, and each thought is a reasoning item with a
//! summary, encrypted where the request's `include` asks for that. A tool that the request declares as
//! `custom` is called with a text. Deltas are padded with `obfuscation`. The response repeats what the
//! request says: its tools, its instructions, its temperature.
//!
//! An error in the middle of a stream is an `error` event, and then `response.failed`.
//!
//! A client that sends `previous_response_id` leaves the history to the provider. The ids that are made
//! here tell the turn they belong to, so [`Conversation::turn`](super::Conversation::turn) and with it
//! dialogues still know which it is; and those of calls tell their tool, so that a result is known by the
//! name of its tool as ever. Where a request has neither history nor such an id (a `conversation`, ids of
//! your own), there is [`Dialogue::in_scenario`](super::Dialogue::in_scenario).
//!
//! # The head
//!
//! Every response has `x-request-id`, `openai-organization`, `openai-version` and
//! `openai-processing-ms`. With a [`RateLimit`] whose [`headers`](crate::RateLimit::headers) are
//! [`RateHeaders::OpenAi`] it has `x-ratelimit-limit-requests` and the like; [`rate_limit`] makes such a
//! limit, which refuses as the provider does.

mod chat;
mod errors;
mod head;
mod request;
mod responses;
mod tools;

use super::ApiError;
use super::api::ModelApi;
use super::when_prompted::WhenPrompted;
use crate::{MockTransport, Mode, RateHeaders, RateLimit, RetryAfter};

pub use self::chat::ChatCompletions;
pub use self::responses::Responses;

/// Begins a rule for `POST /v1/chat/completions` at any host. For another path, a gateway's say, there is
/// [`ModelApi::at`]. [`ChatCompletions`] has what else there is to it: an answer as a reply, a request as
/// a conversation.
#[track_caller]
pub fn chat_completions<M: Mode>(transport: &MockTransport<M>) -> WhenPrompted<M, ChatCompletions> {
    ChatCompletions::on(transport)
}

/// Begins a rule for `POST /v1/responses` at any host; see [`Responses`].
///
/// ```
/// use mockwire::providers::{Answer, openai};
/// use mockwire::sync::MockTransport;
/// use serde_json::json;
///
/// let transport = MockTransport::new();
/// openai::responses(&transport)
///     .last_user_message("hi")
///     .reply(Answer::new().thinking("A greeting.").say("Hello"));
///
/// let body = json!({"model": "gpt", "input": "hi"});
/// let request = http::Request::post("https://api.openai.com/v1/responses").body(body).unwrap();
/// let text = transport.block_on(async { transport.call(request).await?.into_body().text().await })?;
/// let response: serde_json::Value = serde_json::from_str(&text).unwrap();
/// assert_eq!(response["output"][0]["summary"][0]["text"], "A greeting.");
/// assert_eq!(response["output"][1]["content"][0]["text"], "Hello");
/// # Ok::<(), mockwire::Error>(())
/// ```
#[track_caller]
pub fn responses<M: Mode>(transport: &MockTransport<M>) -> WhenPrompted<M, Responses> {
    Responses::on(transport)
}

/// A limit that tells how it stands, and refuses, as the provider does: `x-ratelimit-*` on every
/// response, and 429 `rate_limit_exceeded` with a true `retry-after` and `retry-after-ms`.
///
/// ```
/// use std::time::Duration;
/// use mockwire::providers::openai;
/// use mockwire::{RateLimit, sync::MockTransport};
///
/// let limit = RateLimit::fixed_window(500, Duration::from_secs(60));
/// let transport = MockTransport::builder().rate_limit(openai::rate_limit(limit)).build();
/// openai::chat_completions(&transport).reply("Hello");
///
/// let request = http::Request::post("https://api.openai.com/v1/chat/completions").body("{}").unwrap();
/// let response = transport.block_on(transport.call(request))?;
/// assert_eq!(response.headers()["x-ratelimit-remaining-requests"], "499");
/// assert_eq!(response.headers()["x-ratelimit-reset-requests"], "1m0s");
/// # Ok::<(), mockwire::Error>(())
/// ```
#[must_use]
pub fn rate_limit<M: Mode>(limit: RateLimit<M>) -> RateLimit<M> {
    limit
        .headers(RateHeaders::OpenAi)
        .retry_after(RetryAfter::Millis)
        .refuse_with(ChatCompletions::reply(ApiError::rate_limit()))
}
