//! For rules.

use super::{Piece, piece};

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
    // No authorizer is at hand.
    piece(
        "dyn(claims.$c).check('x').allowed() || claims.$c == 'x'",
        &[r#"{"$c": "x"}"#],
        &[r#"{"$c": "y"}"#, "{}"],
    ),
    // The values of `claims` are the keys of its entries.
    piece(
        "dyn(claims).exists(k, v, k == 'iss' && v == claims.iss)",
        &[r#"{"$c": "iss"}"#],
        &[r#"{"$c": "is"}"#, r#"{"$c": ["iss"]}"#, "{}"],
    ),
    // What nothing absorbs.
    piece(
        "dyn(claims.$c).distinct() == ['x'] || true",
        &[r#"{"$c": []}"#, r#"{"$c": ["a", "a"]}"#],
        &[r#"{"$c": "a"}"#, r#"{"$c": {}}"#, "{}"],
    ),
    piece(
        "[claims.iss].flatten(int(claims.$c)) == [] || true",
        &[r#"{"$c": 1}"#, r#"{"$c": "1"}"#],
        &[r#"{"$c": "x"}"#, r#"{"$c": null}"#, "{}"],
    ),
    // What costs too much. Without a bound, a number from a token makes kube-apiserver itself hang.
    piece(
        "lists.range(int(claims.$c) % 1000).all(a, lists.range(int(claims.$c) % 1000).all(b, a + b >= 0))",
        &[r#"{"$c": 10}"#, r#"{"$c": 0}"#],
        &[r#"{"$c": 900}"#, r#"{"$c": "x"}"#],
    ),
    piece(
        "lists.range(int(claims.$c) % 1000).map(a, string(a)).join(',').matches('^[0-9,]*$')",
        &[r#"{"$c": 100}"#, r#"{"$c": 0}"#],
        &[r#"{"$c": "x"}"#, r#"{"$c": null}"#],
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
