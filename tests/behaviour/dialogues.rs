//! Scripted conversations.

use std::error::Error as _;

use mockwire::providers::{AmbiguousTurn, Answer, Dialogue, Prompt, anthropic};
use mockwire::{Result, SequenceEnd};
use serde_json::{Value, json};

use super::support::{fetch, post};
use super::{MockTransport, test};

/// A client that keeps the history, as clients do.
struct Chat<'a> {
    transport: &'a MockTransport,
    messages: Vec<Value>,
}

impl<'a> Chat<'a> {
    fn new(transport: &'a MockTransport) -> Self {
        let messages = Vec::new();
        Self {
            transport,
            messages,
        }
    }

    fn ask(&self) -> Result<Value> {
        let body = json!({"model": "claude", "max_tokens": 64, "messages": self.messages});
        let request = post("https://api.anthropic.com/v1/messages", body);
        Ok(serde_json::from_str(&fetch(self.transport, request)?).unwrap())
    }

    /// Says something, and takes the answer into the history.
    fn say(&mut self, content: impl Into<Value>) -> Result<String> {
        self.messages
            .push(json!({"role": "user", "content": content.into()}));
        let answer = self.ask()?;
        self.messages
            .push(json!({"role": "assistant", "content": answer["content"]}));
        let block = &answer["content"][0];
        Ok(block["text"]
            .as_str()
            .or_else(|| block["name"].as_str())
            .unwrap_or_default()
            .to_owned())
    }

    /// Gives the result of the last tool that the model has called.
    fn give(&mut self, content: &str) -> Result<String> {
        let last = self.messages.last().unwrap();
        let id = last["content"][0]["id"].clone();
        self.say(json!([{"type": "tool_result", "tool_use_id": id, "content": content}]))
    }
}

fn weather() -> Dialogue {
    Dialogue::new()
        .turn(
            "Is it warm?",
            Answer::new().tool("weather", json!({"city": "Paris"})),
        )
        .turn(
            Prompt::new().tool_result_contains("weather", "21"),
            "Yes, it is.",
        )
        .turn("Thanks", "You are welcome.")
}

#[test]
fn turns_come_by_the_history() {
    let transport = MockTransport::new();
    anthropic::messages(&transport).dialogue(weather());
    let (mut one, mut other) = (Chat::new(&transport), Chat::new(&transport));
    assert_eq!(one.say("Is it warm?").unwrap(), "weather");
    // Another conversation begins, and the first one is asked again: a client that retries.
    assert_eq!(other.say("Is it warm?").unwrap(), "weather");
    assert_eq!(one.give("21 degrees").unwrap(), "Yes, it is.");
    one.messages.pop();
    assert_eq!(one.ask().unwrap()["content"][0]["text"], "Yes, it is.");
    one.messages
        .push(json!({"role": "assistant", "content": "Yes, it is."}));
    assert_eq!(one.say("Thanks").unwrap(), "You are welcome.");
    assert_eq!(other.give("21 degrees").unwrap(), "Yes, it is.");
    transport.verify();
}

#[test]
fn a_turn_that_is_another_names_the_nearest_and_what_differs() {
    let transport = MockTransport::new();
    anthropic::messages(&transport).dialogue(weather());
    let mut chat = Chat::new(&transport);
    chat.say("Is it warm?").unwrap();
    let error = chat.give("the station is down").unwrap_err();
    let nearest = &error.diagnosis().unwrap().nearest[0];
    let checks: Vec<_> = nearest
        .checks
        .iter()
        .map(|it| (&*it.matcher, it.passed))
        .collect();
    assert!(checks.contains(&("turn", true)), "{error}");
    let failed: Vec<_> = nearest
        .checks
        .iter()
        .filter(|check| !check.passed)
        .collect();
    assert_eq!(failed.len(), 1, "{error}");
    assert_eq!(failed[0].matcher, "tool result weather");
    assert_eq!(failed[0].actual, r#""the station is down""#);
}

#[test]
fn after_the_last_turn_the_end_rule_says_what_comes() {
    let text = |end| {
        let transport = MockTransport::new();
        let dialogue = Dialogue::new()
            .turn("a", "1")
            .turn(Prompt::new(), "2")
            .end(end);
        anthropic::messages(&transport).dialogue(dialogue);
        let mut chat = Chat::new(&transport);
        let texts = ["a", "b", "a", "b"].map(|it| chat.say(it).map_err(|it| it.code()));
        texts.map(|it| it.unwrap_or_else(str::to_owned))
    };
    let unmatched = "MOCKWIRE_UNMATCHED";
    assert_eq!(text(SequenceEnd::Fail), ["1", "2", unmatched, unmatched]);
    assert_eq!(text(SequenceEnd::RepeatLast), ["1", "2", "2", "2"]);
    assert_eq!(text(SequenceEnd::Cycle), ["1", "2", "1", "2"]);
}

#[test]
fn a_dialogue_that_is_exhausted_says_so() {
    let transport = MockTransport::new();
    anthropic::messages(&transport).dialogue(Dialogue::new().turn("a", "1").turn("b", "2"));
    let mut chat = Chat::new(&transport);
    chat.say("a").unwrap();
    chat.say("b").unwrap();
    let error = chat.say("b").unwrap_err();
    let nearest = &error.diagnosis().unwrap().nearest[0];
    let failed: Vec<_> = nearest
        .checks
        .iter()
        .filter(|check| !check.passed)
        .collect();
    assert_eq!(failed.len(), 1, "{error}");
    assert_eq!(
        (
            &*failed[0].matcher,
            &*failed[0].expected,
            &*failed[0].actual
        ),
        ("turn", "2", "3")
    );
}

#[test]
fn a_turn_that_never_comes_fails_verification() {
    let transport = MockTransport::new();
    let rules = anthropic::messages(&transport).dialogue(weather());
    let mut chat = Chat::new(&transport);
    chat.say("Is it warm?").unwrap();
    let report = transport.try_verify().unwrap_err();
    assert!(report.to_string().contains("dialogues.rs"), "{report}");
    let calls: Vec<_> = rules.iter().map(|rule| rule.calls()).collect();
    assert_eq!(calls, [1, 0, 0]);
}

#[test]
fn in_a_scenario_each_answer_moves_the_dialogue_on() {
    let transport = MockTransport::new();
    let rules = anthropic::messages(&transport).dialogue(weather().in_scenario("weather"));
    // A client that sends its last message alone: the history says nothing.
    let say = |content: Value| {
        let mut chat = Chat::new(&transport);
        chat.say(content)
    };
    let result =
        json!([{"type": "tool_result", "tool_use_id": "weather", "content": "21 degrees"}]);
    assert_eq!(transport.scenario("weather"), "started");
    assert_eq!(say("Is it warm?".into()).unwrap(), "weather");
    assert_eq!(transport.scenario("weather"), "turn 2");
    // What is not its turn is told which turn it is, and moves nothing.
    let error = say("Thanks".into()).unwrap_err();
    assert!(error.is_unmatched());
    assert!(
        error
            .to_string()
            .contains(r#"scenario "weather" is in "turn 2""#),
        "{error}"
    );
    assert_eq!(transport.scenario("weather"), "turn 2");
    assert_eq!(say(result).unwrap(), "Yes, it is.");
    assert_eq!(say("Thanks".into()).unwrap(), "You are welcome.");
    assert_eq!(transport.scenario("weather"), "over");
    let error = say("Thanks".into()).unwrap_err();
    assert!(error.to_string().contains(r#"is in "over""#), "{error}");
    assert_eq!(rules.iter().map(|rule| rule.calls()).sum::<u64>(), 3);
    // Any turn can be gone back to.
    transport.set_scenario("weather", "started");
    assert_eq!(say("Is it warm?".into()).unwrap(), "weather");
}

#[test]
fn in_a_scenario_the_end_rule_says_what_comes() {
    let text = |end| {
        let transport = MockTransport::new();
        let dialogue = Dialogue::new().turn("a", "1").turn(Prompt::new(), "2");
        anthropic::messages(&transport).dialogue(dialogue.in_scenario("s").end(end));
        let texts = ["a", "b", "a", "b"].map(|it| {
            let said = Chat::new(&transport).say(it);
            said.map_err(|it| it.code())
        });
        texts.map(|it| it.unwrap_or_else(str::to_owned))
    };
    let unmatched = "MOCKWIRE_UNMATCHED";
    assert_eq!(text(SequenceEnd::Fail), ["1", "2", unmatched, unmatched]);
    assert_eq!(text(SequenceEnd::RepeatLast), ["1", "2", "2", "2"]);
    assert_eq!(text(SequenceEnd::Cycle), ["1", "2", "1", "2"]);
}

#[test]
fn two_dialogues_of_two_scenarios_go_on_by_themselves() {
    let transport = MockTransport::new();
    for name in ["one", "two"] {
        let dialogue = Dialogue::new().turn("a", "1").turn("a", "2");
        let rule = anthropic::messages(&transport).model(name);
        rule.dialogue(dialogue.in_scenario(name));
    }
    let ask = |model: &str| {
        let messages = json!([{"role": "user", "content": "a"}]);
        let body = json!({"model": model, "messages": messages});
        let request = post("https://api.anthropic.com/v1/messages", body);
        let message: Value = serde_json::from_str(&fetch(&transport, request).unwrap()).unwrap();
        message["content"][0]["text"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        [ask("one"), ask("two"), ask("two"), ask("one")],
        ["1", "1", "2", "2"]
    );
    transport.verify();
}

#[test]
fn turns_in_any_order_are_told_apart_by_their_prompts() {
    let transport = MockTransport::new();
    let dialogue = Dialogue::new().turn("a", "1").turn("b", "2").in_any_order();
    anthropic::messages(&transport).dialogue(dialogue);
    let mut chat = Chat::new(&transport);
    assert_eq!(chat.say("b").unwrap(), "2");
    assert_eq!(chat.say("a").unwrap(), "1");
    assert_eq!(chat.say("a").unwrap(), "1");
    assert!(chat.say("c").unwrap_err().is_unmatched());
}

#[test]
fn a_request_that_fits_two_turns_fails() {
    let transport = MockTransport::new();
    let dialogue = Dialogue::new()
        .turn(Prompt::new().last_user_message_contains("weather"), "1")
        .turn("Hello", "2")
        .turn(Prompt::new().last_user_message_contains("tomorrow"), "3")
        .in_any_order();
    anthropic::messages(&transport).dialogue(dialogue);
    let mut chat = Chat::new(&transport);
    let error = chat.say("the weather tomorrow").unwrap_err();
    assert_eq!(error.code(), "MOCKWIRE_HANDLER_FAILED");
    let ambiguous = error.source().unwrap().downcast_ref::<AmbiguousTurn>();
    assert_eq!(ambiguous.unwrap().turns, [1, 3]);
    chat.messages.clear();
    assert_eq!(chat.say("the weather today").unwrap(), "1");
    // Who fits none is told the nearest turn.
    chat.messages.clear();
    let error = chat.say("Hi").unwrap_err();
    let nearest = &error.diagnosis().unwrap().nearest[0];
    let differs = nearest.checks.iter().find(|check| !check.passed).unwrap();
    assert_eq!(differs.matcher, "last user message");
    assert_eq!(nearest.distance, 2);
}

#[cfg(not(target_arch = "wasm32"))]
#[test]
fn a_dialogue_has_turns() {
    let transport = MockTransport::new();
    let text = super::support::panic_text(|| {
        anthropic::messages(&transport).dialogue(Dialogue::new());
    });
    assert!(text.contains("at least one turn"), "{text}");
}

/// The provider has the history, and is sent what is new.
#[test]
fn in_a_thread_the_ids_tell_the_turn_and_the_tool() {
    let transport = MockTransport::new();
    anthropic::messages(&transport).dialogue(weather());
    let ask = |content: Value, thread: Value| -> Value {
        let messages = [json!({"role": "user", "content": content})];
        let body =
            json!({"model": "claude", "max_tokens": 64, "messages": messages, "thread": thread});
        let request = post("https://api.anthropic.com/v1/messages", body);
        serde_json::from_str(&fetch(&transport, request).unwrap()).unwrap()
    };
    let next = |message: &Value| json!({"type": "continue", "previous_message_id": message["id"]});
    let first = ask("Is it warm?".into(), json!({"type": "create"}));
    let call = &first["content"][0]["id"];
    let result = json!([{"type": "tool_result", "tool_use_id": call, "content": "21"}]);
    let second = ask(result, next(&first));
    assert_eq!(second["content"][0]["text"], "Yes, it is.");
    let third = ask("Thanks".into(), next(&second));
    assert_eq!(third["content"][0]["text"], "You are welcome.");
    let turns = [first, second, third].map(|it| it["id"].as_str().unwrap()[24..].to_owned());
    assert_eq!(turns, ["0001", "0002", "0003"]);
    transport.verify();
}
