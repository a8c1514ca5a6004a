//! What a client sees: the rules of §9.2.5 and §9.2.6 one by one, then against a second
//! implementation of them.

use proptest::prelude::*;

use super::support::{Seen, config, cuts, read, stream};

/// Type and data of the messages, however the text is cut.
#[track_caller]
fn messages(text: &str) -> Vec<(String, String)> {
    seen(text)
        .messages
        .into_iter()
        .map(|(event, data, _)| (event, data))
        .collect()
}

#[track_caller]
fn seen(text: &str) -> Seen {
    let whole = read(&[text.as_bytes()]);
    for pieces in cuts(text.as_bytes()) {
        assert_eq!(read(&pieces), whole, "cut as {pieces:?}");
    }
    whole
}

#[track_caller]
fn assert_data(text: &str, data: &[&str]) {
    let seen: Vec<_> = messages(text).into_iter().map(|(_, data)| data).collect();
    assert_eq!(seen, data, "{text:?}");
}

#[test]
fn data_lines_are_joined_by_line_feeds() {
    assert_data("data: a\n\n", &["a"]);
    assert_data("data: a\ndata:\ndata: b\n\ndata: c\n\n", &["a\n\nb", "c"]);
}

#[test]
fn a_line_ends_with_any_of_the_three() {
    assert_data("data: a\r\n\r\ndata: b\r\rdata: c\n\n", &["a", "b", "c"]);
    assert_data(
        "data: a\r\ndata: b\rdata: c\ndata: d\r\n\n",
        &["a\nb\nc\nd"],
    );
    // One after the other, CR and LF are one ending; LF and CR are two.
    assert_data("data: a\n\rdata: b\r\r\n", &["a", "b"]);
}

#[test]
fn only_a_blank_line_completes_an_event() {
    assert_data("data: a\n\ndata: b\n", &["a"]);
    assert_data("data: a\n\ndata: b", &["a"]);
    assert_data(" \ndata: a\n \n\n", &["a"]);
    // A carriage return is a whole line ending: nothing has to follow it.
    assert_data("data: a\r\r", &["a"]);
}

#[test]
fn without_a_data_field_there_is_no_message() {
    assert_data("\n\n: ping\n\nevent: x\n\nid: 1\n\nretry: 5\n\n", &[]);
    // An empty field is one.
    assert_data("data\n\ndata:\n\ndata: \n\n", &["", "", ""]);
    assert_data("data\ndata\n\n", &["\n"]);
}

#[test]
fn a_type_is_for_one_event() {
    let types = |text| -> Vec<_> { messages(text).into_iter().map(|(event, _)| event).collect() };
    assert_eq!(types("event: x\ndata\n\ndata\n\n"), ["x", "message"]);
    assert_eq!(types("event: x\n\ndata\n\n"), ["message"]);
    assert_eq!(types("event: x\nevent: y\ndata\n\n"), ["y"]);
    assert_eq!(types("event: x\nevent\ndata\n\n"), ["message"]);
    assert_eq!(types("data\nevent: x\n\n"), ["x"]);
}

#[test]
fn one_space_after_the_colon_is_not_of_the_value() {
    assert_data(
        "data:a\n\ndata: a\n\ndata:  a\n\ndata:\ta\n\n",
        &["a", "a", " a", "\ta"],
    );
    assert_data("data: a: b \n\n", &["a: b "]);
}

#[test]
fn other_lines_are_ignored() {
    assert_data(
        "dat: x\nData: x\ndata : x\n data: x\ndata: a\n: x\n:data: x\n\n",
        &["a"],
    );
}

#[test]
fn the_last_id_stays() {
    let ids = |text| -> Vec<_> {
        let messages = seen(text).messages.into_iter();
        messages.map(|(_, _, id)| id).collect()
    };
    assert_eq!(
        ids("data\n\nid: 1\ndata\n\ndata\n\nid\ndata\n\n"),
        ["", "1", "1", ""]
    );
    assert_eq!(ids("id: 1\n\ndata\n\n"), ["1"]);
    assert_eq!(ids("id: 1\ndata\nid: 2\n\n"), ["2"]);
    // A NUL spoils the line, not what was said before it.
    assert_eq!(ids("id: 1\nid: 2\0\ndata\n\n"), ["1"]);
    assert_eq!(seen("id: 1\n\n").last_event_id, "1");
    assert_eq!(seen("id: 1\n").last_event_id, "");
}

#[test]
fn retry_is_digits_and_counts_from_its_line_on() {
    assert_eq!(seen("retry: 1500\n").retry, Some(1_500));
    assert_eq!(seen("retry: 0015\n\n").retry, Some(15));
    assert_eq!(seen("retry: 1\n\nretry: 2\n\ndata\n\n").retry, Some(2));
    for value in ["", "+1", "-1", "1 ", "1.5", "1s", "1_000", "١"] {
        assert_eq!(
            seen(&format!("retry: 7\nretry: {value}\n\n")).retry,
            Some(7),
            "{value:?}"
        );
    }
    assert_eq!(
        seen(&format!("retry: {}0\n\n", u64::MAX)).retry,
        Some(u64::MAX)
    );
    assert_eq!(seen("retry: 1500").retry, None);
}

#[test]
fn one_byte_order_mark_is_taken_off_the_start() {
    assert_data("\u{feff}data: a\n\n", &["a"]);
    assert_data("\u{feff}\u{feff}data: a\n\n", &[]);
    assert_data(
        "data: a\n\n\u{feff}data: b\n\ndata: \u{feff}c\n\n",
        &["a", "\u{feff}c"],
    );
    assert_data("\u{feff}\ndata: a\n\n", &["a"]);
}

#[test]
fn bytes_that_are_no_text_are_replaced() {
    let text = b"data: \xFF\xF0\x9F\ndata: \xE2\x82\n\n";
    for pieces in cuts(text) {
        assert_eq!(read(&pieces).messages[0].1, "\u{fffd}\u{fffd}\n\u{fffd}");
    }
}

/// The same rules once more, for a whole text and without a thought for pieces: decode, cut into
/// lines, then line by line what §9.2.6 says.
fn by_the_book(bytes: &[u8]) -> Seen {
    let text = String::from_utf8_lossy(bytes);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut lines: Vec<&str> = text.split('\n').collect();
    lines.pop(); // what no line ending follows
    let (mut data, mut event, mut id) = (String::new(), String::new(), String::new());
    let mut seen = Seen {
        messages: Vec::new(),
        last_event_id: String::new(),
        retry: None,
    };
    for line in lines {
        if line.is_empty() {
            seen.last_event_id.clone_from(&id);
            let named = std::mem::take(&mut event);
            let text = std::mem::take(&mut data);
            if let Some(text) = text.strip_suffix('\n') {
                let named = if named.is_empty() { "message" } else { &named };
                let message = (named.to_owned(), text.to_owned(), id.clone());
                seen.messages.push(message);
            }
            continue;
        }
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "event" => event = value.to_owned(),
            "data" => data = data + value + "\n",
            "id" if !value.contains('\0') => id = value.to_owned(),
            "retry" if value.chars().all(|c| c.is_ascii_digit()) => {
                seen.retry = value.parse().ok().or(seen.retry);
            }
            _ => {}
        }
    }
    seen
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_bytes_in_any_pieces_are_read_by_the_book(bytes in stream()) {
        let expected = by_the_book(&bytes);
        for pieces in cuts(&bytes) {
            prop_assert_eq!(&read(&pieces), &expected, "cut as {:?}", pieces);
        }
    }
}
