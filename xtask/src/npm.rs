//! npm packages: exactly those of a committed lockfile, installed again only when it changes.

use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::hash::{self, Key};
use crate::sh::Cmd;
use crate::{lock, paths};

/// The directories that have a lockfile: the package, its tests, its benchmarks.
pub(crate) const DIRECTORIES: [&str; 3] = ["pkg", "tests/js", "benches/js"];

/// Options that make npm do what is asked and nothing else.
const QUIET: &str = "--ignore-scripts --no-audit --no-fund --no-update-notifier";

fn guard(dir: &str) -> Result<lock::Lock> {
    lock::take(&format!("npm-{}", dir.replace('/', "-")))
}

/// Installs what the lockfile in `dir` names, unless it is there.
pub(crate) fn ci(dir: &str) -> Result<()> {
    let _lock = guard(dir)?;
    locked_install(dir)
}

fn locked_install(dir: &str) -> Result<()> {
    for name in ["package.json", "package-lock.json"] {
        ensure!(
            paths::at(dir).join(name).is_file(),
            "{dir}/{name} is not there"
        );
    }
    let stamp = paths::at(dir).join("node_modules/.xtask-lock");
    let key = manifest_key(dir)?.finish();
    if hash::is_current(&stamp, &key) {
        return Ok(());
    }
    Cmd::new("npm")
        .arg("ci")
        .words(QUIET)
        .dir(paths::at(dir))
        .run()?;
    // npm makes no such directory for a lockfile that names nothing.
    std::fs::create_dir_all(paths::at(dir).join("node_modules"))?;
    std::fs::write(&stamp, &key).with_context(|| format!("writing {}", stamp.display()))
}

/// Installs a packed package beside what the lockfile of `dir` names, which stays as it is.
pub(crate) fn install_tarball(dir: &str, tarball: &Path) -> Result<()> {
    let _lock = guard(dir)?;
    locked_install(dir)?;
    let stamp = paths::at(dir).join("node_modules/.xtask-tarball");
    let key = manifest_key(dir)?.file(&paths::root(), tarball)?.finish();
    if hash::is_current(&stamp, &key) {
        return Ok(());
    }
    let lockfile = paths::at(dir).join("package-lock.json");
    let before = std::fs::read(&lockfile)?;
    Cmd::new("npm")
        .words("install --no-save")
        .words(QUIET)
        .arg(tarball)
        .dir(paths::at(dir))
        .run()?;
    ensure!(
        std::fs::read(&lockfile)? == before,
        "npm has changed {dir}/package-lock.json"
    );
    Ok(std::fs::write(&stamp, &key)?)
}

fn manifest_key(dir: &str) -> Result<Key> {
    let base = paths::at(dir);
    Key::new()
        .file(&base, &base.join("package.json"))?
        .file(&base, &base.join("package-lock.json"))
}
