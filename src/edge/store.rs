//! Cassettes as files: read whole, and replaced in one step.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cassette::{Cassette, Options, Problem, Recorder};
use crate::error::{Error, ErrorKind, Result};
use crate::mode::Mode;

/// How long to wait for whoever else is writing, and how often to look.
const PAUSE: Duration = Duration::from_millis(10);
const PAUSES: u32 = 1000;

impl Cassette {
    /// The cassette in a file.
    ///
    /// # Errors
    ///
    /// [`Cassette`](ErrorKind::Cassette) when the file cannot be read, or is cut off, corrupt, of a newer
    /// version or something else.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        match read(path)? {
            Some(cassette) => Ok(cassette),
            None => Err(of_file(path, Problem::Missing, None)),
        }
    }

    /// Writes the cassette to a file, whose directory is made where there is none. The file is replaced
    /// in one step: a process that dies meanwhile leaves it as it was.
    ///
    /// ```
    /// use mockwire::cassette::Cassette;
    ///
    /// let path = std::env::temp_dir().join("mockwire-doc-save.json");
    /// Cassette::new().save(&path)?;
    /// assert_eq!(Cassette::load(&path)?, Cassette::new());
    /// # std::fs::remove_file(path).unwrap();
    /// # Ok::<(), mockwire::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Cassette`](ErrorKind::Cassette) when the file cannot be written, or somebody else has been
    /// writing it for ten seconds.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let lock = Lock::take(path.as_ref())?;
        lock.replace(&self.to_json())
    }
}

impl<M: Mode> Recorder<M> {
    /// A recorder with the cassette of this file in it. In a mode that records, there need be no file
    /// yet.
    ///
    /// ```
    /// use mockwire::cassette::{Options, RecordMode};
    /// use mockwire::sync::{MockTransport, Recorder};
    ///
    /// let path = std::env::temp_dir().join("mockwire-doc-open.json");
    /// let real = MockTransport::new();
    /// real.get("/").reply("hello");
    ///
    /// let recorder = Recorder::open(&path, Options::new().mode(RecordMode::RecordMissing))?;
    /// let transport = MockTransport::new();
    /// transport.otherwise().record(&recorder, move |request| real.call(request));
    /// let request = http::Request::get("https://api.test/").body(()).unwrap();
    /// transport.block_on(async { transport.call(request).await?.into_body().bytes().await })?;
    /// recorder.save()?;
    ///
    /// assert_eq!(mockwire::cassette::Cassette::load(&path)?.entries.len(), 1);
    /// # std::fs::remove_file(path).unwrap();
    /// # Ok::<(), mockwire::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`Cassette::load`], and [`Invalid`](ErrorKind::Invalid) for a malformed option.
    pub fn open(path: impl AsRef<Path>, options: Options) -> Result<Self> {
        let path = path.as_ref();
        let cassette = match read(path)? {
            Some(cassette) => cassette,
            None if options.may_be_new() => Cassette::new(),
            None => return Err(of_file(path, Problem::Missing, None)),
        };
        Self::of_file(cassette, &options, Some(path.to_owned()))
    }

    /// Writes the cassette to the file that it was opened from; nothing in a mode that does not record.
    ///
    /// The file is replaced in one step: a process that dies meanwhile leaves it as it was. What others
    /// have added to it since it was opened stays. Exchanges that are going on are not in it yet.
    ///
    /// # Errors
    ///
    /// [`Cassette`](ErrorKind::Cassette) when the file cannot be read or written, or somebody else has
    /// been writing it for ten seconds. What was recorded is still here, to be saved again.
    ///
    /// # Panics
    ///
    /// If the recorder was not opened from a file: save its [`cassette`](Self::cassette).
    #[track_caller]
    pub fn save(&self) -> Result<()> {
        let Some(path) = self.path() else {
            panic!("the recorder has no file: use `Recorder::open`, or save its `cassette`");
        };
        if !self.mode().records() {
            return Ok(());
        }
        let lock = Lock::take(path)?;
        let cassette = match read(path)? {
            Some(others) => self.cassette_with(others),
            None => self.cassette(),
        };
        lock.replace(&cassette.to_json())
    }
}

/// `None` when there is no such file.
fn read(path: &Path) -> Result<Option<Cassette>> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(of_file(path, Problem::Unreadable, Some(error))),
    };
    let cassette = Cassette::read(&bytes).map(Some);
    cassette.map_err(|error| error.of_cassette(Some(&path.display().to_string())))
}

fn of_file(path: &Path, problem: Problem, source: Option<io::Error>) -> Error {
    let kind = ErrorKind::Cassette {
        path: Some(path.display().to_string()),
        problem,
    };
    match source {
        Some(source) => Error::with_source(kind, source),
        None => Error::new(kind),
    }
}

/// The right to replace a file: the new one, beside it, which only one can make. It goes when this is
/// dropped, or takes the place of the file.
struct Lock {
    target: PathBuf,
    path: PathBuf,
    /// Whether it has taken the place of the file.
    is_placed: bool,
}

impl Lock {
    fn take(path: &Path) -> Result<Self> {
        Self::take_within(path, PAUSES)
    }

    /// Looks so often whether nobody else writes.
    fn take_within(path: &Path, pauses: u32) -> Result<Self> {
        let failed = |error| of_file(path, Problem::Unwritable, Some(error));
        // Through a symbolic link: the file is replaced, not the link.
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if let Some(directory) = directory(&target) {
            fs::create_dir_all(directory).map_err(failed)?;
        }
        let mut name = target.clone().into_os_string();
        name.push(OsString::from(".lock"));
        let lock = PathBuf::from(name);
        for _ in 0..pauses {
            match File::create_new(&lock) {
                Ok(_) => {
                    return Ok(Self {
                        target,
                        path: lock,
                        is_placed: false,
                    });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    std::thread::sleep(PAUSE);
                }
                Err(error) => return Err(failed(error)),
            }
        }
        let lock = lock.display().to_string();
        Err(of_file(path, Problem::Locked { lock }, None))
    }

    /// Replaces the file, unless it has this text already.
    fn replace(mut self, text: &str) -> Result<()> {
        if fs::read(&self.target).is_ok_and(|now| now == text.as_bytes()) {
            return Ok(());
        }
        let written = self.try_replace(text);
        written.map_err(|error| of_file(&self.target, Problem::Unwritable, Some(error)))
    }

    fn try_replace(&mut self, text: &str) -> io::Result<()> {
        let mut file = File::options().write(true).open(&self.path)?;
        file.write_all(text.as_bytes())?;
        if let Ok(now) = fs::metadata(&self.target) {
            file.set_permissions(now.permissions())?;
        }
        file.sync_all()?;
        drop(file);
        fs::rename(&self.path, &self.target)?;
        self.is_placed = true;
        // So that the new name is on the disk as well; not every system has this, or needs it.
        if let Some(Ok(directory)) = directory(&self.target).map(File::open) {
            let _ = directory.sync_all();
        }
        Ok(())
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Another one may have made its own meanwhile, which must stay.
        if !self.is_placed {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn directory(path: &Path) -> Option<&Path> {
    path.parent()
        .filter(|parent| !parent.as_os_str().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_dead_process_has_left_is_told_and_harms_nothing() {
        let name = format!("mockwire-store-{}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        let path = directory.join("chat.json");
        Cassette::new().save(&path).unwrap();
        // As a process leaves it that dies while it writes.
        let lock = directory.join("chat.json.lock");
        fs::write(&lock, "{\"format\": \"mockw").unwrap();

        assert_eq!(Cassette::load(&path).unwrap(), Cassette::new());
        let Err(error) = Lock::take_within(&path, 1) else {
            panic!("the lock is there");
        };
        assert_eq!(error.code(), "MOCKWIRE_CASSETTE_LOCKED");
        let told = error.to_string();
        assert!(told.contains(&lock.display().to_string()), "{told}");
        // It is not ours, so it stays, until somebody does what the error says.
        assert!(lock.exists());
        fs::remove_file(&lock).unwrap();
        Lock::take_within(&path, 1).unwrap().replace("{}").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "{}");
        assert!(!lock.exists());
        fs::remove_dir_all(&directory).unwrap();
    }
}
