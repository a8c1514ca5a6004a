//! Fixtures of aimock: matched as there, answered by every provider, and what is not understood is told
//! all at once.

use std::time::Duration;

use mockwire::ErrorKind;
use mockwire::providers::aimock::{Fixtures, UnsupportedFixtures};
use mockwire::sync::MockTransport;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::support::{bytes, config, json as json_of, post};

const ANTHROPIC: &str = "https://api.anthropic.com/v1/messages";
const CHAT: &str = "https://api.openai.com/v1/chat/completions";
const RESPONSES: &str = "https://api.openai.com/v1/responses";
const GEMINI: &str = "https://google.test/v1beta/models/gemini-3:generateContent";

fn fixtures(list: &Value) -> Fixtures {
    Fixtures::parse(&json!({"fixtures": list}).to_string()).unwrap()
}

fn refused(list: &Value) -> UnsupportedFixtures {
    Fixtures::parse(&json!({"fixtures": list}).to_string()).unwrap_err()
}

fn answering(list: Value) -> MockTransport {
    let transport = MockTransport::builder().seed(7).build();
    fixtures(&list).register(&transport);
    transport
}

/// What Chat Completions say to these messages, or the code of the error.
fn said(transport: &MockTransport, model: &str, messages: Value) -> String {
    let mut body = json!({"model": model, "messages": messages});
    body["tools"] = json!([{"type": "function", "function": {"name": "look", "parameters": {}}}]);
    let request = http::Request::post(CHAT).body(body).unwrap();
    let text =
        transport.block_on(async { transport.call(request).await?.into_body().text().await });
    match text {
        Ok(text) => {
            let body: Value = serde_json::from_str(&text).unwrap();
            body["choices"][0]["message"]["content"]
                .as_str()
                .unwrap_or("?")
                .to_owned()
        }
        Err(error) => error.code().to_owned(),
    }
}

fn user(text: &str) -> Value {
    json!({"role": "user", "content": text})
}

const UNMATCHED: &str = "MOCKWIRE_UNMATCHED";

#[test]
fn every_provider_answers_in_its_own_words() {
    let transport = answering(json!([
        {"match": {"userMessage": "hi"}, "response": {"content": "Hello", "toolCalls": [
            {"name": "look", "arguments": "{\"at\": 1}", "id": "call_1"}
        ]}}
    ]));
    let chat = json_of(
        &transport,
        post(
            &transport,
            CHAT,
            &json!({"model": "m", "messages": [user("say hi")]}),
        ),
    );
    assert_eq!(chat["choices"][0]["message"]["content"], "Hello");
    let call = &chat["choices"][0]["message"]["tool_calls"][0];
    assert_eq!(
        (&call["id"], &call["function"]["arguments"]),
        (&json!("call_1"), &json!("{\"at\": 1}"))
    );

    let messages = json!({"model": "m", "max_tokens": 9, "messages": [user("say hi")]});
    let anthropic = json_of(&transport, post(&transport, ANTHROPIC, &messages));
    assert_eq!(anthropic["content"][1]["input"], json!({"at": 1}));

    let responses = json_of(
        &transport,
        post(
            &transport,
            RESPONSES,
            &json!({"model": "m", "input": "say hi"}),
        ),
    );
    assert_eq!(responses["output"][0]["content"][0]["text"], "Hello");

    let contents = json!({"contents": [{"role": "user", "parts": [{"text": "say hi"}]}]});
    let gemini = json_of(&transport, post(&transport, GEMINI, &contents));
    assert_eq!(
        gemini["candidates"][0]["content"]["parts"][0]["text"],
        "Hello"
    );

    let stream = post(
        &transport,
        CHAT,
        &json!({"model": "m", "stream": true, "messages": [user("hi")]}),
    );
    let stream = String::from_utf8(bytes(&transport, stream)).unwrap();
    assert!(stream.ends_with("data: [DONE]\n\n"));
    transport.verify();
}

#[test]
fn the_first_fixture_that_matches_answers() {
    let transport = answering(json!([
        {"match": {"userMessage": "hi", "systemMessage": ["Be", "brief"]}, "response": {"content": "brief"}},
        {"match": {"userMessage": "hi", "model": "gpt-5"}, "response": {"content": "five"}},
        {"match": {"userMessage": "hi"}, "response": {"content": "any"}},
        {"match": {"toolName": "look", "userMessage": "tools"}, "response": {"content": "look"}},
        {"match": {"toolName": "hear", "userMessage": "tools"}, "response": {"content": "hear"}}
    ]));
    let brief = json!([{"role": "system", "content": "Be very brief."}, user("hi")]);
    assert_eq!(said(&transport, "x", brief), "brief");
    assert_eq!(said(&transport, "gpt-5", json!([user("hi")])), "five");
    assert_eq!(
        said(&transport, "gpt-5-2025-08-07", json!([user("hi")])),
        "five"
    );
    assert_eq!(said(&transport, "gpt-5-mini", json!([user("hi")])), "any");
    assert_eq!(said(&transport, "gpt-5.1", json!([user("hi")])), "any");
    assert_eq!(said(&transport, "x", json!([user("tools")])), "look");
    // With case, as there.
    assert_eq!(said(&transport, "x", json!([user("HI")])), UNMATCHED);
}

#[test]
fn the_legs_of_a_turn_with_a_tool_are_told_apart() {
    let transport = answering(json!([
        {"match": {"toolCallId": "call_1", "toolResultContains": "no"}, "response": {"content": "refused"}},
        {"match": {"userMessage": "go", "hasToolResult": true}, "response": {"content": "done"}},
        {"match": {"userMessage": "go", "turnIndex": 2}, "response": {"content": "third"}},
        {"match": {"userMessage": "go", "hasToolResult": false}, "response": {"content": "going"}}
    ]));
    let called = json!({"role": "assistant", "tool_calls": [
        {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}]});
    let result = |text: &str| json!({"role": "tool", "tool_call_id": "call_1", "content": text});
    assert_eq!(said(&transport, "m", json!([user("go")])), "going");
    assert_eq!(
        said(&transport, "m", json!([user("go"), called, result("yes")])),
        "done"
    );
    assert_eq!(
        said(
            &transport,
            "m",
            json!([user("go"), called, result("oh no")])
        ),
        "refused"
    );
    // What a tool gave in an earlier turn does not count.
    let later = json!([user("go"), called, result("no"), user("go on")]);
    assert_eq!(said(&transport, "m", later), "going");
    let third = json!([user("go"), called, result("no"), {"role": "assistant", "content": "."}, user("go on")]);
    assert_eq!(said(&transport, "m", third), "third");

    // Anthropic has results in messages of the user.
    let body = json!({"model": "m", "max_tokens": 9, "messages": [
        user("go"),
        {"role": "assistant", "content": [{"type": "tool_use", "id": "call_1", "name": "look", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "call_1", "content": "yes"}]}
    ]});
    let answer = json_of(&transport, post(&transport, ANTHROPIC, &body));
    assert_eq!(answer["content"][0]["text"], "done");
}

#[test]
fn a_sequence_answers_each_once_and_then_falls_through() {
    let joke = |index: u64, text: &str| json!({"match": {"userMessage": "joke", "sequenceIndex": index}, "response": {"content": text}});
    let rest = json!({"match": {"userMessage": "joke"}, "response": {"content": "enough"}});
    // In any order in the file.
    let transport = answering(json!([
        joke(1, "two"),
        joke(0, "one"),
        rest,
        joke(2, "three")
    ]));
    let told: Vec<_> = (0..5)
        .map(|_| said(&transport, "m", json!([user("joke")])))
        .collect();
    assert_eq!(told, ["one", "two", "enough", "enough", "enough"]);
    let gap = refused(&json!([joke(0, "one"), joke(2, "three")]));
    assert_eq!(
        gap.to_string(),
        "one thing of these fixtures is not understood:\n  fixture 2: `match.sequenceIndex`: in the fixtures of this match, 1 is to come here"
    );
}

#[test]
fn the_context_is_a_header_field_and_the_format_is_that_of_the_request() {
    let transport = answering(json!([
        {"match": {"context": "a"}, "response": {"content": "in context"}},
        {"match": {"responseFormat": "json_object", "endpoint": "chat"}, "response": {"content": {"a": [1]}}}
    ]));
    let ask = |context: &str, format: &str| {
        let body =
            json!({"model": "m", "messages": [user("x")], "response_format": {"type": format}});
        let request = http::Request::post(CHAT)
            .header("x-aimock-context", context)
            .body(body)
            .unwrap();
        let text =
            transport.block_on(async { transport.call(request).await?.into_body().text().await });
        let body: Value = serde_json::from_str(&text.unwrap_or_default()).unwrap_or_default();
        body["choices"][0]["message"]["content"].clone()
    };
    assert_eq!(ask("a", "text"), "in context");
    assert_eq!(ask("b", "json_object"), r#"{"a":[1]}"#);
    assert_eq!(ask("b", "text"), Value::Null);
}

#[test]
fn errors_are_in_the_providers_envelope() {
    let transport = answering(json!([
        {"match": {"userMessage": "fast"}, "response": {
            "error": {"message": "Slow down.", "type": "rate_limit_error"}, "status": 429, "retryAfter": 2}},
        {"match": {}, "response": {"error": {"message": "Oh."}}}
    ]));
    let body = json!({"model": "m", "max_tokens": 9, "messages": [user("fast")]});
    let response = post(&transport, ANTHROPIC, &body);
    assert_eq!(
        (
            response.status().as_u16(),
            &response.headers()["retry-after"]
        ),
        (429, &"2".parse().unwrap())
    );
    let error = json_of(&transport, response);
    assert_eq!(
        (&error["error"]["type"], &error["error"]["message"]),
        (&json!("rate_limit_error"), &json!("Slow down."))
    );
    assert_eq!(
        post(&transport, CHAT, &json!({"messages": []})).status(),
        500
    );
}

#[test]
fn a_stream_goes_as_it_is_said_in_the_transports_time() {
    let took = |fixture: Value| {
        let transport = answering(json!([fixture]));
        let body = json!({"model": "m", "stream": true, "messages": [user("hi")]});
        let text = String::from_utf8(bytes(&transport, post(&transport, CHAT, &body))).unwrap();
        let deltas = text.matches(r#""content":""#).count();
        (transport.now(), deltas)
    };
    let of = |extra: Value| {
        let mut fixture = json!({"match": {}, "response": {"content": "abcdefgh"}});
        fixture
            .as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        took(fixture)
    };
    let (instant, whole) = of(json!({}));
    let (_, cut) = of(json!({"chunkSize": 2}));
    assert_eq!((instant, cut - whole), (Duration::ZERO, 3));
    let (slow, _) = of(json!({"chunkSize": 2, "latency": 100}));
    assert!(slow >= Duration::from_millis(500), "{slow:?}");
    let (profiled, _) =
        of(json!({"latency": 0, "streamingProfile": {"ttft": 700, "tps": 1000, "jitter": 0.0}}));
    assert!(profiled >= Duration::from_millis(700), "{profiled:?}");
    let timings = json!({"ttftMs": 700, "interChunkDelaysMs": [10, 30], "totalDurationMs": 740});
    let (recorded, _) = of(json!({"recordedTimings": timings}));
    let (twice, _) = of(json!({"recordedTimings": timings, "replaySpeed": 2}));
    assert_eq!(recorded, twice * 2);
}

#[test]
fn what_is_not_understood_is_told_all_at_once() {
    let error = refused(&json!([
        {"match": {"userMessage": 7, "turnIndex": -1, "hasToolResult": "yes", "usrMessage": "x", "predicate": "f"},
         "response": {"content": "x", "webSearches": [], "systemFingerprint": "fp", "created": 1, "usage": {"cost": 1}}},
        {"match": {"userMessage": "fine"}, "response": {"content": "fine"}},
        {"match": {"inputText": "x", "endpoint": "image"}, "response": {"image": {"url": "x"}}},
        {"match": {}, "response": {"error": {"message": "x", "metadata": {}}, "status": 200, "fallthrough": false}},
        {"match": {}, "response": {"blocks": [{"type": "image"}, {"type": "toolCall"}]},
         "chaos": {}, "truncateAfterChunks": 1, "disconnectAfterMs": 1, "chunkSize": 0, "replaySpeed": 0,
         "streamingProfile": {"jitter": 2, "warp": 9}, "openRouterProcessing": true},
        {"response": {}},
        7
    ]));
    insta::assert_snapshot!(error.to_string());
    // What is understood can be used all the same.
    assert_eq!(
        error.supported,
        fixtures(&json!([{"match": {"userMessage": "fine"}, "response": {"content": "fine"}}]))
    );
    let error = mockwire::Error::from(error);
    assert!(matches!(error.kind(), ErrorKind::Invalid { .. }));
    for text in [
        "",
        "[]",
        "{}",
        r#"{"fixtures": {}}"#,
        r#"{"fixtures": [], "mcp": {}}"#,
    ] {
        assert_eq!(
            Fixtures::parse(text).unwrap_err().unsupported.len(),
            1,
            "{text}"
        );
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_json_makes_it_panic(members in prop::collection::vec(("[a-zA-Z]{1,12}", any::<Option<i64>>()), 0..4), name in prop::sample::select(vec![
        "match", "response", "chunkSize", "latency", "streamingProfile", "recordedTimings", "replaySpeed",
    ])) {
        let object: serde_json::Map<_, _> = members.into_iter().map(|(key, value)| (key, json!(value))).collect();
        let mut fixture = json!({"match": {}, "response": {"content": ""}});
        fixture[name] = Value::Object(object);
        let _ = Fixtures::parse(&json!({"fixtures": [fixture]}).to_string());
    }
}
