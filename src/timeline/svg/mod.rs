//! A timeline as a picture: a waterfall.

mod canvas;
mod legend;
mod row;
mod scale;

use std::collections::HashMap;
use std::time::Duration;

use self::canvas::{Canvas, escaped, fitted, short};
use self::row::Row;
use self::scale::Scale;
use super::retries::Retry;
use super::value::{Outage, Outcome, Timeline};
use super::words;

const WIDTH: f64 = 1200.0;
/// Where methods begin, where the text on the left ends, and where time begins and ends.
const METHOD: f64 = 52.0;
const LABELS: f64 = 356.0;
const PLOT: [f64; 2] = [376.0, 1052.0];
/// The heights: of the heading, of an outage, of an exchange, of the legend.
const TOP: f64 = 92.0;
const STRIP: f64 = 22.0;
const ROW: f64 = 36.0;
const LEGEND: f64 = 52.0;

/// How wide a character of small text is, about.
const SMALL: f64 = 5.3;

/// How far apart the lines of retries are.
const BESIDE: f64 = 4.0;

/// How many exchanges and outages are drawn.
const MOST_ROWS: usize = 400;
const MOST_STRIPS: usize = 24;

const STYLE: &str = include_str!("style.css");
const DEFINITIONS: &str = concat!(
    r#"<defs><pattern id="mw-queue" width="5" height="5" patternUnits="userSpaceOnUse" "#,
    r#"patternTransform="rotate(45)"><path class="hatch" d="M0 0V5"/></pattern>"#,
    r#"<pattern id="mw-down" width="7" height="7" patternUnits="userSpaceOnUse" "#,
    r#"patternTransform="rotate(45)"><path class="down-line" d="M0 0V7"/></pattern></defs>"#,
);

impl Timeline {
    /// The timeline as a picture: a waterfall, as SVG.
    ///
    /// Each exchange has a lane: hatched while it is queued, a line while it waits for the head, a bar
    /// with a tick for each frame while its body comes; what went wrong is marked at its end, retries
    /// are joined to what they repeat, and outages shade the lanes of their hosts. A long time in which
    /// nothing happens is cut out of the axis.
    ///
    /// It has no scripts and no fonts of its own, follows the light or dark scheme of its reader, and
    /// says everything in words as well, where the pointer rests. The first 400 exchanges are drawn.
    ///
    /// ```
    /// use mockwire::{Reply, sync::MockTransport};
    ///
    /// let transport = MockTransport::new();
    /// transport.get("/").reply(Reply::text("hello"));
    /// let request = http::Request::get("https://api.test/").body(()).unwrap();
    /// transport.block_on(async { transport.call(request).await?.into_body().text().await })?;
    ///
    /// let svg = transport.timeline().to_svg();
    /// assert!(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""));
    /// # Ok::<(), mockwire::Error>(())
    /// ```
    #[must_use]
    pub fn to_svg(&self) -> String {
        Picture::of(self).draw()
    }

    /// All times at which something happens.
    fn times(&self) -> Vec<Duration> {
        let mut times = Vec::new();
        for entry in &self.entries {
            times.extend([entry.received, entry.ended_by(self.now)]);
            times.extend(entry.queued.as_ref().and_then(|queued| queued.acquired));
            times.extend(entry.head.as_ref().map(|head| head.at));
            times.extend(entry.frames.iter().map(|frame| frame.at));
            times.extend(entry.messages.iter().map(|said| said.at));
        }
        for outage in &self.outages {
            times.push(outage.from);
            times.push(outage.until.unwrap_or(self.now));
        }
        times
    }
}

/// A picture in the making.
struct Picture<'a> {
    timeline: &'a Timeline,
    retries: Vec<Retry>,
    scale: Scale,
    /// How many exchanges, and how many outages are drawn.
    rows: usize,
    strips: usize,
}

impl<'a> Picture<'a> {
    fn of(timeline: &'a Timeline) -> Self {
        Self {
            timeline,
            retries: timeline.retries(),
            scale: Scale::new(&timeline.times(), PLOT[0], PLOT[1]),
            rows: timeline.entries.len().min(MOST_ROWS),
            strips: timeline.outages.len().min(MOST_STRIPS),
        }
    }

    fn draw(&self) -> String {
        let mut canvas = Canvas::default();
        let height = short(self.bottom() + LEGEND);
        let summary = escaped(&self.summary());
        canvas.raw(&format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"mw\" width=\"{WIDTH}\" height=\"{height}\" \
             viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-labelledby=\"mw-title mw-desc\">\
             <title id=\"mw-title\">Timeline of a mock transport</title>\
             <desc id=\"mw-desc\">{summary}</desc><style>{STYLE}</style>{DEFINITIONS}"
        ));
        canvas.rect("bg", 0.0, 0.0, WIDTH, self.bottom() + LEGEND);
        self.draw_heading(&mut canvas);
        let rows = self.rows();
        for row in rows.iter().step_by(2) {
            canvas.rect("stripe", 0.0, row.top, WIDTH, ROW);
        }
        self.draw_axis(&mut canvas);
        self.draw_outages(&rows, &mut canvas);
        self.draw_retries(&rows, &mut canvas);
        for row in &rows {
            row.draw(&mut canvas);
        }
        self.draw_cuts(&mut canvas);
        for row in &rows {
            row.note(&mut canvas);
        }
        self.note_outages(&mut canvas);
        self.draw_legend(&mut canvas);
        canvas.close("svg");
        canvas.finish()
    }

    fn rows(&self) -> Vec<Row<'_>> {
        let first = TOP + STRIP * self.strips as f64;
        let entries = self.timeline.entries.iter().take(self.rows).enumerate();
        let rows = entries.map(|(at, entry)| Row {
            entry,
            retry: self.retries.iter().find(|it| it.sequence == entry.sequence),
            scale: &self.scale,
            now: self.timeline.now,
            top: first + ROW * at as f64,
        });
        rows.collect()
    }

    /// Where the last row ends.
    fn bottom(&self) -> f64 {
        let rows = (self.rows as f64).max(1.0);
        TOP + STRIP * self.strips as f64 + ROW * rows
    }

    /// `12 exchanges in 4.2 s · 2 retries · 1 failed · api.test was killed ...`
    fn summary(&self) -> String {
        let timeline = self.timeline;
        let exchanges = words::count(timeline.entries.len() as u64, "exchange");
        let times = timeline.times();
        let lasted = match (times.iter().min(), times.iter().max()) {
            (Some(first), Some(last)) if first < last => words::duration(*last - *first),
            _ => "no time".to_owned(),
        };
        let mut parts = vec![format!("{exchanges} in {lasted}")];
        let ended = |outcome: Outcome| {
            let ends = timeline.entries.iter().filter_map(|it| it.end.as_ref());
            ends.filter(|end| end.outcome == outcome).count()
        };
        let retries = self.retries.len();
        for (number, what) in [
            (retries, if retries == 1 { "retry" } else { "retries" }),
            (ended(Outcome::Failed), "failed"),
            (ended(Outcome::Unmatched), "unmatched"),
            (ended(Outcome::Cancelled), "given up by the client"),
        ] {
            if number > 0 {
                parts.push(format!("{number} {what}"));
            }
        }
        let going_on = timeline.entries.iter().filter(|it| it.end.is_none());
        match going_on.count() {
            0 => {}
            1 => parts.push("1 goes on".to_owned()),
            more => parts.push(format!("{more} go on")),
        }
        if !timeline.outages.is_empty() {
            parts.push(words::count(timeline.outages.len() as u64, "outage"));
        }
        if timeline.dropped_entries > 0 {
            parts.push(format!(
                "{} earlier ones not kept",
                timeline.dropped_entries
            ));
        }
        parts.join(" · ")
    }

    fn draw_heading(&self, canvas: &mut Canvas) {
        canvas.text("head", 16.0, 32.0, "Timeline");
        canvas.text("muted", 16.0, 52.0, &self.summary());
    }

    fn draw_axis(&self, canvas: &mut Canvas) {
        let bottom = self.bottom();
        for (time, x) in self.scale.marks() {
            let x = x.round() + 0.5;
            canvas.path("grid", &[('M', &[x, TOP - 8.0]), ('V', &[bottom])]);
            canvas.text("muted small mid", x, TOP - 13.0, &words::exact(time));
        }
        let line: [(char, &[f64]); 2] = [('M', &[PLOT[0], TOP - 7.5]), ('H', &[PLOT[1]])];
        canvas.path("grid", &line);
        if self.rows == 0 {
            let y = TOP + STRIP * self.strips as f64 + ROW / 2.0 + 4.0;
            canvas.text("muted", 16.0, y, "No exchange so far.");
        }
    }

    /// A strip for each outage, and a shade on the lanes of its host.
    fn draw_outages(&self, rows: &[Row<'_>], canvas: &mut Canvas) {
        let outages = self.timeline.outages.iter().take(self.strips).enumerate();
        for (at, outage) in outages {
            let until = outage.until.unwrap_or(self.timeline.now);
            let (left, right) = (self.scale.x(outage.from), self.scale.x(until));
            let width = (right - left).max(2.0);
            for row in rows.iter().filter(|row| row.entry.is_at(&outage.host)) {
                canvas.rect("down", left, row.top, width, ROW);
            }
            let top = TOP + STRIP * at as f64;
            canvas.open("g");
            canvas.title(&words::outage(outage));
            canvas.text(
                "down-say small strong",
                METHOD,
                top + 14.0,
                &fitted(&outage.host, 48),
            );
            canvas.rounded("down-bar", [left, top + 3.0, width, STRIP - 6.0], 3.0);
            if let Some(answered) = outage.answered {
                let x = self.scale.x(answered);
                let middle = top + STRIP / 2.0;
                canvas.path("back", &[('M', &[right, middle]), ('H', &[x])]);
                canvas.path("back", &[('M', &[x, middle - 4.0]), ('V', &[middle + 4.0])]);
            }
            canvas.close("g");
        }
    }

    fn note_outages(&self, canvas: &mut Canvas) {
        let outages = self.timeline.outages.iter().take(self.strips).enumerate();
        for (at, outage) in outages {
            let last = outage.answered.or(outage.until);
            let after = self.scale.x(last.unwrap_or(self.timeline.now)) + 10.0;
            let before = self.scale.x(outage.from) - 10.0;
            let y = TOP + STRIP * at as f64 + 14.0;
            let brief = in_brief(outage);
            let width = SMALL * brief.chars().count() as f64;
            if after + width <= WIDTH - 8.0 {
                canvas.text("note down-say small", after, y, &brief);
            } else if before - width >= LABELS {
                canvas.text("note down-say small end", before, y, &brief);
            } else {
                // It lasts so long that there is room in it.
                canvas.text("note down-say small", before + 18.0, y, &brief);
            }
        }
    }

    fn draw_retries(&self, rows: &[Row<'_>], canvas: &mut Canvas) {
        let by_number: HashMap<u64, &Row<'_>> =
            rows.iter().map(|row| (row.entry.sequence, row)).collect();
        // Those that begin at the same place go side by side.
        let mut beside: HashMap<i64, f64> = HashMap::new();
        for retry in &self.retries {
            let (Some(from), Some(to)) = (by_number.get(&retry.of), by_number.get(&retry.sequence))
            else {
                continue;
            };
            let aside = beside.entry(from.end_x() as i64).or_insert(-BESIDE);
            *aside = (*aside + BESIDE) % (5.0 * BESIDE);
            let (x, target) = (from.end_x() + *aside, to.begin_x() - 2.0);
            let (top, y) = (from.middle() + 8.0, to.middle());
            if target - x > 10.0 {
                canvas.path(
                    "retry",
                    &[
                        ('M', &[x, top]),
                        ('V', &[y - 5.0]),
                        ('Q', &[x, y, x + 5.0, y]),
                        ('H', &[target - 5.0]),
                    ],
                );
                let arrow: [(char, &[f64]); 4] = [
                    ('M', &[target, y]),
                    ('l', &[-6.0, -3.5]),
                    ('v', &[7.0]),
                    ('Z', &[]),
                ];
                canvas.path("arrow", &arrow);
            } else {
                canvas.path("retry", &[('M', &[x, top]), ('V', &[y - 13.0])]);
                let arrow: [(char, &[f64]); 4] = [
                    ('M', &[x, y - 8.0]),
                    ('l', &[-3.5, -6.0]),
                    ('h', &[7.0]),
                    ('Z', &[]),
                ];
                canvas.path("arrow", &arrow);
            }
        }
    }

    /// Where a long time in which nothing happens is left out.
    fn draw_cuts(&self, canvas: &mut Canvas) {
        let (top, bottom) = (TOP - 8.0, self.bottom());
        for cut in self.scale.cuts() {
            let (left, right) = (cut.left + 8.0, cut.right - 8.0);
            canvas.rect("cut", left, top, right - left, bottom - top);
            for x in [left, right] {
                let mut zigzag: Vec<[f64; 2]> = Vec::new();
                let mut y = top;
                while y < bottom {
                    let aside = if zigzag.len() % 2 == 0 { -2.0 } else { 2.0 };
                    zigzag.push([x + aside, y]);
                    y += 6.0;
                }
                let commands: Vec<(char, &[f64])> = zigzag
                    .iter()
                    .enumerate()
                    .map(|(at, point)| (if at == 0 { 'M' } else { 'L' }, &point[..]))
                    .collect();
                canvas.path("zig", &commands);
            }
            let middle = f64::midpoint(left, right);
            let duration = format!("{} cut", words::duration(cut.duration()));
            canvas.text("faint small mid", middle, TOP - 28.0, &duration);
        }
    }
}

fn in_brief(outage: &Outage) -> String {
    let what = if outage.killed { "killed" } else { "down" };
    let mut brief = format!("{what} · {}", outage.code);
    match outage.duration() {
        Some(down) => brief += &format!(" · back after {}", words::duration(down)),
        None => brief += " · down still",
    }
    if let Some(recovery) = outage.recovery() {
        brief += &format!(" · answers after {}", words::duration(recovery));
    }
    brief
}
