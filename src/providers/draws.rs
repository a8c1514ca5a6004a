//! Ids as providers make them: drawn from the random numbers of each exchange, the same in every run.

use super::wire::Wire;
use crate::Random;

const ALPHANUMERIC: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BASE64: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const HEX: &str = "0123456789abcdef";

/// What is to be drawn for each exchange, in this order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Draws(Vec<Draw>);

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

    /// All of them, with these random numbers.
    pub(super) fn draw(&self, mut random: Random) -> Vec<String> {
        self.0.iter().map(|draw| draw.draw(&mut random)).collect()
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
    fn draw(&self, random: &mut Random) -> String {
        let mut text = String::with_capacity(self.prefix.len() + self.len + self.suffix.len());
        text.push_str(self.prefix);
        for _ in 0..self.len {
            let at = random.up_to(self.alphabet.len() as u64 - 1);
            let character = self.alphabet.as_bytes()[usize::try_from(at).unwrap_or_default()];
            text.push(char::from(character));
        }
        text.push_str(&self.suffix);
        text
    }
}
