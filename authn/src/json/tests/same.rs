//! Thousands of made-up texts: what is read of each is what the plainest reader reads.
#![allow(clippy::arithmetic_side_effects, reason = "test code")]

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Map;

use super::{Tree, parse};

/// The plainest reader that keeps the rules, which the fast one is held to.
struct Unique(Tree);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueVisitor).map(Self)
    }
}

struct UniqueVisitor;

impl<'de> Visitor<'de> for UniqueVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Tree, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Tree, A::Error> {
        let mut array = Vec::new();
        while let Some(Unique(element)) = elements.next_element()? {
            array.push(element);
        }
        Ok(array.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Tree, A::Error> {
        let mut object = Map::new();
        while let Some((name, Unique(value))) = members.next_entry::<String, Unique>()? {
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("duplicate member"));
            }
        }
        Ok(object.into())
    }
}

/// What the plainest reader makes of a text.
fn plainly(text: &[u8]) -> Option<Tree> {
    serde_json::from_slice::<Unique>(text).ok().map(|Unique(tree)| tree).filter(Tree::is_object)
}

/// SplitMix64: the same numbers in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % u64::try_from(end).unwrap()).unwrap()
    }

    /// One of the words of a list.
    fn one_of(&mut self, list: &'static [u8]) -> &'static [u8] {
        let words = || list.split(|byte| *byte == b' ');
        words().nth(self.below(words().count())).unwrap()
    }

    /// A value as text, right or a little wrong.
    fn value(&mut self, depth: usize, text: &mut Vec<u8>) {
        const USUAL: &[u8] = b"null true false 0 -0 1 -1 1.5 1e5 1E-5 -0.0";
        const ODD: &[u8] = b"01 1. .5 +1 1e400 -1e400 1e-400 9007199254740993 9223372036854775807 \
            9223372036854775808 -9223372036854775808 -9223372036854775809 18446744073709551615 \
            18446744073709551616 123456789.123456789123456789 2.2250738585072011e-308 nul NaN \"\" [ } { ]";
        match self.below(if depth > 5 { 4 } else { 8 }) {
            0 | 1 => {
                let is_odd = self.below(8) == 0;
                text.extend_from_slice(self.one_of(if is_odd { ODD } else { USUAL }));
            }
            2 | 3 => self.string(text),
            4 | 5 => self.list(*b"[]", text, |random, text| random.value(depth + 1, text)),
            _ => self.list(*b"{}", text, |random, text| {
                random.string(text);
                random.blank(text);
                text.push(b':');
                random.blank(text);
                random.value(depth + 1, text);
            }),
        }
    }

    fn list(&mut self, [open, close]: [u8; 2], text: &mut Vec<u8>, one: impl Fn(&mut Self, &mut Vec<u8>)) {
        text.push(open);
        let long = self.below(40) == 0;
        for place in 0..self.below(if long { 60 } else { 5 }) {
            if place > 0 {
                text.push(b',');
            }
            self.blank(text);
            one(self, text);
            self.blank(text);
        }
        text.push(close);
    }

    /// Few enough names that some stand twice.
    fn string(&mut self, text: &mut Vec<u8>) {
        const USUAL: &[u8] =
            b"a b ab c d \\u0061 \\n \\\" \\\\ \\/ \\ud83d\\ude00 \xc3\xa9 \xf0\x9f\x98\x80 \\u0000";
        const ODD: &[u8] =
            b"\\ud800 \\udc00 \\ud800\\u0061 \\u12 \\x \xff \xc3 \xed\xa0\x80 \xc0\x80 \n \0 \"";
        text.push(b'"');
        for _ in 0..self.below(4) {
            let is_odd = self.below(150) == 0;
            text.extend_from_slice(self.one_of(if is_odd { ODD } else { USUAL }));
        }
        let many = self.below(4) > 0;
        text.extend(format!("{}", self.below(if many { 1_000 } else { 3 })).into_bytes());
        text.push(b'"');
    }

    fn blank(&mut self, text: &mut Vec<u8>) {
        if self.below(20) == 0 {
            let is_odd = self.below(20) == 0;
            text.extend_from_slice(if is_odd {
                self.one_of(b"\x0c \xc2\xa0 \xef\xbb\xbf")
            } else {
                b" \t\r\n"
            });
        }
    }
}

#[test]
fn each_text_is_read_as_by_the_plainest_reader() {
    let mut random = Random(7);
    let (mut good, mut bad) = (0, 0);
    for _ in 0..20_000 {
        let mut text = Vec::new();
        random.list(*b"{}", &mut text, |random, text| {
            random.string(text);
            text.push(b':');
            random.value(0, text);
        });
        if random.below(3) == 0 {
            let place = random.below(text.len());
            match random.below(3) {
                0 => text.truncate(place),
                1 => drop(text.remove(place)),
                _ => text.insert(place, u8::try_from(random.below(256)).unwrap()),
            }
        }
        let expected = plainly(&text);
        *(if expected.is_some() { &mut good } else { &mut bad }) += 1;
        assert_eq!(parse(&text).ok(), expected, "{}", String::from_utf8_lossy(&text));
    }
    assert!(good > 5_000 && bad > 5_000, "{good} good, {bad} bad");
}
