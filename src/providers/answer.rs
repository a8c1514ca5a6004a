//! What the model says, in words that all providers share: a value.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::api_error::ApiError;
use super::conversation::Conversation;
use super::split::Split;
use super::stop::Stop;
use super::tool_call::ToolCall;
use super::usage::{Counted, Usage};
use crate::Script;
use crate::model::millis;

/// What the model says: text, tool calls, thinking; why it stops; and how the stream goes over the wire.
///
/// A plain value, the same for every provider, which writes it as it writes its own: as JSON, or as a
/// stream where the request asks for one. It has a JSON form, so that it says the same in Rust and in
/// JavaScript.
///
/// ```
/// use mockwire::providers::{Answer, Stop, anthropic};
/// use mockwire::sync::MockTransport;
/// use serde_json::json;
///
/// let transport = MockTransport::new();
/// anthropic::messages(&transport).reply(
///     Answer::new()
///         .thinking("It wants the weather.")
///         .say("I look it up.")
///         .tool("get_weather", json!({"city": "Paris"}))
///         .tool("get_time", json!({"zone": "CET"})),
/// );
/// # let request = http::Request::post("https://api.anthropic.com/v1/messages").body(json!({"stream": true})).unwrap();
/// # let text = transport.block_on(async { transport.call(request).await?.into_body().text().await })?;
/// # assert!(text.contains("content_block_delta"));
/// # Ok::<(), mockwire::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Answer {
    #[serde(skip_serializing_if = "is_default")]
    pub(super) content: Vec<Block>,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) stop: Option<Stop>,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) usage: Usage,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) model: Option<String>,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) id: Option<String>,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) stream: Option<bool>,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) split: Split,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) interleaved: bool,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) script: Script,
    #[serde(skip_serializing_if = "is_default", with = "millis")]
    pub(super) delay: Duration,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) headers: Vec<(String, String)>,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) error: Option<ApiError>,
    /// What else it could say.
    #[serde(skip_serializing_if = "is_default")]
    pub(super) alternatives: Vec<Self>,
}

/// A part of what the model says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", deny_unknown_fields)]
pub(super) enum Block {
    RedactedThinking {
        data: String,
    },
    Refusal {
        text: String,
    },
    Text {
        text: String,
    },
    Thinking {
        text: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signature: Option<String>,
    },
    ToolCall(ToolCall),
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Answer {
    /// Says nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Says this.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::new().say(text)
    }

    /// Refuses, in these words: a `refusal` of OpenAI, the explanation of Anthropic's stop reason.
    #[must_use]
    pub fn refusal(text: impl Into<String>) -> Self {
        let text = text.into();
        Self::new().with(Block::Refusal { text })
    }

    /// No answer: this error, in the provider's envelope.
    #[must_use]
    pub fn error(error: ApiError) -> Self {
        Self::new().then_error(error)
    }

    /// Then says this: a block of text of its own.
    #[must_use]
    pub fn say(self, text: impl Into<String>) -> Self {
        let text = text.into();
        self.with(Block::Text { text })
    }

    /// Then calls a tool with these arguments: an object, or `()` and `null` for none. Several calls are
    /// made in parallel.
    #[must_use]
    pub fn tool(self, name: impl Into<String>, arguments: impl Into<Value>) -> Self {
        self.tool_call(ToolCall::new(name, arguments))
    }

    /// Then calls a tool; see [`ToolCall`] for ids, and for arguments that are no JSON.
    #[must_use]
    pub fn tool_call(self, call: ToolCall) -> Self {
        self.with(Block::ToolCall(call))
    }

    /// Then thinks this, signed by the provider. OpenAI's Chat Completions do not show thoughts, and
    /// count them.
    #[must_use]
    pub fn thinking(self, text: impl Into<String>) -> Self {
        let (text, signature) = (text.into(), None);
        self.with(Block::Thinking { text, signature })
    }

    /// Then thinks this, with this signature.
    #[must_use]
    pub fn signed_thinking(self, text: impl Into<String>, signature: impl Into<String>) -> Self {
        let (text, signature) = (text.into(), Some(signature.into()));
        self.with(Block::Thinking { text, signature })
    }

    /// Then thinks what is not shown, and this stands for it: Anthropic's `redacted_thinking`, the
    /// `encrypted_content` of OpenAI's reasoning.
    #[must_use]
    pub fn redacted_thinking(self, data: impl Into<String>) -> Self {
        let data = data.into();
        self.with(Block::RedactedThinking { data })
    }

    /// Why it stops.
    #[must_use]
    pub fn stop(mut self, stop: Stop) -> Self {
        self.stop = Some(stop);
        self
    }

    /// How many tokens were used; estimated unless it is said.
    #[must_use]
    pub fn usage(mut self, usage: Usage) -> Self {
        self.usage = usage;
        self
    }

    /// Which model answers; the one that was asked unless it is said.
    #[must_use]
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.model = Some(model.into());
        self
    }

    /// The id of the message; made from the transport's seed unless it is said.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Whether it comes as a stream, whatever the request asks for.
    #[must_use]
    pub fn stream(mut self, stream: bool) -> Self {
        self.stream = Some(stream);
        self
    }

    /// Where its texts are cut into deltas: after each word unless it is said. Characters stay whole.
    #[must_use]
    pub fn split(mut self, split: Split) -> Self {
        self.split = split;
        self
    }

    /// Another answer, for a request that asks for several at once: `n` of Chat Completions, at most 128,
    /// and `candidateCount` of Gemini, at most 8; a request for more is refused as the provider refuses
    /// it. Who asks for more than there are gets the same ones again. Of an alternative, only what it says,
    /// why it stops and how it is split count.
    ///
    /// ```
    /// use mockwire::providers::{Answer, openai};
    /// use mockwire::sync::MockTransport;
    /// use serde_json::{Value, json};
    ///
    /// let transport = MockTransport::new();
    /// openai::chat_completions(&transport).reply(Answer::text("Yes").alternative("No"));
    ///
    /// let body = json!({"model": "gpt", "n": 3, "messages": [{"role": "user", "content": "Is it?"}]});
    /// let request = http::Request::post("https://api.openai.com/v1/chat/completions").body(body).unwrap();
    /// let text = transport.block_on(async { transport.call(request).await?.into_body().text().await })?;
    /// let completion: Value = serde_json::from_str(&text).unwrap();
    /// let said = |index: usize| &completion["choices"][index]["message"]["content"];
    /// assert_eq!([said(0), said(1), said(2)], ["Yes", "No", "Yes"]);
    /// # Ok::<(), mockwire::Error>(())
    /// ```
    #[must_use]
    pub fn alternative(mut self, answer: impl Into<Self>) -> Self {
        self.alternatives.push(answer.into());
        self
    }

    /// The deltas of tool calls that are made in parallel come in turns, and so do those of several
    /// answers, where the provider does that (Chat Completions).
    #[must_use]
    pub fn interleaved(mut self) -> Self {
        self.interleaved = true;
        self
    }

    /// How the stream goes over the wire: a [`Script`] with times, chunks and an ending, behind whose
    /// steps the events are added. The event that ends the protocol is its
    /// [`terminal`](Script::terminal), so [`without_terminal`](Script::without_terminal) leaves it out;
    /// [`Chunking::Bytes`](crate::Chunking::Bytes) tears characters.
    ///
    /// Lines end as those of the provider do, whatever the script's
    /// [`line_ending`](Script::line_ending) is: that is for events that the script has itself.
    ///
    /// ```
    /// use std::time::Duration;
    /// use mockwire::providers::Answer;
    /// use mockwire::{Rate, Script};
    ///
    /// let millis = Duration::from_millis;
    /// let slow = Script::new().first_byte(millis(300)).gap(millis(20)).jitter(0.2);
    /// let cut_off = Script::new().cut_at(400).reset();
    /// let answers = [Answer::text("Hello").script(slow), Answer::text("Hello").script(cut_off)];
    /// # let _ = (answers, Rate::TokensPerSecond(50));
    /// ```
    #[must_use]
    pub fn script(mut self, script: Script) -> Self {
        self.script = script;
        self
    }

    /// How long after the request the response begins.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Adds a header field to the response.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Then breaks off with this error, in the middle of the stream. Where no stream is asked for, the
    /// error is all there is; so it is where nothing was said before, unless the error is to come
    /// [`in_stream`](ApiError::in_stream).
    #[must_use]
    pub fn then_error(mut self, error: ApiError) -> Self {
        self.error = Some(error);
        self
    }

    fn with(mut self, block: Block) -> Self {
        self.content.push(block);
        self
    }

    /// The error that stands for the whole answer, when that is what it is.
    pub(super) fn whole_error(&self, stream: bool) -> Option<&ApiError> {
        let error = self.error.as_ref()?;
        let has_begun = stream && (error.in_stream || !self.content.is_empty());
        (!has_begun).then_some(error)
    }

    /// Why it stops: what was said, or what follows from the rest.
    pub(super) fn reason(&self) -> Stop {
        let has = |is: fn(&Block) -> bool| self.content.iter().any(is);
        match &self.stop {
            Some(stop) => stop.clone(),
            None if has(|it| matches!(it, Block::Refusal { .. })) => Stop::Refusal,
            None if has(|it| matches!(it, Block::ToolCall(_))) => Stop::ToolUse,
            None => Stop::EndTurn,
        }
    }

    /// As many answers as the request asks for: this one, its alternatives, and then these again.
    pub(super) fn choices(&self, conversation: &Conversation) -> impl Iterator<Item = &Self> {
        let count = conversation.choices.unwrap_or(1);
        let all = std::iter::once(self).chain(&self.alternatives).cycle();
        all.take(usize::try_from(count).unwrap_or(usize::MAX))
    }

    /// The refusal, if it is one.
    pub(super) fn refused(&self) -> Option<&str> {
        self.content.iter().find_map(|block| match block {
            Block::Refusal { text } => Some(text.as_str()),
            _ => None,
        })
    }

    /// Which model answers.
    pub(super) fn model_of(&self, conversation: &Conversation) -> String {
        self.model.as_ref().unwrap_or(&conversation.model).clone()
    }

    /// How many tokens the exchange has used.
    pub(super) fn counted(&self, conversation: &Conversation) -> Counted {
        let (said, thought) = self.bytes(conversation);
        self.usage.of(conversation, said, thought)
    }

    /// How many bytes are said in all answers (tool calls included), and how many are thought.
    fn bytes(&self, conversation: &Conversation) -> (usize, usize) {
        let mut bytes = (0, 0);
        for block in self.choices(conversation).flat_map(|it| &it.content) {
            match block {
                Block::RedactedThinking { data } => bytes.1 += data.len(),
                Block::Thinking { text, .. } => bytes.1 += text.len(),
                Block::Refusal { text } | Block::Text { text } => bytes.0 += text.len(),
                Block::ToolCall(call) => bytes.0 += call.name.len() + call.text().len(),
            }
        }
        bytes
    }
}

impl From<&str> for Answer {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for Answer {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

impl From<ApiError> for Answer {
    fn from(error: ApiError) -> Self {
        Self::error(error)
    }
}

impl From<ToolCall> for Answer {
    fn from(call: ToolCall) -> Self {
        Self::new().tool_call(call)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_answer_says_the_same_in_json() {
        let answer = Answer::new()
            .signed_thinking("hm", "sig")
            .redacted_thinking("xx")
            .say("hello")
            .tool_call(ToolCall::new("a", json!({"b": 1})).id("call_1"))
            .tool_call(ToolCall::new("a", ()).raw("{\"b"))
            .stop(Stop::StopSequence("END".into()))
            .usage(Usage::new().input(3).reasoning(2))
            .split(Split::Bytes(3))
            .script(Script::new().gap(Duration::from_millis(5)).reset())
            .header("x-a", "b")
            .alternative("or not")
            .then_error(ApiError::overloaded().retry_after(Duration::from_millis(1500)));
        let text = serde_json::to_string(&answer).unwrap();
        assert_eq!(serde_json::from_str::<Answer>(&text).unwrap(), answer);
        let short: Answer =
            serde_json::from_value(json!({"content": [{"type": "text", "text": "hi"}]})).unwrap();
        assert_eq!(short, Answer::text("hi"));
        assert_eq!(serde_json::to_value(Answer::new()).unwrap(), json!({}));
    }

    #[test]
    fn what_is_misspelt_is_refused() {
        for wrong in [
            json!({"contents": []}),
            json!({"content": [{"type": "text", "test": "hi"}]}),
            json!({"error": {"kind": "overload"}}),
        ] {
            assert!(
                serde_json::from_value::<Answer>(wrong.clone()).is_err(),
                "{wrong}"
            );
        }
    }
}
