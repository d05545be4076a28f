//! Starts both programs with a file, and reads from their logs what they make of it.

use std::path::Path;
use std::time::Duration;

use ::tests::process::{Process, free_port, tool};
use ::tests::{sidecar, wait};
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::Instant;

use super::{Answers, File, flags};

/// How long a program may take until it has read the file, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);
/// The API server's own issuers, not sorted: both programs are told.
pub(super) const OWN_ISSUERS: [&str; 2] = ["https://kubernetes.default.svc", "https://a.example"];
/// kube-apiserver logs this (of another file, which there isn't) once it has built its authenticators.
const KUBE_APISERVER_GOES_ON: &str = "The manifest file is empty, ignoring.";
/// What the sidecar logs when it goes on.
const GATEWAY_GOES_ON: &str = "serving snapshots";

/// The files that both programs want besides.
pub(super) struct Starts {
    directory: TempDir,
}

impl Starts {
    pub(super) async fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name);
        _ = ::tests::Ca::new("unused").leaf(&["127.0.0.1"]).write(directory.path(), "serving");
        std::fs::write(path("token"), "unused").expect("write the credential");
        std::fs::write(path(flags::CA), ::tests::Ca::new("issuer CA").pem()).expect("write a CA");
        std::fs::write(path(flags::NO_CA), "none").expect("write what is none");
        // Both are installed before the first one is timed.
        _ = (tool("kube-apiserver").await, sidecar::binary().await);
        Self { directory }
    }

    /// What both say of this file, or of these flags.
    pub(super) async fn with(&self, number: usize, File { text, flags, .. }: &File) -> Answers {
        let directory = self.directory.path().join(number.to_string());
        std::fs::create_dir_all(&directory).expect("a directory of the file's own");
        let shared = self.directory.path().display().to_string();
        let mut given: Vec<_> = flags.iter().map(|flag| flag.replace(flags::DIRECTORY, &shared)).collect();
        if let Some(text) = text {
            let file = directory.join("authn.yaml");
            std::fs::write(&file, text).expect("write the file");
            given.push(format!("--authentication-config={}", file.display()));
        }
        let (kube_apiserver, gateway) =
            tokio::join!(self.kube_apiserver(&directory, &given), self.gateway(&directory, &given));
        std::fs::remove_dir_all(&directory).expect("remove the directory");
        Answers { kube_apiserver, gateway }
    }

    async fn kube_apiserver(&self, directory: &Path, given: &[String]) -> Result<(), String> {
        let shared = self.directory.path();
        let mut command = Command::new(tool("kube-apiserver").await);
        let flag = |name: &str, path: &Path| format!("--{name}={}", path.display());
        command
            // Nobody listens there: it gets no further than to the end of its configuration.
            .args([
                "--etcd-servers=http://127.0.0.1:1",
                "--bind-address=127.0.0.1",
                "--advertise-address=127.0.0.1",
            ])
            .arg("--service-cluster-ip-range=10.0.0.0/24")
            .args(own_issuers())
            .args(["--authorization-mode=RBAC"])
            .arg(format!("--secure-port={}", free_port()))
            .arg(flag("cert-dir", directory))
            .arg(flag("tls-cert-file", &shared.join("serving.pem")))
            .arg(flag("tls-private-key-file", &shared.join("serving-key.pem")))
            .arg(flag("service-account-key-file", &shared.join("serving.pem")))
            .arg(flag("service-account-signing-key-file", &shared.join("serving-key.pem")))
            .args(given)
            .current_dir(directory);
        let process = Process::start("kube-apiserver", &mut command, &directory.join("kube-apiserver.log"));
        let log = until(process, KUBE_APISERVER_GOES_ON).await;
        log.map_or(Ok(()), |log| Err(command_failed(&log)))
    }

    async fn gateway(&self, directory: &Path, given: &[String]) -> Result<(), String> {
        let mut command = Command::new(sidecar::binary().await);
        let flag = |name: &str, path: &Path| format!("--{name}={}", path.display());
        command
            .args(given)
            .args(own_issuers())
            .arg(flag("upstream-token-file", &self.directory.path().join("token")))
            .arg(format!("--listen=unix:{}", directory.join("sync.sock").display()))
            .arg("--health-address=127.0.0.1:0");
        let process = Process::start("jwks-sync", &mut command, &directory.join("jwks-sync.log"));
        let log = until(process, GATEWAY_GOES_ON).await;
        log.map_or(Ok(()), |log| Err(log.trim_end().trim_start_matches("jwks-sync: ").to_owned()))
    }
}

fn own_issuers() -> impl Iterator<Item = String> {
    OWN_ISSUERS.iter().map(|issuer| format!("--service-account-issuer={issuer}"))
}

/// Waits until the program says that it goes on, or has ended: then its log.
async fn until(mut process: Process, goes_on: &str) -> Option<String> {
    let end = Instant::now() + PATIENCE;
    loop {
        let has_ended = process.ended().is_some();
        let log = process.log();
        if log.contains(goes_on) {
            process.kill().await;
            return None;
        }
        if has_ended {
            return Some(log);
        }
        assert!(Instant::now() < end, "no verdict on the file after {PATIENCE:?}\n{log}");
        tokio::time::sleep(wait::POLL).await;
    }
}

/// The error with which kube-apiserver ends, out of klog's line: `err="…"` on one line, `err=<…>` on several.
fn command_failed(log: &str) -> String {
    let Some((_, error)) = log.split_once("\"command failed\" err=") else { panic!("no verdict in\n{log}") };
    if let Some(lines) = error.strip_prefix("<\n") {
        let (lines, _) = lines.split_once("\n >").expect("the end of an error");
        let lines: Vec<_> = lines.lines().map(|line| line.strip_prefix('\t').unwrap_or(line)).collect();
        return lines.join("\n");
    }
    let line = error.lines().next().unwrap_or_default();
    go_unquoted(line)
}

/// A Go string literal (`strconv.Quote`), read.
fn go_unquoted(quoted: &str) -> String {
    let quoted = quoted.trim();
    let inner = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(quoted);
    let (mut text, mut letters) = (String::new(), inner.chars());
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            text.push(letter);
            continue;
        }
        match letters.next() {
            Some('n') => text.push('\n'),
            Some('t') => text.push('\t'),
            Some('r') => text.push('\r'),
            Some('x') => text.push(code(&mut letters, 2)),
            Some('u') => text.push(code(&mut letters, 4)),
            Some('U') => text.push(code(&mut letters, 8)),
            Some(other) => text.push(other),
            None => {}
        }
    }
    text
}

fn code(letters: &mut impl Iterator<Item = char>, digits: usize) -> char {
    let digits: String = letters.take(digits).collect();
    u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_an_error_are_read() {
        let one = "I1 x\nE1 run.go:72] \"command failed\" err=\"failed: \\\"a\\\" \\u00e9\\x00\"\n";
        assert_eq!(command_failed(one), "failed: \"a\" \u{e9}\0");
        let several = "E1 run.go:72] \"command failed\" err=<\n\tinvalid: a\n\t | b\n >\n";
        assert_eq!(command_failed(several), "invalid: a\n | b");
    }
}
