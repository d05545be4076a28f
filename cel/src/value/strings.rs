//! What a mapping of groups or of an extra key takes from a value.

use super::{ListForm, Value};

impl Value {
    /// The texts that a mapping takes: a string, a list of strings or null, without empty ones. `None` where kube-apiserver
    /// says that it must be a string or a list of strings: also for a list that Go holds as `[]string` (oidc.go
    /// `convertCELValueToStringList`).
    #[must_use]
    pub fn string_list(&self) -> Option<Vec<&str>> {
        match self {
            Self::Null => Some(Vec::new()),
            Self::String(text) => Some(Some(&**text).filter(|text| !text.is_empty()).into_iter().collect()),
            Self::List(list) if list.form() != ListForm::Native => {
                let mut texts = Vec::with_capacity(list.len());
                for element in list.iter() {
                    let text = element.go_text()?;
                    if !text.is_empty() {
                        texts.push(text);
                    }
                }
                Some(texts)
            }
            _ => None,
        }
    }

    /// The Go string that `Value()` gives. The name of a type is one, and a value that is present stands for itself.
    fn go_text(&self) -> Option<&str> {
        let mut value = self;
        while let Self::Optional(Some(inner)) = value {
            value = inner;
        }
        match value {
            Self::String(text) | Self::Type(text) => Some(text),
            _ => None,
        }
    }
}
