//! What a fixture answers: as an answer of a model, or as an error of its provider.

use std::time::Duration;

use serde_json::{Map, Value};

use super::super::{Answer, ApiError, ApiErrorKind, Stop, ToolCall, Usage};
use super::report::{NO_EMBEDDINGS, Report};

pub(super) fn answer(value: &Value, report: &mut Report) -> Answer {
    let Some(members) = report.expect("response", "an object", value.as_object()) else {
        return Answer::new();
    };
    if let Some(error) = members.get("error") {
        return Answer::error(failure(error, members, report));
    }
    let mut answer = thoughts(members, report);
    match members.get("blocks") {
        Some(blocks) => answer = in_blocks(answer, blocks, report),
        None => {
            if let Some(content) = members.get("content") {
                answer = answer.say(text_or_json(content));
            }
            answer = calls(answer, members.get("toolCalls"), report);
        }
    }
    for (name, value) in members {
        let member = format!("response.{name}");
        match name.as_str() {
            "blocks" | "content" | "toolCalls" | "reasoning" | "reasoningSignature"
            | "redactedThinking" => {}
            "id" => answer = answer.id(report.text(&member, value)),
            "model" => answer = answer.model(report.text(&member, value)),
            "usage" => answer = answer.usage(usage(value, report)),
            "finishReason" => answer = answer.stop(stop(&report.text(&member, value))),
            "role" if value == "assistant" => {}
            "created" => report.note(&member, "times are the transport's: see its epoch"),
            "embedding" => report.note(&member, NO_EMBEDDINGS),
            "image" | "images" | "audio" | "transcription" | "video" | "json" => {
                report.note(
                    &member,
                    "mockwire has only what models say: use a rule of your own",
                );
            }
            _ => report.unknown(&member),
        }
    }
    if members.is_empty() {
        report.note("response", "it says nothing");
    }
    answer
}

fn thoughts(members: &Map<String, Value>, report: &mut Report) -> Answer {
    let mut answer = Answer::new();
    let signature = members.get("reasoningSignature");
    let signature = signature.map(|it| report.text("response.reasoningSignature", it));
    if let Some(reasoning) = members.get("reasoning") {
        let text = report.text("response.reasoning", reasoning);
        answer = match signature {
            Some(signature) => answer.signed_thinking(text, signature),
            None => answer.thinking(text),
        };
    }
    let redacted = members.get("redactedThinking").and_then(Value::as_array);
    for data in redacted.into_iter().flatten() {
        answer = answer.redacted_thinking(report.text("response.redactedThinking", data));
    }
    answer
}

fn in_blocks(mut answer: Answer, blocks: &Value, report: &mut Report) -> Answer {
    let member = "response.blocks";
    let blocks = report.expect(member, "a list", blocks.as_array());
    for block in blocks.into_iter().flatten() {
        match block.get("type").and_then(Value::as_str) {
            Some("text") => {
                let text = block.get("text").unwrap_or(&Value::Null);
                answer = answer.say(report.text("response.blocks.text", text));
            }
            Some("toolCall") => answer = answer.tool_call(call(block, member, report)),
            _ => report.note(member, "a block is a `text` or a `toolCall`"),
        }
    }
    answer
}

fn calls(mut answer: Answer, list: Option<&Value>, report: &mut Report) -> Answer {
    let member = "response.toolCalls";
    let list = list.and_then(|it| report.expect(member, "a list", it.as_array()));
    for value in list.into_iter().flatten() {
        answer = answer.tool_call(call(value, member, report));
    }
    answer
}

fn call(value: &Value, member: &str, report: &mut Report) -> ToolCall {
    let name = value.get("name").and_then(Value::as_str);
    let name = report.expect(&format!("{member}.name"), "a text", name);
    let call = ToolCall::new(name.unwrap_or_default(), ());
    let call = match value.get("arguments") {
        None | Some(Value::Null) => call,
        // As it is written there: with its spaces, and also where it is no JSON.
        Some(Value::String(text)) => call.raw(text),
        Some(arguments) => call.raw(arguments.to_string()),
    };
    match value.get("id").and_then(Value::as_str) {
        Some(id) => call.id(id),
        None => call,
    }
}

fn text_or_json(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// In the words of Chat Completions, as there.
fn stop(reason: &str) -> Stop {
    match reason {
        "content_filter" => Stop::ContentFilter,
        "length" => Stop::MaxTokens,
        "stop" => Stop::EndTurn,
        "tool_calls" => Stop::ToolUse,
        other => Stop::Other(other.to_owned()),
    }
}

/// In the words of whichever provider.
fn usage(value: &Value, report: &mut Report) -> Usage {
    let mut usage = Usage::new();
    let members = report.expect("response.usage", "an object", value.as_object());
    for (name, value) in members.into_iter().flatten() {
        let member = format!("response.usage.{name}");
        match name.as_str() {
            "prompt_tokens" | "input_tokens" | "promptTokenCount" => {
                usage = usage.input(report.count(&member, value));
            }
            "completion_tokens" | "output_tokens" | "candidatesTokenCount" => {
                usage = usage.output(report.count(&member, value));
            }
            "cache_read_input_tokens" => usage = usage.cache_read(report.count(&member, value)),
            "cache_creation_input_tokens" => {
                usage = usage.cache_creation(report.count(&member, value));
            }
            // It is the sum.
            "total_tokens" | "totalTokenCount" => {}
            _ => report.unknown(&member),
        }
    }
    usage
}

fn failure(error: &Value, members: &Map<String, Value>, report: &mut Report) -> ApiError {
    let status = members.get("status");
    let status = status.map_or(500, |it| report.count("response.status", it));
    let status = u16::try_from(status).unwrap_or_default();
    if !(400..=599).contains(&status) {
        report.note(
            "response.status",
            "the status of an error is from 400 to 599",
        );
    }
    let mut failure = ApiError::new(kind(error, status)).status(status);
    let told = report.expect("response.error", "an object", error.as_object());
    for (name, value) in told.into_iter().flatten() {
        let member = format!("response.error.{name}");
        match name.as_str() {
            "message" => failure = failure.message(report.text(&member, value)),
            "code" if !value.is_null() => failure = failure.code(report.text(&member, value)),
            "param" if !value.is_null() => failure = failure.param(report.text(&member, value)),
            "code" | "param" | "type" => {}
            _ => report.unknown(&member),
        }
    }
    for (name, value) in members {
        let member = format!("response.{name}");
        match name.as_str() {
            "error" | "status" => {}
            "retryAfter" => {
                let seconds = report.number(&member, value);
                let after = Duration::try_from_secs_f64(seconds);
                failure = failure.retry_after(after.unwrap_or(Duration::MAX));
            }
            _ => report.unknown(&member),
        }
    }
    failure
}

/// What kind of error it is, by its type, or by its status.
fn kind(error: &Value, status: u16) -> ApiErrorKind {
    match (error.get("type").and_then(Value::as_str), status) {
        (Some("authentication_error"), _) => ApiErrorKind::Authentication,
        (Some("billing_error" | "insufficient_quota"), _) => ApiErrorKind::Billing,
        (Some("not_found_error"), _) => ApiErrorKind::NotFound,
        (Some("overloaded_error"), _) => ApiErrorKind::Overloaded,
        (Some("permission_error"), _) => ApiErrorKind::Permission,
        (Some("rate_limit_error"), _) => ApiErrorKind::RateLimit,
        (Some("request_too_large"), _) => ApiErrorKind::RequestTooLarge,
        (Some("timeout_error"), _) => ApiErrorKind::Timeout,
        (_, 401) => ApiErrorKind::Authentication,
        (_, 402) => ApiErrorKind::Billing,
        (_, 403) => ApiErrorKind::Permission,
        (_, 404) => ApiErrorKind::NotFound,
        (_, 408 | 504) => ApiErrorKind::Timeout,
        (_, 413) => ApiErrorKind::RequestTooLarge,
        (_, 429) => ApiErrorKind::RateLimit,
        (_, 503 | 529) => ApiErrorKind::Overloaded,
        (_, 500..) => ApiErrorKind::Server,
        _ => ApiErrorKind::InvalidRequest,
    }
}
