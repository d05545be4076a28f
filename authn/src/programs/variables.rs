//! What expressions are over: `claims` and `user`.
//!
//! A field becomes a value when the first expression asks for it, and once for all of them, as in kube-apiserver's
//! `lazy.MapValue`: loops within loops may ask 100,000 times, and what they may cost doesn't count the work of it.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use kubernetes_cel::value::{Key, LazyMap, List, ListForm, Map, Value as Cel};

use crate::json::{Object, Value};
use crate::user::UserInfo;

/// The variable `claims`. One serves all expressions of a token.
pub(crate) struct Claims<'d> {
    object: Object<'d>,
    /// In the order of their names. Empty until an expression looks at it: most issuers have none.
    fields: OnceCell<Vec<Field<'d>>>,
}

/// A claim, and its value once it has been asked for.
struct Field<'d> {
    name: &'d str,
    claim: Value<'d>,
    value: OnceCell<Cel>,
}

impl<'d> Claims<'d> {
    pub(crate) const fn new(object: Object<'d>) -> Self {
        Self { object, fields: OnceCell::new() }
    }

    /// The claims as they stand in the token.
    pub(crate) const fn object(&self) -> Object<'d> {
        self.object
    }

    fn fields(&self) -> &[Field<'d>] {
        self.fields.get_or_init(|| {
            let members = self.object.members();
            let mut fields: Vec<_> =
                members.map(|(name, claim)| Field { name, claim, value: OnceCell::new() }).collect();
            fields.sort_unstable_by_key(|field| field.name);
            fields
        })
    }
}

impl LazyMap for Claims<'_> {
    fn get(&self, name: &str) -> Option<Cel> {
        let fields = self.fields();
        let place = fields.binary_search_by_key(&name, |field| field.name).ok()?;
        let field = fields.get(place)?;
        Some(field.value.get_or_init(|| value(field.claim).unescaping()).clone())
    }

    fn size(&self) -> usize {
        self.fields().len()
    }

    fn name(&self, place: usize) -> Option<&str> {
        self.fields().get(place).map(|field| field.name)
    }

    fn type_name(&self) -> &'static str {
        "kubernetes.claims"
    }
}

/// A claim as a value. Numbers are doubles, as Go's decoder reads them.
fn value(claim: Value<'_>) -> Cel {
    match claim {
        Value::Array(elements) => {
            Cel::List(List::new(elements.elements().map(value).collect(), ListForm::Any))
        }
        Value::Bool(value) => Cel::Bool(value),
        Value::Null => Cel::Null,
        // The reader takes no number beyond a double.
        Value::Number(number) => number.as_f64().map_or(Cel::Null, Cel::Double),
        Value::Object(members) => {
            let members = members.members().map(|(name, member)| (Key::String(name.into()), value(member)));
            Cel::Map(Map::new(members.collect()))
        }
        Value::String(text) => Cel::string(text),
    }
}

/// Fields of `user`.
const FIELDS: [&str; 4] = ["username", "uid", "groups", "extra"];

/// The variable `user`.
pub(super) struct User<'u> {
    user: &'u UserInfo,
    values: [OnceCell<Cel>; FIELDS.len()],
}

impl<'u> User<'u> {
    pub(super) const fn new(user: &'u UserInfo) -> Self {
        Self { user, values: [const { OnceCell::new() }; FIELDS.len()] }
    }

    fn field(&self, name: &str) -> Cel {
        let value = match name {
            "username" => Cel::string(self.user.username()),
            "uid" => Cel::string(self.user.uid()),
            "groups" => texts(self.user.groups()),
            _ => {
                let extra = self.user.extra().iter();
                let extra: BTreeMap<_, _> =
                    extra.map(|(key, values)| (Key::String(key.as_str().into()), texts(values))).collect();
                Cel::Map(Map::new(extra))
            }
        };
        value.unescaping()
    }
}

/// Go holds them as `[]string`, which an expression can look at and no mapping takes.
fn texts(texts: &[String]) -> Cel {
    Cel::List(List::new(texts.iter().map(|text| Cel::string(text.as_str())).collect(), ListForm::Native))
}

impl LazyMap for User<'_> {
    fn get(&self, name: &str) -> Option<Cel> {
        let mut fields = FIELDS.iter().zip(&self.values);
        let (_, value) = fields.find(|(field, _)| **field == name)?;
        Some(value.get_or_init(|| self.field(name)).clone())
    }

    fn size(&self) -> usize {
        FIELDS.len()
    }

    fn name(&self, place: usize) -> Option<&str> {
        FIELDS.get(place).copied()
    }

    fn type_name(&self) -> &'static str {
        "kubernetes.UserInfo"
    }
}

#[cfg(test)]
mod tests;
