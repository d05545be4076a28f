//! For user names and uids.

use super::{Piece, piece};

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
    piece(
        "string(timestamp('2024-01-02T03:04:05Z').getHours(claims.$c))",
        &[r#"{"$c": "UTC"}"#, r#"{"$c": "+01:30"}"#, r#"{"$c": "Asia/Tokyo"}"#],
        &[r#"{"$c": "+1"}"#, r#"{"$c": "Nowhere/Else"}"#, r#"{"$c": 1}"#],
    ),
];
