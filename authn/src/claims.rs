//! The claims of a token, first untrusted and then verified.
//!
//! kube-apiserver reads the registered claims through Go's encoding/json into a struct (go-oidc `idToken`): a wrong
//! type refuses the token even where the claim isn't used, a JSON null is the zero value, and a number may stand in
//! a string. The same holds here, except where that is listed as stricter.

use serde_json::Number;

use crate::json::{Object, Value, folded};
use crate::time::UnixSeconds;

/// Leeway for `nbf`, in seconds, as in go-oidc. `exp` has none.
pub const NOT_BEFORE_LEEWAY: u64 = 60;

/// Largest time that is taken, in seconds from the epoch either way. Beyond int64, what Go makes of a double depends
/// on the processor, and a little below it its `time.Time` wraps around.
const MAX_SECONDS: u64 = 9_000_000_000_000_000_000;

/// Members that go-oidc's struct has. Go matches their names without regard to case, the last one winning.
const REGISTERED: [&str; 10] =
    ["iss", "sub", "aud", "exp", "iat", "nbf", "nonce", "at_hash", "_claim_names", "_claim_sources"];

/// Members of a claim source in go-oidc.
const CLAIM_SOURCE: [&str; 2] = ["endpoint", "access_token"];

/// The member of a claim source that holds its claims (OpenID Connect Core 5.6.2).
const AGGREGATED: &str = "JWT";

/// Why the claims of a token were refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::VariantArray, thiserror::Error)]
pub enum ClaimsError {
    /// `aud` names none of the issuer's audiences.
    #[error("`aud` names none of the issuer's audiences")]
    Audience,
    /// The name of a registered claim in other letters (`ISS`), which Go would take for the claim itself.
    #[error("a claim's name differs from a registered one by case alone")]
    CaseVariant,
    /// A rule about the claims is not true.
    #[error("an expression of `claimValidationRules` is not true")]
    ClaimValidationRule,
    /// `_claim_names` names a source that `_claim_sources` lacks (OpenID Connect Core 5.6.2).
    #[error("a distributed claim has no source")]
    ClaimSource,
    /// The groups stand in a distributed claim, and the policy does not let it be fetched. Without them the user would be
    /// another one than kube-apiserver's.
    #[error("the groups stand in a distributed claim, and the policy does not allow its endpoint's host")]
    DistributedGroups,
    /// The groups stand in a distributed claim, and what its endpoint answered can't be used.
    #[error("the groups stand in a distributed claim, and what its endpoint answered can't be used")]
    DistributedRefused,
    /// `email_verified` is there and not `true`, and the user name is the `email`.
    #[error("the user name is the `email`, and `email_verified` is not `true`")]
    EmailNotVerified,
    /// `exp` has passed, or is missing.
    #[error("`exp` has passed or is missing")]
    Expired,
    /// An expression has no value for this token: a claim is missing, has another type, or it costs too much.
    #[error("an expression has no value for this token")]
    Expression,
    /// The expression for an extra key gives neither a string nor a list of strings.
    #[error("the expression for an extra key gives no list of strings")]
    ExtraExpression,
    /// The groups claim is neither a string nor a list of strings.
    #[error("the groups claim is no list of strings")]
    Groups,
    /// The expression for the groups gives neither a string nor a list of strings.
    #[error("the expression for the groups gives no list of strings")]
    GroupsExpression,
    /// `nbf` lies more than a minute ahead.
    #[error("`nbf` lies more than a minute ahead")]
    NotYetValid,
    /// A required claim is missing.
    #[error("a required claim is missing")]
    RequiredClaimMissing,
    /// A required claim has another value.
    #[error("a required claim has another value")]
    RequiredClaimValue,
    /// `exp`, `nbf` or `iat` is no number of seconds.
    #[error("`exp`, `nbf` or `iat` is no number of seconds")]
    Time,
    /// A registered claim has a type that go-oidc does not take.
    #[error("a registered claim has the wrong type")]
    Type,
    /// The uid claim is missing or no string.
    #[error("the uid claim is missing or no string")]
    Uid,
    /// The expression for the uid gives no string.
    #[error("the expression for the uid gives no string")]
    UidExpression,
    /// A rule about the user is not true.
    #[error("an expression of `userValidationRules` is not true")]
    UserValidationRule,
    /// The user name's claim is missing or no string.
    #[error("the user name's claim is missing or no string")]
    Username,
    /// The expression for the user name gives no string.
    #[error("the expression for the user name gives no string")]
    UsernameExpression,
    /// The expression for the user name gives an empty string.
    #[error("the expression for the user name gives an empty string")]
    UsernameExpressionEmpty,
}

impl ClaimsError {
    /// The name of the variant, for logs and metrics.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Audience => "audience",
            Self::CaseVariant => "claim_case_variant",
            Self::ClaimValidationRule => "claim_validation_rule",
            Self::ClaimSource => "claim_source",
            Self::DistributedGroups => "distributed_groups",
            Self::DistributedRefused => "distributed_groups_refused",
            Self::EmailNotVerified => "email_not_verified",
            Self::Expired => "expired",
            Self::Expression => "expression",
            Self::ExtraExpression => "extra_expression",
            Self::GroupsExpression => "groups_expression",
            Self::UidExpression => "uid_expression",
            Self::UserValidationRule => "user_validation_rule",
            Self::UsernameExpression => "username_expression",
            Self::UsernameExpressionEmpty => "username_expression_empty",
            Self::Groups => "groups_claim",
            Self::NotYetValid => "not_yet_valid",
            Self::RequiredClaimMissing => "required_claim_missing",
            Self::RequiredClaimValue => "required_claim_value",
            Self::Time => "time_claim",
            Self::Type => "claim_type",
            Self::Uid => "uid_claim",
            Self::Username => "username_claim",
        }
    }
}

/// The span of time in which a token is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    not_before: Option<i64>,
    expires: i64,
}

impl Validity {
    /// The second `exp`, from which the token is no longer good; the epoch for times before it.
    #[must_use]
    pub fn expires(&self) -> UnixSeconds {
        UnixSeconds::new(u64::try_from(self.expires).unwrap_or_default())
    }

    /// `nbf` and `exp` as they stand in the token; a missing `exp` lies before everything.
    #[cfg(feature = "supply")]
    pub(crate) const fn bounds(&self) -> (Option<i64>, i64) {
        (self.not_before, self.expires)
    }

    /// Checks the span against `now`.
    ///
    /// go-oidc compares `exp` with a clock that has nanoseconds, so a token is good until the very second `exp`;
    /// with whole seconds that is `now < exp` (also RFC 7519 4.1.4).
    ///
    /// # Errors
    /// [`ClaimsError::Expired`] or [`ClaimsError::NotYetValid`].
    pub fn check(&self, now: UnixSeconds) -> Result<(), ClaimsError> {
        let seconds = |time: UnixSeconds| i64::try_from(time.get()).unwrap_or(i64::MAX);
        if self.expires <= seconds(now) {
            return Err(ClaimsError::Expired);
        }
        match self.not_before {
            Some(not_before) if seconds(now.plus(NOT_BEFORE_LEEWAY)) < not_before => {
                Err(ClaimsError::NotYetValid)
            }
            _ => Ok(()),
        }
    }
}

/// What the registered claims say, their types checked and nothing else.
pub(crate) struct RegisteredClaims<'d> {
    pub(crate) audience: Audience<'d>,
    pub(crate) validity: Validity,
}

impl<'d> RegisteredClaims<'d> {
    /// Reads them in the way of go-oidc 2.5 (`Verify`, from "failed to unmarshal claims" on).
    pub(crate) fn read(claims: Object<'d>) -> Result<Self, ClaimsError> {
        let [iss, sub, aud, exp, iat, nbf, nonce, at_hash, claim_names, claim_sources] =
            fields(claims, REGISTERED)?;
        for claim in [iss, sub, nonce, at_hash] {
            text_or_null(claim)?;
        }
        // `iat` is read for its type alone.
        time(iat)?;
        let expires = time(exp)?;
        let not_before = match nbf {
            None | Some(Value::Null) => None,
            claim => time(claim)?,
        };
        check_claim_sources(claim_names, claim_sources)?;
        Ok(Self {
            audience: Audience::read(aud)?,
            // A missing `exp` is the year 1 there: expired.
            validity: Validity { not_before, expires: expires.unwrap_or(i64::MIN) },
        })
    }
}

/// The members of these `names`. Refuses names that Go's encoding/json would take for one of them although they are
/// spelt otherwise.
fn fields<'d, const N: usize>(
    object: Object<'d>,
    names: [&str; N],
) -> Result<[Option<Value<'d>>; N], ClaimsError> {
    let mut fields = [None; N];
    for (member, value) in object.members() {
        let is_ascii = member.is_ascii();
        let taken_for = names.iter().zip(&mut fields).find(|(name, _)| {
            if is_ascii { is_alike(member, name) } else { folded(member).eq(folded(name)) }
        });
        if let Some((name, field)) = taken_for {
            if member != *name {
                return Err(ClaimsError::CaseVariant);
            }
            *field = Some(value);
        }
    }
    Ok(fields)
}

/// Whether two names in ASCII differ by case at most. Most differ by their length or first letter, and need no closer
/// look.
fn is_alike(member: &str, name: &str) -> bool {
    // Of two letters that differ by case, one has this bit.
    let first = |name: &str| name.bytes().next().map(|first| first | 0x20);
    member.len() == name.len() && first(member) == first(name) && member.eq_ignore_ascii_case(name)
}

/// A Go `string`: null is the empty one.
const fn text_or_null(claim: Option<Value<'_>>) -> Result<&str, ClaimsError> {
    match claim {
        None | Some(Value::Null) => Ok(""),
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(ClaimsError::Type),
    }
}

/// go-oidc's `audience`: a string, or a list of strings.
pub(crate) struct Audience<'d>(Option<Value<'d>>);

impl<'d> Audience<'d> {
    fn read(claim: Option<Value<'d>>) -> Result<Self, ClaimsError> {
        match claim {
            Some(Value::Array(audiences)) => {
                audiences.elements().try_for_each(|audience| text_or_null(Some(audience)).map(drop))?;
            }
            other => drop(text_or_null(other)?),
        }
        Ok(Self(claim))
    }

    /// All that are named, a null being Go's empty string.
    #[cfg(feature = "supply")]
    pub(crate) fn names(&self) -> Vec<&'d str> {
        let name = |value| text_or_null(Some(value)).unwrap_or_default();
        match self.0 {
            None => Vec::new(),
            Some(Value::Array(audiences)) => audiences.elements().map(name).collect(),
            Some(value) => vec![name(value)],
        }
    }

    /// Whether the token is for `audience`.
    pub(crate) fn contains(&self, audience: &str) -> bool {
        let is_it = |value| text_or_null(Some(value)) == Ok(audience);
        match self.0 {
            None => false,
            Some(Value::Array(audiences)) => audiences.elements().any(is_it),
            Some(value) => is_it(value),
        }
    }
}

/// go-oidc's `jsonTime`: an integer, or a number whose fraction is dropped, or either of them in a string.
fn time(claim: Option<Value<'_>>) -> Result<Option<i64>, ClaimsError> {
    match claim {
        None => Ok(None),
        Some(Value::Number(number)) => seconds(number).map(Some),
        // The text must be a JSON number as it stands, without blanks around it.
        Some(Value::String(text)) if !text.contains([' ', '\t', '\n', '\r']) => {
            let number: Number = serde_json::from_str(text).map_err(|_| ClaimsError::Time)?;
            seconds(&number).map(Some)
        }
        Some(_) => Err(ClaimsError::Time),
    }
}

fn seconds(number: &Number) -> Result<i64, ClaimsError> {
    let seconds = match number.as_i64() {
        Some(seconds) => seconds,
        None => number.as_f64().ok_or(ClaimsError::Time).and_then(whole_seconds)?,
    };
    if seconds.unsigned_abs() > MAX_SECONDS { Err(ClaimsError::Time) } else { Ok(seconds) }
}

fn whole_seconds(seconds: f64) -> Result<i64, ClaimsError> {
    const LIMIT: f64 = 9.0e18;
    if !(-LIMIT..=LIMIT).contains(&seconds) {
        return Err(ClaimsError::Time);
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the range was checked, the fraction is to be dropped"
    )]
    Ok(seconds as i64)
}

/// What kube-apiserver's resolver of distributed claims checks before it looks for the groups there: only once it is
/// asked, that is when the groups claim is mapped and missing and `_claim_names` is there.
pub(crate) fn check_resolver(claims: Object<'_>) -> Result<(), ClaimsError> {
    if claims.get("_claim_names").is_none() {
        return Ok(());
    }
    let sources = claims.get("_claim_sources").ok_or(ClaimsError::ClaimSource)?;
    for source in sources.as_object().into_iter().flat_map(Object::values).filter_map(Value::as_object) {
        let [aggregated] = fields(source, [AGGREGATED])?;
        text_or_null(aggregated)?;
    }
    Ok(())
}

/// Every distributed claim must name a source that is there, whether it is used or not.
fn check_claim_sources(names: Option<Value<'_>>, sources: Option<Value<'_>>) -> Result<(), ClaimsError> {
    let object = |claim| match claim {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object)),
        Some(_) => Err(ClaimsError::Type),
    };
    let (names, sources) = (object(names)?, object(sources)?);
    for source in sources.into_iter().flat_map(Object::values) {
        match source {
            Value::Null => {}
            Value::Object(source) => {
                for member in fields(source, CLAIM_SOURCE)? {
                    text_or_null(member)?;
                }
            }
            _ => return Err(ClaimsError::Type),
        }
    }
    // Sorted, since there may be as many claims as sources.
    let mut known: Vec<&str> = sources.into_iter().flat_map(Object::members).map(|(name, _)| name).collect();
    known.sort_unstable();
    for name in names.into_iter().flat_map(Object::values) {
        let source = text_or_null(Some(name))?;
        if source.is_empty() || known.binary_search(&source).is_err() {
            return Err(ClaimsError::ClaimSource);
        }
    }
    Ok(())
}
