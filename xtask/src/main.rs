//! The chores of this repository: `cargo xtask --help`.
//!
//! A chore is a file of its own; this one only finds out which is meant.

mod apt;
mod bench;
mod bindgen;
mod browser;
mod debian;
mod demo;
mod examples;
mod hash;
mod laws;
mod licences;
mod lint;
mod lock;
mod lockfiles;
mod npm;
mod pack;
mod paths;
mod rust_text;
mod serve;
mod setup;
mod sh;
mod test;
mod ui;
mod wasm_target;

use std::process::ExitCode;

use anyhow::{Result, bail};

const HELP: &str = "\
The chores of this repository.

Usage: cargo xtask COMMAND [OPTION...]

Commands:
  setup    Install what is missing: the wasm32 target, wasm-bindgen, Chromium, npm packages
  demo     Show the main job in the terminal, then serve the page
             --once            do not serve the page
  test     Check and test everything; the first failure ends the run
             --only STEP...    run only these steps
             --list            name the steps
  lint     The checks alone: format, laws of the house, lockfiles, licences, clippy, docs
  pack     Build the npm package into target/npm
  bench    Measure, and print the figures beside their goals
             --quick           few rounds: to see that it works
             --rust, --node    only this side
             --strict          fail if a goal is not met

`demo`, `test`, `pack` and `bench` install for themselves what they need.
What is installed goes to .tools and node_modules, except for Debian packages.

Environment:
  MOCKWIRE_WASM_DEBIAN=1      do not ask rustup for wasm32, use Debian's compiler
  MOCKWIRE_RUSTUP_SECONDS=60  how long rustup may take before Debian is asked instead
  MOCKWIRE_NO_APT=1           never install Debian packages; fail and name them
  CHROMEDRIVER=PATH           the driver to use for tests in a browser
  NO_COLOR=1                  no colours
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\n{} {error}", ui::red("error:"));
            for cause in error.chain().skip(1) {
                eprintln!("  because: {}", cause.to_string().replace('\n', "\n    "));
            }
            ExitCode::FAILURE
        }
    }
}

fn dispatch(args: &[String]) -> Result<()> {
    let Some((command, options)) = args.split_first() else {
        print!("{HELP}");
        return Ok(());
    };
    if args
        .iter()
        .any(|arg| matches!(arg.as_str(), "--help" | "-h" | "help"))
    {
        print!("{HELP}");
        return Ok(());
    }
    let mut options = Options {
        command,
        left: options.to_vec(),
    };
    match command.as_str() {
        "setup" => options.none().and_then(|()| setup::run()),
        "lint" => options.none().and_then(|()| lint::run()),
        "pack" => {
            options.none()?;
            ui::step("the npm package", pack::run)
        }
        "demo" => {
            let once = options.flag("--once");
            options.none()?;
            demo::run(once)
        }
        "test" => {
            let list = options.flag("--list");
            let only = options.rest("--only")?;
            options.none()?;
            if list {
                test::list();
                return Ok(());
            }
            test::run(&only)
        }
        "bench" => {
            let [quick, strict, rust, node] =
                ["--quick", "--strict", "--rust", "--node"].map(|name| options.flag(name));
            options.none()?;
            // Neither side named means both.
            let (rust, node) = (rust || !node, node || !rust);
            bench::run(bench::Options {
                quick,
                strict,
                rust,
                node,
            })
        }
        unknown => bail!("there is no command `{unknown}`; `cargo xtask --help` names them all"),
    }
}

/// The words after the command that nobody has claimed yet.
struct Options<'a> {
    command: &'a str,
    left: Vec<String>,
}

impl Options<'_> {
    /// Claims a word, and says whether it was there.
    fn flag(&mut self, name: &str) -> bool {
        let before = self.left.len();
        self.left.retain(|word| word != name);
        self.left.len() < before
    }

    /// Claims a word and all that follow it up to the next option, which must be at least one.
    fn rest(&mut self, name: &str) -> Result<Vec<String>> {
        let Some(at) = self.left.iter().position(|word| word == name) else {
            return Ok(Vec::new());
        };
        let count = self.left[at + 1..]
            .iter()
            .take_while(|word| !word.starts_with('-'))
            .count();
        let values: Vec<String> = self.left.drain(at..=at + count).skip(1).collect();
        if values.is_empty() {
            bail!("{name} wants at least one name after it");
        }
        Ok(values)
    }

    /// Fails if anything is left.
    fn none(&self) -> Result<()> {
        match self.left.first() {
            Some(word) => bail!("`cargo xtask {}` does not know `{word}`", self.command),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Options;

    fn options(words: &str) -> Options<'_> {
        Options {
            command: "test",
            left: words.split_whitespace().map(str::to_owned).collect(),
        }
    }

    #[test]
    fn names_end_where_the_next_option_begins() {
        let mut options = options("--only fmt laws --list");
        assert_eq!(options.rest("--only").unwrap(), ["fmt", "laws"]);
        assert!(options.flag("--list"));
        assert!(options.none().is_ok());
    }

    #[test]
    fn an_option_that_nobody_claims_is_an_error() {
        assert!(options("--onyl fmt").none().is_err());
        assert!(options("--only").rest("--only").is_err());
    }
}
