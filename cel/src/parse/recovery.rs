//! What happens after a mistake: what is reported, and how to go on (ANTLR `DefaultErrorStrategy`, cel-go
//! `recoveryLimitErrorStrategy`).

use super::grammar::{State, following};
use super::machine::{Machine, quoted};
use super::token::{Kind, Kinds, Token};

/// cel-go's `errorRecoveryLimit`.
const ATTEMPT_LIMIT: u32 = 30;

/// cel-go's `errorRecoveryTokenLookaheadLimit`.
const LOOKAHEAD_LIMIT: u32 = 256;

/// Why a rule ends early.
#[derive(Debug)]
pub(super) enum Failure {
    /// The next word is none of the expected.
    Mismatch,
    /// No alternative begins with these words.
    NoAlternative { first: usize, offending: usize },
}

/// What is remembered of mistakes.
#[derive(Debug, Default)]
pub(super) struct Recovery {
    attempts: u32,
    /// Between a mistake and the next word that fits: no further mistake is reported.
    recovering: bool,
    /// Where the last mistakes were, so that no place is tried twice.
    last: Option<(usize, Vec<State>)>,
}

impl Recovery {
    /// A word fitted.
    pub(super) fn matched(&mut self) {
        self.recovering = false;
        self.last = None;
    }
}

impl Machine<'_> {
    /// Takes a word of that kind; before that, one that is too much may be left out, or one that is missing thought of.
    pub(super) fn match_kind(&mut self, kind: Kind, to: State) -> Result<Token, Failure> {
        let token = self.peek(1);
        if token.kind == kind {
            self.recovery.matched();
            self.consume();
            return Ok(token);
        }
        self.count_attempt();
        if self.stopped {
            return Err(Failure::Mismatch);
        }
        if let Some(token) = self.leave_out_one() {
            self.consume();
            return Ok(token);
        }
        if self.expected_from(to).has(token.kind) {
            self.report_missing();
            let place = if token.kind == Kind::Eof { self.last() } else { token };
            return Ok(Token { kind, missing: true, ..place });
        }
        Err(Failure::Mismatch)
    }

    /// Before a choice: sees to it that the next word fits one (ANTLR `Sync`).
    pub(super) fn synchronize(&mut self) -> Result<(), Failure> {
        if self.recovery.recovering {
            return Ok(());
        }
        let kinds = following(self.state);
        if kinds.may_end_rule() || kinds.has(self.peek(1).kind) {
            return Ok(());
        }
        // States in which a loop goes on.
        if matches!(self.state, 90 | 96 | 174) {
            self.report_unwanted();
            let kinds = self.expected_from(self.state).union(self.recovery_kinds());
            while self.skips(kinds) {
                self.consume();
            }
            return Ok(());
        }
        self.leave_out_one().map(|_| ()).ok_or(Failure::Mismatch)
    }

    /// Reports a failure and skips what cannot follow (ANTLR `ReportError`, `Recover`).
    pub(super) fn recover_from(&mut self, failure: &Failure) {
        if self.stopped {
            return;
        }
        self.report(failure);
        self.count_attempt();
        let mut consumed = 0_u32;
        let again = |last: &(usize, Vec<State>), machine: &Self| {
            last.0 == machine.index && last.1.contains(&machine.state)
        };
        if self.recovery.last.as_ref().is_some_and(|last| again(last, self)) {
            self.consume();
            consumed = 1;
        }
        let mut states = self.recovery.last.take().map(|last| last.1).unwrap_or_default();
        states.push(self.state);
        self.recovery.last = Some((self.index, states));
        let kinds = self.recovery_kinds();
        while !self.stopped && self.skips(kinds) {
            if consumed >= LOOKAHEAD_LIMIT {
                self.stop(format!("error recovery token lookahead limit exceeded: {LOOKAHEAD_LIMIT}"));
                return;
            }
            consumed = consumed.saturating_add(1);
            self.consume();
        }
    }

    fn skips(&mut self, kinds: Kinds) -> bool {
        let next = self.peek(1).kind;
        next != Kind::Eof && !kinds.has(next)
    }

    /// What may follow any rule that is being gone through (ANTLR `GetErrorRecoverySet`).
    fn recovery_kinds(&self) -> Kinds {
        let follow = self.frames.iter().skip(1).map(|frame| following(frame.back).within_rule());
        follow.fold(Kinds::default(), Kinds::union)
    }

    /// cel-go `checkAttempts`.
    fn count_attempt(&mut self) {
        if self.recovery.attempts == ATTEMPT_LIMIT {
            let place = self.peek(1).offset();
            let message = format!("error recovery attempt limit exceeded: {ATTEMPT_LIMIT}");
            self.syntax_error(place, &message);
            self.stopped = true;
        }
        self.recovery.attempts = self.recovery.attempts.saturating_add(1);
    }

    /// Leaves out the next word if the one behind it fits (ANTLR `SingleTokenDeletion`).
    fn leave_out_one(&mut self) -> Option<Token> {
        let second = self.peek(2);
        if !self.expected_from(self.state).has(second.kind) {
            return None;
        }
        self.report_unwanted();
        self.consume();
        self.recovery.matched();
        Some(self.peek(1))
    }

    fn report(&mut self, failure: &Failure) {
        if self.recovery.recovering {
            return;
        }
        self.recovery.recovering = true;
        match *failure {
            Failure::Mismatch => {
                let token = self.peek(1);
                let expected = self.expected_from(self.state);
                let shown = self.shown(token);
                self.syntax_error(token.offset(), &format!("mismatched input {shown} expecting {expected}"));
            }
            Failure::NoAlternative { first, offending } => {
                let place = self.token(offending).offset();
                let input = match self.token(first).kind {
                    Kind::Eof => "<EOF>".to_owned(),
                    _ => self.text_between(first, offending),
                };
                let message = match reserved(&input) {
                    Some(word) => format!("mismatched input '{word}' expecting IDENTIFIER"),
                    None => format!("no viable alternative at input {}", quoted(&input)),
                };
                self.syntax_error(place, &message);
            }
        }
    }

    fn report_unwanted(&mut self) {
        if self.recovery.recovering {
            return;
        }
        self.recovery.recovering = true;
        let token = self.peek(1);
        let (shown, expected) = (self.shown(token), self.expected_from(self.state));
        self.syntax_error(token.offset(), &format!("extraneous input {shown} expecting {expected}"));
    }

    fn report_missing(&mut self) {
        if self.recovery.recovering {
            return;
        }
        self.recovery.recovering = true;
        let token = self.peek(1);
        let (shown, expected) = (self.shown(token), self.expected_from(self.state));
        self.syntax_error(token.offset(), &format!("missing {expected} at {shown}"));
    }
}

/// cel-go's older words for `.true` and the like (`reservedIdentifier`).
fn reserved(input: &str) -> Option<&str> {
    let mut characters = input.chars();
    characters.next().filter(|first| *first != '\n')?;
    Some(characters.as_str()).filter(|word| matches!(*word, "true" | "false" | "null"))
}
