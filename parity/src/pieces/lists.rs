//! For groups and extra.

use super::{Piece, piece};

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
