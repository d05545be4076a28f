//! Snapshots: from the generated types to the crate's own, checked, and back.
//!
//! Each conversion takes its message apart whole, so that a new field does not compile until it is dealt with.

use prost::Message;

use super::generated as wire;
use crate::algorithm::{Algorithm, AlgorithmSet};
use crate::anonymous::Anonymous;
use crate::issuer::{
    ClaimMappings, ExtraMapping, IdentityGuard, Issuer, Mapping, PrefixedClaim, RequiredClaim, ValidationRule,
};
use crate::keys::{IssuerKeys, Key};
use crate::snapshot::{Generation, Snapshot, SnapshotError, UpstreamCredential};
use crate::time::UnixSeconds;

/// Of a snapshot with expressions: who can't evaluate them can't judge by it.
const CEL: &str = "cel";

pub(crate) fn decode(encoded: &[u8]) -> Result<Snapshot, SnapshotError> {
    wire::Snapshot::decode(encoded).map_err(|_| SnapshotError::Encoding)?.try_into()
}

pub(crate) fn encode(snapshot: &Snapshot) -> Vec<u8> {
    wire::Snapshot::from(snapshot).encode_to_vec()
}

/// Reads the generation alone; the other fields are skipped.
pub(crate) fn decode_generation(encoded: &[u8]) -> Result<Generation, SnapshotError> {
    #[derive(Clone, PartialEq, Message)]
    struct Head {
        #[prost(message, optional, tag = "1")]
        generation: Option<wire::Generation>,
    }
    let head = Head::decode(encoded).map_err(|_| SnapshotError::Encoding)?;
    head.generation.map(Generation::from).ok_or(SnapshotError::NoGeneration)
}

impl TryFrom<wire::Snapshot> for Snapshot {
    type Error = SnapshotError;

    fn try_from(raw: wire::Snapshot) -> Result<Self, SnapshotError> {
        let wire::Snapshot {
            generation,
            issuers,
            upstream_credential,
            required_features,
            anonymous,
            token_webhook,
        } = raw;
        if required_features.iter().any(|feature| feature != CEL) {
            return Err(SnapshotError::Feature);
        }
        let issuers = issuers.into_iter().map(Issuer::try_from).collect::<Result<Vec<_>, _>>()?;
        let mut urls: Vec<&str> = issuers.iter().map(|issuer| issuer.url.as_str()).collect();
        urls.sort_unstable();
        urls.dedup();
        if urls.len() != issuers.len() {
            return Err(SnapshotError::DuplicateIssuer);
        }
        Ok(Self {
            generation: generation.ok_or(SnapshotError::NoGeneration)?.into(),
            issuers,
            upstream_credential: upstream_credential.map(UpstreamCredential::try_from).transpose()?,
            anonymous: anonymous.map(|wire::Anonymous { paths }| Anonymous { paths }),
            token_webhook: token_webhook.map(
                |wire::TokenWebhook { allowed_system_usernames, allowed_system_groups }| IdentityGuard {
                    allowed_usernames: allowed_system_usernames.into_iter().collect(),
                    allowed_groups: allowed_system_groups.into_iter().collect(),
                },
            ),
        })
    }
}

impl TryFrom<wire::Issuer> for Issuer {
    type Error = SnapshotError;

    fn try_from(raw: wire::Issuer) -> Result<Self, SnapshotError> {
        let wire::Issuer {
            url,
            audiences,
            algorithms,
            claim_mappings,
            required_claims,
            allowed_system_usernames,
            allowed_system_groups,
            keys,
            claim_validation_rules,
            user_validation_rules,
            claim_hosts,
        } = raw;
        let rules = |rules: Vec<wire::ValidationRule>| {
            let rule = |wire::ValidationRule { expression, message }| ValidationRule { expression, message };
            rules.into_iter().map(rule).collect()
        };
        let claim_mappings = claim_mappings.ok_or(SnapshotError::IncompleteIssuer)?.try_into()?;
        if url.is_empty() || audiences.is_empty() || audiences.iter().any(String::is_empty) {
            return Err(SnapshotError::IncompleteIssuer);
        }
        Ok(Self {
            url,
            audiences,
            algorithms: algorithm_set(algorithms)?,
            claim_mappings,
            required_claims: required_claims
                .into_iter()
                .map(|wire::RequiredClaim { claim, required_value }| RequiredClaim { claim, required_value })
                .collect(),
            claim_validation_rules: rules(claim_validation_rules),
            user_validation_rules: rules(user_validation_rules),
            guard: IdentityGuard {
                allowed_usernames: allowed_system_usernames.into_iter().collect(),
                allowed_groups: allowed_system_groups.into_iter().collect(),
            },
            claim_hosts: claim_hosts.into_iter().collect(),
            keys: keys.map(IssuerKeys::try_from).transpose()?,
        })
    }
}

impl TryFrom<wire::IssuerKeys> for IssuerKeys {
    type Error = SnapshotError;

    fn try_from(raw: wire::IssuerKeys) -> Result<Self, SnapshotError> {
        let wire::IssuerKeys { keys, not_after } = raw;
        let keys = keys
            .into_iter()
            .map(|wire::Key { kid, algorithms, spki }| {
                Ok(Key { kid, algorithms: algorithm_set(algorithms)?, spki })
            })
            .collect::<Result<_, SnapshotError>>()?;
        Ok(Self { keys, not_after: UnixSeconds::new(not_after) })
    }
}

impl TryFrom<wire::ClaimMappings> for ClaimMappings {
    type Error = SnapshotError;

    fn try_from(raw: wire::ClaimMappings) -> Result<Self, SnapshotError> {
        let wire::ClaimMappings {
            username,
            groups,
            uid,
            username_expression,
            groups_expression,
            uid_expression,
            extra,
        } = raw;
        let prefixed = |claim: Option<wire::PrefixedClaim>| {
            let claim = claim.map(|wire::PrefixedClaim { claim, prefix }| PrefixedClaim { claim, prefix });
            // A prefix without a claim maps nothing.
            claim.filter(|mapping| !mapping.claim.is_empty())
        };
        let extra = extra
            .into_iter()
            .map(|wire::ExtraMapping { key, value_expression }| ExtraMapping { key, value_expression });
        Ok(Self {
            username: mapping(prefixed(username), username_expression)?
                .ok_or(SnapshotError::IncompleteIssuer)?,
            groups: mapping(prefixed(groups), groups_expression)?,
            uid: mapping(Some(uid).filter(|uid| !uid.is_empty()), uid_expression)?,
            extra: extra.collect(),
        })
    }
}

/// A claim or an expression, not both.
fn mapping<C>(claim: Option<C>, expression: String) -> Result<Option<Mapping<C>>, SnapshotError> {
    match (claim, expression.is_empty()) {
        (None, true) => Ok(None),
        (None, false) => Ok(Some(Mapping::Expression(expression))),
        (Some(claim), true) => Ok(Some(Mapping::Claim(claim))),
        (Some(_), false) => Err(SnapshotError::IncompleteIssuer),
    }
}

impl TryFrom<wire::UpstreamCredential> for UpstreamCredential {
    type Error = SnapshotError;

    fn try_from(raw: wire::UpstreamCredential) -> Result<Self, SnapshotError> {
        let wire::UpstreamCredential { token, not_after } = raw;
        Self::new(token, Some(not_after).filter(|end| *end != 0).map(UnixSeconds::new))
    }
}

impl From<wire::Generation> for Generation {
    fn from(wire::Generation { epoch, counter }: wire::Generation) -> Self {
        Self { epoch, counter }
    }
}

impl From<Generation> for wire::Generation {
    fn from(Generation { epoch, counter }: Generation) -> Self {
        Self { epoch, counter }
    }
}

impl From<&Snapshot> for wire::Snapshot {
    fn from(snapshot: &Snapshot) -> Self {
        let Snapshot { generation, issuers, upstream_credential, anonymous, token_webhook } = snapshot;
        Self {
            generation: Some((*generation).into()),
            issuers: issuers.iter().map(wire::Issuer::from).collect(),
            upstream_credential: upstream_credential.as_ref().map(|credential| wire::UpstreamCredential {
                token: credential.token().to_owned(),
                not_after: credential.not_after().map_or(0, UnixSeconds::get),
            }),
            required_features: issuers
                .iter()
                .any(Issuer::has_expressions)
                .then(|| CEL.to_owned())
                .into_iter()
                .collect(),
            anonymous: anonymous.as_ref().map(|Anonymous { paths }| wire::Anonymous { paths: paths.clone() }),
            token_webhook: token_webhook.as_ref().map(|guard| wire::TokenWebhook {
                allowed_system_usernames: guard.allowed_usernames.iter().cloned().collect(),
                allowed_system_groups: guard.allowed_groups.iter().cloned().collect(),
            }),
        }
    }
}

impl From<&Issuer> for wire::Issuer {
    fn from(issuer: &Issuer) -> Self {
        let Issuer {
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
        } = issuer;
        let rules = |rules: &[ValidationRule]| {
            let rule = |ValidationRule { expression, message }: &ValidationRule| wire::ValidationRule {
                expression: expression.clone(),
                message: message.clone(),
            };
            rules.iter().map(rule).collect()
        };
        Self {
            url: url.clone(),
            audiences: audiences.clone(),
            algorithms: algorithm_numbers(*algorithms),
            claim_mappings: Some(claim_mappings.into()),
            claim_validation_rules: rules(claim_validation_rules),
            user_validation_rules: rules(user_validation_rules),
            required_claims: required_claims
                .iter()
                .map(|RequiredClaim { claim, required_value }| wire::RequiredClaim {
                    claim: claim.clone(),
                    required_value: required_value.clone(),
                })
                .collect(),
            allowed_system_usernames: guard.allowed_usernames.iter().cloned().collect(),
            allowed_system_groups: guard.allowed_groups.iter().cloned().collect(),
            claim_hosts: claim_hosts.iter().map(str::to_owned).collect(),
            keys: keys.as_ref().map(|IssuerKeys { keys, not_after }| wire::IssuerKeys {
                keys: keys
                    .iter()
                    .map(|Key { kid, algorithms, spki }| wire::Key {
                        kid: kid.clone(),
                        algorithms: algorithm_numbers(*algorithms),
                        spki: spki.clone(),
                    })
                    .collect(),
                not_after: not_after.get(),
            }),
        }
    }
}

impl From<&ClaimMappings> for wire::ClaimMappings {
    fn from(mappings: &ClaimMappings) -> Self {
        let ClaimMappings { username, groups, uid, extra } = mappings;
        let prefixed = |mapping: &Mapping<PrefixedClaim>| match mapping {
            Mapping::Claim(PrefixedClaim { claim, prefix }) => {
                Some(wire::PrefixedClaim { claim: claim.clone(), prefix: prefix.clone() })
            }
            Mapping::Expression(_) => None,
        };
        let claim = |mapping: &Mapping<String>| match mapping {
            Mapping::Claim(claim) => Some(claim.clone()),
            Mapping::Expression(_) => None,
        };
        Self {
            username: prefixed(username),
            groups: groups.as_ref().and_then(prefixed),
            uid: uid.as_ref().and_then(claim).unwrap_or_default(),
            username_expression: username.expression().cloned().unwrap_or_default(),
            groups_expression: groups.as_ref().and_then(Mapping::expression).cloned().unwrap_or_default(),
            uid_expression: uid.as_ref().and_then(Mapping::expression).cloned().unwrap_or_default(),
            extra: extra
                .iter()
                .map(|ExtraMapping { key, value_expression }| wire::ExtraMapping {
                    key: key.clone(),
                    value_expression: value_expression.clone(),
                })
                .collect(),
        }
    }
}

fn algorithm_numbers(algorithms: AlgorithmSet) -> Vec<i32> {
    algorithms
        .iter()
        .map(|algorithm| match algorithm {
            Algorithm::Rs256 => wire::Algorithm::Rs256,
            Algorithm::Rs384 => wire::Algorithm::Rs384,
            Algorithm::Rs512 => wire::Algorithm::Rs512,
            Algorithm::Es256 => wire::Algorithm::Es256,
            Algorithm::Es384 => wire::Algorithm::Es384,
            Algorithm::Es512 => wire::Algorithm::Es512,
            Algorithm::Ps256 => wire::Algorithm::Ps256,
            Algorithm::Ps384 => wire::Algorithm::Ps384,
            Algorithm::Ps512 => wire::Algorithm::Ps512,
        })
        .map(i32::from)
        .collect()
}

fn algorithm_set(numbers: Vec<i32>) -> Result<AlgorithmSet, SnapshotError> {
    numbers
        .into_iter()
        .map(|number| match wire::Algorithm::try_from(number) {
            Ok(wire::Algorithm::Rs256) => Ok(Algorithm::Rs256),
            Ok(wire::Algorithm::Rs384) => Ok(Algorithm::Rs384),
            Ok(wire::Algorithm::Rs512) => Ok(Algorithm::Rs512),
            Ok(wire::Algorithm::Es256) => Ok(Algorithm::Es256),
            Ok(wire::Algorithm::Es384) => Ok(Algorithm::Es384),
            Ok(wire::Algorithm::Es512) => Ok(Algorithm::Es512),
            Ok(wire::Algorithm::Ps256) => Ok(Algorithm::Ps256),
            Ok(wire::Algorithm::Ps384) => Ok(Algorithm::Ps384),
            Ok(wire::Algorithm::Ps512) => Ok(Algorithm::Ps512),
            Ok(wire::Algorithm::Unspecified) | Err(_) => Err(SnapshotError::Algorithm),
        })
        .collect()
}
