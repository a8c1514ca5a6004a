//! `cargo xtask test`: every check and every test, as named steps.

use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::lint::{self, Check};
use crate::sh::Cmd;
use crate::ui::{self, Align};
use crate::wasm_target::{self, TARGET};
use crate::{bindgen, browser, demo, examples, npm, pack, paths, serve, setup};

/// How long the tests themselves may take in a browser, in seconds: it may hang where code fails.
const BROWSER_SECONDS: u64 = 180;

/// The steps, in the order in which they run.
fn steps() -> Vec<Check> {
    let mut steps: Vec<Check> = vec![(
        "setup",
        "tools are installed",
        setup::run as fn() -> Result<()>,
    )];
    steps.extend(lint::CHECKS);
    let tests: [Check; 10] = [
        ("native", "tests of the workspace, all features", native),
        (
            "default",
            "tests of mockwire, default features",
            default_features,
        ),
        (
            "doctests",
            "examples in the documentation, all features",
            doctests,
        ),
        ("wasm-node", "tests as wasm32, in Node", wasm_node),
        (
            "wasm-browser",
            "tests as wasm32, in headless Chromium",
            wasm_browser,
        ),
        ("pack", "the npm package is built", pack::run),
        ("js", "tests of the packed npm package", js),
        ("page", "the demo page, in headless Chromium", page),
        ("demo", "the demo runs to its end", || demo::run(true)),
        ("examples", "every example runs to its end", examples::run),
    ];
    steps.extend(tests);
    steps
}

/// Prints the names of the steps.
pub(crate) fn list() {
    let rows: Vec<Vec<String>> = std::iter::once(("step", "what it shows"))
        .chain(steps().into_iter().map(|(name, what, _)| (name, what)))
        .map(|(name, what)| vec![name.to_owned(), what.to_owned()])
        .collect();
    ui::table(&[Align::Left, Align::Left], &rows);
}

/// Runs the steps named, or all of them. The first failure ends the run.
pub(crate) fn run(only: &[String]) -> Result<()> {
    let all = steps();
    if let Some(unknown) = only
        .iter()
        .find(|name| all.iter().all(|step| step.0 != **name))
    {
        bail!("there is no step `{unknown}`; `cargo xtask test --list` names them all");
    }
    let chosen = |step: &Check| only.is_empty() || only.iter().any(|name| name == step.0);
    let chosen: Vec<Check> = all.into_iter().filter(chosen).collect();
    let mut rows = vec![["step", "", "time"].map(str::to_owned).to_vec()];
    let (mut passed, mut failure) = (0, None);
    let start = Instant::now();
    for (index, (name, what, check)) in chosen.iter().enumerate() {
        let begun = Instant::now();
        let title = format!("{}/{} {name}: {what}", index + 1, chosen.len());
        let result = if failure.is_none() {
            Some(ui::step(&title, check))
        } else {
            None
        };
        let (outcome, time) = match result {
            None => ("not run", String::from("-")),
            Some(result) => {
                let outcome = if result.is_ok() { "passed" } else { "FAILED" };
                passed += usize::from(result.is_ok());
                failure = result.err().map(|error| (*name, error));
                (outcome, ui::elapsed(begun.elapsed()))
            }
        };
        rows.push(vec![(*name).to_owned(), outcome.to_owned(), time]);
    }
    ui::header(&format!("summary, after {}", ui::elapsed(start.elapsed())));
    ui::table(&[Align::Left, Align::Left, Align::Right], &rows);
    let Some((name, error)) = failure else {
        println!("\n{passed} passed, 0 failed");
        return Ok(());
    };
    println!("\nstep `{name}` failed; to run only it: cargo xtask test --only {name}");
    println!("{passed} passed, 1 failed");
    Err(error.context(format!("step `{name}` failed")))
}

fn native() -> Result<()> {
    Cmd::cargo("test --locked --workspace --all-features --lib --bins --tests").run()
}

fn default_features() -> Result<()> {
    Cmd::cargo("test --locked -p mockwire").run()
}

fn doctests() -> Result<()> {
    Cmd::cargo("test --locked -p mockwire --all-features --doc").run()
}

fn wasm_node() -> Result<()> {
    wasm("wasm_node")?.run()
}

fn wasm_browser() -> Result<()> {
    let driver = browser::ensure()?.driver;
    // Compiled first, so that only the tests are timed.
    wasm("wasm_browser")?.arg("--no-run").run()?;
    wasm("wasm_browser")?
        .env("CHROMEDRIVER", driver)
        .env("WASM_BINDGEN_TEST_TIMEOUT", "60")
        .time_box_all(Duration::from_secs(BROWSER_SECONDS))
        .run()
}

/// One test file, compiled for wasm32 and run by wasm-bindgen's runner. Where it runs is up to the
/// file: `wasm_bindgen_test_configure!`. No `--quiet`: the runner does not know it.
fn wasm(name: &str) -> Result<Cmd> {
    ensure!(
        paths::at("tests").join(format!("{name}.rs")).exists(),
        "there is no tests/{name}.rs"
    );
    let toolchain = wasm_target::ensure()?;
    let runner = bindgen::ensure()?.test_runner;
    let test = "test --locked -p mockwire --features js --target";
    let cmd = toolchain.cargo(test)?.arg(TARGET).arg("--test").arg(name);
    // The browser loads all of it, and has a limit to how long it may take: a third without what debuggers
    // want to know.
    let cmd = cmd.env("CARGO_PROFILE_DEV_DEBUG", "0");
    Ok(cmd.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", runner))
}

fn js() -> Result<()> {
    npm::install_tarball("tests/js", &pack::tarball()?)?;
    Cmd::new("npm")
        .arg("test")
        .dir(paths::at("tests/js"))
        .run()?;
    js_examples()
}

/// The examples in JavaScript, which find the packed package where its tests have it.
fn js_examples() -> Result<()> {
    let modules = paths::at("examples/js/node_modules");
    if !modules.exists() {
        symlink("../../tests/js/node_modules", &modules).context("linking the packages")?;
    }
    Cmd::new("node")
        .arg("--test")
        .dir(paths::at("examples/js"))
        .run()
}

/// The demo page, served as `demo` serves it.
fn page() -> Result<()> {
    npm::install_tarball("tests/js", &pack::tarball()?)?;
    let browser = browser::ensure()?;
    let address = serve::in_background()?;
    Cmd::new("node")
        .words("--test page.mjs")
        .dir(paths::at("tests/js"))
        .env("PAGE", format!("http://{address}/"))
        .env("CHROMIUM", browser.program)
        .time_box_all(Duration::from_secs(BROWSER_SECONDS))
        .run()
}
