//! `cargo xtask demo`: the main job, seen in a terminal from Rust and from JavaScript, then as a page.

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::sh::Cmd;
use crate::{npm, pack, paths, serve, ui};

const SECONDS: u64 = 60;

/// Runs both demos and, unless `once`, serves the page until it is interrupted.
pub(crate) fn run(once: bool) -> Result<()> {
    for file in ["examples/demo.rs", "tests/js/demo.mjs", "www/index.html"] {
        ensure!(paths::at(file).is_file(), "{file} is not there");
    }
    npm::install_tarball("tests/js", &pack::tarball()?)?;
    let limit = Duration::from_secs(SECONDS);
    let example = "-p mockwire --example demo --features reqwest,tower";
    Cmd::cargo("build --locked --quiet").words(example).run()?;
    ui::header("from Rust");
    Cmd::cargo("run --locked --quiet")
        .words(example)
        .time_box(limit)
        .run()?;
    ui::header("from JavaScript");
    Cmd::new("node")
        .arg("tests/js/demo.mjs")
        .time_box(limit)
        .run()?;
    if once {
        return Ok(());
    }
    ui::header("as a page");
    serve::run()
}
