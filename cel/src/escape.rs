//! Names in expressions that are no identifiers (k8s.io/apiserver `pkg/cel/escaping.go`): `claims.kubernetes__dot__io`.

/// CEL's reserved words (cel-go `reservedIds`): names that no variable and no function may have. Escaped they stand alone
/// between underscores: `__namespace__`.
pub(crate) const RESERVED: [&str; 21] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "false",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "namespace",
    "null",
    "package",
    "return",
    "true",
    "var",
    "void",
    "while",
];

/// The name that an escaped one stands for; `None` for one that stands for none.
pub(crate) fn unescape(escaped: &str) -> Option<String> {
    let (mut name, mut rest) = (String::with_capacity(escaped.len()), escaped);
    while let Some(start) = rest.find("__") {
        let (before, sequence) = rest.split_at_checked(start)?;
        // Each of `(_{2}[^_]+_{2})`, from the left: of more than two underscores the last two begin one.
        let underscores = sequence.bytes().take_while(|byte| *byte == b'_').count();
        let (opening, behind) = sequence.split_at_checked(underscores)?;
        let contents =
            behind.split_once("__").map(|(contents, _)| contents).filter(|contents| !contents.contains('_'));
        let Some(contents) = contents.filter(|contents| !contents.is_empty()) else {
            // No sequence begins here: it all stays.
            name.push_str(before);
            name.push_str(opening);
            rest = behind;
            continue;
        };
        name.push_str(before);
        name.push_str(opening.get(2..)?);
        let length = contents.len().checked_add(2)?;
        let (_, behind) = behind.split_at_checked(length)?;
        match contents {
            "dash" => name.push('-'),
            "dot" => name.push('.'),
            "slash" => name.push('/'),
            "underscores" => name.push_str("__"),
            reserved if RESERVED.contains(&reserved) && escaped.len() == length.checked_add(2)? => {
                name.push_str(reserved);
            }
            _ => return None,
        }
        rest = behind;
    }
    name.push_str(rest);
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each right side is what k8s.io/apiserver gives.
    #[test]
    fn names_are_unescaped() {
        for (escaped, name) in [
            ("", Some("")),
            ("a_b", Some("a_b")),
            ("kubernetes__dot__io__slash__x", Some("kubernetes.io/x")),
            ("a__dash__b__underscores__c", Some("a-b__c")),
            ("__namespace__", Some("namespace")),
            ("a__namespace__", None),
            ("__nothing__", None),
            ("a__b", Some("a__b")),
            ("a__b_c__", Some("a__b_c__")),
            ("a___dot__b", Some("a_.b")),
            ("__dot____dot__", Some("..")),
            ("____", Some("____")),
            ("__dot_", Some("__dot_")),
            ("__a_b__dot__", Some("__a_b.")),
        ] {
            assert_eq!(unescape(escaped).as_deref(), name, "{escaped}");
        }
    }
}
