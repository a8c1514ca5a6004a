//! OpenAI Chat Completions.

use mockwire::providers::openai::ChatCompletions;
use mockwire::providers::{
    Answer, ApiError, ApiErrorKind, ModelApi, Role, Split, Stop, ToolCall, Usage,
};
use mockwire::sync::MockTransport;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::grammar::{assert_same_grammar, grammar, real_json, real_recording, recording};
use crate::support::{answers, bytes, config, events, json, payloads, post, saying};

const URL: &str = "https://api.openai.com/v1/chat/completions";

fn request(stream: bool) -> Value {
    let message = json!({"role": "user", "content": "hi"});
    let mut request = json!({"model": "gpt-test-1", "messages": [message]});
    if stream {
        request["stream"] = true.into();
        request["stream_options"] = json!({"include_usage": true});
    }
    request
}

/// The chunks of a stream, without its `[DONE]`.
fn chunks(answer: &Answer, request: &Value) -> Vec<Value> {
    let transport = saying::<ChatCompletions>(answer);
    let response = post(&transport, URL, request);
    assert_eq!(
        response.headers()["content-type"],
        "text/event-stream; charset=utf-8"
    );
    let mut events = events(&bytes(&transport, response));
    assert!(
        events.iter().all(|(name, _)| name == "message"),
        "chunks have no names"
    );
    let is_broken = events
        .last()
        .is_some_and(|(_, data)| data.contains("\"error\""));
    if !is_broken {
        assert_eq!(events.pop().unwrap().1, "[DONE]");
    }
    payloads(&events)
}

fn streamed(answer: &Answer) -> Vec<Value> {
    chunks(answer, &request(true))
}

fn completion(answer: &Answer) -> Value {
    let transport = saying::<ChatCompletions>(answer);
    let response = post(&transport, URL, &request(false));
    json(&transport, response)
}

/// What a client puts together from the chunks: a completion.
fn put_together(chunks: &[Value]) -> Result<Value, String> {
    let first = chunks.first().ok_or("no chunks")?;
    let mut choices: Vec<(Map<String, Value>, Value)> = Vec::new();
    let mut usage = Value::Null;
    for chunk in chunks {
        if let Some(error) = chunk.get("error") {
            return Err(error["code"].to_string());
        }
        for name in ["id", "created", "model", "system_fingerprint"] {
            if chunk[name] != first[name] {
                return Err(format!("another {name}"));
            }
        }
        if chunk["usage"].is_object() {
            usage = chunk["usage"].clone();
        }
        let Some(choice) = chunk["choices"].get(0) else {
            continue;
        };
        let index = usize::try_from(choice["index"].as_u64().ok_or("no index")?).unwrap();
        if index == choices.len() {
            choices.push(Default::default());
        }
        let (message, finish_reason) = choices.get_mut(index).ok_or("an index left out")?;
        if !finish_reason.is_null() {
            return Err("a delta after the finish reason".into());
        }
        *finish_reason = choice["finish_reason"].clone();
        for (name, value) in choice["delta"].as_object().unwrap() {
            match (name.as_str(), value) {
                ("tool_calls", calls) => {
                    let known = message.entry("tool_calls").or_insert_with(|| json!([]));
                    add_tool_calls(known.as_array_mut().unwrap(), calls)?;
                }
                ("content" | "refusal", Value::String(piece)) => {
                    let known = message.get(name).and_then(Value::as_str);
                    let text = known.unwrap_or_default().to_owned() + piece;
                    message.insert(name.clone(), text.into());
                }
                _ => drop(message.insert(name.clone(), value.clone())),
            }
        }
    }
    let mut whole = Vec::new();
    for (index, (mut message, finish_reason)) in choices.into_iter().enumerate() {
        if finish_reason.is_null() {
            return Err("no finish reason".into());
        }
        message.insert("annotations".into(), json!([]));
        whole.push(json!({
            "index": index, "message": message, "logprobs": null, "finish_reason": finish_reason,
        }));
    }
    Ok(json!({
        "id": first["id"], "object": "chat.completion", "created": first["created"],
        "model": first["model"], "usage": usage, "service_tier": first["service_tier"],
        "system_fingerprint": first["system_fingerprint"], "choices": whole,
    }))
}

fn add_tool_calls(known: &mut Vec<Value>, calls: &Value) -> Result<(), String> {
    for call in calls.as_array().unwrap() {
        let index = usize::try_from(call["index"].as_u64().ok_or("no index")?).unwrap();
        let (kind, name) = match call.get("custom") {
            Some(_) => ("custom", "input"),
            None => ("function", "arguments"),
        };
        let piece = call[kind][name].as_str().ok_or("no arguments")?;
        if index == known.len() && call["id"].is_string() && call["type"] == kind {
            let mut call = call.clone();
            call.as_object_mut().unwrap().remove("index");
            known.push(call);
        } else if let (Some(known), None) = (known.get_mut(index), call.get("id")) {
            let text = known[kind][name].as_str().ok_or("another kind")?.to_owned();
            known[kind][name] = (text + piece).into();
        } else {
            return Err(format!("unexpected {call}"));
        }
    }
    Ok(())
}

fn tools() -> Answer {
    Answer::new()
        .tool("refresh", ())
        .tool("tide", json!({"port": "Brest"}))
        .split(Split::Bytes(8))
}

#[test]
fn streams_have_the_grammar_of_the_recordings() {
    let text = Answer::text("The tide turns.");
    assert_same_grammar(&streamed(&text), &recording("openai-chat-text"));
    assert_same_grammar(&streamed(&tools()), &recording("openai-chat-tools"));
    assert_same_grammar(&[completion(&text)], &recording("openai-chat-completion"));
}

/// What the real provider was recorded to send, where the recordings are at hand.
#[test]
fn streams_have_the_grammar_of_the_real_provider() {
    // Its texts have deltas of white space alone, and so are told apart from nothing.
    let text = Answer::text("A holiday of fun, for all.");
    if let Some(real) = real_recording("openai-text.chunks.txt") {
        assert_same_grammar(&streamed(&text), &real);
        // The whole of each chunk has a length that tells nothing; so it is with ours.
        let lengths = |chunks: &[Value]| -> Vec<usize> {
            let lengths = chunks.iter().map(|it| it.to_string().chars().count() % 16);
            lengths.collect()
        };
        assert!(
            lengths(&real)
                .iter()
                .chain(&lengths(&streamed(&text)))
                .all(|it| *it == 1)
        );
    }
    if let Some(real) = real_json("openai-text.json") {
        assert_same_grammar(&[completion(&text)], &[real]);
    }
}

#[test]
fn what_a_client_puts_together_is_the_completion() {
    let refusal = Answer::refusal("That I may not say.");
    let filtered = Answer::text("half").stop(Stop::ContentFilter);
    let both = Answer::text("I look.").tool("tide", json!({"port": "Brest"}));
    for answer in [
        Answer::text("a b c"),
        tools(),
        tools().interleaved(),
        refusal,
        filtered,
        both,
    ] {
        assert_eq!(
            put_together(&streamed(&answer)).unwrap(),
            completion(&answer),
            "{answer:?}"
        );
    }
}

/// To which tool each delta belongs.
fn order(chunks: &[Value]) -> Vec<u64> {
    let index = |it: &Value| it["choices"][0]["delta"]["tool_calls"][0]["index"].as_u64();
    chunks.iter().filter_map(index).collect()
}

#[test]
fn tools_that_are_called_in_parallel_may_interleave() {
    let two = Answer::new()
        .tool("a", json!({"x": "12345678"}))
        .tool("b", json!({"y": 1}))
        .split(Split::Bytes(7));
    assert_eq!(order(&streamed(&two)), [0, 0, 0, 0, 1, 1]);
    let interleaved = streamed(&two.clone().interleaved());
    assert_eq!(order(&interleaved), [0, 1, 0, 1, 0, 0]);
    assert_eq!(put_together(&interleaved).unwrap(), completion(&two));
    // The broken variants: without an index, and with the id in every delta.
    let broken = |change: fn(&mut Map<String, Value>)| {
        let mut chunks = interleaved.clone();
        let call = chunks[3]
            .pointer_mut("/choices/0/delta/tool_calls/0")
            .unwrap();
        change(call.as_object_mut().unwrap());
        put_together(&chunks)
    };
    assert!(broken(|_| {}).is_ok(), "the control");
    assert!(broken(|call| drop(call.remove("index"))).is_err());
    assert!(broken(|call| drop(call.insert("id".into(), "call_x".into()))).is_err());
}

#[test]
fn what_is_broken_is_noticed() {
    let whole = streamed(&tools());
    for (at, chunk) in whole.iter().enumerate() {
        let mut chunks = whole.clone();
        chunks.remove(at);
        assert_ne!(
            put_together(&chunks),
            put_together(&whole),
            "without {chunk}"
        );
        if chunk["choices"][0]["delta"]["tool_calls"][0]["id"].is_null() && at > 2 && at < 6 {
            continue; // one of several pieces of the same arguments
        }
        assert_ne!(grammar(&chunks), grammar(&whole), "without {chunk}");
    }
}

#[test]
fn arguments_come_together_wherever_they_are_cut() {
    let arguments = json!({"city": "Zürich 😀", "quote": "\"\\\n"});
    let text = arguments.to_string();
    for at in 1..text.len() {
        let split = Split::Sizes(vec![at, text.len()]);
        let answer = Answer::new().tool("t", arguments.clone()).split(split);
        let completion = put_together(&streamed(&answer)).unwrap();
        let call = &completion["choices"][0]["message"]["tool_calls"][0];
        assert_eq!(call["function"]["arguments"], text, "cut at {at}");
    }
}

/// A request that says more than the usual one.
fn asking(stream: bool, more: &Value) -> Value {
    let mut asked = request(stream);
    let members = asked.as_object_mut().unwrap();
    members.extend(more.as_object().unwrap().clone());
    asked
}

#[test]
fn a_custom_tool_is_called_with_a_text() {
    let more = json!({"tools": [
        {"type": "custom", "custom": {"name": "sql"}},
        {"type": "function", "function": {"name": "tide"}},
    ]});
    let answer = Answer::new()
        .tool("sql", "SELECT \"a b\" 😀")
        .tool("tide", json!({"port": "Brest"}))
        .tool("sql", json!({"not": "a text"}));
    let transport = saying::<ChatCompletions>(&answer);
    let whole = json(&transport, post(&transport, URL, &asking(false, &more)));
    let calls = &whole["choices"][0]["message"]["tool_calls"];
    assert_eq!(
        (&calls[0]["type"], &calls[1]["type"]),
        (&json!("custom"), &json!("function"))
    );
    assert_eq!(
        calls[0]["custom"],
        json!({"name": "sql", "input": "SELECT \"a b\" 😀"})
    );
    assert_eq!(calls[1]["function"]["arguments"], r#"{"port":"Brest"}"#);
    assert_eq!(calls[2]["custom"]["input"], r#"{"not":"a text"}"#);
    assert!(calls[0].get("function").is_none());
    assert_eq!(whole["choices"][0]["finish_reason"], "tool_calls");
    for answer in [answer.clone(), answer.interleaved()] {
        let chunks = chunks(&answer.split(Split::Bytes(3)), &asking(true, &more));
        assert_eq!(put_together(&chunks).unwrap(), whole);
        // The broken variant: a piece that belongs to another kind of tool.
        let mut broken = chunks;
        let piece = broken
            .iter()
            .rposition(|it| it["choices"][0]["delta"]["tool_calls"].is_array());
        let delta = &mut broken[piece.unwrap()]["choices"][0]["delta"];
        delta["tool_calls"][0]["function"] = json!({"arguments": "x"});
        delta["tool_calls"][0]
            .as_object_mut()
            .unwrap()
            .remove("custom");
        assert!(put_together(&broken).is_err());
    }
}

#[test]
fn a_request_may_ask_for_several_choices() {
    let answer = Answer::text("a b")
        .alternative(Answer::new().tool("tide", json!({"port": "Brest"})))
        .alternative(Answer::text("c").stop(Stop::MaxTokens));
    let transport = saying::<ChatCompletions>(&answer);
    let ask = |n: u64| {
        json(
            &transport,
            post(&transport, URL, &asking(false, &json!({"n": n}))),
        )
    };
    let four = ask(4);
    let of = |name: &str| -> Vec<Value> {
        let choices = four["choices"].as_array().unwrap().iter();
        choices
            .map(|it| it.pointer(name).unwrap().clone())
            .collect()
    };
    assert_eq!(of("/index"), [0, 1, 2, 3]);
    assert_eq!(
        of("/message/content"),
        [json!("a b"), Value::Null, json!("c"), json!("a b")]
    );
    assert_eq!(
        of("/finish_reason"),
        ["stop", "tool_calls", "length", "stop"]
    );
    // "tide" and its arguments, "a b" twice, "c": all of it by four.
    assert_eq!(four["usage"]["completion_tokens"], 7);
    // As a stream, one after the other or in turns.
    let alike = |answer: &Answer| {
        let transport = saying::<ChatCompletions>(answer);
        let whole = json(
            &transport,
            post(&transport, URL, &asking(false, &json!({"n": 3}))),
        );
        let chunks = chunks(answer, &asking(true, &json!({"n": 3})));
        assert_eq!(put_together(&chunks).unwrap(), whole);
        let index = |it: &Value| it["choices"][0]["index"].as_u64();
        let order: Vec<_> = chunks.iter().filter_map(index).collect();
        order.windows(2).filter(|pair| pair[0] != pair[1]).count()
    };
    assert_eq!(alike(&answer), 2);
    assert!(alike(&answer.clone().interleaved()) > 5);
    // Without a finish reason of each, it is broken.
    let mut chunks = chunks(&answer, &asking(true, &json!({"n": 2})));
    chunks.retain(|it| it["choices"][0]["finish_reason"] != "stop");
    assert!(put_together(&chunks).is_err());
}

#[test]
fn too_many_choices_are_refused() {
    let transport = saying::<ChatCompletions>(&"x".into());
    for (n, status, code) in [
        (0_u64, 400, "integer_below_min_value"),
        (129, 400, "integer_above_max_value"),
        (u64::MAX, 400, "integer_above_max_value"),
    ] {
        for stream in [false, true] {
            let response = post(&transport, URL, &asking(stream, &json!({"n": n})));
            assert_eq!(response.status(), status);
            let error = &json(&transport, response)["error"];
            assert_eq!(
                (&error["code"], &error["param"]),
                (&json!(code), &json!("n"))
            );
        }
    }
    let most = json(
        &transport,
        post(&transport, URL, &asking(false, &json!({"n": 128}))),
    );
    assert_eq!(most["choices"].as_array().unwrap().len(), 128);
}

#[test]
fn usage_comes_where_it_is_asked_for() {
    let usage = Usage::new().input(10).output(5).cache_read(4).reasoning(2);
    let answer = Answer::text("x").thinking("hm").usage(usage);
    let mut asked = request(true);
    let with = chunks(&answer, &asked);
    assert!(
        with[..with.len() - 1]
            .iter()
            .all(|it| it["usage"].is_null() && it.get("usage").is_some())
    );
    let usage = &with[with.len() - 1]["usage"];
    assert_eq!(
        (
            &usage["total_tokens"],
            &usage["completion_tokens_details"]["reasoning_tokens"]
        ),
        (&json!(15), &json!(2))
    );
    assert_eq!(usage["prompt_tokens_details"]["cached_tokens"], 4);
    asked.as_object_mut().unwrap().remove("stream_options");
    let without = chunks(&answer, &asked);
    assert_eq!(without.len(), with.len() - 1);
    assert!(without.iter().all(|it| it.get("usage").is_none()));
}

#[test]
fn obfuscation_hides_lengths_unless_it_is_not_wanted() {
    let answer = Answer::text("a bb ccc \"quoted\" 😀").tool("t", json!({"é": 1}));
    for chunk in streamed(&answer) {
        assert_eq!(chunk.to_string().chars().count() % 16, 1, "{chunk}");
    }
    let mut asked = request(true);
    asked["stream_options"] = json!({"include_obfuscation": false});
    assert!(
        chunks(&answer, &asked)
            .iter()
            .all(|it| it.get("obfuscation").is_none())
    );
}

#[test]
fn every_kind_of_error_has_its_status_type_and_code() {
    use ApiErrorKind as Kind;
    let invalid = "invalid_request_error";
    for (kind, status, word, code) in [
        (Kind::Authentication, 401, invalid, json!("invalid_api_key")),
        (
            Kind::Billing,
            429,
            "insufficient_quota",
            json!("insufficient_quota"),
        ),
        (Kind::InvalidRequest, 400, invalid, Value::Null),
        (Kind::NotFound, 404, invalid, json!("model_not_found")),
        (Kind::Overloaded, 503, "server_error", Value::Null),
        (
            Kind::Permission,
            403,
            "request_forbidden",
            json!("unsupported_country_region_territory"),
        ),
        (
            Kind::RateLimit,
            429,
            "requests",
            json!("rate_limit_exceeded"),
        ),
        (
            Kind::RequestTooLarge,
            400,
            invalid,
            json!("context_length_exceeded"),
        ),
        (Kind::Server, 500, "server_error", Value::Null),
        (Kind::Timeout, 408, "server_error", json!("timeout")),
    ] {
        let error = ApiError::new(kind).message("no").param("messages");
        let transport = saying::<ChatCompletions>(&error.into());
        let response = post(&transport, URL, &request(true));
        assert_eq!(response.status(), status, "{kind:?}");
        let id = response.headers()["x-request-id"].to_str().unwrap();
        assert!(id.starts_with("req_") && id.len() == 36, "{id}");
        let expected = json!({"message": "no", "type": word, "param": "messages", "code": code});
        assert_eq!(json(&transport, response), json!({"error": expected}));
    }
}

#[test]
fn when_to_try_again_is_told_to_the_millisecond() {
    let after = |millis| {
        let error = ApiError::rate_limit().retry_after(std::time::Duration::from_millis(millis));
        let transport = saying::<ChatCompletions>(&error.into());
        let response = post(&transport, URL, &request(false));
        let field = |name: &str| {
            let value = response.headers().get(name);
            value.map(|it| it.to_str().unwrap().to_owned())
        };
        (field("retry-after"), field("retry-after-ms"))
    };
    assert_eq!(after(2500), (Some("3".into()), Some("2500".into())));
    assert_eq!(after(2000), (Some("2".into()), None));
}

#[test]
fn an_error_breaks_a_stream_off() {
    let stream = streamed(&Answer::text("Hel lo").then_error(ApiError::server()));
    assert_eq!(stream.last().unwrap()["error"]["type"], "server_error");
    assert_eq!(put_together(&stream), Err("null".into()));
    let first = streamed(&Answer::error(ApiError::rate_limit().in_stream()));
    assert_eq!(first.len(), 1);
    assert_eq!(first[0]["error"]["code"], "rate_limit_exceeded");
}

#[test]
fn a_request_is_read_as_a_conversation() {
    let transport = saying::<ChatCompletions>(&"x".into());
    let body = json!({
        "model": "gpt-1", "max_completion_tokens": 7, "reasoning_effort": "low",
        "tools": [
            {"type": "function", "function": {"name": "tide", "parameters": {"properties": {"port": {}}, "required": ["port"]}}},
            {"type": "custom", "custom": {"name": "shell", "description": "runs"}},
        ],
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "developer", "content": [{"type": "text", "text": "Be kind."}]},
            {"role": "user", "content": [{"type": "text", "text": "tide?"}, {"type": "image_url", "image_url": {"url": "x"}}]},
            {"role": "assistant", "content": null, "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "tide", "arguments": "{\"port\":\"Brest\"}"}},
                {"id": "call_2", "type": "function", "function": {"name": "tide", "arguments": "{\"port\":"}},
            ]},
            {"role": "tool", "tool_call_id": "call_1", "content": "low"},
            {"role": "tool", "tool_call_id": "call_2", "content": "high"},
        ],
    });
    post(&transport, URL, &body);
    let captured = transport.last_request().unwrap();
    let conversation = ChatCompletions::conversation(&captured.request).unwrap();
    assert_eq!(
        (conversation.max_tokens, conversation.system_blocks),
        (Some(7), 2)
    );
    assert_eq!(conversation.system.as_deref(), Some("Be brief.\nBe kind."));
    assert_eq!(conversation.reasoning_effort.as_deref(), Some("low"));
    assert_eq!((conversation.messages.len(), conversation.turn()), (6, 2));
    assert_eq!(
        (
            conversation.messages[2].role,
            conversation.messages[2].blocks.len()
        ),
        (Role::User, 2)
    );
    // Several results, each in a message of its own: all of them are new.
    assert_eq!(conversation.tool_results().count(), 2);
    assert_eq!(conversation.tool_result("call_2"), Some("high"));
    assert_eq!(conversation.tool_result("tide"), Some("low"));
    assert_eq!(conversation.last_user_message(), None);
    assert_eq!(conversation.tool("tide").unwrap().required().count(), 1);
    assert_eq!(
        conversation.tool("shell").unwrap().description.as_deref(),
        Some("runs")
    );
    assert_eq!(conversation.text(), "Be brief.\nBe kind.\ntide?\n\n\n");
}

#[test]
fn a_limit_tells_the_truth_in_the_providers_words() {
    use mockwire::providers::openai;
    let limit = mockwire::RateLimit::fixed_window(1, std::time::Duration::from_millis(2500));
    let transport = MockTransport::builder()
        .rate_limit(openai::rate_limit(limit))
        .build();
    openai::chat_completions(&transport).reply("Hello");
    let first = post(&transport, URL, &request(false));
    assert_eq!(first.headers()["x-ratelimit-remaining-requests"], "0");
    let refused = post(&transport, URL, &request(false));
    assert_eq!(
        (
            refused.status().as_u16(),
            &refused.headers()["retry-after-ms"]
        ),
        (429, &"2500".parse().unwrap())
    );
    assert_eq!(
        json(&transport, refused)["error"]["code"],
        "rate_limit_exceeded"
    );
}

#[test]
fn ids_and_times_are_the_transports() {
    let (one, two) = (completion(&tools()), completion(&tools()));
    assert_eq!(one, two, "the same seed, the same bytes");
    assert_eq!(one["created"], 1_735_689_600);
    let id = one["choices"][0]["message"]["tool_calls"][0]["id"]
        .as_str()
        .unwrap();
    assert!(id.starts_with("call_") && id.len() == 29, "{id}");
    let own = Answer::new()
        .id("chatcmpl-mine")
        .tool_call(ToolCall::new("t", ()).id("call_mine"));
    let own = completion(&own);
    assert_eq!(
        (
            &own["id"],
            &own["choices"][0]["message"]["tool_calls"][0]["id"]
        ),
        (&json!("chatcmpl-mine"), &json!("call_mine"))
    );
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn whatever_is_said_streams_as_the_completion(answer in answers()) {
        prop_assert_eq!(put_together(&streamed(&answer)).unwrap(), completion(&answer));
    }

    #[test]
    fn whatever_the_choices_say_streams_as_the_completion(
        answer in answers(), other in answers(), n in 1_u64..5, in_turns: bool
    ) {
        let answer = answer.alternative(other);
        let answer = if in_turns { answer.interleaved() } else { answer };
        let transport = saying::<ChatCompletions>(&answer);
        let whole = json(&transport, post(&transport, URL, &asking(false, &json!({"n": n}))));
        let chunks = chunks(&answer, &asking(true, &json!({"n": n})));
        prop_assert_eq!(put_together(&chunks).unwrap(), whole);
    }
}
