//! Types: whether kube-apiserver would take an expression (cel-go `checker`, k8s.io/apiserver `authentication/cel`).

mod accumulators;
mod checker;
mod declarations;
mod email;
mod issues;
mod planning;
mod types;
mod unification;
mod unsupported;
mod validators;
mod walk;

#[cfg(test)]
mod tests;

use declarations::Declarations;
use issues::Issues;
use types::Kind;
use unsupported::Unsupported;

pub use crate::program::Environment;

/// Where an expression stands in a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// It maps claims to a value: any type will do.
    Mapping,
    /// It must be true: `bool`, and not merely something that may be one.
    Rule,
}

/// What is known of an expression that kube-apiserver would take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Whether it selects `claims.email` anywhere (a macro's expansion included).
    pub selects_email: bool,
    /// Whether it selects `claims.email_verified` anywhere.
    pub selects_email_verified: bool,
}

/// Why an expression is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// kube-apiserver refuses it with this text, as an internal error: it is well typed and can't be evaluated.
    #[error("{0}")]
    Internal(String),
    /// kube-apiserver refuses it with this text: `compilation failed: …` or `must evaluate to bool`.
    #[error("{0}")]
    Invalid(String),
    /// kube-apiserver takes it, and it can't be made equal here: `not supported: …`.
    #[error("{0}")]
    Unsupported(String),
}

/// Checks an expression.
///
/// # Errors
/// [`Refusal`], with kube-apiserver's own text where kube-apiserver refuses it.
pub fn check(source: &str, environment: Environment, purpose: Use) -> Result<Checked, Refusal> {
    let mut parsed = crate::parse::parse(source)
        .map_err(|issues| compilation_failed(&crate::parse::render(source, &issues)))?;
    let declarations = Declarations::read(environment)
        .map_err(|error| Refusal::Internal(format!("unexpected error loading CEL environment: {error}")))?;
    let root = &mut parsed.root;
    let mut issues = Issues::new(source, &parsed.offsets);
    let mut unsupported = Vec::new();

    let types = checker::check(root, &declarations, &mut issues);
    if types.is_exhausted {
        unsupported.push(Unsupported::types_too_large(root.id));
    } else if issues.is_empty() {
        validators::validate(root, &types, &mut issues, &mut unsupported);
    }
    refuse_unsupported(source, &parsed.offsets, &unsupported)?;
    if !issues.is_empty() {
        return Err(compilation_failed(&issues.render()));
    }

    // The very type, so neither a wrapper nor `dyn`.
    let result = types.of(root.id);
    if purpose == Use::Rule && (result.kind() != Kind::Bool || result.is_nullable()) {
        return Err(Refusal::Invalid("must evaluate to bool".to_owned()));
    }
    planning::plan(root, &types, &declarations)
        .map_err(|error| Refusal::Internal(format!("program instantiation failed: {error}")))?;
    unsupported::find(root, &types, &mut unsupported);
    refuse_unsupported(source, &parsed.offsets, &unsupported)?;
    Ok(Checked {
        selects_email: email::selects_claim(root, "email"),
        selects_email_verified: email::selects_claim(root, "email_verified"),
    })
}

fn compilation_failed(issues: &str) -> Refusal {
    Refusal::Invalid(format!("compilation failed: {issues}"))
}

fn refuse_unsupported(source: &str, offsets: &[u32], unsupported: &[Unsupported]) -> Result<(), Refusal> {
    if unsupported.is_empty() {
        return Ok(());
    }
    let mut issues = Issues::new(source, offsets);
    for refused in unsupported {
        issues.report(refused.id, refused.reason.to_owned());
    }
    Err(Refusal::Unsupported(format!("not supported: {}", issues.render())))
}
