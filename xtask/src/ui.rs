//! What the reader sees: headers, notes, times and tables, in colour on a terminal.

use std::io::IsTerminal;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use anyhow::Result;

fn colours() -> bool {
    static COLOURS: OnceLock<bool> = OnceLock::new();
    *COLOURS
        .get_or_init(|| std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none())
}

fn paint(code: &str, text: &str) -> String {
    if colours() {
        format!("\x1b[{code}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}

pub(crate) fn bold(text: &str) -> String {
    paint("1", text)
}

pub(crate) fn dim(text: &str) -> String {
    paint("2", text)
}

pub(crate) fn green(text: &str) -> String {
    paint("32", text)
}

pub(crate) fn red(text: &str) -> String {
    paint("31", text)
}

/// A header that opens a section.
pub(crate) fn header(title: &str) {
    println!("\n{}", bold(&format!("== {title}")));
}

/// One line of progress inside a section.
pub(crate) fn note(text: &str) {
    println!("   {text}");
}

/// `950 ms`, `12.3 s`, `2 min 05 s`.
pub(crate) fn elapsed(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 1.0 {
        format!("{:.0} ms", seconds * 1000.0)
    } else if seconds < 60.0 {
        format!("{seconds:.1} s")
    } else {
        format!("{} min {:02} s", time.as_secs() / 60, time.as_secs() % 60)
    }
}

/// Runs `work` under a header and says how long it took.
pub(crate) fn step<T>(title: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    header(title);
    let start = Instant::now();
    let result = work();
    let time = elapsed(start.elapsed());
    match &result {
        Ok(_) => note(&green(&format!("done in {time}"))),
        Err(_) => note(&red(&format!("failed after {time}"))),
    }
    result
}

/// How the cells of a column stand.
#[derive(Clone, Copy)]
pub(crate) enum Align {
    Left,
    Right,
}

/// Prints rows in columns as wide as their widest cell. The first row is the heading.
pub(crate) fn table(align: &[Align], rows: &[Vec<String>]) {
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
    };
    for (index, row) in rows.iter().enumerate() {
        let mut line = String::from("  ");
        for (column, cell) in row.iter().enumerate() {
            let gap = width(column).unwrap_or(0) - cell.chars().count();
            let fill = " ".repeat(gap);
            line.push(' ');
            match align.get(column) {
                Some(Align::Right) => line.extend([fill.as_str(), cell]),
                _ => line.extend([cell, fill.as_str()]),
            }
            line.push(' ');
        }
        let line = line.trim_end();
        println!(
            "{}",
            if index == 0 {
                dim(line)
            } else {
                line.to_owned()
            }
        );
    }
}
