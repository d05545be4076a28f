//! Texts that are kept and read together: two blocks of memory, however many they are.

/// A list of texts that does not change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    text: Box<str>,
    /// Where each ends.
    ends: Box<[u32]>,
}

/// A list of texts that grows.
#[derive(Debug, Default)]
pub struct TextsBuilder {
    text: String,
    ends: Vec<u32>,
}

impl TextsBuilder {
    /// An empty list with room for so many texts of so many bytes in all: no more than that, and nothing is moved.
    #[must_use]
    pub fn with_capacity(texts: usize, bytes: usize) -> Self {
        Self { text: String::with_capacity(bytes), ends: Vec::with_capacity(texts) }
    }

    /// Adds a text. What a request brings is bounded far below 4 GiB; beyond that, texts would be empty.
    pub fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.ends.push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
    }

    /// The list, in no more memory than it needs.
    #[must_use]
    pub fn build(self) -> Texts {
        Texts { text: self.text.into_boxed_str(), ends: self.ends.into_boxed_slice() }
    }
}

impl Texts {
    /// A list of texts that are looked at twice: for the room they take, then for themselves.
    #[must_use]
    pub fn packed<'a>(texts: impl Iterator<Item = &'a str> + Clone) -> Self {
        let (count, bytes) = texts.clone().fold((0_usize, 0_usize), |(count, bytes), text| {
            (count.saturating_add(1), bytes.saturating_add(text.len()))
        });
        let mut builder = TextsBuilder::with_capacity(count, bytes);
        texts.for_each(|text| builder.push(text));
        builder.build()
    }

    /// The texts in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let mut start = 0;
        self.ends.iter().map(move |end| {
            let end = usize::try_from(*end).unwrap_or(usize::MAX);
            let text = self.text.get(start..end).unwrap_or_default();
            start = end;
            text
        })
    }

    /// Bytes that the texts take, bookkeeping included.
    #[must_use]
    pub fn size(&self) -> usize {
        self.text.len().saturating_add(size_of_val(&*self.ends))
    }
}

impl<S: AsRef<str>> FromIterator<S> for Texts {
    fn from_iter<I: IntoIterator<Item = S>>(texts: I) -> Self {
        let mut builder = TextsBuilder::default();
        texts.into_iter().for_each(|text| builder.push(text.as_ref()));
        builder.build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back_as_they_were() {
        for texts in [&["a", "", "zo\u{eb}", ""][..], &[""], &[]] {
            let kept: Texts = texts.iter().collect();
            assert_eq!(kept.iter().collect::<Vec<_>>(), texts);
        }
        assert_eq!(["ab", "c"].into_iter().collect::<Texts>().size(), 3 + 2 * 4);
    }
}
