//! Gemini.

use std::time::Duration;

use mockwire::providers::gemini::{self, GenerateContent};
use mockwire::providers::{
    Answer, ApiError, ApiErrorKind, Dialogue, ModelApi, Prompt, Role, Stop, Usage,
};
use mockwire::sync::MockTransport;
use mockwire::{RateLimit, Script};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::grammar::{assert_same_grammar, grammar, real_json, real_recording, recording};
use crate::support::{answers, bytes, config, events, json, payloads, post, saying};

const MODEL: &str = "https://generativelanguage.googleapis.com/v1beta/models/gemini-test-1";

fn plain() -> String {
    format!("{MODEL}:generateContent")
}

fn stream() -> String {
    format!("{MODEL}:streamGenerateContent?alt=sse")
}

fn request() -> Value {
    json!({"contents": [{"role": "user", "parts": [{"text": "hi"}]}]})
}

fn streamed(answer: &Answer) -> Vec<Value> {
    let transport = saying::<GenerateContent>(answer);
    let response = post(&transport, &stream(), &request());
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let text = bytes(&transport, response);
    let breaks = text.windows(4).filter(|it| it == b"\r\n\r\n").count();
    let events = events(&text);
    assert_eq!(breaks, events.len(), "lines end with CR LF");
    assert!(
        events.iter().all(|(name, _)| name == "message"),
        "chunks have no names"
    );
    payloads(&events)
}

fn response(answer: &Answer) -> Value {
    let transport = saying::<GenerateContent>(answer);
    let response = post(&transport, &plain(), &request());
    json(&transport, response)
}

/// What a client puts together from the chunks: texts of a kind in a row become one part.
fn put_together(chunks: &[Value]) -> Result<Value, String> {
    let mut parts: Vec<Value> = Vec::new();
    let mut whole = chunks.last().ok_or("no chunks")?.clone();
    if let Some(error) = chunks.iter().find_map(|chunk| chunk.get("error")) {
        return Err(error["status"].to_string());
    }
    for chunk in chunks {
        for name in ["responseId", "modelVersion"] {
            if chunk[name] != whole[name] {
                return Err(format!("another {name}"));
            }
        }
        let new = chunk["candidates"][0]["content"]["parts"].as_array();
        for part in new.into_iter().flatten() {
            add(&mut parts, part);
        }
    }
    if whole["candidates"][0]["finishReason"].is_null() {
        return Err("no finish reason".into());
    }
    whole["candidates"][0]["content"]["parts"] = parts.into();
    Ok(whole)
}

fn add(parts: &mut Vec<Value>, part: &Value) {
    let is_text = |part: &Value| part["text"].is_string();
    let last = parts.last_mut();
    let Some(last) =
        last.filter(|it| is_text(it) && is_text(part) && it["thought"] == part["thought"])
    else {
        if part["text"] != "" || part.get("thoughtSignature").is_some() {
            parts.push(part.clone());
        }
        return;
    };
    let text = last["text"].as_str().unwrap().to_owned();
    last["text"] = (text + part["text"].as_str().unwrap()).into();
    if let Some(signature) = part.get("thoughtSignature") {
        last["thoughtSignature"] = signature.clone();
    }
}

/// The response with texts of a kind in a row made one.
fn joined(mut response: Value) -> Value {
    let mut parts = Vec::new();
    let known = response["candidates"][0]["content"]["parts"].take();
    for part in known.as_array().into_iter().flatten() {
        add(&mut parts, part);
    }
    response["candidates"][0]["content"]["parts"] = parts.into();
    response["candidates"][0]["content"]["role"] = "model".into();
    response
}

fn tools() -> Answer {
    Answer::new()
        .thinking("Hm.")
        .tool("refresh", ())
        .tool("tide", json!({"port": "Brest"}))
}

#[test]
fn streams_have_the_grammar_of_the_recordings() {
    let text = Answer::new()
        .redacted_thinking("signature")
        .say("The tide turns.");
    assert_same_grammar(&streamed(&text), &recording("gemini-text"));
    assert_same_grammar(&streamed(&tools()), &recording("gemini-tools"));
    let error = ApiError::rate_limit().retry_after(Duration::from_millis(34_400));
    let ours = response(&error.into());
    assert_eq!(ours, recording("gemini-error")[0]);
}

/// What the real provider was recorded to send, where the recordings are at hand.
#[test]
fn streams_have_the_grammar_of_the_real_provider() {
    if let Some(real) = real_recording("google-text.chunks.txt") {
        let answer = Answer::new()
            .redacted_thinking("signature")
            .say("There are 3.");
        assert_same_grammar(&streamed(&answer), &real);
    }
    if let Some(real) = real_recording("google-tool-call.chunks.txt") {
        let call = json!({"location": "San Francisco"});
        let answer = Answer::new()
            .redacted_thinking("signature")
            .tool("weather", call);
        assert_same_grammar(&streamed(&answer), &real);
    }
    if let Some(real) = real_json("google-429-retry-info.json") {
        let error = ApiError::rate_limit().retry_after(Duration::from_millis(34_400));
        assert_same_grammar(&[response(&error.into())], &[real]);
    }
}

#[test]
fn what_a_client_puts_together_is_the_response() {
    let cut = Answer::text("half a text").stop(Stop::MaxTokens);
    for answer in [
        Answer::text("a b c"),
        tools(),
        cut,
        Answer::new().signed_thinking("a b", "s").say("c"),
    ] {
        let joined = joined(response(&answer));
        assert_eq!(
            put_together(&streamed(&answer)).unwrap(),
            joined,
            "{answer:?}"
        );
    }
}

#[test]
fn what_is_broken_is_noticed() {
    let answer = Answer::new()
        .signed_thinking("a", "s")
        .say("b c")
        .tool("t", json!({"d": 1}));
    let whole = streamed(&answer);
    for (at, chunk) in whole.iter().enumerate() {
        let mut chunks = whole.clone();
        chunks.remove(at);
        assert_ne!(
            put_together(&chunks),
            put_together(&whole),
            "without {chunk}"
        );
    }
    let mut swapped = whole.clone();
    swapped.swap(0, 1);
    assert_ne!(grammar(&swapped), grammar(&whole));
}

#[test]
fn without_sse_a_stream_is_an_array() {
    let transport = saying::<GenerateContent>(&Answer::text("a b"));
    let url = format!("{MODEL}:streamGenerateContent");
    let response = post(&transport, &url, &request());
    assert_eq!(
        response.headers()["content-type"],
        "application/json; charset=UTF-8"
    );
    let array = json(&transport, response);
    assert_eq!(array, Value::Array(streamed(&Answer::text("a b"))));
    // Its frames are its elements, and its end can be left out.
    let torn =
        saying::<GenerateContent>(&Answer::text("a b").script(Script::new().without_terminal()));
    let text = bytes(&torn, post(&torn, &url, &request()));
    assert!(serde_json::from_slice::<Value>(&text).is_err());
}

#[test]
fn usage_counts_up() {
    let usage = Usage::new().input(10).output(9).reasoning(4).cache_read(3);
    let stream = streamed(
        &Answer::text("12345678 12345678")
            .thinking("hm")
            .usage(usage),
    );
    let counts: Vec<_> = stream
        .iter()
        .map(|it| {
            it["usageMetadata"]["candidatesTokenCount"]
                .as_u64()
                .unwrap()
        })
        .collect();
    assert_eq!(counts, [2, 5, 5, 5]);
    let last = &stream.last().unwrap()["usageMetadata"];
    assert_eq!(
        (&last["totalTokenCount"], &last["thoughtsTokenCount"]),
        (&json!(19), &json!(4))
    );
    assert_eq!(last["cachedContentTokenCount"], 3);
}

#[test]
fn a_refusal_has_no_content() {
    let candidate = &response(&Answer::refusal("I may not."))["candidates"][0];
    let expected = json!({"finishReason": "SAFETY", "index": 0, "finishMessage": "I may not."});
    assert_eq!(*candidate, expected);
    let stream = streamed(&Answer::refusal("I may not."));
    assert_eq!((stream.len(), &stream[0]["candidates"][0]), (1, &expected));
}

#[test]
fn every_kind_of_error_has_its_status_and_word() {
    use ApiErrorKind as Kind;
    for (kind, status, word) in [
        (Kind::Authentication, 401, "UNAUTHENTICATED"),
        (Kind::Billing, 429, "RESOURCE_EXHAUSTED"),
        (Kind::InvalidRequest, 400, "INVALID_ARGUMENT"),
        (Kind::NotFound, 404, "NOT_FOUND"),
        (Kind::Overloaded, 503, "UNAVAILABLE"),
        (Kind::Permission, 403, "PERMISSION_DENIED"),
        (Kind::RateLimit, 429, "RESOURCE_EXHAUSTED"),
        (Kind::RequestTooLarge, 400, "INVALID_ARGUMENT"),
        (Kind::Server, 500, "INTERNAL"),
        (Kind::Timeout, 504, "DEADLINE_EXCEEDED"),
    ] {
        let transport = saying::<GenerateContent>(&ApiError::new(kind).into());
        let response = post(&transport, &stream(), &request());
        assert_eq!(response.status(), status, "{kind:?}");
        let error = &json(&transport, response)["error"];
        assert_eq!(
            (&error["code"], &error["status"]),
            (&json!(status), &json!(word))
        );
    }
}

#[test]
fn an_error_breaks_a_stream_off() {
    let stream = streamed(&Answer::text("Hel lo").then_error(ApiError::overloaded()));
    assert_eq!(stream.last().unwrap()["error"]["status"], "UNAVAILABLE");
    assert_eq!(put_together(&stream), Err("\"UNAVAILABLE\"".into()));
    assert_eq!(
        streamed(&Answer::error(ApiError::server().in_stream())).len(),
        1
    );
}

#[test]
fn a_refusal_of_a_limit_says_in_its_body_when_to_try_again() {
    let limit = RateLimit::fixed_window(1, Duration::from_millis(34_400));
    let transport = MockTransport::builder()
        .rate_limit(gemini::rate_limit(limit))
        .build();
    gemini::generate_content(&transport).reply("Hello");
    assert_eq!(post(&transport, &plain(), &request()).status(), 200);
    transport.advance(Duration::from_secs(4));
    let refused = post(&transport, &plain(), &request());
    assert_eq!(refused.status(), 429);
    assert!(refused.headers().get("retry-after").is_none());
    assert_eq!(
        json(&transport, refused)["error"]["details"][1]["retryDelay"],
        "30.4s"
    );
}

#[test]
fn a_request_is_read_as_a_conversation() {
    let transport = saying::<GenerateContent>(&"x".into());
    let body = json!({
        "systemInstruction": {"parts": [{"text": "Be brief."}, {"text": "Be kind."}]},
        "generationConfig": {"maxOutputTokens": 7, "thinkingConfig": {"thinkingBudget": 99, "thinkingLevel": "LOW"}},
        "tools": [
            {"functionDeclarations": [{"name": "tide", "parameters": {"required": ["port"]}}, {"name": "moon", "parametersJsonSchema": {"properties": {"phase": {}}}}]},
            {"googleSearch": {}},
        ],
        "contents": [
            {"role": "user", "parts": [{"text": "tide?"}, {"inlineData": {}}]},
            {"role": "model", "parts": [
                {"text": "hm", "thought": true},
                {"functionCall": {"name": "tide", "args": {"port": "Brest"}}},
                {"functionCall": {"id": "2", "name": "moon", "args": {}}},
            ]},
            {"role": "user", "parts": [
                {"functionResponse": {"name": "tide", "response": {"output": "low"}}},
                {"functionResponse": {"id": "2", "name": "moon", "response": {"error": "cloudy"}}},
            ]},
        ],
    });
    let url = "https://aiplatform.googleapis.com/v1/projects/p/locations/l/publishers/google/models/gemini-9:streamGenerateContent";
    post(&transport, url, &body);
    let captured = transport.last_request().unwrap();
    let conversation = GenerateContent::conversation(&captured.request).unwrap();
    assert_eq!(
        (&*conversation.model, conversation.stream),
        ("gemini-9", true)
    );
    assert_eq!(
        (conversation.system_blocks, conversation.max_tokens),
        (2, Some(7))
    );
    assert_eq!(conversation.system.as_deref(), Some("Be brief.\nBe kind."));
    assert_eq!(
        (
            conversation.thinking_budget,
            conversation.reasoning_effort.as_deref()
        ),
        (Some(99), Some("LOW"))
    );
    let roles: Vec<_> = conversation.messages.iter().map(|it| it.role).collect();
    assert_eq!(roles, [Role::User, Role::Assistant, Role::User]);
    assert_eq!(
        (conversation.messages[1].blocks.len(), conversation.turn()),
        (3, 2)
    );
    assert_eq!(
        conversation.tool_result("tide"),
        Some(r#"{"output":"low"}"#)
    );
    assert_eq!(conversation.tool_result("2"), Some(r#"{"error":"cloudy"}"#));
    let names: Vec<_> = conversation.tools.iter().map(|tool| &*tool.name).collect();
    assert_eq!(names, ["tide", "moon", "googleSearch"]);
    assert!(
        conversation
            .tool("moon")
            .unwrap()
            .property("phase")
            .is_some()
    );
}

#[test]
fn a_request_may_ask_for_several_candidates() {
    let answer = Answer::text("a b").alternative(Answer::new().thinking("hm").tool("tide", ()));
    let transport = saying::<GenerateContent>(&answer);
    let mut asked = request();
    asked["generationConfig"] = json!({"candidateCount": 3});
    let whole = json(&transport, post(&transport, &plain(), &asked));
    let candidates = whole["candidates"].as_array().unwrap();
    let index: Vec<_> = candidates.iter().map(|it| it["index"].clone()).collect();
    assert_eq!(index, [0, 1, 2]);
    let parts = |at: usize| candidates[at]["content"]["parts"].clone();
    assert_eq!((&parts(0)[0]["text"], parts(0)), (&json!("a b"), parts(2)));
    assert!(parts(1)[1]["thoughtSignature"].is_string(), "{whole}");

    // Asked of another transport, for ids are those of the first request.
    let transport = saying::<GenerateContent>(&answer);
    let text = bytes(&transport, post(&transport, &stream(), &asked));
    let chunks = payloads(&events(&text));
    let of = |index: usize| -> Vec<Value> {
        let of_it = |chunk: &&Value| chunk["candidates"][0]["index"] == index;
        chunks.iter().filter(of_it).cloned().collect()
    };
    for (index, candidate) in candidates.iter().enumerate() {
        let streamed = put_together(&of(index)).unwrap();
        let mut alone = whole.clone();
        alone["candidates"] = json!([candidate]);
        assert_eq!(streamed["candidates"], joined(alone)["candidates"]);
        // The broken variant: without its last chunk there is no finish reason.
        let mut broken = of(index);
        broken.pop();
        assert!(put_together(&broken).is_err());
    }
    assert_eq!(
        chunks.last().unwrap()["usageMetadata"],
        whole["usageMetadata"]
    );
}

#[test]
fn too_many_candidates_are_refused() {
    let transport = saying::<GenerateContent>(&"x".into());
    for (count, status) in [(0_u64, 400), (1, 200), (8, 200), (9, 400), (u64::MAX, 400)] {
        for url in [plain(), stream()] {
            let asked = json!({"generationConfig": {"candidateCount": count}});
            let response = post(&transport, &url, &asked);
            assert_eq!(response.status(), status, "{count}");
            if status == 400 {
                let error = &json(&transport, response)["error"];
                assert_eq!(error["status"], "INVALID_ARGUMENT");
            }
        }
    }
}

#[test]
fn other_methods_of_a_model_are_not_meant() {
    let transport = saying::<GenerateContent>(&"x".into());
    let request = http::Request::post(format!("{MODEL}:countTokens"))
        .body("{}")
        .unwrap();
    let error = transport.block_on(transport.call(request)).unwrap_err();
    assert!(error.to_string().contains("countTokens"), "{error}");
}

#[test]
fn a_dialogue_goes_by_the_history() {
    let transport = MockTransport::new();
    gemini::generate_content(&transport).dialogue(
        Dialogue::new()
            .turn("hi", Answer::new().tool("tide", json!({"port": "Brest"})))
            .turn(
                Prompt::new().tool_result_is("tide", json!({"output": "low"})),
                "Low.",
            ),
    );
    let mut contents = vec![json!({"role": "user", "parts": [{"text": "hi"}]})];
    let first = post(&transport, &plain(), &json!({"contents": contents}));
    contents.push(json(&transport, first)["candidates"][0]["content"].clone());
    let result = json!({"functionResponse": {"name": "tide", "response": {"output": "low"}}});
    contents.push(json!({"role": "user", "parts": [result]}));
    let second = post(&transport, &stream(), &json!({"contents": contents}));
    assert!(
        String::from_utf8(bytes(&transport, second))
            .unwrap()
            .contains("Low.")
    );
    transport.verify();
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn whatever_is_said_streams_as_the_response(answer in answers()) {
        prop_assert_eq!(put_together(&streamed(&answer)).unwrap(), joined(response(&answer)));
    }
}
