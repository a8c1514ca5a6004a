//! From the text of a file to fixtures. What is not understood is gathered on the way.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};

use super::super::{Answer, ApiError, ApiErrorKind, Split, Stop, ToolCall, Usage};
use super::ask::Ask;
use super::{Fixture, Fixtures, Unsupported, UnsupportedFixtures};
use crate::model::millis;
use crate::{Rate, Script};

pub(super) fn fixtures(text: &str) -> Result<Fixtures, UnsupportedFixtures> {
    let mut report = Report::default();
    let list = entries(text, &mut report);
    let sequences = sequences(&list);
    let mut fixtures = Vec::new();
    for (value, number) in list.iter().zip(1..) {
        report.fixture = number;
        let before = report.unsupported.len();
        let read = fixture(value, &mut report);
        if let Some(reason) = sequences.broken.get(&number) {
            report.note("match.sequenceIndex", reason);
        }
        if report.unsupported.len() == before {
            fixtures.push((sequences.place(number), read));
        }
    }
    // Those of a sequence stand in the places that they have together, in their order.
    fixtures.sort_by_key(|(place, _)| *place);
    let supported = Fixtures {
        list: fixtures.into_iter().map(|(_, fixture)| fixture).collect(),
    };
    match report.unsupported {
        unsupported if unsupported.is_empty() => Ok(supported),
        unsupported => Err(UnsupportedFixtures {
            supported,
            unsupported,
        }),
    }
}

/// What is not understood so far.
#[derive(Default)]
struct Report {
    /// The one that is being read.
    fixture: usize,
    unsupported: Vec<Unsupported>,
}

impl Report {
    fn note(&mut self, member: &str, reason: &str) {
        self.unsupported.push(Unsupported {
            fixture: self.fixture,
            member: member.to_owned(),
            reason: reason.to_owned(),
        });
    }

    /// What a value is; it is noted when it is not that.
    fn expect<T>(&mut self, member: &str, what: &str, value: Option<T>) -> Option<T> {
        if value.is_none() {
            self.note(member, &format!("it is to be {what}"));
        }
        value
    }

    fn text(&mut self, member: &str, value: &Value) -> String {
        let text = self.expect(member, "a text", value.as_str());
        text.unwrap_or_default().to_owned()
    }

    fn count(&mut self, member: &str, value: &Value) -> u64 {
        let number = self.expect(member, "a whole number from 0", value.as_u64());
        number.unwrap_or_default()
    }

    fn number(&mut self, member: &str, value: &Value) -> f64 {
        let number = value.as_f64().filter(|it| *it >= 0.0);
        self.expect(member, "a number from 0", number)
            .unwrap_or_default()
    }

    fn millis(&mut self, member: &str, value: &Value) -> Duration {
        let duration = value.as_f64().and_then(millis::of);
        self.expect(member, "a number of milliseconds", duration)
            .unwrap_or_default()
    }

    fn unknown(&mut self, member: &str) {
        self.note(member, "mockwire does not know it");
    }
}

fn entries(text: &str, report: &mut Report) -> Vec<Value> {
    let file = match serde_json::from_str(text) {
        Ok(Value::Object(file)) => file,
        Ok(_) => {
            report.note("", "it is to be an object with a list `fixtures`");
            return Vec::new();
        }
        Err(error) => {
            report.note("", &format!("it is no JSON: {error}"));
            return Vec::new();
        }
    };
    let mut list = None;
    for (name, value) in file {
        match (name.as_str(), value) {
            ("fixtures", Value::Array(fixtures)) => list = Some(fixtures),
            ("fixtures", _) => report.note("fixtures", "it is to be a list"),
            ("$schema" | "metadata", _) => {}
            (name, _) => report.note(name, "there are only fixtures for models here"),
        }
    }
    if list.is_none() && report.unsupported.is_empty() {
        report.note("fixtures", "it is not there");
    }
    list.unwrap_or_default()
}

/// Which fixtures answer one after the other.
struct Sequences {
    /// Where a fixture stands, by its number.
    places: BTreeMap<usize, usize>,
    /// What is wrong with it, by its number.
    broken: BTreeMap<usize, String>,
}

impl Sequences {
    fn place(&self, number: usize) -> usize {
        self.places.get(&number).copied().unwrap_or(number)
    }
}

fn sequences(list: &[Value]) -> Sequences {
    let mut groups: BTreeMap<String, Vec<(u64, usize)>> = BTreeMap::new();
    for (fixture, number) in list.iter().zip(1..) {
        let asks = fixture.get("match").and_then(Value::as_object);
        let index = asks.and_then(|asks| asks.get("sequenceIndex")?.as_u64());
        if let (Some(asks), Some(index)) = (asks, index) {
            let mut rest = asks.clone();
            rest.remove("sequenceIndex");
            let key = Value::Object(rest).to_string();
            groups.entry(key).or_default().push((index, number));
        }
    }
    let (mut places, mut broken) = (BTreeMap::new(), BTreeMap::new());
    for mut group in groups.into_values() {
        let numbers: Vec<usize> = group.iter().map(|(_, number)| *number).collect();
        group.sort_unstable();
        for ((expected, (index, number)), place) in (0..).zip(group).zip(numbers) {
            places.insert(number, place);
            if index != expected {
                let reason = format!("in the fixtures of this match, {expected} is to come here");
                broken.insert(number, reason);
            }
        }
    }
    Sequences { places, broken }
}

fn fixture(value: &Value, report: &mut Report) -> Fixture {
    let mut fixture = Fixture {
        asks: Vec::new(),
        context: None,
        is_sequenced: false,
        answer: Answer::new(),
    };
    let Some(members) = report.expect("", "an object", value.as_object()) else {
        return fixture;
    };
    let mut timing = Timing::default();
    for (name, value) in members {
        match name.as_str() {
            "match" => conditions(value, &mut fixture, report),
            "response" => {
                fixture.answer = answer(value, report);
            }
            "chunkSize" => {
                let size = value.as_u64().and_then(|it| usize::try_from(it).ok());
                let size = report.expect(name, "a number from 1", size.filter(|it| *it > 0));
                timing.split = size.map(Split::Characters);
            }
            "latency" => timing.latency = report.millis(name, value),
            "streamingProfile" => profile(value, &mut timing, report),
            "recordedTimings" => recorded(value, &mut timing, report),
            "replaySpeed" => {
                let speed = value.as_f64().filter(|it| *it > 0.0);
                timing.speed = report.expect(name, "a number above 0", speed);
            }
            "metadata" => {}
            "chaos" => report.note(name, "say it of the rule, with `When::chaos`"),
            "truncateAfterChunks" | "disconnectAfterMs" => {
                report.note(name, "say where a stream ends with `Answer::script`");
            }
            _ => report.unknown(name),
        }
    }
    for name in ["match", "response"] {
        if !members.contains_key(name) {
            report.note(name, "it is not there");
        }
    }
    fixture.answer = timing.of(fixture.answer);
    fixture
}

fn conditions(value: &Value, fixture: &mut Fixture, report: &mut Report) {
    let Some(members) = report.expect("match", "an object", value.as_object()) else {
        return;
    };
    for (name, value) in members {
        let member = format!("match.{name}");
        let ask = match name.as_str() {
            "userMessage" => Ask::UserMessage(report.text(&member, value)),
            "systemMessage" => {
                let one = std::slice::from_ref(value);
                let parts = value.as_array().map_or(one, Vec::as_slice);
                let parts = parts.iter().map(|it| report.text(&member, it));
                fixture.asks.extend(parts.map(Ask::SystemMessage));
                continue;
            }
            "toolCallId" => Ask::ToolCallId(report.text(&member, value)),
            "toolResultContains" => Ask::ToolResultContains(report.text(&member, value)),
            "toolName" => Ask::ToolName(report.text(&member, value)),
            "model" => Ask::Model(report.text(&member, value)),
            "responseFormat" => Ask::ResponseFormat(report.text(&member, value)),
            "turnIndex" => Ask::TurnIndex(report.count(&member, value)),
            "hasToolResult" => {
                let has = report.expect(&member, "true or false", value.as_bool());
                Ask::HasToolResult(has.unwrap_or_default())
            }
            "sequenceIndex" => {
                report.count(&member, value);
                fixture.is_sequenced = true;
                continue;
            }
            "context" => {
                fixture.context = Some(report.text(&member, value));
                continue;
            }
            "endpoint" if value == "chat" => continue,
            "endpoint" => {
                report.note(&member, "there is only `chat` here");
                continue;
            }
            "inputText" => {
                report.note(&member, NO_EMBEDDINGS);
                continue;
            }
            "predicate" => {
                report.note(
                    &member,
                    "a function is no JSON: say it of a rule of your own",
                );
                continue;
            }
            _ => {
                report.unknown(&member);
                continue;
            }
        };
        fixture.asks.push(ask);
    }
}

const NO_EMBEDDINGS: &str = "there are no embeddings here";

fn answer(value: &Value, report: &mut Report) -> Answer {
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

/// How a stream goes.
#[derive(Default)]
struct Timing {
    split: Option<Split>,
    latency: Duration,
    first: Option<Duration>,
    gap: Option<Duration>,
    rate: Option<u64>,
    jitter: f64,
    speed: Option<f64>,
}

impl Timing {
    fn of(self, answer: Answer) -> Answer {
        let speed = self.speed.unwrap_or(1.0);
        let scaled = |it: Duration| {
            Duration::try_from_secs_f64(it.as_secs_f64() / speed).unwrap_or(Duration::MAX)
        };
        let mut script = Script::new()
            .gap(scaled(self.gap.unwrap_or(self.latency)))
            .jitter(self.jitter);
        if let Some(first) = self.first {
            script = script.first_byte(scaled(first));
        }
        if let Some(rate) = self.rate {
            script = script.gap(Duration::ZERO).rate(Rate::TokensPerSecond(rate));
        }
        let answer = match self.split {
            Some(split) => answer.split(split),
            None => answer,
        };
        answer.delay(scaled(self.latency)).script(script)
    }
}

fn profile(value: &Value, timing: &mut Timing, report: &mut Report) {
    let members = report.expect("streamingProfile", "an object", value.as_object());
    for (name, value) in members.into_iter().flatten() {
        let member = format!("streamingProfile.{name}");
        match name.as_str() {
            "ttft" => timing.first = Some(report.millis(&member, value)),
            "tps" => {
                let rate = report.number(&member, value).round() as u64;
                timing.rate = report.expect(&member, "at least 1", Some(rate).filter(|it| *it > 0));
            }
            "jitter" => {
                let share = value.as_f64().filter(|it| (0.0..=1.0).contains(it));
                timing.jitter = report
                    .expect(&member, "a number from 0 to 1", share)
                    .unwrap_or_default();
            }
            _ => report.unknown(&member),
        }
    }
}

fn recorded(value: &Value, timing: &mut Timing, report: &mut Report) {
    let members = report.expect("recordedTimings", "an object", value.as_object());
    for (name, value) in members.into_iter().flatten() {
        let member = format!("recordedTimings.{name}");
        match name.as_str() {
            "ttftMs" => timing.first = Some(report.millis(&member, value)),
            "interChunkDelaysMs" => {
                let delays = report.expect(&member, "a list", value.as_array());
                let delays = delays.map_or(&[][..], Vec::as_slice);
                let delays: Vec<_> = delays.iter().map(|it| report.millis(&member, it)).collect();
                let count = u32::try_from(delays.len()).unwrap_or(u32::MAX).max(1);
                timing.gap = Some(delays.iter().sum::<Duration>() / count);
            }
            "totalDurationMs" => {}
            _ => report.unknown(&member),
        }
    }
}
