//! The way of a token that a configured issuer judges, step by step as in `authenticator`.

use super::steps::{Steps, Stop};
use super::unjudged::unless_passed_over;
use super::{Kubernetes, Step, mapping, verification};
use crate::algorithm::AlgorithmSet;
use crate::authenticator;
use crate::decision::Answers;
use crate::described::Described;
use crate::impersonation::ImpersonationHeaders;
use crate::issuer::{IdentityGuard, Issuer};
use crate::keys::IssuerKeys;
use crate::policy::AddedExtra;
use crate::programs::Programs;
use crate::rejection::{Rejection, Unavailable};
use crate::signature::VerifySignature;
use crate::texts::Texts;
use crate::time::UnixSeconds;
use crate::token::{BearerToken, TokenBuffer, UnverifiedToken};
use crate::user::{IdentityError, UserInfo};
use crate::verifier::{self, Terms};

/// Where the steps lead.
#[derive(Default)]
pub(super) struct Walk {
    pub(super) steps: Vec<Step>,
    /// `None`: nowhere.
    pub(super) found: Option<Result<UserInfo, Rejection>>,
    pub(super) kubernetes: Kubernetes,
    pub(super) stricter: Vec<&'static str>,
}

impl Walk {
    pub(super) fn stopped(steps: Steps, stop: Stop) -> Self {
        let Stop { rejection, kubernetes, stricter } = stop;
        Self { steps: steps.finish(), found: Some(Err(rejection)), kubernetes, stricter }
    }
}

/// Takes every step up to the one that refuses the token.
pub(super) fn walk(
    issuer: Option<&Issuer>,
    untrusted_text: &[u8],
    answers: &Answers,
    now: UnixSeconds,
    verifier: &impl VerifySignature,
) -> Walk {
    let (Some(issuer), Ok(token)) = (issuer, BearerToken::parse(untrusted_text.trim_ascii())) else {
        return Walk::default();
    };
    let mut steps = Steps::new(plan(issuer));
    match judge(&mut steps, &token, issuer, answers, now, verifier) {
        Ok(user) => Walk { steps: steps.finish(), found: Some(Ok(user)), ..Walk::default() },
        Err(stop) => Walk::stopped(steps, unless_passed_over(stop, token.as_str(), &issuer.url)),
    }
}

fn plan(issuer: &Issuer) -> Vec<String> {
    let first = ["issuer", "keys"].into_iter().chain(verification::STEPS).map(str::to_owned);
    first.chain(mapping::plan(issuer)).chain(["names".to_owned()]).collect()
}

fn judge(
    steps: &mut Steps,
    token: &BearerToken<'_>,
    issuer: &Issuer,
    answers: &Answers,
    now: UnixSeconds,
    verifier: &impl VerifySignature,
) -> Result<UserInfo, Stop> {
    steps.passed("issuer", issuer.url.as_str());
    let Ok(programs) = Programs::plan(issuer) else {
        let rejection = Rejection::Unavailable(Unavailable::Expression);
        steps.failed("expressions", rejection.to_string());
        return Err(Stop::unknown(rejection));
    };
    let keys = usable_keys(steps, issuer, now)?;
    let mut buffer = TokenBuffer::default();
    let parsed =
        UnverifiedToken::parse(token, &mut buffer).map_err(Rejection::Token).map_err(Stop::unknown)?;
    // Failures that were before don't count here: there is always room for one more slow check.
    let terms = Terms { algorithms: issuer.algorithms, audiences: &issuer.audiences };
    let verified = verifier::verify(parsed, terms, &keys.keys, now, verifier, || true);
    verification::tell(steps, token, issuer, now, verified.as_ref().err())?;
    let verified = verified.map_err(|error| Stop::unknown(verification::rejection(&error)))?;
    let expanded = mapping::expand(steps, verified, issuer, answers)?;
    let user = mapping::map(steps, &expanded, issuer, &programs)?;
    guard(steps, user, &issuer.guard)
}

fn usable_keys<'i>(steps: &mut Steps, issuer: &'i Issuer, now: UnixSeconds) -> Result<&'i IssuerKeys, Stop> {
    match authenticator::usable_keys(issuer, now) {
        Ok(keys) => {
            let algorithms: AlgorithmSet = keys.keys.iter().flat_map(|key| key.algorithms.iter()).collect();
            let names: Vec<&str> = algorithms.iter().map(|algorithm| algorithm.name()).collect();
            steps.passed("keys", format!("{} ({})", keys.keys.len(), names.join(" ")));
            Ok(keys)
        }
        Err(unavailable) => {
            steps.failed("keys", unavailable.to_string());
            Err(match unavailable {
                Unavailable::NoKeys => Stop::says(unavailable, "oidc: authenticator not initialized"),
                // It uses what it has for as long as it has it.
                _ => Stop::unknown(unavailable),
            })
        }
    }
}

/// What of a user's names the gateway lets nobody have, or can't send on. kube-apiserver has nothing against any.
fn guard(steps: &mut Steps, user: UserInfo, guard: &IdentityGuard) -> Result<UserInfo, Stop> {
    let refuse = |steps: &mut Steps, error: IdentityError| {
        steps.failed("names", error.to_string());
        let rules: &[_] = match error {
            IdentityError::EmptyUsername => &["empty-username"],
            IdentityError::ReservedGroup | IdentityError::ReservedUsername => &["system-names"],
            IdentityError::ReservedExtra => &[],
            IdentityError::ExtraNotHeaderSafe
            | IdentityError::GroupNotHeaderSafe
            | IdentityError::UidNotHeaderSafe
            | IdentityError::UsernameNotHeaderSafe => &["header-unsafe"],
        };
        Stop::stricter(Rejection::Identity(error), rules)
    };
    let user = user.guarded(guard).map_err(|error| refuse(steps, error))?;
    let described = Described::new(user, |_| Texts::default());
    ImpersonationHeaders::new(&described, &AddedExtra::default()).map_err(|error| refuse(steps, error))?;
    steps.passed("names", "");
    Ok(described.user())
}
