//! Bytes to blocks of lines: what the parser and the reader share.

use std::collections::VecDeque;
use std::time::Duration;

use super::event::Event;
use crate::error::{Error, ErrorKind, Result};

/// The byte order mark, in UTF-8: one is taken off the start of a stream.
const BOM: &[u8] = b"\xEF\xBB\xBF";

/// Which of the two a scanner works for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Text is kept to the byte: a carriage return waits for what follows it, which may be the rest
    /// of the line ending.
    Keep,
    /// Blocks are known as early as can be.
    Read,
}

/// An event and, where it is kept, its text.
#[derive(Debug)]
pub(super) struct Scanned {
    pub(super) event: Event,
    pub(super) text: Vec<u8>,
}

/// Takes bytes in pieces of any size, and cuts them into lines and blocks (§9.2.5).
#[derive(Debug)]
pub(super) struct Scanner {
    purpose: Purpose,
    max_bytes: usize,
    /// The text of the block so far; to [`Purpose::Read`], that of the line.
    text: Vec<u8>,
    /// Where in `text` the line begins.
    line: usize,
    /// How many bytes of the block there were so far.
    size: usize,
    event: Event,
    /// What was last said of it, also by a block that is not complete.
    retry: Option<Duration>,
    first_line: bool,
    after_cr: bool,
    /// The block is complete but for a line feed that may come.
    ended: bool,
    blocks: VecDeque<Scanned>,
    too_large: bool,
    /// Whether that has been told.
    told: bool,
}

impl Scanner {
    pub(super) fn new(purpose: Purpose) -> Self {
        Self {
            purpose,
            max_bytes: 16 << 20,
            text: Vec::new(),
            line: 0,
            size: 0,
            event: Event::new(),
            retry: None,
            first_line: true,
            after_cr: false,
            ended: false,
            blocks: VecDeque::new(),
            too_large: false,
            told: false,
        }
    }

    pub(super) fn set_max_bytes(&mut self, bytes: usize) {
        self.max_bytes = bytes;
    }

    pub(super) fn push(&mut self, mut bytes: &[u8]) {
        while let Some(first) = bytes.first() {
            if std::mem::take(&mut self.after_cr) {
                if *first == b'\n' {
                    self.line_feed_after_cr();
                    bytes = &bytes[1..];
                }
                if self.ended {
                    self.emit();
                }
                continue;
            }
            let end = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let (now, later) = bytes.split_at(end.map_or(bytes.len(), |end| end + 1));
            if !self.take(now.len()) {
                return;
            }
            self.text.extend_from_slice(now);
            if let Some(end) = end {
                self.after_cr = now[end] == b'\r';
                self.end_line();
            }
            bytes = later;
        }
    }

    pub(super) fn next(&mut self) -> Option<Result<Scanned>> {
        if let Some(block) = self.blocks.pop_front() {
            return Some(Ok(block));
        }
        let tell = self.too_large && !std::mem::replace(&mut self.told, true);
        tell.then(|| Err(self.error()))
    }

    /// The blocks that are left, and the text after the last one.
    pub(super) fn finish(mut self) -> Result<(VecDeque<Scanned>, Vec<u8>)> {
        if self.too_large {
            return Err(self.error());
        }
        if self.ended {
            self.emit();
        }
        Ok((self.blocks, self.text))
    }

    pub(super) fn retry(&self) -> Option<Duration> {
        self.retry
    }

    /// Makes room for more bytes of the block, if there may be that many.
    fn take(&mut self, bytes: usize) -> bool {
        self.size = self.size.saturating_add(bytes);
        self.too_large |= self.size > self.max_bytes;
        if self.too_large {
            self.text = Vec::new();
        }
        !self.too_large
    }

    /// The second half of a line ending. It is never one byte too many: the line has ended.
    fn line_feed_after_cr(&mut self) {
        if self.purpose == Purpose::Keep {
            self.text.push(b'\n');
            self.line = self.text.len();
        }
    }

    fn end_line(&mut self) {
        let line = &self.text[self.line..self.text.len() - 1];
        let line = if std::mem::take(&mut self.first_line) {
            line.strip_prefix(BOM).unwrap_or(line)
        } else {
            line
        };
        let blank = line.is_empty();
        let is_comment = line.first() == Some(&b':');
        if !(is_comment && self.purpose == Purpose::Read) {
            add_line(&mut self.event, line);
            self.retry = self.event.retry.or(self.retry);
        }
        match self.purpose {
            Purpose::Keep => {
                self.line = self.text.len();
                self.ended = blank;
                if blank && !self.after_cr {
                    self.emit();
                }
            }
            Purpose::Read => {
                self.text.clear();
                if blank {
                    self.emit();
                }
            }
        }
    }

    fn emit(&mut self) {
        self.blocks.push_back(Scanned {
            event: std::mem::take(&mut self.event),
            text: std::mem::take(&mut self.text),
        });
        self.line = 0;
        self.size = 0;
        self.ended = false;
    }

    fn error(&self) -> Error {
        Error::new(ErrorKind::EventTooLarge {
            limit: self.max_bytes,
        })
    }
}

/// What a line says (§9.2.6). Fields of other names, and values that are none, are ignored.
fn add_line(event: &mut Event, line: &[u8]) {
    let colon = line.iter().position(|byte| *byte == b':');
    let (name, value) = match colon {
        Some(colon) => (&line[..colon], &line[colon + 1..]),
        None => (line, &[][..]),
    };
    let value = value.strip_prefix(b" ").unwrap_or(value);
    let text = || String::from_utf8_lossy(value).into_owned();
    match name {
        b"" if colon.is_some() => event.comments.push(text()),
        b"data" => match &mut event.data {
            Some(data) => {
                data.push('\n');
                data.push_str(&String::from_utf8_lossy(value));
            }
            None => event.data = Some(text()),
        },
        b"event" => event.event = Some(text()),
        b"id" if !value.contains(&0) => event.id = Some(text()),
        b"retry" => event.retry = milliseconds(value).or(event.retry),
        _ => {}
    }
}

/// Digits and nothing else; so many of them that they do not fit are the most there is.
fn milliseconds(digits: &[u8]) -> Option<Duration> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = digits.iter().fold(0_u64, |number, digit| {
        let digit = u64::from(digit - b'0');
        number.saturating_mul(10).saturating_add(digit)
    });
    Some(Duration::from_millis(number))
}
