//! Fixtures of aimock, read: what somebody has written for that server answers here, from every
//! provider.
//!
//! <https://github.com/CopilotKit/aimock>. [`Fixtures`] says what is understood; what is not is told by
//! name, all at once, in [`UnsupportedFixtures`].

mod ask;
mod read;
mod report;
mod response;
mod timing;

use std::fmt;

pub(crate) use self::ask::Api;
use self::ask::Ask;
use super::anthropic::Messages;
use super::gemini::GenerateContent;
use super::openai::{ChatCompletions, Responses};
use super::{Answer, ModelApi};
use crate::futures::Rule;
use crate::{
    AcceptResponder, Error, ErrorKind, Handler, Matcher, MockTransport, Mode, Part, Reply, Request,
};

/// The fixtures of a file of aimock: `{"fixtures": [{"match": {..}, "response": {..}}]}`.
///
/// Each becomes a rule for all four providers, which answers in the provider's words. As there, the first
/// one that matches answers.
///
/// | `match` | |
/// |---|---|
/// | `userMessage` | is in the last text of the user |
/// | `systemMessage` | a text, or several, that are in what the application says |
/// | `toolCallId` | the last thing in the request is the result of this call |
/// | `toolResultContains` | the last thing in the request is a result with this in it |
/// | `toolName` | the model may call this tool |
/// | `model` | this one, or a dated one of it: `gpt-5` is `gpt-5-2025-08-07`, too |
/// | `responseFormat` | `response_format.type`, with Responses `text.format.type` |
/// | `turnIndex` | so many messages of the model have come before |
/// | `hasToolResult` | whether a tool has given something since the user spoke |
/// | `sequenceIndex` | the fixtures of one match answer one after the other, once each |
/// | `context` | the header field `x-aimock-context` |
/// | `endpoint` | `chat` |
///
/// Responses are `content`, `toolCalls` and `blocks`, with `reasoning`, `reasoningSignature` and
/// `redactedThinking`; `id`, `model`, `usage` and `finishReason`; and `error` with `status` and
/// `retryAfter`. `latency`, `chunkSize` (in characters), `streamingProfile`, `recordedTimings` (the mean of
/// its delays) and `replaySpeed` say how a stream goes, in the transport's time.
///
/// ```
/// use mockwire::providers::aimock::Fixtures;
/// use mockwire::sync::MockTransport;
///
/// let fixtures = Fixtures::parse(r#"{"fixtures": [
///     {"match": {"userMessage": "weather", "hasToolResult": true}, "response": {"content": "It is sunny."}},
///     {"match": {"userMessage": "weather"},
///      "response": {"toolCalls": [{"name": "get_weather", "arguments": {"city": "Paris"}}]}}
/// ]}"#)?;
/// let transport = MockTransport::new();
/// fixtures.register(&transport);
///
/// let body = serde_json::json!({"model": "claude", "max_tokens": 64, "messages": [{"role": "user", "content": "How is the weather?"}]});
/// let request = http::Request::post("https://api.anthropic.com/v1/messages").body(body).unwrap();
/// let text = transport.block_on(async { transport.call(request).await?.into_body().text().await })?;
/// assert!(text.contains(r#""name":"get_weather""#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fixtures {
    list: Vec<Fixture>,
}

#[derive(Clone, Debug, PartialEq)]
struct Fixture {
    asks: Vec<Ask>,
    /// The value of `x-aimock-context`.
    context: Option<String>,
    /// Whether it answers once, as one of a sequence.
    is_sequenced: bool,
    answer: Answer,
}

impl Fixtures {
    /// The fixtures that a text is.
    ///
    /// # Errors
    ///
    /// [`UnsupportedFixtures`], with all that is not understood, and with the fixtures that are.
    pub fn parse(text: &str) -> Result<Self, UnsupportedFixtures> {
        read::fixtures(text)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Makes each of them a rule, in order. They need not be asked for: [`verify`] is content.
    ///
    /// [`verify`]: MockTransport::verify
    ///
    /// # Panics
    ///
    /// If the transport is disposed.
    #[track_caller]
    pub fn register<M>(&self, transport: &MockTransport<M>) -> Vec<Rule<M>>
    where
        M: Mode + AcceptResponder<crate::By<AnyProvider>>,
    {
        let fixtures = self.list.iter().zip(self.matchers::<M>());
        let rules = fixtures.map(|(fixture, matcher)| {
            let mut when = transport.on(matcher);
            if let Some(context) = &fixture.context {
                when = when.header(CONTEXT, context.as_str());
            }
            let when = if fixture.is_sequenced {
                when.times(..=1)
            } else {
                when.times(..)
            };
            when.reply_by(AnyProvider::of(&fixture.answer))
        });
        rules.collect()
    }

    /// Which requests each of them is meant for, but for their header fields.
    pub(crate) fn matchers<M: Mode>(&self) -> impl Iterator<Item = Matcher<M>> {
        self.list.iter().map(|fixture| {
            let requests = Messages::requests()
                .or(ChatCompletions::requests())
                .or(Responses::requests())
                .or(GenerateContent::requests());
            let asks = fixture.asks.iter().map(Ask::matcher::<M>);
            asks.fold(requests, Matcher::and)
        })
    }
}

/// The header field that names a fixture's context.
const CONTEXT: &str = "x-aimock-context";

/// For JavaScript, which makes rules of its own.
#[cfg(all(feature = "js-extras", target_arch = "wasm32"))]
impl Fixtures {
    pub(crate) fn answer(&self, index: usize) -> Option<&Answer> {
        Some(&self.list.get(index)?.answer)
    }

    pub(crate) fn is_sequenced(&self, index: usize) -> bool {
        self.list.get(index).is_some_and(|it| it.is_sequenced)
    }

    pub(crate) fn context(&self, index: usize) -> Option<&str> {
        self.list.get(index)?.context.as_deref()
    }
}

/// An answer, as whichever provider is asked.
#[doc(hidden)]
#[derive(Debug)]
pub struct AnyProvider {
    anthropic: Reply,
    chat: Reply,
    responses: Reply,
    gemini: Reply,
}

impl AnyProvider {
    fn of(answer: &Answer) -> Self {
        Self {
            anthropic: Messages::reply(answer.clone()),
            chat: ChatCompletions::reply(answer.clone()),
            responses: Responses::reply(answer.clone()),
            gemini: GenerateContent::reply(answer.clone()),
        }
    }
}

impl Handler for AnyProvider {
    fn reply(&self, request: &Request) -> Reply {
        match Api::of(request) {
            Api::Anthropic => self.anthropic.clone(),
            Api::Chat => self.chat.clone(),
            Api::Responses => self.responses.clone(),
            Api::Gemini => self.gemini.clone(),
        }
    }
}

/// What of a file of aimock is not understood here: everything, by name.
///
/// ```
/// use mockwire::providers::aimock::Fixtures;
///
/// let error = Fixtures::parse(r#"{"fixtures": [
///     {"match": {"inputText": "hi"}, "response": {"embedding": [0.1]}},
///     {"match": {"userMessage": "hi"}, "response": {"content": "Hello"}, "chaos": {"dropRate": 0.1}}
/// ]}"#).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "3 things of these fixtures are not understood:
///   fixture 1: `match.inputText`: there are no embeddings here
///   fixture 1: `response.embedding`: there are no embeddings here
///   fixture 2: `chaos`: say it of the rule, with `When::chaos`"
/// );
/// assert!(error.supported.is_empty());
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct UnsupportedFixtures {
    /// The fixtures of which everything is understood.
    pub supported: Fixtures,
    /// What is not, in the order of the file.
    pub unsupported: Vec<Unsupported>,
}

/// Something in a file of aimock that is not understood here.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unsupported {
    /// The fixture, from 1; 0 for the file.
    pub fixture: usize,
    /// Which member of it: `match.inputText`. Empty for all of it.
    pub member: String,
    /// What is wrong with it, or what to do instead.
    pub reason: String,
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.fixture {
            0 => f.write_str("the file")?,
            number => write!(f, "fixture {number}")?,
        }
        if !self.member.is_empty() {
            write!(f, ": `{}`", self.member)?;
        }
        write!(f, ": {}", self.reason)
    }
}

impl fmt::Display for UnsupportedFixtures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.unsupported.len() {
            1 => f.write_str("one thing of these fixtures is not understood:")?,
            count => write!(f, "{count} things of these fixtures are not understood:")?,
        }
        for unsupported in &self.unsupported {
            write!(f, "\n  {unsupported}")?;
        }
        Ok(())
    }
}

impl std::error::Error for UnsupportedFixtures {}

impl From<UnsupportedFixtures> for Error {
    fn from(unsupported: UnsupportedFixtures) -> Self {
        let reason = unsupported.to_string();
        Self::with_source(
            ErrorKind::Invalid {
                part: Part::Json,
                value: "aimock fixtures".to_owned(),
                reason,
            },
            unsupported,
        )
    }
}
