//! A scripted conversation: what the model says at each turn, and what happens after the last.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::answer::Answer;
use super::api::ModelApi;
use super::conversation::Conversation;
use super::prompt::Prompt;
use super::when_prompted::WhenPrompted;
use crate::futures::Rule;
use crate::{
    AcceptPredicate, Check, Error, ErrorKind, Matcher, Predicate, Request, Result, SequenceEnd,
    Times,
};

/// A scripted conversation: turn by turn what the model is asked, and what it answers.
///
/// The history in each request says which turn it is ([`Conversation::turn`]), so requests may be
/// retried, and many clients may have the same dialogue at once; [`in_scenario`](Self::in_scenario) counts
/// requests instead. A request that fits no turn matches
/// nothing: its [`Diagnosis`](crate::Diagnosis) names the nearest turn and what differs there. A turn
/// that never comes fails [`verify`](crate::MockTransport::verify).
///
/// ```
/// use mockwire::providers::{Answer, Dialogue, Prompt, anthropic};
/// use mockwire::sync::MockTransport;
/// use serde_json::json;
///
/// let transport = MockTransport::new();
/// anthropic::messages(&transport).dialogue(
///     Dialogue::new()
///         .turn("Is it warm in Paris?", Answer::new().tool("get_weather", json!({"city": "Paris"})))
///         .turn(Prompt::new().tool_result_contains("get_weather", "21"), "Yes, 21 degrees.")
///         .turn("Thanks", "You are welcome."),
/// );
///
/// let ask = |text: &str| {
///     let message = json!({"role": "user", "content": text});
///     let body = json!({"model": "claude", "max_tokens": 64, "messages": [message]});
///     let request = http::Request::post("https://api.anthropic.com/v1/messages").body(body).unwrap();
///     transport.block_on(transport.call(request))
/// };
/// assert!(ask("Is it warm in Paris?").is_ok());
///
/// let error = ask("Is it warm in Rome?").unwrap_err();
/// let differs = error.diagnosis().unwrap().nearest[0].checks.iter().find(|check| !check.passed).unwrap();
/// assert_eq!(differs.matcher, "last user message");
/// assert_eq!(differs.expected, r#""Is it warm in Paris?""#);
/// assert_eq!(differs.actual, r#""Is it warm in Rome?""#);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
#[must_use = "a dialogue answers nothing until it is given to `WhenPrompted::dialogue`"]
pub struct Dialogue {
    turns: Vec<(Prompt, Answer)>,
    end: SequenceEnd,
    any_order: bool,
    /// That says which turn it is, where the history does not.
    scenario: Option<String>,
}

impl Dialogue {
    /// A dialogue without turns.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next turn: asked this, the model answers that. What the prompt does not ask for may be
    /// anything: `Prompt::new()` takes whatever comes at this turn.
    pub fn turn(mut self, prompt: impl Into<Prompt>, answer: impl Into<Answer>) -> Self {
        self.turns.push((prompt.into(), answer.into()));
        self
    }

    /// What happens after the last turn: nothing matches ([`SequenceEnd::Fail`], unless it is said), the
    /// last turn goes on, or all begin again.
    pub fn end(mut self, end: SequenceEnd) -> Self {
        self.end = end;
        self
    }

    /// The turns may come in any order: the prompts alone say which it is, and the history does not
    /// count. A request that fits more than one fails, with an [`AmbiguousTurn`].
    pub fn in_any_order(mut self) -> Self {
        self.any_order = true;
        self.scenario = None;
        self
    }

    /// Each request that is answered moves the dialogue on by a turn, whatever its history: for clients
    /// that leave the history to the provider (a `conversation` of OpenAI's Responses, ids of one's own
    /// making), or that cut it. A retry gets the next turn, and all clients have one dialogue.
    ///
    /// The turn is kept as the transport's scenario of this name: `"started"`, `"turn 2"` and so on, and
    /// in the end `"over"`. See [`When::in_scenario`](crate::When::in_scenario), which the rules then
    /// cannot use for another; [`MockTransport::set_scenario`](crate::MockTransport::set_scenario) goes to
    /// any turn.
    ///
    /// ```
    /// use mockwire::providers::{Dialogue, Prompt, openai};
    /// use mockwire::sync::MockTransport;
    /// use serde_json::json;
    ///
    /// let transport = MockTransport::new();
    /// openai::responses(&transport).dialogue(
    ///     Dialogue::new()
    ///         .turn("Knock knock.", "Who is there?")
    ///         .turn(Prompt::new(), "That is not funny.")
    ///         .in_scenario("joke"),
    /// );
    ///
    /// let ask = |text: &str| {
    ///     let body = json!({"model": "gpt", "conversation": "conv_1", "input": text});
    ///     let request = http::Request::post("https://api.openai.com/v1/responses").body(body).unwrap();
    ///     transport.block_on(async { transport.call(request).await?.into_body().text().await })
    /// };
    /// assert!(ask("Knock knock.")?.contains("Who is there?"));
    /// assert_eq!(transport.scenario("joke"), "turn 2");
    /// assert!(ask("Lettuce.")?.contains("not funny"));
    /// assert!(ask("Lettuce in!").is_err());
    /// # Ok::<(), mockwire::Error>(())
    /// ```
    pub fn in_scenario(mut self, name: impl Into<String>) -> Self {
        self.any_order = false;
        self.scenario = Some(name.into());
        self
    }

    /// What each turn asks: which one it is, where the history says that, and then its prompt.
    pub(crate) fn prompts(&self) -> impl Iterator<Item = Prompt> {
        let count = self.turns.len() as u64;
        let by_history = !self.any_order && self.scenario.is_none();
        let numbered = self.turns.iter().zip(1..);
        numbered.map(move |((prompt, _), turn)| {
            if by_history {
                Prompt::new().turn_of(turn, count, self.end).and(prompt)
            } else {
                prompt.clone()
            }
        })
    }

    /// The states of the scenario, where one says which turn it is: in which each turn comes, and after
    /// it.
    pub(crate) fn states(&self) -> Option<Vec<[String; 2]>> {
        self.scenario.as_ref()?;
        let count = self.turns.len() as u64;
        let states = (1..=count).map(|turn| [state(turn), next(turn, count, self.end)]);
        Some(states.collect())
    }

    /// The turns whose prompts a conversation fits, from 1; where they may come in any order.
    pub(crate) fn fitting(&self, conversation: &Conversation) -> Vec<usize> {
        let numbered = self.turns.iter().zip(1..);
        let fitting = numbered.filter(|((prompt, _), _)| prompt.fits(conversation));
        fitting.map(|(_, turn)| turn).collect()
    }

    /// Whether a request may fit more than one turn.
    pub(crate) fn may_be_ambiguous(&self) -> bool {
        self.any_order && self.turns.len() > 1
    }

    #[track_caller]
    pub(super) fn register<M, A>(self, when: WhenPrompted<M, A>) -> Vec<Rule<M>>
    where
        M: AcceptPredicate<OnlyTurn<A>>,
        A: ModelApi,
    {
        assert!(!self.turns.is_empty(), "a dialogue needs at least one turn");
        let dialogue = Arc::new(self);
        let mut states = dialogue.states().into_iter().flatten();
        let scenario = dialogue.scenario.as_deref().unwrap_or_default();
        let mut rules = Vec::with_capacity(dialogue.turns.len());
        for ((_, answer), prompt) in dialogue.turns.iter().zip(dialogue.prompts()) {
            let mut when = when.clone().times(Times::from(1..)).prompt(prompt);
            if let Some([now, next]) = states.next() {
                when = when.when(|rule| {
                    let rule = rule.in_scenario(scenario);
                    rule.when_state(&now).then_state(&next)
                });
            }
            if dialogue.may_be_ambiguous() {
                let (dialogue, api) = (dialogue.clone(), PhantomData);
                when = when.and(Matcher::custom("no other turn", OnlyTurn { dialogue, api }));
            }
            rules.push(when.reply(answer.clone()));
        }
        rules
    }
}

/// That no other turn fits, of a request that one does: who fits two of them gets neither.
#[doc(hidden)]
#[derive(Debug)]
pub struct OnlyTurn<A> {
    dialogue: Arc<Dialogue>,
    api: PhantomData<A>,
}

impl<A: ModelApi> Predicate for OnlyTurn<A> {
    fn test(&self, request: &Request, _: u64) -> Result<bool> {
        let turns = self.dialogue.fitting(&*A::conversation(request)?);
        if turns.len() <= 1 {
            return Ok(true);
        }
        let rule = String::new();
        let error = AmbiguousTurn { turns };
        Err(Error::with_source(ErrorKind::HandlerFailed { rule }, error))
    }

    /// What is asked of a request is the prompt of its turn.
    fn explain(&self, _: &Request) -> Option<Vec<Check>> {
        Some(Vec::new())
    }
}

/// The state of a scenario in which this turn comes.
fn state(turn: u64) -> String {
    match turn {
        1 => "started".to_owned(),
        _ => format!("turn {turn}"),
    }
}

/// The state after this turn, of so many.
fn next(turn: u64, count: u64, end: SequenceEnd) -> String {
    match end {
        _ if turn < count => state(turn + 1),
        SequenceEnd::Cycle => state(1),
        SequenceEnd::Fail => "over".to_owned(),
        SequenceEnd::RepeatLast => state(turn),
    }
}

/// A request fits more than one turn of a dialogue whose turns may come in any order. It reaches the
/// caller as the source of a [`HandlerFailed`](crate::ErrorKind::HandlerFailed).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AmbiguousTurn {
    /// The turns that the request fits, from 1.
    pub turns: Vec<usize>,
}

impl fmt::Display for AmbiguousTurn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let turns: Vec<_> = self.turns.iter().map(ToString::to_string).collect();
        write!(
            f,
            "the request fits the turns {} of the dialogue: let their prompts ask for more, or let the turns come in order",
            turns.join(" and ")
        )
    }
}

impl std::error::Error for AmbiguousTurn {}
