//! `cargo xtask bench`: runs the benchmarks and sets their figures side by side.

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::sh::Cmd;
use crate::ui::{self, Align};
use crate::{npm, pack, paths};

/// What the command line asks for.
#[derive(Clone, Copy)]
pub(crate) struct Options {
    pub(crate) quick: bool,
    pub(crate) rust: bool,
    pub(crate) node: bool,
    pub(crate) strict: bool,
}

fn figures(name: &str) -> PathBuf {
    paths::at("target/bench").join(format!("{name}.json"))
}

/// Runs the benchmarks and writes `target/bench/summary.json`.
pub(crate) fn run(options: Options) -> Result<()> {
    std::fs::create_dir_all(paths::at("target/bench"))?;
    if options.rust {
        let bench = Cmd::cargo("bench --locked -p mockwire-benches");
        ui::step("benchmarks in Rust", || {
            measure("rust", bench, options.quick)
        })?;
    }
    if options.node {
        ui::step("benchmarks in Node", || {
            ensure!(
                paths::at("benches/js/run.mjs").is_file(),
                "benches/js/run.mjs is not there"
            );
            npm::install_tarball("benches/js", &pack::tarball()?)?;
            measure(
                "js",
                Cmd::new("node").arg("benches/js/run.mjs"),
                options.quick,
            )
        })?;
    }
    let mut all = Vec::new();
    for (name, measured) in [("rust", options.rust), ("js", options.node)] {
        if !measured && figures(name).exists() {
            ui::note(&format!(
                "the figures of `{name}` are those of an earlier run"
            ));
        }
        if figures(name).exists() {
            all.extend(read(name)?);
        }
    }
    all.sort_by(|one, other| text(&one["id"]).cmp(&text(&other["id"])));
    std::fs::write(
        figures("summary"),
        serde_json::to_string_pretty(&all)? + "\n",
    )?;
    print(&all, options);
    let missed = all.iter().filter(|figure| figure["met"] == false).count();
    if options.strict && missed > 0 {
        bail!("{missed} goals are not met, and --strict was given");
    }
    Ok(())
}

/// Runs one side. It must write its figures anew: those of an earlier run are removed first.
fn measure(name: &str, mut cmd: Cmd, quick: bool) -> Result<()> {
    if figures(name).exists() {
        std::fs::remove_file(figures(name))?;
    }
    if quick {
        cmd = cmd.env("MOCKWIRE_BENCH_QUICK", "1");
    }
    cmd.env("MOCKWIRE_BENCH_OUT", figures(name)).run()?;
    let count = read(name)?.len();
    ensure!(count > 0, "{} has no figures", paths::shown(&figures(name)));
    Ok(())
}

fn read(name: &str) -> Result<Vec<Value>> {
    let file = figures(name);
    let text = std::fs::read_to_string(&file)
        .with_context(|| format!("the benchmarks have not written {}", paths::shown(&file)))?;
    serde_json::from_str(&text).with_context(|| format!("reading {}", paths::shown(&file)))
}

fn print(all: &[Value], options: Options) {
    ui::header("figures: median [min..max], and the ratio to the reference of the same run");
    if options.quick {
        ui::note("quick: too few rounds to compare with anything");
    }
    let heading = ["id", "what", "figure", "unit", "ratio", "bound", "met"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    for figure in all {
        let [median, min, max] = ["median", "min", "max"].map(|name| number(&figure[name]));
        let met = match figure["met"].as_bool() {
            Some(true) => "✓",
            Some(false) => "✗",
            None => "-",
        };
        rows.push(vec![
            text(&figure["id"]),
            text(&figure["what"]),
            match figure["median"].as_f64() {
                Some(_) => format!("{median} [{min}..{max}]"),
                None => String::from("skipped"),
            },
            text(&figure["unit"]),
            number(&figure["ratio"]),
            number(&figure["bound"]),
            met.to_owned(),
        ]);
    }
    use Align::{Left, Right};
    ui::table(&[Left, Left, Right, Left, Right, Right, Left], &rows);
    let count = |met: bool| all.iter().filter(|figure| figure["met"] == met).count();
    let (met, missed) = (count(true), count(false));
    let without = all.len() - met - missed;
    println!("\n{met} goals met, {missed} not met, {without} figures without a goal");
    ui::note(&format!("written to {}", paths::shown(&figures("summary"))));
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or("-").to_owned()
}

/// Three digits that count: `0.123`, `12.3`, `12345`. Text, as in "<= 1.2", stays as it is.
fn number(value: &Value) -> String {
    let Some(number) = value.as_f64() else {
        return text(value);
    };
    let decimals = match number.abs() {
        size if size >= 100.0 || size == 0.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        _ => 3,
    };
    format!("{number:.decimals$}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::number;

    #[test]
    fn numbers_keep_three_digits_that_count() {
        let shown = [
            json!(12345.6),
            json!(12.34),
            json!(1.234),
            json!(0.1234),
            json!(0),
        ];
        assert_eq!(
            shown.map(|value| number(&value)),
            ["12346", "12.3", "1.23", "0.123", "0"]
        );
        assert_eq!(
            [json!(null), json!("<= 1.2")].map(|value| number(&value)),
            ["-", "<= 1.2"]
        );
    }
}
