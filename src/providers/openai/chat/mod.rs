//! Chat Completions.

mod completion;
mod request;
mod stream;

use std::sync::Arc;

use super::errors;
use crate::providers::api::{ModelApi, Render};
use crate::providers::pattern::Pattern;
use crate::providers::{Answer, ApiError, Conversation};
use crate::{Matcher, Mode, Request, Result};

/// The Chat Completions API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChatCompletions;

impl ModelApi for ChatCompletions {
    fn requests<M: Mode>() -> Matcher<M> {
        crate::post("/v1/chat/completions")
    }

    fn conversation(request: &Request) -> Result<Arc<Conversation>> {
        request::conversation(request)
    }
}

impl Render for ChatCompletions {
    fn render(conversation: &Conversation, answer: &Answer) -> Pattern {
        if answer.stream.unwrap_or(conversation.stream) {
            stream::pattern(conversation, answer)
        } else {
            completion::pattern(conversation, answer)
        }
    }

    fn render_error(error: &ApiError) -> Pattern {
        errors::pattern(error)
    }
}
