//! A browser to test in: Chromium, and the driver that moves it.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::sh::Cmd;
use crate::{apt, lock, paths, ui};

const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/// A Chromium and its driver, found or installed.
pub(crate) struct Browser {
    pub(crate) program: PathBuf,
    pub(crate) driver: PathBuf,
}

/// Finds both, or installs Debian's. That neither can be had is an error: no test is skipped.
pub(crate) fn ensure() -> Result<Browser> {
    let _lock = lock::take("browser")?;
    if find().is_none() {
        apt::ensure(&["chromium", "chromium-driver"], "tests in a browser")?;
    }
    find().context(
        "no Chromium and chromedriver on PATH. On Debian: apt-get install chromium chromium-driver. \
         Elsewhere: install both, or name the driver in CHROMEDRIVER",
    )
}

fn find() -> Option<Browser> {
    let program = BROWSERS.iter().find_map(|name| paths::which(name))?;
    let named = std::env::var_os("CHROMEDRIVER")
        .map(PathBuf::from)
        .filter(|file| file.is_file());
    let driver = named.or_else(|| paths::which("chromedriver"))?;
    Some(Browser { program, driver })
}

/// Says which driver it is, which also proves that it starts.
pub(crate) fn describe(browser: &Browser) -> Result<()> {
    let version = Cmd::new(&browser.driver).arg("--version").read()?;
    ui::note(version.split(" (").next().unwrap_or_default().trim());
    Ok(())
}
