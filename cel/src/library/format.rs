//! Formats with a name (k8s.io/apiserver `pkg/cel/library/format.go`).

mod validation;

use std::rc::Rc;

use super::Function;
use super::kubernetes::{nominal, size, traversal_cost};
use crate::value::{EvalError, Evaluated, List, ListForm, Value};

/// A format: `format.dns1123Label()`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamedFormat {
    /// Base64.
    Byte,
    /// `2006-01-02`.
    Date,
    /// `2006-01-02T15:04:05Z`.
    DateTime,
    /// A label of DNS that starts with a letter.
    Dns1035Label,
    /// The beginning of one, to which something will be appended.
    Dns1035LabelPrefix,
    /// A label of DNS.
    Dns1123Label,
    /// The beginning of one.
    Dns1123LabelPrefix,
    /// Labels of DNS with dots between them.
    Dns1123Subdomain,
    /// The beginning of some.
    Dns1123SubdomainPrefix,
    /// The value of a Kubernetes label.
    LabelValue,
    /// The name of a Kubernetes label.
    QualifiedName,
    /// What `isURL` takes.
    Uri,
    /// A UUID, with or without its dashes.
    Uuid,
}

/// The functions of formats.
pub(crate) const FUNCTIONS: &[Function] = &[
    Function { name: "format.byte", call: |args| format(args, NamedFormat::Byte), cost: nominal },
    Function { name: "format.date", call: |args| format(args, NamedFormat::Date), cost: nominal },
    Function { name: "format.datetime", call: |args| format(args, NamedFormat::DateTime), cost: nominal },
    Function {
        name: "format.dns1035Label",
        call: |args| format(args, NamedFormat::Dns1035Label),
        cost: nominal,
    },
    Function {
        name: "format.dns1035LabelPrefix",
        call: |args| format(args, NamedFormat::Dns1035LabelPrefix),
        cost: nominal,
    },
    Function {
        name: "format.dns1123Label",
        call: |args| format(args, NamedFormat::Dns1123Label),
        cost: nominal,
    },
    Function {
        name: "format.dns1123LabelPrefix",
        call: |args| format(args, NamedFormat::Dns1123LabelPrefix),
        cost: nominal,
    },
    Function {
        name: "format.dns1123Subdomain",
        call: |args| format(args, NamedFormat::Dns1123Subdomain),
        cost: nominal,
    },
    Function {
        name: "format.dns1123SubdomainPrefix",
        call: |args| format(args, NamedFormat::Dns1123SubdomainPrefix),
        cost: nominal,
    },
    Function { name: "format.labelValue", call: |args| format(args, NamedFormat::LabelValue), cost: nominal },
    Function { name: "format.named", call: named, cost: nominal },
    Function {
        name: "format.qualifiedName",
        call: |args| format(args, NamedFormat::QualifiedName),
        cost: nominal,
    },
    Function { name: "format.uri", call: |args| format(args, NamedFormat::Uri), cost: nominal },
    Function { name: "format.uuid", call: |args| format(args, NamedFormat::Uuid), cost: nominal },
    Function { name: "validate", call: validate, cost: validate_cost },
];

impl NamedFormat {
    /// Name of its type in CEL.
    pub(crate) const TYPE_NAME: &str = "kubernetes.NamedFormat";

    fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "byte" => Self::Byte,
            "date" => Self::Date,
            "datetime" => Self::DateTime,
            "dns1035Label" => Self::Dns1035Label,
            "dns1035LabelPrefix" => Self::Dns1035LabelPrefix,
            "dns1123Label" => Self::Dns1123Label,
            "dns1123LabelPrefix" => Self::Dns1123LabelPrefix,
            "dns1123Subdomain" => Self::Dns1123Subdomain,
            "dns1123SubdomainPrefix" => Self::Dns1123SubdomainPrefix,
            "labelValue" => Self::LabelValue,
            "qualifiedName" => Self::QualifiedName,
            "uri" => Self::Uri,
            "uuid" => Self::Uuid,
            _ => return None,
        })
    }

    /// Length of the regular expression behind it, or what kube-apiserver takes for it (`MaxRegexSize`).
    const fn regex_size(self) -> u64 {
        match self {
            Self::Byte => 84,
            // Length of strfmt's `DateTimePattern`.
            Self::Date | Self::DateTime => 71,
            Self::Dns1035Label | Self::Dns1035LabelPrefix => 30,
            Self::Dns1123Label | Self::Dns1123LabelPrefix => 30,
            Self::Dns1123Subdomain | Self::Dns1123SubdomainPrefix | Self::QualifiedName => 60,
            Self::LabelValue => 40,
            Self::Uri => 1103,
            // Length of strfmt's `UUIDPattern`.
            Self::Uuid => 70,
        }
    }
}

fn format(args: &[Value], format: NamedFormat) -> Evaluated {
    if args.is_empty() { Ok(Value::Format(format)) } else { Err(EvalError::NoOverload) }
}

fn named(args: &[Value]) -> Evaluated {
    match args {
        [Value::String(name)] => {
            Ok(Value::Optional(NamedFormat::from_name(name).map(|format| Rc::new(Value::Format(format)))))
        }
        _ => Err(EvalError::NoOverload),
    }
}

/// What is wrong with a text, if anything.
fn validate(args: &[Value]) -> Evaluated {
    let [Value::Format(format), Value::String(text)] = args else {
        return Err(EvalError::NoOverload);
    };
    let problems = validation::problems(*format, text);
    if problems.is_empty() {
        return Ok(Value::Optional(None));
    }
    let problems = problems.into_iter().map(|problem| Value::String(problem.into())).collect();
    Ok(Value::Optional(Some(Rc::new(Value::List(List::new(problems, ListForm::Native))))))
}

/// As of a regular expression, which kube-apiserver mostly uses.
fn validate_cost(args: &[Value], _: &Value) -> u64 {
    match args {
        [Value::Format(format), text] => {
            traversal_cost(size(text).saturating_add(1)).saturating_mul(format.regex_size().div_ceil(4))
        }
        _ => 1,
    }
}

#[cfg(test)]
mod tests;
