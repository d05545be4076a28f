//! What an AuthenticationConfiguration says of one issuer, without what only fetching needs.

use std::collections::BTreeSet;

use crate::algorithm::AlgorithmSet;
use crate::claim_hosts::ClaimHosts;
use crate::keys::IssuerKeys;

/// One trusted issuer with its keys: the unit that a token is judged by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    /// `issuer.url`: the exact `iss` of its tokens.
    pub url: String,
    /// `issuer.audiences`: a token must name at least one of them (MatchAny). Never empty.
    pub audiences: Vec<String>,
    /// The algorithms that the configuration allows.
    pub algorithms: AlgorithmSet,
    /// How claims become a user.
    pub claim_mappings: ClaimMappings,
    /// `claimValidationRules` of the form `claim` and `requiredValue`.
    pub required_claims: Vec<RequiredClaim>,
    /// `claimValidationRules` of the form `expression`, over `claims`.
    pub claim_validation_rules: Vec<ValidationRule>,
    /// `userValidationRules`, over `user`.
    pub user_validation_rules: Vec<ValidationRule>,
    /// Which reserved names this issuer may hand out.
    pub guard: IdentityGuard,
    /// From where claims may be fetched that its tokens say stand elsewhere.
    pub claim_hosts: ClaimHosts,
    /// The keys; `None` until the issuer has answered once.
    pub keys: Option<IssuerKeys>,
}

impl Issuer {
    /// Whether anything of it is an expression.
    pub(crate) fn has_expressions(&self) -> bool {
        let ClaimMappings { username, groups, uid, extra } = &self.claim_mappings;
        username.expression().is_some()
            || groups.as_ref().and_then(Mapping::expression).is_some()
            || uid.as_ref().and_then(Mapping::expression).is_some()
            || !extra.is_empty()
            || !self.claim_validation_rules.is_empty()
            || !self.user_validation_rules.is_empty()
    }

    /// Whether `self` judges every token as `other` does, but for how long the keys may be used.
    pub(crate) fn judges_as(&self, other: &Self) -> bool {
        let Self {
            url,
            audiences,
            algorithms,
            claim_mappings,
            required_claims,
            claim_validation_rules,
            user_validation_rules,
            guard,
            claim_hosts,
            keys,
        } = self;
        *url == other.url
            && *audiences == other.audiences
            && *algorithms == other.algorithms
            && *claim_mappings == other.claim_mappings
            && *required_claims == other.required_claims
            && *claim_validation_rules == other.claim_validation_rules
            && *user_validation_rules == other.user_validation_rules
            && *guard == other.guard
            && *claim_hosts == other.claim_hosts
            && match (keys, &other.keys) {
                (None, None) => true,
                (Some(IssuerKeys { keys, not_after: _ }), Some(others)) => *keys == others.keys,
                (None, Some(_)) | (Some(_), None) => false,
            }
    }
}

/// `claimMappings`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimMappings {
    /// Where the user name comes from.
    pub username: Mapping<PrefixedClaim>,
    /// Where the groups come from, if anywhere.
    pub groups: Option<Mapping<PrefixedClaim>>,
    /// Where the uid comes from, if it is mapped.
    pub uid: Option<Mapping<String>>,
    /// Where values of the extra come from.
    pub extra: Vec<ExtraMapping>,
}

/// A claim, or an expression over all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mapping<C> {
    /// The claim.
    Claim(C),
    /// The text of the expression (CEL), over `claims`.
    Expression(String),
}

impl From<PrefixedClaim> for Mapping<PrefixedClaim> {
    fn from(claim: PrefixedClaim) -> Self {
        Self::Claim(claim)
    }
}

impl<C> Mapping<C> {
    /// The expression, if it is one.
    pub(crate) const fn expression(&self) -> Option<&String> {
        match self {
            Self::Claim(_) => None,
            Self::Expression(expression) => Some(expression),
        }
    }
}

/// An entry of `claimMappings.extra`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtraMapping {
    /// The key, in lower case.
    pub key: String,
    /// The text of the expression over `claims` that gives the values.
    pub value_expression: String,
}

/// Something that must be true of each token, or of each user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidationRule {
    /// The text of the expression.
    pub expression: String,
    /// What an operator is told of who is refused; may be empty.
    pub message: String,
}

/// The name of a claim and what is put in front of its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrefixedClaim {
    /// Name of a top-level claim.
    pub claim: String,
    /// Prefix; may be empty.
    pub prefix: String,
}

/// A claim that must be present with exactly this string value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequiredClaim {
    /// Name of a top-level claim.
    pub claim: String,
    /// The value; the empty string is a value as well.
    pub required_value: String,
}

/// Which `system:` names an issuer may hand out. Kubernetes reserves that prefix for itself, and kube-apiserver
/// leaves it to each operator to keep OIDC users out of it; an impersonating proxy must not be the way in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IdentityGuard {
    /// User names that are let through although they begin with `system:`.
    pub allowed_usernames: BTreeSet<String>,
    /// Groups that are let through although they begin with `system:`.
    pub allowed_groups: BTreeSet<String>,
}
