//! Who may come without a credential (`anonymous` of an AuthenticationConfiguration).

use crate::percent;

/// The rule: kube-apiserver's, but that an absent `anonymous` means nobody here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Anonymous {
    /// `conditions[].path`: the paths that are open, decoded and without the query. None means all.
    pub paths: Vec<String>,
}

impl Anonymous {
    /// Whether a request for `target` (the value of `:path`) may come without a credential. Paths are compared whole
    /// and decoded, as Go's `URL.Path`; what can't be decoded is open to nobody unless all is.
    pub(crate) fn covers(&self, target: &[u8]) -> bool {
        if self.paths.is_empty() {
            return true;
        }
        let path = target.split(|byte| *byte == b'?').next().unwrap_or_default();
        let decoded = std::str::from_utf8(path).ok().and_then(percent::decode);
        decoded.is_some_and(|decoded| self.paths.iter().any(|path| path.as_bytes() == decoded))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_compared_decoded_and_whole() {
        let rule = Anonymous { paths: vec!["/healthz".to_owned(), "/a b".to_owned()] };
        for (target, is_covered) in [
            ("/healthz", true),
            ("/healthz?verbose=1", true),
            ("/%68ealthz", true),
            ("/a%20b", true),
            ("/a+b", false),
            ("/healthz/", false),
            ("/healthz/etcd", false),
            ("//healthz", false),
            ("/healthz#x", false),
            ("/healthz%2f", false),
            ("/healthz%", false),
            ("/HEALTHZ", false),
            ("healthz", false),
            ("", false),
        ] {
            assert_eq!(rule.covers(target.as_bytes()), is_covered, "{target}");
        }
        assert!(!rule.covers(b"/\xff"));
        assert!(Anonymous::default().covers(b"/\xff%"));
    }
}
