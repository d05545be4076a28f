//! From verified claims to a Kubernetes user (Kubernetes: `AuthenticateToken` of plugin/pkg/authenticator/token/oidc).

use crate::claims::ClaimsError;
use crate::distributed::ExpandedClaims;
use crate::issuer::{ClaimMappings, IdentityGuard, Issuer, Mapping, PrefixedClaim, RequiredClaim};
use crate::json::{Object, Value};
use crate::programs::{Claims, Programs};

/// Key of the extra value that names the credential (KEP-4193).
pub const CREDENTIAL_ID: &str = "authentication.kubernetes.io/credential-id";
/// Group of everybody who is authenticated.
pub const AUTHENTICATED: &str = "system:authenticated";
/// Group of everybody who isn't.
pub const UNAUTHENTICATED: &str = "system:unauthenticated";
/// Name of the user who isn't.
pub const ANONYMOUS: &str = "system:anonymous";
/// The prefix that Kubernetes reserves for itself.
const RESERVED: &str = "system:";

/// A user as kube-apiserver's authenticator would return it: `user.Info` of k8s.io/apiserver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserInfo {
    username: String,
    uid: String,
    groups: Vec<String>,
    extra: Vec<(String, Vec<String>)>,
}

/// Why a user with a good token was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::VariantArray, thiserror::Error)]
pub enum IdentityError {
    /// The user name is empty. As an impersonation header it would mean "nobody in particular".
    #[error("the user name is empty")]
    EmptyUsername,
    /// An extra value can't be carried in a header.
    #[error("an extra value has characters that a header can't carry")]
    ExtraNotHeaderSafe,
    /// A group can't be carried in a header.
    #[error("a group has characters that a header can't carry")]
    GroupNotHeaderSafe,
    /// An extra value under a key that only the gateway sets.
    #[error("an extra value has a key that only the gateway sets")]
    ReservedExtra,
    /// A group begins with `system:`, and this issuer may not hand it out.
    #[error("a `system:` group that the policy does not let the issuer hand out")]
    ReservedGroup,
    /// The user name begins with `system:`, and this issuer may not hand it out.
    #[error("a `system:` user name that the policy does not let the issuer hand out")]
    ReservedUsername,
    /// The uid can't be carried in a header.
    #[error("the uid has characters that a header can't carry")]
    UidNotHeaderSafe,
    /// The user name can't be carried in a header.
    #[error("the user name has characters that a header can't carry")]
    UsernameNotHeaderSafe,
}

impl IdentityError {
    /// The name of the variant, for logs and metrics.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::EmptyUsername => "empty_username",
            Self::ExtraNotHeaderSafe => "extra_not_header_safe",
            Self::GroupNotHeaderSafe => "group_not_header_safe",
            Self::ReservedExtra => "reserved_extra",
            Self::ReservedGroup => "reserved_group",
            Self::ReservedUsername => "reserved_username",
            Self::UidNotHeaderSafe => "uid_not_header_safe",
            Self::UsernameNotHeaderSafe => "username_not_header_safe",
        }
    }
}

impl UserInfo {
    /// A user as the API server or a token webhook names it. An extra value is listed in the order given.
    #[must_use]
    pub const fn new(
        username: String,
        uid: String,
        groups: Vec<String>,
        extra: Vec<(String, Vec<String>)>,
    ) -> Self {
        Self { username, uid, groups, extra }
    }

    /// The same with extra keys in lower case, as kube-apiserver reads them from headers. Token webhooks name them in
    /// any case; keys that differ by case alone become one.
    pub(crate) fn with_lowered_extra_keys(mut self) -> Self {
        let mut lowered = Vec::<(String, Vec<String>)>::new();
        for (key, values) in std::mem::take(&mut self.extra) {
            let key = key.to_ascii_lowercase();
            match lowered.iter_mut().find(|(known, _)| *known == key) {
                Some((_, known)) => known.extend(values),
                None => lowered.push((key, values)),
            }
        }
        self.extra = lowered;
        self
    }

    /// Who comes without a credential (k8s.io/apiserver `anonymous.Authenticator`).
    pub(crate) fn anonymous() -> Self {
        Self::new(ANONYMOUS.to_owned(), String::new(), vec![UNAUTHENTICATED.to_owned()], Vec::new())
    }

    /// Maps `claims` as the issuer's configuration says, then checks the required claims and the rules, in kube-apiserver's
    /// order. `programs` are those of the issuer.
    pub(crate) fn map(
        expanded: &ExpandedClaims<'_>,
        issuer: &Issuer,
        programs: &Programs,
    ) -> Result<Self, ClaimsError> {
        let claims = expanded.claims();
        let variable = Claims::new(claims);
        let mappings = &issuer.claim_mappings;
        let username = map_username(&variable, mappings, programs)?;
        let groups = map_groups(&variable, mappings, programs)?;
        let uid = map_uid(&variable, mappings, programs)?;
        let extra = map_extra(&variable, programs)?;
        issuer.required_claims.iter().try_for_each(|required| check_required(claims, required))?;
        programs.check_claims(&variable)?;
        let user = Self { username, uid, groups, extra };
        programs.check_user(&user)?;
        Ok(user)
    }

    /// Refuses reserved names that the issuer may not hand out, and adds the group that every authenticated user is in
    /// (k8s.io/apiserver `group.AuthenticatedGroupAdder`).
    pub(crate) fn guarded(self, guard: &IdentityGuard) -> Result<Self, IdentityError> {
        // Impersonating this one adds system:unauthenticated, which no token gives: never, by whatever rule.
        let allowed = self.username != ANONYMOUS && guard.allowed_usernames.contains(&self.username);
        if self.username.starts_with(RESERVED) && !allowed {
            return Err(IdentityError::ReservedUsername);
        }
        if self.groups.iter().any(|group| is_reserved_group(group) && !guard.allowed_groups.contains(group)) {
            return Err(IdentityError::ReservedGroup);
        }
        Ok(self.with_system_group())
    }

    /// Adds the group that kube-apiserver would: `system:authenticated`, once, unless there is the other one already,
    /// and for anonymous that other one.
    pub(crate) fn with_system_group(mut self) -> Self {
        let has = |name: &str| self.groups.iter().any(|group| group == name);
        if self.username == ANONYMOUS {
            if !has(UNAUTHENTICATED) {
                self.groups.push(UNAUTHENTICATED.to_owned());
            }
        } else if !has(AUTHENTICATED) && !has(UNAUTHENTICATED) {
            self.groups.push(AUTHENTICATED.to_owned());
        }
        self
    }

    /// Keys and values of `extra`, for good.
    pub(crate) fn into_extra(self) -> Vec<(String, Vec<String>)> {
        self.extra
    }

    /// The user name.
    #[must_use]
    pub fn username(&self) -> &str {
        &self.username
    }

    /// The uid; empty when there is none.
    #[must_use]
    pub fn uid(&self) -> &str {
        &self.uid
    }

    /// The groups, in the order of the claim.
    #[must_use]
    pub fn groups(&self) -> &[String] {
        &self.groups
    }

    /// Keys and values of `extra`.
    #[must_use]
    pub fn extra(&self) -> &[(String, Vec<String>)] {
        &self.extra
    }
}

/// Whether a group gives more than being signed in, which every user is.
fn is_reserved_group(group: &str) -> bool {
    group.starts_with(RESERVED) && group != AUTHENTICATED
}

/// The user name.
pub(crate) fn map_username(
    claims: &Claims<'_>,
    mappings: &ClaimMappings,
    programs: &Programs,
) -> Result<String, ClaimsError> {
    match &mappings.username {
        Mapping::Claim(mapping) => username(claims.object(), mapping),
        Mapping::Expression(_) => programs.username(claims),
    }
}

/// The groups.
pub(crate) fn map_groups(
    claims: &Claims<'_>,
    mappings: &ClaimMappings,
    programs: &Programs,
) -> Result<Vec<String>, ClaimsError> {
    match &mappings.groups {
        Some(Mapping::Claim(mapping)) => groups(claims.object(), mapping),
        Some(Mapping::Expression(_)) => programs.groups(claims),
        None => Ok(Vec::new()),
    }
}

/// The uid; empty when it is not mapped.
pub(crate) fn map_uid(
    claims: &Claims<'_>,
    mappings: &ClaimMappings,
    programs: &Programs,
) -> Result<String, ClaimsError> {
    match &mappings.uid {
        Some(Mapping::Claim(claim)) => Ok(string_claim(claims.object(), claim, ClaimsError::Uid)?.to_owned()),
        Some(Mapping::Expression(_)) => programs.uid(claims),
        None => Ok(String::new()),
    }
}

/// Keys and values of the extra, the credential's id first.
pub(crate) fn map_extra(
    claims: &Claims<'_>,
    programs: &Programs,
) -> Result<Vec<(String, Vec<String>)>, ClaimsError> {
    let jti = claims.object().get("jti").and_then(Value::as_str).filter(|jti| !jti.is_empty());
    let mut extra: Vec<_> =
        jti.map(|jti| (CREDENTIAL_ID.to_owned(), vec![["JTI=", jti].concat()])).into_iter().collect();
    programs.add_extra(claims, &mut extra)?;
    Ok(extra)
}

/// A claim that must have a value.
pub(crate) fn check_required(claims: Object<'_>, required: &RequiredClaim) -> Result<(), ClaimsError> {
    let RequiredClaim { claim, required_value } = required;
    match claims.get(claim) {
        None => Err(ClaimsError::RequiredClaimMissing),
        Some(Value::String(value)) if value == *required_value => Ok(()),
        Some(Value::Null) if required_value.is_empty() => Ok(()),
        Some(_) => Err(ClaimsError::RequiredClaimValue),
    }
}

fn username(claims: Object<'_>, mapping: &PrefixedClaim) -> Result<String, ClaimsError> {
    let PrefixedClaim { claim, prefix } = mapping;
    let name = string_claim(claims, claim, ClaimsError::Username)?;
    // Only a present `email_verified` must be true; null is Go's `false`.
    let is_true = |claim| matches!(claim, Value::Bool(true));
    if claim == "email" && claims.get("email_verified").is_some_and(|verified| !is_true(verified)) {
        return Err(ClaimsError::EmailNotVerified);
    }
    Ok([prefix, name].concat())
}

fn groups(claims: Object<'_>, mapping: &PrefixedClaim) -> Result<Vec<String>, ClaimsError> {
    let PrefixedClaim { claim, prefix } = mapping;
    let group = |value| match value {
        Value::String(group) => Ok([prefix, group].concat()),
        Value::Null => Ok(prefix.clone()),
        _ => Err(ClaimsError::Groups),
    };
    match claims.get(claim) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(values)) => {
            // One more is added by `guarded`.
            let mut groups = Vec::with_capacity(values.at_most().saturating_add(1));
            for value in values.elements() {
                groups.push(group(value)?);
            }
            Ok(groups)
        }
        Some(value) => Ok(vec![group(value)?]),
    }
}

/// A claim that must be there and be a string; null is Go's empty string.
fn string_claim<'d>(claims: Object<'d>, name: &str, error: ClaimsError) -> Result<&'d str, ClaimsError> {
    match claims.get(name) {
        Some(Value::String(text)) => Ok(text),
        Some(Value::Null) => Ok(""),
        _ => Err(error),
    }
}
