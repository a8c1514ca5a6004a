//! `cargo xtask lint`: what can be said about the code without running it.

use anyhow::{Context, Result, ensure};

use crate::sh::Cmd;
use crate::wasm_target::{self, TARGET};
use crate::{hash, laws, licences, lockfiles, paths, ui};

/// A check with its name: `lint` runs them all, and `test` lists them among its steps.
pub(crate) type Check = (&'static str, &'static str, fn() -> Result<()>);

/// The checks, quickest first.
pub(crate) const CHECKS: [Check; 7] = [
    ("fmt", "the code is formatted", fmt),
    ("laws", "the laws of the house hold", laws::run),
    (
        "lockfiles",
        "lockfiles are committed and name no odd registry",
        lockfiles::run,
    ),
    (
        "licences",
        "dependencies have licences that deny.toml allows",
        licences::run,
    ),
    (
        "clippy",
        "clippy has nothing to say, with default and with all features",
        clippy,
    ),
    (
        "clippy-wasm",
        "clippy has nothing to say about the wasm32 build",
        clippy_wasm,
    ),
    (
        "docs",
        "the documentation builds, and its links lead somewhere",
        docs,
    ),
];

/// Runs every check.
pub(crate) fn run() -> Result<()> {
    CHECKS
        .iter()
        .try_for_each(|(name, what, check)| ui::step(&format!("{name}: {what}"), check))
}

fn fmt() -> Result<()> {
    Cmd::cargo("fmt --all --check")
        .run()
        .context("`cargo fmt --all` puts it right")
}

fn clippy() -> Result<()> {
    for features in ["", "--all-features"] {
        Cmd::cargo("clippy --locked --workspace --all-targets")
            .words(features)
            .words("-- -D warnings")
            .run()?;
    }
    Ok(())
}

fn clippy_wasm() -> Result<()> {
    let toolchain = wasm_target::ensure()?;
    let clippy = "clippy --locked -p mockwire --lib --target";
    let engine = toolchain.cargo(clippy)?.arg(TARGET).words("--features js");
    let engine = wasm_tests()?
        .iter()
        .fold(engine, |cmd, name| cmd.arg("--test").arg(name));
    let extras = toolchain.cargo(clippy)?.arg(TARGET);
    let extras = extras.words("--features js-extras");
    [engine, extras]
        .into_iter()
        .try_for_each(|cmd| cmd.words("-- -D warnings").run())
}

/// The integration tests that are meant for wasm32: `tests/wasm_*.rs`.
fn wasm_tests() -> Result<Vec<String>> {
    let files = hash::files_below(&paths::at("tests"), &["js", "node_modules"])?;
    let here = files
        .iter()
        .filter(|file| file.parent() == Some(&paths::at("tests")));
    let names = here.filter_map(|file| file.file_name()?.to_str()?.strip_suffix(".rs"));
    let found: Vec<String> = names
        .filter(|name| name.starts_with("wasm_"))
        .map(str::to_owned)
        .collect();
    ensure!(!found.is_empty(), "there is no tests/wasm_*.rs");
    Ok(found)
}

fn docs() -> Result<()> {
    Cmd::cargo("doc --locked --no-deps --all-features -p mockwire")
        .env(
            "RUSTDOCFLAGS",
            "-D warnings -D rustdoc::broken_intra_doc_links",
        )
        .run()
}
