//! One exchange: what stands on its left, and what is drawn of it.

use std::time::Duration;

use super::canvas::{Canvas, fitted};
use super::scale::Scale;
use super::{LABELS, METHOD, ROW, WIDTH};
use crate::model::message::Side;
use crate::timeline::retries::Retry;
use crate::timeline::value::{Cause, Entry, Limit, Outcome};
use crate::timeline::words;

/// How wide a character is, about: of the paths, and of other text.
const MONO: f64 = 6.7;
const TEXT: f64 = 5.6;

/// Half the height of what is drawn of a body, and of a wait in a queue.
const BODY: f64 = 7.0;
const QUEUE: f64 = 4.0;

/// The least width of what takes no time.
const LEAST: f64 = 3.0;

/// One exchange on its way to the picture.
pub(super) struct Row<'a> {
    pub(super) entry: &'a Entry,
    pub(super) retry: Option<&'a Retry>,
    pub(super) scale: &'a Scale,
    pub(super) now: Duration,
    /// Where its row begins.
    pub(super) top: f64,
}

impl Row<'_> {
    pub(super) fn draw(&self, canvas: &mut Canvas) {
        canvas.open(&format!("g class=\"{}\"", self.class()));
        canvas.title(&self.told());
        self.label(canvas);
        self.waits(canvas);
        self.body(canvas);
        self.end(canvas);
        canvas.close("g");
    }

    /// The middle of the row.
    pub(super) fn middle(&self) -> f64 {
        self.top + ROW / 2.0
    }

    pub(super) fn begin_x(&self) -> f64 {
        self.scale.x(self.entry.received)
    }

    pub(super) fn end_x(&self) -> f64 {
        self.scale.x(self.entry.ended_by(self.now))
    }

    /// What colour it has.
    fn class(&self) -> &'static str {
        let status = self.entry.head.as_ref().map(|head| head.status);
        let outcome = self.entry.end.as_ref().map(|end| end.outcome);
        match (status, outcome) {
            (Some(101), _) => "socket",
            (Some(200..=299), _) => "ok",
            (Some(300..=399), _) => "redirect",
            (Some(400..=499), _) => "client",
            (Some(_), _) | (None, Some(Outcome::Failed | Outcome::Unmatched)) => "error",
            (None, Some(Outcome::Cancelled | Outcome::Done) | None) => "quiet",
        }
    }

    fn label(&self, canvas: &mut Canvas) {
        let entry = self.entry;
        let (first, second) = (self.top + 14.0, self.top + 27.0);
        canvas.text(
            "faint small mono end",
            METHOD - 8.0,
            first,
            &format!("#{}", entry.sequence),
        );
        let method = fitted(&entry.request.method, 9);
        canvas.text("mono strong", METHOD, first, &method);
        let path_x = METHOD + MONO * (method.chars().count() as f64 + 1.0);
        let room = ((LABELS - path_x) / MONO) as usize;
        canvas.text("mono", path_x, first, &fitted(entry.path(), room));
        let mut parts = vec![entry.host().unwrap_or_default().to_owned()];
        if entry.is_socket() {
            parts.push("WebSocket".to_owned());
        }
        if entry.bytes > 0 {
            parts.push(words::bytes(entry.bytes));
        }
        if let Some(retry) = self.retry {
            parts.push(format!("attempt {}", retry.attempt));
        }
        if let Some(limit) = &entry.refused {
            parts.push(format!("limit: {limit}"));
        }
        parts.retain(|part| !part.is_empty());
        let room = ((LABELS - METHOD) / TEXT) as usize;
        canvas.text(
            "muted small",
            METHOD,
            second,
            &fitted(&parts.join(" · "), room),
        );
    }

    /// The queue, and the wait for the head.
    fn waits(&self, canvas: &mut Canvas) {
        let entry = self.entry;
        let end = entry.ended_by(self.now);
        let acquired = entry.acquired().unwrap_or(end);
        let (begin_x, acquired_x) = (self.begin_x(), self.scale.x(acquired));
        let middle = self.middle();
        if entry.queued.is_some() {
            let width = (acquired_x - begin_x).max(LEAST);
            canvas.rounded("queue", [begin_x, middle - QUEUE, width, 2.0 * QUEUE], 2.0);
        }
        let head = entry.head.as_ref().map_or(end, |head| head.at);
        let head_x = self.scale.x(head);
        if head_x > acquired_x {
            canvas.path("wait", &[('M', &[acquired_x, middle]), ('H', &[head_x])]);
        }
        if entry.queued.is_none() {
            let (top, bottom) = (middle - QUEUE, middle + QUEUE);
            canvas.path("line", &[('M', &[begin_x, top]), ('V', &[bottom])]);
        }
    }

    /// The body with its frames, or the connection with its messages.
    fn body(&self, canvas: &mut Canvas) {
        let entry = self.entry;
        let Some(head) = &entry.head else {
            return;
        };
        let (head_x, middle) = (self.scale.x(head.at), self.middle());
        let width = (self.end_x() - head_x).max(LEAST);
        canvas.rounded("tint", [head_x, middle - BODY, width, 2.0 * BODY], 2.0);
        let (top, bottom) = (middle - BODY, middle + BODY);
        let frames = entry.frames.iter().map(|frame| (frame.at, top, bottom));
        let said = entry.messages.iter().map(|said| match said.from {
            Side::Client => (said.at, top, middle - 0.5),
            Side::Server => (said.at, middle + 0.5, bottom),
        });
        let mut drawn: Vec<[i64; 2]> = Vec::new();
        let mut ticks: Vec<[f64; 3]> = Vec::new();
        for (at, from, to) in frames.chain(said) {
            let x = self.scale.x(at).clamp(head_x + 0.5, head_x + width - 0.5);
            // What falls on the same half of a pixel is drawn once.
            let place = [(2.0 * x) as i64, from as i64];
            if !drawn.contains(&place) {
                drawn.push(place);
                ticks.push([x, from, to]);
            }
        }
        let parts: Vec<[(char, [f64; 2]); 2]> = ticks
            .iter()
            .map(|[x, from, to]| [('M', [*x, *from]), ('V', [*to, 0.0])])
            .collect();
        let commands: Vec<(char, &[f64])> = parts
            .iter()
            .flat_map(|[(m, start), (v, end)]| [(*m, &start[..]), (*v, &end[..1])])
            .collect();
        if !commands.is_empty() {
            canvas.path("line", &commands);
        }
        canvas.circle("fill", head_x, middle, 2.5);
    }

    /// How it ended, unless that was as it should.
    fn end(&self, canvas: &mut Canvas) {
        let (x, y) = (self.end_x(), self.middle());
        match self.entry.end.as_ref().map(|end| end.outcome) {
            Some(Outcome::Done) => {}
            Some(Outcome::Cancelled) => canvas.circle("hollow", x, y, 3.5),
            Some(Outcome::Failed | Outcome::Unmatched) => {
                let r = 4.5;
                canvas.open("g class=\"error\"");
                canvas.path(
                    "cross",
                    &[
                        ('M', &[x - r, y - r]),
                        ('L', &[x + r, y + r]),
                        ('M', &[x + r, y - r]),
                        ('L', &[x - r, y + r]),
                    ],
                );
                canvas.close("g");
            }
            None => canvas.path(
                "fill",
                &[
                    ('M', &[x, y - 5.0]),
                    ('L', &[x + 7.0, y]),
                    ('L', &[x, y + 5.0]),
                    ('Z', &[]),
                ],
            ),
        }
    }

    /// What stands on the right: the status, how long it took, and what went wrong.
    pub(super) fn note(&self, canvas: &mut Canvas) {
        let entry = self.entry;
        let took = entry.ended_by(self.now).saturating_sub(entry.received);
        let mut first = vec![("muted", words::duration(took))];
        if let Some(head) = &entry.head {
            let status = head.status.to_string();
            first.insert(0, (self.class(), status));
            first.insert(1, ("muted", " · ".to_owned()));
        }
        let (x, middle) = (self.end_x() + 12.0, self.middle());
        let Some(second) = self.in_brief() else {
            canvas.texts("note", x, middle + 4.0, &first);
            return;
        };
        let room = ((WIDTH - 8.0 - x) / TEXT) as usize;
        let class = match entry.end.as_ref().map(|end| end.outcome) {
            Some(Outcome::Failed | Outcome::Unmatched) => "note error say small strong",
            _ => "note quiet say small strong",
        };
        canvas.texts("note small", x, middle - 2.0, &first);
        canvas.text(class, x, middle + 10.0, &fitted(&second, room));
    }

    /// What went wrong.
    fn in_brief(&self) -> Option<String> {
        let Some(end) = &self.entry.end else {
            return Some("goes on".to_owned());
        };
        let code = end.code.as_deref().unwrap_or_default();
        Some(match (end.outcome, end.cause) {
            (Outcome::Done, _) => return None,
            (Outcome::Cancelled, _) => "client gave up".to_owned(),
            (Outcome::Unmatched, _) => "no rule matched".to_owned(),
            (_, Some(Cause::Killed)) => "host killed".to_owned(),
            (_, Some(Cause::QueueFull)) => "queue full".to_owned(),
            _ => match code.strip_prefix("MOCKWIRE_") {
                Some(ours) => ours.to_lowercase().replace('_', " "),
                None => code.to_owned(),
            },
        })
    }

    /// All of it in words.
    fn told(&self) -> String {
        let entry = self.entry;
        let since = |at: Duration| words::duration(at.saturating_sub(entry.received));
        let mut lines = vec![format!(
            "#{} {} {}",
            entry.sequence, entry.request.method, entry.request.url
        )];
        lines.push(format!("received at {}", words::duration(entry.received)));
        if let Some(queued) = &entry.queued {
            let limit = match &queued.limit {
                Limit::Key(key) => format!("the limit of {key}"),
                Limit::Total => "the limit of the transport".to_owned(),
            };
            let until = queued.acquired.map_or_else(
                || "was not admitted".to_owned(),
                |at| format!("admitted after {}", since(at)),
            );
            lines.push(format!("queued by {limit}, {until}"));
        }
        if let Some(rule) = entry.matched.as_ref().filter(|rule| !rule.rule.is_empty()) {
            lines.push(format!("rule: {}", rule.rule));
            lines.push(format!("at {}", rule.site));
        }
        if let Some(limit) = &entry.refused {
            lines.push(format!("refused by the rate limit {limit}"));
        }
        if let Some(head) = &entry.head {
            lines.push(format!("status {} after {}", head.status, since(head.at)));
        }
        let frames = entry.frames.len() as u64 + entry.dropped_frames;
        if frames > 0 {
            let bytes = words::bytes(entry.bytes);
            lines.push(format!("{bytes} in {}", words::count(frames, "frame")));
        }
        let messages = entry.messages.len() as u64 + entry.dropped_messages;
        if messages > 0 {
            lines.push(words::count(messages, "message"));
        }
        if let Some(retry) = self.retry {
            let delay = words::duration(retry.delay);
            lines.push(format!(
                "attempt {}, {delay} after #{}",
                retry.attempt, retry.of
            ));
        }
        lines.push(match &entry.end {
            None => "goes on".to_owned(),
            Some(end) => {
                let how = words::end(end).unwrap_or_else(|| "done".to_owned());
                format!("{how} after {}", since(end.at))
            }
        });
        lines.join("\n")
    }
}
