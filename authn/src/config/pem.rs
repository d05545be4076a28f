//! Whether a text holds certificates in PEM form (RFC 7468), as `ParseCertsPEM` of client-go sees it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Checks that there is at least one certificate and that none of them is plainly broken. The TLS library reads
/// them for good.
pub(super) fn check_certificates(pem: &str) -> Result<(), &'static str> {
    let mut has_certificate = false;
    let mut lines = pem.lines().map(str::trim_end);
    while let Some(line) = lines.next() {
        let Some(label) = line.strip_prefix("-----BEGIN ").and_then(|rest| rest.strip_suffix("-----")) else {
            continue;
        };
        let end = format!("-----END {label}-----");
        // A block that does not end, or whose text is not base64, is no block: reading goes on behind its first
        // line, as Go's decoder does.
        let Some(block) = read_block(lines.clone(), &end) else { continue };
        // Blocks with headers (RFC 1421 encryption) and keys in the same bundle are passed over.
        if label == "CERTIFICATE" && !block.has_headers {
            check_der(&block.der)?;
            has_certificate = true;
        }
        let is_inside = |line: &&str| *line != end;
        while lines.next().as_ref().is_some_and(is_inside) {}
    }
    if has_certificate { Ok(()) } else { Err("data does not contain any valid RSA or ECDSA certificates") }
}

struct Block {
    has_headers: bool,
    der: Vec<u8>,
}

fn read_block<'a>(lines: impl Iterator<Item = &'a str>, end: &str) -> Option<Block> {
    let mut text = String::new();
    let mut has_headers = false;
    for line in lines {
        if line == end {
            let der = STANDARD.decode(text).ok()?;
            return Some(Block { has_headers, der });
        }
        if text.is_empty() && line.contains(':') {
            has_headers = true;
        } else {
            text.extend(line.chars().filter(|character| !character.is_ascii_whitespace()));
        }
    }
    None
}

/// A certificate is one DER SEQUENCE (RFC 5280 4.1, X.690 8.9) and nothing behind it.
fn check_der(der: &[u8]) -> Result<(), &'static str> {
    let malformed = "x509: malformed certificate";
    let (length, content) = match der {
        [0x30, short @ 0..=0x7f, content @ ..] => (usize::from(*short), content),
        [0x30, 0x81, length, content @ ..] => (usize::from(*length), content),
        [0x30, 0x82, high, low, content @ ..] => (usize::from(u16::from_be_bytes([*high, *low])), content),
        _ => return Err(malformed),
    };
    match content.len().checked_sub(length) {
        Some(0) if length != 0 => Ok(()),
        Some(1..) => Err("x509: trailing data"),
        _ => Err(malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Not a certificate, but of its outer shape.
    const BLOCK: &str = "-----BEGIN CERTIFICATE-----\nMAMC\nAQE=\n-----END CERTIFICATE-----\n";

    #[test]
    fn a_bundle_needs_a_certificate() {
        let none = Err("data does not contain any valid RSA or ECDSA certificates");
        for (pem, outcome) in [
            (BLOCK.to_owned(), Ok(())),
            (format!("# our CA\n{BLOCK}\n{BLOCK}"), Ok(())),
            (BLOCK.replace('\n', "\r\n"), Ok(())),
            (format!("{}{BLOCK}", BLOCK.replace("CERTIFICATE", "PRIVATE KEY")), Ok(())),
            (BLOCK.replace("CERTIFICATE", "PRIVATE KEY"), none),
            (BLOCK.replace("CERTIFICATE", "TRUSTED CERTIFICATE"), none),
            (BLOCK.replace("MAMC", "Proc-Type: 4,ENCRYPTED\n\nMAMC"), none),
            ("not a certificate".to_owned(), none),
            (BLOCK.replace("MAMC", "*"), none),
            (BLOCK.replace("-----END CERTIFICATE-----", ""), none),
            (BLOCK.replace("MAMC\nAQE=", ""), Err("x509: malformed certificate")),
            (BLOCK.replace("MAMC\nAQE=", "BAIBAQ=="), Err("x509: malformed certificate")),
            (BLOCK.replace("MAMC\nAQE=", "MAQCAQE="), Err("x509: malformed certificate")),
            (BLOCK.replace("MAMC\nAQE=", "MAICAQE="), Err("x509: trailing data")),
            (format!("{BLOCK}{}", BLOCK.replace("MAMC", "BAMC")), Err("x509: malformed certificate")),
        ] {
            assert_eq!(check_certificates(&pem), outcome, "{pem}");
        }
    }
}
