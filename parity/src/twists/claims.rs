//! The claims that a configuration asks for.

use serde_json::{Value, json};

use super::{Twist, twist};
use crate::draft::Draft;
use crate::entry::{self, Entry};
use crate::random::Random;

pub(super) const TWISTS: &[Twist] = &[
    twist("the user name's claim", |draft, entry, random| {
        let Some(claim) = entry.username_claim else { return fall_back(draft, entry, random) };
        draft.rules.push(entry::username_field(claim));
        draft.set_or_remove(claim, random.take(texts()));
    }),
    twist("email_verified", |draft, entry, random| {
        if entry.username_claim != Some("email") && random.percent(50) {
            return fall_back(draft, entry, random);
        }
        if entry.username_claim == Some("email") {
            draft.rules.push("claimMappings.username.claim, email");
        }
        let values = vec![
            Some(json!(true)),
            Some(json!(true)),
            None,
            Some(json!(false)),
            Some(json!(null)),
            Some(json!("true")),
            Some(json!(1)),
            Some(json!([true])),
        ];
        draft.set_or_remove("email_verified", random.take(values));
    }),
    twist("the groups' claim", |draft, entry, random| {
        let Some(claim) = entry.groups_claim else { return fall_back(draft, entry, random) };
        draft.rules.push("claimMappings.groups.claim");
        let values = vec![
            Some(json!(["a"])),
            Some(json!("a")),
            Some(json!([])),
            Some(json!("")),
            Some(json!(null)),
            Some(json!([null, "a"])),
            Some(json!(["\u{1f600}", "a b", "a,b"])),
            None,
            Some(json!(vec!["g"; 40])),
            Some(json!(5)),
            Some(json!(true)),
            Some(json!(["a", 1])),
            Some(json!([["a"]])),
            Some(json!({"a": "b"})),
            Some(json!([{}])),
        ];
        draft.set_or_remove(claim, random.take(values));
    }),
    twist("the uid's claim", |draft, entry, random| {
        let Some(claim) = entry.uid_claim else { return fall_back(draft, entry, random) };
        draft.rules.push("claimMappings.uid.claim");
        draft.set_or_remove(claim, random.take(texts()));
    }),
    twist("required claims", |draft, entry, random| {
        if entry.required.is_empty() {
            return fall_back(draft, entry, random);
        }
        let (claim, value) = *random.pick(&entry.required);
        draft.rules.push("claimValidationRules.claim");
        let values = vec![
            Some(json!(value)),
            Some(json!(null)),
            Some(json!(format!("{value} "))),
            Some(json!("")),
            Some(json!(5)),
            Some(json!([value])),
            None,
        ];
        draft.set_or_remove(claim, random.take(values));
    }),
    twist("expressions", expression),
    twist("expressions, any JSON", |draft, entry, random| {
        let Some((_, placed)) = (!entry.placed.is_empty()).then(|| random.pick(&entry.placed)) else {
            return;
        };
        if let Some(claim) = placed.claim(random).cloned() {
            draft.set(&claim, any(random, 3));
        }
    }),
    twist("jti", |draft, _, random| {
        let values = vec![
            json!("1"),
            json!(""),
            json!(null),
            json!(5),
            json!(["1"]),
            json!("\u{fc}\u{1f600}"),
            json!("x".repeat(300)),
            json!("a\nb"),
            json!(" a"),
        ];
        draft.oddities.push("header-unsafe");
        draft.set("jti", random.take(values));
    }),
    twist("names of users", |draft, entry, random| {
        if entry.fields.contains(&"userValidationRules") {
            draft.rules.push("userValidationRules");
        }
        let names = [
            "mallory",
            "a-name-of-more-than-forty-letters-for-a-rule",
            "system:admin",
            "system:anonymous",
            "system:serviceaccount:a:b",
            " blank",
            "blank ",
            "a\tb",
            "a\nb",
            "\u{0}",
            "\u{7f}",
            "\u{85}",
            "\u{a0}x",
            "%0a",
            "a,b",
            "\u{202e}x",
            "\u{1f600}",
            "",
            "system:",
            "jane",
            "zo\u{eb}",
            "a/b:c@d",
            "-",
        ];
        draft.oddities.extend(["empty-username", "header-unsafe", "system-names"]);
        let name = json!(random.pick(&names));
        match (entry.username_claim, random.percent(50)) {
            (Some(claim), true) => draft.set(claim, name),
            _ => text_of_some_expression(draft, entry, random, &name),
        }
    }),
    twist("names of groups", |draft, entry, random| {
        if entry.fields.contains(&"userValidationRules") {
            draft.rules.push("userValidationRules");
        }
        let groups = vec![
            json!(["forbidden"]),
            json!(["system:masters"]),
            json!(["system:authenticated", "a"]),
            json!(["system:unauthenticated"]),
            json!(["a", "system:authenticated"]),
            json!(["a\nb"]),
            json!([" a"]),
            json!(["a\u{0}"]),
            json!(["a "]),
            json!(["\u{1f600}"]),
            json!([""]),
            json!("system:nodes"),
            json!(["a", "b", "c"]),
            json!(vec!["many"; 35]),
            json!(["%41"]),
            json!(["a", "a"]),
        ];
        draft.oddities.extend(["header-unsafe", "system-names"]);
        let value = random.take(groups);
        match (entry.groups_claim, random.percent(50)) {
            (Some(claim), true) => draft.set(claim, value),
            _ => text_of_some_expression(draft, entry, random, &value),
        }
    }),
    twist("further claims", |draft, _, random| {
        for _ in 0..=random.below(4) {
            let name = random
                .pick(&["x", "groups", "roles", "\u{e4}", "", "claims", "a.b", "email", "__proto__"])
                .to_string();
            let value = any(random, 4);
            draft.claims.entry(name).or_insert(value);
        }
    }),
];

/// Values for what should be a text.
fn texts() -> Vec<Option<Value>> {
    vec![
        Some(json!("alice")),
        Some(json!("\u{e9}")),
        Some(json!("a b")),
        Some(json!("bob")),
        Some(json!(5)),
        Some(json!(true)),
        Some(json!(["alice"])),
        Some(json!({})),
        None,
    ]
}

/// Is about an expression, since the configuration has nothing else for the twist.
fn fall_back(draft: &mut Draft, entry: &Entry, random: &mut Random) {
    expression(draft, entry, random);
    draft.fell_back = true;
}

/// Gives one expression claims to its liking, or not.
fn expression(draft: &mut Draft, entry: &Entry, random: &mut Random) {
    if entry.placed.is_empty() {
        return;
    }
    let (field, placed) = random.pick(&entry.placed);
    draft.rules.push(field);
    if random.percent(35) {
        placed.please(&mut draft.claims, random)
    } else {
        placed.annoy(&mut draft.claims, random)
    }
}

/// Puts a value where an expression finds it.
fn text_of_some_expression(draft: &mut Draft, entry: &Entry, random: &mut Random, value: &Value) {
    if entry.placed.is_empty() {
        return;
    }
    let (_, placed) = random.pick(&entry.placed);
    if let Some(claim) = placed.claim(random).cloned() {
        draft.set(&claim, value.clone());
    }
}

/// Any JSON of so many levels.
fn any(random: &mut Random, levels: usize) -> Value {
    let many = if levels == 0 { 9 } else { 12 };
    match random.below(many) {
        0 => Value::Null,
        1 => json!(random.percent(50)),
        2 => json!(random.below(2000)),
        3 => json!(1.5),
        4 => json!(-7),
        5 => random
            .pick(&[json!(1e300), json!(9_007_199_254_740_993_u64), json!(i64::MIN), json!(u64::MAX)])
            .clone(),
        6 => json!(random.pick(&[
            "",
            "a",
            "x",
            "true",
            "5",
            "\u{1f600}",
            "2024-01-01T00:00:00Z",
            "1h",
            "10.0.0.1",
            "a,b"
        ])),
        7 => json!("long ".repeat(random.below(40))),
        8 => json!([]),
        9 => json!((0..random.below(4)).map(|_| any(random, levels - 1)).collect::<Vec<_>>()),
        10 => json!({}),
        _ => {
            let names = ["a", "b", "x", "roles", "name", "x.y", ""];
            (0..random.below(4)).map(|_| (random.pick(&names).to_string(), any(random, levels - 1))).collect()
        }
    }
}
