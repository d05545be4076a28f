//! The form of a token: its parts, their base64, the payload's JSON.

use serde_json::json;

use super::{Twist, twist};

pub(super) const TWISTS: &[Twist] = &[
    twist("parts", |draft, _, random| {
        let forms: &[fn(&str) -> String] = &[
            str::to_owned,
            str::to_owned,
            |token| format!("{token}."),
            |token| format!(".{token}"),
            |token| token.rsplit_once('.').map_or_else(String::new, |(signed, _)| signed.to_owned()),
            |token| token.rsplit_once('.').map_or_else(String::new, |(signed, _)| format!("{signed}.")),
            |token| token.split_once('.').map_or_else(String::new, |(_, rest)| rest.to_owned()),
            |token| token.replace('.', ".."),
            |token| token.chars().rev().collect(),
            |token| {
                json!({"payload": token.split('.').nth(1), "protected": token.split('.').next(), "signature": "AAAA"}).to_string()
            },
        ];
        draft.form = Some(*random.pick(forms));
    }),
    twist("base64url", |draft, _, random| {
        let forms: &[fn(&str) -> String] = &[
            str::to_owned,
            str::to_owned,
            |token| format!("{token}="),
            |token| token.replacen('.', "=.", 1),
            |token| token.replace('-', "+").replace('_', "/"),
            |token| token.replacen('.', "!.", 1),
            // Bits behind the last byte of the signature.
            |token| other_trailing_bits(token),
        ];
        draft.form = Some(*random.pick(forms));
    }),
    twist("JSON members that stand twice", |draft, entry, random| {
        draft.oddities.push("duplicate-members");
        let claim = entry.username_claim.unwrap_or("x");
        let members = [
            format!("{}:\"first\"", json!(claim)),
            "\"x\":1,\"x\":2".to_owned(),
            "\"exp\":5".to_owned(),
            "\"iss\":\"https://other.example\"".to_owned(),
            "\"aud\":\"other\"".to_owned(),
            "\"nested\":{\"a\":1,\"a\":2}".to_owned(),
        ];
        let member = random.pick(&members).clone();
        if random.percent(50) { draft.members.push(member) } else { draft.last_members.push(member) }
    }),
    twist("the payload's JSON", |draft, _, random| {
        let payload = draft.payload();
        // Another twist may have left nothing of it.
        let inner = payload.get(1..payload.len().saturating_sub(1)).unwrap_or_default().to_vec();
        let deep = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels)).into_bytes();
        let with = |member: &[u8]| [b"{", &inner[..], b",\"odd\":", member, b"}"].concat();
        let (bytes, oddity) = random.take(vec![
            ([&b" \t\r\n"[..], &payload, b" \n"].concat(), None),
            (with(b"\"\\u00e9\\ud83d\\ude00\\/\\b\""), None),
            (with(&deep(100)), None),
            (with(&deep(200)), Some("nesting")),
            (with(b"1e400"), Some("numbers-beyond-double")),
            (with(b"\"\\ud800\""), Some("lone-surrogates")),
            (with(b"\"\xff\""), Some("invalid-utf8")),
            (with(b"123456789012345678901234567890"), None),
            (with(b"-0"), None),
            (with(b"1E+2"), None),
            ([&payload[..], b"x"].concat(), None),
            ([&payload[..], b"{}"].concat(), None),
            (payload.get(..payload.len().saturating_sub(1)).unwrap_or_default().to_vec(), None),
            (b"null".to_vec(), None),
            (b"[]".to_vec(), None),
            (Vec::new(), None),
            (with(b"01"), None),
            (with(b"'a'"), None),
            (with(b"\"a\tb\""), None),
            ([b"\xef\xbb\xbf", &payload[..]].concat(), None),
            (with(b"NaN"), None),
            (with(b"1,"), None),
        ]);
        draft.oddities.extend(oddity);
        draft.payload_bytes = Some(bytes);
    }),
    twist("length", |draft, _, random| {
        let length = random.take(vec![100, 4_000, 8_000, 11_000, 12_500, 20_000]);
        draft.set("long", json!("x".repeat(length)));
        if random.percent(40) {
            draft.set("exp", json!(5));
        }
    }),
];

/// The same token with bits behind the last whole byte of its signature, if there is room for any.
fn other_trailing_bits(token: &str) -> String {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let signature = token.rsplit('.').next().unwrap_or_default();
    let mut changed = token.to_owned();
    if signature.len() % 4 > 1
        && let Some(last) = changed.pop()
    {
        let value = ALPHABET.find(last).unwrap_or_default();
        changed.push(ALPHABET.as_bytes()[value | 1].into());
    }
    changed
}
