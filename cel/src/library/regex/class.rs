//! Classes of characters: `[a-z]`, `\d`, `[[:alpha:]]`, `\p{Greek}`, and what `(?i)` adds to them.
//!
//! Unicode is that of Go's package `unicode`, version 15.0.0: later versions know more letters and more pairs of case.

use super::unicode_tables::{FOLDS, NAMES, TABLES};

/// The last code point.
pub(super) const LAST: u32 = 0x0010_ffff;

/// Ranges of code points, both ends included.
pub(super) type Ranges = Vec<(u32, u32)>;

/// A class, ready to be asked.
#[derive(Debug)]
pub(super) struct Class {
    /// A bit for each of the first 128 characters.
    ascii: u128,
    /// Sorted, apart from each other.
    ranges: Ranges,
}

impl Class {
    /// A class of ranges that are clean.
    pub(super) fn new(ranges: Ranges) -> Self {
        let mut ascii = 0;
        for (low, high) in &ranges {
            for char in *low..=(*high).min(127) {
                ascii |= 1_u128.wrapping_shl(char);
            }
        }
        Self { ascii, ranges }
    }

    pub(super) fn contains(&self, char: u32) -> bool {
        if char < 128 {
            return self.ascii.wrapping_shr(char) & 1 == 1;
        }
        let after = self.ranges.partition_point(|(low, _)| *low <= char);
        after.checked_sub(1).and_then(|at| self.ranges.get(at)).is_some_and(|(_, high)| char <= *high)
    }

    pub(super) const fn len(&self) -> usize {
        self.ranges.len()
    }
}

/// Sorts ranges and joins those that touch.
pub(super) fn clean(mut ranges: Ranges) -> Ranges {
    ranges.sort_unstable();
    let mut clean: Ranges = Vec::with_capacity(ranges.len());
    for (low, high) in ranges {
        match clean.last_mut() {
            Some((_, last)) if low <= last.saturating_add(1) => *last = high.max(*last),
            _ => clean.push((low, high)),
        }
    }
    clean
}

/// All that clean ranges lack.
pub(super) fn negate(ranges: &[(u32, u32)]) -> Ranges {
    let mut negated = Vec::with_capacity(ranges.len().saturating_add(1));
    let mut next = 0;
    for (low, high) in ranges {
        if next < *low {
            negated.push((next, low.saturating_sub(1)));
        }
        next = high.saturating_add(1);
    }
    if next <= LAST {
        negated.push((next, LAST));
    }
    negated
}

/// Adds what differs only in case. Go's `unicode.SimpleFold` goes round: `K`, `k`, the Kelvin sign, `K`; no round is
/// longer than four.
pub(super) fn fold(mut ranges: Ranges) -> Ranges {
    for _ in 0..3 {
        let mut next = Vec::new();
        for (low, high) in &ranges {
            let first = FOLDS.partition_point(|(_, last, _)| last < low);
            let near =
                FOLDS.get(first..).unwrap_or_default().iter().take_while(|(first, _, _)| first <= high);
            next.extend(near.map(|fold| next_in_case((*low).max(fold.0), (*high).min(fold.1), *fold)));
        }
        ranges.append(&mut next);
        ranges = clean(ranges);
    }
    ranges
}

/// The next ones in case of a range within those of an entry, and maybe the range itself.
fn next_in_case(low: u32, high: u32, (first, _, distance): Fold) -> (u32, u32) {
    if distance != 0 {
        return (low.saturating_add_signed(distance), high.saturating_add_signed(distance));
    }
    let is_second = |char: u32| char.saturating_sub(first) % 2 == 1;
    (
        if is_second(low) { low.saturating_sub(1) } else { low },
        if is_second(high) { high } else { high.saturating_add(1) },
    )
}

/// First and last of characters that have another case, and the distance from each to its next one; 0: they are pairs
/// of neighbours.
pub(super) type Fold = (u32, u32, i32);

const DIGIT: &[(u32, u32)] = &[(0x30, 0x39)];
const PERL_SPACE: &[(u32, u32)] = &[(0x09, 0x0a), (0x0c, 0x0d), (0x20, 0x20)];
const WORD: &[(u32, u32)] = &[(0x30, 0x39), (0x41, 0x5a), (0x5f, 0x5f), (0x61, 0x7a)];

/// `\d`, `\s`, `\w` and their opposites at the beginning of the text, with their length.
pub(super) fn perl(text: &str, folds: bool) -> Option<(Ranges, usize)> {
    let letter = text.strip_prefix('\\')?.chars().next()?;
    let ranges = match letter.to_ascii_lowercase() {
        'd' => DIGIT,
        's' => PERL_SPACE,
        'w' => WORD,
        _ => return None,
    };
    Some((group(ranges, folds, letter.is_ascii_uppercase()), 2))
}

/// `[:alpha:]` or `[:^alpha:]` at the beginning of the text, with its length. No ranges: there is no class of that name.
pub(super) fn posix(text: &str, folds: bool) -> Option<(Option<Ranges>, usize)> {
    let (inner, _) = text.strip_prefix("[:")?.split_once(":]")?;
    let (name, negated) = match inner.strip_prefix('^') {
        Some(name) => (name, true),
        None => (inner, false),
    };
    let ranges: Option<&[(u32, u32)]> = match name {
        "alnum" => Some(&[(0x30, 0x39), (0x41, 0x5a), (0x61, 0x7a)]),
        "alpha" => Some(&[(0x41, 0x5a), (0x61, 0x7a)]),
        "ascii" => Some(&[(0x00, 0x7f)]),
        "blank" => Some(&[(0x09, 0x09), (0x20, 0x20)]),
        "cntrl" => Some(&[(0x00, 0x1f), (0x7f, 0x7f)]),
        "digit" => Some(DIGIT),
        "graph" => Some(&[(0x21, 0x7e)]),
        "lower" => Some(&[(0x61, 0x7a)]),
        "print" => Some(&[(0x20, 0x7e)]),
        "punct" => Some(&[(0x21, 0x2f), (0x3a, 0x40), (0x5b, 0x60), (0x7b, 0x7e)]),
        "space" => Some(&[(0x09, 0x0d), (0x20, 0x20)]),
        "upper" => Some(&[(0x41, 0x5a)]),
        "word" => Some(WORD),
        "xdigit" => Some(&[(0x30, 0x39), (0x41, 0x46), (0x61, 0x66)]),
        _ => None,
    };
    Some((ranges.map(|ranges| group(ranges, folds, negated)), inner.len().saturating_add(4)))
}

/// The category or script of that name (regexp/syntax `unicodeTable`).
pub(super) fn unicode(name: &str, folds: bool, negated: bool) -> Option<Ranges> {
    let canonical = canonical(name);
    let (table, inverted) = match canonical.as_str() {
        "Any" => (vec![(0, LAST)], false),
        "Ascii" => (vec![(0, 0x7f)], false),
        "Assigned" => (table("Cn")?, true),
        name => (table(name)?, false),
    };
    // Go has no table of what differs in case from the cased letters, only of what does from others.
    let folds = folds && !matches!(canonical.as_str(), "Lc" | "Casedletter");
    Some(group(&table, folds, negated != inverted))
}

fn group(ranges: &[(u32, u32)], folds: bool, negated: bool) -> Ranges {
    let ranges = if folds { fold(ranges.to_vec()) } else { ranges.to_vec() };
    if negated { negate(&ranges) } else { ranges }
}

/// First letter upper case, the others lower case, without `_`, `-` and spaces (regexp/syntax `canonicalName`).
fn canonical(name: &str) -> String {
    let mut canonical = String::with_capacity(name.len());
    let mut first = true;
    for char in name.chars().filter(|char| !matches!(char, '_' | '-' | ' ')) {
        canonical.push(if first { char.to_ascii_uppercase() } else { char.to_ascii_lowercase() });
        first = false;
    }
    canonical
}

fn table(name: &str) -> Option<Ranges> {
    let at = NAMES.binary_search_by(|(other, _)| (*other).cmp(name)).ok()?;
    let (_, number) = NAMES.get(at)?;
    TABLES.get(usize::from(*number)).map(|text| decode(text))
}

/// Ranges as text: numbers in turn, the distance to the next range and its length less one. Each character is five bits,
/// lowest first, and whether more follow.
fn decode(text: &str) -> Ranges {
    let mut numbers = Vec::with_capacity(text.len());
    let (mut number, mut shift) = (0_u32, 0_u32);
    for byte in text.bytes() {
        let six = u32::from(byte.saturating_sub(FIRST_BYTE));
        number |= (six & 31).wrapping_shl(shift);
        shift = shift.saturating_add(5);
        if six < 32 {
            numbers.push(number);
            (number, shift) = (0, 0);
        }
    }
    let mut next: u32 = 0;
    let mut ranges = Vec::with_capacity(numbers.len() / 2);
    for pair in numbers.chunks_exact(2) {
        if let [distance, length] = pair {
            let low = next.saturating_add(*distance);
            let high = low.saturating_add(*length);
            ranges.push((low, high));
            next = high.saturating_add(1);
        }
    }
    ranges
}

/// The character for zero. The 64 from `#` on have neither quotes nor, but for one, backslashes.
const FIRST_BYTE: u8 = b'#';
