//! Answers to requests that don't go on: a Kubernetes `Status` (meta/v1), so that kubectl prints its message.

use std::borrow::Cow;

use strum::VariantArray as _;

use crate::claims::ClaimsError;
use crate::impersonation_request::{Attribute, ImpersonationRequestError};
use crate::request::{CredentialError, RequestError};
use crate::token::TokenError;
use crate::user::IdentityError;

/// Why a request does not go on. As text, what it means to an operator.
#[derive(Clone, Debug, PartialEq, Eq, strum::EnumDiscriminants, thiserror::Error)]
#[strum_discriminants(vis(), name(Kind), derive(strum::VariantArray), doc = "A variant of [`Rejection`].")]
pub enum Rejection {
    /// The token's algorithm is not among the issuer's.
    #[error("the token's algorithm is not among the issuer's")]
    AlgorithmNotAllowed,
    /// A claim is not as it should be.
    #[error(transparent)]
    Claims(ClaimsError),
    /// The request has no credential, or one that can't be used.
    #[error(transparent)]
    Credential(CredentialError),
    /// The user may not come in as who the token says.
    #[error(transparent)]
    Identity(IdentityError),
    /// The user may not act as whom the client names.
    #[error("the API server says that the user may not act as whom the client names (`kubectl --as`)")]
    ImpersonationDenied(Box<Denial>),
    /// The client asks for impersonation, which the policy rejects.
    #[error("the client asks for impersonation (`kubectl --as`), which the policy rejects")]
    ImpersonationNotAllowed,
    /// What the client asks to act as can't be followed.
    #[error(transparent)]
    ImpersonationRequest(ImpersonationRequestError),
    /// The client presented the gateway's own credential.
    #[error("the client presented the gateway's own credential")]
    OwnCredential,
    /// The request has a form that can't be passed on safely.
    #[error(transparent)]
    Request(RequestError),
    /// The signature is not by a key of the issuer.
    #[error("the signature is not by a key of the issuer")]
    Signature,
    /// The text of the token can't be used.
    #[error(transparent)]
    Token(TokenError),
    /// The gateway can't decide.
    #[error(transparent)]
    Unavailable(Unavailable),
    /// The token's issuer is not configured.
    #[error("`iss` is no issuer of the configuration")]
    UnknownIssuer,
    /// The issuer has no key with the token's `kid`.
    #[error("the issuer has no key with the token's `kid`")]
    UnknownKey,
}

/// Why the gateway can't decide. It says so (503) rather than blaming the token (401) or letting it pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::VariantArray, thiserror::Error)]
pub enum Unavailable {
    /// The upstream credential has expired.
    #[error("the upstream credential has expired")]
    CredentialExpired,
    /// The endpoint of a distributed claim, or the issuer that its answer names, could not be asked.
    #[error(
        "the groups stand in a distributed claim, and its endpoint, or the issuer of its answer, could not be asked"
    )]
    DistributedGroups,
    /// An expression of the configuration is one that this version can't evaluate.
    #[error(
        "an expression of the configuration is one that the filter can't evaluate: it is older than the sidecar"
    )]
    Expression,
    /// The issuer's keys are older than they may be.
    #[error("the issuer's keys are older than `--max-key-age`")]
    KeysTooOld,
    /// The API server was not asked, or did not say, whether the user may act as somebody else.
    #[error("the API server was not asked, or did not say, whether the user may act as somebody else")]
    ImpersonationReview,
    /// There is no upstream credential.
    #[error("the sidecar has no upstream credential")]
    NoCredential,
    /// The issuer's keys have not been fetched yet.
    #[error("the issuer's keys have not been fetched yet")]
    NoKeys,
    /// There is no snapshot yet.
    #[error("no snapshot of the sidecar yet")]
    NoSnapshot,
    /// The sidecar, or the issuer behind it, did not answer when it was needed.
    #[error("the issuer was asked for an unknown key, and it or the sidecar did not answer")]
    RefreshFailed,
    /// Too many bad tokens of an issuer whose signatures are slow to check.
    #[error("too many bad tokens of an issuer whose signatures are slow to check")]
    Throttled,
    /// Neither the API server nor the token webhook said whose token it is, and one of them could not be asked.
    #[error(
        "the API server or the token webhook could not be asked whose token it is, and the other does not know it"
    )]
    TokenReview,
    /// Too many questions to the API server, the token webhook or the endpoints of distributed claims are open.
    #[error(
        "too many questions to the API server, the token webhook or the endpoints of distributed claims are open"
    )]
    TooManyReviews,
    /// Too many requests wait for an issuer's keys.
    #[error("too many requests wait for an issuer's keys")]
    TooManyWaiting,
}

/// Who may not act as whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    requester: String,
    denied: Attribute,
}

impl Denial {
    /// The user, and the first of what they asked for that they may not.
    #[must_use]
    pub fn new(requester: &str, denied: Attribute) -> Self {
        Self { requester: requester.to_owned(), denied }
    }
}

impl From<Denial> for Rejection {
    fn from(denial: Denial) -> Self {
        Self::ImpersonationDenied(Box::new(denial))
    }
}

/// Seconds after which a client may come again, for `Retry-After`.
const RETRY_AFTER: &str = "1";

impl Rejection {
    /// One of each kind, for what lists them: tests and documentation.
    pub fn all() -> impl Iterator<Item = Self> {
        Kind::VARIANTS.iter().copied().flat_map(Self::of_kind)
    }

    fn of_kind(kind: Kind) -> Vec<Self> {
        fn each<E: Copy>(errors: &[E], rejection: impl Fn(E) -> Rejection) -> Vec<Rejection> {
            errors.iter().copied().map(rejection).collect()
        }
        match kind {
            Kind::AlgorithmNotAllowed => vec![Self::AlgorithmNotAllowed],
            Kind::Claims => each(ClaimsError::VARIANTS, Self::Claims),
            Kind::Credential => each(CredentialError::VARIANTS, Self::Credential),
            Kind::Identity => each(IdentityError::VARIANTS, Self::Identity),
            Kind::ImpersonationDenied => vec![Denial::new("", Attribute::User(String::new())).into()],
            Kind::ImpersonationNotAllowed => vec![Self::ImpersonationNotAllowed],
            Kind::ImpersonationRequest => {
                each(ImpersonationRequestError::VARIANTS, Self::ImpersonationRequest)
            }
            Kind::OwnCredential => vec![Self::OwnCredential],
            Kind::Request => each(RequestError::VARIANTS, Self::Request),
            Kind::Signature => vec![Self::Signature],
            Kind::Token => each(TokenError::VARIANTS, Self::Token),
            Kind::Unavailable => each(Unavailable::VARIANTS, Self::Unavailable),
            Kind::UnknownIssuer => vec![Self::UnknownIssuer],
            Kind::UnknownKey => vec![Self::UnknownKey],
        }
    }

    /// Stable name of the cause, for logs and metrics.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::AlgorithmNotAllowed => "algorithm_not_allowed",
            Self::Claims(error) => error.reason(),
            Self::Credential(error) => error.reason(),
            Self::Identity(error) => error.reason(),
            Self::ImpersonationDenied(_) => "impersonation_denied",
            Self::ImpersonationNotAllowed => "impersonation_not_allowed",
            Self::ImpersonationRequest(ImpersonationRequestError::Malformed) => "malformed_impersonation",
            Self::ImpersonationRequest(ImpersonationRequestError::TooMany) => "too_many_impersonation_values",
            Self::OwnCredential => "own_credential",
            Self::Request(error) => error.reason(),
            Self::Signature => "signature",
            Self::Token(error) => error.reason(),
            Self::Unavailable(error) => error.reason(),
            Self::UnknownIssuer => "unknown_issuer",
            Self::UnknownKey => "unknown_key",
        }
    }

    /// HTTP status code.
    #[must_use]
    pub const fn code(&self) -> u16 {
        match self {
            Self::Credential(CredentialError::TooLong)
            | Self::ImpersonationRequest(ImpersonationRequestError::TooMany)
            | Self::Token(TokenError::TooLong) => 431,
            Self::AlgorithmNotAllowed
            | Self::Claims(_)
            | Self::Credential(_)
            | Self::OwnCredential
            | Self::Signature
            | Self::Token(_)
            | Self::UnknownIssuer
            | Self::UnknownKey => 401,
            Self::Identity(_) | Self::ImpersonationDenied(_) | Self::ImpersonationNotAllowed => 403,
            Self::ImpersonationRequest(ImpersonationRequestError::Malformed) | Self::Request(_) => 400,
            Self::Unavailable(_) => 503,
        }
    }

    /// What the caller may know: enough to act on, nothing of keys or configuration.
    #[must_use]
    pub fn message(&self) -> Cow<'static, str> {
        match self {
            Self::ImpersonationDenied(denial) => {
                let Denial { requester, denied } = &**denial;
                format!("{requester} is not allowed to impersonate {denied}").into()
            }
            fixed => fixed.fixed_message().into(),
        }
    }

    const fn fixed_message(&self) -> &'static str {
        match self {
            Self::Claims(ClaimsError::Audience) => "Unauthorized: the token is not for this audience",
            Self::Claims(ClaimsError::Expired) => "Unauthorized: the token has expired",
            Self::Claims(_)
            | Self::AlgorithmNotAllowed
            | Self::OwnCredential
            | Self::Signature
            | Self::UnknownKey => "Unauthorized: the token is not valid",
            Self::Token(TokenError::NotAJwt) | Self::UnknownIssuer => {
                "Unauthorized: the token is not from a known issuer"
            }
            Self::Token(TokenError::TooLong) => "the token is too long",
            Self::Token(_) => "Unauthorized: the token is not valid",
            Self::Credential(error) => error.message(),
            Self::Identity(error) => match error {
                IdentityError::EmptyUsername => "forbidden: the token gives an empty user name",
                IdentityError::ExtraNotHeaderSafe => {
                    "forbidden: an extra value has characters that can't be passed on"
                }
                IdentityError::GroupNotHeaderSafe => {
                    "forbidden: a group has characters that can't be passed on"
                }
                IdentityError::ReservedExtra => {
                    "forbidden: the user has an extra value that only the gateway may set"
                }
                IdentityError::ReservedGroup => {
                    "forbidden: the token gives a group with the reserved prefix system:"
                }
                IdentityError::ReservedUsername => {
                    "forbidden: the token gives a user name with the reserved prefix system:"
                }
                IdentityError::UidNotHeaderSafe => {
                    "forbidden: the uid has characters that can't be passed on"
                }
                IdentityError::UsernameNotHeaderSafe => {
                    "forbidden: the user name has characters that can't be passed on"
                }
            },
            Self::ImpersonationDenied(_) | Self::ImpersonationNotAllowed => {
                "forbidden: impersonation is not allowed here"
            }
            Self::ImpersonationRequest(ImpersonationRequestError::Malformed) => {
                "Impersonate-User must stand exactly once beside other Impersonate-* headers, all of a known kind"
            }
            Self::ImpersonationRequest(ImpersonationRequestError::TooMany) => {
                "more than 64 Impersonate-* headers"
            }
            Self::Request(error) => error.message(),
            Self::Unavailable(_) => "the sign-in service is not available at the moment",
        }
    }

    /// Headers of the reply, besides `content-type`.
    #[must_use]
    pub const fn headers(&self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Credential(_) if self.code() == 401 => &[("www-authenticate", "Bearer")],
            _ if self.code() == 401 => &[("www-authenticate", "Bearer error=\"invalid_token\"")],
            Self::Unavailable(_) => &[("retry-after", RETRY_AFTER)],
            _ => &[],
        }
    }

    /// The `Status` as JSON.
    #[must_use]
    pub fn body(&self) -> String {
        serde_json::json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message(),
            "reason": self.status_reason(),
            "code": self.code(),
        })
        .to_string()
    }

    /// `metav1.StatusReason`.
    const fn status_reason(&self) -> &'static str {
        match self.code() {
            400 => "BadRequest",
            401 => "Unauthorized",
            403 => "Forbidden",
            431 => "RequestHeaderFieldsTooLarge",
            _ => "ServiceUnavailable",
        }
    }
}

impl Unavailable {
    /// The name of the variant, for logs and metrics.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::CredentialExpired => "credential_expired",
            Self::DistributedGroups => "distributed_groups_failed",
            Self::Expression => "expression_not_supported",
            Self::ImpersonationReview => "impersonation_review_failed",
            Self::KeysTooOld => "keys_too_old",
            Self::NoCredential => "no_upstream_credential",
            Self::NoKeys => "no_keys",
            Self::NoSnapshot => "no_snapshot",
            Self::RefreshFailed => "refresh_failed",
            Self::Throttled => "throttled",
            Self::TokenReview => "token_review_failed",
            Self::TooManyReviews => "too_many_reviews",
            Self::TooManyWaiting => "too_many_waiting",
        }
    }
}

impl From<Unavailable> for Rejection {
    fn from(unavailable: Unavailable) -> Self {
        Self::Unavailable(unavailable)
    }
}
