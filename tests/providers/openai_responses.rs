//! OpenAI Responses.

use mockwire::providers::openai::{self, Responses};
use mockwire::providers::{Answer, ApiError, Dialogue, ModelApi, Prompt, Role, Split, Stop};
use mockwire::sync::MockTransport;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::grammar::{assert_same_grammar, grammar, real_recording, recording};
use crate::support::{answers, bytes, config, events, json, payloads, post, saying};

const URL: &str = "https://api.openai.com/v1/responses";

fn request(stream: bool) -> Value {
    json!({"model": "gpt-test-1", "input": "hi", "stream": stream})
}

fn events_of(answer: &Answer, request: &Value) -> Vec<Value> {
    let transport = saying::<Responses>(answer);
    let response = post(&transport, URL, request);
    assert_eq!(
        response.headers()["content-type"],
        "text/event-stream; charset=utf-8"
    );
    let events = events(&bytes(&transport, response));
    let payloads = payloads(&events);
    for (number, ((name, _), payload)) in events.iter().zip(&payloads).enumerate() {
        assert_eq!(
            name,
            payload["type"].as_str().unwrap(),
            "the data repeats the event's name"
        );
        assert_eq!(payload["sequence_number"], number);
    }
    payloads
}

fn streamed(answer: &Answer) -> Vec<Value> {
    events_of(answer, &request(true))
}

fn response(answer: &Answer) -> Value {
    let transport = saying::<Responses>(answer);
    let response = post(&transport, URL, &request(false));
    json(&transport, response)
}

/// What a client puts together from the events, as strict as the official ones are.
fn put_together(events: &[Value]) -> Result<Value, String> {
    let mut output: Vec<Value> = Vec::new();
    let mut end = None;
    for event in events {
        let kind = event["type"].as_str().unwrap_or_default();
        if end.is_some() {
            return Err(format!("{kind} after the end"));
        }
        let place = |name: &str| usize::try_from(event[name].as_u64()?).ok();
        let index = place("output_index").unwrap_or_default();
        let add = |text: &mut Value, piece: &Value| {
            let known = text.as_str().unwrap_or_default().to_owned();
            *text = (known + piece.as_str().unwrap()).into();
        };
        let item = |output: &mut Vec<Value>| -> Result<Value, String> {
            let item = output
                .get(index)
                .ok_or_else(|| format!("missing output at index {index}"))?;
            let is_its = event["item_id"].is_null() || event["item_id"] == item["id"];
            is_its
                .then(|| item.clone())
                .ok_or_else(|| format!("another item: {event}"))
        };
        match kind.strip_prefix("response.").unwrap_or(kind) {
            "created" | "in_progress" => {}
            "error" => return Err(event["error"]["code"].to_string()),
            "completed" | "incomplete" | "failed" => end = Some(event["response"].clone()),
            "output_item.added" if index == output.len() => output.push(event["item"].clone()),
            "output_item.done" => {
                // The parts that came one by one make what comes at the end.
                let mut known = item(&mut output)?;
                known["status"] = event["item"]["status"].clone();
                let mut done = event["item"].clone();
                done["status"] = known["status"].clone();
                if known != done {
                    return Err(format!("{known} is not {done}"));
                }
                output[index] = event["item"].clone();
            }
            "content_part.added" | "reasoning_summary_part.added" => {
                item(&mut output)?;
                let (list, number) = match place("content_index") {
                    Some(number) => ("content", number),
                    None => ("summary", place("summary_index").ok_or("no index")?),
                };
                let parts = output[index][list].as_array_mut().unwrap();
                if number != parts.len() {
                    return Err(format!("missing content at index {number}"));
                }
                parts.push(event["part"].clone());
            }
            delta if delta.ends_with(".delta") => {
                item(&mut output)?;
                let part = |list: &str, index: &str, name: &str| {
                    let index = place(index).unwrap_or_default();
                    format!("/{list}/{index}/{name}")
                };
                let pointer = match delta {
                    "output_text.delta" => part("content", "content_index", "text"),
                    "refusal.delta" => part("content", "content_index", "refusal"),
                    "reasoning_summary_text.delta" => part("summary", "summary_index", "text"),
                    "function_call_arguments.delta" => "/arguments".to_owned(),
                    "custom_tool_call_input.delta" => "/input".to_owned(),
                    other => return Err(other.to_owned()),
                };
                let text = output[index].pointer_mut(&pointer);
                let text = text.ok_or_else(|| format!("missing {pointer}"))?;
                add(text, &event["delta"]);
            }
            done if done.ends_with(".done") => drop(item(&mut output)?),
            _ => return Err(format!("unexpected {event}")),
        }
    }
    let end = end.ok_or("no end")?;
    if end["output"] != Value::Array(output.clone()) {
        return Err(format!("{} is not {output:?}", end["output"]));
    }
    Ok(end)
}

fn rich() -> Answer {
    Answer::new()
        .thinking("It asks for the tide.")
        .say("I look.")
        .tool("refresh", ())
        .tool("tide", json!({"port": "Brest"}))
        .split(Split::Bytes(8))
}

#[test]
fn streams_have_the_grammar_of_the_recordings() {
    assert_same_grammar(&streamed(&rich()), &recording("openai-response"));
    let error = Answer::error(ApiError::billing().in_stream());
    assert_same_grammar(&streamed(&error), &recording("openai-response-error"));
    // A response is what its stream ends with.
    let last = recording("openai-response").pop().unwrap();
    assert_same_grammar(&[response(&rich())], &[last["response"].clone()]);
}

/// What the real provider was recorded to send, where the recordings are at hand.
#[test]
fn streams_have_the_grammar_of_the_real_provider() {
    if let Some(real) = real_recording("openai-error.1.chunks.txt") {
        let error = Answer::error(ApiError::billing().in_stream());
        let mut asked = request(true);
        asked["reasoning"] = json!({"effort": "medium"});
        assert_same_grammar(&events_of(&error, &asked), &real);
    }
    if let Some(real) = real_recording("openai-custom-tool.1.chunks.txt") {
        let mut asked = request(true);
        asked["tools"] = real[0]["response"]["tools"].clone();
        let answer = Answer::new().tool("write_sql", "SELECT * FROM users WHERE age > 25");
        let ours = events_of(&answer, &asked);
        let types = |events: &[Value]| {
            let types = events.iter().map(|it| it["type"].to_string());
            let mut types: Vec<_> = types.collect();
            types.dedup();
            types
        };
        // This recording is shortened: it lacks numbers, and the event before the last two.
        let mut ours = types(&ours);
        ours.retain(|it| !it.contains("input.done"));
        assert_eq!(ours, types(&real));
    }
}

#[test]
fn what_a_client_puts_together_is_the_response() {
    let cut = Answer::new()
        .say("a")
        .tool("t", json!({"a": 1}))
        .stop(Stop::MaxTokens);
    let two_texts = Answer::text("a b").say("c").thinking("d").say("e");
    for answer in [
        rich(),
        cut,
        two_texts,
        Answer::refusal("I may not."),
        Answer::new(),
    ] {
        assert_eq!(
            put_together(&streamed(&answer)).unwrap(),
            response(&answer),
            "{answer:?}"
        );
    }
}

#[test]
fn what_is_broken_is_noticed() {
    let whole = streamed(&rich());
    let again = put_together(&whole).unwrap();
    for (at, event) in whole.iter().enumerate() {
        let mut events = whole.clone();
        events.remove(at);
        let kind = event["type"].as_str().unwrap();
        // These say once more what was said.
        let says_again = kind.ends_with("_text.done")
            || kind.ends_with("_part.done")
            || kind.ends_with("arguments.done")
            || kind == "response.output_item.done" && event["item"]["status"].is_null()
            || kind == "response.created"
            || kind == "response.in_progress";
        assert_eq!(
            put_together(&events).as_ref() != Ok(&again),
            !says_again,
            "without {event}"
        );
        if !kind.ends_with(".delta") {
            assert_ne!(grammar(&events), grammar(&whole), "without {event}");
        }
    }
}

#[test]
fn arguments_come_together_wherever_they_are_cut() {
    let arguments = json!({"city": "Zürich 😀", "quote": "\"\\\n"});
    let text = arguments.to_string();
    for at in 1..text.len() {
        let split = Split::Sizes(vec![at, text.len()]);
        let answer = Answer::new().tool("t", arguments.clone()).split(split);
        let stream = streamed(&answer);
        let whole = put_together(&stream).unwrap();
        assert_eq!(whole["output"][0]["arguments"], text, "cut at {at}");
        // The broken variant: without its last piece it is not what the end says.
        let mut broken = stream;
        let is_piece = |it: &Value| it["type"] == "response.function_call_arguments.delta";
        broken.remove(broken.iter().rposition(is_piece).unwrap());
        assert!(put_together(&broken).is_err(), "cut at {at}, and broken");
    }
}

#[test]
fn each_event_has_a_padding_that_hides_its_length() {
    let deltas = |events: &[Value]| -> Vec<(usize, usize)> {
        let deltas = events.iter().filter(|it| it["delta"].is_string());
        let len = |it: &Value| it.as_str().map_or(0, |text| text.chars().count());
        deltas
            .map(|it| (len(&it["delta"]), len(&it["obfuscation"])))
            .collect()
    };
    let padded = deltas(&streamed(&rich().split(Split::Words(1))));
    assert!(
        padded
            .iter()
            .all(|(text, padding)| (text + padding) % 16 == 0),
        "{padded:?}"
    );
    let mut asked = request(true);
    asked["stream_options"] = json!({"include_obfuscation": false});
    assert!(
        deltas(&events_of(&rich(), &asked))
            .iter()
            .all(|(_, padding)| *padding == 0)
    );
}

#[test]
fn thoughts_are_encrypted_where_the_request_asks_for_that() {
    let answer = Answer::new()
        .thinking("hm")
        .redacted_thinking("opaque")
        .signed_thinking("ha", "own");
    let of = |response: &Value| -> Vec<Value> {
        let items = response["output"].as_array().unwrap().iter();
        items
            .map(|item| item["encrypted_content"].clone())
            .collect()
    };
    assert_eq!(
        of(&response(&answer)),
        [Value::Null, json!("opaque"), json!("own")]
    );
    let transport = saying::<Responses>(&answer);
    let mut asked = request(false);
    asked["include"] = json!(["reasoning.encrypted_content"]);
    let response = post(&transport, URL, &asked);
    assert!(of(&json(&transport, response))[0].is_string());
}

#[test]
fn a_response_repeats_what_the_request_says() {
    let transport = saying::<Responses>(&"Hello".into());
    let tool = json!({"type": "function", "name": "tide", "parameters": {}, "strict": true});
    let asked = json!({
        "model": "gpt-1", "input": "hi", "instructions": "Be brief.", "temperature": 0.5, "store": false,
        "tools": [tool], "metadata": {"a": "b"}, "reasoning": {"effort": "low"}, "max_output_tokens": 9,
    });
    let response = post(&transport, URL, &asked);
    let said = json(&transport, response);
    for name in [
        "instructions",
        "temperature",
        "store",
        "tools",
        "metadata",
        "max_output_tokens",
    ] {
        assert_eq!(said[name], asked[name], "{name}");
    }
    assert_eq!(said["reasoning"], json!({"effort": "low", "summary": null}));
}

#[test]
fn an_error_breaks_a_stream_off() {
    let stream = streamed(&Answer::text("Hel lo").then_error(ApiError::server().message("oh")));
    let types: Vec<_> = stream
        .iter()
        .rev()
        .take(2)
        .map(|it| it["type"].clone())
        .collect();
    assert_eq!(types, ["response.failed", "error"]);
    let failed = stream.last().unwrap();
    assert_eq!(
        failed["response"]["error"],
        json!({"code": "server_error", "message": "oh"})
    );
    assert_eq!(failed["response"]["status"], "failed");
}

#[test]
fn a_request_is_read_as_a_conversation() {
    let transport = saying::<Responses>(&"x".into());
    let body = json!({
        "model": "gpt-1", "instructions": "Be brief.", "max_output_tokens": 7,
        "reasoning": {"effort": "high"},
        "tools": [{"type": "function", "name": "tide", "parameters": {"required": ["port"]}}, {"type": "web_search"}],
        "input": [
            {"role": "developer", "content": "Be kind."},
            {"role": "user", "content": [{"type": "input_text", "text": "tide?"}, {"type": "input_image"}]},
            {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}]},
            {"type": "function_call", "call_id": "call_1", "name": "tide", "arguments": "{\"port\":\"Brest\"}"},
            {"type": "function_call", "call_id": "call_2", "name": "moon", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "call_1", "output": "low"},
            {"type": "function_call_output", "call_id": "call_2", "output": [{"type": "input_text", "text": "full"}]},
        ],
    });
    post(&transport, URL, &body);
    let captured = transport.last_request().unwrap();
    let conversation = Responses::conversation(&captured.request).unwrap();
    assert_eq!(conversation.system.as_deref(), Some("Be brief.\nBe kind."));
    assert_eq!(
        (conversation.system_blocks, conversation.max_tokens),
        (2, Some(7))
    );
    assert_eq!(conversation.reasoning_effort.as_deref(), Some("high"));
    // What the model has said in a row, thought and calls, is one turn.
    assert_eq!((conversation.messages.len(), conversation.turn()), (7, 2));
    assert_eq!(conversation.messages[2].role, Role::Assistant);
    assert_eq!(conversation.tool_result("moon"), Some("full"));
    assert_eq!(conversation.tool_result("call_1"), Some("low"));
    assert!(conversation.tool("web_search").is_some());
    assert_eq!(conversation.last_user_message(), None);
    // A plain text is what the user says.
    post(&transport, URL, &json!({"input": "hello"}));
    let captured = transport.last_request().unwrap();
    let plain = Responses::conversation(&captured.request).unwrap();
    assert_eq!(plain.last_user_message().as_deref(), Some("hello"));
}

#[test]
fn what_the_provider_remembers_is_told_by_ids() {
    let transport = MockTransport::new();
    let both = Answer::new()
        .tool("tide", json!({"port": "Brest"}))
        .tool("moon", ());
    let results = Prompt::new()
        .tool_result_is("tide", "low")
        .tool_result("moon")
        .called_tool("tide")
        .has_assistant_turn(true);
    let dialogue = Dialogue::new()
        .turn("tide?", both)
        .turn(results, "It is low.");
    openai::responses(&transport).dialogue(dialogue.turn("Thanks", "You are welcome."));
    let ask = |body: Value| json(&transport, post(&transport, URL, &body));
    let first = ask(json!({"input": "tide?"}));
    let id = |index: usize| &first["output"][index]["call_id"];
    let output = |id: &Value, output: &str| json!({"type": "function_call_output", "call_id": id, "output": output});
    // The results alone, without the calls: for one of another tool there is no rule.
    let input = json!([output(id(1), "low")]);
    let wrong = json!({"previous_response_id": first["id"], "input": input});
    let request = http::Request::post(URL).body(wrong).unwrap();
    let error = transport.block_on(transport.call(request)).unwrap_err();
    assert!(error.to_string().contains("tool result tide"), "{error}");

    let input = json!([output(id(0), "low"), output(id(1), "full")]);
    let second = ask(json!({"previous_response_id": first["id"], "input": input}));
    assert_eq!(second["output"][0]["content"][0]["text"], "It is low.");
    let third = ask(json!({"previous_response_id": second["id"], "input": "Thanks"}));
    assert_eq!(third["output"][0]["content"][0]["text"], "You are welcome.");
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn whatever_is_said_streams_as_the_response(answer in answers()) {
        prop_assert_eq!(put_together(&streamed(&answer)).unwrap(), response(&answer));
    }
}
