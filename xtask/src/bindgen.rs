//! `wasm-bindgen` and its test runner: built once from `xtask/wbtools`, kept in `.tools/bin`.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use crate::hash::{self, Key};
use crate::sh::Cmd;
use crate::{lock, paths, ui};

const BINARIES: [&str; 2] = ["wasm-bindgen", "wasm-bindgen-test-runner"];

/// Where the tools are once `ensure` has succeeded.
pub(crate) struct Bindgen {
    pub(crate) cli: PathBuf,
    pub(crate) test_runner: PathBuf,
}

/// Finds or builds the tools, and checks that they fit the library's `wasm-bindgen`.
pub(crate) fn ensure() -> Result<Bindgen> {
    let _lock = lock::take("bindgen")?;
    let bin = paths::tools().join("bin");
    let key = key()?;
    let stamp = bin.join("key");
    let [cli, test_runner] = BINARIES.map(|name| bin.join(name));
    if !(hash::is_current(&stamp, &key) && cli.exists() && test_runner.exists()) {
        build(&bin)?;
        std::fs::write(&stamp, &key)?;
    }
    let (has, wants) = (Cmd::new(&cli).arg("--version").read()?, wanted()?);
    ensure!(
        has.trim() == format!("wasm-bindgen {wants}"),
        "Cargo.lock has wasm-bindgen {wants}, but xtask/wbtools builds `{}`: make them equal",
        has.trim()
    );
    Ok(Bindgen { cli, test_runner })
}

/// What the tools are built from.
pub(crate) fn key() -> Result<String> {
    let source = paths::at("xtask/wbtools");
    Ok(Key::new().tree(&source, &source, &["target"])?.finish())
}

fn build(bin: &std::path::Path) -> Result<()> {
    ui::note("building wasm-bindgen and its test runner: a minute or two, once");
    let target = paths::tools().join("wbtools-target");
    Cmd::cargo("build --locked --release --manifest-path")
        .arg(paths::at("xtask/wbtools/Cargo.toml"))
        .env("CARGO_TARGET_DIR", &target)
        .run()?;
    std::fs::create_dir_all(bin)?;
    for name in BINARIES {
        let (from, to) = (target.join("release").join(name), bin.join(name));
        // Renamed into place: a copy over a binary that runs would fail, and half a copy would run.
        std::fs::rename(&from, &to)
            .with_context(|| format!("the build succeeded, but left no {}", paths::shown(&from)))?;
    }
    std::fs::remove_dir_all(&target).context("clearing the build directory of wasm-bindgen")
}

/// The version that the library is linked with.
fn wanted() -> Result<String> {
    let lock = std::fs::read_to_string(paths::at("Cargo.lock")).context("reading Cargo.lock")?;
    let mut lines = lock
        .lines()
        .skip_while(|line| *line != "name = \"wasm-bindgen\"")
        .skip(1);
    let version = lines
        .next()
        .and_then(|line| line.strip_prefix("version = "));
    Ok(version
        .context("Cargo.lock has no wasm-bindgen")?
        .trim_matches('"')
        .to_owned())
}
