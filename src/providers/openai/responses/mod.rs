//! Responses.

mod items;
mod request;
mod response;
mod stream;

use serde_json::Value;

use super::errors;
use crate::Request;
use crate::providers::api::{ModelApi, Render};
use crate::providers::pattern::Pattern;
use crate::providers::{Answer, ApiError, Conversation};

/// The Responses API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Responses;

impl ModelApi for Responses {}

impl Render for Responses {
    const TARGET: &'static str = "/v1/responses";

    fn read(_: &Request, json: &Value) -> Conversation {
        request::read(json)
    }

    fn render_json(conversation: &Conversation, answer: &Answer) -> Pattern {
        response::pattern(conversation, answer)
    }

    fn render_stream(conversation: &Conversation, answer: &Answer) -> Pattern {
        stream::pattern(conversation, answer)
    }

    fn render_error(error: &ApiError) -> Pattern {
        errors::pattern(error)
    }
}
