//! Expressions, good ones and bad ones.

use std::sync::LazyLock;

use ::tests::process::repository;

use crate::random::Random;

/// The rows of the type checker's tests: `environment purpose > expression`.
pub(super) struct Expressions(Vec<(String, String)>);

pub(super) static EXPRESSIONS: LazyLock<Expressions> = LazyLock::new(|| {
    let path = repository().join("cel/src/check/tests/expressions.txt");
    let rows = std::fs::read_to_string(path).expect("the rows of the checker");
    let split = |line: &str| {
        line.split_once(" > ").map(|(place, expression)| (place.to_owned(), expression.to_owned()))
    };
    Expressions(rows.lines().filter_map(split).collect())
});

impl Expressions {
    /// One for this place in most cases, else one for another.
    pub(super) fn any(&self, random: &mut Random, place: &str) -> String {
        let fits = |(known, _): &&(String, String)| known == place;
        let fitting: Vec<_> = self.0.iter().filter(fits).collect();
        if random.percent(85) && !fitting.is_empty() {
            return random.pick(&fitting).1.clone();
        }
        random.pick(&self.0).1.clone()
    }
}
