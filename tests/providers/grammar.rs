//! The grammar of a stream: which events come in what order, with which members. Values count only
//! where they say what kind of thing it is.

use std::path::PathBuf;

use serde_json::Value;

/// The members whose values say what kind of thing it is.
const KINDS: [&str; 8] = [
    "@type",
    "finish_reason",
    "finishReason",
    "object",
    "role",
    "status",
    "stop_reason",
    "type",
];

/// What a stream is made of. Events of the same shape in a row count as one: how texts are cut is the
/// model's affair.
pub(crate) fn grammar(payloads: &[Value]) -> Vec<String> {
    let mut shapes: Vec<String> = payloads.iter().map(|it| shape(it, None)).collect();
    shapes.dedup();
    shapes
}

fn shape(value: &Value, name: Option<&str>) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "bool".to_owned(),
        Value::Number(_) => "number".to_owned(),
        Value::String(kind) if name.is_some_and(|name| KINDS.contains(&name)) => {
            format!("{kind:?}")
        }
        // How much padding there is depends on lengths.
        Value::String(_) if name == Some("obfuscation") => "text".to_owned(),
        Value::String(text) if text.is_empty() => "empty".to_owned(),
        Value::String(_) => "text".to_owned(),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| shape(item, None)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(members) => {
            let members = members.iter();
            let members: Vec<_> = members
                .map(|(name, value)| format!("{name}: {}", shape(value, Some(name))))
                .collect();
            format!("{{{}}}", members.join(", "))
        }
    }
}

/// A recording of this repository: one payload on each line.
pub(crate) fn recording(name: &str) -> Vec<Value> {
    let path = format!(
        "{}/tests/fixtures/providers/{name}.jsonl",
        env!("CARGO_MANIFEST_DIR")
    );
    lines(&std::fs::read_to_string(path).unwrap())
}

/// A recording of a real provider, from the directory that `MOCKWIRE_RECORDINGS` names.
pub(crate) fn real_recording(name: &str) -> Option<Vec<Value>> {
    let directory = PathBuf::from(std::env::var_os("MOCKWIRE_RECORDINGS")?);
    Some(lines(
        &std::fs::read_to_string(directory.join(name)).unwrap(),
    ))
}

/// A response of a real provider that is one JSON value.
pub(crate) fn real_json(name: &str) -> Option<Value> {
    let directory = PathBuf::from(std::env::var_os("MOCKWIRE_RECORDINGS")?);
    let text = std::fs::read_to_string(directory.join(name)).unwrap();
    Some(serde_json::from_str(&text).unwrap())
}

fn lines(text: &str) -> Vec<Value> {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Fails unless both have the same grammar, and names the first difference.
#[track_caller]
pub(crate) fn assert_same_grammar(ours: &[Value], theirs: &[Value]) {
    let (ours, theirs) = (grammar(ours), grammar(theirs));
    for (number, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
        assert_eq!(ours, theirs, "shape {number}");
    }
    assert_eq!(
        ours.len(),
        theirs.len(),
        "\nours: {ours:#?}\ntheirs: {theirs:#?}"
    );
}

/// Takes these members away, wherever they are: what a provider adds now and then.
pub(crate) fn without(mut payloads: Vec<Value>, names: &[&str]) -> Vec<Value> {
    fn strip(value: &mut Value, names: &[&str]) {
        match value {
            Value::Object(members) => {
                members.retain(|name, _| !names.contains(&name.as_str()));
                members.values_mut().for_each(|value| strip(value, names));
            }
            Value::Array(items) => items.iter_mut().for_each(|item| strip(item, names)),
            _ => {}
        }
    }
    payloads
        .iter_mut()
        .for_each(|payload| strip(payload, names));
    payloads
}
