//! JSON as text: what keeps the order of members and the digits of numbers, which values do not.

use std::borrow::Cow;

use serde::de::IgnoredAny;

/// How deep values may be nested: as deep as `serde_json` reads them.
const DEEPEST: usize = 128;

/// A JSON text, taken apart. Texts in it are as they were written, with quotes and escapes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node<'a> {
    Array(Vec<Self>),
    Object(Vec<(&'a str, Self)>),
    Scalar(Cow<'a, str>),
}

impl<'a> Node<'a> {
    /// Takes a text apart; `None` when it is not JSON.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        // That it is well-formed is found out first, so that the scanner need not look.
        serde_json::from_str::<IgnoredAny>(text).ok()?;
        Scanner { text, at: 0 }.value(DEEPEST)
    }

    /// The same, of values that may stand inside another one.
    pub(super) fn parse_shallow(text: &'a str) -> Option<Self> {
        serde_json::from_str::<IgnoredAny>(text).ok()?;
        Scanner { text, at: 0 }.value(DEEPEST - 28)
    }

    /// Whether it is an object or an array.
    pub(super) fn is_container(&self) -> bool {
        !matches!(self, Self::Scalar(_))
    }

    /// The text that a scalar string stands for.
    pub(super) fn as_string(&self) -> Option<String> {
        match self {
            Self::Scalar(raw) => serde_json::from_str(raw).ok(),
            _ => None,
        }
    }

    /// The shortest text of the value.
    pub(super) fn compact(&self) -> String {
        let mut text = String::new();
        self.write_compact(&mut text);
        text
    }

    fn write_compact(&self, out: &mut String) {
        match self {
            Self::Scalar(raw) => out.push_str(raw),
            Self::Array(elements) => {
                out.push('[');
                for (index, element) in elements.iter().enumerate() {
                    out.push_str(if index == 0 { "" } else { "," });
                    element.write_compact(out);
                }
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (index, (key, value)) in members.iter().enumerate() {
                    out.push_str(if index == 0 { "" } else { "," });
                    out.push_str(key);
                    out.push(':');
                    value.write_compact(out);
                }
                out.push('}');
            }
        }
    }

    /// The text with every member and element on a line of its own, as `JSON.stringify` indents it.
    pub(super) fn indented(&self, step: usize) -> String {
        let mut text = String::new();
        Layout { step, width: 0 }.write(self, 0, 0, &mut text);
        text
    }

    /// The text as people read it: what fits on a line of so many characters stands on one.
    pub(super) fn readable(&self, width: usize) -> String {
        let mut text = String::new();
        Layout { step: 2, width }.write(self, 0, 0, &mut text);
        text
    }

    /// Changes values: `edit` is asked for each, the outer ones first, with the keys and indices that
    /// lead to it. Where it gives a new text, that stands in the place of the value. Whether it did.
    pub(super) fn edit(
        &mut self,
        edit: &mut impl FnMut(&[String], &Self) -> Option<String>,
    ) -> bool {
        self.edit_below(&mut Vec::new(), edit)
    }

    fn edit_below(
        &mut self,
        path: &mut Vec<String>,
        edit: &mut impl FnMut(&[String], &Self) -> Option<String>,
    ) -> bool {
        if let Some(text) = edit(path, self) {
            *self = Self::Scalar(Cow::Owned(text));
            return true;
        }
        let mut edited = false;
        match self {
            Self::Scalar(_) => {}
            Self::Array(elements) => {
                for (index, element) in elements.iter_mut().enumerate() {
                    path.push(index.to_string());
                    edited |= element.edit_below(path, edit);
                    path.pop();
                }
            }
            Self::Object(members) => {
                for (key, value) in members {
                    path.push(serde_json::from_str(key).unwrap_or_default());
                    edited |= value.edit_below(path, edit);
                    path.pop();
                }
            }
        }
        edited
    }
}

/// The spaces of a JSON text, where they follow a rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Style {
    /// By how many spaces it is indented; without, it has no spaces at all.
    pub(super) indent: Option<usize>,
    /// Whether a line feed follows.
    pub(super) newline: bool,
}

impl Style {
    /// `None` when there is no such rule.
    pub(super) fn of(text: &str, node: &Node<'_>) -> Option<Self> {
        let body = text.strip_suffix('\n').unwrap_or(text);
        let newline = body.len() < text.len();
        if node.compact() == body {
            let indent = None;
            return Some(Self { indent, newline });
        }
        let second = body.lines().nth(1)?;
        let indent = second.len() - second.trim_start_matches(' ').len();
        let fits = (1..=8).contains(&indent) && node.indented(indent) == body;
        fits.then_some(Self {
            indent: Some(indent),
            newline,
        })
    }

    /// The same of a text that is JSON.
    pub(super) fn of_text(text: &str) -> Option<Self> {
        Self::of(text, &Node::parse(text)?)
    }

    pub(super) fn write(self, node: &Node<'_>) -> String {
        let mut text = match self.indent {
            Some(indent) => node.indented(indent),
            None => node.compact(),
        };
        text.push_str(if self.newline { "\n" } else { "" });
        text
    }
}

/// How a text is laid out. With a width of 0 nothing but what is empty stands on one line.
struct Layout {
    step: usize,
    width: usize,
}

impl Layout {
    /// Writes a value that begins at this column, at this depth.
    fn write(&self, node: &Node<'_>, depth: usize, column: usize, out: &mut String) {
        let (open, close, len) = match node {
            Node::Scalar(raw) => return out.push_str(raw),
            Node::Array(elements) => ('[', ']', elements.len()),
            Node::Object(members) => ('{', '}', members.len()),
        };
        if len == 0 {
            out.extend([open, close]);
            return;
        }
        let room = self.width.saturating_sub(column);
        if room > 0 && line_len(node, room).is_some() {
            return write_line(node, out);
        }
        out.push(open);
        let indent = (depth + 1) * self.step;
        let begin = |index: usize, out: &mut String| {
            out.push_str(if index == 0 { "\n" } else { ",\n" });
            out.extend(std::iter::repeat_n(' ', indent));
        };
        match node {
            Node::Scalar(_) => {}
            Node::Array(elements) => {
                for (index, element) in elements.iter().enumerate() {
                    begin(index, out);
                    self.write(element, depth + 1, indent + 1, out);
                }
            }
            Node::Object(members) => {
                for (index, (key, value)) in members.iter().enumerate() {
                    begin(index, out);
                    out.push_str(key);
                    out.push_str(": ");
                    let column = indent + key.chars().count() + 3;
                    self.write(value, depth + 1, column, out);
                }
            }
        }
        out.push('\n');
        out.extend(std::iter::repeat_n(' ', depth * self.step));
        out.push(close);
    }
}

/// How many characters a value has on one line; `None` when that is more than there is room for.
fn line_len(node: &Node<'_>, room: usize) -> Option<usize> {
    let mut len = match node {
        Node::Scalar(raw) => raw.chars().count(),
        Node::Array(elements) => elements.len().saturating_sub(1) * 2 + 2,
        Node::Object(members) => members.len().saturating_sub(1) * 2 + 2,
    };
    let left = |len: usize| room.checked_sub(len);
    match node {
        Node::Scalar(_) => {}
        Node::Array(elements) => {
            for element in elements {
                len += line_len(element, left(len)?)?;
            }
        }
        Node::Object(members) => {
            for (key, value) in members {
                len += key.chars().count() + 2;
                len += line_len(value, left(len)?)?;
            }
        }
    }
    left(len).map(|_| len)
}

fn write_line(node: &Node<'_>, out: &mut String) {
    match node {
        Node::Scalar(raw) => out.push_str(raw),
        Node::Array(elements) => {
            out.push('[');
            for (index, element) in elements.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                write_line(element, out);
            }
            out.push(']');
        }
        Node::Object(members) => {
            out.push('{');
            for (index, (key, value)) in members.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                out.push_str(key);
                out.push_str(": ");
                write_line(value, out);
            }
            out.push('}');
        }
    }
}

/// Takes apart what is known to be well-formed.
struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    fn value(&mut self, depth: usize) -> Option<Node<'a>> {
        let depth = depth.checked_sub(1)?;
        match self.peek()? {
            b'[' => {
                let mut elements = Vec::new();
                self.items(b']', |scanner| {
                    elements.push(scanner.value(depth)?);
                    Some(())
                })?;
                Some(Node::Array(elements))
            }
            b'{' => {
                let mut members = Vec::new();
                self.items(b'}', |scanner| {
                    scanner.peek()?;
                    let key = scanner.string()?;
                    scanner.take(b':')?;
                    members.push((key, scanner.value(depth)?));
                    Some(())
                })?;
                Some(Node::Object(members))
            }
            b'"' => self.string().map(|raw| Node::Scalar(Cow::Borrowed(raw))),
            _ => {
                let rest = &self.text[self.at..];
                let end = rest.find(|c: char| ",]}".contains(c) || c.is_ascii_whitespace());
                let raw = &rest[..end.unwrap_or(rest.len())];
                self.at += raw.len();
                Some(Node::Scalar(Cow::Borrowed(raw)))
            }
        }
    }

    /// What stands between brackets, separated by commas.
    fn items(&mut self, close: u8, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.at += 1;
        if self.peek()? == close {
            self.at += 1;
            return Some(());
        }
        loop {
            item(self)?;
            let next = self.peek()?;
            self.at += 1;
            if next == close {
                return Some(());
            }
        }
    }

    fn string(&mut self) -> Option<&'a str> {
        let rest = &self.text[self.at..];
        let mut is_escaped = false;
        let end = rest.bytes().skip(1).position(|byte| {
            let ends = byte == b'"' && !is_escaped;
            is_escaped = byte == b'\\' && !is_escaped;
            ends
        })?;
        self.at += end + 2;
        Some(&rest[..end + 2])
    }

    fn take(&mut self, expected: u8) -> Option<()> {
        (self.peek()? == expected).then(|| self.at += 1)
    }

    /// The next byte that is no space.
    fn peek(&mut self) -> Option<u8> {
        let rest = &self.text.as_bytes()[self.at..];
        self.at += rest.iter().position(|byte| !byte.is_ascii_whitespace())?;
        self.text.as_bytes().get(self.at).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::Node;

    const TEXT: &str =
        r#" { "b" : [ 1.50 , 1e3, true, null ] , "a\u0041\"" : { } , "c": "x, ] }" } "#;

    #[test]
    fn the_order_the_digits_and_the_escapes_stay() {
        let node = Node::parse(TEXT).unwrap();
        let compact = r#"{"b":[1.50,1e3,true,null],"a\u0041\"":{},"c":"x, ] }"}"#;
        assert_eq!(node.compact(), compact);
        assert_eq!(Node::parse(&node.indented(4)).unwrap(), node);
        assert_eq!(Node::parse(&node.readable(30)).unwrap(), node);
    }

    #[test]
    fn what_fits_stands_on_one_line() {
        let node = Node::parse(r#"{"a":[1,2,3],"long":{"b":[],"c":"ddddddddd"}}"#).unwrap();
        assert_eq!(
            node.readable(60),
            r#"{"a": [1, 2, 3], "long": {"b": [], "c": "ddddddddd"}}"#
        );
        assert_eq!(
            node.readable(30),
            "{\n  \"a\": [1, 2, 3],\n  \"long\": {\n    \"b\": [],\n    \"c\": \"ddddddddd\"\n  }\n}"
        );
        let value: serde_json::Value = serde_json::from_str(&node.compact()).unwrap();
        assert_eq!(
            node.indented(2),
            serde_json::to_string_pretty(&value).unwrap()
        );
    }

    #[test]
    fn what_is_not_json_is_nothing() {
        for text in [
            "",
            "{",
            "[1,]",
            "{\"a\" 1}",
            "tru",
            "\"\\x\"",
            "1 2",
            "\u{feff}{}",
        ] {
            assert_eq!(Node::parse(text), None, "{text}");
        }
        assert_eq!(Node::parse(&"[".repeat(100_000)), None);
    }

    #[test]
    fn edits_know_where_they_are() {
        let mut node = Node::parse(r#"{"a/b":[{"c":1},{"c":2}],"d":{"c":3}}"#).unwrap();
        node.edit(&mut |path, _| (path == ["a/b", "1", "c"]).then(|| "\"x\"".to_owned()));
        assert_eq!(node.compact(), r#"{"a/b":[{"c":1},{"c":"x"}],"d":{"c":3}}"#);
    }
}
