//! What all responses of OpenAI have: header fields, and padding that hides lengths.

use crate::providers::Answer;
use crate::providers::draws::Draws;
use crate::providers::pattern::Pattern;
use crate::providers::wire::Wire;

/// Events are padded to a multiple of so many characters.
const BLOCK: usize = 16;

pub(super) fn request_id(draws: &mut Draws) -> Wire {
    draws.hex("req_", 32)
}

/// The response with the header fields that every response has.
pub(super) fn with_head(pattern: Pattern, request_id: &Wire, answer: Option<&Answer>) -> Pattern {
    let processing = answer.map_or(0, |answer| answer.delay.as_millis());
    pattern
        .field_drawn("x-request-id", request_id)
        .field("openai-organization", "org-mockwire")
        .field("openai-processing-ms", &processing.to_string())
        .field("openai-version", "2020-10-01")
}

/// The header fields of a stream.
pub(super) fn with_stream_head(pattern: Pattern) -> Pattern {
    pattern
        .field("content-type", "text/event-stream; charset=utf-8")
        .field("cache-control", "no-cache")
}

/// As much as makes a length a multiple of the block.
pub(super) fn padding(draws: &mut Draws, characters: usize) -> Wire {
    let len = (BLOCK - characters % BLOCK) % BLOCK;
    draws.alphanumeric("", len)
}
