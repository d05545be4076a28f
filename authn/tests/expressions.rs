//! Users mapped and checked by expressions (CEL), row by row as kube-apiserver 1.36 does it: the same user, or no user.
//! What each function of the language gives is held against kube-apiserver in the crate of the language; here is what
//! becomes of its value.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "test code"
)]

mod support;

use authn::issuer::{ExtraMapping, Issuer, Mapping, ValidationRule};
use serde_json::json;
use support::*;

fn rule(expression: &str) -> ValidationRule {
    ValidationRule { expression: expression.to_owned(), message: "for people".to_owned() }
}

/// A good token whose user name is what `expression` gives.
fn username(expression: &str) -> Case {
    let expression = Mapping::Expression(expression.to_owned());
    case("username").issuer(|issuer| issuer.claim_mappings.username = expression)
}

fn groups(expression: &str) -> Case {
    let expression = Mapping::Expression(expression.to_owned());
    case("groups").issuer(|issuer| issuer.claim_mappings.groups = Some(expression))
}

fn uid(expression: &str) -> Case {
    let expression = Mapping::Expression(expression.to_owned());
    case("uid").issuer(|issuer| issuer.claim_mappings.uid = Some(expression))
}

fn extra(mappings: &[(&str, &str)]) -> Case {
    let mappings = mappings.iter().map(|(key, expression)| ExtraMapping {
        key: (*key).to_owned(),
        value_expression: (*expression).to_owned(),
    });
    case("extra").issuer(|issuer| issuer.claim_mappings.extra = mappings.collect())
}

fn claim_rules(expressions: &[&str]) -> Case {
    let rules = expressions.iter().copied().map(rule).collect();
    case("claim rules").issuer(|issuer| issuer.claim_validation_rules = rules)
}

fn user_rules(expressions: &[&str]) -> Case {
    let rules = expressions.iter().copied().map(rule).collect();
    case("user rules").issuer(|issuer| issuer.user_validation_rules = rules)
}

#[test]
fn a_user_name_by_expression_is_a_text_that_is_not_empty() {
    username("claims.sub").accepts(user("alice"));
    username("'oidc:' + claims.sub.upperAscii()").accepts(user("oidc:ALICE"));
    username("claims.email.split('@')[0]").claims(json!({"email": "bob@example.com"})).accepts(user("bob"));
    username("claims.?name.orValue('nobody')").accepts(user("nobody"));
    username("claims.kubernetes__dot__io.name")
        .claims(json!({"kubernetes.io": {"name": "dotted"}}))
        .accepts(user("dotted"));
    username("claims.email").claims(json!({"email": "a@b", "email_verified": false})).accepts(user("a@b"));
    username("claims.empty").claims(json!({"empty": ""})).rejects("username_expression_empty");
    username("claims.n").claims(json!({"n": 5})).rejects("username_expression");
    username("claims.n").claims(json!({"n": null})).rejects("username_expression");
    username("claims.n").claims(json!({"n": ["alice"]})).rejects("username_expression");
    username("claims.missing").rejects("expression");
    username("claims.sub.n").rejects("expression");
    username("claims.sub + claims.n").claims(json!({"n": 5})).rejects("expression");
}

/// There is no table of time zones.
#[test]
fn a_zone_by_name_has_no_value() {
    let hour = || username("string(timestamp('2024-01-01T05:00:00Z').getHours(claims.zone))");
    hour().claims(json!({"zone": "+09:00"})).accepts(user("14"));
    hour().claims(json!({"zone": "UTC"})).accepts(user("5"));
    hour().claims(json!({"zone": "Asia/Tokyo"})).stricter("expression-zone").rejects("expression");
    hour().claims(json!({"zone": "Nowhere"})).rejects("expression");
}

/// Numbers of a token are doubles, whatever they look like.
#[test]
fn numbers_are_doubles() {
    let number = || json!({"n": 5, "big": 9_007_199_254_740_993_u64});
    username("string(claims.n)").claims(number()).accepts(user("5"));
    username("string(type(claims.n) == double)").claims(number()).accepts(user("true"));
    username("string(int(claims.big))").claims(number()).accepts(user("9007199254740992"));
    username("string(claims.n == 5)").claims(number()).accepts(user("true"));
    username("string(claims.n + 1.0)").claims(number()).accepts(user("6"));
    username("string(claims.n + 1)").claims(number()).rejects("expression");
}

#[test]
fn groups_by_expression_are_a_text_or_a_list_of_texts() {
    let roles = || json!({"roles": ["b", "a", "b"], "n": 5, "mixed": ["a", 5], "nothing": null});
    groups("claims.roles").claims(roles()).accepts(user("alice").groups(["b", "a", "b"]));
    groups("claims.sub").claims(roles()).accepts(user("alice").groups(["alice"]));
    groups("claims.roles.map(role, 'corp:' + role)")
        .claims(roles())
        .accepts(user("alice").groups(["corp:b", "corp:a", "corp:b"]));
    groups("dyn(claims.roles).filter(role, role != 'b') + ['x']")
        .claims(roles())
        .accepts(user("alice").groups(["a", "x"]));
    groups("claims.?missing.orValue([])").claims(roles()).accepts(user("alice"));
    groups("claims.nothing").claims(roles()).accepts(user("alice"));
    groups("''").claims(roles()).accepts(user("alice"));
    groups("['', 'a']").claims(roles()).accepts(user("alice").groups(["a"]));
    groups("claims.n").claims(roles()).rejects("groups_expression");
    groups("claims.mixed").claims(roles()).rejects("groups_expression");
    groups("claims.missing").claims(roles()).rejects("expression");
}

#[test]
fn a_uid_by_expression_is_a_text() {
    uid("claims.sub + '-1'").accepts(user("alice").uid("alice-1"));
    uid("''").accepts(user("alice"));
    uid("claims.n").claims(json!({"n": 5})).rejects("uid_expression");
    uid("claims.missing").rejects("expression");
}

#[test]
fn extra_keys_have_the_values_that_there_are() {
    let with = |name: &'static str, values: &[&'static str]| {
        let mut headers = user("alice").headers();
        let end = headers.len() - 1;
        headers.splice(end..end, values.iter().map(|value| (name.to_owned(), (*value).to_owned())));
        Outcome::Forward(headers)
    };
    let team = "impersonate-extra-example.com%2Fteam";
    let outcome = |expression: &str| {
        let claims = json!({"team": ["x", "y"], "n": 5});
        extra(&[("example.com/team", expression)]).claims(claims).outcome()
    };
    assert_eq!(outcome("claims.team"), with(team, &["x", "y"]));
    assert_eq!(outcome("claims.sub"), with(team, &["alice"]));
    assert_eq!(outcome("claims.?missing.orValue('')"), with(team, &[]));
    assert_eq!(outcome("[]"), with(team, &[]));
    extra(&[("example.com/team", "claims.n")]).claims(json!({"n": 5})).rejects("extra_expression");
    extra(&[("example.com/team", "claims.n")]).rejects("expression");
    // All expressions are evaluated before one value is looked at.
    extra(&[("example.com/a", "claims.n"), ("example.com/b", "claims.missing")])
        .claims(json!({"n": 5}))
        .rejects("expression");
}

#[test]
fn every_rule_about_the_claims_must_be_true() {
    let verified = || json!({"email_verified": true, "hd": "example.com", "n": 5});
    claim_rules(&["claims.email_verified == true", "claims.hd == 'example.com'"])
        .claims(verified())
        .accepts(user("alice"));
    claim_rules(&["claims.hd == 'example.com'", "claims.hd == 'example.org'"])
        .claims(verified())
        .rejects("claim_validation_rule");
    claim_rules(&["claims.email_verified"]).claims(verified()).accepts(user("alice"));
    claim_rules(&["claims.n"]).claims(verified()).rejects("claim_validation_rule");
    claim_rules(&["claims.missing == 'x'"]).claims(verified()).rejects("expression");
    claim_rules(&["claims.?missing.orValue(true) == true"]).claims(verified()).accepts(user("alice"));
    claim_rules(&["has(claims.missing)"]).claims(verified()).rejects("claim_validation_rule");
    // One that has no value is told before one that is not true, wherever it stands.
    claim_rules(&["false", "claims.missing == 'x'"]).claims(verified()).rejects("expression");
}

#[test]
fn every_rule_about_the_user_must_be_true() {
    user_rules(&["user.username == 'alice'", "!user.username.startsWith('system:')"]).accepts(user("alice"));
    user_rules(&["user.groups.all(group, !group.startsWith('system:'))"])
        .claims(json!({"groups": ["a"]}))
        .accepts(user("alice").groups(["a"]));
    user_rules(&["user.groups.all(group, !group.startsWith('system:'))"])
        .claims(json!({"groups": ["system:masters"]}))
        .rejects("user_validation_rule");
    user_rules(&["user.uid == ''"]).accepts(user("alice"));
    user_rules(&["'authentication.kubernetes.io/credential-id' in user.extra"])
        .claims(json!({"jti": "1"}))
        .accepts(user("alice").credential_id("JTI=1"));
    user_rules(&["user.groups[0] == 'a'"]).rejects("expression");
}

/// kube-apiserver's order: user name, groups, uid, extra, required claims, rules about claims, rules about the user.
#[test]
fn the_first_step_that_fails_is_told() {
    let all_fail = |issuer: &mut Issuer| {
        issuer.claim_mappings.username = Mapping::Expression("claims.n".to_owned());
        issuer.claim_mappings.groups = Some(Mapping::Expression("claims.n".to_owned()));
        issuer.claim_mappings.uid = Some(Mapping::Expression("claims.n".to_owned()));
        issuer.claim_mappings.extra =
            vec![ExtraMapping { key: "example.com/x".to_owned(), value_expression: "claims.n".to_owned() }];
        issuer.required_claims = vec![required("hd", "x")];
        issuer.claim_validation_rules = vec![rule("false")];
        issuer.user_validation_rules = vec![rule("false")];
    };
    let mends: [(fn(&mut Issuer), _); 7] = [
        (|_| (), "username_expression"),
        (|issuer| issuer.claim_mappings.username = prefixed("sub", ""), "groups_expression"),
        (|issuer| issuer.claim_mappings.groups = None, "uid_expression"),
        (|issuer| issuer.claim_mappings.uid = None, "extra_expression"),
        (|issuer| issuer.claim_mappings.extra.clear(), "required_claim_missing"),
        (|issuer| issuer.required_claims.clear(), "claim_validation_rule"),
        (|issuer| issuer.claim_validation_rules.clear(), "user_validation_rule"),
    ];
    for count in 1..=mends.len() {
        let mut row = case("order").claims(json!({"n": 5})).issuer(all_fail);
        for (mend, _) in &mends[..count] {
            row = row.issuer(mend);
        }
        row.rejects(mends[count - 1].1);
    }
}

/// What is mapped by expression can be no more in a header than what is mapped by a claim.
#[test]
fn a_mapped_name_is_guarded_as_any_other() {
    username("'system:admin'").answers(403, "reserved_username");
    username("'a' + '\\n' + 'b'").answers(403, "username_not_header_safe");
    groups("['system:masters']").answers(403, "reserved_group");
    groups("['a\\u0000']").answers(403, "group_not_header_safe");
}

/// An expression that would run for long is an error of its token.
#[test]
fn an_expression_over_its_budget_refuses_the_token() {
    let rule = "dyn(claims.list).all(a, dyn(claims.list).all(b, dyn(claims.list).all(c, dyn(claims.list).all(d, \
                dyn(claims.list).all(e, a + b + c + d + e >= 0.0)))))";
    let list = |length: usize| json!({"list": vec![1; length]});
    claim_rules(&[rule]).claims(list(5)).accepts(user("alice"));
    claim_rules(&[rule]).claims(list(200)).rejects("expression");
}

/// An issuer whose expressions can't be planned refuses its own tokens and no others.
#[test]
fn an_expression_that_can_not_be_planned_closes_its_issuer_alone() {
    claim_rules(&["claims.sub =="]).answers(503, "expression_not_supported");
    claim_rules(&[""]).answers(503, "expression_not_supported");
    username("[1").answers(503, "expression_not_supported");
    user_rules(&["x".repeat(100_000).as_str(), "("]).answers(503, "expression_not_supported");
    let mut other = issuer();
    other.url = "https://other.example".to_owned();
    other.claim_validation_rules = vec![rule("claims.sub ==")];
    case("another's").beside(other).accepts(user("alice"));
}
