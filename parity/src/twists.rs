//! What makes a token another one than the good one that its configuration asks for. Each twist is about a rule, and is
//! as often to that rule's liking as not.

mod claims;
mod form;
mod header;
mod registered;

use crate::draft::Draft;
use crate::entry::Entry;
use crate::random::Random;

/// Changes a token.
type Apply = fn(&mut Draft, &Entry, &mut Random);

/// A rule, and what puts it to the test.
pub(crate) struct Twist {
    pub(crate) rule: &'static str,
    apply: Apply,
}

const fn twist(rule: &'static str, apply: Apply) -> Twist {
    Twist { rule, apply }
}

/// All of them.
pub(crate) fn all() -> impl Iterator<Item = &'static Twist> {
    [registered::TWISTS, claims::TWISTS, header::TWISTS, form::TWISTS].into_iter().flatten()
}

/// The token with this number of a configuration: a good one, or one with a twist or two.
pub(crate) fn draft(entry: &Entry, random: &mut Random) -> Draft {
    let mut draft = entry.draft(random);
    let twists: Vec<_> = all().collect();
    let count = match random.below(100) {
        0..=26 => 0,
        27..=93 => 1,
        _ => 2,
    };
    // One that is about the issuer is there seldom enough.
    let of_the_issuer = (entry.is_google() && random.percent(50)).then_some(&registered::ISS);
    for at in 0..count {
        let twist = of_the_issuer.filter(|_| at == 0).unwrap_or_else(|| *random.pick(&twists));
        // One that finds nothing of its own in the configuration is about an expression instead.
        draft.fell_back = false;
        (twist.apply)(&mut draft, entry, random);
        if !draft.fell_back {
            draft.rules.push(twist.rule);
        }
    }
    draft
}
