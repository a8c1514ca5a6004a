//! The laws of the house: what the layers may not name, and what no code may contain.

use std::path::Path;

use anyhow::{Result, bail};

use crate::{hash, paths, rust_text, ui};

/// A law: in code below these directories, none of this may appear.
struct Law {
    why: &'static str,
    directories: &'static [&'static str],
    forbidden: &'static [&'static str],
}

const LAWS: [Law; 4] = [
    Law {
        why: "core and model know nothing of sharing, clocks, runtimes or JavaScript",
        directories: &["src/core", "src/model"],
        forbidden: &[
            "Rc",
            "RefCell",
            "Mutex",
            "RwLock",
            "Instant",
            "SystemTime",
            "tokio",
            "wasm_bindgen",
            "js_sys",
            "web_sys",
        ],
    },
    Law {
        why: "what is written for a request is found again by its content, not by a hash",
        directories: &["src/providers"],
        forbidden: &["BuildHasher", "DefaultHasher", "Hash", "Hasher"],
    },
    Law {
        why: "no code is left for later, and no test is left out",
        directories: &["src", "tests", "examples", "benches", "xtask/src"],
        forbidden: &["todo!", "unimplemented!", "#[ignore"],
    },
    Law {
        why: "tests move virtual time, they do not wait",
        directories: &["tests"],
        forbidden: &["thread::sleep", "tokio::time::sleep"],
    },
];

/// Reports every breach with its place.
pub(crate) fn run() -> Result<()> {
    let mut breaches = 0;
    for law in &LAWS {
        let mut files = 0;
        for directory in law.directories {
            for file in hash::files_below(&paths::at(directory), &["node_modules", "target"])? {
                if file.extension().is_some_and(|extension| extension == "rs") {
                    files += 1;
                    breaches += report(law, &file)?;
                }
            }
        }
        ui::note(&format!("{} ({files} files)", law.why));
    }
    if breaches > 0 {
        bail!("{breaches} breaches of the laws of the house, listed above");
    }
    Ok(())
}

fn report(law: &Law, file: &Path) -> Result<usize> {
    let found = breaches(law.forbidden, &std::fs::read_to_string(file)?);
    for (line, forbidden) in &found {
        println!("{}:{line}: `{forbidden}`: {}", paths::shown(file), law.why);
    }
    Ok(found.len())
}

/// The lines on which code has a forbidden word, macro or path.
fn breaches<'a>(forbidden: &[&'a str], source: &str) -> Vec<(usize, &'a str)> {
    let code = rust_text::code_only(source);
    let mut found = Vec::new();
    for (index, line) in code.lines().enumerate() {
        for pattern in forbidden {
            let is_word = pattern.chars().all(|c| c.is_alphanumeric() || c == '_');
            let hit = if is_word {
                rust_text::words(line).any(|word| word == *pattern)
            } else {
                line.contains(pattern)
            };
            if hit {
                found.push((index + 1, *pattern));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::breaches;

    #[test]
    fn a_breach_is_named_with_its_line() {
        let source = "use std::sync::Arc;\nuse std::rc::Rc;\n// Rc\nlet x = todo!();\n";
        assert_eq!(
            breaches(&["Rc", "todo!"], source),
            [(2, "Rc"), (4, "todo!")]
        );
    }

    #[test]
    fn a_longer_word_is_another_word() {
        assert_eq!(
            breaches(&["Rc", "Instant"], "struct Arc; struct Instantly; Rc_"),
            []
        );
    }
}
