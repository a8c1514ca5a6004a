//! A compiler that can build for wasm32: the ordinary one, helped by rustup if need be, or Debian's.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::sh::{self, Cmd};
use crate::{debian, lock, paths, ui};

/// The target that everything for JavaScript is built for.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// Set to anything, it goes straight to Debian's compiler: to test that path, or to prefer it.
const FORCE_DEBIAN: &str = "MOCKWIRE_WASM_DEBIAN";

/// How long rustup may take, in seconds. A download server that hangs must not hang the build.
const RUSTUP_SECONDS: &str = "MOCKWIRE_RUSTUP_SECONDS";

/// The compiler that builds for wasm32.
pub(crate) enum Toolchain {
    /// The one on `PATH`.
    Ordinary,
    /// A directory of wrappers around Debian's compiler, with a sysroot of its own.
    Debian(PathBuf),
}

impl Toolchain {
    /// `cargo`, set up to build for wasm32.
    pub(crate) fn cargo(&self, words: &str) -> Result<Cmd> {
        let cmd = match self {
            Self::Ordinary => Cmd::cargo(words),
            // cargo prefers ~/.cargo/bin/cargo-clippy over that on PATH, so it is called directly.
            Self::Debian(bin) if words.starts_with("clippy") => {
                ordinary_forgotten(Cmd::new(bin.join("cargo-clippy")), bin)?.words(words)
            }
            Self::Debian(bin) => ordinary_forgotten(Cmd::new(bin.join("cargo")), bin)?.words(words),
        };
        Ok(cmd.env("CARGO_TARGET_DIR", paths::wasm_target_dir()))
    }

    /// Tells one compiler from another, for keys of what was built.
    pub(crate) fn identity(&self) -> Result<String> {
        match self {
            Self::Ordinary => Cmd::new("rustc").arg("-V").read(),
            Self::Debian(bin) => Cmd::new(bin.join("rustc")).arg("-V").read(),
        }
    }
}

/// Takes away what a `cargo` that runs us has set for its own compiler.
fn ordinary_forgotten(cmd: Cmd, bin: &Path) -> Result<Cmd> {
    let set = [
        "RUSTUP_TOOLCHAIN",
        "CARGO",
        "RUSTC",
        "RUSTDOC",
        "LD_LIBRARY_PATH",
    ];
    let cmd = set.into_iter().fold(cmd, Cmd::env_remove);
    Ok(cmd.env("PATH", sh::path_with(bin.to_owned())?))
}

/// Finds or makes a compiler for wasm32. Quick once there is one.
pub(crate) fn ensure() -> Result<Toolchain> {
    let _lock = lock::take("wasm-target")?;
    let forced = std::env::var_os(FORCE_DEBIAN).is_some();
    if !forced && links_wasm(Path::new("rustc")) {
        return Ok(Toolchain::Ordinary);
    }
    // One built by an earlier run: do not ask rustup again.
    if let Some(bin) = debian::built() {
        return Ok(Toolchain::Debian(bin));
    }
    if !forced && added_by_rustup() {
        return Ok(Toolchain::Ordinary);
    }
    debian::build().map(Toolchain::Debian).with_context(|| {
        format!(
            "no compiler for {TARGET} could be had; `rustup target add {TARGET}` is another way"
        )
    })
}

fn added_by_rustup() -> bool {
    if paths::which("rustup").is_none() {
        ui::note("there is no rustup on this machine");
        return false;
    }
    let seconds = std::env::var(RUSTUP_SECONDS)
        .ok()
        .and_then(|text| text.parse().ok());
    let limit = Duration::from_secs(seconds.unwrap_or(60));
    ui::note(&format!(
        "adding {TARGET} with rustup, in at most {} s",
        limit.as_secs()
    ));
    let log = paths::tools().join("rustup.log");
    let add = Cmd::new("rustup")
        .words("target add")
        .arg(TARGET)
        .env("RUST_BACKTRACE", "0");
    match add.time_box(limit).run_logged(&log) {
        Ok(()) if links_wasm(Path::new("rustc")) => return true,
        Ok(()) => ui::note("rustup was content, but the target does not link"),
        Err(error) => ui::note(&format!("rustup could not: {}", error.root_cause())),
    }
    let said = sh::tail(&log, 100);
    if let Some(line) = said
        .lines()
        .find(|line| line.to_lowercase().starts_with("error"))
    {
        ui::note(&format!("it said: {line}"));
    }
    false
}

/// Whether this compiler makes a wasm file: std is there, a linker is there, and they fit together.
pub(crate) fn links_wasm(rustc: &Path) -> bool {
    let dir = paths::tools().join(format!("smoke.{}", std::process::id()));
    let links = try_link(rustc, &dir).unwrap_or(false);
    // Nothing depends on its going: it is in .tools, and the next run uses another name.
    let _ = std::fs::remove_dir_all(&dir);
    links
}

fn try_link(rustc: &Path, dir: &Path) -> Result<bool> {
    const SOURCE: &str = "#[unsafe(no_mangle)]\n\
        pub extern \"C\" fn f(n: u32) -> usize { vec![1u8; n as usize].len() }\n";
    std::fs::create_dir_all(dir)?;
    let (source, out) = (dir.join("smoke.rs"), dir.join("smoke.wasm"));
    std::fs::write(&source, SOURCE)?;
    let compile = Cmd::new(rustc).words("--edition 2024 --crate-type cdylib -O --target");
    let compiled = compile
        .arg(TARGET)
        .arg("-o")
        .arg(&out)
        .arg(&source)
        .succeeds();
    Ok(compiled && std::fs::read(&out)?.starts_with(b"\0asm"))
}
