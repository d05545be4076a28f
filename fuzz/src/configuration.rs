use authn::config::{AuthenticationConfiguration, Policy, ServiceAccountIssuers};

/// Reads bytes as a configuration and as a policy. What is refused is told in words that say nothing of the bytes that
/// are no text.
pub fn configuration(bytes: &[u8]) {
    if let Err(error) = AuthenticationConfiguration::load(bytes, &ServiceAccountIssuers::default()) {
        assert!(!error.to_string().is_empty(), "a refusal without a word");
    }
    if let Err(error) = Policy::load(bytes) {
        assert!(!error.to_string().is_empty(), "a refusal without a word");
    }
}
