//! What a reader keeps is bounded.

use mockwire::sse::{Parser, Reader};
use mockwire::{Error, ErrorKind};

use super::support::cuts;

/// The data of the messages, and the error at the end.
fn read(max: usize, pieces: &[&[u8]]) -> (Vec<String>, Option<Error>) {
    let mut reader = Reader::new().max_event_bytes(max);
    let (mut messages, mut failure) = (Vec::new(), None);
    for piece in pieces {
        reader.push(piece);
        for message in reader.by_ref() {
            match message {
                Ok(message) => messages.push(message.data),
                Err(error) => assert_eq!(failure.replace(error), None, "told once"),
            }
        }
    }
    (messages, failure)
}

#[test]
fn an_event_that_is_too_large_is_a_typed_error_after_those_before_it() {
    let text = b"data: 1\n\ndata: 22\n\ndata: 3\n\n";
    for pieces in cuts(text) {
        let (messages, error) = read(9, &pieces);
        assert_eq!(messages, ["1"], "cut as {pieces:?}");
        let error = error.unwrap();
        assert_eq!(*error.kind(), ErrorKind::EventTooLarge { limit: 9 });
        assert_eq!(error.code(), "MOCKWIRE_EVENT_TOO_LARGE");
        assert!(error.to_string().contains("more than 9 bytes"));
        assert_eq!(read(10, &pieces).0, ["1", "22", "3"]);
        assert_eq!(read(10, &pieces).1, None);
    }
}

#[test]
fn lines_without_end_and_blocks_without_end_are_refused() {
    for endless in ["x", ":", "data: x\n", ": ping\n", "x\r\n"] {
        let text = endless.repeat(1_000);
        let (messages, error) = read(64, &[text.as_bytes()]);
        assert_eq!(messages, [""; 0]);
        assert!(error.is_some(), "{endless:?}");
    }
    // But a stream of any length is read.
    let text = "data: x\n\n".repeat(1_000);
    assert_eq!(
        read(64, &[text.as_bytes()]),
        (vec!["x".into(); 1_000], None)
    );
}

#[test]
fn a_recording_that_is_too_large_cannot_be_finished() {
    let mut parser = Parser::new().max_event_bytes(9);
    parser.push("data: 1\n\ndata: 22\n\ndata: 3\n\n");
    assert_eq!(parser.next().unwrap().unwrap().event.data.unwrap(), "1");
    let error = parser.next().unwrap().unwrap_err();
    assert!(parser.next().is_none());
    parser.push("data: 4\n\n");
    assert!(parser.next().is_none());
    assert_eq!(parser.finish().unwrap_err(), error);
}
