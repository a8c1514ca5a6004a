//! A queue that grows without moving what it holds.

use std::collections::VecDeque;

/// How many items stand together. All blocks between the first and the last have exactly so many.
const BLOCK: usize = 128;

/// A first-in, first-out queue with access by position, in blocks: growing it copies nothing, and
/// wastes at most one block.
pub(crate) struct Blocks<T> {
    blocks: VecDeque<VecDeque<T>>,
    len: usize,
}

impl<T> Blocks<T> {
    pub(crate) fn new() -> Self {
        Self {
            blocks: VecDeque::new(),
            len: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn push_back(&mut self, item: T) {
        self.len += 1;
        if self.blocks.back().is_none_or(|block| block.len() == BLOCK) {
            // The first block grows as it fills: most queues are short.
            let room = if self.blocks.is_empty() { 1 } else { BLOCK };
            self.blocks.push_back(VecDeque::with_capacity(room));
        }
        if let Some(block) = self.blocks.back_mut() {
            block.push_back(item);
        }
    }

    pub(crate) fn pop_front(&mut self) -> Option<T> {
        let first = self.blocks.front_mut()?;
        let item = first.pop_front()?;
        self.len -= 1;
        if first.is_empty() {
            self.blocks.pop_front();
        }
        Some(item)
    }

    pub(crate) fn get(&self, position: usize) -> Option<&T> {
        let (block, at) = self.place(position)?;
        self.blocks.get(block)?.get(at)
    }

    pub(crate) fn get_mut(&mut self, position: usize) -> Option<&mut T> {
        let (block, at) = self.place(position)?;
        self.blocks.get_mut(block)?.get_mut(at)
    }

    /// The items from this position on.
    pub(crate) fn since(&self, position: usize) -> impl Iterator<Item = &T> {
        let (block, at) = self.place(position).unwrap_or((self.blocks.len(), 0));
        self.blocks.iter().skip(block).flatten().skip(at)
    }

    /// The block that holds a position, and where in it.
    fn place(&self, position: usize) -> Option<(usize, usize)> {
        let first = self.blocks.front()?.len();
        match position.checked_sub(first) {
            None => Some((0, position)),
            Some(beyond) => Some((1 + beyond / BLOCK, beyond % BLOCK)),
        }
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
