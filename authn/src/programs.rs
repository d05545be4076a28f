//! The expressions (CEL) of an issuer, planned once for a snapshot, and what they are over.

#[cfg(feature = "supply")]
mod failures;
mod variables;

use kubernetes_cel::program::{Environment, Program};
use kubernetes_cel::value::{LazyMap, Value as Cel};

use crate::claims::ClaimsError;
use crate::issuer::{Issuer, Mapping, ValidationRule};
use crate::user::UserInfo;
use variables::User;

#[cfg(feature = "supply")]
pub(crate) use failures::{Purpose, Ruling};
pub(crate) use variables::Claims;

/// The programs of one issuer. What is mapped by a claim has none.
#[derive(Debug, Default)]
pub(crate) struct Programs {
    username: Option<Program>,
    groups: Option<Program>,
    uid: Option<Program>,
    /// With the key of each.
    extra: Vec<(String, Program)>,
    claim_rules: Vec<Program>,
    user_rules: Vec<Program>,
}

/// An expression that the sidecar let through can't be planned here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotPlanned;

impl Programs {
    /// Plans every expression of an issuer.
    pub(crate) fn plan(issuer: &Issuer) -> Result<Self, NotPlanned> {
        let program =
            |expression: &String, environment| Program::new(expression, environment).map_err(|_| NotPlanned);
        let claims = |expression: &String| program(expression, Environment::Claims);
        let mappings = &issuer.claim_mappings;
        let rules = |rules: &[ValidationRule], environment| {
            rules.iter().map(|rule| program(&rule.expression, environment)).collect::<Result<Vec<_>, _>>()
        };
        Ok(Self {
            username: mappings.username.expression().map(claims).transpose()?,
            groups: mappings.groups.as_ref().and_then(Mapping::expression).map(claims).transpose()?,
            uid: mappings.uid.as_ref().and_then(Mapping::expression).map(claims).transpose()?,
            extra: mappings
                .extra
                .iter()
                .map(|extra| Ok((extra.key.clone(), claims(&extra.value_expression)?)))
                .collect::<Result<_, _>>()?,
            claim_rules: rules(&issuer.claim_validation_rules, Environment::Claims)?,
            user_rules: rules(&issuer.user_validation_rules, Environment::User)?,
        })
    }

    /// The user name that the expression gives: a text that is not empty.
    pub(crate) fn username(&self, claims: &Claims<'_>) -> Result<String, ClaimsError> {
        match evaluate(self.username.as_ref(), claims)?.as_str() {
            Some("") => Err(ClaimsError::UsernameExpressionEmpty),
            Some(username) => Ok(username.to_owned()),
            None => Err(ClaimsError::UsernameExpression),
        }
    }

    /// The groups.
    pub(crate) fn groups(&self, claims: &Claims<'_>) -> Result<Vec<String>, ClaimsError> {
        strings(&evaluate(self.groups.as_ref(), claims)?).ok_or(ClaimsError::GroupsExpression)
    }

    /// The uid: a text that may be empty.
    pub(crate) fn uid(&self, claims: &Claims<'_>) -> Result<String, ClaimsError> {
        let uid = evaluate(self.uid.as_ref(), claims)?;
        uid.as_str().map(str::to_owned).ok_or(ClaimsError::UidExpression)
    }

    /// Adds each key of the extra that has values.
    pub(crate) fn add_extra(
        &self,
        claims: &Claims<'_>,
        extra: &mut Vec<(String, Vec<String>)>,
    ) -> Result<(), ClaimsError> {
        // All of them before the first is looked at (k8s.io/apiserver `EvalClaimMappings`).
        let values = self.extra.iter().map(|(key, program)| Ok((key, evaluate(Some(program), claims)?)));
        for (key, value) in values.collect::<Result<Vec<_>, ClaimsError>>()? {
            let values = strings(&value).ok_or(ClaimsError::ExtraExpression)?;
            if !values.is_empty() {
                extra.push((key.clone(), values));
            }
        }
        Ok(())
    }

    /// Checks the rules about the claims.
    pub(crate) fn check_claims(&self, claims: &Claims<'_>) -> Result<(), ClaimsError> {
        check(&self.claim_rules, claims, ClaimsError::ClaimValidationRule)
    }

    /// Checks the rules about the user.
    pub(crate) fn check_user(&self, user: &UserInfo) -> Result<(), ClaimsError> {
        check(&self.user_rules, &User::new(user), ClaimsError::UserValidationRule)
    }
}

fn evaluate(program: Option<&Program>, claims: &Claims<'_>) -> Result<Cel, ClaimsError> {
    let program = program.ok_or(ClaimsError::Expression)?;
    program.evaluate(claims).map_err(|_| ClaimsError::Expression)
}

fn strings(value: &Cel) -> Option<Vec<String>> {
    Some(value.string_list()?.into_iter().map(str::to_owned).collect())
}

/// All rules are evaluated before one that is not true counts, so an error of a later one is what is told.
fn check(rules: &[Program], variable: &dyn LazyMap, broken: ClaimsError) -> Result<(), ClaimsError> {
    let mut all_hold = true;
    for rule in rules {
        let value = rule.evaluate(variable).map_err(|_| ClaimsError::Expression)?;
        all_hold &= value.as_bool() == Some(true);
    }
    if all_hold { Ok(()) } else { Err(broken) }
}
