//! The kinds of words, and sets of them (cel-go `parser/gen/CEL.tokens`).

/// What kind of word: the numbers are those of the grammar, except for the end of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Eof,
    Equals,
    NotEquals,
    In,
    Less,
    LessEquals,
    GreaterEquals,
    Greater,
    And,
    Or,
    LeftBracket,
    RightBracket,
    LeftBrace,
    RightBrace,
    LeftParenthesis,
    RightParenthesis,
    Dot,
    Comma,
    Minus,
    Not,
    Question,
    Colon,
    Plus,
    Star,
    Slash,
    Percent,
    True,
    False,
    Null,
    Whitespace,
    Comment,
    Float,
    Int,
    Uint,
    String,
    Bytes,
    Identifier,
    EscapedIdentifier,
}

/// The kinds by their numbers, with the names that messages give them.
const NAMES: [(Kind, &str); 38] = [
    (Kind::Eof, "<EOF>"),
    (Kind::Equals, "'=='"),
    (Kind::NotEquals, "'!='"),
    (Kind::In, "'in'"),
    (Kind::Less, "'<'"),
    (Kind::LessEquals, "'<='"),
    (Kind::GreaterEquals, "'>='"),
    (Kind::Greater, "'>'"),
    (Kind::And, "'&&'"),
    (Kind::Or, "'||'"),
    (Kind::LeftBracket, "'['"),
    (Kind::RightBracket, "']'"),
    (Kind::LeftBrace, "'{'"),
    (Kind::RightBrace, "'}'"),
    (Kind::LeftParenthesis, "'('"),
    (Kind::RightParenthesis, "')'"),
    (Kind::Dot, "'.'"),
    (Kind::Comma, "','"),
    (Kind::Minus, "'-'"),
    (Kind::Not, "'!'"),
    (Kind::Question, "'?'"),
    (Kind::Colon, "':'"),
    (Kind::Plus, "'+'"),
    (Kind::Star, "'*'"),
    (Kind::Slash, "'/'"),
    (Kind::Percent, "'%'"),
    (Kind::True, "'true'"),
    (Kind::False, "'false'"),
    (Kind::Null, "'null'"),
    (Kind::Whitespace, "WHITESPACE"),
    (Kind::Comment, "COMMENT"),
    (Kind::Float, "NUM_FLOAT"),
    (Kind::Int, "NUM_INT"),
    (Kind::Uint, "NUM_UINT"),
    (Kind::String, "STRING"),
    (Kind::Bytes, "BYTES"),
    (Kind::Identifier, "IDENTIFIER"),
    (Kind::EscapedIdentifier, "ESC_IDENTIFIER"),
];

/// A word.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// Where it begins, in code points.
    pub(super) start: usize,
    /// Where it ends: before this place.
    pub(super) end: usize,
    /// Whether it was only thought of, in place of one that is missing.
    pub(super) missing: bool,
}

impl Token {
    /// Where it begins, as nodes have it.
    pub(super) fn offset(&self) -> u32 {
        u32::try_from(self.start).unwrap_or(super::source::NOWHERE)
    }
}

/// A set of kinds, which may also hold "nothing more in this rule" (ANTLR's epsilon).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Kinds(u64);

impl Kinds {
    /// The end of the rule.
    pub(super) const END_OF_RULE: Self = Self(1 << 63);

    pub(super) const fn of(kind: Kind) -> Self {
        Self(1_u64.wrapping_shl(kind as u32))
    }

    pub(super) const fn with(self, kind: Kind) -> Self {
        self.union(Self::of(kind))
    }

    pub(super) const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn has(self, kind: Kind) -> bool {
        self.0 & Self::of(kind).0 != 0
    }

    pub(super) const fn may_end_rule(self) -> bool {
        self.0 & Self::END_OF_RULE.0 != 0
    }

    pub(super) const fn within_rule(self) -> Self {
        Self(self.0 & !Self::END_OF_RULE.0)
    }
}

impl std::fmt::Display for Kinds {
    /// As ANTLR's `IntervalSet.StringVerbose`.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> =
            NAMES.iter().filter(|(kind, _)| self.has(*kind)).map(|(_, name)| *name).collect();
        match names.as_slice() {
            [name] => formatter.write_str(name),
            names => write!(formatter, "{{{}}}", names.join(", ")),
        }
    }
}
