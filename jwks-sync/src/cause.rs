//! What an error of a library comes from.

use std::error::Error;

/// The text of the innermost cause, which says what happened; the outer ones say what was being done.
pub(crate) fn deepest(error: &dyn Error) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("reading the kubeconfig failed")]
    struct Outer(#[source] std::fmt::Error);

    #[test]
    fn the_innermost_cause_is_told() {
        assert_eq!(deepest(&Outer(std::fmt::Error)), std::fmt::Error.to_string());
        assert_eq!(deepest(&std::fmt::Error), std::fmt::Error.to_string());
    }
}
