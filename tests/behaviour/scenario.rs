//! Rules that depend on what has happened before.

use mockwire::Reply;

use super::support::{failure, fetch, get, is_matched, post, send};
use super::{MockTransport, test};

#[test]
fn a_scenario_begins_as_started() {
    let transport = MockTransport::new();
    assert_eq!(transport.scenario("any"), "started");
    transport
        .get("/")
        .in_scenario("any")
        .when_state("started")
        .reply("ok");
    assert!(is_matched(&transport, get("/")));
}

#[test]
fn a_rule_moves_its_scenario_when_it_answers() {
    let transport = MockTransport::new();
    transport
        .post("/login")
        .in_scenario("session")
        .then_state("in")
        .reply(Reply::status(204));
    transport
        .get("/me")
        .in_scenario("session")
        .when_state("in")
        .reply("Ada");
    transport
        .post("/logout")
        .in_scenario("session")
        .when_state("in")
        .then_state("out")
        .reply(Reply::status(204));
    assert!(!is_matched(&transport, get("/me")));
    assert_eq!(transport.scenario("session"), "started");
    send(&transport, post("/login", ())).unwrap();
    assert_eq!(transport.scenario("session"), "in");
    assert_eq!(fetch(&transport, get("/me")).unwrap(), "Ada");
    send(&transport, post("/logout", ())).unwrap();
    assert!(!is_matched(&transport, get("/me")));
    assert!(!is_matched(&transport, post("/logout", ())));
}

#[test]
fn a_rule_that_does_not_answer_moves_nothing() {
    let transport = MockTransport::new();
    transport
        .get("/")
        .in_scenario("s")
        .then_state("moved")
        .header("x-h", "v")
        .reply("ok");
    assert!(!is_matched(&transport, get("/")));
    assert_eq!(transport.scenario("s"), "started");
}

#[test]
fn scenarios_do_not_touch_each_other() {
    let transport = MockTransport::new();
    transport
        .get("/a")
        .in_scenario("a")
        .then_state("done")
        .reply("a");
    transport
        .get("/b")
        .in_scenario("b")
        .when_state("done")
        .reply("b");
    assert!(is_matched(&transport, get("/a")));
    assert_eq!(transport.scenario("a"), "done");
    assert_eq!(transport.scenario("b"), "started");
    assert!(!is_matched(&transport, get("/b")));
}

#[test]
fn a_test_may_move_a_scenario_itself() {
    let transport = MockTransport::new();
    transport
        .get("/")
        .in_scenario("s")
        .when_state("ready")
        .reply("ok");
    assert!(!is_matched(&transport, get("/")));
    transport.set_scenario("s", "ready");
    assert!(is_matched(&transport, get("/")));
    transport.set_scenario("s", "over");
    assert!(!is_matched(&transport, get("/")));
}

#[test]
fn one_path_may_say_something_else_in_each_state() {
    let transport = MockTransport::new();
    for (when, then, says) in [
        ("started", "second", "one"),
        ("second", "third", "two"),
        ("third", "started", "three"),
    ] {
        let rule = transport.get("/").in_scenario("s").when_state(when);
        rule.then_state(then).reply(says);
    }
    let texts: [String; 4] = std::array::from_fn(|_| fetch(&transport, get("/")).unwrap());
    assert_eq!(texts, ["one", "two", "three", "one"]);
}

#[test]
fn clearing_the_captures_keeps_the_state_and_a_reset_does_not() {
    let transport = MockTransport::new();
    transport.set_scenario("s", "moved");
    transport.clear();
    assert_eq!(transport.scenario("s"), "moved");
    transport.reset();
    assert_eq!(transport.scenario("s"), "started");
}

#[test]
fn a_state_without_a_scenario_is_refused() {
    let transport = MockTransport::new();
    for when in [
        transport.get("/").when_state("x"),
        transport.get("/").then_state("x"),
    ] {
        assert_eq!(
            when.try_reply("x").unwrap_err().code(),
            "MOCKWIRE_INVALID_OPTION"
        );
    }
    assert!(failure(&transport, get("/")).is_unmatched());
}
