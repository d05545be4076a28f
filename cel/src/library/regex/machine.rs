//! Runs a program over a text: Pike's machine, as Go's package `regexp` (exec.go), with the same preferences. The time is
//! at most in proportion to text times program.

use super::program::{Address, Instruction, Program};
use super::tree::Assertion;

/// The most steps of one search. Enough for all that kube-apiserver's cost limit allows, unless repetitions make a
/// pattern much larger than its text.
const MAX_STEPS: u64 = 50_000_000;

/// The search took too many steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OutOfSteps;

/// What is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Search {
    /// Whether anything matches: the end of the match may be any.
    Any,
    /// The leftmost match, and of those the preferred one.
    Leftmost,
}

/// Memory and steps of the searches over a text with one program.
pub(super) struct Machine<'p> {
    program: &'p Program,
    /// Threads at a place, in order of preference: where each goes on, and where its match began.
    threads: Vec<(Address, usize)>,
    /// Threads that took a character, not yet followed to what takes the next.
    taken: Vec<(Address, usize)>,
    /// For each instruction, the place (a number for each) at which it was followed last.
    followed: Vec<u64>,
    place: u64,
    pending: Vec<Address>,
    steps: u64,
}

impl<'p> Machine<'p> {
    pub(super) fn new(program: &'p Program) -> Self {
        Self {
            program,
            threads: Vec::new(),
            taken: Vec::new(),
            followed: vec![0; program.instructions.len()],
            place: 0,
            pending: Vec::new(),
            steps: 0,
        }
    }

    /// Begin and end of the match in the text from a place on.
    pub(super) fn find(
        &mut self,
        text: &str,
        from: usize,
        search: Search,
    ) -> Result<Option<(usize, usize)>, OutOfSteps> {
        let anchored = self.program.is_anchored();
        let mut before = text.get(..from).and_then(|text| text.chars().next_back());
        let mut chars = text.get(from..).unwrap_or_default().chars();
        let mut position = from;
        let mut found = None;
        self.taken.clear();
        loop {
            let mut ahead = chars.clone();
            let after = ahead.next();
            let around = Around { before, after };
            self.place = self.place.saturating_add(1);
            self.threads.clear();
            let mut taken = std::mem::take(&mut self.taken);
            for (address, start) in taken.drain(..) {
                self.follow(address, start, around)?;
            }
            self.taken = taken;
            if found.is_none() && (!anchored || before.is_none()) {
                self.follow(self.program.start, position, around)?;
            }
            if self.threads.is_empty() && (found.is_some() || anchored) {
                break;
            }
            for (address, start) in self.threads.drain(..) {
                let next = match self.program.instruction(address) {
                    Some(Instruction::Match) => {
                        found = Some((start, position));
                        // Those after it are less preferred.
                        break;
                    }
                    Some(instruction) => after.and_then(|char| takes(self.program, instruction, char.into())),
                    None => None,
                };
                if let Some(next) = next {
                    self.taken.push((next, start));
                }
            }
            if found.is_some() && search == Search::Any {
                break;
            }
            let Some(char) = after else { break };
            before = after;
            position = position.saturating_add(char.len_utf8());
            chars = ahead;
        }
        Ok(found)
    }

    /// Adds a thread, at all instructions that take a character or end the match.
    fn follow(&mut self, address: Address, start: usize, around: Around) -> Result<(), OutOfSteps> {
        self.pending.push(address);
        while let Some(address) = self.pending.pop() {
            self.steps = self.steps.saturating_add(1);
            if self.steps > MAX_STEPS {
                return Err(OutOfSteps);
            }
            let Some(followed) = usize::try_from(address).ok().and_then(|at| self.followed.get_mut(at))
            else {
                continue;
            };
            if *followed == self.place {
                continue;
            }
            *followed = self.place;
            match self.program.instruction(address) {
                Some(Instruction::Split(first, second)) => {
                    self.pending.push(second);
                    self.pending.push(first);
                }
                Some(Instruction::Assert(assertion, next)) if around.holds(assertion) => {
                    self.pending.push(next)
                }
                Some(Instruction::Assert(..)) => (),
                Some(_) => self.threads.push((address, start)),
                None => (),
            }
        }
        Ok(())
    }
}

/// Where an instruction goes on after a character, if it takes it.
fn takes(program: &Program, instruction: Instruction, char: u32) -> Option<Address> {
    let (takes, next) = match instruction {
        Instruction::Any(next) => (true, next),
        Instruction::AnyButNewline(next) => (char != u32::from('\n'), next),
        Instruction::Class(number, next) => {
            (program.classes.get(number).is_some_and(|class| class.contains(char)), next)
        }
        Instruction::Literal(literal, next) => (char == literal, next),
        Instruction::Assert(..) | Instruction::Match | Instruction::Split(..) => return None,
    };
    takes.then_some(next)
}

/// The characters around a place.
#[derive(Clone, Copy)]
struct Around {
    before: Option<char>,
    after: Option<char>,
}

impl Around {
    fn holds(self, assertion: Assertion) -> bool {
        let is_word =
            |char: Option<char>| char.is_some_and(|char| char == '_' || char.is_ascii_alphanumeric());
        match assertion {
            Assertion::LineEnd => self.after.is_none_or(|char| char == '\n'),
            Assertion::LineStart => self.before.is_none_or(|char| char == '\n'),
            Assertion::NoWordBoundary => is_word(self.before) == is_word(self.after),
            Assertion::TextEnd => self.after.is_none(),
            Assertion::TextStart => self.before.is_none(),
            Assertion::WordBoundary => is_word(self.before) != is_word(self.after),
        }
    }
}
