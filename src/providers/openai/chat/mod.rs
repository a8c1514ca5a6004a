//! Chat Completions.

mod completion;
mod request;
mod stream;

use serde_json::Value;

use super::errors;
use crate::Request;
use crate::providers::api::{ModelApi, Render};
use crate::providers::pattern::Pattern;
use crate::providers::{Answer, ApiError, Conversation};

/// How many choices a request may ask for.
const MOST: u64 = 128;

/// The Chat Completions API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChatCompletions;

impl ModelApi for ChatCompletions {}

impl Render for ChatCompletions {
    const TARGET: &'static str = "/v1/chat/completions";

    fn read(_: &Request, json: &Value) -> Conversation {
        request::read(json)
    }

    fn refuse(conversation: &Conversation) -> Option<ApiError> {
        let n = conversation.choices.filter(|n| !(1..=MOST).contains(n))?;
        let (code, message) = if n > MOST {
            (
                "integer_above_max_value",
                format!("Invalid 'n': {n} is above the maximum of {MOST}."),
            )
        } else {
            (
                "integer_below_min_value",
                "Invalid 'n': 0 is below the minimum of 1.".to_owned(),
            )
        };
        Some(ApiError::invalid_request(message).code(code).param("n"))
    }

    fn render_json(conversation: &Conversation, answer: &Answer) -> Pattern {
        completion::pattern(conversation, answer)
    }

    fn render_stream(conversation: &Conversation, answer: &Answer) -> Pattern {
        stream::pattern(conversation, answer)
    }

    fn render_error(error: &ApiError) -> Pattern {
        errors::pattern(error)
    }
}
