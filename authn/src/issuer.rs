//! What an AuthenticationConfiguration says of one issuer, without what only fetching needs.

use std::collections::BTreeSet;

use crate::algorithm::AlgorithmSet;
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
    /// Which reserved names this issuer may hand out.
    pub guard: IdentityGuard,
    /// The keys; `None` until the issuer has answered once.
    pub keys: Option<IssuerKeys>,
}

impl Issuer {
    /// Whether `self` judges every token as `other` does, but for how long the keys may be used.
    pub(crate) fn judges_as(&self, other: &Self) -> bool {
        let Self { url, audiences, algorithms, claim_mappings, required_claims, guard, keys } = self;
        *url == other.url
            && *audiences == other.audiences
            && *algorithms == other.algorithms
            && *claim_mappings == other.claim_mappings
            && *required_claims == other.required_claims
            && *guard == other.guard
            && match (keys, &other.keys) {
                (None, None) => true,
                (Some(IssuerKeys { keys, not_after: _ }), Some(others)) => *keys == others.keys,
                (None, Some(_)) | (Some(_), None) => false,
            }
    }
}

/// `claimMappings`, as far as they name claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimMappings {
    /// Where the user name comes from.
    pub username: PrefixedClaim,
    /// Where the groups come from, if anywhere.
    pub groups: Option<PrefixedClaim>,
    /// The claim that holds the uid, if it is mapped.
    pub uid: Option<String>,
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
