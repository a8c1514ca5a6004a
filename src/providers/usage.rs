//! How many tokens an exchange has used: given, or estimated from its text.

use serde::{Deserialize, Serialize};

use super::Conversation;

/// How many bytes of text count as a token.
pub(super) const BYTES_PER_TOKEN: usize = 4;

/// How many tokens an answer tells that it has used. What is not given is estimated, from what goes over
/// the wire: one token for every four bytes of text, rounded up, and 1 at least.
///
/// ```
/// use mockwire::providers::{Answer, Usage};
///
/// assert_eq!(Usage::estimate("Hello, world"), 3);
/// let answer = Answer::text("Hello").usage(Usage::new().input(12).output(30).cache_read(8));
/// # let _ = answer;
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Usage {
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<u64>,
    #[serde(skip_serializing_if = "is_zero")]
    cache_read: u64,
    #[serde(skip_serializing_if = "is_zero")]
    cache_creation: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<u64>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Usage {
    /// All of it estimated.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many tokens the request had.
    #[must_use]
    pub fn input(mut self, tokens: u64) -> Self {
        self.input = Some(tokens);
        self
    }

    /// How many tokens the answer has, thinking included.
    #[must_use]
    pub fn output(mut self, tokens: u64) -> Self {
        self.output = Some(tokens);
        self
    }

    /// How many of the request's tokens were read from the provider's cache of prompts.
    #[must_use]
    pub fn cache_read(mut self, tokens: u64) -> Self {
        self.cache_read = tokens;
        self
    }

    /// How many tokens were written to the provider's cache of prompts (Anthropic).
    #[must_use]
    pub fn cache_creation(mut self, tokens: u64) -> Self {
        self.cache_creation = tokens;
        self
    }

    /// How many of the answer's tokens were thinking.
    #[must_use]
    pub fn reasoning(mut self, tokens: u64) -> Self {
        self.reasoning = Some(tokens);
        self
    }

    /// How many tokens a text has by the estimate: its bytes in UTF-8 by four, rounded up.
    #[must_use]
    pub fn estimate(text: &str) -> u64 {
        tokens(text.len())
    }

    /// What goes over the wire, of an answer with so many bytes of what it says and thinks.
    pub(super) fn of(self, conversation: &Conversation, said: usize, thought: usize) -> Counted {
        let reasoning = self.reasoning.unwrap_or_else(|| tokens(thought));
        let output = || (tokens(said) + reasoning).max(1);
        Counted {
            input: self.input.unwrap_or_else(|| conversation.tokens()),
            output: self.output.unwrap_or_else(output),
            cache_read: self.cache_read,
            cache_creation: self.cache_creation,
            reasoning,
        }
    }
}

/// How many tokens so many bytes of text are.
pub(super) fn tokens(bytes: usize) -> u64 {
    bytes.div_ceil(BYTES_PER_TOKEN) as u64
}

/// What goes over the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) input: u64,
    pub(super) output: u64,
    pub(super) cache_read: u64,
    pub(super) cache_creation: u64,
    pub(super) reasoning: u64,
}
