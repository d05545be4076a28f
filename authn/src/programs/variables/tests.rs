use kubernetes_cel::program::{Environment, Program};

use super::*;
use crate::json::Document;

/// Where the elements of a list lie: two lists that lie in one place were made once.
fn place(value: Option<Cel>) -> *const Cel {
    let Some(Cel::List(list)) = value else { panic!("no list: {value:?}") };
    list.elements().as_ptr()
}

/// What the expressions of a token cost is counted without the work of making values out of its claims.
#[test]
fn a_field_becomes_a_value_once() {
    let document = Document::parse(br#"{"roles": ["a", "b"], "b": 1, "a": 2}"#).unwrap();
    let claims = Claims::new(document.object());
    let user = UserInfo::new(String::new(), String::new(), vec!["a".to_owned()], Vec::new());
    let user = User::new(&user);
    for (variable, environment, field, source) in [
        (&claims as &dyn LazyMap, Environment::Claims, "roles", "claims.roles"),
        (&user, Environment::User, "groups", "user.groups"),
    ] {
        let program =
            Program::new(&format!("[1, 2].all(x, size({source}) > 0) ? {source} : []"), environment);
        let program = program.unwrap();
        let first = place(program.evaluate(variable).ok());
        assert_eq!(place(program.evaluate(variable).ok()), first, "{source}");
        assert_eq!(place(variable.get(field)), first, "{source}");
    }
}

/// Every field has its name in one place, and its own value.
#[test]
fn fields_have_names_and_values() {
    let document = Document::parse(br#"{"roles": ["a"], "b": "of b", "a": "of a", "": "of none"}"#).unwrap();
    let claims = Claims::new(document.object());
    let names: Vec<_> = (0..9).map_while(|place| claims.name(place)).collect();
    assert_eq!(names, ["", "a", "b", "roles"]);
    assert_eq!(claims.size(), 4);
    let text = |name: &str| claims.get(name).and_then(|value| value.as_str().map(str::to_owned));
    assert_eq!(text("a").as_deref(), Some("of a"));
    assert_eq!(text("b").as_deref(), Some("of b"));
    assert_eq!(text("").as_deref(), Some("of none"));
    assert!(claims.get("c").is_none());
    let extra = vec![("k".to_owned(), vec!["v".to_owned()])];
    let user = UserInfo::new("jane".to_owned(), "1".to_owned(), Vec::new(), extra);
    let user = User::new(&user);
    let text = |name: &str| user.get(name).and_then(|value| value.as_str().map(str::to_owned));
    assert_eq!((text("username"), text("uid")), (Some("jane".to_owned()), Some("1".to_owned())));
    assert!(matches!(user.get("extra"), Some(Cel::Map(map)) if map.entries().len() == 1));
    assert!(user.get("name").is_none());
}
