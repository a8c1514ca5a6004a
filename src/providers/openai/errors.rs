//! Errors in OpenAI's envelope (<https://platform.openai.com/docs/guides/error-codes>).

use super::head::{request_id, with_head};
use crate::providers::draws::Draws;
use crate::providers::pattern::Pattern;
use crate::providers::wire::Wire;
use crate::providers::{ApiError, ApiErrorKind};

pub(super) fn pattern(error: &ApiError) -> Pattern {
    let mut draws = Draws::default();
    let request_id = request_id(&mut draws);
    let pattern = Pattern::json(draws, &body(error)).status(status(error));
    let mut pattern = with_head(pattern, &request_id, None);
    if let Some(after) = error.retry_after {
        if after.subsec_nanos() > 0 {
            let millis = after.as_nanos().div_ceil(1_000_000);
            pattern = pattern.field("retry-after-ms", &millis.to_string());
        }
        let seconds = error.retry_after_seconds().unwrap_or_default();
        pattern = pattern.field("retry-after", &seconds.to_string());
    }
    match error.should_retry {
        Some(should_retry) => pattern.field("x-should-retry", &should_retry.to_string()),
        None => pattern,
    }
}

/// The body of an error response, and of the chunk that breaks a stream off.
pub(super) fn body(error: &ApiError) -> Wire {
    Wire::object().put("error", details(error))
}

/// What is wrong.
pub(super) fn details(error: &ApiError) -> Wire {
    Wire::object()
        .put("message", message(error))
        .put("type", kind(error))
        .put("param", error.param.as_deref())
        .put("code", code(error))
}

pub(super) fn kind(error: &ApiError) -> &'static str {
    words(error.kind).0
}

pub(super) fn code(error: &ApiError) -> Option<&str> {
    let (_, code, _) = words(error.kind);
    error.code.as_deref().or(code)
}

pub(super) fn message(error: &ApiError) -> &str {
    let (.., message) = words(error.kind);
    error.message.as_deref().unwrap_or(message)
}

fn status(error: &ApiError) -> u16 {
    error.status.unwrap_or(match error.kind {
        ApiErrorKind::Authentication => 401,
        ApiErrorKind::Billing | ApiErrorKind::RateLimit => 429,
        ApiErrorKind::InvalidRequest | ApiErrorKind::RequestTooLarge => 400,
        ApiErrorKind::NotFound => 404,
        ApiErrorKind::Overloaded => 503,
        ApiErrorKind::Permission => 403,
        ApiErrorKind::Server => 500,
        ApiErrorKind::Timeout => 408,
    })
}

/// The type, the code, and what it says.
fn words(kind: ApiErrorKind) -> (&'static str, Option<&'static str>, &'static str) {
    let invalid = "invalid_request_error";
    match kind {
        ApiErrorKind::Authentication => (
            invalid,
            Some("invalid_api_key"),
            "Incorrect API key provided.",
        ),
        ApiErrorKind::Billing => (
            "insufficient_quota",
            Some("insufficient_quota"),
            "You exceeded your current quota, please check your plan and billing details.",
        ),
        ApiErrorKind::InvalidRequest => (invalid, None, "Invalid request."),
        ApiErrorKind::NotFound => (
            invalid,
            Some("model_not_found"),
            "The model does not exist or you do not have access to it.",
        ),
        ApiErrorKind::Overloaded => (
            "server_error",
            None,
            "The engine is currently overloaded, please try again later.",
        ),
        ApiErrorKind::Permission => (
            "request_forbidden",
            Some("unsupported_country_region_territory"),
            "Country, region, or territory not supported",
        ),
        ApiErrorKind::RateLimit => (
            "requests",
            Some("rate_limit_exceeded"),
            "Rate limit reached. Please try again later.",
        ),
        ApiErrorKind::RequestTooLarge => (
            invalid,
            Some("context_length_exceeded"),
            "This request has more tokens than the model's context length.",
        ),
        ApiErrorKind::Server => (
            "server_error",
            None,
            "The server had an error while processing your request.",
        ),
        ApiErrorKind::Timeout => ("server_error", Some("timeout"), "Request timed out."),
    }
}
