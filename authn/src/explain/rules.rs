//! `claimValidationRules` and `userValidationRules`, one by one.

use kubernetes_cel::value::EvalError;

use super::steps::{Steps, Stop};
use crate::claims::ClaimsError;
use crate::issuer::{Issuer, ValidationRule};
use crate::programs::{Claims, Programs, Ruling};
use crate::rejection::Rejection;
use crate::user::UserInfo;

/// Names of the steps, in their order.
pub(super) fn plan(issuer: &Issuer) -> impl Iterator<Item = String> {
    let claims = issuer.claim_validation_rules.iter().map(|rule| name(CLAIMS, rule));
    claims.chain(issuer.user_validation_rules.iter().map(|rule| name(USER, rule)))
}

const CLAIMS: &str = "claimValidationRules";
const USER: &str = "userValidationRules";

fn name(list: &str, ValidationRule { expression, .. }: &ValidationRule) -> String {
    format!("{list} {expression}")
}

/// As [`Programs::check_claims`] decides.
pub(super) fn check_claims(
    steps: &mut Steps,
    claims: &Claims<'_>,
    issuer: &Issuer,
    programs: &Programs,
) -> Result<(), Stop> {
    let decision = programs.check_claims(claims);
    let rules = Rules {
        list: CLAIMS,
        prefix: "oidc: error evaluating claim validation expression: ",
        rules: &issuer.claim_validation_rules,
    };
    rules.tell(steps, programs.claim_rulings(claims), decision)
}

/// As [`Programs::check_user`] decides.
pub(super) fn check_user(
    steps: &mut Steps,
    user: &UserInfo,
    issuer: &Issuer,
    programs: &Programs,
) -> Result<(), Stop> {
    let decision = programs.check_user(user);
    let rules = Rules {
        list: USER,
        prefix: "oidc: error evaluating user info validation rule: ",
        rules: &issuer.user_validation_rules,
    };
    rules.tell(steps, programs.user_rulings(user), decision)
}

/// Why an expression has no value.
pub(super) fn no_value(expression: &str, error: &EvalError) -> String {
    format!("expression '{expression}' resulted in error: {error}")
}

/// The rules of ours that may be why an expression has no value, by how the error ends.
pub(super) fn of_ours(words: &str) -> &'static [&'static str] {
    if words.ends_with(": timezones by name are not supported") {
        &["expression-zone"]
    } else if words.ends_with(": operation cancelled: actual cost limit exceeded") {
        &["expression-cost"]
    } else if words.contains(": unsupported key type: ") {
        &["expression-map-keys"]
    } else {
        &[]
    }
}

struct Rules<'r> {
    list: &'static str,
    prefix: &'static str,
    rules: &'r [ValidationRule],
}

impl Rules<'_> {
    /// All rules are evaluated before one that is not true counts, up to one that has no value.
    fn tell(
        &self,
        steps: &mut Steps,
        rulings: Vec<Ruling>,
        decision: Result<(), ClaimsError>,
    ) -> Result<(), Stop> {
        let mut words = None;
        for (rule, ruling) in self.rules.iter().zip(rulings) {
            let name = name(self.list, rule);
            match ruling {
                Ruling::Holds => steps.passed(&name, ""),
                Ruling::Broken => {
                    let ValidationRule { expression, message } = rule;
                    let failed = || format!("validation expression '{expression}' failed: {message}");
                    steps.failed(&name, if message.is_empty() { "is not true" } else { message });
                    words = words.or_else(|| Some(failed()));
                }
                Ruling::NotBool => {
                    steps.failed(&name, "is neither true nor false");
                    words = words.or_else(|| Some("validation expression must return a boolean".to_owned()));
                }
                Ruling::Failed(error) => {
                    steps.failed(&name, error.to_string());
                    words = Some(no_value(&rule.expression, &error));
                    break;
                }
            }
        }
        let Err(error) = decision else { return Ok(()) };
        let words = words.unwrap_or_default();
        let ours = of_ours(&words);
        Err(Stop::says(Rejection::Claims(error), [self.prefix, &words].concat()).unless(ours))
    }
}
