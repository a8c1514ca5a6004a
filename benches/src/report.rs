//! The rows, the table and the JSON file.

use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;

use crate::harness::Series;

/// What a figure must satisfy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// The figure is to stay at or below this.
    AtMost(f64),
    /// The figure is to reach this.
    AtLeast(f64),
    /// Reported, not judged.
    Unbounded,
}

/// One measured figure next to its goal.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The goal, with the mode as a suffix, e.g. `N1-sync`.
    pub id: String,
    /// What was measured, in words.
    pub what: String,
    /// The figure itself, in `unit`.
    pub median: f64,
    /// The best (least) round.
    pub min: f64,
    /// The worst (greatest) round.
    pub max: f64,
    /// The unit of the three above.
    pub unit: &'static str,
    /// The figure against the floor or the peer of the same run, where there is one.
    pub ratio: Option<f64>,
    /// The goal in words, e.g. `<= 1.25x`.
    pub bound: Option<String>,
    /// Whether the goal is met; absent where there is none.
    pub met: Option<bool>,
    /// How far inside its bound the figure is: 1 is on the line, below 1 has failed.
    #[serde(skip)]
    margin: f64,
}

/// Above this, a ratio counts only if the worst round beats the peer's best round as well.
const CLEAR_WIN: f64 = 1.5;

impl Row {
    /// An exact count or an absolute figure, judged by its median.
    #[must_use]
    pub fn absolute(id: &str, what: &str, ours: &Series, unit: &'static str, bound: Bound) -> Self {
        Self::judged(id, what, ours, unit, bound, ours.median(), None, true)
    }

    /// How many times `floor` the figure `ours` costs.
    #[must_use]
    pub fn cost(id: &str, what: &str, ours: &Series, floor: &Series, bound: Bound) -> Self {
        let ratio = ours.median() / floor.median();
        Self::judged(id, what, ours, "ns", bound, ratio, Some(ratio), true)
    }

    /// How many times faster `ours` is than `peer`.
    #[must_use]
    pub fn faster(id: &str, what: &str, ours: &Series, peer: &Series, least: f64) -> Self {
        let ratio = peer.median() / ours.median();
        let clear = least <= CLEAR_WIN || ours.max() < peer.min();
        Self::judged(
            id,
            what,
            ours,
            "ns",
            Bound::AtLeast(least),
            ratio,
            Some(ratio),
            clear,
        )
    }

    /// A floor or a peer, shown so that the ratios can be checked.
    #[must_use]
    pub fn shown(id: &str, series: &Series, unit: &'static str) -> Self {
        Self::absolute(id, &series.name, series, unit, Bound::Unbounded)
    }

    #[allow(
        clippy::too_many_arguments,
        reason = "private, called by the three above"
    )]
    fn judged(
        id: &str,
        what: &str,
        ours: &Series,
        unit: &'static str,
        bound: Bound,
        figure: f64,
        ratio: Option<f64>,
        clear: bool,
    ) -> Self {
        let times = if ratio.is_some() { "x" } else { "" };
        let (bound, met, margin) = match bound {
            Bound::AtMost(most) => (
                Some(format!("<= {most}{times}")),
                Some(figure <= most && clear),
                (most.max(0.0) + f64::EPSILON) / (figure.max(0.0) + f64::EPSILON),
            ),
            Bound::AtLeast(least) => (
                Some(format!(">= {least}{times}")),
                Some(figure >= least && clear),
                figure / least,
            ),
            Bound::Unbounded => (None, None, f64::INFINITY),
        };
        Self {
            id: id.to_owned(),
            what: what.to_owned(),
            median: ours.median(),
            min: ours.min(),
            max: ours.max(),
            unit,
            ratio,
            bound,
            met,
            margin: if met == Some(false) {
                margin.min(1.0)
            } else {
                margin
            },
        }
    }
}

/// The judged row that is furthest from its goal, under the goal's plain name.
///
/// # Panics
///
/// If a figure is not a number.
#[must_use]
pub fn worst(id: &str, rows: &[Row]) -> Option<Row> {
    let judged = rows.iter().filter(|row| row.met.is_some());
    let worst = judged.min_by(|a, b| {
        let order = (a.met, a.margin).partial_cmp(&(b.met, b.margin));
        order.expect("figures are numbers")
    })?;
    Some(Row {
        id: id.to_owned(),
        what: format!("worst of its rows: {}", worst.id),
        ..worst.clone()
    })
}

/// The rows as a table for people.
#[must_use]
pub fn table(rows: &[Row]) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{:<26} {:>11} {:>11} {:>11} {:<8} {:>8} {:>10}  {:<4} what",
        "id", "median", "min", "max", "unit", "ratio", "goal", "met"
    );
    for row in rows {
        let ratio = row
            .ratio
            .map_or_else(String::new, |ratio| format!("{ratio:.2}x"));
        let met = match row.met {
            Some(true) => "yes",
            Some(false) => "NO",
            None => "",
        };
        let _ = writeln!(
            out,
            "{:<26} {:>11.2} {:>11.2} {:>11.2} {:<8} {:>8} {:>10}  {:<4} {}",
            row.id,
            row.median,
            row.min,
            row.max,
            row.unit,
            ratio,
            row.bound.as_deref().unwrap_or(""),
            met,
            row.what
        );
    }
    out
}

/// Writes the rows to `path` as a JSON array.
///
/// # Errors
///
/// If the file cannot be written.
pub fn write(path: &Path, rows: &[Row]) -> std::io::Result<()> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    std::fs::write(path, serde_json::to_string_pretty(rows)? + "\n")
}
