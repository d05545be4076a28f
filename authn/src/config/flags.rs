//! The classic `--oidc-*` flags of kube-apiserver, which say the same as a file with one issuer.

use std::collections::BTreeMap;

use super::{AuthenticationConfiguration, ConfigError, ServiceAccountIssuers, raw, validate};
use crate::algorithm::{Algorithm, AlgorithmSet};

/// The flags as they stand on the command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OidcFlags {
    /// `--oidc-issuer-url`.
    pub issuer_url: String,
    /// `--oidc-client-id`: the audience.
    pub client_id: String,
    /// What the file of `--oidc-ca-file` holds.
    pub ca_file_content: Option<String>,
    /// `--oidc-username-claim`; `sub` when it is not given.
    pub username_claim: Option<String>,
    /// `--oidc-username-prefix`. Not given or empty: `<issuer URL>#`, but nothing before an `email`. `-`: nothing.
    pub username_prefix: Option<String>,
    /// `--oidc-groups-claim`; no groups when it is not given.
    pub groups_claim: Option<String>,
    /// `--oidc-groups-prefix`.
    pub groups_prefix: Option<String>,
    /// `--oidc-signing-algs`; RS256 when there is none.
    pub signing_algs: Vec<String>,
    /// `--oidc-required-claim`, each `key=value` of them. The last of a key counts.
    pub required_claims: Vec<(String, String)>,
    /// `--service-account-issuer`: whom the other flags may not name.
    pub service_account_issuers: ServiceAccountIssuers,
}

impl OidcFlags {
    /// Turns the flags into a configuration, under the rules of the file.
    ///
    /// # Errors
    /// [`ConfigError`], with the paths that the values would have in a file.
    pub fn into_configuration(self) -> Result<AuthenticationConfiguration, ConfigError> {
        let Self {
            issuer_url,
            client_id,
            ca_file_content,
            username_claim,
            username_prefix,
            groups_claim,
            groups_prefix,
            signing_algs,
            required_claims,
            service_account_issuers,
        } = self;
        if issuer_url.is_empty() || client_id.is_empty() {
            return Err(ConfigError::Flags);
        }

        let username_claim = username_claim.unwrap_or_else(|| "sub".to_owned());
        let username_prefix = match username_prefix.as_deref() {
            // kubernetes/kubernetes 31380: only an email is thought to be unique by itself.
            None | Some("") if username_claim != "email" => format!("{issuer_url}#"),
            None | Some("" | "-") => String::new(),
            Some(prefix) => prefix.to_owned(),
        };
        let username = raw::PrefixedClaimOrExpression {
            claim: username_claim,
            prefix: Some(username_prefix),
            expression: String::new(),
        };
        let groups = raw::PrefixedClaimOrExpression {
            claim: groups_claim.unwrap_or_default(),
            prefix: Some(groups_prefix.unwrap_or_default()),
            expression: String::new(),
        };
        // A map in kube-apiserver: the last value of a key counts, and the order says nothing.
        let required_claims: BTreeMap<String, String> = required_claims
            .into_iter()
            .map(|(claim, value)| (claim.trim().to_owned(), value.trim().to_owned()))
            .collect();

        let jwt = raw::JwtAuthenticator {
            issuer: raw::Issuer {
                url: issuer_url,
                certificate_authority: ca_file_content.unwrap_or_default(),
                audiences: vec![client_id],
                ..raw::Issuer::default()
            },
            claim_validation_rules: required_claims
                .into_iter()
                .map(|(claim, required_value)| raw::ClaimValidationRule {
                    claim,
                    required_value,
                    ..raw::ClaimValidationRule::default()
                })
                .collect(),
            claim_mappings: raw::ClaimMappings { username, groups, ..raw::ClaimMappings::default() },
            user_validation_rules: Vec::new(),
        };
        let mut configuration = validate::validate(
            raw::AuthenticationConfiguration { jwt: vec![jwt], anonymous: None },
            AlgorithmSet::default(),
            &service_account_issuers,
            None,
        )?;
        // kube-apiserver looks at the algorithms last.
        let algorithms = algorithms(signing_algs)?;
        for jwt in &mut configuration.jwt {
            jwt.algorithms = algorithms;
        }
        Ok(configuration)
    }
}

fn algorithms(names: Vec<String>) -> Result<AlgorithmSet, ConfigError> {
    if names.is_empty() {
        return Ok([Algorithm::Rs256].into_iter().collect());
    }
    names.into_iter().map(|name| Algorithm::from_name(&name).ok_or(ConfigError::Algorithm { name })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::issuer::{PrefixedClaim, RequiredClaim};

    fn flags() -> OidcFlags {
        OidcFlags {
            issuer_url: "https://issuer".to_owned(),
            client_id: "kubernetes".to_owned(),
            ..OidcFlags::default()
        }
    }

    #[track_caller]
    fn one(flags: OidcFlags) -> super::super::JwtAuthenticator {
        let mut configuration = flags.into_configuration().unwrap();
        assert_eq!((configuration.jwt.len(), &configuration.anonymous), (1, &None));
        configuration.jwt.remove(0)
    }

    #[test]
    fn the_defaults_are_those_of_kube_apiserver() {
        let jwt = one(flags());
        assert_eq!(
            (jwt.url.as_str(), jwt.audiences.as_slice()),
            ("https://issuer", &["kubernetes".to_owned()][..])
        );
        assert_eq!((jwt.discovery_url, jwt.certificate_authority), (None, None));
        assert_eq!(jwt.algorithms.iter().collect::<Vec<_>>(), [Algorithm::Rs256]);
        assert_eq!(jwt.claim_mappings.groups, None);
        assert_eq!(jwt.claim_mappings.uid, None);
        assert_eq!(jwt.required_claims, []);
    }

    #[test]
    fn the_username_prefix_depends_on_the_claim() {
        for (claim, prefix, expected) in [
            (None, None, "https://issuer#"),
            (Some("sub"), Some(""), "https://issuer#"),
            (Some("email"), None, ""),
            (Some("email"), Some(""), ""),
            (Some("email"), Some("oidc:"), "oidc:"),
            (Some("email"), Some("-"), ""),
            (None, Some("-"), ""),
            (Some("name"), Some("oidc:"), "oidc:"),
            (Some("name"), Some("--"), "--"),
        ] {
            let flags = OidcFlags {
                username_claim: claim.map(str::to_owned),
                username_prefix: prefix.map(str::to_owned),
                ..flags()
            };
            let username =
                PrefixedClaim { claim: claim.unwrap_or("sub").to_owned(), prefix: expected.to_owned() };
            assert_eq!(one(flags).claim_mappings.username, username.into(), "{claim:?} {prefix:?}");
        }
    }

    #[test]
    fn groups_algorithms_and_required_claims_are_taken_over() {
        let pair = |claim: &str, value: &str| (claim.to_owned(), value.to_owned());
        let jwt = one(OidcFlags {
            groups_claim: Some("groups".to_owned()),
            groups_prefix: Some("oidc:".to_owned()),
            signing_algs: vec!["ES256".to_owned(), "RS512".to_owned()],
            required_claims: vec![pair("hd", "old"), pair(" a ", " b=c "), pair("hd", "new")],
            ..flags()
        });
        let groups = PrefixedClaim { claim: "groups".to_owned(), prefix: "oidc:".to_owned() };
        assert_eq!(jwt.claim_mappings.groups, Some(groups.into()));
        assert_eq!(jwt.algorithms.iter().collect::<Vec<_>>(), [Algorithm::Rs512, Algorithm::Es256]);
        let required = |claim: &str, value: &str| RequiredClaim {
            claim: claim.to_owned(),
            required_value: value.to_owned(),
        };
        assert_eq!(jwt.required_claims, [required("a", "b=c"), required("hd", "new")]);
    }

    #[test]
    fn bad_flags_are_refused() {
        let together =
            "oidc-issuer-url and oidc-client-id must be specified together when any oidc-* flags are set";
        for (flags, message) in [
            (OidcFlags { issuer_url: String::new(), ..flags() }, together),
            (OidcFlags { client_id: String::new(), ..flags() }, together),
            (
                OidcFlags { issuer_url: "http://issuer".to_owned(), ..flags() },
                r#"jwt[0].issuer.url: Invalid value: "http://issuer": URL scheme must be https"#,
            ),
            (
                OidcFlags { username_claim: Some(String::new()), ..flags() },
                "jwt[0].claimMappings.username: Required value: claim or expression is required",
            ),
            (
                OidcFlags { ca_file_content: Some("x".to_owned()), ..flags() },
                "jwt[0].issuer.certificateAuthority: Invalid value: \"<omitted>\": \
                 data does not contain any valid RSA or ECDSA certificates",
            ),
            (
                OidcFlags { required_claims: vec![(String::new(), "x".to_owned())], ..flags() },
                "jwt[0].claimValidationRules[0]: Required value: claim or expression is required",
            ),
            (
                OidcFlags { signing_algs: vec!["RS256".to_owned(), "HS256".to_owned()], ..flags() },
                r#"oidc: unsupported signing alg: "HS256""#,
            ),
            (
                OidcFlags { signing_algs: vec!["none".to_owned()], ..flags() },
                r#"oidc: unsupported signing alg: "none""#,
            ),
        ] {
            assert_eq!(flags.into_configuration().unwrap_err().to_string(), message);
        }
    }
}
