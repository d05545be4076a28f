//! The command line.

/// How many Envoys each variant gets, one after the other, unless told otherwise: one that happens to lie well in memory
/// is a tenth faster than another, all its life.
const ROUNDS: usize = 3;
/// How often each variant runs in a round. With all rounds, enough for a median that a neighbour's burst doesn't move.
const TURNS: usize = 7;
/// How many turns' worth of requests go before the first turn: caches fill, and LuaJIT compiles what has run some 50 times.
const WARM_UP: usize = 2;

/// What can be said.
pub(crate) const USAGE: &str = "\
usage: bench [--rounds N] [--turns N] [--warm-up N] [--only NAME,NAME,...]
  --rounds N    how many Envoys each variant gets, one after the other (3)
  --turns N     how often each variant runs in a round (7)
  --warm-up N   how many turns' worth of requests go before the first of a round (2)
  --only NAMES  these variants alone, without memory and latencies, to try something out; 'start' is the time to the
                first 200. Their figures are printed and not kept
With UPDATE_DOCS=1 in the environment the results are put into docs/benchmarks.md and docs/benchmarks.svg too.";

/// What was said.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Arguments {
    /// How many Envoys each variant gets.
    pub(crate) rounds: usize,
    /// How often each variant runs in a round.
    pub(crate) turns: usize,
    /// How many turns' worth of requests go before the first of a round.
    pub(crate) warm_up: usize,
    /// The variants to run; empty: all, and everything else.
    pub(crate) only: Vec<String>,
}

impl Arguments {
    pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut parsed = Self { rounds: ROUNDS, turns: TURNS, warm_up: WARM_UP, only: Vec::new() };
        let mut arguments = arguments;
        while let Some(flag) = arguments.next() {
            let value = arguments.next().ok_or_else(|| format!("{flag} needs a value"))?;
            match flag.as_str() {
                "--rounds" => parsed.rounds = count(&value).ok_or("--rounds: a number from 1 up")?,
                "--turns" => parsed.turns = count(&value).ok_or("--turns: a number from 1 up")?,
                "--warm-up" => parsed.warm_up = value.parse().map_err(|_| "--warm-up: a number")?,
                "--only" => parsed.only = value.split(',').map(str::to_owned).collect(),
                _ => return Err(format!("unknown flag {flag}")),
            }
        }
        Ok(parsed)
    }
}

/// A number from 1 up.
fn count(value: &str) -> Option<usize> {
    value.parse().ok().filter(|count| *count > 0)
}
