//! Responses.

mod items;
mod request;
mod response;
mod stream;

use std::sync::Arc;

use super::errors;
use crate::providers::api::{ModelApi, Render};
use crate::providers::{Answer, ApiError, Conversation};
use crate::{Exchange, Matcher, Mode, Reply, Request, Result};

/// The Responses API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Responses;

impl ModelApi for Responses {
    fn requests<M: Mode>() -> Matcher<M> {
        crate::post("/v1/responses")
    }

    fn conversation(request: &Request) -> Result<Arc<Conversation>> {
        request::conversation(request)
    }
}

impl Render for Responses {
    fn render(exchange: &Exchange, conversation: &Conversation, answer: &Answer) -> Reply {
        if answer.stream.unwrap_or(conversation.stream) {
            stream::reply(exchange, conversation, answer)
        } else {
            response::reply(exchange, conversation, answer)
        }
    }

    fn render_error(exchange: &Exchange, error: &ApiError) -> Reply {
        errors::reply(exchange, error)
    }
}
