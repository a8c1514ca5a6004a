//! Measures the native goals and writes `target/bench/rust.json`. Arguments name goals; none is all.

use std::path::PathBuf;
use std::process::ExitCode;

use mockwire_benches::harness::{Plan, pin};
use mockwire_benches::peers::Loopback;
use mockwire_benches::{alloc, goals, report, subject};

fn main() -> ExitCode {
    // `cargo test --benches` runs this as well: there is nothing to test.
    let mut wanted: Vec<String> = std::env::args().skip(1).collect();
    if !wanted.iter().any(|argument| argument == "--bench") {
        return ExitCode::SUCCESS;
    }
    wanted.retain(|argument| !argument.starts_with('-'));
    alloc::keep_freed_memory();
    pin();
    let plan = Plan::from_env();
    let loopback = Loopback::new();
    let mut rows = goals::rows::<subject::Local>(plan, &loopback, &wanted);
    rows.extend(goals::rows::<subject::Sync>(plan, &loopback, &wanted));
    rows.extend(goals::rows_without_mode(plan, &loopback, &wanted));
    let rows = goals::with_worst(&rows);
    print!("{}", report::table(&rows));

    let path = std::env::var_os("MOCKWIRE_BENCH_OUT").map_or_else(
        || {
            PathBuf::from(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/../target/bench/rust.json"
            ))
        },
        PathBuf::from,
    );
    match report::write(&path, &rows) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}: {error}", path.display());
            ExitCode::FAILURE
        }
    }
}
