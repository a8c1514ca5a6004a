//! A queue that grows without moving what it holds.

use std::collections::VecDeque;

/// How many items stand together. All blocks but the last one have had exactly so many.
const BLOCK: usize = 128;

/// A first-in, first-out queue with access by position, in blocks: growing it copies nothing, and
/// wastes at most two blocks.
pub(crate) struct Blocks<T> {
    /// `None` is where an item was taken from.
    blocks: VecDeque<Vec<Option<T>>>,
    /// How many were taken from the first block.
    taken: usize,
    len: usize,
}

impl<T> Blocks<T> {
    pub(crate) fn new() -> Self {
        Self {
            blocks: VecDeque::new(),
            taken: 0,
            len: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(crate) fn push_back(&mut self, item: T) {
        self.len += 1;
        match self.blocks.back_mut() {
            Some(block) if block.len() < block.capacity().min(BLOCK) => block.push(Some(item)),
            _ => self.grow(item),
        }
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, item: T) {
        if self.blocks.back().is_none_or(|block| block.len() == BLOCK) {
            // The first block grows as it fills: most queues are short.
            let room = if self.blocks.is_empty() { 1 } else { BLOCK };
            self.blocks.push_back(Vec::with_capacity(room));
        }
        if let Some(block) = self.blocks.back_mut() {
            block.push(Some(item));
        }
    }

    pub(crate) fn pop_front(&mut self) -> Option<T> {
        let first = self.blocks.front_mut()?;
        let item = first.get_mut(self.taken)?.take()?;
        self.taken += 1;
        self.len -= 1;
        if self.taken == first.len() {
            self.blocks.pop_front();
            self.taken = 0;
        }
        Some(item)
    }

    pub(crate) fn get(&self, position: usize) -> Option<&T> {
        let (block, at) = self.place(position);
        self.blocks.get(block)?.get(at)?.as_ref()
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, position: usize) -> Option<&mut T> {
        let (block, at) = self.place(position);
        self.blocks.get_mut(block)?.get_mut(at)?.as_mut()
    }

    /// The items from this position on.
    pub(crate) fn since(&self, position: usize) -> impl Iterator<Item = &T> {
        let (block, at) = self.place(position);
        let items = self.blocks.iter().skip(block).flatten().skip(at);
        items.flatten()
    }

    /// The block that holds a position, and where in it.
    fn place(&self, position: usize) -> (usize, usize) {
        let position = self.taken.saturating_add(position);
        (position / BLOCK, position % BLOCK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn behaves_like_one_long_queue() {
        let (mut blocks, mut queue) = (Blocks::new(), VecDeque::new());
        // Two in, one out, across many blocks; then only out.
        for n in 0..5 * BLOCK {
            blocks.push_back(n);
            queue.push_back(n);
            if n % 2 == 0 {
                assert_eq!(blocks.pop_front(), queue.pop_front());
            }
            let middle = queue.len() / 2;
            assert_eq!(blocks.get_mut(middle).copied(), queue.get(middle).copied());
        }
        for from in [
            0,
            1,
            BLOCK - 1,
            BLOCK,
            queue.len() - 1,
            queue.len(),
            queue.len() + 9,
        ] {
            let expected: Vec<_> = queue.iter().skip(from).collect();
            assert_eq!(
                blocks.since(from).collect::<Vec<_>>(),
                expected,
                "from {from}"
            );
        }
        while let Some(n) = queue.pop_front() {
            assert_eq!(blocks.pop_front(), Some(n));
            assert_eq!(blocks.len(), queue.len());
        }
        assert_eq!((blocks.pop_front(), blocks.since(0).next()), (None, None));
    }
}
