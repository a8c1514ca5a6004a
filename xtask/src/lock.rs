//! One run at a time: an advisory lock on a file, freed by the system even after a crash.

use std::fs::{File, TryLockError};

use anyhow::{Context, Result};

use crate::{paths, ui};

/// Holds the lock until it is dropped.
#[must_use = "the lock is freed when this is dropped"]
pub(crate) struct Lock {
    _file: File,
}

/// Waits until no other run holds the lock of that name.
///
/// A name must not be taken twice in one process: the second take would wait for the first.
pub(crate) fn take(name: &str) -> Result<Lock> {
    let dir = paths::tools().join("locks");
    std::fs::create_dir_all(&dir).with_context(|| format!("creating {}", dir.display()))?;
    let path = dir.join(name);
    let file = File::create(&path).with_context(|| format!("creating {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            ui::note(&format!(
                "waiting for another `cargo xtask` ({name}) to finish"
            ));
            file.lock()
                .with_context(|| format!("locking {}", path.display()))?;
        }
        Err(TryLockError::Error(error)) => {
            return Err(error).with_context(|| format!("locking {}", path.display()));
        }
    }
    Ok(Lock { _file: file })
}
