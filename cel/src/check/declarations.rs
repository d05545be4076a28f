//! What kube-apiserver's environment declares: functions, variables, the names of types, and fields.
//!
//! `declarations.txt` is written from the environment itself: functions with their overloads in its order, and
//! identifiers. `messages.txt` has the fields of the messages that cel-go always knows (`common/types/pb`).

use std::collections::HashMap;
use std::rc::Rc;

use super::Environment;
use super::types::{Kind, NotAType, Type};

/// The declarations of an environment.
#[derive(Debug)]
pub(super) struct Declarations {
    environment: Environment,
    functions: HashMap<&'static str, Rc<[Overload]>>,
    identifiers: HashMap<&'static str, Identifier>,
    messages: Messages,
}

/// Fields of messages, by the name of the message.
type Messages = HashMap<&'static str, Vec<(&'static str, Type)>>;

/// A signature of a function.
#[derive(Debug)]
pub(super) struct Overload {
    pub(super) id: &'static str,
    /// Whether it is called on a target: the first of the arguments.
    pub(super) is_member: bool,
    /// Names of its type variables.
    pub(super) type_parameters: Vec<Rc<str>>,
    pub(super) arguments: Vec<Type>,
    pub(super) result: Type,
}

/// A variable, a constant, or the name of a type.
#[derive(Clone, Debug)]
pub(super) struct Identifier {
    pub(super) declared: Type,
    /// Its value, if it is a constant: they are all numbers.
    pub(super) constant: Option<i64>,
    /// Whether it has a value at run time: some names of types are only known to the checker.
    pub(super) is_planned: bool,
}

/// Why there are no declarations: the data files are not what they should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadDeclarations {
    #[error("bad line {0:?}")]
    Line(&'static str),
    #[error(transparent)]
    Type(#[from] NotAType),
}

const DECLARATIONS: &str = include_str!("declarations.txt");
const MESSAGES: &str = include_str!("messages.txt");

impl Declarations {
    /// Reads the data files.
    pub(super) fn read(environment: Environment) -> Result<Self, BadDeclarations> {
        let mut identifiers = HashMap::new();
        let mut functions: HashMap<&'static str, Vec<Overload>> = HashMap::new();
        for line in DECLARATIONS.lines() {
            let columns: Vec<&'static str> = line.split('\t').collect();
            match columns.as_slice() {
                ["function", name, id, style, arguments, result] => {
                    functions.entry(name).or_default().push(Overload::read(id, style, arguments, result)?);
                }
                ["ident", "claims", ..] if environment != Environment::Claims => {}
                ["ident", "user", ..] if environment != Environment::User => {}
                ["ident", name, declared, constant] => {
                    let constant = constant.parse().ok();
                    let declared = Type::parse(declared)?;
                    // Types that are values of CEL itself are planned under their name in CEL only.
                    let is_planned = declared.kind() != Kind::Type
                        || (&**declared.at(0).name() == *name && declared.at(0).kind() != Kind::Any);
                    identifiers.insert(*name, Identifier { declared, constant, is_planned });
                }
                // Macros are the parser's.
                ["macro", ..] => {}
                _ => return Err(BadDeclarations::Line(line)),
            }
        }
        for (name, declared) in unplanned_types(environment) {
            let declared = Type::of_type(Type::parse(declared)?);
            identifiers.insert(name, Identifier { declared, constant: None, is_planned: false });
        }
        let functions = functions.into_iter().map(|(name, overloads)| (name, overloads.into())).collect();
        Ok(Self { environment, functions, identifiers, messages: read_messages()? })
    }

    /// The overloads of a function, in the environment's order.
    pub(super) fn function(&self, name: &str) -> Option<(&'static str, Rc<[Overload]>)> {
        self.functions.get_key_value(name).map(|(name, overloads)| (*name, Rc::clone(overloads)))
    }

    /// What a name stands for outside of comprehensions.
    pub(super) fn identifier(&self, name: &str) -> Option<&Identifier> {
        self.identifiers.get(name)
    }

    /// The type of a field of a type with that name.
    ///
    /// k8s.io/apiserver `DeclTypeProvider` comes first. It knows scalar types by their names, as types without fields,
    /// and maps, whose fields are their values.
    pub(super) fn field(&self, type_name: &str, field: &str) -> Field {
        let user = self.environment == Environment::User;
        let declared = match (type_name, field) {
            ("kubernetes.UserInfo", "username" | "uid") if user => Some(Type::string()),
            ("kubernetes.UserInfo", "groups") if user => Some(Type::list(Type::string())),
            ("kubernetes.UserInfo", "extra") if user => {
                Some(Type::map(Type::string(), Type::list(Type::string())))
            }
            ("kubernetes.UserInfo" | "kubernetes.UserInfo.groups", _) if user => None,
            ("kubernetes.UserInfo.extra", _) if user => Some(Type::list(Type::string())),
            ("map", _) => Type::parse("google.protobuf.Any").ok(),
            (
                "bool" | "bytes" | "double" | "duration" | "int" | "list" | "null_type" | "string"
                | "timestamp" | "uint",
                _,
            ) => None,
            _ => match self.messages.get(type_name) {
                Some(fields) => {
                    fields.iter().find(|(name, _)| *name == field).map(|(_, declared)| declared.clone())
                }
                None => return Field::UnknownType,
            },
        };
        declared.map_or(Field::Undefined, Field::Declared)
    }
}

/// What is known of a field.
#[derive(Debug)]
pub(super) enum Field {
    Declared(Type),
    /// The type has no such field.
    Undefined,
    /// Nothing is known of the type.
    UnknownType,
}

impl Overload {
    fn read(
        id: &'static str,
        style: &'static str,
        arguments: &'static str,
        result: &'static str,
    ) -> Result<Self, BadDeclarations> {
        let is_member = match style {
            "global" => false,
            "member" => true,
            _ => return Err(BadDeclarations::Line(id)),
        };
        let result = Type::parse(result)?;
        let arguments = split_arguments(arguments).map(Type::parse).collect::<Result<Vec<_>, _>>()?;
        let mut type_parameters = Vec::new();
        for within in std::iter::once(&result).chain(&arguments) {
            collect_parameters(within, &mut type_parameters);
        }
        Ok(Self { id, is_member, type_parameters, arguments, result })
    }
}

/// Names that `DeclTypeProvider` takes for types but cel-go's planner does not know.
fn unplanned_types(environment: Environment) -> Vec<(&'static str, &'static str)> {
    let mut names =
        vec![("duration", "google.protobuf.Duration"), ("timestamp", "google.protobuf.Timestamp")];
    if environment == Environment::User {
        names.extend([
            ("kubernetes.UserInfo", "kubernetes.UserInfo"),
            ("kubernetes.UserInfo.extra", "map(string, list(string))"),
            ("kubernetes.UserInfo.groups", "list(string)"),
        ]);
    }
    names
}

fn read_messages() -> Result<Messages, BadDeclarations> {
    let mut messages = Messages::new();
    for line in MESSAGES.lines() {
        let columns: Vec<&'static str> = line.split('\t').collect();
        match columns.as_slice() {
            [message] => drop(messages.entry(message).or_default()),
            [message, field, declared] => {
                messages.entry(message).or_default().push((field, Type::parse(declared)?));
            }
            _ => return Err(BadDeclarations::Line(line)),
        }
    }
    Ok(messages)
}

/// The arguments between commas that are not in parentheses.
fn split_arguments(arguments: &'static str) -> impl Iterator<Item = &'static str> {
    let mut depth = 0_u32;
    arguments
        .split(move |character| {
            match character {
                '(' => depth = depth.saturating_add(1),
                ')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            character == ',' && depth == 0
        })
        .map(str::trim_start)
        .filter(|argument| !argument.is_empty())
}

fn collect_parameters(within: &Type, names: &mut Vec<Rc<str>>) {
    if within.kind() == Kind::TypeParam && !names.contains(within.name()) {
        names.push(Rc::clone(within.name()));
    }
    for parameter in within.parameters() {
        collect_parameters(parameter, names);
    }
}

#[cfg(test)]
mod tests {
    use super::{Declarations, Environment};

    #[test]
    fn declarations_are_read() {
        for environment in [Environment::Claims, Environment::User] {
            let declarations = Declarations::read(environment).unwrap();
            let of = |name: &str| {
                let (_, overloads) = declarations.function(name).unwrap();
                overloads
                    .iter()
                    .map(|overload| (overload.id, overload.is_member, overload.arguments.len()))
                    .collect::<Vec<_>>()
            };
            assert_eq!(of("@in"), [("in_list", false, 2), ("in_map", false, 2)]);
            assert_eq!(of("optional.none"), [("optional_none", false, 0)]);
            assert_eq!(of("_?_:_"), [("conditional", false, 3)]);
            assert!(declarations.function("jsonpatch.escapeKey").is_none());
            assert_eq!(declarations.identifier("claims").is_some(), environment == Environment::Claims);
            assert_eq!(declarations.identifier("user").is_some(), environment == Environment::User);
        }
    }
}
