//! A key for "has any of these files changed?": FNV-1a over names and contents.
//!
//! It guards against staleness, not against malice, so 64 bits and no dependency are enough. It must
//! not change from one compiler to the next, which is why it is not `std::hash`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Gathers bytes, files and whole directories into one key.
pub(crate) struct Key(u64);

impl Key {
    /// An empty key.
    pub(crate) fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// Adds bytes, marked off from what follows by their length.
    pub(crate) fn bytes(mut self, bytes: &[u8]) -> Self {
        for byte in (bytes.len() as u64).to_le_bytes().iter().chain(bytes) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        self
    }

    /// Adds a file: its path below `base`, then its contents. A missing file counts as such.
    pub(crate) fn file(self, base: &Path, file: &Path) -> Result<Self> {
        let name = file
            .strip_prefix(base)
            .unwrap_or(file)
            .to_string_lossy()
            .into_owned();
        if !file.exists() {
            return Ok(self.bytes(name.as_bytes()).bytes(b"missing"));
        }
        let contents =
            std::fs::read(file).with_context(|| format!("reading {}", file.display()))?;
        Ok(self.bytes(name.as_bytes()).bytes(&contents))
    }

    /// Adds every file below `dir` except in directories named in `without`.
    pub(crate) fn tree(mut self, base: &Path, dir: &Path, without: &[&str]) -> Result<Self> {
        for file in files_below(dir, without)? {
            self = self.file(base, &file)?;
        }
        Ok(self)
    }

    /// The key as sixteen hexadecimal digits.
    pub(crate) fn finish(&self) -> String {
        format!("{:016x}", self.0)
    }
}

/// Every file below `dir` (or `dir` itself if it is a file), in a stable order; none if it does not
/// exist. Directories named in `without` are left out.
pub(crate) fn files_below(dir: &Path, without: &[&str]) -> Result<Vec<PathBuf>> {
    if dir.is_file() {
        return Ok(vec![dir.to_owned()]);
    }
    if !dir.is_dir() {
        return Ok(Vec::new());
    }
    let mut entries = std::fs::read_dir(dir)
        .and_then(|entries| {
            entries
                .map(|entry| entry.map(|entry| entry.path()))
                .collect()
        })
        .with_context(|| format!("reading {}", dir.display()))
        .map(|entries: Vec<PathBuf>| entries)?;
    entries.sort();
    let mut found = Vec::new();
    for entry in entries {
        let skipped = entry
            .file_name()
            .is_some_and(|name| without.iter().any(|w| name == *w));
        if entry.is_file() {
            found.push(entry);
        } else if !skipped {
            found.extend(files_below(&entry, without)?);
        }
    }
    Ok(found)
}

/// Whether the key kept in `file` is `key`.
pub(crate) fn is_current(file: &Path, key: &str) -> bool {
    std::fs::read_to_string(file).is_ok_and(|kept| kept.trim() == key)
}

#[cfg(test)]
mod tests {
    use super::Key;

    #[test]
    fn moving_a_byte_from_one_part_to_the_next_changes_the_key() {
        let one = Key::new().bytes(b"ab").bytes(b"c").finish();
        let other = Key::new().bytes(b"a").bytes(b"bc").finish();
        assert_ne!(one, other);
    }

    #[test]
    fn the_key_of_nothing_is_the_offset_basis_of_fnv() {
        assert_eq!(Key::new().finish(), "cbf29ce484222325");
    }
}
