//! Measures every native goal and writes `target/bench/rust.json`.

use std::path::PathBuf;
use std::process::ExitCode;

use mockwire_benches::harness::{Plan, pin};
use mockwire_benches::peers::Loopback;
use mockwire_benches::{alloc, goals, report, subject};

fn main() -> ExitCode {
    // `cargo test --benches` runs this as well: there is nothing to test.
    if !std::env::args().any(|argument| argument == "--bench") {
        return ExitCode::SUCCESS;
    }
    alloc::keep_freed_memory();
    pin();
    let plan = Plan::from_env();
    let loopback = Loopback::new();
    let mut rows = goals::all::<subject::Local>(plan, &loopback);
    rows.extend(goals::all::<subject::Sync>(plan, &loopback));
    let rows = goals::with_worst(rows);
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
