//! What is asked of a conversation: conditions, as a value.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::api::ModelApi;
use super::conversation::{Conversation, Role};
use crate::{Matcher, Mode, SequenceEnd, all_of, reading};

/// What a model is asked: conditions on a [`Conversation`], all of which must be satisfied. A value, the
/// same for every provider. A text stands for [`last_user_message`](Self::last_user_message).
///
/// They look at the request alone, which carries the history: no state, so that requests may come in any
/// order, be retried, and belong to many conversations at once.
///
/// ```
/// use mockwire::providers::{Prompt, anthropic};
/// use mockwire::sync::MockTransport;
///
/// let transport = MockTransport::new();
/// let second_try = Prompt::new().tool_result_contains("get_weather", "timeout").model("claude");
/// anthropic::messages(&transport).prompt(second_try).reply("I could not find out.");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Prompt {
    asks: Vec<Ask>,
}

/// One thing that is read off a conversation, and what it is to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ask {
    of: Fact,
    #[serde(flatten)]
    is: Is,
}

/// What can be read off a conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Fact {
    CalledTool(String),
    HasAssistantTurn,
    HasRole(Role),
    HasToolResults,
    HasTools,
    LastUserMessage,
    MessageCount,
    Model,
    /// The text of the message with this number, from 1.
    NthMessage(usize),
    Stream,
    System,
    Text,
    Tool(String),
    ToolResult(String),
    /// The same, as JSON.
    ToolResultJson(String),
    Turn,
    /// The turn, counted from 1 again after so many.
    TurnOfCycle(u64),
    /// The turn; the one with this number stands for those that follow.
    TurnUpTo(u64),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Is {
    Containing(String),
    Equal(Value),
    There(bool),
}

impl Prompt {
    /// Asks nothing yet: satisfied by every conversation.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The user has said exactly this, and nothing has come since: neither the model nor a tool.
    #[must_use]
    pub fn last_user_message(self, text: &str) -> Self {
        self.ask(Fact::LastUserMessage, Is::Equal(text.into()))
    }

    /// The user has said something with this in it, and nothing has come since.
    #[must_use]
    pub fn last_user_message_contains(self, part: &str) -> Self {
        self.ask(Fact::LastUserMessage, Is::Containing(part.into()))
    }

    /// The text of the message with this number, from 1, whoever says it.
    #[must_use]
    pub fn nth_message(self, number: usize, text: &str) -> Self {
        self.ask(Fact::NthMessage(number), Is::Equal(text.into()))
    }

    /// Somebody has said something with this in it, the application included.
    #[must_use]
    pub fn text_contains(self, part: &str) -> Self {
        self.ask(Fact::Text, Is::Containing(part.into()))
    }

    /// The application has said exactly this.
    #[must_use]
    pub fn system(self, text: &str) -> Self {
        self.ask(Fact::System, Is::Equal(text.into()))
    }

    /// The application has said something with this in it.
    #[must_use]
    pub fn system_contains(self, part: &str) -> Self {
        self.ask(Fact::System, Is::Containing(part.into()))
    }

    /// Somebody of this role has said something, in a message of its own or where else the provider has
    /// it: the application in a `system` apart from the messages, a tool in a message of the user's.
    #[must_use]
    pub fn has_role(self, role: Role) -> Self {
        self.ask(Fact::HasRole(role), Is::There(true))
    }

    /// Whether the model has answered before, this time or in what the provider remembers. What it is to
    /// go on with, at the end, is no answer yet.
    #[must_use]
    pub fn has_assistant_turn(self, has: bool) -> Self {
        self.ask(Fact::HasAssistantTurn, Is::Equal(has.into()))
    }

    /// The model has called this tool before, in any of its turns.
    #[must_use]
    pub fn called_tool(self, name: &str) -> Self {
        self.ask(Fact::CalledTool(name.into()), Is::There(true))
    }

    /// This model is asked.
    #[must_use]
    pub fn model(self, model: &str) -> Self {
        self.ask(Fact::Model, Is::Equal(model.into()))
    }

    /// This tool has given something since the model's last message: by its name, or by the id of the
    /// call.
    #[must_use]
    pub fn tool_result(self, id_or_name: &str) -> Self {
        self.ask(Fact::ToolResult(id_or_name.into()), Is::There(true))
    }

    /// This tool has given a text with this in it since the model's last message.
    #[must_use]
    pub fn tool_result_contains(self, id_or_name: &str, part: &str) -> Self {
        let fact = Fact::ToolResult(id_or_name.into());
        self.ask(fact, Is::Containing(part.into()))
    }

    /// This tool has given exactly this since the model's last message: a text, or any other JSON.
    #[must_use]
    pub fn tool_result_is(self, id_or_name: &str, content: impl Into<Value>) -> Self {
        let (name, content) = (id_or_name.to_owned(), content.into());
        let fact = match content {
            Value::String(_) => Fact::ToolResult(name),
            _ => Fact::ToolResultJson(name),
        };
        self.ask(fact, Is::Equal(content))
    }

    /// Whether any tool has given something since the model's last message.
    #[must_use]
    pub fn has_tool_results(self, has: bool) -> Self {
        self.ask(Fact::HasToolResults, Is::Equal(has.into()))
    }

    /// Whether the model may call tools.
    #[must_use]
    pub fn has_tools(self, has: bool) -> Self {
        self.ask(Fact::HasTools, Is::Equal(has.into()))
    }

    /// The model may call this tool.
    #[must_use]
    pub fn offers_tool(self, name: &str) -> Self {
        self.ask(Fact::Tool(name.into()), Is::There(true))
    }

    /// It is this turn of the model, from 1; see [`Conversation::turn`].
    #[must_use]
    pub fn turn(self, turn: u64) -> Self {
        self.ask(Fact::Turn, Is::Equal(turn.into()))
    }

    /// It is this turn of so many, after which this happens.
    pub(super) fn turn_of(self, turn: u64, count: u64, end: SequenceEnd) -> Self {
        let fact = match end {
            SequenceEnd::Fail => Fact::Turn,
            SequenceEnd::RepeatLast => Fact::TurnUpTo(count),
            SequenceEnd::Cycle => Fact::TurnOfCycle(count),
        };
        self.ask(fact, Is::Equal(turn.into()))
    }

    /// The request has so many messages.
    #[must_use]
    pub fn message_count(self, count: usize) -> Self {
        self.ask(Fact::MessageCount, Is::Equal(count.into()))
    }

    /// Whether a stream is asked for.
    #[must_use]
    pub fn stream(self, stream: bool) -> Self {
        self.ask(Fact::Stream, Is::Equal(stream.into()))
    }

    /// Whether a conversation satisfies all of it.
    #[must_use]
    pub fn fits(&self, conversation: &Conversation) -> bool {
        self.asks.iter().all(|ask| ask.fits(conversation))
    }

    /// The same as a condition on the requests of a provider.
    #[must_use]
    pub fn matcher<M: Mode, A: ModelApi>(&self) -> Matcher<M> {
        all_of(self.asks.iter().map(Ask::matcher::<M, A>))
    }

    /// All that this asks, and then all that the other does.
    pub(super) fn and(mut self, other: &Self) -> Self {
        self.asks.extend_from_slice(&other.asks);
        self
    }

    fn ask(mut self, of: Fact, is: Is) -> Self {
        self.asks.push(Ask { of, is });
        self
    }
}

impl Ask {
    fn fits(&self, conversation: &Conversation) -> bool {
        let actual = self.of.read(conversation);
        match &self.is {
            Is::Containing(part) => {
                let text = actual.as_ref().and_then(Value::as_str);
                text.is_some_and(|text| text.contains(part.as_str()))
            }
            Is::Equal(expected) => actual.as_ref() == Some(expected),
            Is::There(there) => actual.is_some() == *there,
        }
    }

    fn matcher<M: Mode, A: ModelApi>(&self) -> Matcher<M> {
        let of = self.of.clone();
        let reading = reading(&self.of.name(), move |request| {
            let conversation = A::conversation(request).ok()?;
            of.read(&conversation)
        });
        match &self.is {
            Is::Containing(part) => reading.contains(part),
            Is::Equal(expected) => reading.equals(expected.clone()),
            Is::There(true) => reading.exists(),
            Is::There(false) => reading.missing(),
        }
    }
}

impl Fact {
    fn read(&self, conversation: &Conversation) -> Option<Value> {
        Some(match self {
            Self::CalledTool(name) => conversation
                .has_called(name)
                .then_some(name.as_str())?
                .into(),
            Self::HasAssistantTurn => (conversation.turn() > 1).into(),
            Self::HasRole(role) => {
                let has = conversation.has_role(*role);
                has.then_some(role.as_str())?.into()
            }
            Self::HasToolResults => conversation.tool_results().next().is_some().into(),
            Self::HasTools => (!conversation.tools.is_empty()).into(),
            Self::LastUserMessage => conversation.last_user_message()?.into(),
            Self::MessageCount => conversation.messages.len().into(),
            Self::Model => conversation.model.as_str().into(),
            Self::NthMessage(number) => {
                let index = number.checked_sub(1)?;
                conversation.messages.get(index)?.text().into()
            }
            Self::Stream => conversation.stream.into(),
            Self::System => conversation.system.as_deref()?.into(),
            Self::Text => conversation.text().into(),
            Self::Tool(name) => conversation.tool(name)?.name.as_str().into(),
            Self::ToolResult(name) => conversation.tool_result(name)?.into(),
            Self::ToolResultJson(name) => {
                let text = conversation.tool_result(name)?;
                serde_json::from_str(text).unwrap_or_else(|_| text.into())
            }
            Self::Turn => conversation.turn().into(),
            Self::TurnOfCycle(count) => {
                let earlier = (conversation.turn() - 1).checked_rem(*count)?;
                (1 + earlier).into()
            }
            Self::TurnUpTo(count) => conversation.turn().min(*count).into(),
        })
    }

    /// As a diagnosis names it.
    fn name(&self) -> String {
        match self {
            Self::CalledTool(name) => format!("call of tool {name}"),
            Self::HasAssistantTurn => "has an assistant turn".into(),
            Self::HasRole(role) => format!("role {}", role.as_str()),
            Self::HasToolResults => "has tool results".into(),
            Self::HasTools => "has tools".into(),
            Self::LastUserMessage => "last user message".into(),
            Self::MessageCount => "message count".into(),
            Self::Model => "model".into(),
            Self::NthMessage(number) => format!("message {number}"),
            Self::Stream => "stream".into(),
            Self::System => "system".into(),
            Self::Text => "text".into(),
            Self::Tool(name) => format!("tool {name}"),
            Self::ToolResult(name) | Self::ToolResultJson(name) => format!("tool result {name}"),
            Self::Turn => "turn".into(),
            Self::TurnOfCycle(_) => "turn (they begin again)".into(),
            Self::TurnUpTo(_) => "turn (the last repeats)".into(),
        }
    }
}

impl From<&str> for Prompt {
    fn from(text: &str) -> Self {
        Self::new().last_user_message(text)
    }
}

impl From<String> for Prompt {
    fn from(text: String) -> Self {
        Self::new().last_user_message(&text)
    }
}
