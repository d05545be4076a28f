//! The kinds of kube-apiserver's other configuration files (k8s.io/apiserver `pkg/apis/apiserver`): what is one of them is
//! told apart from what nobody knows, and its unknown fields are found first. What its own fields hold is not looked at.

use super::ConfigError;
use super::decode::{Fields, Node, Place};

const GROUP: &str = "apiserver.config.k8s.io";
/// The group of older files.
const OLD_GROUP: &str = "apiserver.k8s.io";

/// Another kind of file.
#[derive(Debug)]
pub(super) struct OtherKind {
    name: &'static str,
    /// The group and versions that have it.
    group: &'static str,
    versions: &'static [&'static str],
    /// Its fields beside `apiVersion` and `kind`.
    fields: &'static [&'static str],
}

const ALL: &[OtherKind] = &[
    OtherKind { name: "AdmissionConfiguration", group: GROUP, versions: &["v1"], fields: &["plugins"] },
    OtherKind {
        name: "AdmissionConfiguration",
        group: OLD_GROUP,
        versions: &["v1alpha1"],
        fields: &["plugins"],
    },
    OtherKind {
        name: "AuthorizationConfiguration",
        group: GROUP,
        versions: &["v1", "v1beta1", "v1alpha1"],
        fields: &["authorizers"],
    },
    OtherKind {
        name: "EgressSelectorConfiguration",
        group: OLD_GROUP,
        versions: &["v1beta1", "v1alpha1"],
        fields: &["egressSelections"],
    },
    OtherKind { name: "EncryptionConfiguration", group: GROUP, versions: &["v1"], fields: &["resources"] },
    OtherKind {
        name: "TracingConfiguration",
        group: GROUP,
        versions: &["v1", "v1beta1", "v1alpha1"],
        fields: &["endpoint", "samplingRatePerMillion"],
    },
];

impl OtherKind {
    /// The one of that group, version and name.
    pub(super) fn of(group: &str, version: &str, kind: &str) -> Option<&'static Self> {
        ALL.iter()
            .find(|known| known.name == kind && known.group == group && known.versions.contains(&version))
    }

    /// Why a file of this kind is refused: for unknown and repeated fields, or else for its kind.
    pub(super) fn refuse(&self, version: &str, node: Node) -> ConfigError {
        let mut fields = Fields::new(version.to_owned());
        let members = match fields.of_object(node, &Place::root(self.name), self.name) {
            Ok(members) => members,
            Err(error) => return error,
        };
        for (name, _, at) in members {
            if !matches!(name.as_str(), "apiVersion" | "kind") && !self.fields.contains(&name.as_str()) {
                fields.unknown(&at);
            }
        }
        fields.finish(()).err().unwrap_or(ConfigError::OtherKind { kind: self.name })
    }
}
