//! What the providers have in common: which requests are theirs, how they are read, how they answer.

use std::sync::Arc;

use super::answer::Answer;
use super::api_error::ApiError;
use super::conversation::Conversation;
use super::when_prompted::WhenPrompted;
use crate::{Exchange, Matcher, MockTransport, Mode, Reply, Request, Result};

/// The API of a provider of models. Sealed: [`anthropic::Messages`](super::anthropic::Messages),
/// [`openai::ChatCompletions`](super::openai::ChatCompletions),
/// [`openai::Responses`](super::openai::Responses) and
/// [`gemini::GenerateContent`](super::gemini::GenerateContent).
pub trait ModelApi: Render + Sized {
    /// The requests to it, at any host.
    #[must_use]
    fn requests<M: Mode>() -> Matcher<M>;

    /// What a request asks of the model: read once per request, then shared.
    ///
    /// # Errors
    ///
    /// [`Part::Json`](crate::Part::Json) when the body is not JSON.
    fn conversation(request: &Request) -> Result<Arc<Conversation>>;

    /// What the model says, as a reply: for sequences, for requests that are held, for limits.
    #[must_use]
    fn reply(answer: impl Into<Answer>) -> Reply {
        let answer = answer.into();
        Reply::from_exchange(move |exchange| respond::<Self>(exchange, &answer))
    }

    /// Begins a rule for the requests to it: conditions on the conversation, then the answer.
    #[track_caller]
    fn on<M: Mode>(transport: &MockTransport<M>) -> WhenPrompted<M, Self> {
        WhenPrompted::new(transport.on(Self::requests()))
    }

    /// Begins a rule for the requests to another target: a proxy, a gateway; see [`on`](crate::on).
    #[track_caller]
    fn at<M: Mode>(transport: &MockTransport<M>, target: &str) -> WhenPrompted<M, Self> {
        WhenPrompted::new(transport.post(target))
    }
}

/// How a provider writes what is said: the part that only this crate implements.
pub trait Render: Clone + Copy + Default + Send + Sync + 'static {
    /// The reply to a request that could be read.
    #[doc(hidden)]
    fn render(exchange: &Exchange, conversation: &Conversation, answer: &Answer) -> Reply;

    /// A response that is an error.
    #[doc(hidden)]
    fn render_error(exchange: &Exchange, error: &ApiError) -> Reply;
}

/// A provider's reply in an exchange: a function of the request, of what the model says, and of the
/// number, the time and the random numbers of the exchange.
pub(super) fn respond<A: ModelApi>(exchange: &Exchange, answer: &Answer) -> Reply {
    let conversation = match A::conversation(exchange.request()) {
        Ok(conversation) => conversation,
        Err(error) => {
            return A::render_error(exchange, &ApiError::invalid_request(error.to_string()));
        }
    };
    let stream = answer.stream.unwrap_or(conversation.stream);
    let reply = match answer.whole_error(stream) {
        Some(error) => A::render_error(exchange, error),
        None => A::render(exchange, &conversation, answer),
    };
    let fields = answer.headers.iter();
    let reply = fields.fold(reply, |reply, (name, value)| reply.header(name, value));
    reply.delay(answer.delay)
}
