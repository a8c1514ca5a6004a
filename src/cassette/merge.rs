//! What was recorded, put together with what was on the cassette.

use super::entry::{Entry, RecordedResponse};
use super::ids::{Names, all_ids, without_ids};
use super::tidy::tell_length;

/// An entry as it is compared with others: without ids, and without what no two recordings share.
struct Essence {
    masked: Entry,
}

impl Essence {
    fn of(entry: &Entry) -> Self {
        Self {
            masked: without_ids(entry),
        }
    }

    fn asks_the_same(&self, other: &Self) -> bool {
        self.masked.request == other.masked.request
    }

    /// Whether there is no difference but in ids, times, and how much of a limit is left.
    fn says_the_same(&self, other: &Self) -> bool {
        self.asks_the_same(other) && responses_agree(&self.masked.response, &other.masked.response)
    }
}

fn responses_agree(a: &RecordedResponse, b: &RecordedResponse) -> bool {
    let lasting = |response: &RecordedResponse| {
        let mut headers = response.headers.clone();
        let names: Vec<_> = headers.keys().cloned().collect();
        for name in names.iter().filter(|name| is_of_a_limit(name.as_str())) {
            headers.remove(name);
        }
        headers
    };
    a.status == b.status
        && lasting(a) == lasting(b)
        && a.body.to_bytes() == b.body.to_bytes()
        && a.trailers == b.trailers
        && a.end == b.end
}

/// Whether a field says how much of a limit is left, or until when.
fn is_of_a_limit(name: &str) -> bool {
    name.contains("ratelimit") && (name.contains("remaining") || name.contains("reset"))
        || name == "retry-after"
        || name == "retry-after-ms"
        || name == "content-length"
}

/// What was recorded anew, in the place of what was there: where nothing has changed, the entry stays as
/// it was, to the byte; where a request is the same, its entry stays where it was.
pub(super) fn replace(old: &[Entry], recorded: Vec<Entry>, keep_ids: bool) -> Vec<Entry> {
    let essences = |entries: &[Entry]| entries.iter().map(Essence::of).collect::<Vec<_>>();
    let (before, now) = (essences(old), essences(&recorded));
    let mut is_taken = vec![false; old.len()];
    let mut places: Vec<Option<(usize, bool)>> = vec![None; recorded.len()];
    for is_unchanged in [true, false] {
        for (place, now) in places.iter_mut().zip(&now) {
            if place.is_none() {
                let found = before.iter().enumerate().position(|(index, before)| {
                    !is_taken[index]
                        && if is_unchanged {
                            now.says_the_same(before)
                        } else {
                            now.asks_the_same(before)
                        }
                });
                if let Some(index) = found {
                    is_taken[index] = true;
                    *place = Some((index, is_unchanged));
                }
            }
        }
    }
    let mut names = Names::default();
    let mut placed: Vec<(usize, Entry, bool)> = Vec::new();
    let mut last = 0;
    for (entry, place) in recorded.into_iter().zip(places) {
        match place {
            Some((index, true)) => {
                let known = &old[index];
                let pairs = all_ids(&entry).into_iter().zip(all_ids(known));
                pairs.for_each(|(id, name)| names.keep(&id, &name));
                names.reserve(std::slice::from_ref(known));
                placed.push((index + 1, known.clone(), true));
                last = index + 1;
            }
            Some((index, false)) => {
                placed.push((index + 1, entry, false));
                last = index + 1;
            }
            // Behind what was recorded before it.
            None => placed.push((last, entry, false)),
        }
    }
    placed.sort_by_key(|(place, ..)| *place);
    let entries = placed.into_iter().map(|(_, mut entry, is_named)| {
        if !is_named && !keep_ids {
            name_ids(&mut names, &mut entry);
        }
        entry
    });
    entries.collect()
}

/// What was recorded, behind what was there.
pub(super) fn append(old: &[Entry], recorded: Vec<Entry>, keep_ids: bool) -> Vec<Entry> {
    let mut names = Names::default();
    names.reserve(old);
    let recorded = recorded.into_iter().map(|mut entry| {
        if !keep_ids {
            name_ids(&mut names, &mut entry);
        }
        entry
    });
    old.iter().cloned().chain(recorded).collect()
}

/// What others have added to the file since this one began, behind what this one has.
pub(super) fn add_others(base: &[Entry], mut mine: Vec<Entry>, theirs: Vec<Entry>) -> Vec<Entry> {
    let essences = |entries: &[Entry]| entries.iter().map(Essence::of).collect();
    let mut known: Vec<Essence> = essences(&mine);
    known.extend(without(essences(base), &mut essences(&mine)));
    let others = theirs
        .into_iter()
        .filter(|it| !take(&mut known, &Essence::of(it)));
    mine.extend(others);
    mine
}

fn without(these: Vec<Essence>, those: &mut Vec<Essence>) -> impl Iterator<Item = Essence> {
    these.into_iter().filter(|it| !take(those, it))
}

/// Takes one that says the same out of these. Whether there was one.
fn take(from: &mut Vec<Essence>, what: &Essence) -> bool {
    let found = from.iter().position(|it| it.says_the_same(what));
    found.map(|index| from.remove(index)).is_some()
}

fn name_ids(names: &mut Names, entry: &mut Entry) {
    names.learn(entry);
    names.rename(entry);
    tell_length(entry);
}
