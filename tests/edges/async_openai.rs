//! `async-openai`, unmodified, through its own seam for an HTTP service: what it makes of the wire.
#![cfg(not(target_arch = "wasm32"))]

use std::time::Duration;

use async_openai::Client;
use async_openai::config::OpenAIConfig;
use async_openai::error::OpenAIError;
use async_openai::middleware::HttpRequestFactory;
use async_openai::middleware::retry::OpenAIRetryLayer;
use async_openai::types::chat::{
    CreateChatCompletionRequest, CreateChatCompletionStreamResponse, FinishReason,
};
use async_openai::types::responses::{
    CreateResponse, OutputItem, OutputMessageContent, ResponseStreamEvent, Status,
};
use futures::StreamExt;
use mockwire::providers::{Answer, ApiError, Dialogue, Prompt, Split, Stop, Usage, openai};
use mockwire::sync::MockTransport;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tower::Layer;

/// What the client sends its requests with: the transport.
async fn send(
    transport: MockTransport,
    factory: HttpRequestFactory,
) -> Result<reqwest::Response, OpenAIError> {
    let request = factory.build().await?;
    let request = http::Request::<reqwest::Body>::try_from(request)?;
    let (parts, body) = request.into_parts();
    let body = http_body_util::BodyExt::collect(body).await?.to_bytes();
    let call = transport.call(http::Request::from_parts(parts, body));
    let response = call
        .await
        .map_err(|error| OpenAIError::Boxed(error.into()))?;
    Ok(response.map(reqwest::Body::wrap).into())
}

fn client(transport: &MockTransport) -> Client<OpenAIConfig> {
    let transport = transport.clone();
    let service = tower::service_fn(move |factory| send(transport.clone(), factory));
    let config = OpenAIConfig::new().with_api_key("secret");
    Client::with_config(config).with_http_service(service)
}

fn retrying(transport: &MockTransport) -> Client<OpenAIConfig> {
    let transport = transport.clone();
    let service = tower::service_fn(move |factory| send(transport.clone(), factory));
    let config = OpenAIConfig::new().with_api_key("secret");
    Client::with_config(config).with_http_service(OpenAIRetryLayer::new(3).layer(service))
}

/// A request of the client's own type.
fn request<T: DeserializeOwned>(json: Value) -> T {
    serde_json::from_value(json).unwrap()
}

fn chat(text: &str) -> CreateChatCompletionRequest {
    request(json!({"model": "gpt-test-1", "messages": [{"role": "user", "content": text}]}))
}

fn chat_stream() -> CreateChatCompletionRequest {
    request(json!({
        "model": "gpt-test-1", "stream": true, "stream_options": {"include_usage": true},
        "messages": [{"role": "user", "content": "hi"}],
    }))
}

async fn chunks(
    transport: &MockTransport,
) -> Vec<Result<CreateChatCompletionStreamResponse, OpenAIError>> {
    let stream = client(transport).chat().create_stream(chat_stream()).await;
    stream.unwrap().collect().await
}

#[tokio::test]
async fn a_completion_is_read() {
    let transport = MockTransport::new();
    openai::chat_completions(&transport)
        .last_user_message("hi 😀")
        .reply(Answer::text("Hello 😀").usage(Usage::new().input(3).output(4)));
    let completion = client(&transport)
        .chat()
        .create(chat("hi 😀"))
        .await
        .unwrap();
    assert_eq!(
        completion.choices[0].message.content.as_deref(),
        Some("Hello 😀")
    );
    assert_eq!(
        completion.choices[0].finish_reason,
        Some(FinishReason::Stop)
    );
    assert_eq!(completion.usage.unwrap().total_tokens, 7);
    let captured = transport.last_request().unwrap();
    assert_eq!(
        captured.request.header("authorization"),
        Some("Bearer secret")
    );
    transport.verify();
}

#[tokio::test]
async fn a_stream_of_a_completion_is_read() {
    let text = "a 😀 b\n\"c\"";
    for split in [
        Split::Characters(1),
        Split::Bytes(1),
        Split::Words(1),
        Split::Whole,
    ] {
        let transport = MockTransport::new();
        openai::chat_completions(&transport).reply(Answer::text(text).split(split));
        let chunks: Vec<_> = chunks(&transport)
            .await
            .into_iter()
            .map(Result::unwrap)
            .collect();
        let choices = chunks.iter().filter_map(|chunk| chunk.choices.first());
        let pieces: Vec<_> = choices
            .filter_map(|it| it.delta.content.as_deref())
            .collect();
        assert_eq!(pieces.concat(), text);
        assert!(chunks.last().unwrap().usage.is_some());
    }
}

#[tokio::test]
async fn tools_that_are_called_in_parallel_are_read() {
    let two = || {
        Answer::new()
            .tool("tide", json!({"port": "Brest"}))
            .tool("refresh", ())
            .split(Split::Bytes(5))
    };
    for answer in [two(), two().interleaved()] {
        let transport = MockTransport::new();
        openai::chat_completions(&transport).reply(answer);
        let mut arguments = [String::new(), String::new()];
        for chunk in chunks(&transport).await {
            let chunk = chunk.unwrap();
            let choice = chunk.choices.first();
            let calls = choice.and_then(|choice| choice.delta.tool_calls.clone());
            for call in calls.unwrap_or_default() {
                let function = call.function.unwrap();
                arguments[call.index as usize] += &function.arguments.unwrap_or_default();
            }
        }
        assert_eq!(arguments, [r#"{"port":"Brest"}"#, "{}"]);
    }
}

#[tokio::test]
async fn several_choices_are_read() {
    let asked = |stream: bool| -> CreateChatCompletionRequest {
        request(json!({
            "model": "gpt-test-1", "stream": stream, "n": 3,
            "messages": [{"role": "user", "content": "hi"}],
        }))
    };
    let two = || Answer::text("a b").alternative("c d");
    for answer in [two(), two().interleaved()] {
        let transport = MockTransport::new();
        openai::chat_completions(&transport).reply(answer);
        let client = client(&transport);
        let completion = client.chat().create(asked(false)).await.unwrap();
        let texts = completion.choices.into_iter();
        let texts: Vec<_> = texts.filter_map(|it| it.message.content).collect();
        assert_eq!(texts, ["a b", "c d", "a b"]);
        let mut streamed = vec![String::new(); 3];
        let mut stream = client.chat().create_stream(asked(true)).await.unwrap();
        while let Some(chunk) = stream.next().await {
            for choice in chunk.unwrap().choices {
                streamed[choice.index as usize] += &choice.delta.content.unwrap_or_default();
            }
        }
        assert_eq!(streamed, texts);
    }
}

#[tokio::test]
async fn an_error_is_read() {
    let transport = MockTransport::new();
    openai::chat_completions(&transport).reply(ApiError::authentication());
    let error = client(&transport)
        .chat()
        .create(chat("hi"))
        .await
        .unwrap_err();
    let OpenAIError::ApiError(error) = error else {
        panic!("{error:?}");
    };
    assert_eq!(error.api_error.code.as_deref(), Some("invalid_api_key"));
}

#[tokio::test(start_paused = true)]
async fn what_may_be_retried_is_retried_and_the_rest_is_not() {
    let transport = MockTransport::new();
    let limited = ApiError::rate_limit().retry_after(Duration::from_secs(2));
    openai::chat_completions(&transport)
        .last_user_message("a")
        .reply_after_failures(2, limited, "at last");
    openai::chat_completions(&transport)
        .last_user_message("b")
        .reply(ApiError::billing());
    let client = retrying(&transport);
    let completion = client.chat().create(chat("a")).await.unwrap();
    assert_eq!(
        completion.choices[0].message.content.as_deref(),
        Some("at last")
    );
    assert_eq!(transport.requests().len(), 3);
    client.chat().create(chat("b")).await.unwrap_err();
    assert_eq!(
        transport.requests().len(),
        4,
        "no quota is no reason to try again"
    );
}

fn ask(input: impl Into<Value>) -> CreateResponse {
    request(json!({"model": "gpt-test-1", "input": input.into()}))
}

/// The texts of a response's messages, and the names of the tools that it calls.
fn said(output: &[OutputItem]) -> Vec<String> {
    output.iter().flat_map(said_by).collect()
}

fn said_by(item: &OutputItem) -> Vec<String> {
    let of_part = |part: &OutputMessageContent| match part {
        OutputMessageContent::OutputText(text) => text.text.clone(),
        OutputMessageContent::Refusal(refusal) => refusal.refusal.clone(),
    };
    match item {
        OutputItem::Message(message) => message.content.iter().map(of_part).collect(),
        OutputItem::FunctionCall(call) => vec![format!("{}({})", call.name, call.arguments)],
        OutputItem::CustomToolCall(call) => vec![format!("{}: {}", call.name, call.input)],
        OutputItem::Reasoning(thought) => vec![format!("{} thoughts", thought.summary.len())],
        other => panic!("{other:?}"),
    }
}

fn rich() -> Answer {
    Answer::new()
        .thinking("It asks for the tide.")
        .say("I look 😀.")
        .tool("tide", json!({"port": "Brest"}))
        .tool("refresh", ())
}

#[tokio::test]
async fn a_response_is_read() {
    let transport = MockTransport::new();
    openai::responses(&transport).reply(rich());
    let response = client(&transport)
        .responses()
        .create(ask("hi"))
        .await
        .unwrap();
    assert_eq!(response.status, Status::Completed);
    let expected = [
        "1 thoughts",
        "I look 😀.",
        r#"tide({"port":"Brest"})"#,
        "refresh({})",
    ];
    assert_eq!(said(&response.output), expected);
}

async fn stream(transport: &MockTransport) -> Vec<ResponseStreamEvent> {
    let asked = request(json!({"model": "gpt-test-1", "input": "hi", "stream": true}));
    let stream = client(transport)
        .responses()
        .create_stream(asked)
        .await
        .unwrap();
    stream.map(|event| event.unwrap()).collect().await
}

#[tokio::test]
async fn a_stream_of_a_response_is_read() {
    for split in [Split::Characters(1), Split::Bytes(3), Split::Whole] {
        let transport = MockTransport::new();
        openai::responses(&transport).reply(rich().split(split));
        let events = stream(&transport).await;
        let Some(ResponseStreamEvent::ResponseCompleted(end)) = events.last() else {
            panic!("{events:?}");
        };
        let plain = client(&transport)
            .responses()
            .create(ask("hi"))
            .await
            .unwrap();
        assert_eq!(said(&end.response.output), said(&plain.output));
        let mut deltas = (String::new(), String::new());
        for event in &events {
            match event {
                ResponseStreamEvent::ResponseOutputTextDelta(it) => deltas.0 += &it.delta,
                ResponseStreamEvent::ResponseFunctionCallArgumentsDelta(it) => {
                    deltas.1 += &it.delta;
                }
                _ => {}
            }
        }
        assert_eq!(
            (&*deltas.0, &*deltas.1),
            ("I look 😀.", r#"{"port":"Brest"}{}"#)
        );
    }
}

#[tokio::test]
async fn refusals_and_incomplete_responses_are_read() {
    let transport = MockTransport::new();
    openai::responses(&transport)
        .times(2)
        .reply(Answer::refusal("I may not."));
    let response = client(&transport)
        .responses()
        .create(ask("hi"))
        .await
        .unwrap();
    assert_eq!(said(&response.output), ["I may not."]);
    let events = stream(&transport).await;
    assert!(
        events
            .iter()
            .any(|it| matches!(it, ResponseStreamEvent::ResponseRefusalDone(_)))
    );

    openai::responses(&transport).reply(Answer::text("half").stop(Stop::MaxTokens));
    let response = client(&transport)
        .responses()
        .create(ask("hi"))
        .await
        .unwrap();
    assert_eq!(response.status, Status::Incomplete);
    assert_eq!(
        response.incomplete_details.unwrap().reason,
        "max_output_tokens"
    );
    let events = stream(&transport).await;
    assert!(matches!(
        events.last(),
        Some(ResponseStreamEvent::ResponseIncomplete(_))
    ));
}

#[tokio::test]
async fn a_custom_tool_is_called_with_a_text() {
    let transport = MockTransport::new();
    openai::responses(&transport).reply(Answer::new().tool("shell", "ls -a"));
    let asked = request(json!({
        "model": "gpt-test-1", "input": "hi",
        "tools": [{"type": "custom", "name": "shell", "format": {"type": "text"}}],
    }));
    let response = client(&transport).responses().create(asked).await.unwrap();
    assert_eq!(said(&response.output), ["shell: ls -a"]);
}

/// The history is the provider's: the client sends the id of the last response.
#[tokio::test]
async fn a_dialogue_goes_on_by_the_id_of_the_last_response() {
    let transport = MockTransport::new();
    openai::responses(&transport).dialogue(
        Dialogue::new()
            .turn("hi", Answer::new().tool("tide", json!({"port": "Brest"})))
            .turn(Prompt::new().tool_result_is("tide", "low"), "Low.")
            .turn("Thanks", "Gladly."),
    );
    let client = client(&transport);
    let mut previous: Option<String> = None;
    let mut next = async |input: Value| {
        let mut asked = json!({"model": "gpt-test-1", "input": input});
        if let Some(id) = &previous {
            asked["previous_response_id"] = id.as_str().into();
        }
        let response = client
            .responses()
            .create(request::<CreateResponse>(asked))
            .await
            .unwrap();
        previous = Some(response.id.clone());
        response
    };
    let first = next("hi".into()).await;
    let OutputItem::FunctionCall(call) = &first.output[0] else {
        panic!("{first:?}");
    };
    let result =
        json!([{"type": "function_call_output", "call_id": call.call_id, "output": "low"}]);
    assert_eq!(said(&next(result).await.output), ["Low."]);
    assert_eq!(said(&next("Thanks".into()).await.output), ["Gladly."]);
    transport.verify();
}
