//! Files that are cut off, corrupt, too new or something else: an error that says what to do, and never
//! a panic.

use mockwire::ErrorKind;
use mockwire::cassette::{Cassette, Problem};
use proptest::prelude::*;

use super::support::{Directory, sample};

#[track_caller]
fn problem(text: &str) -> Problem {
    match Cassette::parse(text).unwrap_err().kind() {
        ErrorKind::Cassette { problem, .. } => problem.clone(),
        other => panic!("{other}"),
    }
}

#[test]
fn a_file_that_is_cut_off_anywhere_is_told_so() {
    let directory = Directory::new();
    let path = directory.file("cut.json");
    let text = sample().to_json();
    let end = text.trim_end().len();
    for len in 0..end {
        // To the byte, so also inside a character.
        std::fs::write(&path, &text.as_bytes()[..len]).unwrap();
        let error = Cassette::load(&path).unwrap_err();
        assert_eq!(
            error.code(),
            "MOCKWIRE_CASSETTE_TRUNCATED",
            "{len}: {error}"
        );
    }
    std::fs::write(&path, &text.as_bytes()[..end]).unwrap();
    assert_eq!(Cassette::load(&path).unwrap(), sample());
}

#[test]
fn the_errors_say_where_and_what_to_do() {
    let directory = Directory::new();
    let path = directory.file("chat.json");
    let text = sample().to_json();
    let written = |text: &str| {
        std::fs::write(&path, text).unwrap();
        let error = Cassette::load(&path).unwrap_err().to_string();
        error.replace(&path.display().to_string(), "chat.json")
    };
    let lines: Vec<_> = [
        written(&text[..text.len() / 2]),
        written(&text.replace("\"status\": 201", "\"status\": 99")),
        written(&text.replace("\"status\": 201", "\"statsu\": 201")),
        written(&text.replace("\"PUT\"", "\"P T\"")),
        written(&text.replace("https://api.test/whole", "https://api test/")),
        written(&text.replace("\"version\": 1", "\"version\": 2")),
        written(&text.replace("\"version\": 1", "\"version\": \"1\"")),
        written("{}"),
        written("[]"),
        written("<html>"),
        written(r#"{"log": {"version": "1.2", "entries": []}}"#),
        written(r#"{"fixtures": []}"#),
        {
            std::fs::remove_file(&path).unwrap();
            let error = Cassette::load(&path).unwrap_err().to_string();
            error.replace(&path.display().to_string(), "chat.json")
        },
    ]
    .into();
    insta::assert_snapshot!(lines.join("\n\n"));
}

#[test]
fn a_newer_version_is_known_whatever_else_is_in_it() {
    let text = r#"{"version": 7, "entries": {"another": "shape"}, "format": "mockwire-cassette"}"#;
    assert_eq!(problem(text), Problem::NewerVersion { found: 7, known: 1 });
}

#[test]
fn what_is_nested_without_end_is_refused() {
    let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    let entry = |body: &str| {
        let text = sample().to_json();
        text.replace(
            "{\"text\": \"text\\r\\n\"}",
            &format!("{{\"json\": {body}}}"),
        )
    };
    assert!(entry("[0]").contains("[0]"));
    for n in [1, 100, 127] {
        let read = Cassette::parse(&entry(&deep(n))).unwrap();
        assert_eq!(Cassette::parse(&read.to_json()).unwrap(), read, "{n}");
    }
    for n in [130, 100_000] {
        assert!(matches!(problem(&entry(&deep(n))), Problem::Corrupt { .. }));
        assert!(Cassette::parse(&deep(n)).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn flipped_bytes_never_panic(flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let mut text = sample().to_json().into_bytes();
        for (index, byte) in flips {
            let at = index.index(text.len());
            text[at] = byte;
        }
        if let Ok(text) = String::from_utf8(text) {
            match Cassette::parse(&text) {
                // What is still a cassette is one that can be written.
                Ok(cassette) => prop_assert_eq!(Cassette::parse(&cassette.to_json()).unwrap(), cassette),
                Err(error) => prop_assert!(error.code().starts_with("MOCKWIRE_CASSETTE_")),
            }
        }
    }

    #[test]
    fn any_text_is_an_error_or_a_cassette(text in "[\\{\\}\\[\\]\",:a1 ]{0,60}") {
        prop_assert!(Cassette::parse(&text).is_err());
    }
}
