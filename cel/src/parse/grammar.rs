//! The grammar `CEL.g4` as steps, numbered as ANTLR numbers its states: mistakes are told apart by them.

use super::token::{Kind, Kinds};

/// Number of a step.
pub(super) type State = u16;

/// The end of a rule.
pub(super) const RETURN: State = 0;

/// A rule of the grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    Start,
    Expr,
    ConditionalOr,
    ConditionalAnd,
    Relation,
    Calc,
    Unary,
    Member,
    Primary,
    ExprList,
    ListInit,
    FieldInitializerList,
    OptField,
    MapInitializerList,
    EscapeIdent,
    OptExpr,
    Literal,
}

/// How many rules there are.
pub(super) const RULES: usize = 17;

/// What a part is to its whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Label {
    /// The dot before a name.
    LeadingDot,
    /// An entry's colon.
    Colon,
    /// An element, an argument, or all of them.
    Item,
    /// The key of an entry.
    Key,
    /// The first operand, or all there is.
    Left,
    /// What stands between `?` and `:`.
    Middle,
    /// A name, or a part of one.
    Name,
    /// Of no use.
    Nothing,
    /// The operator, or the bracket that opens.
    Operator,
    /// The `?` of what is optional.
    Optional,
    /// A further operand.
    Right,
    /// The minus of a number.
    Sign,
    /// The value of an entry, or of a constant.
    Value,
}

/// What a node of the syntax tree is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    And,
    Bytes,
    Calc,
    Double,
    EscapedIdent,
    False,
    GlobalCall,
    Ident,
    Index,
    Int,
    List,
    /// Elements, arguments or entries.
    Items,
    Map,
    MemberCall,
    Message,
    Negate,
    Not,
    Null,
    /// An element, key or name that may be optional.
    Optional,
    Or,
    /// Nothing but its only part.
    Plain,
    Relation,
    Select,
    SimpleIdent,
    String,
    Ternary,
    True,
    Uint,
    /// Not recognized.
    Unknown,
    /// Not recognized where `!`, `-` or a value must be.
    UnknownUnary,
}

/// A step.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// Takes a word of that kind.
    Match { kind: Kind, label: Label, to: State },
    /// Takes a word of one of these kinds, which are known to be there.
    MatchAny { kinds: Kinds, to: State },
    /// Goes through a rule.
    Call { rule: Rule, precedence: u8, label: Label, to: State },
    /// Goes to the first if that may begin with the next word.
    Branch { first: State, second: State },
    /// Goes to one of these, by the words to come (`prediction`).
    Predict(&'static [State]),
    /// What there is so far becomes the first operand.
    Wrap { shape: Shape, to: State },
}

impl Rule {
    /// Its first step.
    pub(super) const fn entry(self) -> State {
        match self {
            Self::Start => 34,
            Self::Expr => 37,
            Self::ConditionalOr => 45,
            Self::ConditionalAnd => 53,
            Self::Relation => 62,
            Self::Calc => 73,
            Self::Unary => 99,
            Self::Member => 102,
            Self::Primary => 184,
            Self::ExprList => 186,
            Self::ListInit => 194,
            Self::FieldInitializerList => 202,
            Self::OptField => 216,
            Self::MapInitializerList => 220,
            Self::EscapeIdent => 235,
            Self::OptExpr => 238,
            Self::Literal => 256,
        }
    }

    /// What its node is until more is known.
    pub(super) const fn shape(self) -> Shape {
        match self {
            Self::Start | Self::Relation | Self::Calc | Self::Member => Shape::Plain,
            Self::Expr => Shape::Ternary,
            Self::ConditionalOr => Shape::Or,
            Self::ConditionalAnd => Shape::And,
            Self::Unary => Shape::UnknownUnary,
            Self::Primary | Self::EscapeIdent | Self::Literal => Shape::Unknown,
            Self::ExprList | Self::ListInit | Self::FieldInitializerList | Self::MapInitializerList => {
                Shape::Items
            }
            Self::OptField | Self::OptExpr => Shape::Optional,
        }
    }
}

/// What the node becomes when an alternative is chosen.
pub(super) const fn alternative(state: State) -> Option<Shape> {
    Some(match state {
        86 | 144 | 183 => Shape::Plain,
        87 => Shape::Not,
        93 => Shape::Negate,
        132 => Shape::Ident,
        136 => Shape::GlobalCall,
        148 => Shape::List,
        156 => Shape::Map,
        165 => Shape::Message,
        233 => Shape::SimpleIdent,
        234 => Shape::EscapedIdent,
        243 => Shape::Int,
        246 => Shape::Uint,
        248 => Shape::Double,
        251 => Shape::String,
        252 => Shape::Bytes,
        253 => Shape::True,
        254 => Shape::False,
        255 => Shape::Null,
        _ => return None,
    })
}

pub(super) const RELATIONS: Kinds = Kinds::of(Kind::Equals)
    .with(Kind::NotEquals)
    .with(Kind::In)
    .with(Kind::Less)
    .with(Kind::LessEquals)
    .with(Kind::GreaterEquals)
    .with(Kind::Greater);
pub(super) const PRODUCTS: Kinds = Kinds::of(Kind::Star).with(Kind::Slash).with(Kind::Percent);
pub(super) const SUMS: Kinds = Kinds::of(Kind::Plus).with(Kind::Minus);

/// The step with that number; none for numbers that the grammar does not have.
pub(super) const fn step(state: State) -> Option<Step> {
    use Kind as K;
    use Label as L;
    use Rule as R;
    Some(match state {
        // start: expr EOF
        34 => call(R::Expr, L::Left, 35),
        35 => matches(K::Eof, L::Nothing, RETURN),
        // expr: conditionalOr ('?' conditionalOr ':' expr)?
        37 => call(R::ConditionalOr, L::Left, 43),
        43 => branch(38, RETURN),
        38 => matches(K::Question, L::Operator, 39),
        39 => call(R::ConditionalOr, L::Middle, 40),
        40 => matches(K::Colon, L::Nothing, 41),
        41 => call(R::Expr, L::Right, RETURN),
        // conditionalOr: conditionalAnd ('||' conditionalAnd)*
        45 => call(R::ConditionalAnd, L::Left, 50),
        50 | 52 => branch(46, RETURN),
        46 => matches(K::Or, L::Operator, 47),
        47 => call(R::ConditionalAnd, L::Right, 52),
        // conditionalAnd: relation ('&&' relation)*
        53 => call(R::Relation, L::Left, 58),
        58 | 60 => branch(54, RETURN),
        54 => matches(K::And, L::Operator, 55),
        55 => call(R::Relation, L::Right, 60),
        // relation: calc | relation ('<' | …) relation
        62 => call(R::Calc, L::Left, 69),
        69 | 71 => Step::Predict(&[64, RETURN]),
        64 => wrap(Shape::Relation, 65),
        65 => Step::MatchAny { kinds: RELATIONS, to: 66 },
        66 => binary(R::Relation, 2, 71),
        // calc: unary | calc ('*' | …) calc | calc ('+' | '-') calc
        73 => call(R::Unary, L::Left, 83),
        83 | 85 => Step::Predict(&[81, RETURN]),
        81 => Step::Predict(&[75, 78]),
        75 => wrap(Shape::Calc, 76),
        76 => Step::MatchAny { kinds: PRODUCTS, to: 77 },
        77 => binary(R::Calc, 3, 85),
        78 => wrap(Shape::Calc, 79),
        79 => Step::MatchAny { kinds: SUMS, to: 80 },
        80 => binary(R::Calc, 2, 85),
        // unary: member | '!'+ member | '-'+ member
        99 => Step::Predict(&[86, 87, 93]),
        86 | 92 | 98 => call(R::Member, L::Left, RETURN),
        87 => matches(K::Not, L::Operator, 90),
        90 => branch(87, 92),
        93 => matches(K::Minus, L::Operator, 96),
        96 => Step::Predict(&[93, 98]),
        // member: primary | member '.' '?'? escapeIdent | member '.' IDENTIFIER '(' exprList? ')' | member '[' '?'? expr ']'
        102 => call(R::Primary, L::Left, 128),
        128 | 130 => Step::Predict(&[126, RETURN]),
        126 => Step::Predict(&[104, 110, 118]),
        104 => wrap(Shape::Select, 105),
        105 => matches(K::Dot, L::Operator, 107),
        107 => branch(106, 109),
        106 => matches(K::Question, L::Optional, 109),
        109 => call(R::EscapeIdent, L::Name, 130),
        110 => wrap(Shape::MemberCall, 111),
        111 => matches(K::Dot, L::Nothing, 112),
        112 => matches(K::Identifier, L::Name, 113),
        113 => matches(K::LeftParenthesis, L::Operator, 115),
        115 => branch(114, 117),
        114 => call(R::ExprList, L::Item, 117),
        117 => matches(K::RightParenthesis, L::Nothing, 130),
        118 => wrap(Shape::Index, 119),
        119 => matches(K::LeftBracket, L::Operator, 121),
        121 => branch(120, 123),
        120 => matches(K::Question, L::Optional, 123),
        123 => call(R::Expr, L::Right, 124),
        124 => matches(K::RightBracket, L::Nothing, 130),
        131..=183 => return primary(state),
        184 => Step::Predict(&[132, 136, 144, 148, 156, 165, 183]),
        186..=240 => return lists(state),
        // literal: '-'? NUM_INT | NUM_UINT | '-'? NUM_FLOAT | STRING | BYTES | 'true' | 'false' | 'null'
        256 => Step::Predict(&[243, 246, 248, 251, 252, 253, 254, 255]),
        243 => branch(242, 245),
        242 => matches(K::Minus, L::Sign, 245),
        245 => matches(K::Int, L::Value, RETURN),
        246 => matches(K::Uint, L::Value, RETURN),
        248 => branch(247, 250),
        247 => matches(K::Minus, L::Sign, 250),
        250 => matches(K::Float, L::Value, RETURN),
        251 => matches(K::String, L::Value, RETURN),
        252 => matches(K::Bytes, L::Value, RETURN),
        253 => matches(K::True, L::Value, RETURN),
        254 => matches(K::False, L::Value, RETURN),
        255 => matches(K::Null, L::Value, RETURN),
        _ => return None,
    })
}

/// The steps of the rule `primary`.
const fn primary(state: State) -> Option<Step> {
    use Kind as K;
    use Label as L;
    use Rule as R;
    Some(match state {
        // '.'? IDENTIFIER
        132 => branch(131, 134),
        131 => matches(K::Dot, L::LeadingDot, 134),
        134 => matches(K::Identifier, L::Name, RETURN),
        // '.'? IDENTIFIER '(' exprList? ')'
        136 => branch(135, 138),
        135 => matches(K::Dot, L::LeadingDot, 138),
        138 => matches(K::Identifier, L::Name, 139),
        139 => matches(K::LeftParenthesis, L::Operator, 141),
        141 => branch(140, 143),
        140 => call(R::ExprList, L::Item, 143),
        143 | 146 => matches(K::RightParenthesis, L::Nothing, RETURN),
        // '(' expr ')'
        144 => matches(K::LeftParenthesis, L::Nothing, 145),
        145 => call(R::Expr, L::Left, 146),
        // '[' listInit? ','? ']'
        148 => matches(K::LeftBracket, L::Operator, 150),
        150 => branch(149, 153),
        149 => call(R::ListInit, L::Item, 153),
        153 => branch(152, 155),
        152 => matches(K::Comma, L::Nothing, 155),
        155 => matches(K::RightBracket, L::Nothing, RETURN),
        // '{' mapInitializerList? ','? '}'
        156 => matches(K::LeftBrace, L::Operator, 158),
        158 => branch(157, 161),
        157 => call(R::MapInitializerList, L::Item, 161),
        161 => branch(160, 163),
        160 => matches(K::Comma, L::Nothing, 163),
        163 | 182 => matches(K::RightBrace, L::Nothing, RETURN),
        // '.'? IDENTIFIER ('.' IDENTIFIER)* '{' fieldInitializerList? ','? '}'
        165 => branch(164, 167),
        164 => matches(K::Dot, L::LeadingDot, 167),
        167 => matches(K::Identifier, L::Name, 172),
        172 | 174 => branch(168, 175),
        168 => matches(K::Dot, L::Nothing, 169),
        169 => matches(K::Identifier, L::Name, 174),
        175 => matches(K::LeftBrace, L::Operator, 177),
        177 => branch(176, 180),
        176 => call(R::FieldInitializerList, L::Item, 180),
        180 => branch(179, 182),
        179 => matches(K::Comma, L::Nothing, 182),
        // literal
        183 => call(R::Literal, L::Left, RETURN),
        _ => return None,
    })
}

/// The steps of the rules for arguments, elements and entries.
const fn lists(state: State) -> Option<Step> {
    use Kind as K;
    use Label as L;
    use Rule as R;
    Some(match state {
        // exprList: expr (',' expr)*
        186 => call(R::Expr, L::Item, 191),
        191 | 193 => branch(187, RETURN),
        187 => matches(K::Comma, L::Nothing, 188),
        188 => call(R::Expr, L::Item, 193),
        // listInit: optExpr (',' optExpr)*
        194 => call(R::OptExpr, L::Item, 199),
        199 | 201 => Step::Predict(&[195, RETURN]),
        195 => matches(K::Comma, L::Nothing, 196),
        196 => call(R::OptExpr, L::Item, 201),
        // fieldInitializerList: optField ':' expr (',' optField ':' expr)*
        202 => call(R::OptField, L::Key, 203),
        203 => matches(K::Colon, L::Colon, 204),
        204 => call(R::Expr, L::Value, 212),
        212 | 214 => Step::Predict(&[205, RETURN]),
        205 => matches(K::Comma, L::Nothing, 206),
        206 => call(R::OptField, L::Key, 207),
        207 => matches(K::Colon, L::Colon, 208),
        208 => call(R::Expr, L::Value, 214),
        // optField: '?'? escapeIdent
        216 => branch(215, 218),
        215 => matches(K::Question, L::Optional, 218),
        218 => call(R::EscapeIdent, L::Name, RETURN),
        // mapInitializerList: optExpr ':' expr (',' optExpr ':' expr)*
        220 => call(R::OptExpr, L::Key, 221),
        221 => matches(K::Colon, L::Colon, 222),
        222 => call(R::Expr, L::Value, 230),
        230 | 232 => Step::Predict(&[223, RETURN]),
        223 => matches(K::Comma, L::Nothing, 224),
        224 => call(R::OptExpr, L::Key, 225),
        225 => matches(K::Colon, L::Colon, 226),
        226 => call(R::Expr, L::Value, 232),
        // escapeIdent: IDENTIFIER | ESC_IDENTIFIER
        235 => Step::Predict(&[233, 234]),
        233 => matches(K::Identifier, L::Name, RETURN),
        234 => matches(K::EscapedIdentifier, L::Name, RETURN),
        // optExpr: '?'? expr
        238 => branch(237, 240),
        237 => matches(K::Question, L::Optional, 240),
        240 => call(R::Expr, L::Left, RETURN),
        _ => return None,
    })
}

/// What may come from a step on, to the end of its rule (ANTLR `NextTokens`).
pub(super) fn following(state: State) -> Kinds {
    match step(state) {
        None => Kinds::END_OF_RULE,
        Some(Step::Match { kind, .. }) => Kinds::of(kind),
        Some(Step::MatchAny { kinds, .. }) => kinds,
        // No rule is empty.
        Some(Step::Call { rule, .. }) => following(rule.entry()),
        Some(Step::Branch { first, second }) => following(first).union(following(second)),
        Some(Step::Predict(states)) => {
            states.iter().fold(Kinds::default(), |kinds, state| kinds.union(following(*state)))
        }
        Some(Step::Wrap { to, .. }) => following(to),
    }
}

const fn matches(kind: Kind, label: Label, to: State) -> Step {
    Step::Match { kind, label, to }
}

const fn call(rule: Rule, label: Label, to: State) -> Step {
    Step::Call { rule, precedence: 0, label, to }
}

const fn binary(rule: Rule, precedence: u8, to: State) -> Step {
    Step::Call { rule, precedence, label: Label::Right, to }
}

const fn branch(first: State, second: State) -> Step {
    Step::Branch { first, second }
}

const fn wrap(shape: Shape, to: State) -> Step {
    Step::Wrap { shape, to }
}
