//! What is written is what is read, and the test would notice if it were not.

use bytes::Bytes;
use mockwire::sse::{self, Event, LineEnding};
use proptest::test_runner::{TestCaseError, TestRunner};

use super::support::{ENDINGS, Seen, config, cuts, events, read, with_line_feeds};

/// What a client is to see of the events.
fn expected(events: &[Event]) -> Seen {
    let mut seen = Seen {
        messages: Vec::new(),
        last_event_id: String::new(),
        retry: None,
    };
    for event in events {
        if let Some(id) = &event.id {
            seen.last_event_id.clone_from(id);
        }
        if let Some(retry) = event.retry {
            seen.retry = Some(u64::try_from(retry.as_millis()).unwrap());
        }
        if let Some(data) = &event.data {
            let named = event.event.as_deref().filter(|name| !name.is_empty());
            seen.messages.push((
                named.unwrap_or("message").to_owned(),
                with_line_feeds(data),
                seen.last_event_id.clone(),
            ));
        }
    }
    seen
}

/// Writes events and reads them, cut at every byte, with each line ending.
fn property(
    encode: impl Fn(&[Event], LineEnding) -> Bytes,
    mut runner: TestRunner,
) -> Result<(), String> {
    let outcome = runner.run(&events(), |events| {
        let expected = expected(&events);
        for ending in ENDINGS {
            let text = encode(&events, ending);
            for pieces in cuts(&text) {
                let seen = read(&pieces);
                if seen != expected {
                    let message = format!("{ending:?}, {pieces:?}: {seen:?}, not {expected:?}");
                    return Err(TestCaseError::fail(message));
                }
            }
        }
        Ok(())
    });
    outcome.map_err(|error| error.to_string())
}

#[test]
fn what_is_written_is_read_with_every_line_ending_cut_at_every_byte() {
    let encode = |events: &[Event], ending| sse::encode(events, ending).unwrap();
    property(encode, TestRunner::new(config())).unwrap();
}

/// An encoder like ours, but for how it writes a field.
fn broken(
    field: impl Fn(&str, &str, &str) -> String,
    end: impl Fn(&str) -> String,
) -> impl Fn(&[Event], LineEnding) -> Bytes {
    move |events, ending| {
        let ending = ending.as_str();
        let block = |event: &Event| {
            let mut text = String::new();
            let retry = event.retry.map(|retry| retry.as_millis().to_string());
            let fields = [
                ("event", &event.event),
                ("id", &event.id),
                ("retry", &retry),
            ];
            for (name, value) in fields {
                let value = value.as_ref().map(|value| field(name, value, ending));
                text.extend(value);
            }
            if let Some(data) = &event.data {
                text += &field("data", data, ending);
            }
            text + &end(ending)
        };
        events.iter().map(block).collect::<String>().into()
    }
}

/// As it should be: the controls below differ from it in one thing each.
fn right(name: &str, value: &str, ending: &str) -> String {
    let lines = with_line_feeds(value);
    let lines = lines.split('\n');
    lines
        .map(|line| format!("{name}: {line}{ending}"))
        .collect()
}

#[test]
fn broken_encoders_are_caught() {
    let runner = || {
        let mut config = config();
        config.verbose = 0;
        TestRunner::new_with_rng(
            config,
            proptest::test_runner::TestRng::deterministic_rng(
                proptest::test_runner::RngAlgorithm::ChaCha,
            ),
        )
    };
    let whole = |name: &str, value: &str, ending: &str| format!("{name}: {value}{ending}");
    let tight =
        |name: &str, value: &str, ending: &str| right(name, value, ending).replace(": ", ":");
    let lines_of_lf = |name: &str, value: &str, ending: &str| {
        let lines = value.split('\n');
        lines
            .map(|line| format!("{name}: {line}{ending}"))
            .collect()
    };
    let blank = |ending: &str| ending.to_owned();
    let none = |_: &str| String::new();

    property(broken(right, blank), runner()).expect("the control of the controls");
    property(broken(whole, blank), runner()).expect_err("several lines of data in one");
    property(broken(lines_of_lf, blank), runner()).expect_err("CR in data is a line break");
    property(broken(tight, blank), runner()).expect_err("no space for one that is in the value");
    property(broken(right, none), runner()).expect_err("no blank line");
}
