//! What is the same for every provider: when a stream comes, ids and times, errors, limits, handlers.
//! Anthropic stands for all of them; what differs is in `tests/providers`.

use std::time::Duration;

use mockwire::providers::anthropic::{self, Messages};
use mockwire::providers::{Answer, ApiError, ApiErrorKind, ModelApi};
use mockwire::{Fault, RateLimit, Reply, Script, SequenceEnd, Timing};
use serde_json::{Value, json};

use super::support::{failure, fetch, get, post, send};
use super::{MockTransport, test};

const URL: &str = "https://api.anthropic.com/v1/messages";

fn ask(text: &str) -> http::Request<mockwire::Content> {
    let message = json!({"role": "user", "content": text});
    post(
        URL,
        json!({"model": "claude", "max_tokens": 64, "messages": [message]}),
    )
}

fn ask_for_stream() -> http::Request<mockwire::Content> {
    post(
        URL,
        json!({"model": "claude", "max_tokens": 64, "messages": [], "stream": true}),
    )
}

fn json_of(transport: &MockTransport, request: http::Request<mockwire::Content>) -> Value {
    serde_json::from_str(&fetch(transport, request).unwrap()).unwrap()
}

#[test]
fn the_request_says_whether_a_stream_comes_unless_the_answer_does() {
    let transport = MockTransport::new();
    anthropic::messages(&transport).times(2).reply("Hello");
    let plain = send(&transport, ask("hi")).unwrap();
    assert_eq!(plain.headers()["content-type"], "application/json");
    let stream = send(&transport, ask_for_stream()).unwrap();
    assert_eq!(
        stream.headers()["content-type"],
        "text/event-stream; charset=utf-8"
    );

    anthropic::messages(&transport)
        .times(1)
        .reply(Answer::text("Hello").stream(true));
    let stream = send(&transport, ask("hi")).unwrap();
    assert_eq!(
        stream.headers()["content-type"],
        "text/event-stream; charset=utf-8"
    );
    anthropic::messages(&transport).reply(Answer::text("Hello").stream(false));
    let plain = send(&transport, ask_for_stream()).unwrap();
    assert_eq!(plain.headers()["content-type"], "application/json");
}

#[test]
fn ids_come_from_the_seed_and_the_number_of_the_request() {
    let made = |seed| {
        let transport = MockTransport::builder().seed(seed).build();
        anthropic::messages(&transport).reply(Answer::new().tool("t", ()));
        let ids = |message: Value| [message["id"].clone(), message["content"][0]["id"].clone()];
        [
            ids(json_of(&transport, ask("a"))),
            ids(json_of(&transport, ask("b"))),
        ]
    };
    let ids = made(1);
    assert_eq!(made(1), ids);
    assert_ne!(made(2), ids);
    let all: std::collections::BTreeSet<_> = ids.iter().flatten().map(Value::to_string).collect();
    assert_eq!(all.len(), 4, "no id comes twice");
    let is_id = |id: &Value, prefix: &str, len: usize| {
        let id = id.as_str().unwrap();
        id.starts_with(prefix)
            && id.len() == len
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    assert!(
        is_id(&ids[0][0], "msg_01", 28) && is_id(&ids[0][1], "toolu_01", 30),
        "{ids:?}"
    );

    let transport = MockTransport::new();
    anthropic::messages(&transport).reply(Answer::text("x").id("msg_mine").model("other"));
    let message = json_of(&transport, ask("hi"));
    assert_eq!(
        (&message["id"], &message["model"]),
        (&json!("msg_mine"), &json!("other"))
    );
}

#[test]
fn every_kind_of_error_has_its_status_its_word_and_a_request_id() {
    use ApiErrorKind as Kind;
    let transport = MockTransport::new();
    for (kind, status, word) in [
        (Kind::Authentication, 401, "authentication_error"),
        (Kind::Billing, 402, "billing_error"),
        (Kind::InvalidRequest, 400, "invalid_request_error"),
        (Kind::NotFound, 404, "not_found_error"),
        (Kind::Overloaded, 529, "overloaded_error"),
        (Kind::Permission, 403, "permission_error"),
        (Kind::RateLimit, 429, "rate_limit_error"),
        (Kind::RequestTooLarge, 413, "request_too_large"),
        (Kind::Server, 500, "api_error"),
        (Kind::Timeout, 504, "timeout_error"),
    ] {
        let rule = anthropic::messages(&transport).reply(ApiError::new(kind));
        // Also where a stream is asked for: an error that comes first has its own status.
        for request in [ask("hi"), ask_for_stream()] {
            let response = send(&transport, request).unwrap();
            assert_eq!(response.status(), status, "{kind:?}");
            let id = response.headers()["request-id"].clone();
            let retry = response.headers().get("x-should-retry").cloned();
            assert_eq!(retry.is_some(), kind == Kind::Overloaded);
            let text = transport.block_on(response.into_body().text()).unwrap();
            let body: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(
                (&body["type"], &body["error"]["type"]),
                (&json!("error"), &json!(word))
            );
            assert_eq!(body["request_id"], id.to_str().unwrap());
            assert!(text.starts_with(r#"{"type":"error","#), "{text}");
        }
        rule.remove().unwrap();
    }
}

#[test]
fn an_error_says_what_it_is_told_to() {
    let transport = MockTransport::new();
    let error = ApiError::server()
        .status(502)
        .code("bad_gateway")
        .message("out for lunch")
        .retry_after(Duration::from_millis(2500))
        .should_retry(false);
    anthropic::messages(&transport).reply(Answer::error(error).header("via", "1.1 proxy"));
    let response = send(&transport, ask("hi")).unwrap();
    let field = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(response.status(), 502);
    assert_eq!(
        [field("retry-after"), field("x-should-retry"), field("via")],
        ["3", "false", "1.1 proxy"]
    );
    let text = transport.block_on(response.into_body().text()).unwrap();
    assert!(
        text.contains(r#""error":{"type":"bad_gateway","message":"out for lunch"}"#),
        "{text}"
    );
}

#[test]
fn failures_come_before_success() {
    let transport = MockTransport::new();
    anthropic::messages(&transport).reply_after_failures(2, ApiError::overloaded(), "at last");
    let status = || send(&transport, ask("hi")).unwrap().status().as_u16();
    assert_eq!(
        [status(), status(), status(), status()],
        [529, 529, 200, 200]
    );
}

#[test]
fn an_error_after_some_text_needs_a_stream() {
    let transport = MockTransport::new();
    anthropic::messages(&transport).reply(Answer::text("Hel").then_error(ApiError::overloaded()));
    assert_eq!(send(&transport, ask("hi")).unwrap().status(), 529);
    let response = send(&transport, ask_for_stream()).unwrap();
    assert_eq!(response.status(), 200);
    let text = transport.block_on(response.into_body().text()).unwrap();
    assert!(
        text.contains("event: error") && !text.contains("message_stop"),
        "{text}"
    );
}

#[test]
fn a_script_gives_times_and_endings() {
    let transport = MockTransport::new();
    let second = Duration::from_secs(1);
    let slow = Script::new().first_byte(second).gap(second);
    anthropic::messages(&transport)
        .times(1)
        .reply(Answer::text("a b c").script(slow).delay(second));
    let text = fetch(&transport, ask_for_stream()).unwrap();
    let events = text.matches("event: ").count() as u32;
    assert_eq!(transport.now(), second * (events + 1));

    let without_end = Answer::text("a").script(Script::new().without_terminal());
    anthropic::messages(&transport).times(1).reply(without_end);
    let text = fetch(&transport, ask_for_stream()).unwrap();
    assert!(
        text.contains("message_delta") && !text.contains("message_stop"),
        "{text}"
    );

    let reset = Answer::text("a").script(Script::new().cut_at(100).reset());
    anthropic::messages(&transport).reply(reset);
    assert_eq!(
        failure(&transport, ask_for_stream()).fault(),
        Some(Fault::ConnectionReset)
    );
    assert_eq!(transport.last_request().unwrap().delivered, 100);
}

#[test]
fn a_limit_tells_the_truth_in_the_providers_words() {
    let limit = RateLimit::fixed_window(2, Duration::from_secs(60));
    let tokens = |request: &mockwire::Request| {
        anthropic::conversation(request).map_or(0, |it| it.max_tokens.unwrap_or(0))
    };
    let budget = RateLimit::fixed_window(1000, Duration::from_secs(60)).tokens(tokens);
    let transport = MockTransport::builder()
        .timing(Timing::Manual)
        .rate_limit(anthropic::rate_limit(limit))
        .rate_limit(anthropic::rate_limit(budget))
        .build();
    anthropic::messages(&transport).reply("Hello");
    let remaining = |response: &http::Response<_>, what: &str| {
        let name = format!("anthropic-ratelimit-{what}-remaining");
        response.headers()[name.as_str()]
            .to_str()
            .unwrap()
            .to_owned()
    };
    let first = send(&transport, ask("hi")).unwrap();
    assert_eq!(
        [remaining(&first, "requests"), remaining(&first, "tokens")],
        ["1", "936"]
    );
    transport.advance(Duration::from_secs(20));
    let second = send(&transport, ask("hi")).unwrap();
    assert_eq!(
        [remaining(&second, "requests"), remaining(&second, "tokens")],
        ["0", "872"]
    );
    let reset = &second.headers()["anthropic-ratelimit-requests-reset"];
    assert_eq!(reset, "2025-01-01T00:01:00Z");

    let refused = send(&transport, ask("hi")).unwrap();
    assert_eq!(
        (refused.status().as_u16(), &refused.headers()["retry-after"]),
        (429, &"40".parse().unwrap())
    );
    let id = refused.headers()["request-id"].to_str().unwrap().to_owned();
    let text = transport.block_on(refused.into_body().text()).unwrap();
    assert!(
        text.contains("rate_limit_error") && text.contains(&id),
        "{text}"
    );
    transport.advance(Duration::from_secs(40));
    assert_eq!(send(&transport, ask("hi")).unwrap().status(), 200);
}

#[test]
fn an_answer_is_made_of_the_conversation() {
    let transport = MockTransport::new();
    anthropic::messages(&transport).reply_with(|conversation| {
        let said = conversation.last_user_message().unwrap_or_default();
        Answer::text(said.to_uppercase())
    });
    assert_eq!(
        json_of(&transport, ask("hello"))["content"][0]["text"],
        "HELLO"
    );
}

#[test]
fn an_answer_is_a_reply_for_whatever_takes_one() {
    let transport = MockTransport::new();
    let replies = [
        Reply::fault(Fault::ConnectionReset),
        anthropic::reply("Hello"),
    ];
    transport
        .post(URL)
        .times(2)
        .reply_sequence(replies, SequenceEnd::Fail);
    assert!(failure(&transport, ask("hi")).is_fault());
    assert_eq!(
        json_of(&transport, ask("hi"))["content"][0]["text"],
        "Hello"
    );

    let hold = anthropic::messages(&transport).hold();
    let message = transport.block_on(async {
        let reply = async {
            hold.next()
                .await
                .unwrap()
                .reply(anthropic::reply("held"))
                .unwrap();
        };
        let (response, ()) = futures::join!(transport.call(ask("hi")), reply);
        response.unwrap().into_body().text().await.unwrap()
    });
    assert!(message.contains(r#""text":"held""#));
}

#[test]
fn a_request_that_is_no_json_is_answered_as_the_provider_answers_it() {
    let transport = MockTransport::new();
    anthropic::messages(&transport).reply("Hello");
    let response = send(&transport, post(URL, "{\"model\":")).unwrap();
    assert_eq!(response.status(), 400);
    let text = transport.block_on(response.into_body().text()).unwrap();
    assert!(text.contains("invalid_request_error"), "{text}");
}

#[test]
fn a_rule_may_be_for_another_target_and_ask_for_more() {
    let transport = MockTransport::new();
    Messages::at(&transport, "https://gateway.test/anthropic/v1/messages")
        .when(|rule| rule.header("x-team", "blue"))
        .reply("Hello");
    let request = post("https://gateway.test/anthropic/v1/messages", "{}");
    let error = failure(&transport, request);
    assert!(error.to_string().contains("✗ header x-team"), "{error}");
    assert!(failure(&transport, ask("hi")).is_unmatched());
    assert!(failure(&transport, get(URL)).is_unmatched());
}

/// A handler of a single-threaded transport may capture anything; as it may everywhere else.
#[test]
fn a_rule_that_is_half_written_can_be_finished_twice() {
    let transport = MockTransport::new();
    let small = anthropic::messages(&transport).model("claude");
    small.clone().last_user_message("a").reply("1");
    small.last_user_message("b").reply("2");
    assert_eq!(json_of(&transport, ask("b"))["content"][0]["text"], "2");
    assert_eq!(json_of(&transport, ask("a"))["content"][0]["text"], "1");
    transport.verify();
}
