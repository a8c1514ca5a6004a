//! Ids, which are other ones each time: found in a cassette, and numbered in the order in which they
//! first occur, so that what refers to them still does.

use std::collections::HashMap;

use http::HeaderMap;

use super::edit::{self, Node};
use super::entry::Entry;
use super::placeholder::{self, is_token, parse_id, parse_uuid, uuid_len};
use super::texts;

/// Header fields that are an id.
const FIELDS: [&str; 9] = [
    "idempotency-key",
    "request-id",
    "traceparent",
    "x-amz-cf-id",
    "x-amz-request-id",
    "x-amzn-requestid",
    "x-correlation-id",
    "x-goog-request-id",
    "x-request-id",
];

/// How many letters and digits the random part of an id has, at least.
const SHORTEST: usize = 12;

/// What each id is called instead.
#[derive(Debug, Default)]
pub(super) struct Names {
    names: HashMap<String, String>,
    /// The last number, by prefix.
    numbers: HashMap<String, usize>,
}

impl Names {
    /// Calls an id what it was called before.
    pub(super) fn keep(&mut self, id: &str, name: &str) {
        self.names
            .entry(id.to_owned())
            .or_insert_with(|| name.to_owned());
    }

    /// The numbers in these entries are taken.
    pub(super) fn reserve(&mut self, entries: &[Entry]) {
        for entry in entries {
            texts::each(entry, &mut |text| {
                for token in tokens(text) {
                    let (prefix, number) = match (parse_id(token), parse_uuid(token)) {
                        (Some((prefix, number)), _) => (prefix, number),
                        (None, Some(number)) => (UUID, number),
                        (None, None) => continue,
                    };
                    let last = self.numbers.entry(prefix.to_owned()).or_default();
                    *last = number.max(*last);
                }
            });
        }
    }

    /// Gives the ids of an entry names, where they have none.
    pub(super) fn learn(&mut self, entry: &Entry) {
        for id in ids_of(entry) {
            if !self.names.contains_key(&id) {
                let prefix = prefix(&id);
                let number = self.numbers.entry(prefix.to_owned()).or_default();
                *number += 1;
                let name = match prefix {
                    UUID => placeholder::uuid(*number),
                    prefix => placeholder::id(prefix, *number),
                };
                self.names.insert(id, name);
            }
        }
    }

    /// Replaces the ids that have names.
    pub(super) fn rename(&self, entry: &mut Entry) {
        let rename = |text: &str| renamed(text, |id| self.names.get(id).cloned());
        replace(entry, &rename);
    }
}

/// The prefix under which UUIDs are counted.
const UUID: &str = "uuid";

/// The entry with every id replaced by its kind: what it says, whatever its ids are.
pub(super) fn without_ids(entry: &Entry) -> Entry {
    let known = ids_of(entry);
    let mut masked = entry.clone();
    let kind = |token: &str| match (parse_id(token), parse_uuid(token)) {
        (Some((prefix, _)), _) => Some(prefix.to_owned()),
        (None, Some(_)) => Some(UUID.to_owned()),
        _ => known
            .iter()
            .any(|id| id == token)
            .then(|| prefix(token).to_owned()),
    };
    replace(&mut masked, &|text: &str| renamed(text, kind));
    masked
}

/// The ids of an entry, in order, those that have a name already included: pairs of what two recordings
/// of the same have.
pub(super) fn all_ids(entry: &Entry) -> Vec<String> {
    let known = ids_of(entry);
    let mut ids = Vec::new();
    texts::each(entry, &mut |text| {
        let is_id = |token: &&str| {
            parse_id(token).is_some()
                || parse_uuid(token).is_some()
                || known.iter().any(|id| id == token)
        };
        ids.extend(tokens(text).filter(is_id).map(str::to_owned));
    });
    ids
}

/// The ids that an entry introduces, in order: in its header fields, under `id`, `.._id` and `..Id` of
/// its JSON, and every UUID.
fn ids_of(entry: &Entry) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    let mut note = |id: &str| {
        if parse_id(id).is_none() && parse_uuid(id).is_none() && !ids.iter().any(|it| it == id) {
            ids.push(id.to_owned());
        }
    };
    let mut fields = |headers: &HeaderMap| {
        for name in FIELDS {
            let values = headers
                .get_all(name)
                .iter()
                .filter_map(|it| it.to_str().ok());
            values
                .filter(|it| it.chars().all(is_token))
                .for_each(&mut note);
        }
    };
    fields(&entry.request.headers);
    fields(&entry.response.headers);
    let mut member = |path: &[String], node: &Node<'_>| {
        let key = path.last().map(String::as_str).unwrap_or_default();
        if key == "id" || key.ends_with("_id") || key.ends_with("Id") {
            let id = node.as_string().filter(|id| looks_random(id, key));
            id.iter().for_each(|id| note(id));
        }
        None
    };
    edit::json(&mut entry.request.body.clone(), &mut member);
    edit::response(&mut entry.response.body.clone(), &mut member);
    texts::each(entry, &mut |text| {
        let uuids = tokens(text).filter(|token| uuid_len(token) == Some(token.len()));
        uuids.for_each(&mut note);
    });
    ids
}

/// Whether an id is one that a server has drawn, and not a name that somebody has chosen.
fn looks_random(id: &str, key: &str) -> bool {
    if !id.chars().all(is_token) {
        return false;
    }
    let prefix = prefix(id);
    if prefix == UUID {
        return true;
    }
    let tail = &id[prefix.len()..];
    let count = |is: fn(&u8) -> bool| tail.bytes().filter(is).count();
    let cases = count(u8::is_ascii_uppercase).min(count(u8::is_ascii_lowercase));
    let pairs = tail.as_bytes().windows(2);
    let changes = pairs
        .filter(|it| it[0].is_ascii_digit() != it[1].is_ascii_digit())
        .count();
    let is_marked = !prefix.is_empty() || key == "responseId";
    tail.len() >= SHORTEST && (changes >= 3 || cases >= 2 && (is_marked || changes > 0))
}

/// What comes before the random part: `chatcmpl-`, `msg_bdrk_`.
fn prefix(id: &str) -> &str {
    if uuid_len(id) == Some(id.len()) {
        return UUID;
    }
    let end = id.rfind(['_', '-']).map_or(0, |at| at + 1);
    let head = &id[..end];
    let is_word = |c: char| c.is_ascii_lowercase() || matches!(c, '_' | '-');
    if head.chars().all(is_word) { head } else { "" }
}

/// The words of a text that may be ids; of a UUID in a longer word, the UUID.
fn tokens(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(|c| !is_token(c));
        if rest.is_empty() {
            return None;
        }
        let end = rest.find(|c| !is_token(c)).unwrap_or(rest.len());
        let (token, after) = rest.split_at(split_at_uuid(&rest[..end]));
        rest = after;
        Some(token)
    })
}

/// Where a word is to be parted so that a UUID in it stands alone.
fn split_at_uuid(word: &str) -> usize {
    if let Some(len) = uuid_len(word) {
        return len;
    }
    let begins = |at: &usize| uuid_len(&word[*at..]).is_some();
    (1..word.len().saturating_sub(35))
        .find(begins)
        .unwrap_or(word.len())
}

/// A text with other words; `None` when it is the same.
fn renamed(text: &str, name: impl Fn(&str) -> Option<String>) -> Option<String> {
    let mut renamed = String::new();
    let mut at = 0;
    for token in tokens(text) {
        let Some(name) = name(token) else {
            continue;
        };
        let begins = token.as_ptr() as usize - text.as_ptr() as usize;
        renamed.push_str(&text[at..begins]);
        renamed.push_str(&name);
        at = begins + token.len();
    }
    (at > 0).then(|| {
        renamed.push_str(&text[at..]);
        renamed
    })
}

/// Replaces the texts of an entry, where they are to be other ones.
fn replace(entry: &mut Entry, with: &dyn Fn(&str) -> Option<String>) {
    let replaced = |text: &[u8]| {
        let text = std::str::from_utf8(text).ok()?;
        with(text).map(String::into_bytes)
    };
    texts::replace(entry, &|_, text| replaced(text));
    for piece in entry.response.body.pieces_mut() {
        if let Some(replaced) = replaced(piece) {
            *piece = replaced.into();
        }
    }
}
