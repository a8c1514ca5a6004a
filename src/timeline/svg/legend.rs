//! What the marks of the picture mean.

use super::Picture;
use super::canvas::Canvas;

impl Picture<'_> {
    pub(super) fn draw_legend(&self, canvas: &mut Canvas) {
        let y = self.bottom() + 28.0;
        let mut x = 16.0;
        let mut place = |width: f64| {
            let here = x;
            x += width;
            here
        };
        let rest = self.timeline.entries.len() - self.rows;
        if rest > 0 {
            let text = format!("{rest} more exchanges are not drawn");
            canvas.text("muted strong", place(0.0), y - 14.0, &text);
        }

        let at = place(84.0);
        canvas.rounded("queue", [at, y - 4.0, 22.0, 8.0], 2.0);
        canvas.text("muted small", at + 28.0, y + 3.5, "queued");

        canvas.open("g class=\"ok\"");
        let at = place(104.0);
        canvas.path("line", &[('M', &[at, y - 4.0]), ('V', &[y + 4.0])]);
        canvas.path("wait", &[('M', &[at, y]), ('H', &[at + 20.0])]);
        canvas.circle("fill", at + 20.0, y, 2.5);
        canvas.text("muted small", at + 28.0, y + 3.5, "waits, head");

        let at = place(114.0);
        canvas.rounded("tint", [at, y - 7.0, 26.0, 14.0], 2.0);
        for tick in [6.0, 12.0, 22.0] {
            canvas.path("line", &[('M', &[at + tick, y - 7.0]), ('V', &[y + 7.0])]);
        }
        canvas.text("muted small", at + 32.0, y + 3.5, "body, frames");
        canvas.close("g");

        canvas.open("g class=\"socket\"");
        let at = place(252.0);
        canvas.rounded("tint", [at, y - 7.0, 26.0, 14.0], 2.0);
        canvas.path("line", &[('M', &[at + 8.0, y - 7.0]), ('V', &[y - 0.5])]);
        canvas.path("line", &[('M', &[at + 17.0, y + 0.5]), ('V', &[y + 7.0])]);
        canvas.text(
            "muted small",
            at + 32.0,
            y + 3.5,
            "WebSocket: client above, server below",
        );
        canvas.close("g");

        let at = place(104.0);
        canvas.open("g class=\"quiet\"");
        canvas.circle("hollow", at + 4.0, y, 3.5);
        canvas.close("g");
        canvas.text("muted small", at + 14.0, y + 3.5, "client gave up");

        let at = place(66.0);
        canvas.open("g class=\"error\"");
        canvas.path(
            "cross",
            &[
                ('M', &[at, y - 4.5]),
                ('L', &[at + 9.0, y + 4.5]),
                ('M', &[at + 9.0, y - 4.5]),
                ('L', &[at, y + 4.5]),
            ],
        );
        canvas.close("g");
        canvas.text("muted small", at + 16.0, y + 3.5, "failed");

        let at = place(78.0);
        canvas.path("retry", &[('M', &[at, y]), ('H', &[at + 16.0])]);
        canvas.path(
            "arrow",
            &[
                ('M', &[at + 22.0, y]),
                ('l', &[-6.0, -3.5]),
                ('v', &[7.0]),
                ('Z', &[]),
            ],
        );
        canvas.text("muted small", at + 28.0, y + 3.5, "retry");

        let at = place(98.0);
        canvas.rect("down", at, y - 7.0, 22.0, 14.0);
        canvas.text("muted small", at + 28.0, y + 3.5, "host down");

        for (class, says, width) in [
            ("ok", "2xx", 40.0),
            ("redirect", "3xx", 40.0),
            ("client", "4xx", 40.0),
            ("error", "5xx", 40.0),
        ] {
            let at = place(width);
            canvas.open(&format!("g class=\"{class}\""));
            canvas.circle("fill", at + 4.0, y, 4.0);
            canvas.close("g");
            canvas.text("muted small", at + 12.0, y + 3.5, says);
        }
    }
}
