//! Ids as providers make them, from the random numbers of an exchange: the same in every run.

use crate::{Exchange, Random};

const ALPHANUMERIC: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const HEX: &[u8] = b"0123456789abcdef";
const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The ids of one exchange, in the order in which they are asked for.
#[derive(Clone, Debug)]
pub(super) struct Ids(Random);

impl Ids {
    pub(super) fn new(exchange: &Exchange) -> Self {
        Self(exchange.random())
    }

    /// So many letters and digits behind this.
    pub(super) fn alphanumeric(&mut self, prefix: &str, len: usize) -> String {
        self.draw(prefix, ALPHANUMERIC, len)
    }

    /// So many hexadecimal digits behind this.
    pub(super) fn hex(&mut self, prefix: &str, len: usize) -> String {
        self.draw(prefix, HEX, len)
    }

    /// So many characters of base64: what stands for something encrypted or signed.
    pub(super) fn base64(&mut self, len: usize) -> String {
        self.draw("", BASE64, len)
    }

    fn draw(&mut self, prefix: &str, alphabet: &[u8], len: usize) -> String {
        let mut id = String::with_capacity(prefix.len() + len);
        id.push_str(prefix);
        for _ in 0..len {
            let at = self.0.up_to(alphabet.len() as u64 - 1);
            id.push(char::from(
                alphabet[usize::try_from(at).unwrap_or_default()],
            ));
        }
        id
    }
}
