//! What a conversation remembers: set by handlers, predicates and the test, asked by conditions.

use mockwire::{Reply, Request, any_of, state_has, state_is};
use serde_json::{Value, json};

use super::support::{failure, fetch, get, is_matched, post};
use super::{MockTransport, Mode, test};

type State = mockwire::state::State<Mode>;

fn next(turn: Option<&Value>) -> u64 {
    turn.and_then(Value::as_u64).unwrap_or(0) + 1
}

#[test]
fn a_value_is_set_read_and_taken_away_by_its_key() {
    let state = State::new();
    assert!(!state.has("turn"));
    assert_eq!(state.get("turn"), None);
    state.set("turn", 1);
    state.set("user", json!({"name": "Ada"}));
    assert!(state.has("turn"));
    assert_eq!(state.get("turn"), Some(json!(1)));
    assert_eq!(state.get_as::<u8>("turn").unwrap(), Some(1));
    assert_eq!(state.get_as::<u8>("missing").unwrap(), None);
    assert_eq!(state.to_json(), json!({"turn": 1, "user": {"name": "Ada"}}));
    assert_eq!(state.remove("turn"), Some(json!(1)));
    assert_eq!(state.remove("turn"), None);
    state.clear();
    assert_eq!(state.to_json(), json!({}));
}

#[test]
fn a_value_of_another_type_is_an_error_that_names_the_key() {
    let state = State::new();
    state.set("turn", "first");
    let error = state.get_as::<u8>("turn").unwrap_err();
    assert_eq!(error.code(), "MOCKWIRE_INVALID_JSON");
    assert!(error.to_string().contains("\"turn\""), "{error}");
}

#[test]
fn a_value_of_rust_is_kept_by_its_type_as_it_is() {
    #[derive(Clone, Debug, PartialEq)]
    struct Basket(Vec<String>);

    let state = State::new();
    assert_eq!(state.typed::<Basket>(), None);
    state.put(Basket(vec!["tea".into()]));
    state.put(7_u8);
    let full = state.update_typed(|basket: Option<&Basket>| {
        let mut basket = basket.cloned().unwrap();
        basket.0.push("milk".into());
        basket
    });
    assert_eq!(full.0, ["tea", "milk"]);
    assert_eq!(state.typed::<Basket>(), Some(full));
    assert_eq!(state.typed::<u8>(), Some(7));
    assert_eq!(state.typed::<u16>(), None);
    state.clear();
    assert_eq!(state.typed::<Basket>(), None);
}

#[test]
fn handlers_and_predicates_read_and_write_what_conditions_ask_for() {
    let transport = MockTransport::new();
    let state = transport.state();
    transport.post("/messages").reply_with({
        let state = state.clone();
        move |_: &Request| format!("turn {}", state.update("turn", next))
    });
    transport
        .get("/over")
        .matching({
            let state = state.clone();
            move |_: &Request| {
                state.update("asked", next);
                state.get_as::<u64>("turn").unwrap() >= Some(3)
            }
        })
        .reply("over");
    transport.get("/second").state_is("turn", 2.0).reply("yes");
    transport.get("/begun").state_has("turn").reply("yes");

    assert!(!is_matched(&transport, get("/begun")));
    assert_eq!(fetch(&transport, post("/messages", ())).unwrap(), "turn 1");
    assert!(is_matched(&transport, get("/begun")));
    assert!(!is_matched(&transport, get("/second")));
    assert_eq!(fetch(&transport, post("/messages", ())).unwrap(), "turn 2");
    assert!(is_matched(&transport, get("/second")));
    assert!(!is_matched(&transport, get("/over")));
    state.set("turn", 3);
    assert!(is_matched(&transport, get("/over")));
    // A predicate runs once for each request.
    assert_eq!(state.get("asked"), Some(json!(2)));
}

#[test]
fn an_asynchronous_handler_reads_and_writes_it_too() {
    let transport = MockTransport::new();
    let (state, clock) = (transport.state(), transport.clone());
    transport.get("/").reply_async(move |_: Request| {
        let (state, clock) = (state.clone(), clock.clone());
        async move {
            clock.sleep(std::time::Duration::from_secs(1)).await?;
            Ok::<_, mockwire::Error>(state.update("turn", next).to_string())
        }
    });
    assert_eq!(fetch(&transport, get("/")).unwrap(), "1");
    assert_eq!(fetch(&transport, get("/")).unwrap(), "2");
    transport.reset();
}

#[test]
fn a_condition_that_is_not_met_tells_what_the_state_is() {
    let transport = MockTransport::new();
    transport.get("/").state_is("turn", 2).reply("two");
    let missing = failure(&transport, get("/")).to_string();
    assert!(missing.contains("✗ state turn  expected 2"), "{missing}");
    assert!(missing.contains("actual   (missing)"), "{missing}");
    transport.state().set("turn", 1);
    let other = failure(&transport, get("/")).to_string();
    assert!(other.contains("actual   1"), "{other}");
    // Combined, too: `(GET */ and state turn 2)`.
    let state = transport.state();
    let matcher = any_of([state_is(&state, "turn", 2), !state_has(&state, "turn")]);
    transport.get("/any").and(matcher).reply("any");
    let combined = failure(&transport, get("/any")).to_string();
    assert!(
        combined.contains("(state turn 2 or not state turn (present))"),
        "{combined}"
    );
}

#[test]
fn the_states_of_two_conversations_do_not_touch_each_other() {
    // Each thread of the conversation has its own, which the rule's own condition asks.
    let transport = MockTransport::new();
    let (ada, eve) = (State::new(), State::new());
    for (name, state) in [("ada", &ada), ("eve", &eve)] {
        let handled = state.clone();
        transport
            .get(&format!("/{name}"))
            .and(!state_has(state, "greeted"))
            .reply_with(move |_: &Request| {
                handled.set("greeted", true);
                Reply::text("welcome")
            });
        transport.get(&format!("/{name}")).reply("hello again");
    }
    let greetings = ["/ada", "/ada", "/eve"].map(|path| fetch(&transport, get(path)).unwrap());
    assert_eq!(greetings, ["welcome", "hello again", "welcome"]);
    assert!(ada.has("greeted") && eve.has("greeted"));
    assert!(!transport.state().has("greeted"));
}

#[test]
fn requests_are_counted_also_before_anybody_asks_and_whether_or_not_they_match() {
    let transport = MockTransport::new();
    transport.get("/").reply("ok");
    assert!(is_matched(&transport, get("/")));
    assert!(!is_matched(&transport, get("/other")));
    let state = transport.state();
    assert_eq!(state.request_count(), 2);
    assert!(is_matched(&transport, get("/")));
    assert_eq!(transport.state().request_count(), 3);
    // Captures that are forgotten were requests all the same.
    transport.clear();
    assert_eq!(state.request_count(), 3);
    state.clear();
    assert!(is_matched(&transport, get("/")));
    assert_eq!(state.request_count(), 1);
}

#[test]
fn a_reset_empties_the_state_for_every_handle() {
    let transport = MockTransport::new();
    let state = transport.state();
    state.set("turn", 1);
    state.put(1_u8);
    assert!(!is_matched(&transport, get("/")));
    transport.reset();
    assert_eq!(state.to_json(), json!({}));
    assert_eq!(state.typed::<u8>(), None);
    assert_eq!(state.request_count(), 0);
    // It is still the transport's.
    state.set("turn", 2);
    assert_eq!(transport.state().get("turn"), Some(json!(2)));
}

#[test]
fn a_change_that_another_was_faster_than_is_made_again() {
    let state = State::new();
    let mut calls = 0;
    let turn = state.update("turn", |turn| {
        calls += 1;
        if calls == 1 {
            state.set("turn", 10); // as if from another thread
        }
        next(turn)
    });
    assert_eq!((turn, calls), (json!(11), 2));
    // The control: what is read and then set overwrites what came in between.
    let known = state.get_as::<u64>("turn").unwrap().unwrap();
    state.set("turn", 20);
    state.set("turn", known + 1);
    assert_eq!(state.get("turn"), Some(json!(12)));
}

#[test]
fn a_state_that_a_rule_captures_does_not_keep_its_transport_alive() {
    use std::sync::{Arc, Weak};
    let owned = Arc::new(());
    let weak: Weak<()> = Arc::downgrade(&owned);
    let transport = MockTransport::new();
    let state = transport.state();
    transport.get("/").reply_with(move |_: &Request| {
        let _ = &owned;
        state.request_count().to_string()
    });
    assert_eq!(fetch(&transport, get("/")).unwrap(), "1");
    drop(transport);
    assert!(
        weak.upgrade().is_none(),
        "the rule is gone with its transport"
    );
}
