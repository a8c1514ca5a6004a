//! Anthropic Messages.

use mockwire::providers::anthropic::Messages;
use mockwire::providers::{Answer, ApiError, Split, ToolCall, Usage};
use mockwire::{Chunking, Script};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::grammar::{assert_same_grammar, grammar, real_json, real_recording, recording, without};
use crate::support::{answers, bytes, config, events, json, payloads, post, saying};

const URL: &str = "https://api.anthropic.com/v1/messages";

fn request(stream: bool) -> Value {
    let message = json!({"role": "user", "content": "hi"});
    json!({"model": "claude-test-1", "max_tokens": 64, "stream": stream, "messages": [message]})
}

fn streamed_text(answer: &Answer) -> Vec<u8> {
    let transport = saying::<Messages>(answer);
    let response = post(&transport, URL, &request(true));
    assert_eq!(
        response.headers()["content-type"],
        "text/event-stream; charset=utf-8"
    );
    bytes(&transport, response)
}

fn streamed(answer: &Answer) -> Vec<Value> {
    let events = events(&streamed_text(answer));
    let payloads = payloads(&events);
    for ((name, _), payload) in events.iter().zip(&payloads) {
        assert_eq!(
            name,
            payload["type"].as_str().unwrap(),
            "the data repeats the event's name"
        );
    }
    payloads
}

fn message(answer: &Answer) -> Value {
    let transport = saying::<Messages>(answer);
    let response = post(&transport, URL, &request(false));
    json(&transport, response)
}

/// What a client puts together from a stream, as strict as the official ones are.
fn put_together(payloads: &[Value]) -> Result<Value, String> {
    let mut message: Option<Value> = None;
    let mut open: Option<(usize, String)> = None;
    let mut is_over = false;
    for payload in payloads {
        let kind = payload["type"].as_str().unwrap_or_default();
        if is_over {
            return Err(format!("{kind} after message_stop"));
        }
        if kind == "message_start" {
            if message.is_some() {
                return Err("a second message_start".into());
            }
            message = Some(payload["message"].clone());
            continue;
        }
        if kind == "ping" {
            continue;
        }
        if kind == "error" {
            return Err(payload["error"]["type"].to_string());
        }
        let Some(message) = &mut message else {
            return Err(format!("{kind} before message_start"));
        };
        let content = message["content"].as_array_mut().unwrap();
        match (kind, &mut open) {
            ("content_block_start", None) if payload["index"] == content.len() => {
                content.push(payload["content_block"].clone());
                open = Some((content.len() - 1, String::new()));
            }
            ("content_block_delta", Some((index, arguments))) if payload["index"] == *index => {
                let (delta, block) = (&payload["delta"], &mut content[*index]);
                let add = |block: &mut Value, name: &str| {
                    let text = block[name].as_str().unwrap().to_owned();
                    block[name] = (text + delta[name].as_str().unwrap()).into();
                };
                match delta["type"].as_str().unwrap() {
                    "text_delta" => add(block, "text"),
                    "thinking_delta" => add(block, "thinking"),
                    "signature_delta" => block["signature"] = delta["signature"].clone(),
                    "input_json_delta" => {
                        arguments.push_str(delta["partial_json"].as_str().unwrap());
                    }
                    other => return Err(format!("delta {other}")),
                }
            }
            ("content_block_stop", Some((index, arguments))) if payload["index"] == *index => {
                if !arguments.is_empty() {
                    let input = serde_json::from_str(arguments).map_err(|it| it.to_string())?;
                    content[*index]["input"] = input;
                }
                open = None;
            }
            ("message_delta", None) => {
                for (name, value) in payload["delta"].as_object().unwrap() {
                    message[name] = value.clone();
                }
                for (name, value) in payload["usage"].as_object().unwrap() {
                    message["usage"][name] = value.clone();
                }
            }
            ("message_stop", None) => is_over = true,
            _ => return Err(format!("unexpected {payload}")),
        }
    }
    match message {
        Some(message) if is_over => Ok(message),
        _ => Err("the stream ended before message_stop".into()),
    }
}

/// Answers of the same content as the recordings of this repository.
fn recorded() -> [(&'static str, Answer); 4] {
    let two_pieces = Split::Sizes(vec![10, 1000]);
    [
        ("anthropic-text", Answer::text("The tide turns at noon.")),
        (
            "anthropic-thinking",
            Answer::new().thinking("Seven times six.").say("It is 42."),
        ),
        (
            "anthropic-tools",
            Answer::text("I look it up.")
                .tool("refresh", ())
                .tool("tide", json!({"port": "Brest"}))
                .split(two_pieces),
        ),
        ("anthropic-refusal", Answer::refusal("That I may not say.")),
    ]
}

#[test]
fn streams_have_the_grammar_of_the_recordings() {
    for (name, answer) in recorded() {
        println!("{name}");
        assert_same_grammar(&streamed(&answer), &recording(name));
    }
}

#[test]
fn a_message_has_the_members_of_the_recording() {
    let answer = Answer::text("The tide turns at noon.").tool("refresh", ());
    assert_same_grammar(&[message(&answer)], &recording("anthropic-message"));
}

/// What the real provider was recorded to send, where the recordings are at hand.
#[test]
fn streams_have_the_grammar_of_the_real_provider() {
    let text = Answer::text("Hello! I'm doing well.");
    let thinking = Answer::new()
        .thinking("The previous result was 925.")
        .say("925 / 5 = 185");
    let no_arguments = Answer::text("I'll update the list.").tool("updateIssueList", ());
    let cases = [
        ("anthropic-text.chunks.txt", text.clone(), vec![]),
        // An empty delta at the end of a thought is of the model, not of the protocol.
        (
            "anthropic-clear-thinking.1.chunks.txt",
            thinking,
            vec!["context_management"],
        ),
        (
            "anthropic-refusal.chunks.txt",
            Answer::refusal("No."),
            vec!["category", "recommended_model"],
        ),
        (
            "anthropic-tool-no-args.chunks.txt",
            no_arguments,
            vec!["inference_geo"],
        ),
    ];
    let mut compared = 0;
    for (name, answer, extra) in cases {
        let Some(real) = real_recording(name) else {
            continue;
        };
        let is_empty_delta = |it: &Value| it["delta"]["thinking"] == "";
        // Pings may come anywhere. One recording has them elsewhere, more often.
        let elsewhere = name.contains("no-args");
        let kept = |it: &Value| !(is_empty_delta(it) || elsewhere && it["type"] == "ping");
        let prepared = |payloads: Vec<Value>| {
            let payloads = payloads.into_iter().filter(|it| kept(it)).collect();
            without(payloads, &extra)
        };
        assert_same_grammar(&prepared(streamed(&answer)), &prepared(real));
        compared += 1;
    }
    for (name, answer) in [
        ("anthropic-text.json", text),
        (
            "anthropic-tool-no-args.json",
            Answer::text("Okay.").tool("updateIssueList", ()),
        ),
    ] {
        let Some(real) = real_json(name) else {
            continue;
        };
        let prepared = |it: Value| without(vec![it], &["inference_geo"]);
        assert_same_grammar(&prepared(message(&answer)), &prepared(real));
        compared += 1;
    }
    println!("compared with {compared} recordings of MOCKWIRE_RECORDINGS");
}

#[test]
fn a_grammar_that_is_broken_is_noticed() {
    let (_, answer) = &recorded()[2];
    let whole = streamed(answer);
    let at = |kind: &str| whole.iter().position(|it| it["type"] == kind).unwrap();
    let broken = |change: &dyn Fn(&mut Vec<Value>)| {
        let mut payloads = whole.clone();
        change(&mut payloads);
        grammar(&payloads) != grammar(&whole)
    };
    assert!(!broken(&|_| {}), "the control: nothing is changed");
    for kind in [
        "message_start",
        "ping",
        "message_delta",
        "message_stop",
        "content_block_stop",
    ] {
        assert!(broken(&|it| drop(it.remove(at(kind)))), "without {kind}");
    }
    assert!(broken(
        &|it| it.swap(at("message_delta"), at("message_stop"))
    ));
    assert!(broken(
        &|it| it[at("message_delta")]["usage"] = json!({"output_tokens": 61})
    ));
    assert!(broken(
        &|it| it[0]["message"]["stop_reason"] = "end_turn".into()
    ));
    // The first, empty delta of a tool's arguments.
    let first = whole
        .iter()
        .position(|it| it["delta"]["partial_json"] == "");
    assert!(broken(&|it| drop(it.remove(first.unwrap()))));
}

#[test]
fn what_a_client_puts_together_is_the_message() {
    for (name, answer) in recorded() {
        println!("{name}");
        assert_eq!(put_together(&streamed(&answer)).unwrap(), message(&answer));
    }
}

#[test]
fn the_client_of_this_test_notices_what_is_broken() {
    let answer = Answer::text("a b").tool("t", json!({"a": [1, 2]}));
    let whole = streamed(&answer);
    let broken = |change: &dyn Fn(&mut Vec<Value>)| {
        let mut payloads = whole.clone();
        change(&mut payloads);
        put_together(&payloads) != put_together(&whole)
    };
    assert!(!broken(&|_| {}), "the control: nothing is changed");
    for (at, payload) in whole.iter().enumerate() {
        let is_needed = payload["type"] != "ping" && payload["delta"]["partial_json"] != "";
        assert_eq!(
            broken(&|it| drop(it.remove(at))),
            is_needed,
            "without {payload}"
        );
    }
    // Two blocks that interleave: this provider never does that.
    let starts: Vec<_> = (0..whole.len())
        .filter(|at| whole[*at]["type"] == "content_block_start")
        .collect();
    assert!(broken(&|it| {
        let start = it.remove(starts[1]);
        it.insert(starts[0] + 1, start);
    }));
}

/// The arguments of a tool, in the partial texts of a stream.
fn partial_jsons(payloads: &[Value]) -> Vec<&str> {
    let partial = |it: &'_ Value| it["delta"]["partial_json"].is_string();
    let deltas = payloads.iter().filter(|it| partial(it));
    deltas
        .map(|it| it["delta"]["partial_json"].as_str().unwrap())
        .collect()
}

#[test]
fn partial_json_comes_together_wherever_it_is_cut() {
    let arguments = json!({"city": "Zürich 😀", "quote": "\"\\\n", "n": [1, -2.5e3, null]});
    let text = arguments.to_string();
    for at in 1..text.len() {
        let split = Split::Sizes(vec![at, text.len()]);
        let answer = Answer::new().tool("t", arguments.clone()).split(split);
        let stream = streamed(&answer);
        let message = put_together(&stream).unwrap();
        assert_eq!(message["content"][0]["input"], arguments, "cut at {at}");
        let pieces = partial_jsons(&stream);
        // Between two characters it is cut exactly there.
        let expected = if text.is_char_boundary(at) {
            at
        } else {
            pieces[1].len()
        };
        assert_eq!((pieces[0], pieces[1].len()), ("", expected), "cut at {at}");
        assert!(pieces[1].len() <= at);
        // The broken variant: without its last piece it is no JSON.
        let mut broken = stream.clone();
        let last = broken
            .iter()
            .rposition(|it| it["delta"]["partial_json"].is_string());
        broken.remove(last.unwrap());
        assert!(put_together(&broken).is_err(), "cut at {at}, and broken");
    }
}

#[test]
fn an_emoji_is_never_torn_unless_the_wire_is_to_tear_it() {
    let text = "a😀👩‍👩‍👧é";
    let answer = Answer::text(text).split(Split::Characters(1));
    let stream = streamed(&answer);
    let deltas = stream.iter().filter_map(|it| it["delta"]["text"].as_str());
    let deltas: Vec<_> = deltas.map(str::to_owned).collect();
    let characters: Vec<_> = text.chars().map(String::from).collect();
    assert_eq!(deltas, characters);
    let bytes_of_one = Answer::text(text).split(Split::Bytes(1));
    assert_eq!(grammar(&streamed(&bytes_of_one)), grammar(&stream));

    // The broken variant: frames of one byte tear it, and what arrives is the same all the same.
    let frames = |script: Script| {
        let transport = saying::<Messages>(&answer.clone().script(script));
        let body = post(&transport, URL, &request(true)).into_body();
        let frames = transport.block_on(futures::StreamExt::collect::<Vec<_>>(body));
        frames.into_iter().map(Result::unwrap).collect::<Vec<_>>()
    };
    let is_torn =
        |frames: &[bytes::Bytes]| frames.iter().any(|it| std::str::from_utf8(it).is_err());
    assert!(!is_torn(&frames(Script::new())));
    let torn = frames(Script::new().chunking(Chunking::Bytes(1)));
    assert!(is_torn(&torn));
    assert_eq!(torn.concat(), streamed_text(&answer));
}

#[test]
fn usage_is_estimated_or_given() {
    let said = message(&Answer::text("12345678").thinking("1234"));
    // "hi", by four, rounded up; the text by four, and the thought by four.
    assert_eq!(said["usage"]["input_tokens"], 1);
    assert_eq!(said["usage"]["output_tokens"], 3);
    let usage = Usage::new()
        .input(12)
        .output(30)
        .cache_read(8)
        .cache_creation(4);
    let answer = Answer::text("x").usage(usage);
    let given = message(&answer);
    assert_eq!(given["usage"]["input_tokens"], 12);
    assert_eq!(given["usage"]["output_tokens"], 30);
    assert_eq!(given["usage"]["cache_read_input_tokens"], 8);
    assert_eq!(
        given["usage"]["cache_creation"]["ephemeral_5m_input_tokens"],
        4
    );
    // Streams count up: one token at the start, all of them at the end.
    let stream = streamed(&answer);
    assert_eq!(stream[0]["message"]["usage"]["output_tokens"], 1);
    assert_eq!(stream[stream.len() - 2]["usage"]["output_tokens"], 30);
}

#[test]
fn arguments_that_are_no_json_go_over_the_wire_as_they_are() {
    let answer = Answer::new().tool_call(ToolCall::new("t", ()).raw("{\"city\": \"Par"));
    assert_eq!(
        partial_jsons(&streamed(&answer)).concat(),
        "{\"city\": \"Par"
    );
    assert_eq!(message(&answer)["content"][0]["input"], json!({}));
}

#[test]
fn an_error_breaks_a_stream_off() {
    let error = ApiError::overloaded();
    let stream = streamed(&Answer::text("Hel lo").then_error(error.clone()));
    let last = stream.last().unwrap();
    assert_eq!(last["type"], "error");
    assert_eq!(
        last["error"],
        json!({"type": "overloaded_error", "message": "Overloaded"})
    );
    assert!(last["request_id"].as_str().unwrap().starts_with("req_"));
    assert!(stream.iter().all(|it| it["type"] != "message_stop"));
    assert_eq!(put_together(&stream), Err("\"overloaded_error\"".into()));
    // The first event of all.
    let first = streamed(&Answer::error(error.in_stream()));
    assert_eq!(first.len(), 1);
    assert_eq!(first[0]["type"], "error");
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn whatever_is_said_streams_as_the_message(answer in answers()) {
        prop_assert_eq!(put_together(&streamed(&answer)).unwrap(), message(&answer));
    }
}
