//! Why the model stops.

use serde::{Deserialize, Serialize};

/// Why the model stops. Unless it is said, it is the end of its turn, or the tools that it calls, or that
/// it refuses.
///
/// | | Anthropic | Chat Completions | Responses | Gemini |
/// |---|---|---|---|---|
/// | `ContentFilter` | `refusal` | `content_filter` | `incomplete`: `content_filter` | `SAFETY` |
/// | `EndTurn` | `end_turn` | `stop` | `completed` | `STOP` |
/// | `MaxTokens` | `max_tokens` | `length` | `incomplete`: `max_output_tokens` | `MAX_TOKENS` |
/// | `PauseTurn` | `pause_turn` | `stop` | `completed` | `STOP` |
/// | `Refusal` | `refusal` | `stop` | `completed` | `SAFETY` |
/// | `StopSequence` | `stop_sequence` | `stop` | `completed` | `STOP` |
/// | `ToolUse` | `tool_use` | `tool_calls` | `completed` | `STOP` |
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Stop {
    /// A filter has cut it off.
    ContentFilter,
    /// It has said what it had to say.
    EndTurn,
    /// There may be no more tokens.
    MaxTokens,
    /// In the provider's own word.
    Other(String),
    /// A long turn is interrupted, and the client is to send it back.
    PauseTurn,
    /// It does not want to.
    Refusal,
    /// This text came, at which it was to stop.
    StopSequence(String),
    /// It waits for the results of tools.
    ToolUse,
}
