//! A sorted list with fast access by position.

/// A sorted list without duplicates, divided into blocks.
///
/// Pages are read by position. A tree finds a position only by walking to it, and a vector moves half of its elements
/// on an insertion. With blocks, the cost of both is about the square root of the length.
#[derive(Clone, Debug)]
pub(crate) struct SortedList<T> {
    blocks: Vec<Vec<T>>,
    len: usize,
}

/// A block is split when it has twice this many elements.
const BLOCK: usize = 512;

impl<T> Default for SortedList<T> {
    fn default() -> Self {
        Self {
            blocks: Vec::new(),
            len: 0,
        }
    }
}

impl<T: Ord> SortedList<T> {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn insert(&mut self, value: T) {
        let index = self.block_of(&value);
        let Some(block) = self.blocks.get_mut(index) else {
            self.blocks.push(vec![value]);
            self.len += 1;
            return;
        };
        let Err(at) = block.binary_search(&value) else {
            return;
        };
        block.insert(at, value);
        self.len += 1;
        if block.len() >= 2 * BLOCK {
            let rest = block.split_off(BLOCK);
            self.blocks.insert(index + 1, rest);
        }
    }

    pub(crate) fn remove(&mut self, value: &T) {
        let index = self.block_of(value);
        let Some(block) = self.blocks.get_mut(index) else {
            return;
        };
        let Ok(at) = block.binary_search(value) else {
            return;
        };
        block.remove(at);
        self.len -= 1;
        if block.is_empty() {
            self.blocks.remove(index);
        }
    }

    /// Iterates in ascending order, from a position.
    pub(crate) fn ascending(&self, from: usize) -> impl Iterator<Item = &T> {
        let mut skip = from;
        let mut first = 0;
        while let Some(block) = self.blocks.get(first)
            && skip >= block.len()
        {
            skip -= block.len();
            first += 1;
        }
        self.blocks[first..].iter().flatten().skip(skip)
    }

    /// Iterates in descending order, from a position counted from the end.
    pub(crate) fn descending(&self, from: usize) -> impl Iterator<Item = &T> {
        let mut skip = from;
        let mut end = self.blocks.len();
        while end > 0 && skip >= self.blocks[end - 1].len() {
            skip -= self.blocks[end - 1].len();
            end -= 1;
        }
        self.blocks[..end]
            .iter()
            .rev()
            .flat_map(|block| block.iter().rev())
            .skip(skip)
    }

    /// Returns the block that contains the value, or into which it belongs.
    fn block_of(&self, value: &T) -> usize {
        self.blocks
            .partition_point(|block| block.first().is_some_and(|first| first <= value))
            .saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_those_of_a_sorted_vector() {
        let mut list = SortedList::default();
        let mut reference: Vec<u64> = (0..5_000).map(|i| i * 7_919 % 5_003).collect();
        for value in &reference {
            list.insert(*value);
        }
        for value in reference.drain(..1_000) {
            list.remove(&value);
        }
        reference.sort_unstable();
        assert_eq!(list.len(), reference.len());
        for from in [0, 1, 511, 512, 513, 2_000, 3_999, 4_000, 9_999] {
            let up: Vec<u64> = list.ascending(from).take(20).copied().collect();
            let expected: Vec<u64> = reference.iter().skip(from).take(20).copied().collect();
            assert_eq!(up, expected, "from {from}");
            let down: Vec<u64> = list.descending(from).take(20).copied().collect();
            let expected: Vec<u64> = reference
                .iter()
                .rev()
                .skip(from)
                .take(20)
                .copied()
                .collect();
            assert_eq!(down, expected, "from {from}");
        }
    }

    #[test]
    fn values_are_kept_once_and_absent_ones_ignored() {
        let mut list = SortedList::default();
        list.remove(&1);
        list.insert(1);
        list.insert(1);
        list.remove(&2);
        assert_eq!(list.len(), 1);
        list.remove(&1);
        assert_eq!(list.ascending(0).count(), 0);
    }
}
