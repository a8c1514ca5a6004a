//! Conditions on conversations.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mockwire::providers::{Prompt, Role, anthropic};
use serde_json::{Value, json};

use super::support::{failure, fetch, is_matched, post};
use super::{MockTransport, test};

const URL: &str = "https://api.anthropic.com/v1/messages";

fn request(body: &Value) -> http::Request<mockwire::Content> {
    post(URL, body.clone())
}

/// The second turn of a conversation: two tools have been called, and have answered.
fn tool_loop() -> Value {
    json!({
        "model": "claude-1",
        "max_tokens": 100,
        "stream": true,
        "system": [{"type": "text", "text": "Be brief."}, {"type": "text", "text": "Be kind."}],
        "thinking": {"type": "enabled", "budget_tokens": 2048},
        "tools": [
            {"name": "weather", "description": "now", "input_schema": {
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
            }},
            {"type": "web_search_20250305", "name": "web_search"},
        ],
        "messages": [
            {"role": "user", "content": "Is it warm?"},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "hm", "signature": "s"},
                {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Paris"}},
                {"type": "tool_use", "id": "toolu_2", "name": "clock", "input": {}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "{\"celsius\": 21}"}]},
                {"type": "tool_result", "tool_use_id": "toolu_2", "content": "broken", "is_error": true},
            ]},
        ],
    })
}

/// Whether a prompt fits: as a value and as a rule, which must agree.
fn fits(prompt: Prompt, body: &Value) -> bool {
    let transport = MockTransport::new();
    anthropic::messages(&transport)
        .prompt(prompt.clone())
        .reply("x");
    let matched = is_matched(&transport, request(body));
    let captured = transport.last_request().unwrap();
    let conversation = anthropic::conversation(&captured.request).unwrap();
    assert_eq!(prompt.fits(&conversation), matched, "{prompt:?}");
    let written = serde_json::to_string(&prompt).unwrap();
    assert_eq!(
        serde_json::from_str::<Prompt>(&written).unwrap(),
        prompt,
        "{written}"
    );
    matched
}

#[test]
fn each_condition_looks_at_its_part_of_the_conversation() {
    let asked = || Prompt::new();
    let body = tool_loop();
    for (yes, no) in [
        (asked().model("claude-1"), asked().model("claude")),
        (
            asked().system("Be brief.\nBe kind."),
            asked().system("Be brief."),
        ),
        (
            asked().system_contains("kind"),
            asked().system_contains("rude"),
        ),
        (
            asked().tool_result("weather"),
            asked().tool_result("web_search"),
        ),
        (
            asked().tool_result("toolu_2"),
            asked().tool_result("toolu_3"),
        ),
        (
            asked().tool_result_contains("weather", "21"),
            asked().tool_result_contains("clock", "21"),
        ),
        (
            asked().tool_result_is("weather", json!({"celsius": 21})),
            asked().tool_result_is("weather", json!({"celsius": 22})),
        ),
        (
            asked().tool_result_is("clock", "broken"),
            asked().tool_result_is("clock", "broke"),
        ),
        (
            asked().has_tool_results(true),
            asked().has_tool_results(false),
        ),
        (asked().has_tools(true), asked().has_tools(false)),
        (
            asked().offers_tool("web_search"),
            asked().offers_tool("clock"),
        ),
        (asked().turn(2), asked().turn(1)),
        (asked().message_count(3), asked().message_count(2)),
        (
            asked().nth_message(1, "Is it warm?"),
            asked().nth_message(2, "Is it warm?"),
        ),
        (asked().text_contains("warm"), asked().text_contains("cold")),
        (asked().text_contains("kind"), asked().nth_message(0, "")),
        (asked().stream(true), asked().stream(false)),
        (
            asked().has_role(Role::Assistant),
            asked().has_role(Role::Tool).turn(1),
        ),
        (
            asked().has_role(Role::System),
            asked().has_role(Role::System).turn(1),
        ),
        (
            asked().has_role(Role::Tool),
            asked().has_role(Role::Tool).has_tools(false),
        ),
        (
            asked().has_assistant_turn(true),
            asked().has_assistant_turn(false),
        ),
        (
            asked().called_tool("weather"),
            asked().called_tool("web_search"),
        ),
    ] {
        assert!(fits(yes.clone(), &body), "{yes:?}");
        assert!(!fits(no.clone(), &body), "{no:?}");
    }
    assert!(fits(asked(), &json!({})), "nothing is asked");
    assert!(
        !fits(asked().model("a").turn(2), &body),
        "all of it is asked"
    );
}

#[test]
fn a_user_message_is_the_last_only_while_nothing_has_come_since() {
    let mut body = tool_loop();
    // Otherwise the rule for the question would answer the tool's result again, and for ever.
    assert!(!fits("Is it warm?".into(), &body));
    body["messages"].as_array_mut().unwrap().truncate(1);
    assert!(fits("Is it warm?".into(), &body));
    assert!(fits(
        Prompt::new().last_user_message_contains("warm"),
        &body
    ));
    // With a result and a text in one message, both are there.
    let mut both = tool_loop();
    let last = both["messages"][2]["content"].as_array_mut().unwrap();
    last.push(json!({"type": "text", "text": "And now?"}));
    assert!(fits(Prompt::from("And now?").tool_result("weather"), &both));
    // What the model is to go on with is not of the user.
    let prefill = json!({"role": "assistant", "content": "It is"});
    body["messages"].as_array_mut().unwrap().push(prefill);
    assert!(!fits("Is it warm?".into(), &body));
    assert!(fits(Prompt::new().turn(1), &body));
}

#[test]
fn what_has_come_before_may_be_long_ago() {
    let mut body = tool_loop();
    let (role, turn) = (
        |role| Prompt::new().has_role(role),
        Prompt::new().has_assistant_turn(true),
    );
    let calls = |name| Prompt::new().called_tool(name);
    let messages = body["messages"].as_array_mut().unwrap();
    messages.push(json!({"role": "assistant", "content": "It is 21 degrees."}));
    messages.push(json!({"role": "user", "content": "Thanks"}));
    for prompt in [
        calls("clock"),
        role(Role::Tool),
        role(Role::Assistant),
        turn.clone(),
    ] {
        assert!(fits(prompt, &body));
    }
    // Nothing but a question and the beginning of an answer.
    let prefill = json!({"messages": [
        {"role": "user", "content": "Is it warm?"},
        {"role": "assistant", "content": "It is"},
    ]});
    for prompt in [calls("clock"), role(Role::Tool), role(Role::System), turn] {
        assert!(!fits(prompt, &prefill));
    }
    assert!(fits(role(Role::Assistant), &prefill));
    assert!(fits(role(Role::User), &prefill) && !fits(role(Role::User), &json!({})));
}

#[test]
fn only_the_results_since_the_models_last_message_count() {
    let mut body = tool_loop();
    let messages = body["messages"].as_array_mut().unwrap();
    messages.push(json!({"role": "assistant", "content": "It is 21 degrees."}));
    messages.push(json!({"role": "user", "content": "Thanks"}));
    assert!(!fits(Prompt::new().tool_result("weather"), &body));
    assert!(fits(Prompt::from("Thanks").turn(3), &body));
}

#[test]
fn a_captured_request_is_a_conversation() {
    let transport = MockTransport::new();
    anthropic::messages(&transport).reply("x");
    fetch(&transport, request(&tool_loop())).unwrap();
    let captured = transport.last_request().unwrap();
    let conversation = anthropic::conversation(&captured.request).unwrap();
    assert_eq!(conversation.model, "claude-1");
    assert_eq!(
        (conversation.max_tokens, conversation.stream),
        (Some(100), true)
    );
    assert_eq!(
        (conversation.system_blocks, conversation.thinking_budget),
        (2, Some(2048))
    );
    let roles: Vec<_> = conversation.messages.iter().map(|it| it.role).collect();
    assert_eq!(roles, [Role::User, Role::Assistant, Role::User]);
    let blocks: Vec<_> = conversation
        .messages
        .iter()
        .map(|it| it.blocks.len())
        .collect();
    assert_eq!(blocks, [1, 3, 2]);
    let tool = conversation.tool("weather").unwrap();
    assert_eq!(tool.property("city"), Some(&json!({"type": "string"})));
    assert_eq!(tool.required().collect::<Vec<_>>(), ["city"]);
    assert_eq!(tool.description.as_deref(), Some("now"));
    assert!(conversation.tool("web_search").unwrap().schema.is_null());
    assert_eq!(conversation.json["max_tokens"], 100);
    // Parsed once, then shared.
    let again = anthropic::conversation(&captured.request).unwrap();
    assert!(Arc::ptr_eq(&conversation, &again));
}

#[test]
fn a_predicate_runs_once_for_each_request() {
    let transport = MockTransport::new();
    let runs = Arc::new(AtomicUsize::new(0));
    let counter = runs.clone();
    let rule = anthropic::messages(&transport).matching(move |conversation| {
        counter.fetch_add(1, Ordering::Relaxed);
        conversation.messages.len() > 5
    });
    rule.clone().turn(1).reply("1");
    rule.reply("2");
    let error = failure(&transport, request(&tool_loop()));
    assert_eq!(runs.load(Ordering::Relaxed), 1);
    assert!(error.to_string().contains("prompts.rs"), "{error}");
}

#[test]
fn a_request_that_fits_nothing_is_told_what_differs() {
    let transport = MockTransport::new();
    anthropic::messages(&transport)
        .model("claude-1")
        .tool_result_is("weather", json!({"celsius": 19, "wind": null}))
        .reply("cold");
    let error = failure(&transport, request(&tool_loop()));
    let near = &error.diagnosis().unwrap().nearest[0];
    let failed: Vec<_> = near.checks.iter().filter(|check| !check.passed).collect();
    assert_eq!(failed.len(), 1, "{error}");
    assert_eq!(failed[0].matcher, "tool result weather /celsius");
    assert_eq!((&*failed[0].expected, &*failed[0].actual), ("19", "21"));
}
