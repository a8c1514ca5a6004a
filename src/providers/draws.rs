//! Ids as providers make them: drawn from the random numbers of each exchange, the same in every run.

use super::wire::Wire;
use crate::Random;

const ALPHANUMERIC: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BASE64: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const HEX: &str = "0123456789abcdef";

/// What is to be drawn for each exchange, in this order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Draws(Vec<Draw>);

/// What an exchange is made with: its date, and what was drawn for it.
#[derive(Debug)]
pub(super) struct Drawn {
    /// In seconds since 1970.
    pub(super) date: String,
    /// All that was drawn, one behind the other.
    text: String,
    /// Where each of them ends.
    ends: Vec<usize>,
}

impl Drawn {
    /// What was drawn with this number.
    pub(super) fn get(&self, number: usize) -> &str {
        let end = |number: usize| self.ends.get(number).copied();
        let begin = number.checked_sub(1).map_or(Some(0), end);
        let range = begin.zip(end(number)).map(|(begin, end)| begin..end);
        range
            .and_then(|range| self.text.get(range))
            .unwrap_or_default()
    }
}

/// So many characters of an alphabet between these.
#[derive(Clone, Debug, PartialEq)]
struct Draw {
    prefix: &'static str,
    alphabet: &'static str,
    len: usize,
    suffix: String,
}

impl Draws {
    /// So many letters and digits behind this.
    pub(super) fn alphanumeric(&mut self, prefix: &'static str, len: usize) -> Wire {
        self.push(prefix, ALPHANUMERIC, len, String::new())
    }

    /// So many letters and digits between these.
    pub(super) fn alphanumeric_with(
        &mut self,
        prefix: &'static str,
        len: usize,
        suffix: String,
    ) -> Wire {
        self.push(prefix, ALPHANUMERIC, len, suffix)
    }

    /// So many hexadecimal digits behind this.
    pub(super) fn hex(&mut self, prefix: &'static str, len: usize) -> Wire {
        self.push(prefix, HEX, len, String::new())
    }

    /// So many hexadecimal digits between these.
    pub(super) fn hex_with(&mut self, prefix: &'static str, len: usize, suffix: String) -> Wire {
        self.push(prefix, HEX, len, suffix)
    }

    /// So many characters of base64 behind this: what stands for something encrypted or signed.
    pub(super) fn base64(&mut self, prefix: &'static str, len: usize) -> Wire {
        self.push(prefix, BASE64, len, String::new())
    }

    /// How many characters the draw with this number has.
    pub(super) fn len(&self, number: usize) -> usize {
        let draw = self.0.get(number);
        draw.map_or(0, |it| it.prefix.len() + it.len + it.suffix.len())
    }

    /// All of them, with these random numbers, in an exchange of this date.
    pub(super) fn draw(&self, mut random: Random, date: u64) -> Drawn {
        let len = (0..self.0.len()).map(|number| self.len(number)).sum();
        let (mut text, mut ends) = (String::with_capacity(len), Vec::with_capacity(self.0.len()));
        for draw in &self.0 {
            draw.draw(&mut random, &mut text);
            ends.push(text.len());
        }
        let date = date.to_string();
        Drawn { date, text, ends }
    }

    fn push(
        &mut self,
        prefix: &'static str,
        alphabet: &'static str,
        len: usize,
        suffix: String,
    ) -> Wire {
        self.0.push(Draw {
            prefix,
            alphabet,
            len,
            suffix,
        });
        Wire::Drawn(self.0.len() - 1)
    }
}

impl Draw {
    fn draw(&self, random: &mut Random, text: &mut String) {
        text.push_str(self.prefix);
        for _ in 0..self.len {
            let at = random.up_to(self.alphabet.len() as u64 - 1);
            let character = self.alphabet.as_bytes()[usize::try_from(at).unwrap_or_default()];
            text.push(char::from(character));
        }
        text.push_str(&self.suffix);
    }
}
