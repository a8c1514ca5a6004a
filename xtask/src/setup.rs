//! `cargo xtask setup`: everything that a build or a test needs beyond Rust and Node.

use anyhow::{Result, ensure};

use crate::sh::Cmd;
use crate::wasm_target::Toolchain;
use crate::{bindgen, browser, npm, paths, ui, wasm_target};

/// Installs what is missing. A second run finds it all there and takes a second.
pub(crate) fn run() -> Result<()> {
    ui::step("setup: a compiler for wasm32", || {
        let toolchain = wasm_target::ensure()?;
        let whose = match toolchain {
            Toolchain::Ordinary => "the ordinary toolchain",
            Toolchain::Debian(_) => "Debian's compiler, with a std of our own",
        };
        ui::note(&format!("{} ({whose})", toolchain.identity()?.trim()));
        Ok(())
    })?;
    ui::step("setup: wasm-bindgen", || {
        let tools = bindgen::ensure()?;
        ui::note(Cmd::new(&tools.cli).arg("--version").read()?.trim());
        Ok(())
    })?;
    ui::step(
        "setup: a browser",
        || browser::describe(&browser::ensure()?),
    )?;
    ui::step("setup: npm packages", || {
        ensure!(
            paths::which("npm").is_some(),
            "npm is not on PATH: install Node 20 or later"
        );
        npm::DIRECTORIES.into_iter().try_for_each(npm::ci)
    })
}
