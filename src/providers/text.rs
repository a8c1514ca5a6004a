//! A text in which what depends on the exchange is left open.

use bytes::Bytes;

use super::draws::Draws;

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

    pub(super) fn fill(&self, date: u64, drawn: &[String]) -> String {
        let known: usize = self.pieces.iter().map(String::len).sum();
        let mut text = String::with_capacity(known + 48 * self.gaps.len());
        for (index, piece) in self.pieces.iter().enumerate() {
            text.push_str(piece);
            match self.gaps.get(index) {
                Some(Gap::Date) => text.push_str(&date.to_string()),
                Some(Gap::Drawn(number)) => {
                    text.push_str(drawn.get(*number).map_or("", String::as_str));
                }
                None => {}
            }
        }
        text
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

impl Prepared {
    /// A reference, where nothing is open.
    pub(super) fn fill(&self, date: u64, drawn: &[String]) -> Bytes {
        match self {
            Self::Open(text) => text.fill(date, drawn).into(),
            Self::Ready(bytes) => bytes.clone(),
        }
    }
}
