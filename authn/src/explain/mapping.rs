//! From verified claims to the user, step by step (k8s.io/apiserver `AuthenticateToken` of
//! plugin/pkg/authenticator/token/oidc).

use super::go;
use super::rules;
use super::steps::{Steps, Stop};
use crate::claims::ClaimsError;
use crate::config::quote;
use crate::decision::Answers;
use crate::distributed::{self, ExpandedClaims, Unexpanded};
use crate::issuer::{ExtraMapping, Issuer, Mapping, PrefixedClaim, RequiredClaim};
use crate::json::{Object, Value};
use crate::programs::{Claims, Programs, Purpose};
use crate::rejection::{Rejection, Unavailable};
use crate::user::{self, UserInfo};
use crate::verifier::VerifiedClaims;

const DISTRIBUTED: &str = "distributed claims";

/// Names of the steps, in their order.
pub(super) fn plan(issuer: &Issuer) -> impl Iterator<Item = String> {
    let mapped = [DISTRIBUTED, "username", "groups", "uid", "extra"].map(str::to_owned);
    let required = issuer.required_claims.iter().map(required_name);
    mapped.into_iter().chain(required).chain(rules::plan(issuer))
}

fn required_name(RequiredClaim { claim, required_value }: &RequiredClaim) -> String {
    format!("required claim {claim} = {}", quote(required_value))
}

/// As [`distributed::expand`] decides.
pub(super) fn expand<'t>(
    steps: &mut Steps,
    verified: VerifiedClaims<'t>,
    issuer: &'t Issuer,
    answers: &'t Answers,
) -> Result<ExpandedClaims<'t>, Stop> {
    // It takes the claims, and what is wrong with the sources stands in them.
    let problem = sources_problem(verified.claims());
    let rejection = match distributed::expand(verified, issuer, answers) {
        Ok(expanded) => {
            steps
                .passed(DISTRIBUTED, if expanded.fetched.is_some() { "the groups were fetched" } else { "" });
            return Ok(expanded);
        }
        Err(Unexpanded::Reject(rejection)) => rejection,
        // Whoever explains has an answer to each question.
        Err(Unexpanded::Ask(_)) => Unavailable::DistributedGroups.into(),
    };
    steps.failed(DISTRIBUTED, rejection.to_string());
    let says = |problem: &str| format!("oidc: could not expand distributed claims: {problem}");
    Err(match rejection {
        Rejection::Claims(ClaimsError::CaseVariant) => Stop::stricter(rejection, &["case-variant-claims"]),
        Rejection::Claims(ClaimsError::DistributedGroups) => {
            Stop::stricter(rejection, &["distributed-groups"])
        }
        Rejection::Claims(ClaimsError::DistributedRefused) => Stop::says(rejection, says("...")),
        Rejection::Claims(ClaimsError::Type) => Stop::says(rejection, says(&problem)),
        Rejection::Claims(_) => Stop::says(rejection, says("oidc: no claim sources")),
        _ => Stop::unknown(rejection),
    })
}

/// What the resolver, which reads the sources once more with a member of its own, says of a wrong type there.
fn sources_problem(claims: Object<'_>) -> String {
    let sources = claims.get("_claim_sources").and_then(Value::as_object);
    let mut aggregated = sources.into_iter().flat_map(Object::values).filter_map(|source| source.get("JWT"));
    let wrong = aggregated.find(|value| !matches!(value, Value::Null | Value::String(_)));
    let kind = wrong.map(go::kind).unwrap_or_default();
    format!(
        "oidc: could not parse claim sources: json: cannot unmarshal {kind} into Go struct field endpoint.JWT of type \
         string"
    )
}

/// As [`UserInfo::map`], by the same functions in the same order.
pub(super) fn map(
    steps: &mut Steps,
    expanded: &ExpandedClaims<'_>,
    issuer: &Issuer,
    programs: &Programs,
) -> Result<UserInfo, Stop> {
    let (claims, mappings) = (expanded.claims(), &issuer.claim_mappings);
    let variable = &Claims::new(claims);
    let mapper = Mapper { claims, variable, issuer, programs };
    let username = step(
        steps,
        "username",
        user::map_username(variable, mappings, programs),
        |name| format!("{} by {}", quote(name), by(&mappings.username, prefixed)),
        |error| mapper.username(error),
    )?;
    let groups = step(
        steps,
        "groups",
        user::map_groups(variable, mappings, programs),
        |groups| mapped(&list(groups), mappings.groups.as_ref(), prefixed),
        |error| mapper.groups(error),
    )?;
    let uid = step(
        steps,
        "uid",
        user::map_uid(variable, mappings, programs),
        |uid| mapped(&quote(uid), mappings.uid.as_ref(), |claim| format!("claim {claim}")),
        |error| mapper.uid(error),
    )?;
    let extra = step(
        steps,
        "extra",
        user::map_extra(variable, programs),
        |extra| {
            let entries: Vec<String> =
                extra.iter().map(|(key, values)| format!("{key}={}", list(values))).collect();
            if entries.is_empty() { "none".to_owned() } else { entries.join(" ") }
        },
        |error| mapper.extra(error),
    )?;
    for required in &issuer.required_claims {
        let result = user::check_required(claims, required);
        step(steps, &required_name(required), result, |()| String::new(), |_| mapper.required(required))?;
    }
    rules::check_claims(steps, variable, issuer, programs)?;
    let user = UserInfo::new(username, uid, groups, extra);
    rules::check_user(steps, &user, issuer, programs)?;
    Ok(user)
}

fn step<T>(
    steps: &mut Steps,
    name: &str,
    result: Result<T, ClaimsError>,
    detail: impl FnOnce(&T) -> String,
    words: impl FnOnce(ClaimsError) -> String,
) -> Result<T, Stop> {
    match result {
        Ok(value) => {
            steps.passed(name, detail(&value));
            Ok(value)
        }
        Err(error) => {
            let rejection = Rejection::Claims(error);
            steps.failed(name, rejection.to_string());
            let words = words(error);
            let ours = rules::of_ours(&words);
            Err(Stop::says(rejection, words).unless(ours))
        }
    }
}

fn by<C>(mapping: &Mapping<C>, claim: impl Fn(&C) -> String) -> String {
    match mapping {
        Mapping::Claim(mapping) => claim(mapping),
        Mapping::Expression(expression) => format!("expression {expression}"),
    }
}

fn mapped<C>(value: &str, mapping: Option<&Mapping<C>>, claim: impl Fn(&C) -> String) -> String {
    mapping.map_or_else(|| "not mapped".to_owned(), |mapping| format!("{value} by {}", by(mapping, claim)))
}

fn prefixed(PrefixedClaim { claim, prefix }: &PrefixedClaim) -> String {
    if prefix.is_empty() {
        format!("claim {claim}")
    } else {
        format!("claim {claim}, prefix {}", quote(prefix))
    }
}

fn list(texts: &[String]) -> String {
    let quoted: Vec<String> = texts.iter().map(|text| quote(text)).collect();
    ["[", &quoted.join(" "), "]"].concat()
}

struct Mapper<'m> {
    claims: Object<'m>,
    variable: &'m Claims<'m>,
    issuer: &'m Issuer,
    programs: &'m Programs,
}

impl Mapper<'_> {
    fn username(&self, error: ClaimsError) -> String {
        const EVALUATING: &str = "oidc: error evaluating username claim expression: ";
        match (error, &self.issuer.claim_mappings.username) {
            (ClaimsError::EmailNotVerified, _) => match self.claims.get("email_verified") {
                None | Some(Value::Bool(_) | Value::Null) => "oidc: email not verified".to_owned(),
                Some(value) => format!("oidc: parse 'email_verified' claim: {}", go::not_a(value, "bool")),
            },
            (ClaimsError::UsernameExpressionEmpty, _) => {
                "oidc: empty username via CEL expression is not allowed".to_owned()
            }
            (ClaimsError::UsernameExpression, _) => {
                [EVALUATING, "username claim expression must return a string"].concat()
            }
            (_, Mapping::Claim(PrefixedClaim { claim, .. })) => {
                format!("oidc: parse username claims {}: {}", quote(claim), self.not_a_string(claim))
            }
            (_, Mapping::Expression(expression)) => {
                [EVALUATING, &self.no_value(Purpose::Username, expression)].concat()
            }
        }
    }

    fn groups(&self, error: ClaimsError) -> String {
        const EVALUATING: &str = "oidc: error evaluating group claim expression: ";
        match (error, &self.issuer.claim_mappings.groups) {
            (ClaimsError::Expression, Some(Mapping::Expression(expression))) => {
                [EVALUATING, &self.no_value(Purpose::Groups, expression)].concat()
            }
            (_, Some(Mapping::Claim(PrefixedClaim { claim, .. }))) => {
                format!("oidc: parse groups claim {}: {}", quote(claim), self.not_a_string(claim))
            }
            _ => [EVALUATING, NO_LIST].concat(),
        }
    }

    fn uid(&self, error: ClaimsError) -> String {
        const EVALUATING: &str = "oidc: error evaluating uid claim expression: ";
        match (error, &self.issuer.claim_mappings.uid) {
            (ClaimsError::Expression, Some(Mapping::Expression(expression))) => {
                [EVALUATING, &self.no_value(Purpose::Uid, expression)].concat()
            }
            (_, Some(Mapping::Claim(claim))) => {
                format!("oidc: parse uid claim {}: {}", quote(claim), self.not_a_string(claim))
            }
            _ => [EVALUATING, "uid claim expression must return a string"].concat(),
        }
    }

    fn extra(&self, error: ClaimsError) -> String {
        let expression = |place: usize| {
            let mapping = self.issuer.claim_mappings.extra.get(place);
            mapping.map(|ExtraMapping { value_expression, .. }| value_expression.as_str()).unwrap_or_default()
        };
        match error {
            ClaimsError::ExtraExpression => {
                let place = self.programs.extra_of_another_type(self.variable).unwrap_or_default();
                format!("oidc: error evaluating extra claim expression: {}: {NO_LIST}", expression(place))
            }
            // It alone comes without a prefix.
            _ => match self.programs.extra_failure(self.variable) {
                Some((place, error)) => rules::no_value(expression(place), &error),
                None => String::new(),
            },
        }
    }

    fn required(&self, RequiredClaim { claim, required_value }: &RequiredClaim) -> String {
        match self.claims.get(claim) {
            None => format!("oidc: required claim {claim} not present in ID token"),
            Some(value @ (Value::String(_) | Value::Null)) => {
                let got = value.as_str().unwrap_or_default();
                format!(
                    "oidc: required claim {claim} value does not match. Got = {got}, want = {required_value}"
                )
            }
            Some(value) => format!("oidc: parse claim {claim}: {}", go::not_a(value, "string")),
        }
    }

    fn not_a_string(&self, claim: &str) -> String {
        let value = self.claims.get(claim);
        value.map_or_else(|| "claim not present".to_owned(), |value| go::not_a(value, "string"))
    }

    fn no_value(&self, purpose: Purpose, expression: &str) -> String {
        let error = self.programs.failure(purpose, self.variable);
        error.map(|error| rules::no_value(expression, &error)).unwrap_or_default()
    }
}

const NO_LIST: &str = "expression must return a string or a list of strings";
