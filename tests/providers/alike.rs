//! What is true of all four: why they stop, where texts are cut, what ids and times are made of, errors.

use std::time::Duration;

use mockwire::providers::anthropic::Messages;
use mockwire::providers::gemini::GenerateContent;
use mockwire::providers::openai::{ChatCompletions, Responses};
use mockwire::providers::{Answer, ApiError, ApiErrorKind, ModelApi, Split, Stop, Usage};
use mockwire::sync::MockTransport;
use serde_json::{Value, json};

use crate::support::{bytes, events, json, payloads, post, saying};

/// How an API is asked, and where the things are in what it says.
trait Api: ModelApi {
    /// Why it stops, in a response and in the payload of a stream that says so.
    const STOP: [&'static str; 2];
    /// How many tokens the answer has, likewise.
    const OUTPUT: [&'static str; 2];
    const ID: [&'static str; 2];
    /// In a payload of a stream.
    const TEXT: &'static str;

    fn url(stream: bool) -> String;

    fn body(stream: bool) -> Value {
        let message = json!({"role": "user", "content": "hi"});
        json!({"model": "m", "max_tokens": 64, "stream": stream, "messages": [message]})
    }

    /// Whether a text is a piece of what is said.
    fn is_text(_payload: &Value) -> bool {
        true
    }
}

impl Api for Messages {
    const STOP: [&'static str; 2] = ["/stop_reason", "/delta/stop_reason"];
    const OUTPUT: [&'static str; 2] = ["/usage/output_tokens"; 2];
    const ID: [&'static str; 2] = ["/id", "/message/id"];
    const TEXT: &'static str = "/delta/text";

    fn url(_: bool) -> String {
        "https://api.anthropic.com/v1/messages".into()
    }
}

impl Api for ChatCompletions {
    const STOP: [&'static str; 2] = ["/choices/0/finish_reason"; 2];
    const OUTPUT: [&'static str; 2] = ["/usage/completion_tokens"; 2];
    const ID: [&'static str; 2] = ["/id"; 2];
    const TEXT: &'static str = "/choices/0/delta/content";

    fn url(_: bool) -> String {
        "https://api.openai.com/v1/chat/completions".into()
    }

    fn body(stream: bool) -> Value {
        let mut body = Messages::body(stream);
        body["stream_options"] = json!({"include_usage": true});
        body
    }
}

impl Api for Responses {
    const STOP: [&'static str; 2] = [
        "/incomplete_details/reason",
        "/response/incomplete_details/reason",
    ];
    const OUTPUT: [&'static str; 2] = ["/usage/output_tokens", "/response/usage/output_tokens"];
    const ID: [&'static str; 2] = ["/id", "/response/id"];
    const TEXT: &'static str = "/delta";

    fn url(_: bool) -> String {
        "https://api.openai.com/v1/responses".into()
    }

    fn body(stream: bool) -> Value {
        json!({"model": "m", "input": "hi", "stream": stream})
    }

    fn is_text(payload: &Value) -> bool {
        payload["type"] == "response.output_text.delta"
    }
}

impl Api for GenerateContent {
    const STOP: [&'static str; 2] = ["/candidates/0/finishReason"; 2];
    const OUTPUT: [&'static str; 2] = ["/usageMetadata/candidatesTokenCount"; 2];
    const ID: [&'static str; 2] = ["/responseId"; 2];
    const TEXT: &'static str = "/candidates/0/content/parts/0/text";

    fn url(stream: bool) -> String {
        let method = if stream {
            "streamGenerateContent?alt=sse"
        } else {
            "generateContent"
        };
        format!("https://google.test/v1beta/models/m:{method}")
    }

    fn body(_: bool) -> Value {
        json!({"contents": [{"role": "user", "parts": [{"text": "hi"}]}]})
    }
}

fn whole<A: Api>(transport: &MockTransport) -> Value {
    json(transport, post(transport, &A::url(false), &A::body(false)))
}

fn streamed<A: Api>(transport: &MockTransport) -> Vec<Value> {
    let response = post(transport, &A::url(true), &A::body(true));
    let mut events = events(&bytes(transport, response));
    events.retain(|(_, data)| data != "[DONE]");
    payloads(&events)
}

/// The last that a stream says at a place, but for nothing.
fn last(payloads: &[Value], pointer: &str) -> Value {
    let said = payloads.iter().filter_map(|it| it.pointer(pointer));
    let mut said = said.filter(|it| !it.is_null());
    said.next_back().cloned().unwrap_or_default()
}

/// The same as JSON and as a stream: what is at a place.
#[track_caller]
fn both<A: Api>(answer: &Answer, pointers: [&str; 2]) -> Value {
    let json = whole::<A>(&saying::<A>(answer));
    let value = json.pointer(pointers[0]).cloned().unwrap_or_default();
    let stream = streamed::<A>(&saying::<A>(answer));
    assert_eq!(last(&stream, pointers[1]), value, "{answer:?}");
    // The broken variant: without the payloads that say it, it is not said.
    let mut silent = stream;
    silent.retain(|it| it.pointer(pointers[1]).is_none());
    assert_eq!(last(&silent, pointers[1]), Value::Null);
    value
}

#[test]
fn every_reason_to_stop_has_the_providers_word() {
    let tool = || Answer::new().tool("t", ());
    let stops = |stop: Stop| Answer::text("x").stop(stop);
    for (answer, [anthropic, chat, responses, gemini]) in [
        (
            Answer::text("x"),
            [json!("end_turn"), json!("stop"), Value::Null, json!("STOP")],
        ),
        (
            tool(),
            [
                json!("tool_use"),
                json!("tool_calls"),
                Value::Null,
                json!("STOP"),
            ],
        ),
        (
            Answer::refusal("no"),
            [
                json!("refusal"),
                json!("stop"),
                Value::Null,
                json!("SAFETY"),
            ],
        ),
        (
            stops(Stop::MaxTokens),
            [
                json!("max_tokens"),
                json!("length"),
                json!("max_output_tokens"),
                json!("MAX_TOKENS"),
            ],
        ),
        (
            stops(Stop::ContentFilter),
            [
                json!("refusal"),
                json!("content_filter"),
                json!("content_filter"),
                json!("SAFETY"),
            ],
        ),
        (
            stops(Stop::PauseTurn),
            [
                json!("pause_turn"),
                json!("stop"),
                Value::Null,
                json!("STOP"),
            ],
        ),
        (
            stops(Stop::StopSequence("END".into())),
            [
                json!("stop_sequence"),
                json!("stop"),
                Value::Null,
                json!("STOP"),
            ],
        ),
        (
            stops(Stop::Other("bored".into())),
            [json!("bored"), json!("bored"), Value::Null, json!("bored")],
        ),
        (
            tool().stop(Stop::EndTurn),
            [json!("end_turn"), json!("stop"), Value::Null, json!("STOP")],
        ),
    ] {
        assert_eq!(both::<Messages>(&answer, Messages::STOP), anthropic);
        assert_eq!(
            both::<ChatCompletions>(&answer, ChatCompletions::STOP),
            chat
        );
        assert_eq!(both::<Responses>(&answer, Responses::STOP), responses);
        assert_eq!(
            both::<GenerateContent>(&answer, GenerateContent::STOP),
            gemini
        );
    }
    let stopped = stops(Stop::StopSequence("END".into()));
    let pointers = ["/stop_sequence", "/delta/stop_sequence"];
    assert_eq!(both::<Messages>(&stopped, pointers), "END");
}

#[test]
fn tokens_are_estimated_or_given() {
    fn counted<A: Api>() {
        // Eight bytes said, by four.
        assert_eq!(both::<A>(&Answer::text("12345678"), A::OUTPUT), 2);
        let given = Answer::text("12345678").usage(Usage::new().output(30));
        assert_eq!(both::<A>(&given, A::OUTPUT), 30);
    }
    counted::<Messages>();
    counted::<ChatCompletions>();
    counted::<Responses>();
    counted::<GenerateContent>();
}

#[test]
fn no_delta_tears_a_character() {
    fn cut<A: Api>() {
        let text = "a😀👩‍👩‍👧é";
        let characters: Vec<_> = text.chars().map(String::from).collect();
        for split in [Split::Characters(1), Split::Bytes(1)] {
            let answer = Answer::text(text).split(split);
            let stream = streamed::<A>(&saying::<A>(&answer));
            let texts = stream.iter().filter(|it| A::is_text(it));
            let texts = texts.filter_map(|it| it.pointer(A::TEXT)?.as_str());
            let texts: Vec<_> = texts.filter(|it| !it.is_empty()).collect();
            assert_eq!(texts, characters);
        }
    }
    cut::<Messages>();
    cut::<ChatCompletions>();
    cut::<Responses>();
    cut::<GenerateContent>();
}

#[test]
fn ids_are_the_seeds_and_times_the_clocks() {
    fn made<A: Api>(date: Option<&str>) {
        let transport = |seed| {
            let transport = MockTransport::builder().seed(seed).build();
            A::on(&transport).reply("x");
            transport
        };
        let id = |seed| {
            whole::<A>(&transport(seed))
                .pointer(A::ID[0])
                .cloned()
                .unwrap()
        };
        assert_eq!(id(1), id(1));
        assert_ne!(id(1), id(2), "another seed");
        let same = transport(1);
        assert_eq!(whole::<A>(&same).pointer(A::ID[0]), Some(&id(1)));
        assert_ne!(
            whole::<A>(&same).pointer(A::ID[0]),
            Some(&id(1)),
            "another request"
        );
        // As a stream, it has the id that it would have as JSON.
        assert_eq!(last(&streamed::<A>(&transport(1)), A::ID[1]), id(1));
        if let Some(pointer) = date {
            let transport = transport(1);
            let date = || {
                whole::<A>(&transport)
                    .pointer(pointer)
                    .unwrap()
                    .as_u64()
                    .unwrap()
            };
            let before = date();
            transport.advance(Duration::from_secs(90));
            assert_eq!(date(), before + 90);
        }
    }
    made::<Messages>(None);
    made::<ChatCompletions>(Some("/created"));
    made::<Responses>(Some("/created_at"));
    made::<GenerateContent>(None);
}

#[test]
fn an_error_that_comes_first_has_its_status_also_where_a_stream_is_asked_for() {
    fn failed<A: Api>() {
        for kind in [ApiErrorKind::Overloaded, ApiErrorKind::RateLimit] {
            let transport = saying::<A>(&ApiError::new(kind).message("no").into());
            let answers = [false, true].map(|stream| {
                let response = post(&transport, &A::url(stream), &A::body(stream));
                assert!(response.status().is_client_error() || response.status().is_server_error());
                let status = response.status().as_u16();
                let body = json(&transport, response);
                assert_eq!(body["error"]["message"], "no");
                status
            });
            assert_eq!(answers[0], answers[1]);
        }
        // In the stream, it is one with 200.
        let in_stream = Answer::error(ApiError::overloaded().message("no").in_stream());
        let transport = saying::<A>(&in_stream);
        let response = post(&transport, &A::url(true), &A::body(true));
        assert_eq!(response.status(), 200);
        let text = String::from_utf8(bytes(&transport, response)).unwrap();
        assert!(text.contains(r#""message":"no""#), "{text}");
    }
    failed::<Messages>();
    failed::<ChatCompletions>();
    failed::<Responses>();
    failed::<GenerateContent>();
}
