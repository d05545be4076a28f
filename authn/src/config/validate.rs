//! The rules of `ValidateAuthenticationConfiguration`, in kube-apiserver's order and words.

use std::collections::HashSet;

use super::expressions::{Expressions, check_expression};
use super::field::{FieldErrors, Path, json_string};
use super::{
    AnonymousAuth, AuthenticationConfiguration, ConfigError, JwtAuthenticator, ServiceAccountIssuers, pem,
    raw,
};
use crate::algorithm::AlgorithmSet;
use crate::issuer::{ClaimMappings, ExtraMapping, Mapping, PrefixedClaim, RequiredClaim, ValidationRule};
use kubernetes_cel::Url;
use kubernetes_cel::check::{Checked, Environment, Use};

/// Most issuers in one file.
const MAX_AUTHENTICATORS: usize = 64;

const BOTH_SET: &str = "claim and expression can't both be set";

/// Checks everything and reports every broken rule at once. `own` are the API server's own issuers. `initial` is what the
/// first file said of requests without a token, if there was an earlier one.
pub(super) fn validate(
    raw: raw::AuthenticationConfiguration,
    algorithms: AlgorithmSet,
    own: &ServiceAccountIssuers,
    initial: Option<Option<&AnonymousAuth>>,
) -> Result<AuthenticationConfiguration, ConfigError> {
    let mut errors = FieldErrors::default();
    // kube-apiserver knows its own issuers from a changed file on: in the first it only finds them later.
    let known = if initial.is_some() { own } else { &ServiceAccountIssuers::default() };
    check_configuration(&raw, known, &mut errors);
    let raw::AuthenticationConfiguration { jwt, anonymous } = raw;
    let anonymous = anonymous.map(|raw::AnonymousAuth { enabled, conditions }| AnonymousAuth {
        enabled,
        conditions: conditions.map(|conditions| {
            conditions.into_iter().map(|raw::AnonymousAuthCondition { path }| path).collect()
        }),
    });
    if initial.is_some_and(|initial| initial != anonymous.as_ref()) {
        errors.forbidden(&Path::new("anonymous"), "changed from initial configuration file");
    }
    if let Some(errors) = errors.into_list() {
        return Err(ConfigError::Fields { errors });
    }
    jwt.iter().try_for_each(|jwt| check_authenticator(&jwt.issuer, own))?;
    Ok(AuthenticationConfiguration {
        jwt: jwt.into_iter().map(|jwt| convert(jwt, algorithms)).collect(),
        anonymous,
    })
}

/// What is no rule of the file: kube-apiserver finds it when it builds the authenticators, one after the other.
fn check_authenticator(issuer: &raw::Issuer, own: &ServiceAccountIssuers) -> Result<(), ConfigError> {
    let mut errors = FieldErrors::default();
    own.check(&issuer.url, &Path::new("issuer").child("url"), &mut errors);
    if let Some(errors) = errors.into_list() {
        return Err(ConfigError::OwnIssuer { errors });
    }
    // It has no egress configuration here; nor have we.
    if !issuer.egress_selector_type.is_empty() {
        return Err(ConfigError::Egress { selector: issuer.egress_selector_type.clone() });
    }
    Ok(())
}

/// Only called with what passed every check: each claim has its prefix, and no expression stands beside a claim.
fn convert(raw: raw::JwtAuthenticator, algorithms: AlgorithmSet) -> JwtAuthenticator {
    let raw::JwtAuthenticator { issuer, claim_validation_rules, claim_mappings, user_validation_rules } = raw;
    let raw::Issuer {
        url,
        discovery_url,
        certificate_authority,
        audiences,
        audience_match_policy: _,
        egress_selector_type: _,
    } = issuer;
    let raw::ClaimMappings { username, groups, uid, extra } = claim_mappings;
    let raw::ClaimOrExpression { claim: uid, expression: uid_expression } = uid;
    let prefixed = |raw::PrefixedClaimOrExpression { claim, prefix, expression }| {
        if expression.is_empty() {
            Mapping::Claim(PrefixedClaim { claim, prefix: prefix.unwrap_or_default() })
        } else {
            Mapping::Expression(expression)
        }
    };
    let maps_nothing = groups.claim.is_empty() && groups.expression.is_empty();
    let (expressions, claims): (Vec<_>, Vec<_>) =
        claim_validation_rules.into_iter().partition(|rule| rule.claim.is_empty());
    let not_empty = |text: String| Some(text).filter(|text| !text.is_empty());
    JwtAuthenticator {
        url,
        discovery_url: not_empty(discovery_url),
        certificate_authority: not_empty(certificate_authority),
        audiences,
        algorithms,
        claim_mappings: ClaimMappings {
            username: prefixed(username),
            // A prefix without a claim maps nothing.
            groups: (!maps_nothing).then(|| prefixed(groups)),
            uid: not_empty(uid).map(Mapping::Claim).or(not_empty(uid_expression).map(Mapping::Expression)),
            extra: extra
                .into_iter()
                .map(|raw::ExtraMapping { key, value_expression }| ExtraMapping { key, value_expression })
                .collect(),
        },
        required_claims: claims
            .into_iter()
            .map(|rule| RequiredClaim { claim: rule.claim, required_value: rule.required_value })
            .collect(),
        claim_validation_rules: expressions
            .into_iter()
            .map(|rule| ValidationRule { expression: rule.expression, message: rule.message })
            .collect(),
        user_validation_rules: user_validation_rules
            .into_iter()
            .map(|raw::UserValidationRule { expression, message }| ValidationRule { expression, message })
            .collect(),
    }
}

fn check_configuration(
    raw: &raw::AuthenticationConfiguration,
    own: &ServiceAccountIssuers,
    errors: &mut FieldErrors,
) {
    let root = Path::new("jwt");
    if raw.jwt.len() > MAX_AUTHENTICATORS {
        errors.too_many(&root, raw.jwt.len(), MAX_AUTHENTICATORS);
        return;
    }
    let mut urls = HashSet::new();
    let mut discovery_urls = HashSet::new();
    for (position, jwt) in raw.jwt.iter().enumerate() {
        let path = root.index(position);
        let mut expressions = Expressions::default();
        check_issuer(&jwt.issuer, own, &path.child("issuer"), errors);
        check_claim_validation_rules(
            &jwt.claim_validation_rules,
            &path.child("claimValidationRules"),
            &mut expressions,
            errors,
        );
        check_claim_mappings(&jwt.claim_mappings, &path.child("claimMappings"), &mut expressions, errors);
        check_user_validation_rules(&jwt.user_validation_rules, &path.child("userValidationRules"), errors);
        let raw::Issuer { url, discovery_url, .. } = &jwt.issuer;
        if !urls.insert(url) {
            errors.duplicate(&path.child("issuer").child("url"), url);
        }
        if !discovery_url.is_empty() && !discovery_urls.insert(discovery_url) {
            errors.duplicate(&path.child("issuer").child("discoveryURL"), discovery_url);
        }
    }
    if let Some(raw::AnonymousAuth { enabled: false, conditions: Some(conditions) }) = &raw.anonymous
        && !conditions.is_empty()
    {
        let paths =
            conditions.iter().map(|condition| format!("{{\"Path\":{}}}", json_string(&condition.path)));
        let json = format!("[{}]", paths.collect::<Vec<_>>().join(","));
        let path = Path::new("anonymous").child("conditions");
        errors.invalid_json(&path, json, "enabled should be set to true when conditions are defined");
    }
}

fn check_issuer(issuer: &raw::Issuer, own: &ServiceAccountIssuers, path: &Path, errors: &mut FieldErrors) {
    let url_path = path.child("url");
    if issuer.url.is_empty() {
        errors.required(&url_path, "");
    } else {
        own.check(&issuer.url, &url_path, errors);
        check_url(&issuer.url, &url_path, errors);
    }

    if !issuer.discovery_url.is_empty() {
        let path = path.child("discoveryURL");
        let trimmed = issuer.url.trim_end_matches('/');
        if !issuer.url.is_empty() && trimmed == issuer.discovery_url.trim_end_matches('/') {
            errors.invalid(&path, &issuer.discovery_url, "discoveryURL must be different from URL");
        }
        check_url(&issuer.discovery_url, &path, errors);
    }

    check_audiences(issuer, path, errors);

    if !issuer.certificate_authority.is_empty()
        && let Err(problem) = pem::check_certificates(&issuer.certificate_authority)
    {
        errors.invalid(&path.child("certificateAuthority"), "<omitted>", problem);
    }

    if !matches!(issuer.egress_selector_type.as_str(), "" | "controlplane" | "cluster") {
        let value = json_string(&issuer.egress_selector_type);
        let detail = "egress selector must be either controlplane or cluster";
        errors.invalid_json(&path.child("egressSelectorType"), value, detail);
    }
}

fn check_url(text: &str, path: &Path, errors: &mut FieldErrors) {
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(problem) => return errors.invalid(path, text, problem),
    };
    if url.scheme() != "https" {
        errors.invalid(path, text, "URL scheme must be https");
    }
    if url.has_userinfo() {
        errors.invalid(path, text, "URL must not contain a username or password");
    }
    if url.has_query() {
        errors.invalid(path, text, "URL must not contain a query");
    }
    if url.has_fragment() {
        errors.invalid(path, text, "URL must not contain a fragment");
    }
}

fn check_audiences(issuer: &raw::Issuer, path: &Path, errors: &mut FieldErrors) {
    let (audiences, policy) = (&issuer.audiences, issuer.audience_match_policy.as_str());
    let audiences_path = path.child("audiences");
    if audiences.is_empty() {
        return errors.required(&audiences_path, format!("at least one {audiences_path} is required"));
    }
    let mut seen = HashSet::new();
    for (position, audience) in audiences.iter().enumerate() {
        let path = audiences_path.index(position);
        if audience.is_empty() {
            errors.required(&path, "");
        }
        if !seen.insert(audience) {
            errors.duplicate(&path, audience);
        }
    }
    let detail = match (audiences.len(), policy) {
        (_, "MatchAny") | (1, "") => return,
        (1, _) => "audienceMatchPolicy must be empty or MatchAny for single audience",
        _ => "audienceMatchPolicy must be MatchAny for multiple audiences",
    };
    errors.invalid_json(&path.child("audienceMatchPolicy"), json_string(policy), detail);
}

fn check_claim_validation_rules(
    rules: &[raw::ClaimValidationRule],
    path: &Path,
    expressions: &mut Expressions,
    errors: &mut FieldErrors,
) {
    let mut claims = HashSet::new();
    let mut seen = HashSet::new();
    for (position, rule) in rules.iter().enumerate() {
        let path = path.index(position);
        let raw::ClaimValidationRule { claim, required_value, expression, message } = rule;
        match (claim.is_empty(), expression.is_empty()) {
            (false, false) => errors.invalid(&path, claim, BOTH_SET),
            (true, true) => errors.required(&path, "claim or expression is required"),
            (false, true) => {
                if !message.is_empty() {
                    let detail = "may not be specified when claim is set";
                    errors.invalid(&path.child("message"), message, detail);
                }
                if !claims.insert(claim) {
                    errors.duplicate(&path.child("claim"), claim);
                }
            }
            (true, false) => {
                if !required_value.is_empty() {
                    let detail = "may not be specified when expression is set";
                    errors.invalid(&path.child("requiredValue"), required_value, detail);
                }
                let path = path.child("expression");
                if seen.insert(expression) {
                    let checked = check_expression(expression, Environment::Claims, Use::Rule, &path, errors);
                    expressions.add_other(checked);
                } else {
                    errors.duplicate(&path, expression);
                }
            }
        }
    }
}

fn check_claim_mappings(
    mappings: &raw::ClaimMappings,
    path: &Path,
    expressions: &mut Expressions,
    errors: &mut FieldErrors,
) {
    let username_path = path.child("username");
    if mappings.username.claim.is_empty() && mappings.username.expression.is_empty() {
        errors.required(&username_path, "claim or expression is required");
    }
    expressions.add_username(check_prefixed(&mappings.username, &username_path, errors));
    check_prefixed(&mappings.groups, &path.child("groups"), errors);

    let (uid, uid_path) = (&mappings.uid, path.child("uid"));
    if !uid.expression.is_empty() {
        if uid.claim.is_empty() {
            let path = uid_path.child("expression");
            check_expression(&uid.expression, Environment::Claims, Use::Mapping, &path, errors);
        } else {
            errors.invalid(&uid_path, "", BOTH_SET);
        }
    }

    let mut keys = HashSet::new();
    for (position, extra) in mappings.extra.iter().enumerate() {
        let path = path.child("extra").index(position);
        check_extra_key(&extra.key, &path.child("key"), errors);
        if !keys.insert(&extra.key) {
            errors.duplicate(&path.child("key"), &extra.key);
        } else if extra.value_expression.is_empty() {
            errors.required(&path.child("valueExpression"), "");
        } else {
            let (expression, path) = (&extra.value_expression, path.child("valueExpression"));
            let checked = check_expression(expression, Environment::Claims, Use::Mapping, &path, errors);
            expressions.add_other(checked);
        }
    }
    expressions.check_email(&mappings.username.expression, &username_path.child("expression"), errors);
}

/// What is known of the expression, if there is one and nothing is wrong with the mapping.
fn check_prefixed(
    mapping: &raw::PrefixedClaimOrExpression,
    path: &Path,
    errors: &mut FieldErrors,
) -> Option<Checked> {
    let before = errors.count();
    let mut checked = None;
    let raw::PrefixedClaimOrExpression { claim, prefix, expression } = mapping;
    match (claim.is_empty(), expression.is_empty()) {
        (false, false) => errors.invalid(path, "", BOTH_SET),
        (true, false) => {
            if let Some(prefix) = prefix {
                errors.invalid(&path.child("prefix"), prefix, "may not be specified when expression is set");
            }
            let path = path.child("expression");
            checked = check_expression(expression, Environment::Claims, Use::Mapping, &path, errors);
        }
        (false, true) if prefix.is_none() => {
            let detail =
                "prefix is required when claim is set. It can be set to an empty string to disable prefixing";
            errors.required(&path.child("prefix"), detail);
        }
        _ => {}
    }
    checked.filter(|_| errors.count() == before)
}

fn check_user_validation_rules(rules: &[raw::UserValidationRule], path: &Path, errors: &mut FieldErrors) {
    let mut seen = HashSet::new();
    for (position, rule) in rules.iter().enumerate() {
        let path = path.index(position).child("expression");
        if rule.expression.is_empty() {
            errors.required(&path, "");
        } else if seen.insert(&rule.expression) {
            check_expression(&rule.expression, Environment::User, Use::Rule, &path, errors);
        } else {
            errors.duplicate(&path, &rule.expression);
        }
    }
}

fn check_extra_key(key: &str, path: &Path, errors: &mut FieldErrors) {
    check_domain_prefixed_path(key, path, errors);
    if key != key.to_lowercase() {
        errors.invalid(path, key, "must be lowercase");
    }
    let domain = key.split_once('/').map_or("", |(domain, _)| domain);
    let is_reserved = |reserved: &str| {
        domain.strip_suffix(reserved).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    if is_reserved("kubernetes.io") || is_reserved("k8s.io") {
        let detail = "k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use";
        errors.invalid(path, key, detail);
    }
}

/// `IsDomainPrefixedPath`: a DNS subdomain (RFC 1123), a slash, and characters of an HTTP path (RFC 3986).
fn check_domain_prefixed_path(key: &str, path: &Path, errors: &mut FieldErrors) {
    if key.is_empty() {
        return errors.required(path, "");
    }
    let halves = key.split_once('/').filter(|(host, rest)| !host.is_empty() && !rest.is_empty());
    let Some((host, rest)) = halves else {
        return errors.invalid(path, key, "must be a domain-prefixed path (such as \"acme.io/foo\")");
    };
    if host.len() > 253 {
        errors.invalid(path, host, "must be no more than 253 characters");
    }
    if !host.split('.').all(is_dns_label) {
        let detail = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', \
            and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
            '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
        errors.invalid(path, host, detail);
    }
    let may_stand_in_path = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~%!$&'()*+,;=:".contains(&byte);
    if !rest.bytes().all(may_stand_in_path) {
        let detail = "Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')";
        errors.invalid(path, rest, detail);
    }
}

/// Without the limit of 63 characters, which `IsDNS1123Subdomain` does not put on the single labels.
fn is_dns_label(label: &str) -> bool {
    let is_alphanumeric = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    label.as_bytes().first().is_some_and(is_alphanumeric)
        && label.as_bytes().last().is_some_and(is_alphanumeric)
        && label.as_bytes().iter().all(|byte| is_alphanumeric(byte) || *byte == b'-')
}
