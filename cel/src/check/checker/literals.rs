//! Lists, maps and messages.

use super::Checker;
use crate::ast::{Element, Id, MapEntry, Struct};
use crate::check::types::{Kind, Type};
use crate::check::unification::most_general;

impl Checker<'_, '_> {
    pub(super) fn check_list(&mut self, id: Id, elements: &mut [Element]) {
        let mut joined = None;
        for element in elements {
            self.check(&mut element.value);
            let found = self.value_type(element.value.id, element.optional);
            joined = Some(self.join(joined, found));
        }
        let joined = joined.unwrap_or_else(|| self.new_variable());
        self.set_type(id, Type::list(joined));
    }

    pub(super) fn check_map(&mut self, id: Id, entries: &mut [MapEntry]) {
        let mut joined: Option<(Type, Type)> = None;
        for entry in entries {
            let (keys, values) = joined.unzip();
            self.check(&mut entry.key);
            let key = self.type_of(entry.key.id);
            let keys = self.join(keys, key);
            self.check(&mut entry.value);
            let value = self.value_type(entry.value.id, entry.optional);
            let values = self.join(values, value);
            joined = Some((keys, values));
        }
        let (keys, values) = joined.unwrap_or_else(|| (self.new_variable(), self.new_variable()));
        self.set_type(id, Type::map(keys, values));
    }

    pub(super) fn check_struct(&mut self, id: Id, message: &mut Struct) {
        let Some(resolved) = self.resolve(&message.type_name) else {
            let name = message.type_name.clone();
            self.undeclared(id, &name);
            self.set_type(id, Type::error());
            return;
        };
        message.type_name = resolved.name;
        let mut type_name = message.type_name.to_string();
        let mut result = Type::error();
        match resolved.found.kind() {
            Kind::Error => {}
            Kind::Type => {
                let constructed = resolved.found.at(0);
                if let Some(name) = well_known_name(&constructed) {
                    name.clone_into(&mut type_name);
                    result = constructed;
                } else if constructed.kind() == Kind::Struct {
                    type_name = constructed.name().to_string();
                    result = constructed;
                } else {
                    let name = constructed.declared_name();
                    self.issues.report(id, format!("'{name}' is not a message type"));
                }
            }
            _ => {
                let name = resolved.found.declared_name();
                self.issues.report(id, format!("'{name}' is not a type"));
            }
        }
        self.set_type(id, result);

        for field in &mut message.fields {
            self.check(&mut field.value);
            let declared = self.declared_field(field.id, &type_name, &field.name).unwrap_or_else(Type::error);
            let found = self.value_type(field.value.id, field.optional);
            if !self.unification.is_assignable(&declared, &found) {
                let message = format!(
                    "expected type of field '{}' is '{declared}' but provided type is '{found}'",
                    field.name
                );
                self.issues.report(field.id, message);
            }
        }
    }

    /// The type of a value that is in the literal only if it is there, when it is written so.
    fn value_type(&mut self, id: Id, optional: bool) -> Type {
        let found = self.type_of(id);
        if !optional {
            return found;
        }
        if let Some(value) = found.optional_value() {
            return value.clone();
        }
        if !found.is_dyn() {
            self.mismatch(id, &Type::optional(found.clone()), &found);
        }
        found
    }

    /// cel-go `joinTypes`: types that don't fit become `dyn` here; a validator refuses most of that afterwards.
    fn join(&mut self, previous: Option<Type>, current: Type) -> Type {
        match previous {
            None => current,
            Some(previous) if self.unification.is_assignable(&previous, &current) => {
                most_general(&previous, &current).clone()
            }
            Some(_) => Type::dynamic(),
        }
    }
}

/// The name under which cel-go knows the fields of a type that is a value of CEL itself (`getWellKnownTypeName`).
fn well_known_name(constructed: &Type) -> Option<&'static str> {
    let nullable = constructed.is_nullable();
    match constructed.kind() {
        Kind::Any => Some("google.protobuf.Any"),
        Kind::Bool if nullable => Some("google.protobuf.BoolValue"),
        Kind::Bytes if nullable => Some("google.protobuf.BytesValue"),
        Kind::Double if nullable => Some("google.protobuf.DoubleValue"),
        Kind::Duration => Some("google.protobuf.Duration"),
        Kind::Dyn => Some("google.protobuf.Value"),
        Kind::Int if nullable => Some("google.protobuf.Int64Value"),
        Kind::List if constructed.at(0).kind() == Kind::Dyn => Some("google.protobuf.ListValue"),
        Kind::Map if constructed.at(0).kind() == Kind::String && constructed.at(1).kind() == Kind::Dyn => {
            Some("google.protobuf.Struct")
        }
        Kind::Null => Some("google.protobuf.NullValue"),
        Kind::String if nullable => Some("google.protobuf.StringValue"),
        Kind::Timestamp => Some("google.protobuf.Timestamp"),
        Kind::Uint if nullable => Some("google.protobuf.UInt64Value"),
        _ => None,
    }
}
