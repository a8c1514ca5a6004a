//! A text in which what depends on the exchange is left open.

use bytes::Bytes;

use super::draws::{Drawn, Draws};

/// How many digits a date has, for those who count: from 2001 to 2286.
const DATE_LEN: usize = 10;

/// A text in which what depends on the exchange is left open.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Text {
    /// What is known, up to the next gap or to the end.
    pieces: Vec<String>,
    /// What goes between the pieces: one less than there are of them.
    gaps: Vec<Gap>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gap {
    Date,
    Drawn(usize),
}

/// A text that is ready where nothing is open.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Prepared {
    Open(Text),
    Ready(Bytes),
}

impl Text {
    pub(super) fn new() -> Self {
        Self {
            pieces: vec![String::new()],
            gaps: Vec::new(),
        }
    }

    /// A text with nothing open.
    pub(super) fn of(text: &str) -> Self {
        let mut all = Self::new();
        all.push(text);
        all
    }

    pub(super) fn push(&mut self, text: &str) {
        if let Some(last) = self.pieces.last_mut() {
            last.push_str(text);
        }
    }

    pub(super) fn date(&mut self) {
        self.gap(Gap::Date);
    }

    pub(super) fn drawn(&mut self, number: usize) {
        self.gap(Gap::Drawn(number));
    }

    fn gap(&mut self, gap: Gap) {
        self.gaps.push(gap);
        self.pieces.push(String::new());
    }

    /// This before it and that behind it.
    pub(super) fn between(mut self, before: &str, after: &str) -> Self {
        if let Some(first) = self.pieces.first_mut() {
            first.insert_str(0, before);
        }
        self.push(after);
        self
    }

    /// How many characters it has, once it is filled.
    pub(super) fn characters(&self, draws: &Draws) -> usize {
        let known = self.pieces.iter().map(|piece| piece.chars().count());
        let open = self.gaps.iter().map(|gap| match gap {
            Gap::Date => DATE_LEN,
            Gap::Drawn(number) => draws.len(*number),
        });
        known.chain(open).sum()
    }

    /// How many bytes the text of this exchange has.
    fn len(&self, drawn: &Drawn) -> usize {
        let known: usize = self.pieces.iter().map(String::len).sum();
        let open: usize = self.gaps.iter().map(|gap| gap.of(drawn).len()).sum();
        known + open
    }

    /// Adds the text of this exchange.
    fn fill(&self, drawn: &Drawn, all: &mut String) {
        let mut gaps = self.gaps.iter().map(|gap| gap.of(drawn));
        for piece in &self.pieces {
            all.push_str(piece);
            all.push_str(gaps.next().unwrap_or_default());
        }
    }

    /// Made once what is the same every time.
    pub(super) fn prepared(mut self) -> Prepared {
        match (self.gaps.as_slice(), self.pieces.pop()) {
            ([], piece) => Prepared::Ready(piece.unwrap_or_default().into()),
            (_, Some(last)) => {
                self.pieces.push(last);
                Prepared::Open(self)
            }
            (_, None) => Prepared::Open(self),
        }
    }
}

impl Gap {
    fn of(self, drawn: &Drawn) -> &str {
        match self {
            Self::Date => &drawn.date,
            Self::Drawn(number) => drawn.get(number),
        }
    }
}

impl Prepared {
    /// How much memory it takes, about.
    pub(super) fn bytes(&self) -> usize {
        let text = match self {
            Self::Open(text) => text.pieces.iter().map(String::len).sum(),
            Self::Ready(bytes) => bytes.len(),
        };
        size_of::<Self>() + text
    }

    /// This text, in this exchange.
    pub(super) fn fill(&self, drawn: &Drawn) -> Bytes {
        fill(std::iter::once(self), drawn)
            .next()
            .unwrap_or_default()
    }
}

/// These texts, in this exchange: references where nothing is open, and parts of one piece of memory where
/// something is.
pub(super) fn fill<'a>(
    texts: impl Iterator<Item = &'a Prepared> + Clone,
    drawn: &Drawn,
) -> impl Iterator<Item = Bytes> {
    let open = texts.clone().filter_map(|text| match text {
        Prepared::Open(text) => Some(text),
        Prepared::Ready(_) => None,
    });
    let mut filled = String::with_capacity(open.clone().map(|text| text.len(drawn)).sum());
    open.for_each(|text| text.fill(drawn, &mut filled));
    let mut filled = Bytes::from(filled);
    texts.map(move |text| match text {
        Prepared::Open(text) => filled.split_to(text.len(drawn)),
        Prepared::Ready(bytes) => bytes.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Random;

    #[test]
    fn what_is_open_is_filled_in_one_piece_of_memory() {
        let mut draws = Draws::default();
        draws.alphanumeric("id_", 2);
        let mut open = Text::of("at ");
        open.date();
        let mut other = Text::new();
        other.drawn(0);
        let texts = [open, Text::of("known"), other].map(Text::prepared);
        let drawn = draws.draw(Random::of_exchange(0, 1), 7);
        let filled: Vec<_> = fill(texts.iter(), &drawn).collect();
        assert_eq!(
            (&filled[0][..], &filled[1][..]),
            (&b"at 7"[..], &b"known"[..])
        );
        assert!(filled[2].starts_with(b"id_") && filled[2].len() == 5);
        let end = filled[0].as_ptr_range().end;
        assert_eq!(end, filled[2].as_ptr(), "the next of one piece");
        let again: Vec<_> = fill(texts.iter(), &drawn).collect();
        assert_eq!(again, filled);
        assert_eq!(again[1].as_ptr(), filled[1].as_ptr(), "a reference");
    }
}
