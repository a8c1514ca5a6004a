//! The examples: each must run to its end, by itself and soon.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::sh::Cmd;
use crate::{hash, paths};

const SECONDS: u64 = 60;

/// Builds every example, then runs each.
pub(crate) fn run() -> Result<()> {
    let files = hash::files_below(&paths::at("examples"), &["node_modules"])?;
    let examples: Vec<&str> = files
        .iter()
        .filter_map(|file| file.to_str())
        .filter_map(name)
        .collect();
    ensure!(!examples.is_empty(), "there is no example in examples/");
    Cmd::cargo("build --locked -p mockwire --examples --all-features").run()?;
    for name in examples {
        Cmd::cargo("run --locked --quiet -p mockwire --all-features --example")
            .arg(name)
            .time_box(Duration::from_secs(SECONDS))
            .run()
            .with_context(|| format!("the example `{name}`"))?;
    }
    Ok(())
}

/// The name of the example in a file: `examples/name.rs` or `examples/name/main.rs`.
fn name(file: &str) -> Option<&str> {
    let (_, inside) = file.rsplit_once("examples/")?;
    let name = inside
        .strip_suffix("/main.rs")
        .or_else(|| inside.strip_suffix(".rs"))?;
    (!name.contains('/')).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn both_layouts_of_an_example_are_known() {
        assert_eq!(name("/x/examples/demo.rs"), Some("demo"));
        assert_eq!(name("/x/examples/big/main.rs"), Some("big"));
        assert_eq!(name("/x/examples/big/part.rs"), None);
        assert_eq!(name("/x/examples/data.json"), None);
    }
}
