//! Where things are. Every path that more than one file needs has its name here.

use std::path::{Path, PathBuf};

/// The root of the checkout.
pub(crate) fn root() -> PathBuf {
    // Set by `cargo run` at run time; the compiled-in value serves a binary that is started by hand.
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    manifest
        .parent()
        .map_or_else(|| manifest.clone(), PathBuf::from)
}

/// A path below the root.
pub(crate) fn at(relative: &str) -> PathBuf {
    root().join(relative)
}

/// What `setup` installs: ignored by git, safe to delete.
pub(crate) fn tools() -> PathBuf {
    at(".tools")
}

/// The target directory of everything built for wasm32. It is apart from the native one because the
/// two may be built by different compilers, which would throw away each other's work.
pub(crate) fn wasm_target_dir() -> PathBuf {
    at("target/wasm")
}

/// The path as a reader wants to see it: relative to the root where it lies below it.
pub(crate) fn shown(path: &Path) -> String {
    let root = root();
    path.strip_prefix(&root)
        .unwrap_or(path)
        .display()
        .to_string()
}

/// Finds a program on `PATH`.
pub(crate) fn which(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|dir| dir.join(program))
        .find(|file| file.is_file())
}
