//! Running other programs: shown before they start, and named with their reason when they fail.

use std::ffi::OsStr;
use std::fmt;
use std::fs::File;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::{paths, ui};

/// How often a program that writes to a log is reported as still running.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Variables that make no difference to one who types the command again.
const UNSHOWN: [&str; 2] = ["PATH", "CARGO_ENCODED_RUSTFLAGS"];

/// A program to run, from the root of the checkout unless told otherwise.
pub(crate) struct Cmd {
    inner: Command,
    time_box: Option<Duration>,
    own_group: bool,
}

impl Cmd {
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Self {
        let mut inner = Command::new(program);
        inner.current_dir(paths::root());
        Self {
            inner,
            time_box: None,
            own_group: false,
        }
    }

    /// `cargo`, with these words after it.
    pub(crate) fn cargo(words: &str) -> Self {
        Self::new("cargo").words(words)
    }

    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.inner.arg(arg);
        self
    }

    /// Adds the words of a text, split at white space.
    pub(crate) fn words(mut self, words: &str) -> Self {
        self.inner.args(words.split_whitespace());
        self
    }

    pub(crate) fn dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.inner.current_dir(dir);
        self
    }

    pub(crate) fn env(mut self, key: &str, value: impl AsRef<OsStr>) -> Self {
        self.inner.env(key, value);
        self
    }

    pub(crate) fn env_remove(mut self, key: &str) -> Self {
        self.inner.env_remove(key);
        self
    }

    /// Ends the program after this long. It cannot ask questions meanwhile.
    pub(crate) fn time_box(mut self, limit: Duration) -> Self {
        self.time_box = Some(limit);
        self.inner.stdin(Stdio::null());
        self
    }

    /// Ends the program and those it has started. The price: Ctrl-C does not reach them.
    pub(crate) fn time_box_all(mut self, limit: Duration) -> Self {
        self.own_group = true;
        self.inner.process_group(0);
        self.time_box(limit)
    }

    /// Runs the program with its output going where ours goes.
    pub(crate) fn run(mut self) -> Result<()> {
        println!("   {}", ui::dim(&format!("$ {self}")));
        let child = self.spawn()?;
        let status = self.wait(child, |_| ())?;
        self.check(status)
    }

    /// Runs the program with its output going to a log, and says now and then that it still runs.
    pub(crate) fn run_logged(mut self, log: &Path) -> Result<()> {
        println!("   {}", ui::dim(&format!("$ {self}")));
        let file = File::create(log).with_context(|| format!("creating {}", log.display()))?;
        self.inner
            .stdin(Stdio::null())
            .stderr(file.try_clone()?)
            .stdout(file);
        let child = self.spawn()?;
        let status = self.wait(child, |time| {
            let last = tail(log, 1).trim().chars().take(90).collect::<String>();
            ui::note(&ui::dim(&format!(
                "... {} so far: {last}",
                ui::elapsed(time)
            )));
        })?;
        self.check(status)
            .with_context(|| format!("{}\n(from {})", tail(log, 20), paths::shown(log)))
    }

    /// Runs the program and returns what it wrote to standard output.
    pub(crate) fn read(mut self) -> Result<String> {
        let output = self.inner.output().with_context(|| self.unstartable())?;
        if !output.status.success() {
            print!("{}", String::from_utf8_lossy(&output.stderr));
        }
        self.check(output.status)?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Whether the program runs and is content. Its output goes nowhere.
    pub(crate) fn succeeds(mut self) -> bool {
        let nowhere = self
            .inner
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        nowhere.status().is_ok_and(|status| status.success())
    }

    fn spawn(&mut self) -> Result<Child> {
        self.inner.spawn().with_context(|| self.unstartable())
    }

    fn unstartable(&self) -> String {
        format!(
            "could not start `{}`",
            self.inner.get_program().to_string_lossy()
        )
    }

    fn wait(&self, mut child: Child, mut beat: impl FnMut(Duration)) -> Result<ExitStatus> {
        let start = Instant::now();
        let mut next_beat = HEARTBEAT;
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(status);
            }
            let time = start.elapsed();
            if time >= next_beat {
                next_beat += HEARTBEAT;
                beat(time);
            }
            if self.time_box.is_some_and(|limit| time >= limit) {
                if self.own_group {
                    let group = format!("-{}", child.id());
                    Command::new("kill")
                        .args(["-KILL", "--", &group])
                        .status()?;
                }
                child.kill()?;
                child.wait()?;
                bail!(
                    "`{self}` was ended: it took longer than {}",
                    ui::elapsed(time)
                );
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn check(&self, status: ExitStatus) -> Result<()> {
        match (status.code(), status.signal()) {
            (Some(0), _) => Ok(()),
            (Some(code), _) => bail!("`{self}` exited with {code}"),
            (None, Some(signal)) => bail!("`{self}` was ended by signal {signal}"),
            (None, None) => bail!("`{self}` failed"),
        }
    }
}

/// The command as one would type it at the root of the checkout.
impl fmt::Display for Cmd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = paths::root();
        let dir = self.inner.get_current_dir().unwrap_or(&root);
        let below = dir
            .strip_prefix(&root)
            .map_or(0, |below| below.components().count());
        let up = "../".repeat(below);
        let prefix = format!("{}/", root.display());
        let short = |text: &OsStr| text.to_string_lossy().replace(&prefix, &up);
        let quoted = |text: String| {
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=,:@+".contains(c);
            if !text.is_empty() && text.chars().all(plain) {
                text
            } else {
                format!("'{text}'")
            }
        };
        if dir != root {
            write!(f, "cd {} && ", quoted(paths::shown(dir)))?;
        }
        for (key, value) in self
            .inner
            .get_envs()
            .filter(|(key, _)| !UNSHOWN.iter().any(|name| key == name))
        {
            if let Some(value) = value {
                write!(f, "{}={} ", key.to_string_lossy(), quoted(short(value)))?;
            }
        }
        f.write_str(&quoted(short(self.inner.get_program())))?;
        self.inner
            .get_args()
            .try_for_each(|arg| write!(f, " {}", quoted(short(arg))))
    }
}

/// The last lines of a file; empty if it cannot be read.
pub(crate) fn tail(file: &Path, lines: usize) -> String {
    let text = std::fs::read(file).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let all: Vec<&str> = text
        .split(['\n', '\r'])
        .filter(|line| !line.trim().is_empty())
        .collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

/// `PATH` with `dir` in front of it.
pub(crate) fn path_with(dir: PathBuf) -> Result<std::ffi::OsString> {
    let old = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths(std::iter::once(dir).chain(std::env::split_paths(&old)))
        .context("a directory on PATH has a colon in its name")
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Cmd;

    #[test]
    fn a_command_is_shown_as_one_would_type_it() {
        let dir = crate::paths::at("tests/js");
        let cmd = Cmd::new("npm")
            .arg("a b")
            .arg(crate::paths::at("x/y"))
            .dir(dir);
        assert_eq!(
            cmd.env("KEY", "1").to_string(),
            "cd tests/js && KEY=1 npm 'a b' ../../x/y"
        );
    }

    #[test]
    fn a_failure_names_the_command_and_its_reason() {
        let error = Cmd::new("sh").arg("-c").arg("exit 3").read().unwrap_err();
        assert_eq!(error.to_string(), "`sh -c 'exit 3'` exited with 3");
        let error = Cmd::new("no-such-program").run().unwrap_err();
        assert_eq!(error.to_string(), "could not start `no-such-program`");
    }

    #[test]
    fn a_time_box_ends_what_the_program_has_started_too() {
        let start = Instant::now();
        let mut hangs = Cmd::new("sh").arg("-c").arg("sleep 30 | sleep 30");
        hangs = hangs.time_box_all(Duration::from_millis(100));
        assert!(
            hangs
                .run()
                .unwrap_err()
                .to_string()
                .contains("it took longer than")
        );
        assert!(start.elapsed() < Duration::from_secs(10));
    }
}
