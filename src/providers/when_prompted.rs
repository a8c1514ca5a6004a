//! A rule for a model that is being written: conditions on the conversation, then the answer.

use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;

use super::answer::Answer;
use super::api::ModelApi;
use super::conversation::{Conversation, Role};
use super::dialogue::{Dialogue, OnlyTurn};
use super::prompt::Prompt;
use crate::futures::{Hold, Rule};
use crate::{
    AcceptPredicate, AcceptResponder, Handler, Matcher, Mode, Predicate, Reply, Request, Result,
    SequenceEnd, Times, When,
};

/// A rule for a model that is being written: conditions on the conversation, how often it answers, then
/// the answer, which registers it.
///
/// The same words for every provider. What is not of models is [`when`](Self::when)'s: header fields,
/// scenarios, limits.
///
/// ```
/// use mockwire::providers::{Answer, anthropic};
/// use mockwire::sync::MockTransport;
/// use serde_json::json;
///
/// let transport = MockTransport::new();
/// anthropic::messages(&transport)
///     .last_user_message_contains("weather")
///     .offers_tool("get_weather")
///     .reply(Answer::text("I look.").tool("get_weather", json!({"city": "Paris"})));
/// anthropic::messages(&transport)
///     .tool_result_contains("get_weather", "21")
///     .reply("It is 21 degrees.");
/// # let ask = |messages: serde_json::Value| {
/// #     let body = json!({"model": "claude", "max_tokens": 64, "messages": messages, "tools": [{"name": "get_weather"}]});
/// #     let request = http::Request::post("https://api.anthropic.com/v1/messages").body(body).unwrap();
/// #     transport.block_on(async { transport.call(request).await?.into_body().text().await })
/// # };
/// # let question = json!({"role": "user", "content": "How is the weather?"});
/// # let first: serde_json::Value = serde_json::from_str(&ask(json!([question]))?).unwrap();
/// # let result = json!({"type": "tool_result", "tool_use_id": first["content"][1]["id"], "content": "21"});
/// # let said = json!({"role": "assistant", "content": first["content"]});
/// # assert!(ask(json!([question, said, {"role": "user", "content": [result]}]))?.contains("21 degrees"));
/// # transport.verify();
/// # Ok::<(), mockwire::Error>(())
/// ```
#[must_use = "a rule without an answer is not registered: end with `reply`, `reply_with`, ..."]
pub struct WhenPrompted<M: Mode, A: ModelApi> {
    when: When<M>,
    api: PhantomData<A>,
}

impl<M: Mode, A: ModelApi> WhenPrompted<M, A> {
    pub(super) fn new(when: When<M>) -> Self {
        let api = PhantomData;
        Self { when, api }
    }

    /// Also this, of the conversation.
    pub fn prompt(self, prompt: impl Into<Prompt>) -> Self {
        let prompt = prompt.into();
        self.and(prompt.matcher::<M, A>())
    }

    /// Also this condition, of the request.
    pub fn and(self, matcher: impl Into<Matcher<M>>) -> Self {
        self.when(|when| when.and(matcher))
    }

    /// What else a rule can say: header fields, scenarios, rate limits, chaos.
    ///
    /// ```
    /// use mockwire::providers::anthropic;
    /// use mockwire::sync::MockTransport;
    ///
    /// let transport = MockTransport::new();
    /// anthropic::messages(&transport)
    ///     .when(|rule| rule.header("anthropic-beta", "context-1m").in_scenario("login").when_state("in"))
    ///     .reply("Welcome back.");
    /// ```
    pub fn when(self, change: impl FnOnce(When<M>) -> When<M>) -> Self {
        Self::new(change(self.when))
    }

    /// See [`Prompt::last_user_message`].
    pub fn last_user_message(self, text: &str) -> Self {
        self.prompt(Prompt::new().last_user_message(text))
    }

    /// See [`Prompt::last_user_message_contains`].
    pub fn last_user_message_contains(self, part: &str) -> Self {
        self.prompt(Prompt::new().last_user_message_contains(part))
    }

    /// See [`Prompt::nth_message`].
    pub fn nth_message(self, number: usize, text: &str) -> Self {
        self.prompt(Prompt::new().nth_message(number, text))
    }

    /// See [`Prompt::text_contains`].
    pub fn text_contains(self, part: &str) -> Self {
        self.prompt(Prompt::new().text_contains(part))
    }

    /// See [`Prompt::system`].
    pub fn system(self, text: &str) -> Self {
        self.prompt(Prompt::new().system(text))
    }

    /// See [`Prompt::system_contains`].
    pub fn system_contains(self, part: &str) -> Self {
        self.prompt(Prompt::new().system_contains(part))
    }

    /// See [`Prompt::has_role`].
    pub fn has_role(self, role: Role) -> Self {
        self.prompt(Prompt::new().has_role(role))
    }

    /// See [`Prompt::has_assistant_turn`].
    pub fn has_assistant_turn(self, has: bool) -> Self {
        self.prompt(Prompt::new().has_assistant_turn(has))
    }

    /// See [`Prompt::called_tool`].
    pub fn called_tool(self, name: &str) -> Self {
        self.prompt(Prompt::new().called_tool(name))
    }

    /// See [`Prompt::model`].
    pub fn model(self, model: &str) -> Self {
        self.prompt(Prompt::new().model(model))
    }

    /// See [`Prompt::tool_result`].
    pub fn tool_result(self, id_or_name: &str) -> Self {
        self.prompt(Prompt::new().tool_result(id_or_name))
    }

    /// See [`Prompt::tool_result_contains`].
    pub fn tool_result_contains(self, id_or_name: &str, part: &str) -> Self {
        self.prompt(Prompt::new().tool_result_contains(id_or_name, part))
    }

    /// See [`Prompt::tool_result_is`].
    pub fn tool_result_is(self, id_or_name: &str, content: impl Into<serde_json::Value>) -> Self {
        self.prompt(Prompt::new().tool_result_is(id_or_name, content))
    }

    /// See [`Prompt::has_tool_results`].
    pub fn has_tool_results(self, has: bool) -> Self {
        self.prompt(Prompt::new().has_tool_results(has))
    }

    /// See [`Prompt::has_tools`].
    pub fn has_tools(self, has: bool) -> Self {
        self.prompt(Prompt::new().has_tools(has))
    }

    /// See [`Prompt::offers_tool`].
    pub fn offers_tool(self, name: &str) -> Self {
        self.prompt(Prompt::new().offers_tool(name))
    }

    /// See [`Prompt::turn`].
    pub fn turn(self, turn: u64) -> Self {
        self.prompt(Prompt::new().turn(turn))
    }

    /// See [`Prompt::message_count`].
    pub fn message_count(self, count: usize) -> Self {
        self.prompt(Prompt::new().message_count(count))
    }

    /// See [`Prompt::stream`].
    pub fn stream(self, stream: bool) -> Self {
        self.prompt(Prompt::new().stream(stream))
    }

    /// Whatever this closure accepts of the conversation. It runs once for each request, never under a
    /// lock. A request that cannot be read is not accepted.
    #[track_caller]
    pub fn matching<F>(self, test: F) -> Self
    where
        F: Fn(&Conversation) -> bool + 'static,
        M: AcceptPredicate<OnConversation<F, A>>,
    {
        let place = Location::caller();
        let label = format!("at {}:{}", place.file(), place.line());
        let api = PhantomData;
        self.and(Matcher::custom(&label, OnConversation { test, api }))
    }

    /// How often it answers; see [`When::times`].
    pub fn times(self, times: impl Into<Times>) -> Self {
        self.when(|when| when.times(times))
    }

    /// Exactly once.
    pub fn once(self) -> Self {
        self.times(1)
    }

    /// See [`When::priority`].
    pub fn priority(self, priority: i32) -> Self {
        self.when(|when| when.priority(priority))
    }

    /// The model says this, each time. Registers the rule.
    ///
    /// # Panics
    ///
    /// If a condition is malformed, or the transport is disposed.
    #[track_caller]
    pub fn reply(self, answer: impl Into<Answer>) -> Rule<M> {
        self.when.reply(A::reply(answer))
    }

    /// The model says one after the other, whoever asks: a sequence counts requests. Where the history
    /// tells what comes next, a [`dialogue`](Self::dialogue) does not have to count. Registers the rule.
    ///
    /// # Panics
    ///
    /// If a condition is malformed, there is no answer, or the transport is disposed.
    #[track_caller]
    pub fn reply_sequence<T: Into<Answer>>(
        self,
        answers: impl IntoIterator<Item = T>,
        end: SequenceEnd,
    ) -> Rule<M> {
        self.when
            .reply_sequence(answers.into_iter().map(A::reply), end)
    }

    /// Fails this many times, then succeeds for good: what a client's retries are tested with. Registers
    /// the rule.
    ///
    /// # Panics
    ///
    /// If a condition is malformed, or the transport is disposed.
    #[track_caller]
    pub fn reply_after_failures(
        self,
        failures: usize,
        failure: impl Into<Answer>,
        success: impl Into<Answer>,
    ) -> Rule<M> {
        let (failure, success) = (A::reply(failure), A::reply(success));
        self.when.reply_after_failures(failures, failure, success)
    }

    /// The model says what the closure makes of the conversation. Registers the rule.
    ///
    /// ```
    /// use mockwire::providers::{Answer, anthropic};
    /// use mockwire::sync::MockTransport;
    ///
    /// let transport = MockTransport::new();
    /// anthropic::messages(&transport).reply_with(|conversation| {
    ///     let said = conversation.last_user_message().unwrap_or_default();
    ///     Answer::text(format!("You said: {said}"))
    /// });
    /// ```
    ///
    /// # Panics
    ///
    /// If a condition is malformed, or the transport is disposed.
    #[track_caller]
    pub fn reply_with<F, T>(self, handler: F) -> Rule<M>
    where
        F: Fn(&Conversation) -> T + 'static,
        T: Into<Answer> + 'static,
        M: AcceptResponder<crate::By<Answering<F, A>>>,
    {
        let api = PhantomData;
        self.when.reply_by(Answering { handler, api })
    }

    /// The model answers turn by turn, by the history in the request: each turn is a rule, which answers
    /// at least once. Registers the rules.
    ///
    /// # Panics
    ///
    /// If a condition is malformed, there is no turn, or the transport is disposed.
    #[track_caller]
    pub fn dialogue(self, dialogue: Dialogue) -> Vec<Rule<M>>
    where
        M: AcceptPredicate<OnlyTurn<A>>,
    {
        dialogue.register(self)
    }

    /// Keeps each request until the test replies to it, with what
    /// [`ModelApi::reply`] makes of an answer. Registers the rule.
    ///
    /// # Panics
    ///
    /// If a condition is malformed, or the transport is disposed.
    #[track_caller]
    pub fn hold(self) -> Hold<M> {
        self.when.hold()
    }

    /// The rule as any other, to be ended in any other way.
    pub fn into_when(self) -> When<M> {
        self.when
    }
}

/// A condition on a conversation.
#[doc(hidden)]
#[derive(Debug)]
pub struct OnConversation<F, A> {
    test: F,
    api: PhantomData<A>,
}

impl<F: Fn(&Conversation) -> bool, A: ModelApi> Predicate for OnConversation<F, A> {
    fn test(&self, request: &Request, _: u64) -> Result<bool> {
        Ok(A::conversation(request).is_ok_and(|conversation| (self.test)(&conversation)))
    }
}

/// A handler of conversations.
#[doc(hidden)]
#[derive(Debug)]
pub struct Answering<F, A> {
    handler: F,
    api: PhantomData<A>,
}

impl<F, T, A> Handler for Answering<F, A>
where
    F: Fn(&Conversation) -> T,
    T: Into<Answer>,
    A: ModelApi,
{
    fn reply(&self, request: &Request) -> Reply {
        // A request that cannot be read is answered as the provider answers it.
        A::conversation(request).map_or_else(
            |_| A::reply(Answer::new()),
            |conversation| A::reply((self.handler)(&conversation)),
        )
    }
}

/// A rule that is half written can be finished in several ways.
impl<M: Mode, A: ModelApi> Clone for WhenPrompted<M, A> {
    fn clone(&self) -> Self {
        Self::new(self.when.clone())
    }
}

impl<M: Mode, A: ModelApi> fmt::Debug for WhenPrompted<M, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.when.fmt(f)
    }
}
