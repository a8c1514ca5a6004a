//! What was seen lately, by number: what is repeated crosses as one number, and is parsed once.

/// How many are remembered; the oldest is forgotten for a new one.
const KEPT: usize = 1024;

/// The latest things by number.
pub(super) struct Recent<T> {
    kept: Vec<T>,
    /// How many there have ever been: the number of the next one.
    count: usize,
}

impl<T: Clone> Recent<T> {
    pub(super) const fn new() -> Self {
        Self {
            kept: Vec::new(),
            count: 0,
        }
    }

    /// Remembers a thing; its number.
    pub(super) fn add(&mut self, thing: T) -> usize {
        let number = self.count;
        match self.kept.get_mut(number % KEPT) {
            Some(oldest) => *oldest = thing,
            None => self.kept.push(thing),
        }
        self.count += 1;
        number
    }

    /// The thing with this number, unless it is forgotten.
    pub(super) fn get(&self, number: usize) -> Option<T> {
        let kept = number < self.count && number + KEPT >= self.count;
        kept.then(|| self.kept.get(number % KEPT).cloned())
            .flatten()
    }
}
