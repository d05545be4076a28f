//! Go's `sort.Slice`. It is not stable: what equal keys do beyond twelve elements follows from how it goes about it, so
//! this is the same pattern-defeating quicksort, step for step (Go's package sort, `pdqsort_func`).

use std::cmp::Ordering;

/// Up to so many are sorted by insertion.
const MAX_INSERTION: usize = 12;
/// From so many on, the pivot is the median of three medians, and a few elements out of order are moved.
const MEDIAN_OF_MEDIANS: usize = 50;

/// The numbers of the keys, in the order of the keys. None: a key has no order to another, which counts as equal.
pub(super) fn sorted_indices(
    length: usize,
    compare: impl Fn(usize, usize) -> Option<Ordering>,
) -> Vec<usize> {
    let mut sorter = Sorter { indices: (0..length).collect(), compare };
    let limit = usize::BITS.saturating_sub(length.leading_zeros());
    sorter.sort(0, length, limit);
    sorter.indices
}

struct Sorter<C> {
    indices: Vec<usize>,
    compare: C,
}

/// How a range looks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hint {
    Decreasing,
    Increasing,
    Unknown,
}

impl<C: Fn(usize, usize) -> Option<Ordering>> Sorter<C> {
    fn less(&self, first: usize, second: usize) -> bool {
        match (self.indices.get(first), self.indices.get(second)) {
            (Some(first), Some(second)) => (self.compare)(*first, *second) == Some(Ordering::Less),
            _ => false,
        }
    }

    fn swap(&mut self, first: usize, second: usize) {
        if first < self.indices.len() && second < self.indices.len() {
            self.indices.swap(first, second);
        }
    }

    /// Sorts a range; `limit` is how often a pivot may be bad. The recursion is into the shorter part.
    fn sort(&mut self, mut start: usize, mut end: usize, mut limit: u32) {
        let mut balanced = true;
        let mut partitioned = true;
        loop {
            let length = end.saturating_sub(start);
            if length <= MAX_INSERTION {
                self.insertion(start, end);
                return;
            }
            if limit == 0 {
                self.heap(start, length);
                return;
            }
            if !balanced {
                self.break_patterns(start, length);
                limit = limit.saturating_sub(1);
            }
            let (mut pivot, mut hint) = self.pivot(start, length);
            if hint == Hint::Decreasing {
                if let Some(range) = self.indices.get_mut(start..end) {
                    range.reverse();
                }
                pivot = end.saturating_sub(1).saturating_sub(pivot.saturating_sub(start));
                hint = Hint::Increasing;
            }
            if balanced && partitioned && hint == Hint::Increasing && self.nearly_sorted(start, end) {
                return;
            }
            // All from here on are at least what stands before; if the pivot equals that, those equal to it are done.
            if let Some(before) = start.checked_sub(1)
                && !self.less(before, pivot)
            {
                start = self.partition_equal(start, end, pivot);
                continue;
            }
            let middle;
            (middle, partitioned) = self.partition(start, end, pivot);
            let (left, right) = (middle.saturating_sub(start), end.saturating_sub(middle));
            balanced = left.min(right) >= length / 8;
            if left < right {
                self.sort(start, middle, limit);
                start = middle.saturating_add(1);
            } else {
                self.sort(middle.saturating_add(1), end, limit);
                end = middle;
            }
        }
    }

    fn insertion(&mut self, start: usize, end: usize) {
        for next in start.saturating_add(1)..end {
            self.shift_left(next, start);
        }
    }

    /// Moves an element to the left as long as it is less than its neighbour.
    fn shift_left(&mut self, from: usize, start: usize) {
        let mut at = from;
        while at > start && self.less(at, at.saturating_sub(1)) {
            self.swap(at, at.saturating_sub(1));
            at = at.saturating_sub(1);
        }
    }

    fn heap(&mut self, start: usize, length: usize) {
        for root in (0..=length.saturating_sub(1) / 2).rev() {
            self.sift_down(root, length, start);
        }
        for last in (0..length).rev() {
            self.swap(start, start.saturating_add(last));
            self.sift_down(0, last, start);
        }
    }

    fn sift_down(&mut self, mut root: usize, length: usize, start: usize) {
        loop {
            let mut child = root.saturating_mul(2).saturating_add(1);
            if child >= length {
                return;
            }
            let at = |offset: usize| start.saturating_add(offset);
            let sibling = child.saturating_add(1);
            if sibling < length && self.less(at(child), at(sibling)) {
                child = sibling;
            }
            if !self.less(at(root), at(child)) {
                return;
            }
            self.swap(at(root), at(child));
            root = child;
        }
    }

    /// Swaps three elements of the middle with any, the same for each length (an xorshift seeded with it).
    fn break_patterns(&mut self, start: usize, length: usize) {
        let length_bits = usize::BITS.saturating_sub(length.leading_zeros());
        let modulus = u64::MAX.wrapping_shr(u64::BITS.saturating_sub(length_bits));
        let mut random = u64::try_from(length).unwrap_or_default();
        let first = start.saturating_add((length / 4).saturating_mul(2)).saturating_sub(1);
        for at in first..=first.saturating_add(2) {
            random ^= random.wrapping_shl(13);
            random ^= random.wrapping_shr(7);
            random ^= random.wrapping_shl(17);
            let other = usize::try_from(random & modulus).unwrap_or_default();
            let other = if other >= length { other.saturating_sub(length) } else { other };
            self.swap(at, start.saturating_add(other));
        }
    }

    /// A pivot, and what the comparisons for it tell of the range.
    fn pivot(&self, start: usize, length: usize) -> (usize, Hint) {
        let mut swaps = 0;
        let quarter = length / 4;
        let at = |quarters: usize| start.saturating_add(quarter.saturating_mul(quarters));
        let (mut first, mut second, mut third) = (at(1), at(2), at(3));
        if length >= MEDIAN_OF_MEDIANS {
            for middle in [&mut first, &mut second, &mut third] {
                *middle =
                    self.median(middle.saturating_sub(1), *middle, middle.saturating_add(1), &mut swaps);
            }
        }
        let median = self.median(first, second, third, &mut swaps);
        let hint = match swaps {
            0 => Hint::Increasing,
            12 => Hint::Decreasing,
            _ => Hint::Unknown,
        };
        (median, hint)
    }

    fn median(&self, first: usize, second: usize, third: usize, swaps: &mut u32) -> usize {
        let mut ordered = |first: usize, second: usize| {
            if self.less(second, first) {
                *swaps = swaps.saturating_add(1);
                (second, first)
            } else {
                (first, second)
            }
        };
        let (first, second) = ordered(first, second);
        let (second, _) = ordered(second, third);
        let (_, second) = ordered(first, second);
        second
    }

    /// Whether the range is sorted after five elements at most were moved.
    fn nearly_sorted(&mut self, start: usize, end: usize) -> bool {
        let mut at = start.saturating_add(1);
        for _ in 0..5 {
            while at < end && !self.less(at, at.saturating_sub(1)) {
                at = at.saturating_add(1);
            }
            if at == end {
                return true;
            }
            if end.saturating_sub(start) < MEDIAN_OF_MEDIANS {
                return false;
            }
            self.swap(at, at.saturating_sub(1));
            if at.saturating_sub(start) >= 2 {
                self.shift_left(at.saturating_sub(1), 0);
            }
            if end.saturating_sub(at) >= 2 {
                for right in at.saturating_add(1)..end {
                    if !self.less(right, right.saturating_sub(1)) {
                        break;
                    }
                    self.swap(right, right.saturating_sub(1));
                }
            }
        }
        false
    }

    /// Puts what is less than the pivot before it; its place, and whether all was so before.
    fn partition(&mut self, start: usize, end: usize, pivot: usize) -> (usize, bool) {
        self.swap(start, pivot);
        let mut low = start.saturating_add(1);
        let mut high = end.saturating_sub(1);
        let mut untouched = true;
        loop {
            while low <= high && self.less(low, start) {
                low = low.saturating_add(1);
            }
            while low <= high && !self.less(high, start) {
                high = high.saturating_sub(1);
            }
            if low > high {
                self.swap(high, start);
                return (high, untouched);
            }
            untouched = false;
            self.swap(low, high);
            low = low.saturating_add(1);
            high = high.saturating_sub(1);
        }
    }

    /// Puts what equals the pivot first, where nothing is less than it; where the rest begins.
    fn partition_equal(&mut self, start: usize, end: usize, pivot: usize) -> usize {
        self.swap(start, pivot);
        let mut low = start.saturating_add(1);
        let mut high = end.saturating_sub(1);
        loop {
            while low <= high && !self.less(start, low) {
                low = low.saturating_add(1);
            }
            while low <= high && self.less(start, high) {
                high = high.saturating_sub(1);
            }
            if low > high {
                return low;
            }
            self.swap(low, high);
            low = low.saturating_add(1);
            high = high.saturating_sub(1);
        }
    }
}
