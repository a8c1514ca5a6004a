//! What the providers have in common: which requests are theirs, how they are read, how they answer.

use std::marker::PhantomData;
use std::sync::Arc;

use serde_json::Value;

use super::answer::Answer;
use super::api_error::ApiError;
use super::conversation::Conversation;
use super::pattern::Pattern;
use super::patterns::Patterns;
use super::when_prompted::WhenPrompted;
use crate::{Matcher, MockTransport, Mode, Reply, Request, Result};

/// The API of a provider of models. Sealed: [`anthropic::Messages`](super::anthropic::Messages),
/// [`openai::ChatCompletions`](super::openai::ChatCompletions),
/// [`openai::Responses`](super::openai::Responses) and
/// [`gemini::GenerateContent`](super::gemini::GenerateContent).
pub trait ModelApi: Render + Sized {
    /// The requests to it, at any host.
    #[must_use]
    fn requests<M: Mode>() -> Matcher<M> {
        crate::post(Self::TARGET).and(Self::also())
    }

    /// What a request asks of the model: read once per request, then shared.
    ///
    /// # Errors
    ///
    /// [`Part::Json`](crate::Part::Json) when the body is not JSON.
    fn conversation(request: &Request) -> Result<Arc<Conversation>> {
        let view = request.view_with(|request| {
            let json = request.json_value()?;
            let mut conversation = Self::read(request, &json);
            conversation.json = json;
            conversation.name_results();
            let api = PhantomData::<Self>;
            Ok::<_, crate::Error>(View {
                conversation: Arc::new(conversation),
                api,
            })
        })?;
        Ok(view.conversation.clone())
    }

    /// What the model says, as a reply: for sequences, for requests that are held, for limits.
    ///
    /// What is written for a request is kept, but for ids and dates: for the same answer to the same
    /// request (16 of them and 8 MiB at most, compared in full) it is not written again. The clones of a reply share it.
    #[must_use]
    fn reply(answer: impl Into<Answer>) -> Reply {
        let patterns = Patterns::<Self>::new(answer.into());
        Reply::from_exchange(move |exchange| patterns.reply(exchange))
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

/// What is read off a request: each API has its own view of it.
struct View<A> {
    conversation: Arc<Conversation>,
    api: PhantomData<A>,
}

/// How a provider reads what is asked, and writes what is said: the part that only this crate implements.
/// What depends on the exchange is left open.
pub trait Render: Clone + Copy + Default + Send + Sync + 'static {
    /// The target of the requests.
    #[doc(hidden)]
    const TARGET: &'static str;

    /// What is true of them besides.
    #[doc(hidden)]
    fn also<M: Mode>() -> Matcher<M> {
        Matcher::any()
    }

    /// What a request asks, but for its JSON and for the names of results, which are all alike.
    #[doc(hidden)]
    fn read(request: &Request, json: &Value) -> Conversation;

    /// Why the provider refuses this, whatever the model says.
    #[doc(hidden)]
    fn refuse(_: &Conversation) -> Option<ApiError> {
        None
    }

    /// The response to a request that could be read.
    #[doc(hidden)]
    fn render(conversation: &Conversation, answer: &Answer) -> Pattern {
        if answer.stream.unwrap_or(conversation.stream) {
            Self::render_stream(conversation, answer)
        } else {
            Self::render_json(conversation, answer)
        }
    }

    /// The same as one JSON value.
    #[doc(hidden)]
    fn render_json(conversation: &Conversation, answer: &Answer) -> Pattern;

    /// The same as a stream.
    #[doc(hidden)]
    fn render_stream(conversation: &Conversation, answer: &Answer) -> Pattern;

    /// A response that is an error.
    #[doc(hidden)]
    fn render_error(error: &ApiError) -> Pattern;
}
