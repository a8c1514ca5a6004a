//! What is written, to the byte.

use std::time::Duration;

use mockwire::sse::{Event, LineEnding, encode};
use mockwire::{Error, ErrorKind, Part};
use serde::Serialize;
use serde_json::json;

fn text(event: Event) -> String {
    let text = event.encode(LineEnding::Lf).unwrap();
    String::from_utf8(text.into()).unwrap()
}

#[test]
fn an_event_is_a_block_of_lines() {
    assert_eq!(text(Event::data("y")), "data: y\n\n");
    assert_eq!(text(Event::data("y").named("x")), "event: x\ndata: y\n\n");
    let full = Event::data("a\nb")
        .named("x")
        .id("1")
        .retry(Duration::from_millis(1_500))
        .comment("ping");
    assert_eq!(
        text(full),
        ": ping\nevent: x\nid: 1\nretry: 1500\ndata: a\ndata: b\n\n"
    );
}

#[test]
fn an_event_needs_no_data() {
    assert_eq!(text(Event::new().comment("ping")), ": ping\n\n");
    assert_eq!(text(Event::new().comment("")), ":\n\n");
    assert_eq!(text(Event::new().id("7")), "id: 7\n\n");
    assert_eq!(text(Event::new()), "\n");
}

#[test]
fn empty_is_not_absent() {
    let empty = Event::data("").named("").id("");
    assert_eq!(text(empty), "event:\nid:\ndata:\n\n");
}

#[test]
fn any_line_break_in_data_or_in_a_comment_begins_a_line() {
    assert_eq!(
        text(Event::data("a\r\nb\rc\n\nd\n")),
        "data: a\ndata: b\ndata: c\ndata:\ndata: d\ndata:\n\n"
    );
    assert_eq!(text(Event::new().comment("a\r\nb")), ": a\n: b\n\n");
}

#[test]
fn a_space_at_the_start_is_kept_by_the_one_that_is_written() {
    assert_eq!(text(Event::data(" a").named(" ")), "event:  \ndata:  a\n\n");
}

#[test]
fn lines_end_as_the_server_likes() {
    let events = [Event::data("a\nb"), Event::new().comment("c")];
    let written = |ending| encode(&events, ending).unwrap();
    assert_eq!(written(LineEnding::Lf), "data: a\ndata: b\n\n: c\n\n");
    assert_eq!(written(LineEnding::Cr), "data: a\rdata: b\r\r: c\r\r");
    assert_eq!(
        written(LineEnding::CrLf),
        "data: a\r\ndata: b\r\n\r\n: c\r\n\r\n"
    );
    assert_eq!(encode(&[], LineEnding::Lf).unwrap(), "");
}

#[test]
fn a_value_is_sent_as_its_json_with_the_order_of_its_fields() {
    #[derive(Serialize)]
    struct Delta {
        r#type: &'static str,
        text: &'static str,
    }
    let delta = Delta {
        r#type: "text_delta",
        text: "two\nlines",
    };
    assert_eq!(
        text(Event::json(&delta)),
        "data: {\"type\":\"text_delta\",\"text\":\"two\\nlines\"}\n\n"
    );
    assert_eq!(text(Event::json(json!(null))), "data: null\n\n");
}

#[test]
fn what_is_no_json_is_a_typed_error() {
    let keys_that_are_lists = std::collections::BTreeMap::from([(vec![1], 2)]);
    let error = Event::try_json(&keys_that_are_lists).unwrap_err();
    assert_eq!(error.code(), "MOCKWIRE_INVALID_JSON");
    let panic = std::panic::catch_unwind(|| Event::json(&keys_that_are_lists)).unwrap_err();
    let panic = panic.downcast_ref::<String>().unwrap();
    assert_eq!(*panic, error.to_string());
}

fn refused(event: Event) -> Error {
    let error = event.validate().unwrap_err();
    assert_eq!(event.encode(LineEnding::Lf), Err(error.clone()));
    let among = [Event::data("fine"), event];
    assert_eq!(encode(&among, LineEnding::Cr), Err(error.clone()));
    error
}

#[test]
fn what_no_reader_would_read_back_is_refused() {
    let name = refused(Event::data("a").named("x\ny"));
    assert_eq!(name.code(), "MOCKWIRE_INVALID_EVENT");
    assert_eq!(
        name.to_string(),
        "invalid server-sent event \"x\\ny\": the type of an event is one line: take the line \
         breaks out"
    );
    let values = [
        Event::new().named("x\ry"),
        Event::new().id("x\ny"),
        Event::new().id("x\r"),
        Event::new().id("x\0"),
    ];
    for event in values {
        let error = refused(event);
        let part = match error.kind() {
            ErrorKind::Invalid { part, .. } => *part,
            other => panic!("{other:?}"),
        };
        assert_eq!(part, Part::Event);
    }
    // In a name a NUL is a character as any other.
    assert_eq!(text(Event::new().named("x\0")), "event: x\0\n\n");
}

#[test]
fn retry_is_in_whole_milliseconds() {
    let retry = |time| text(Event::new().retry(time));
    assert_eq!(retry(Duration::ZERO), "retry: 0\n\n");
    assert_eq!(retry(Duration::from_micros(1_999)), "retry: 1\n\n");
    assert_eq!(retry(Duration::MAX), format!("retry: {}\n\n", u64::MAX));
}
