//! A wasm32 toolchain from Debian's packages, for where rustup cannot fetch the target.
//!
//! Debian's `rustc-web` (the compiler its browsers are built with, and recent) has no std for wasm32,
//! but `rust-web-src` has its source. std is built once, into a sysroot of our own below `.tools`, so
//! that neither Debian's files nor rustup's are touched. rustup's compiler cannot stand in: std
//! compiles only with the very compiler it belongs to.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::sh::Cmd;
use crate::wasm_target::{TARGET, links_wasm};
use crate::{apt, hash, paths, ui};

/// To be raised when what `build` makes changes.
const LAYOUT: u32 = 1;

/// The linker is `lld` of the LLVM that this compiler was built with. The package `lld` is far older.
const PACKAGES: [&str; 5] = [
    "rustc-web",
    "cargo-web",
    "rust-web-src",
    "rust-web-clippy",
    "lld-22",
];

/// What edition 2024 and the dependencies ask for, with some room.
const OLDEST_MINOR: u32 = 90;

const RUSTC: &str = "/usr/bin/rustc";
const CARGO: &str = "/usr/bin/cargo";

fn home() -> PathBuf {
    paths::tools().join("debian-wasm")
}

/// What the toolchain was built from. A new version of a package asks for a new std.
fn stamp() -> String {
    let versions =
        PACKAGES.map(|name| format!("{name}={}", apt::version(name).unwrap_or_default()));
    format!(
        "layout={LAYOUT} home={} {}",
        home().display(),
        versions.join(" ")
    )
}

/// The wrappers of a toolchain that an earlier run has built, if it is still good.
pub(crate) fn built() -> Option<PathBuf> {
    let bin = home().join("bin");
    let current = hash::is_current(&home().join("stamp"), &stamp());
    (current && links_wasm(&bin.join("rustc"))).then_some(bin)
}

/// Installs the packages and builds std: half a minute, once.
pub(crate) fn build() -> Result<PathBuf> {
    apt::ensure(&PACKAGES, "building for wasm32 with Debian's compiler")?;
    let version = Cmd::new(RUSTC).arg("-V").read()?;
    let minor = version
        .split('.')
        .nth(1)
        .and_then(|minor| minor.parse::<u32>().ok());
    ensure!(
        minor.is_some_and(|minor| minor >= OLDEST_MINOR),
        "Debian's compiler is `{}`, and 1.{OLDEST_MINOR} is needed: are the security updates \
         (bookworm-security) among apt's sources?",
        version.trim()
    );
    ui::note(&format!(
        "building std for {TARGET} with {}: half a minute, once",
        version.trim()
    ));
    let work = paths::tools().join(format!("build.{}", std::process::id()));
    let result = build_in(&work);
    // Half-made files are of no use to anyone, and the error that matters is that of the build.
    let _ = std::fs::remove_dir_all(&work);
    result
}

fn build_in(work: &Path) -> Result<PathBuf> {
    let libraries = std_for_wasm(work)?;
    let toolchain = work.join("toolchain");
    sysroot(&toolchain, &libraries)?;
    wrappers(&toolchain.join("bin"))?;
    std::fs::write(toolchain.join("stamp"), stamp())?;
    if home().exists() {
        std::fs::remove_dir_all(home())?;
    }
    std::fs::rename(&toolchain, home()).context("moving the finished toolchain into place")?;
    let bin = home().join("bin");
    ensure!(
        links_wasm(&bin.join("rustc")),
        "std was built, but a wasm file does not link with it"
    );
    Ok(bin)
}

/// Compiles std by building an empty crate with it, and returns the libraries.
fn std_for_wasm(work: &Path) -> Result<Vec<PathBuf>> {
    const MANIFEST: &str = "[package]\nname = \"stub\"\nedition = \"2024\"\n[workspace]\n\
        [profile.release]\nopt-level = 3\ncodegen-units = 1\ndebug = 0\n";
    let stub = work.join("stub");
    std::fs::create_dir_all(stub.join("src"))?;
    std::fs::write(stub.join("src/lib.rs"), "#![no_std]\n")?;
    std::fs::write(stub.join("Cargo.toml"), MANIFEST)?;
    let inherited = [
        "RUSTUP_TOOLCHAIN",
        "CARGO",
        "RUSTDOC",
        "CARGO_ENCODED_RUSTFLAGS",
    ];
    let more = [
        "CARGO_BUILD_TARGET",
        "RUSTC_WRAPPER",
        "RUSTC_WORKSPACE_WRAPPER",
        "LD_LIBRARY_PATH",
    ];
    let cargo = Cmd::new(CARGO)
        .words("build --release --target")
        .arg(TARGET);
    inherited
        .into_iter()
        .chain(more)
        .fold(cargo, Cmd::env_remove)
        // `test` is what `cargo test` links with.
        .arg("-Zbuild-std=std,panic_abort,test")
        .dir(&stub)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTC", RUSTC)
        // Without bitcode in std, `lto = "fat"` in our own release profile fails.
        .env("RUSTFLAGS", "-Cembed-bitcode=yes")
        .env("CARGO_TARGET_DIR", work.join("out"))
        .run_logged(&paths::tools().join("std.log"))
        .context("building std for wasm32")?;
    let built = hash::files_below(&work.join("out").join(TARGET).join("release/deps"), &[])?;
    let name = |file: &Path| {
        file.file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    };
    let is_library =
        |file: &PathBuf| name(file).ends_with(".rlib") && !name(file).starts_with("libstub");
    Ok(built.into_iter().filter(is_library).collect())
}

/// Lays out a sysroot: our std for wasm32, Debian's for the host, and the linker where rustc looks.
fn sysroot(toolchain: &Path, libraries: &[PathBuf]) -> Result<()> {
    let rustlib = toolchain.join("lib/rustlib");
    let wasm = rustlib.join(TARGET).join("lib");
    std::fs::create_dir_all(&wasm)?;
    for library in libraries {
        std::fs::rename(library, wasm.join(library.file_name().unwrap_or_default()))?;
    }
    let verbose = Cmd::new(RUSTC).arg("-vV").read()?;
    let host = verbose.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.context("`rustc -vV` names no host")?;
    std::fs::create_dir_all(rustlib.join(host).join("bin"))?;
    // Build scripts and procedural macros run on the host.
    symlink(
        format!("/usr/lib/rustlib/{host}/lib"),
        rustlib.join(host).join("lib"),
    )?;
    symlink(lld()?, rustlib.join(host).join("bin/rust-lld"))?;
    Ok(())
}

fn lld() -> Result<PathBuf> {
    let path = PathBuf::from("/usr/lib/llvm-22/bin/lld");
    if !path.exists() {
        bail!("lld-22 is installed, but {} is not there", path.display());
    }
    Ok(path)
}

/// Scripts that pass the sysroot on. rustdoc has one too: else rustup's is found, which cannot read
/// what this compiler wrote. `cargo-clippy` finds its driver beside itself, and the driver the
/// sysroot in the environment.
fn wrappers(bin: &Path) -> Result<()> {
    std::fs::create_dir_all(bin)?;
    let home = home();
    let home = home.display();
    let tools = format!("RUSTC='{home}/bin/rustc' RUSTDOC='{home}/bin/rustdoc'");
    let scripts = [
        ("rustc", format!("exec {RUSTC} --sysroot '{home}' \"$@\"")),
        (
            "rustdoc",
            format!("exec /usr/bin/rustdoc --sysroot '{home}' \"$@\""),
        ),
        (
            "cargo",
            format!("unset RUSTUP_TOOLCHAIN\n{tools} exec {CARGO} \"$@\""),
        ),
        (
            "cargo-clippy",
            format!(
                "unset RUSTUP_TOOLCHAIN\n\
                 SYSROOT='{home}' CARGO='{home}/bin/cargo' {tools} exec /usr/bin/cargo-clippy \"$@\""
            ),
        ),
    ];
    for (name, body) in scripts {
        let file = bin.join(name);
        std::fs::write(
            &file,
            format!("#!/bin/sh\n# Written by `cargo xtask setup`.\n{body}\n"),
        )?;
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}
