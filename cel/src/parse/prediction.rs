//! Which alternative to take, where that is not plain from the grammar (ANTLR `AdaptivePredict`).
//!
//! ANTLR simulates the grammar over as many words as it takes. For this grammar, the outcome is what follows here: also
//! for texts with mistakes, where an alternative that has left its rule wins (`getSynValidOrSemInvalidAlt…`).

use super::grammar::{PRODUCTS, RELATIONS, RETURN, SUMS, State, following};
use super::machine::Machine;
use super::recovery::Failure;
use super::token::Kind;

impl Machine<'_> {
    pub(super) fn predict(&mut self) -> Result<State, Failure> {
        let next = self.peek(1).kind;
        let precedence = self.frames.last().map_or(0, |frame| frame.precedence);
        Ok(match self.state {
            69 | 71 if precedence <= 1 && RELATIONS.has(next) => 64,
            83 | 85 if precedence <= 2 && PRODUCTS.has(next) => 81,
            83 | 85 if precedence <= 1 && SUMS.has(next) => 81,
            81 if PRODUCTS.has(next) => 75,
            81 => 78,
            99 => self.unary(next)?,
            96 if next == Kind::Minus => self.sign(93, 93)?,
            96 if following(98).has(next) => 98,
            128 | 130 if matches!(next, Kind::Dot | Kind::LeftBracket) => 126,
            126 => self.member(next)?,
            184 => self.primary(next)?,
            199 | 201 => self.list(next, 195, 196),
            212 | 214 => self.list(next, 205, 206),
            230 | 232 => self.list(next, 223, 224),
            235 if next == Kind::Identifier => 233,
            235 if next == Kind::EscapedIdentifier => 234,
            256 => self.literal(next)?,
            96 | 235 => return Err(self.no_alternative(1)),
            _ => RETURN,
        })
    }

    fn unary(&mut self, next: Kind) -> Result<State, Failure> {
        match next {
            Kind::Not => Ok(87),
            Kind::Minus => self.sign(86, 93),
            next if following(86).has(next) => Ok(86),
            _ => Err(self.no_alternative(1)),
        }
    }

    /// A minus before a number is the number's own, if it may be.
    fn sign(&mut self, number: State, operand: State) -> Result<State, Failure> {
        match self.peek(2).kind {
            Kind::Int | Kind::Float => Ok(number),
            next if following(96).has(next) => Ok(operand),
            _ => Err(self.no_alternative(2)),
        }
    }

    fn member(&mut self, next: Kind) -> Result<State, Failure> {
        if next == Kind::LeftBracket {
            return Ok(118);
        }
        match self.peek(2).kind {
            Kind::Identifier if self.peek(3).kind == Kind::LeftParenthesis => Ok(110),
            Kind::Identifier | Kind::Question | Kind::EscapedIdentifier => Ok(104),
            _ => Err(self.no_alternative(2)),
        }
    }

    fn primary(&mut self, next: Kind) -> Result<State, Failure> {
        match next {
            Kind::LeftParenthesis => Ok(144),
            Kind::LeftBracket => Ok(148),
            Kind::LeftBrace => Ok(156),
            Kind::Identifier => Ok(self.name(self.index)),
            Kind::Dot => {
                let name = self.after(self.index);
                match self.token(name).kind {
                    Kind::Identifier => Ok(self.name(name)),
                    _ => Err(self.no_alternative(2)),
                }
            }
            next if following(183).has(next) => Ok(183),
            _ => Err(self.no_alternative(1)),
        }
    }

    /// A variable, a function, or the name of a message, which may have dots.
    fn name(&mut self, mut name: usize) -> State {
        let mut first = true;
        loop {
            let next = self.after(name);
            match self.token(next).kind {
                Kind::LeftParenthesis if first => return 136,
                Kind::LeftBrace => return 165,
                Kind::Dot => name = self.after(next),
                _ => return 132,
            }
            if self.token(name).kind != Kind::Identifier {
                return 132;
            }
            first = false;
        }
    }

    /// Whether a comma begins another element, or is the last one.
    fn list(&mut self, next: Kind, more: State, element: State) -> State {
        if next == Kind::Comma && following(element).has(self.peek(2).kind) { more } else { RETURN }
    }

    fn literal(&mut self, next: Kind) -> Result<State, Failure> {
        Ok(match next {
            Kind::Minus => match self.peek(2).kind {
                Kind::Int => 243,
                Kind::Float => 248,
                _ => return Err(self.no_alternative(2)),
            },
            Kind::Int => 243,
            Kind::Uint => 246,
            Kind::Float => 248,
            Kind::String => 251,
            Kind::Bytes => 252,
            Kind::True => 253,
            Kind::False => 254,
            Kind::Null => 255,
            _ => return Err(self.no_alternative(1)),
        })
    }

    /// The words up to that one begin none of the alternatives.
    fn no_alternative(&mut self, count: usize) -> Failure {
        let mut offending = self.index;
        for _ in 1..count {
            offending = self.after(offending);
        }
        Failure::NoAlternative { first: self.index, offending }
    }
}
