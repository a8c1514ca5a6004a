//! Text to events, with nothing dropped: for recordings.

use bytes::Bytes;

use super::event::Event;
use super::scan::{Purpose, Scanned, Scanner};
use crate::error::Result;

/// One block of a stream: lines, and the blank one that ends them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Block {
    /// What the block says. It has no data where a client would not see an event.
    pub event: Event,
    /// The text itself, to the byte: with fields that have no meaning, with its line endings.
    pub text: Bytes,
}

/// A recorded stream, taken apart.
///
/// The texts of the blocks and the rest, one after the other, are the text that was parsed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Parsed {
    /// The blocks, in order.
    pub blocks: Vec<Block>,
    /// What comes after the last blank line: a client never sees it.
    pub rest: Bytes,
}

impl Parsed {
    /// The events, in order, those without data included.
    pub fn events(&self) -> impl Iterator<Item = &Event> {
        self.blocks.iter().map(|block| &block.event)
    }
}

/// Takes recorded text apart, by the rules of WHATWG HTML §9.2.5 and §9.2.6, and drops nothing.
///
/// ```
/// use mockwire::sse;
///
/// let recorded = sse::parse("retry: 100\n\n: ping\n\ndata: a\n\ndata: cut o");
/// let texts: Vec<_> = recorded.blocks.iter().map(|block| &block.text[..]).collect();
/// assert_eq!(texts, [&b"retry: 100\n\n"[..], b": ping\n\n", b"data: a\n\n"]);
/// assert_eq!(recorded.blocks[1].event.comments, ["ping"]);
/// assert_eq!(recorded.rest, "data: cut o");
/// ```
#[must_use]
pub fn parse(text: impl AsRef<[u8]>) -> Parsed {
    let mut parser = Parser::new().max_event_bytes(usize::MAX);
    parser.push(text.as_ref());
    // Without a limit there is no error.
    parser.finish().unwrap_or_default()
}

/// Takes a stream apart piece by piece, and drops nothing: [`parse`] for text that is still coming.
///
/// Push what arrives, in pieces of any size; then take the [`Block`]s that are complete, of which
/// `None` says that there is no further one yet. An error is told once, after the blocks before it,
/// and what follows is not looked at.
///
/// ```
/// use mockwire::sse::Parser;
///
/// let mut parser = Parser::new();
/// parser.push(b"id: 1\nda");
/// assert!(parser.next().is_none());
/// parser.push(b"ta: a\n\n");
/// let block = parser.next().unwrap()?;
/// assert_eq!(block.event.data.as_deref(), Some("a"));
/// # Ok::<(), mockwire::Error>(())
/// ```
#[derive(Debug)]
pub struct Parser(Scanner);

impl Parser {
    /// A parser at the start of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self(Scanner::new(Purpose::Keep))
    }

    /// How many bytes a block may have, its line endings included (a line feed after a carriage return
    /// is not counted); 16 MiB unless said otherwise. It bounds what the parser keeps besides the
    /// blocks that were not taken.
    #[must_use]
    pub fn max_event_bytes(mut self, bytes: usize) -> Self {
        self.0.set_max_bytes(bytes);
        self
    }

    /// Takes the next piece of the stream.
    pub fn push(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.push(bytes.as_ref());
    }

    /// Ends the stream: the blocks that were not taken, and the text after the last one.
    ///
    /// # Errors
    ///
    /// [`EventTooLarge`](crate::ErrorKind::EventTooLarge), also when it was told before.
    pub fn finish(self) -> Result<Parsed> {
        let (blocks, rest) = self.0.finish()?;
        Ok(Parsed {
            blocks: blocks.into_iter().map(Block::from).collect(),
            rest: rest.into(),
        })
    }
}

impl Default for Parser {
    fn default() -> Self {
        Self::new()
    }
}

impl Iterator for Parser {
    type Item = Result<Block>;

    /// The next complete block; `None` when there is none yet.
    ///
    /// # Errors
    ///
    /// [`EventTooLarge`](crate::ErrorKind::EventTooLarge), once.
    fn next(&mut self) -> Option<Self::Item> {
        Some(self.0.next()?.map(Block::from))
    }
}

impl From<Scanned> for Block {
    fn from(scanned: Scanned) -> Self {
        Self {
            event: scanned.event,
            text: scanned.text.into(),
        }
    }
}
