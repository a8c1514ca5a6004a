//! Writing SVG: numbers short, text escaped.

use std::fmt::Write;

/// The text of a picture.
#[derive(Default)]
pub(super) struct Canvas(String);

impl Canvas {
    /// What is SVG already.
    pub(super) fn raw(&mut self, markup: &str) {
        self.0.push_str(markup);
    }

    pub(super) fn open(&mut self, element: &str) {
        let _ = write!(self.0, "<{element}>");
    }

    pub(super) fn close(&mut self, element: &str) {
        let _ = write!(self.0, "</{element}>");
    }

    /// What is shown when the pointer rests on the element that was opened last.
    pub(super) fn title(&mut self, text: &str) {
        let _ = write!(self.0, "<title>{}</title>", escaped(text));
    }

    pub(super) fn text(&mut self, class: &str, x: f64, y: f64, text: &str) {
        let (x, y, text) = (short(x), short(y), escaped(text));
        let _ = write!(
            self.0,
            r#"<text class="{class}" x="{x}" y="{y}">{text}</text>"#
        );
    }

    /// A line of parts, each with a class of its own.
    pub(super) fn texts(&mut self, class: &str, x: f64, y: f64, parts: &[(&str, String)]) {
        let (x, y) = (short(x), short(y));
        let _ = write!(self.0, r#"<text class="{class}" x="{x}" y="{y}">"#);
        for (class, text) in parts {
            let text = escaped(text);
            let _ = write!(self.0, r#"<tspan class="{class} say">{text}</tspan>"#);
        }
        self.0.push_str("</text>");
    }

    pub(super) fn rect(&mut self, class: &str, x: f64, y: f64, width: f64, height: f64) {
        self.rounded(class, [x, y, width, height], 0.0);
    }

    /// A rectangle (x, y, width, height) with rounded corners.
    pub(super) fn rounded(&mut self, class: &str, at: [f64; 4], radius: f64) {
        let [x, y, width, height] = at.map(short);
        let _ = write!(
            self.0,
            r#"<rect class="{class}" x="{x}" y="{y}" width="{width}" height="{height}""#
        );
        if radius > 0.0 {
            let _ = write!(self.0, r#" rx="{}""#, short(radius));
        }
        self.0.push_str("/>");
    }

    pub(super) fn circle(&mut self, class: &str, x: f64, y: f64, radius: f64) {
        let [x, y, radius] = [x, y, radius].map(short);
        let _ = write!(
            self.0,
            r#"<circle class="{class}" cx="{x}" cy="{y}" r="{radius}"/>"#
        );
    }

    /// A path: commands, each with its numbers.
    pub(super) fn path(&mut self, class: &str, commands: &[(char, &[f64])]) {
        let _ = write!(self.0, r#"<path class="{class}" d=""#);
        for (command, numbers) in commands {
            self.0.push(*command);
            let numbers: Vec<_> = numbers.iter().map(|number| short(*number)).collect();
            self.0.push_str(&numbers.join(" "));
        }
        self.0.push_str("\"/>");
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// A number with no more than one digit after the point.
pub(super) fn short(number: f64) -> String {
    let text = format!("{number:.1}");
    match text.strip_suffix(".0") {
        Some("-0") => "0".to_owned(),
        Some(whole) => whole.to_owned(),
        None => text,
    }
}

/// Text for the inside of an element. Characters that XML has no place for are left out.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push('\n'),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            _ if character.is_control() => escaped.push('\u{fffd}'),
            _ => escaped.push(character),
        }
    }
    escaped
}

/// Text of at most so many characters, with its middle left out.
pub(super) fn fitted(text: &str, most: usize) -> String {
    let characters: Vec<char> = text.chars().collect();
    if characters.len() <= most {
        return text.to_owned();
    }
    let kept = most.saturating_sub(1);
    let (front, back) = (kept.div_ceil(2), kept / 2);
    let front = characters.iter().take(front);
    let back = characters.iter().skip(characters.len() - back);
    front.chain(['…'].iter()).chain(back).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text() {
        assert_eq!(
            escaped("<a b=\"c\">&\u{1}"),
            "&lt;a b=&quot;c&quot;&gt;&amp;\u{fffd}"
        );
    }

    #[test]
    fn long_text_loses_its_middle() {
        assert_eq!(fitted("/v1/messages", 12), "/v1/messages");
        assert_eq!(fitted("/v1/messages", 7), "/v1…ges");
        assert_eq!(fitted("ärger", 4), "är…r");
        assert_eq!(fitted("abc", 0), "…");
    }

    #[test]
    fn numbers_are_short() {
        let numbers = [1.0, 0.25, -0.01, 12.34].map(short);
        assert_eq!(numbers, ["1", "0.2", "0", "12.3"]);
    }
}
