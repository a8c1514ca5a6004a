//! Licences of what the library is made of, against the list in `deny.toml`.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::sh::Cmd;
use crate::{paths, ui};

/// Allowed, but said aloud: its terms reach as far as its own files.
const NOTED: &str = "MPL-2.0";

/// Checks the crates that users of any feature pull in, and that the npm package pulls in none.
pub(crate) fn run() -> Result<()> {
    let allowed = allowed()?;
    let text = Cmd::cargo("metadata --locked --format-version 1 --all-features").read()?;
    let metadata: Value = serde_json::from_str(&text).context("reading cargo metadata")?;
    let crates = shipped(&metadata)?;
    let mut wrong = Vec::new();
    for (name, licence) in &crates {
        if !permits(licence, &allowed) {
            wrong.push(format!("{name}: `{licence}` is not allowed by deny.toml"));
        } else if licence.contains(NOTED) {
            ui::note(&format!("noted: {name} is under {licence}"));
        }
    }
    wrong.extend(npm_dependencies()?);
    if !wrong.is_empty() {
        bail!("{}", wrong.join("\n"));
    }
    ui::note(&format!(
        "{} crates with all features, no npm package",
        crates.len()
    ));
    Ok(())
}

/// The `allow` list of `deny.toml`: one quoted licence to a line.
fn allowed() -> Result<BTreeSet<String>> {
    let text = std::fs::read_to_string(paths::at("deny.toml")).context("reading deny.toml")?;
    let lines = text
        .lines()
        .map(str::trim)
        .skip_while(|line| *line != "allow = [")
        .skip(1);
    let listed = lines.take_while(|line| !line.starts_with(']'));
    let list: BTreeSet<String> = listed
        .filter_map(|line| Some(line.strip_prefix('"')?.split_once('"')?.0.into()))
        .collect();
    ensure!(
        !list.is_empty(),
        "deny.toml has no `allow = [` with one licence to a line"
    );
    Ok(list)
}

/// Name and version of every crate that `mockwire` is built with, and its licence. What only its
/// tests need is left out.
fn shipped(metadata: &Value) -> Result<BTreeMap<String, String>> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let by_id = |values: &Value| -> BTreeMap<String, Value> {
        list(values)
            .into_iter()
            .map(|value| (text(&value["id"]), value))
            .collect()
    };
    let packages = by_id(&metadata["packages"]);
    let nodes = by_id(&metadata["resolve"]["nodes"]);
    let start = packages
        .iter()
        .find(|(_, package)| package["name"] == "mockwire");
    let mut waiting = vec![
        start
            .context("cargo metadata knows no `mockwire`")?
            .0
            .clone(),
    ];
    let mut seen = BTreeSet::new();
    let mut found = BTreeMap::new();
    while let Some(id) = waiting.pop() {
        if !seen.insert(id.clone()) {
            continue;
        }
        let package = &packages[&id];
        let name = format!("{} {}", text(&package["name"]), text(&package["version"]));
        found.insert(name, text(&package["license"]));
        for dependency in list(&nodes[&id]["deps"]) {
            if list(&dependency["dep_kinds"])
                .iter()
                .any(|kind| kind["kind"] != "dev")
            {
                waiting.push(text(&dependency["pkg"]));
            }
        }
    }
    Ok(found)
}

/// Whether one may choose licences that are all allowed. `/` is an old way to write `OR`.
fn permits(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let mut tokens = spaced.split_whitespace().peekable();
    let permitted = any(&mut tokens, allowed);
    permitted && tokens.next().is_none()
}

type Tokens<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn any(tokens: &mut Tokens<'_>, allowed: &BTreeSet<String>) -> bool {
    let mut result = all(tokens, allowed);
    while tokens.next_if_eq(&"OR").is_some() {
        result |= all(tokens, allowed);
    }
    result
}

fn all(tokens: &mut Tokens<'_>, allowed: &BTreeSet<String>) -> bool {
    let mut result = one(tokens, allowed);
    while tokens.next_if_eq(&"AND").is_some() {
        result &= one(tokens, allowed);
    }
    result
}

fn one(tokens: &mut Tokens<'_>, allowed: &BTreeSet<String>) -> bool {
    match tokens.next() {
        Some("(") => any(tokens, allowed) & tokens.next_if_eq(&")").is_some(),
        Some(name) => {
            let exception = tokens.next_if_eq(&"WITH").and_then(|_| tokens.next());
            let whole =
                exception.map_or_else(|| name.to_owned(), |what| format!("{name} WITH {what}"));
            allowed.contains(&whole)
        }
        None => false,
    }
}

/// What the npm package would make its users install: there must be nothing.
fn npm_dependencies() -> Result<Vec<String>> {
    let text = std::fs::read_to_string(paths::at("pkg/package.json"))
        .context("reading pkg/package.json")?;
    let manifest: Value = serde_json::from_str(&text).context("reading pkg/package.json")?;
    let kinds = ["dependencies", "optionalDependencies", "bundleDependencies"];
    let filled = kinds.iter().filter(|kind| match &manifest[**kind] {
        Value::Object(entries) => !entries.is_empty(),
        Value::Array(entries) => !entries.is_empty(),
        _ => false,
    });
    Ok(filled
        .map(|kind| format!("pkg/package.json: `{kind}` must be empty"))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::permits;

    fn with_mit_and_isc(expression: &str) -> bool {
        permits(
            expression,
            &["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"]
                .map(Into::into)
                .into(),
        )
    }

    #[test]
    fn one_allowed_choice_is_enough() {
        assert!(with_mit_and_isc("GPL-3.0 OR MIT"));
        assert!(with_mit_and_isc("Apache-2.0/MIT"));
        assert!(!with_mit_and_isc("GPL-3.0 OR Apache-2.0"));
    }

    #[test]
    fn licences_that_hold_together_must_all_be_allowed() {
        assert!(with_mit_and_isc("(GPL-3.0 OR MIT) AND ISC"));
        assert!(!with_mit_and_isc("MIT AND GPL-3.0"));
        assert!(!with_mit_and_isc("GPL-3.0 AND MIT OR GPL-2.0"));
    }

    #[test]
    fn an_exception_is_part_of_the_licence() {
        assert!(with_mit_and_isc("Apache-2.0 WITH LLVM-exception"));
        assert!(!with_mit_and_isc("MIT WITH Some-exception"));
    }

    #[test]
    fn what_cannot_be_read_is_not_allowed() {
        assert!(!with_mit_and_isc(""));
        assert!(!with_mit_and_isc("(MIT"));
        assert!(!with_mit_and_isc("MIT ISC"));
    }
}
