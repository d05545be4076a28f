//! Expressions and what kube-apiserver 1.36.3 says of them.
//!
//! `tests/expressions.txt` was written by kube-apiserver's own packages: a line `environment purpose > expression`, then
//! the refusal, or nothing.

use super::{Checked, Environment, Use, check};

fn refusal(expression: &str, environment: Environment, purpose: Use) -> Option<String> {
    check(expression, environment, purpose).err().map(|refusal| refusal.to_string())
}

/// The environment, purpose and expression of a line that begins a row.
fn head(line: &str) -> Option<(Environment, Use, &str)> {
    let (place, expression) = line.split_once(" > ")?;
    let (environment, purpose) = match place {
        "claims mapping" => (Environment::Claims, Use::Mapping),
        "claims rule" => (Environment::Claims, Use::Rule),
        "user mapping" => (Environment::User, Use::Mapping),
        _ => return None,
    };
    Some((environment, purpose, expression))
}

#[test]
fn expressions_are_judged_as_by_kubernetes() {
    let mut lines = include_str!("tests/expressions.txt").lines().peekable();
    let mut rows = 0;
    let mut failures = Vec::new();
    while let Some(line) = lines.next() {
        let (environment, purpose, expression) = head(line).unwrap();
        let mut expected = Vec::new();
        while let Some(line) = lines.next_if(|line| head(line).is_none()) {
            expected.push(line);
        }
        let expected = (!expected.is_empty()).then(|| expected.join("\n"));
        let found = refusal(expression, environment, purpose);
        rows += 1;
        if found != expected {
            failures.push(format!("{line}\nexpected {expected:#?}\nfound {found:#?}"));
        }
    }
    assert!(rows > 600, "{rows} rows");
    assert!(failures.is_empty(), "{} of {rows}:\n{}", failures.len(), failures.join("\n"));
}

/// Places in texts of several lines, with characters of several bytes.
#[test]
fn places_are_told() {
    for (expression, expected) in [
        (
            "\n claims.a +\n\t'ä' + claims.x.startsWith(1)",
            "3:27: found no matching overload for 'startsWith' applied to 'any.(int)'\n \
             |  'ä' + claims.x.startsWith(1)\n | ..．.......................^",
        ),
        (
            "'ä€' + 1",
            "1:6: found no matching overload for '_+_' applied to '(string, int)'\n | 'ä€' + 1\n | .．．..^",
        ),
        (
            "\"\"\"a\nb\"\"\" == 1 && y",
            "2:6: found no matching overload for '_==_' applied to '(string, int)'\n | b\"\"\" == 1 && y\n \
             | .....^\nERROR: <input>:2:14: undeclared reference to 'y' (in container '')\n | b\"\"\" == 1 && y\n \
             | .............^",
        ),
    ] {
        let found = refusal(expression, Environment::Claims, Use::Mapping);
        assert_eq!(found, Some(format!("compilation failed: ERROR: <input>:{expected}")));
    }
}

#[test]
fn a_hundred_issues_are_told() {
    let names: Vec<String> = (0..130).map(|index| format!("x{index}")).collect();
    let found = refusal(&format!("[{}]", names.join(", ")), Environment::Claims, Use::Mapping).unwrap();
    assert_eq!(found.matches("undeclared reference").count(), 100);
    assert!(found.ends_with("\n30 more errors were truncated"), "{found}");
}

/// An expression, and whether it selects `claims.email` and `claims.email_verified`.
#[test]
fn uses_of_email_are_seen() {
    for (expression, selects_email, selects_email_verified) in [
        ("claims.email", true, false),
        ("claims.?email.orValue('a')", true, false),
        ("claims['email']", false, false),
        ("claims[?'email'].orValue('a')", false, false),
        ("has(claims.email) ? claims.email_verified : true", true, true),
        (".claims.email", true, false),
        ("claims.email.foo", true, false),
        ("[{'email': 1}].exists(claims, claims.email == 1)", true, false),
        ("[claims.sub].map(x, claims.?email_verified.orValue(x))", false, true),
        ("{'a': claims.email}", true, false),
        ("{claims.email: 1}", true, false),
        ("[claims.email_verified]", false, true),
        ("claims.x.email", false, false),
        ("claims.?x.email", false, false),
        ("claims.?email.?y", true, false),
        ("'email' in claims", false, false),
        ("{'email': claims}.email", false, false),
        ("claims.?email.optMap(v, v.email_verified)", true, false),
        ("claims.all(k, v, k == 'email')", false, false),
        ("string(claims.email).split('@')[0]", true, false),
        ("google.protobuf.StringValue{value: claims.email}", true, false),
        ("optional.of(claims).email", false, false),
        ("(true ? claims : claims).email", false, false),
        ("claims.map(c, claims.email)", true, false),
    ] {
        let found = check(expression, Environment::Claims, Use::Mapping);
        assert_eq!(found, Ok(Checked { selects_email, selects_email_verified }), "{expression}");
    }
}

/// What kube-apiserver takes, or dies of, but is refused here.
#[test]
fn what_is_not_supported_is_refused() {
    let moment = "timestamp('2020-01-01T00:00:00Z')";
    for (expression, expected) in [
        (format!("{moment}.getHours('America/New_York')"), Some("1:44: timezones by name are not supported")),
        (format!("{moment}.getDate('Local')"), Some("1:43: timezones by name are not supported")),
        (format!("{moment}.getHours('UTC')"), None),
        (format!("{moment}.getHours('')"), None),
        (format!("{moment}.getHours('-02:30')"), None),
        (format!("{moment}.getHours('02:30')"), None),
        (
            "[?claims.a]".to_owned(),
            Some("1:9: an optional element or entry whose type is not known crashes kube-apiserver"),
        ),
        (
            "{?'a': dyn(1)}".to_owned(),
            Some("1:11: an optional element or entry whose type is not known crashes kube-apiserver"),
        ),
        (
            format!("[1]{}", ".map(x, {x: x})".repeat(30)),
            Some("1:443: the types of the expression are too large"),
        ),
    ] {
        let found = refusal(&expression, Environment::Claims, Use::Mapping);
        let first_line = found.as_deref().and_then(|text| text.lines().next()).map(str::to_owned);
        assert_eq!(
            first_line,
            expected.map(|text| format!("not supported: ERROR: <input>:{text}")),
            "{expression}"
        );
    }
}

/// A list that is empty in `claims` grows in place in kube-apiserver. Whether each is refused, and so never evaluated in
/// another way.
#[test]
fn lists_that_change_in_place_are_refused() {
    for (mapped, is_refused) in [
        ("size(v + claims.roles) > 0 ? v : v", true),
        ("size(dyn(v) + claims.roles) > 0 ? v : v", true),
        ("[size((true ? v : v) + ['x']), size(v)]", true),
        ("[size(([] + v) + ['x']), size(v)]", true),
        ("[size(v[?0].orValue(v) + ['x']), size(v)]", true),
        ("[size(optional.of(v).value() + ['x']), size(v)]", true),
        ("{'a': v}.a + ['x'] == v", true),
        ("[1, 2].map(i, size(v + ['x']))", true),
        ("[v, v].map(i, size(i + ['x']))", true),
        ("[[v]].map(i, i.map(j, [size(j + ['x']), size(j)]))", true),
        ("[v].sortBy(i, size(i + ['x']))[0]", true),
        ("optional.of(v + ['x']).optMap(w, size(w))", true),
        ("optional.of(v).optMap(w, [size(w + ['x']), size(w)])", true),
        ("v + claims.roles", false),
        ("(v + claims.roles) + ['x']", false),
        ("[size(v), size(claims.roles + v)]", false),
        ("v + '@' + v", false),
        ("size(v) + size(v)", false),
        ("[size([v] + [v]), size(v)]", false),
        ("dyn(v).map(i, i + claims.suffix) + [dyn(size(v))]", false),
        ("dyn(v).filter(i, i != 'x').map(i, i + claims.suffix)", false),
        ("[1].map(v, [v + 1, v])", false),
    ] {
        for text in [
            format!("claims.?groups.optMap(v, {mapped})"),
            format!("claims.?groups.optFlatMap(v, optional.of({mapped}))"),
        ] {
            let found = check(&text, Environment::Claims, Use::Mapping);
            let is_unsupported = matches!(&found, Err(crate::check::Refusal::Unsupported(text)) if text.contains("left side of +"));
            assert!(is_unsupported || found.is_ok(), "{text}: {found:?}");
            assert_eq!(is_unsupported, is_refused, "{text}");
        }
    }
}

/// The deepest expressions that the parser passes on.
#[test]
fn deep_expressions_are_judged() {
    for (expression, is_taken) in [
        (format!("{}1{}", "[".repeat(200), "]".repeat(200)), true),
        (format!("{}true", "!".repeat(201)), true),
        (format!("claims.a{}", "[0]".repeat(200)), true),
        (format!("[1]{} + 1", ".filter(x, true)".repeat(200)), false),
        (format!("{}a{} + 1", "[1].map(a,".repeat(100), ")".repeat(100)), false),
        (format!("1{}", ".f()".repeat(200)), false),
        (format!("true{}", " && true".repeat(2000)), true),
    ] {
        assert_eq!(check(&expression, Environment::Claims, Use::Mapping).is_ok(), is_taken, "{expression}");
    }
}
