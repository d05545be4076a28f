//! The classic `--oidc-*` flags in place of a file, and beside one. Both programs have them under the same names.

use crate::files::starts::OWN_ISSUERS;
use crate::random::Random;

/// Stands for the directory with the files that flags name.
pub(super) const DIRECTORY: &str = "$directory";
/// A CA in it, and a file that is none.
pub(super) const CA: &str = "ca.pem";
pub(super) const NO_CA: &str = "no-ca.pem";

/// What names the file.
pub(super) const FILE: &str = "--authentication-config";

/// Flags and their values: those for which there is nothing to say against the flag first.
const FLAGS: &[(&str, &[&str])] = &[
    (
        "--oidc-issuer-url",
        &[
            "https://127.0.0.1:1/a",
            "https://127.0.0.1:1/a",
            "https://127.0.0.1:1/a",
            "HTTPS://127.0.0.1:1/a/",
            "",
            "http://127.0.0.1:1/a",
            "https://u:p@127.0.0.1:1",
            "https://127.0.0.1:1?a#b",
            "127.0.0.1",
            OWN_ISSUERS[0],
        ],
    ),
    ("--oidc-client-id", &["kubernetes", "kubernetes", "kubernetes", "a b,c", "\u{e9}", ""]),
    ("--oidc-username-claim", &["sub", "email", "preferred_username", "example.com/name", ""]),
    ("--oidc-username-prefix", &["-", "", "oidc:", "--", "\u{e9} "]),
    ("--oidc-groups-claim", &["groups", "", "cognito:groups"]),
    ("--oidc-groups-prefix", &["oidc:", "", "-"]),
    (
        "--oidc-signing-algs",
        &["RS256", "ES256,PS512", "RS256,RS256", "RS256", "HS256", "RS256,none", "rs256", "EdDSA", "RS256,"],
    ),
    ("--oidc-required-claim", &["hd=example.com", "hd=a=b", "hd=", " hd = a ", "=a", "hd=a,acr=b"]),
    (FILE, &["$directory/nowhere.yaml", "$directory"]),
    (
        "--oidc-ca-file",
        &["$directory/ca.pem", "$directory/ca.pem", "$directory/no-ca.pem", "$directory/nowhere.pem", ""],
    ),
];

/// What they are about: a flag each.
pub(super) fn all() -> impl Iterator<Item = &'static str> {
    FLAGS.iter().map(|(flag, _)| *flag)
}

/// Flags that are given, and what they are about.
pub(super) fn flags(random: &mut Random) -> (Vec<&'static str>, Vec<String>) {
    let (mut about, mut given) = (Vec::new(), Vec::new());
    for (flag, values) in FLAGS {
        // Without the first two, nothing else is looked at.
        let share = match *flag {
            "--oidc-issuer-url" | "--oidc-client-id" => 92,
            FILE => 25,
            _ => 35,
        };
        if !random.percent(share) {
            continue;
        }
        about.push(*flag);
        let value = if random.percent(60) { values[0] } else { *random.pick(values) };
        given.push(format!("{flag}={value}"));
    }
    // A file that can't be read is only told where there is nothing else to tell.
    if about.contains(&FILE) && random.percent(40) {
        about.retain(|flag| *flag == FILE);
        given.retain(|flag| flag.starts_with(FILE));
    }
    (about, given)
}
