//! Expressions that a configuration can be made of, each with claims for which it has a good value and claims for which it
//! hasn't. `$c` stands for the name of a claim that is the piece's own.

use std::sync::LazyLock;

use ::tests::process::repository;
use kubernetes_cel::check::{Use, check};
use kubernetes_cel::program::{Environment, Program};
use serde_json::{Map, Value};

use crate::random::Random;

/// An expression and its claims, as JSON objects.
pub(crate) struct Piece {
    pub(crate) expression: &'static str,
    good: &'static [&'static str],
    bad: &'static [&'static str],
}

const fn piece(
    expression: &'static str,
    good: &'static [&'static str],
    bad: &'static [&'static str],
) -> Piece {
    Piece { expression, good, bad }
}

/// A piece with the name of its claim.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    /// Its expression.
    pub(crate) expression: String,
    good: Vec<Map<String, Value>>,
    bad: Vec<Map<String, Value>>,
}

impl Piece {
    pub(crate) fn placed(&self, claim: &str) -> Placed {
        let read = |texts: &[&str]| texts.iter().map(|text| object(&text.replace("$c", claim))).collect();
        Placed {
            expression: self.expression.replace("$c", claim),
            good: read(self.good),
            bad: read(self.bad),
        }
    }
}

impl Placed {
    /// Gives `claims` what the expression wants.
    pub(crate) fn please(&self, claims: &mut Map<String, Value>, random: &mut Random) {
        self.give(claims, random.pick(&self.good));
    }

    /// Gives `claims` what it doesn't want, if there is such a thing.
    pub(crate) fn annoy(&self, claims: &mut Map<String, Value>, random: &mut Random) {
        if !self.bad.is_empty() {
            self.give(claims, random.pick(&self.bad));
        }
    }

    /// A claim of its own, if it has one.
    pub(crate) fn claim(&self, random: &mut Random) -> Option<&String> {
        let names: Vec<_> = self.good.iter().flat_map(Map::keys).collect();
        (!names.is_empty()).then(|| *random.pick(&names))
    }

    fn give(&self, claims: &mut Map<String, Value>, given: &Map<String, Value>) {
        for name in self.good.iter().chain(&self.bad).flat_map(Map::keys) {
            claims.remove(name);
        }
        claims.extend(given.clone());
    }
}

fn object(text: &str) -> Map<String, Value> {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Claims that no text comes from.
const NO_TEXT: &[&str] = &[
    r#"{"$c": 5}"#,
    r#"{"$c": null}"#,
    r#"{"$c": true}"#,
    r#"{"$c": []}"#,
    r#"{"$c": ["jane"]}"#,
    r#"{"$c": {}}"#,
    "{}",
    r#"{"$c": ""}"#,
];
/// Claims that no list of texts comes from.
const NO_LIST: &[&str] = &[
    r#"{"$c": 5}"#,
    r#"{"$c": true}"#,
    r#"{"$c": [1]}"#,
    r#"{"$c": ["a", null]}"#,
    r#"{"$c": [["a"]]}"#,
    r#"{"$c": {"a": "b"}}"#,
    "{}",
];

/// For a user name or a uid: a text.
pub(crate) const TEXTS: &[Piece] = &[
    piece("claims.$c", &[r#"{"$c": "jane"}"#, r#"{"$c": "\u00fc\ud83d\ude00 x"}"#], NO_TEXT),
    piece("claims['$c']", &[r#"{"$c": "jane"}"#], NO_TEXT),
    piece(
        "'p:' + claims.$c",
        &[r#"{"$c": "jane"}"#, r#"{"$c": ""}"#],
        &[r#"{"$c": 5}"#, r#"{"$c": null}"#, "{}"],
    ),
    piece(
        "claims.$c.split('@')[0]",
        &[r#"{"$c": "jane@example.com"}"#, r#"{"$c": "jane"}"#],
        &[r#"{"$c": "@x"}"#, r#"{"$c": ""}"#, r#"{"$c": ["a"]}"#, r#"{"$c": 1.5}"#],
    ),
    piece("claims.?$c.orValue('nobody')", &[r#"{"$c": "jane"}"#, "{}"], &[r#"{"$c": 5}"#, r#"{"$c": null}"#]),
    piece(
        "string(claims.$c)",
        &[
            r#"{"$c": 5}"#,
            r#"{"$c": 1700081020}"#,
            r#"{"$c": 1.5}"#,
            r#"{"$c": "x"}"#,
            r#"{"$c": true}"#,
            r#"{"$c": -0.0}"#,
            r#"{"$c": 1e21}"#,
        ],
        &[r#"{"$c": null}"#, r#"{"$c": []}"#, r#"{"$c": {}}"#],
    ),
    piece(
        "string(int(claims.$c))",
        &[r#"{"$c": 1700081020}"#, r#"{"$c": 1.9}"#, r#"{"$c": "17"}"#],
        &[r#"{"$c": 1e19}"#, r#"{"$c": "1.5"}"#, r#"{"$c": null}"#, r#"{"$c": true}"#],
    ),
    piece(
        "claims.$c.a",
        &[r#"{"$c": {"a": "jane"}}"#],
        &[r#"{"$c": {"b": 1}}"#, r#"{"$c": "a"}"#, r#"{"$c": null}"#, r#"{"$c": {"a": 1}}"#],
    ),
    piece(
        "claims.$c__dot__io.name",
        &[r#"{"$c.io": {"name": "jane"}}"#],
        &[r#"{"$c.io": {"name": 1}}"#, r#"{"$c__dot__io": {"name": "jane"}}"#, "{}"],
    ),
    piece(
        "claims.$c__dash__x__slash__y",
        &[r#"{"$c-x/y": "jane"}"#],
        &[r#"{"$c-x/y": 1}"#, r#"{"$c__dash__x__slash__y": "jane"}"#],
    ),
    piece(
        "claims.$c.name__dot__x",
        &[r#"{"$c": {"name.x": "jane"}}"#],
        &[r#"{"$c": {"name__dot__x": "jane"}}"#, r#"{"$c": {}}"#],
    ),
    piece(
        "has(claims.$c) ? claims.$c : claims.sub",
        &[r#"{"$c": "jane"}"#, "{}"],
        &[r#"{"$c": 5}"#, r#"{"$c": null}"#, r#"{"$c": ""}"#],
    ),
    piece(
        "claims.$c.lowerAscii().replace(' ', '-')",
        &[r#"{"$c": "Jane DOE"}"#, r#"{"$c": "\u00c4 \u00df"}"#],
        &[r#"{"$c": 1}"#, r#"{"$c": ""}"#],
    ),
    piece(
        "claims.$c.trim()",
        &[r#"{"$c": "  jane\t"}"#, r#"{"$c": "\u2003jane\u00a0"}"#],
        &[r#"{"$c": " "}"#, r#"{"$c": []}"#],
    ),
    piece(
        "claims.$c.substring(1, 3)",
        &[r#"{"$c": "jane"}"#, r#"{"$c": "\u00e4\u00f6\u00fc\u00df"}"#],
        &[r#"{"$c": "ab"}"#, r#"{"$c": 5}"#],
    ),
    piece(
        "claims.$c.charAt(0)",
        &[r#"{"$c": "jane"}"#, r#"{"$c": "\ud83d\ude00"}"#],
        &[r#"{"$c": ""}"#, r#"{"$c": null}"#],
    ),
    piece("claims.$c.find('[a-z]+')", &[r#"{"$c": "1jane2"}"#], &[r#"{"$c": "123"}"#, r#"{"$c": 5}"#]),
    piece("claims.$c.findAll('[a-z]+')[1]", &[r#"{"$c": "ab 1 jane"}"#], &[r#"{"$c": "ab"}"#]),
    piece(
        "claims.$c.join('/')",
        &[r#"{"$c": ["a", "b"]}"#],
        &[r#"{"$c": ["a", 1]}"#, r#"{"$c": []}"#, r#"{"$c": "ab"}"#],
    ),
    piece(
        "claims.$c[0]",
        &[r#"{"$c": ["jane", 1]}"#],
        &[r#"{"$c": []}"#, r#"{"$c": "jane"}"#, r#"{"$c": [1]}"#, r#"{"$c": {"0": "a"}}"#],
    ),
    piece(
        "claims.$c[?0].orValue('none')",
        &[r#"{"$c": ["jane"]}"#, r#"{"$c": []}"#],
        &[r#"{"$c": "jane"}"#, r#"{"$c": [1]}"#],
    ),
    piece(
        "'%s-%d'.format([string(claims.$c), size(claims.$c)])",
        &[r#"{"$c": "jane"}"#],
        &[r#"{"$c": 5}"#, r#"{"$c": null}"#],
    ),
    piece("'%.2f'.format([double(claims.$c)])", &[r#"{"$c": 1.005}"#, r#"{"$c": 3}"#], &[r#"{"$c": "x"}"#]),
    piece(
        "optional.ofNonZeroValue(claims.$c).orValue('zero')",
        &[r#"{"$c": "jane"}"#, r#"{"$c": ""}"#, r#"{"$c": null}"#],
        &[r#"{"$c": 1}"#],
    ),
    piece(
        "url(claims.$c).getHost()",
        &[r#"{"$c": "https://jane.example:8443/x"}"#],
        &[r#"{"$c": "x"}"#, r#"{"$c": "/x"}"#, r#"{"$c": 5}"#],
    ),
    piece(
        "isIP(claims.$c) ? string(ip(claims.$c).family()) : 'none'",
        &[r#"{"$c": "192.168.0.1"}"#, r#"{"$c": "::1"}"#, r#"{"$c": "x"}"#],
        &[r#"{"$c": 4}"#, "{}"],
    ),
    piece(
        "string(quantity(claims.$c).asInteger())",
        &[r#"{"$c": "20k"}"#, r#"{"$c": "1Mi"}"#],
        &[r#"{"$c": "1.5"}"#, r#"{"$c": "x"}"#, r#"{"$c": 5}"#],
    ),
    piece(
        "string(timestamp(claims.$c).getFullYear())",
        &[r#"{"$c": "2024-01-02T03:04:05Z"}"#],
        &[r#"{"$c": "2024"}"#, r#"{"$c": 5}"#],
    ),
    piece(
        "string(duration(claims.$c).getMinutes())",
        &[r#"{"$c": "1h30m"}"#],
        &[r#"{"$c": "1 hour"}"#, r#"{"$c": 5}"#],
    ),
    piece(
        "string(semver(claims.$c).major())",
        &[r#"{"$c": "1.2.3"}"#],
        &[r#"{"$c": "1.2"}"#, r#"{"$c": "v1.2.3"}"#],
    ),
    piece("claims.sub.matches('^[a-z]+$') ? claims.sub : claims.$c", &[r#"{"$c": "jane"}"#], &[]),
];

/// For groups or a key of the extra: a text or a list of texts.
pub(crate) const LISTS: &[Piece] = &[
    piece(
        "claims.$c",
        &[
            r#"{"$c": ["a", "b", "a"]}"#,
            r#"{"$c": "a"}"#,
            r#"{"$c": []}"#,
            r#"{"$c": ""}"#,
            r#"{"$c": null}"#,
            r#"{"$c": ["", "a"]}"#,
        ],
        NO_LIST,
    ),
    piece(
        "dyn(claims.$c).map(g, 'x:' + g)",
        &[r#"{"$c": ["a", "b"]}"#, r#"{"$c": []}"#, r#"{"$c": {"k": 1}}"#],
        &[r#"{"$c": "a"}"#, r#"{"$c": [1]}"#, r#"{"$c": null}"#],
    ),
    piece(
        "dyn(claims.$c).filter(g, g.startsWith('a'))",
        &[r#"{"$c": ["a", "b"]}"#],
        &[r#"{"$c": [1]}"#, r#"{"$c": "a"}"#],
    ),
    piece("claims.?$c.orValue([])", &[r#"{"$c": ["a"]}"#, "{}", r#"{"$c": null}"#], &[r#"{"$c": 5}"#]),
    piece(
        "claims.$c.roles",
        &[r#"{"$c": {"roles": ["a", "b"]}}"#],
        &[r#"{"$c": {}}"#, r#"{"$c": {"roles": 1}}"#, r#"{"$c": ["roles"]}"#],
    ),
    piece(
        "claims.?$c.?roles.orValue(['none'])",
        &[r#"{"$c": {"roles": ["a"]}}"#, r#"{"$c": {}}"#, "{}"],
        &[r#"{"$c": {"roles": 1}}"#],
    ),
    piece("claims.$c.split(',').map(r, r)", &[r#"{"$c": "a,b"}"#, r#"{"$c": ""}"#], &[r#"{"$c": ["a"]}"#]),
    // What Go holds as []string, which no mapping takes.
    piece("claims.$c.split(',')", &[r#"{"$c": "a,b"}"#], &[]),
    piece(
        "claims.$c == 'admin' ? ['admins'] : []",
        &[r#"{"$c": "admin"}"#, r#"{"$c": "x"}"#, r#"{"$c": 5}"#],
        &["{}"],
    ),
    piece("[claims.$c]", &[r#"{"$c": "a"}"#, r#"{"$c": ""}"#], &[r#"{"$c": 5}"#, r#"{"$c": ["a"]}"#]),
    piece(
        "dyn(claims.$c) + ['x']",
        &[r#"{"$c": ["a"]}"#, r#"{"$c": []}"#],
        &[r#"{"$c": "a"}"#, r#"{"$c": null}"#],
    ),
    piece("dyn(claims.$c).sort()", &[r#"{"$c": ["b", "a"]}"#], &[r#"{"$c": ["b", 1]}"#, r#"{"$c": 5}"#]),
    piece(
        "dyn(claims.$c).distinct()",
        &[r#"{"$c": ["b", "a", "b"]}"#, r#"{"$c": ["a", 1, 1.0]}"#],
        &[r#"{"$c": "b"}"#],
    ),
    piece(
        "dyn(claims.$c).flatten()",
        &[r#"{"$c": ["b", ["a"]]}"#],
        &[r#"{"$c": ["a", [["b"]]]}"#, r#"{"$c": 1}"#],
    ),
    piece("dyn(claims.$c).slice(0, 1)", &[r#"{"$c": ["b", "a"]}"#], &[r#"{"$c": []}"#]),
    piece("dyn(claims.$c).reverse()", &[r#"{"$c": ["b", "a"]}"#], &[r#"{"$c": "ab"}"#]),
    piece(
        "dyn(claims.$c).transformList(i, v, string(i) + v)",
        &[r#"{"$c": ["b", "a"]}"#],
        &[r#"{"$c": [1]}"#, r#"{"$c": 5}"#],
    ),
    piece(
        "dyn(claims.$c).map(k, k).sort()",
        &[r#"{"$c": {"b": 1, "a": 2}}"#, r#"{"$c": ["b", "a"]}"#],
        &[r#"{"$c": 5}"#],
    ),
    piece("lists.range(2).map(i, claims.$c + string(i))", &[r#"{"$c": "x"}"#], &[r#"{"$c": 1}"#]),
    piece(
        "claims.$c.findAll('[a-z]+').map(x, x)",
        &[r#"{"$c": "a1b"}"#, r#"{"$c": "1"}"#],
        &[r#"{"$c": null}"#],
    ),
    piece("optional.of(claims.$c)", &[r#"{"$c": "a"}"#], &[]),
    piece(
        "claims.$c ? 'yes' : 'no'",
        &[r#"{"$c": true}"#, r#"{"$c": false}"#],
        &[r#"{"$c": 1}"#, r#"{"$c": "true"}"#],
    ),
];

/// For a rule about claims: true.
pub(crate) const CLAIM_RULES: &[Piece] = &[
    piece(
        "claims.$c == 'x'",
        &[r#"{"$c": "x"}"#],
        &[r#"{"$c": "y"}"#, r#"{"$c": 1}"#, r#"{"$c": null}"#, "{}"],
    ),
    piece("claims.$c == 5", &[r#"{"$c": 5}"#, r#"{"$c": 5.0}"#], &[r#"{"$c": 6}"#, r#"{"$c": "5"}"#]),
    piece(
        "claims.$c < 10 && claims.$c >= 1.5",
        &[r#"{"$c": 5}"#, r#"{"$c": 1.5}"#],
        &[r#"{"$c": 10}"#, r#"{"$c": "5"}"#, r#"{"$c": null}"#],
    ),
    piece(
        "!has(claims.$c) || claims.$c == 'x'",
        &[r#"{"$c": "x"}"#, "{}"],
        &[r#"{"$c": null}"#, r#"{"$c": "y"}"#],
    ),
    piece(
        "'x' in claims.$c",
        &[r#"{"$c": ["x"]}"#, r#"{"$c": {"x": 1}}"#],
        &[r#"{"$c": []}"#, r#"{"$c": "x"}"#, r#"{"$c": 5}"#],
    ),
    piece("claims.$c in ['x', 'y']", &[r#"{"$c": "x"}"#], &[r#"{"$c": "z"}"#, r#"{"$c": 5}"#, "{}"]),
    piece(
        "dyn(claims.$c).exists(g, g == 'x')",
        &[r#"{"$c": ["x"]}"#, r#"{"$c": [1, "x"]}"#],
        &[r#"{"$c": []}"#, r#"{"$c": 5}"#],
    ),
    piece(
        "dyn(claims.$c).all(g, g.startsWith('x'))",
        &[r#"{"$c": ["x", "xy"]}"#, r#"{"$c": []}"#],
        &[r#"{"$c": ["y"]}"#, r#"{"$c": [1, "x"]}"#],
    ),
    piece("dyn(claims.$c).exists_one(g, g == 'x')", &[r#"{"$c": ["x", "y"]}"#], &[r#"{"$c": ["x", "x"]}"#]),
    piece(
        "claims.$c.matches('^x[0-9]+$')",
        &[r#"{"$c": "x1"}"#],
        &[r#"{"$c": "x"}"#, r#"{"$c": "x1\n"}"#, r#"{"$c": 5}"#],
    ),
    piece(
        "size(claims.$c) == 2",
        &[r#"{"$c": "\u00e4\ud83d\ude00"}"#, r#"{"$c": [1, 2]}"#, r#"{"$c": {"a": 1, "b": 2}}"#],
        &[r#"{"$c": "abc"}"#, r#"{"$c": 5}"#],
    ),
    piece("type(claims.$c) == double", &[r#"{"$c": 5}"#], &[r#"{"$c": "5"}"#, r#"{"$c": null}"#]),
    piece("claims.$c == null", &[r#"{"$c": null}"#], &[r#"{"$c": ""}"#, "{}"]),
    piece(
        "claims.$c != 'x'",
        &[r#"{"$c": "y"}"#, r#"{"$c": 1}"#, r#"{"$c": null}"#],
        &[r#"{"$c": "x"}"#, "{}"],
    ),
    piece(
        "claims.exp - claims.$c <= 86400.0",
        &[r#"{"$c": 99999999999}"#],
        &[r#"{"$c": 5}"#, r#"{"$c": "5"}"#],
    ),
    piece(
        "sets.contains(dyn(claims.$c), ['x'])",
        &[r#"{"$c": ["x", 1]}"#],
        &[r#"{"$c": ["y"]}"#, r#"{"$c": "x"}"#],
    ),
    piece(
        "cidr('10.0.0.0/8').containsIP(claims.$c)",
        &[r#"{"$c": "10.1.2.3"}"#],
        &[r#"{"$c": "11.0.0.1"}"#, r#"{"$c": "x"}"#, r#"{"$c": 1}"#],
    ),
    piece(
        "timestamp(claims.$c) > timestamp('2020-01-01T00:00:00Z')",
        &[r#"{"$c": "2024-01-01T00:00:00Z"}"#],
        &[r#"{"$c": "2019-01-01T00:00:00Z"}"#, r#"{"$c": "x"}"#],
    ),
    piece("claims.$c == 1 || claims.$c == 'x'", &[r#"{"$c": 1}"#, r#"{"$c": "x"}"#], &[r#"{"$c": 2}"#, "{}"]),
    piece("claims.$c.n == 'x' || true", &[r#"{"$c": 1}"#, "{}"], &[]),
    piece("!(claims.$c.n == 'x' && false)", &[r#"{"$c": 1}"#, "{}"], &[]),
    piece(
        "dyn(claims.$c).all(a, dyn(claims.$c).all(b, dyn(claims.$c).all(c, a + b + c >= 0.0)))",
        &[r#"{"$c": [1, 2, 3]}"#],
        &[r#"{"$c": [1, -9]}"#],
    ),
    piece(
        "format.dns1123Label().validate(claims.$c).hasValue() == false",
        &[r#"{"$c": "a-b"}"#],
        &[r#"{"$c": "A_b"}"#, r#"{"$c": 5}"#],
    ),
    piece("{'a': claims.$c}.a == 'x'", &[r#"{"$c": "x"}"#], &[r#"{"$c": 1}"#]),
    piece(
        "dyn(claims.$c).map(x, x * 2.0) == [2.0, 4.0]",
        &[r#"{"$c": [1, 2]}"#],
        &[r#"{"$c": [1, "x"]}"#, r#"{"$c": 1}"#],
    ),
];

/// For a rule about the user. Names and groups that break them are among those that tokens are given.
pub(crate) const USER_RULES: &[&str] = &[
    "!user.username.startsWith('system:')",
    "user.groups.all(g, !g.startsWith('system:'))",
    "user.username != 'mallory'",
    "!('forbidden' in user.groups)",
    "size(user.username) < 40",
    "size(user.groups) < 30",
    "user.uid != 'forbidden'",
    "user.extra.all(k, k.contains('.'))",
    "has(user.extra) && has(user.uid) && has(user.groups)",
    "user.groups.exists(g, g == 'forbidden') ? false : true",
    "!('authentication.kubernetes.io/credential-id' in user.extra) || user.extra['authentication.kubernetes.io/credential-id'][0].startsWith('JTI=')",
    "user.username.matches('^[^\\n]*$')",
    "user.groups.isSorted() || size(user.groups) > 0",
    "type(user.username) == string",
];

/// Claims that a token has anyway.
const REGISTERED: &[&str] =
    &["iss", "aud", "exp", "nbf", "iat", "sub", "nonce", "at_hash", "_claim_names", "_claim_sources"];

/// Expressions of the vectors of `cel/`, with the claims that they were evaluated over: they use every function there is.
/// Those that give texts, and some of those that don't.
pub(crate) static VECTORS: LazyLock<[Vec<Placed>; 2]> = LazyLock::new(|| {
    let mut vectors = [Vec::new(), Vec::new()];
    let directory = std::fs::read_dir(repository().join("cel/tests/vectors")).expect("the vectors");
    let mut files: Vec<_> = directory.map(|file| file.expect("a file").path()).collect();
    files.sort_unstable();
    for file in files {
        let text = std::fs::read_to_string(file).expect("vectors");
        for vector in text.lines().map(|line| serde_json::from_str::<Value>(line).expect("a vector")) {
            if let Some(placed) = from_vector(&vector) {
                vectors[usize::from(!vector["strings"].is_array())].push(placed);
            }
        }
    }
    vectors
});

/// One that maps claims, and that both sides take.
fn from_vector(vector: &Value) -> Option<Placed> {
    let expression = vector["expression"].as_str()?;
    let claims = vector["input"].as_object().cloned().unwrap_or_default();
    let is_plain =
        vector["env"].is_null() && vector["compile_error"].is_null() && vector["purpose"].is_null();
    let is_taken = || {
        check(expression, Environment::Claims, Use::Mapping).is_ok_and(|checked| !checked.selects_email)
            && Program::new(expression, Environment::Claims).is_ok()
    };
    let is_free = claims.keys().all(|claim| !REGISTERED.contains(&claim.as_str()));
    (is_plain && is_free && is_taken()).then(|| Placed {
        expression: expression.to_owned(),
        good: vec![claims],
        bad: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One that kube-apiserver refuses would refuse the whole file.
    #[test]
    fn every_expression_is_one_that_kube_apiserver_takes() {
        let checks = |expression: &str, environment, purpose| {
            assert!(check(expression, environment, purpose).is_ok(), "{expression}");
        };
        for piece in TEXTS.iter().chain(LISTS) {
            checks(&piece.placed("c1").expression, Environment::Claims, Use::Mapping);
        }
        for piece in CLAIM_RULES {
            checks(&piece.placed("c1").expression, Environment::Claims, Use::Rule);
        }
        for rule in USER_RULES {
            checks(rule, Environment::User, Use::Rule);
        }
        assert!(VECTORS.iter().all(|vectors| vectors.len() > 100), "the vectors are few");
    }
}
