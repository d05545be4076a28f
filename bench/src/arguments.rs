//! The command line.

/// How often each variant runs, unless told otherwise: enough for a median that a neighbour's burst doesn't move.
const TURNS: usize = 21;

/// What can be said.
pub(crate) const USAGE: &str = "\
usage: bench [--turns N] [--only NAME,NAME,...]
  --turns N     how often each variant runs (21)
  --only NAMES  these variants alone, without memory and latencies, to try something out. Their figures are printed
                and not kept
With UPDATE_DOCS=1 in the environment the results are put into docs/benchmarks.md and docs/benchmarks.svg too.";

/// What was said.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Arguments {
    /// How often each variant runs.
    pub(crate) turns: usize,
    /// The variants to run; empty: all, and everything else.
    pub(crate) only: Vec<String>,
}

impl Arguments {
    pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut parsed = Self { turns: TURNS, only: Vec::new() };
        let mut arguments = arguments;
        while let Some(flag) = arguments.next() {
            let value = arguments.next().ok_or_else(|| format!("{flag} needs a value"))?;
            match flag.as_str() {
                "--turns" => {
                    parsed.turns =
                        value.parse().ok().filter(|turns| *turns > 0).ok_or("--turns: a number from 1 up")?;
                }
                "--only" => parsed.only = value.split(',').map(str::to_owned).collect(),
                _ => return Err(format!("unknown flag {flag}")),
            }
        }
        Ok(parsed)
    }
}
