//! Expressions (CEL) in a configuration: whether kube-apiserver would take them.

use kubernetes_cel::check::{Checked, Environment, Refusal, Use, check};
use kubernetes_cel::program::Program;

use super::field::{FieldErrors, Path};

const EMAIL_NOT_VERIFIED: &str = "claims.email_verified must be used in claimMappings.username.expression or \
    claimMappings.extra[*].valueExpression or claimValidationRules[*].expression when claims.email is used in \
    claimMappings.username.expression";

/// What the expressions of one authenticator mention (k8s.io/apiserver `validationState`).
#[derive(Debug, Default)]
pub(super) struct Expressions {
    uses_email: bool,
    uses_email_verified: bool,
}

impl Expressions {
    /// Notes what the user name is made of.
    pub(super) fn add_username(&mut self, checked: Option<Checked>) {
        self.uses_email |= checked.as_ref().is_some_and(|checked| checked.selects_email);
        self.add_other(checked);
    }

    /// Notes a claim validation rule, or the value of an extra key.
    pub(super) fn add_other(&mut self, checked: Option<Checked>) {
        self.uses_email_verified |= checked.is_some_and(|checked| checked.selects_email_verified);
    }

    /// A user name out of `claims.email` needs a look at `claims.email_verified` somewhere.
    pub(super) fn check_email(&self, username: &str, path: &Path, errors: &mut FieldErrors) {
        if self.uses_email && !self.uses_email_verified {
            errors.invalid(path, username, EMAIL_NOT_VERIFIED);
        }
    }
}

/// Checks one expression.
pub(super) fn check_expression(
    expression: &str,
    environment: Environment,
    purpose: Use,
    path: &Path,
    errors: &mut FieldErrors,
) -> Option<Checked> {
    match check(expression, environment, purpose) {
        Ok(checked) => {
            if let Err(detail) = Program::new(expression, environment) {
                errors.unsupported(path, format!("not supported: {detail}"));
            }
            Some(checked)
        }
        Err(Refusal::Invalid(detail)) => {
            errors.invalid(path, expression, detail);
            None
        }
        Err(Refusal::Internal(detail)) => {
            errors.internal(path, detail);
            None
        }
        Err(Refusal::Unsupported(detail)) => {
            errors.unsupported(path, detail);
            None
        }
    }
}
