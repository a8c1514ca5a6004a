//! What all responses of OpenAI have: header fields, and padding that hides lengths.

use crate::Reply;
use crate::providers::Answer;
use crate::providers::ids::Ids;

/// Events are padded to a multiple of so many characters.
const BLOCK: usize = 16;

pub(super) fn request_id(ids: &mut Ids) -> String {
    ids.hex("req_", 32)
}

/// The reply with the header fields that every response has.
pub(super) fn with_head(reply: Reply, request_id: &str, answer: Option<&Answer>) -> Reply {
    let processing = answer.map_or(0, |answer| answer.delay.as_millis());
    reply
        .header("x-request-id", request_id)
        .header("openai-organization", "org-mockwire")
        .header("openai-processing-ms", &processing.to_string())
        .header("openai-version", "2020-10-01")
}

/// The header fields of a stream.
pub(super) fn with_stream_head(reply: Reply) -> Reply {
    reply
        .header("content-type", "text/event-stream; charset=utf-8")
        .header("cache-control", "no-cache")
}

/// As much as makes a length a multiple of the block.
pub(super) fn padding(ids: &mut Ids, characters: usize) -> String {
    let len = (BLOCK - characters % BLOCK) % BLOCK;
    ids.alphanumeric("", len)
}
