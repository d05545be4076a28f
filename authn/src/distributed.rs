//! Groups that stand in a distributed claim (OpenID Connect Core 5.6.2), as kube-apiserver's resolver finds them
//! (plugin/pkg/authenticator/token/oidc, `claimResolver.expand`): only where the groups are mapped by a claim which
//! the token itself does not have.

use crate::claims::{ClaimsError, check_resolver};
use crate::decision::Answers;
use crate::feed::ResolveClaimsRequest;
use crate::issuer::{Issuer, Mapping, PrefixedClaim};
use crate::json::{Object, Value};
use crate::rejection::Rejection;
use crate::time::Span;
use crate::verifier::VerifiedClaims;

/// Verified claims in which the groups stand, if the token has any at all. Only this module makes them: a user is not
/// mapped before it was looked for the groups.
pub(crate) struct ExpandedClaims<'t> {
    verified: VerifiedClaims<'t>,
    /// For how long what was fetched may be relied on; `None`: everything stood in the token.
    pub(crate) fetched: Option<Span>,
}

impl ExpandedClaims<'_> {
    /// The claims, those that were fetched among them.
    pub(crate) fn claims(&self) -> Object<'_> {
        self.verified.claims()
    }
}

/// Why there are no expanded claims.
#[derive(Debug)]
pub(crate) enum Unexpanded {
    /// This must be asked first.
    Ask(Box<ResolveClaimsRequest>),
    Reject(Rejection),
}

impl From<ClaimsError> for Unexpanded {
    fn from(error: ClaimsError) -> Self {
        Self::Reject(Rejection::Claims(error))
    }
}

/// Adds the groups to the claims of a token of `issuer`, if they stand elsewhere and that was answered.
pub(crate) fn expand<'t>(
    mut verified: VerifiedClaims<'t>,
    issuer: &'t Issuer,
    answers: &'t Answers,
) -> Result<ExpandedClaims<'t>, Unexpanded> {
    let Some((claim, question)) = question(verified.claims(), issuer)? else {
        return Ok(ExpandedClaims { verified, fetched: None });
    };
    match answers.resolved(&question) {
        None => Err(Unexpanded::Ask(Box::new(question))),
        Some(Err(rejection)) => Err(Unexpanded::Reject(rejection)),
        Some(Ok((value, span))) => {
            verified.insert(claim, value).map_err(|_| ClaimsError::DistributedRefused)?;
            Ok(ExpandedClaims { verified, fetched: Some(span) })
        }
    }
}

/// What must be asked, and the claim that it is about.
fn question<'i>(
    claims: Object<'_>,
    issuer: &'i Issuer,
) -> Result<Option<(&'i str, ResolveClaimsRequest)>, ClaimsError> {
    let Some(Mapping::Claim(PrefixedClaim { claim, .. })) = &issuer.claim_mappings.groups else {
        return Ok(None);
    };
    if claims.get(claim).is_some() {
        return Ok(None);
    }
    check_resolver(claims)?;
    let Some(source) = source(claims, claim) else { return Ok(None) };
    let text = |name| source.get(name).and_then(Value::as_str).unwrap_or_default();
    let endpoint = text("endpoint");
    if endpoint.is_empty() {
        // An aggregated claim, which kube-apiserver ignores.
        return Ok(None);
    }
    if issuer.claim_hosts.allowed(endpoint).is_none() {
        return Err(ClaimsError::DistributedGroups);
    }
    let question = ResolveClaimsRequest {
        issuer: issuer.url.clone(),
        claim: claim.clone(),
        endpoint: endpoint.to_owned(),
        access_token: text("access_token").to_owned(),
        subject: claims.get("sub").and_then(Value::as_str).unwrap_or_default().to_owned(),
    };
    Ok(Some((claim, question)))
}

/// The claim source that a claim stands in.
fn source<'d>(claims: Object<'d>, claim: &str) -> Option<Value<'d>> {
    let name = claims.get("_claim_names")?.get(claim)?.as_str()?;
    claims.get("_claim_sources")?.get(name)
}
