//! Two keys are equal only when user and thread are, however the names try to make it look
//! otherwise.

use std::collections::{BTreeSet, HashSet};

use mockwire::connections::{ConnectionContext, IsolationKey};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

/// Everything that a text of a key is made of, or that another design would make it of.
const PIECES: &[&str] = &[
    "", "/", "%", "%2F", "%25", "2F", "25", ":", "::", "1", "1:", "12:", "a", "b", "\\", "\\/",
    "\0", "\u{1f}", " ", "é", "e\u{301}", "🦀", "\"", ",",
];

/// A user and a thread.
type Pair = (String, String);

fn name() -> impl Strategy<Value = String> {
    prop::collection::vec(select(PIECES), 0..5).prop_map(|pieces| pieces.concat())
}

/// Two pairs that are alike: the second is the first, joined and taken apart elsewhere, or has a bit
/// of one name in the other, or is escaped once more.
fn pairs() -> impl Strategy<Value = (Pair, Pair)> {
    let separator = select(vec!["", "/", ":", "%", "\0", "%2F", "\u{1f}"]);
    let how = (0..6_u8, separator, any::<Index>());
    let alike = ((name(), name()), how).prop_map(|(pair, (how, separator, at))| {
        let (user, thread) = pair.clone();
        let joined = format!("{user}{separator}{thread}");
        let boundaries: Vec<_> = joined
            .char_indices()
            .map(|(at, _)| at)
            .chain([joined.len()])
            .collect();
        let at = boundaries[at.index(boundaries.len())];
        let other = match how {
            0 => (joined[..at].to_owned(), joined[at..].to_owned()),
            1 => (
                joined[..at].to_owned(),
                joined[at..].trim_start_matches(separator).to_owned(),
            ),
            2 => (thread, user),
            3 => (user.replace('/', "%2F"), thread.replace('/', "%2F")),
            4 => (user.replace('%', "%25"), thread.replace('%', "%25")),
            _ => (user, thread),
        };
        (pair, other)
    });
    let apart = ((name(), name()), (name(), name()));
    prop_oneof![3 => alike, 1 => apart]
}

/// Looks for two pairs that are equal while their texts are not, or the other way round.
fn is_injective(text: impl Fn(&str, &str) -> String) -> Result<(), String> {
    let config = ProptestConfig {
        cases: 4_096,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let outcome = runner.run(&pairs(), |((user, thread), (other_user, other_thread))| {
        let same = (&user, &thread) == (&other_user, &other_thread);
        prop_assert_eq!(
            text(&user, &thread) == text(&other_user, &other_thread),
            same
        );
        Ok(())
    });
    outcome.map_err(|found| found.to_string())
}

fn key_text(user: &str, thread: &str) -> String {
    IsolationKey::new(user, thread).to_string()
}

#[test]
fn the_text_of_a_key_is_injective() {
    is_injective(key_text).unwrap();
    let json =
        |user: &str, thread: &str| serde_json::to_string(&IsolationKey::new(user, thread)).unwrap();
    is_injective(json).unwrap();
}

#[test]
fn texts_that_are_not_injective_are_caught() {
    let caught = |text: fn(&str, &str) -> String| is_injective(text).unwrap_err();
    // Joined.
    caught(|user, thread| format!("{user}:{thread}"));
    caught(|user, thread| format!("{user}/{thread}"));
    caught(|user, thread| format!("{user}\0{thread}"));
    // With a length that is not the whole of it.
    caught(|user, thread| format!("{}:{user}{thread}", user.chars().count() % 10));
    // The escape itself is not escaped.
    caught(|user, thread| {
        format!(
            "{user}/{thread}",
            user = user.replace('/', "%2F"),
            thread = thread.replace('/', "%2F")
        )
    });
    // The user alone.
    caught(|user, _| user.to_owned());
}

#[test]
fn every_pair_of_short_names_has_a_text_of_its_own() {
    let letters = ["/", "%", "2", "F", "5", ":"];
    let mut names = vec![String::new()];
    for length in 1..=3_usize {
        let shorter: Vec<_> = names
            .iter()
            .filter(|name| name.len() == length - 1)
            .cloned()
            .collect();
        for name in shorter {
            names.extend(letters.map(|letter| name.clone() + letter));
        }
    }
    let mut texts = HashSet::new();
    for user in &names {
        for thread in &names {
            assert!(texts.insert(key_text(user, thread)), "{user:?} {thread:?}");
        }
    }
    assert_eq!(texts.len(), 259 * 259);
}

/// The way back, which only an injective text has.
fn taken_apart(text: &str) -> Pair {
    let (user, thread) = text.split_once('/').unwrap();
    let plain = |name: &str| name.replace("%2F", "/").replace("%25", "%");
    (plain(user), plain(thread))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_text_of_a_key_can_be_taken_apart(user in name(), thread in name()) {
        prop_assert_eq!(taken_apart(&key_text(&user, &thread)), (user, thread));
    }

    #[test]
    fn keys_are_equal_hashed_and_ordered_as_their_pairs(((u, t), (other_u, other_t)) in pairs()) {
        let (key, other) = (IsolationKey::new(&u, &t), IsolationKey::new(&other_u, &other_t));
        let same = (&u, &t) == (&other_u, &other_t);
        prop_assert_eq!(key == other, same);
        prop_assert_eq!(HashSet::from([key, other]).len() == 1, same);
        prop_assert_eq!(BTreeSet::from([key, other]).len() == 1, same);
    }
}

#[test]
fn a_context_has_the_key_of_its_user_and_thread_whatever_the_connection() {
    let context = |id: &str, user: &str, thread: &str, run: &str| {
        let builder = ConnectionContext::builder().connection_id(id).run(run);
        builder.user(user).thread(thread).build().unwrap()
    };
    let first = context("conn_1", "ada", "a/b", "run_1");
    let again = context("conn_2", "ada", "a/b", "run_2");
    let other = context("conn_1", "ada/a", "b", "run_1");
    assert_eq!(first.isolation_key(), again.isolation_key());
    assert_ne!(first.isolation_key(), other.isolation_key());
    let key = first.isolation_key();
    assert_eq!((key.user(), key.thread()), ("ada", "a/b"));
    assert_eq!(serde_json::to_value(key).unwrap(), "ada/a%2Fb");
}
