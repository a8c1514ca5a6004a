//! Providers of language models: a test says what the model answers, and the module writes the wire as
//! the provider would.
//!
//! * Anthropic Messages: [`anthropic`].
//! * OpenAI Chat Completions and Responses: [`openai`].
//! * Gemini: [`gemini`].
//!
//! All four have the same words. A rule begins with the provider, asks for what the conversation is
//! ([`WhenPrompted`], [`Prompt`]), and ends with what the model says ([`Answer`]) or with what goes wrong
//! ([`ApiError`]). Whether it comes as JSON or as a stream is what the request asks for.
//!
//! ```
//! use mockwire::providers::{Answer, ApiError, Dialogue, anthropic, openai};
//! use mockwire::sync::MockTransport;
//! use serde_json::json;
//!
//! let transport = MockTransport::new();
//! anthropic::messages(&transport)
//!     .last_user_message("hi")
//!     .reply(Answer::text("Hello").tool("get_weather", json!({"city": "Paris"})));
//! openai::chat_completions(&transport).reply_after_failures(1, ApiError::rate_limit(), "At last.");
//! anthropic::messages(&transport).dialogue(Dialogue::new().turn("hello", "Hi!").turn("bye", "Goodbye"));
//! ```
//!
//! # What is in it
//!
//! * [`Answer`], [`ToolCall`], [`Stop`]: text, tool calls, thinking, refusals, as one value; [`Split`]
//!   cuts texts into deltas; [`Usage`] counts tokens, or estimates them.
//! * [`ApiError`]: every error of a provider, in its own envelope, before the stream or in it.
//! * [`Prompt`]: conditions on a conversation, by the history in the request: no state.
//! * [`Dialogue`]: turns, one after the other, with an explicit end; by the history, or one per request.
//! * [`Conversation`]: what a captured request says, with messages, tools and schemas.
//! * [`aimock`]: fixtures that were written for that server.
//! * [`ModelApi`]: what the providers have in common; [`ModelApi::reply`] is an answer as a
//!   [`Reply`](crate::Reply), for whatever takes one.
//!
//! # What is true of all of them
//!
//! A reply is a function of the request, the answer and the [`Exchange`](crate::Exchange): ids come from
//! the transport's seed, times from its clock, so the same test sees the same bytes. Rate-limit header
//! fields are written where a [`RateLimit`](crate::RateLimit) counts, and only there, so they are true.
//! The module is made of the public interface of this crate, and so could yours be.

mod answer;
mod api;
mod api_error;
mod conversation;
mod dialogue;
mod draws;
mod pattern;
mod patterns;
mod prompt;
mod read;
mod split;
mod stop;
mod telling;
mod text;
mod tool_call;
mod usage;
mod when_prompted;
mod wire;

pub mod aimock;
pub mod anthropic;
pub mod gemini;
pub mod openai;

pub use self::answer::Answer;
pub use self::api::ModelApi;
pub use self::api_error::{ApiError, ApiErrorKind};
pub use self::conversation::{Conversation, Message, MessageBlock, Role, Tool};
pub use self::dialogue::{AmbiguousTurn, Dialogue};
pub use self::prompt::Prompt;
pub use self::split::Split;
pub use self::stop::Stop;
pub use self::tool_call::ToolCall;
pub use self::usage::Usage;
pub use self::when_prompted::WhenPrompted;
