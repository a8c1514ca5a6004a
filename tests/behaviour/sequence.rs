//! Several replies, one after the other.

use mockwire::{ErrorKind, Fault, Reply, SequenceEnd};

use super::support::{failure, fetch, get, send};
use super::{MockTransport, test};

fn transport(end: SequenceEnd) -> MockTransport {
    let transport = MockTransport::new();
    transport.get("/").reply_sequence(["1", "2", "3"], end);
    transport
}

fn texts<const N: usize>(transport: &MockTransport) -> [String; N] {
    std::array::from_fn(|_| fetch(transport, get("/")).unwrap())
}

#[test]
fn a_sequence_gives_its_replies_in_order_and_then_fails() {
    let transport = transport(SequenceEnd::default());
    assert_eq!(texts(&transport), ["1", "2", "3"]);
    let error = failure(&transport, get("/"));
    assert_eq!(error.code(), "MOCKWIRE_SEQUENCE_EXHAUSTED");
    let ErrorKind::SequenceExhausted { rule, replies } = error.kind() else {
        panic!("{error:?}");
    };
    assert_eq!(*replies, 3);
    assert!(rule.contains("sequence.rs:"), "{rule}");
    // The rule did match: it is the sequence that has no more.
    transport.assert_no_unmatched();
}

#[test]
fn a_sequence_may_repeat_its_last_reply() {
    let transport = transport(SequenceEnd::RepeatLast);
    assert_eq!(texts(&transport), ["1", "2", "3", "3", "3"]);
}

#[test]
fn a_sequence_may_start_over() {
    let transport = transport(SequenceEnd::Cycle);
    assert_eq!(texts(&transport), ["1", "2", "3", "1", "2", "3", "1"]);
}

#[test]
fn two_sequences_count_for_themselves() {
    let transport = transport(SequenceEnd::Fail);
    transport
        .get("/other")
        .reply_sequence(["a", "b"], SequenceEnd::Fail);
    assert_eq!(texts(&transport), ["1", "2"]);
    assert_eq!(fetch(&transport, get("/other")).unwrap(), "a");
    assert_eq!(texts(&transport), ["3"]);
    assert_eq!(fetch(&transport, get("/other")).unwrap(), "b");
}

#[test]
fn failures_come_first_and_then_success_for_good() {
    let transport = MockTransport::new();
    transport
        .get("/")
        .reply_after_failures(2, Reply::status(429).header("retry-after", "1"), "ok");
    let statuses: [u16; 5] =
        std::array::from_fn(|_| send(&transport, get("/")).unwrap().status().as_u16());
    assert_eq!(statuses, [429, 429, 200, 200, 200]);
}

#[test]
fn no_failures_are_no_failures() {
    let transport = MockTransport::new();
    transport
        .get("/")
        .reply_after_failures(0, Fault::ConnectionReset, "ok");
    assert_eq!(fetch(&transport, get("/")).unwrap(), "ok");
}

#[test]
fn an_exhausted_rule_ends_a_sequence_before_its_end_does() {
    let transport = MockTransport::new();
    transport
        .get("/")
        .times(2)
        .reply_sequence(["1", "2"], SequenceEnd::Fail);
    transport.get("/").reply("after");
    assert_eq!(texts(&transport), ["1", "2", "after"]);
}

#[test]
fn a_sequence_needs_a_reply() {
    let empty: [Reply; 0] = [];
    let error = MockTransport::new()
        .get("/")
        .try_reply_sequence(empty, SequenceEnd::Cycle)
        .unwrap_err();
    assert_eq!(error.code(), "MOCKWIRE_INVALID_OPTION");
}

#[test]
fn a_malformed_reply_anywhere_in_a_sequence_is_refused_at_once() {
    let transport = MockTransport::new();
    let error = transport
        .get("/")
        .try_reply_sequence([Reply::text("fine"), Reply::status(99)], SequenceEnd::Fail)
        .unwrap_err();
    assert_eq!(error.code(), "MOCKWIRE_INVALID_STATUS");
    // Nothing was registered, so nothing answers.
    assert!(failure(&transport, get("/")).is_unmatched());
}
