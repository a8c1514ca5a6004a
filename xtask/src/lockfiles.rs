//! Lockfiles: committed, and naming the public registries only.

use anyhow::{Result, bail};

use crate::sh::Cmd;
use crate::{npm, paths, ui};

/// What may stand before the path of a package.
const REGISTRIES: [&str; 2] = [
    "registry+https://github.com/rust-lang/crates.io-index",
    "https://registry.npmjs.org/",
];

/// Checks every lockfile.
pub(crate) fn run() -> Result<()> {
    let mut wrong = Vec::new();
    let npm = npm::DIRECTORIES.map(|dir| format!("{dir}/package-lock.json"));
    let cargo = ["Cargo.lock", "xtask/wbtools/Cargo.lock"].map(str::to_owned);
    let in_git = paths::at(".git").exists();
    for name in cargo.iter().chain(&npm) {
        match std::fs::read_to_string(paths::at(name)) {
            Err(error) => wrong.push(format!("{name}: {error}")),
            Ok(text) => wrong.extend(odd_sources(name, &text)),
        }
        if in_git
            && !Cmd::new("git")
                .words("ls-files --error-unmatch")
                .arg(name)
                .succeeds()
        {
            wrong.push(format!("{name}: not committed"));
        }
    }
    if !wrong.is_empty() {
        bail!("{}", wrong.join("\n"));
    }
    ui::note(&format!("{} lockfiles", cargo.len() + npm.len()));
    Ok(())
}

/// The lines that name a source of packages other than the public registries.
fn odd_sources(name: &str, text: &str) -> Vec<String> {
    let odd = |line: &str| {
        let line = line.trim();
        let quoted = line
            .strip_prefix("source = \"")
            .or_else(|| line.strip_prefix("\"resolved\": \""))
            .and_then(|rest| rest.split('"').next());
        quoted.is_some_and(|source| !REGISTRIES.iter().any(|known| source.starts_with(known)))
    };
    text.lines()
        .enumerate()
        .filter(|(_, line)| odd(line))
        .map(|(index, line)| format!("{name}:{}: odd source: {}", index + 1, line.trim()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::odd_sources;

    #[test]
    fn public_registries_are_not_odd() {
        let text = "source = \"registry+https://github.com/rust-lang/crates.io-index\"\n\
            \"resolved\": \"https://registry.npmjs.org/a/-/a-1.0.0.tgz\",\n";
        assert!(odd_sources("lock", text).is_empty());
    }

    #[test]
    fn another_host_is_odd_and_named_with_its_line() {
        let text = "{\n  \"resolved\": \"https://mirror.example/a.tgz\",\n";
        assert!(odd_sources("lock", text)[0].starts_with("lock:2: odd source"));
    }
}
