//! The table of what clients try with a token of the API server's own, where such tokens pass: nothing of the
//! gateway's may go with it.

use super::{Passes, Row, Status, alias, bare, plain, post, row, spdy, trailers, two, with_trailers};

const ROOT: (&str, &str) = ("impersonate-user", "root");
const MASTERS: (&str, &str) = ("impersonate-group", "system:masters");
const POST: &[(&str, &str)] = &[(":method", "POST"), ("te", "trailers"), ROOT];

// A line a row: bytes on the wire can't be broken into lines.
#[rustfmt::skip]
pub(super) fn rows() -> Vec<Row> {
    vec![
        row("passes", Passes(&[]), plain(b"")),
        row("asks, for the API server to judge", Passes(&[ROOT, MASTERS]), plain(b"Impersonate-User: root\r\nImpersonate-Group: system:masters\r\n")),
        row("asks without a user", Passes(&[MASTERS]), plain(b"Impersonate-Group: system:masters\r\n")),
        row("asks by an alias too", Passes(&[ROOT]), plain(b"Impersonate-User: root\r\nImpersonate.Group: system:masters\r\n")),
        alias("asks by an alias too, underscored", Passes(&[ROOT]), plain(b"Impersonate-User: root\r\nImpersonate_User: eve\r\n")),
        row("asks for a kind that nobody knows", Passes(&[ROOT]), plain(b"Impersonate-User: root\r\nImpersonate-Foo: eve\r\nImpersonate-: eve\r\n")),
        row("asks for extra under an odd name", Passes(&[ROOT]), plain(b"Impersonate-User: root\r\nImpersonate-Extra.Scopes: eve\r\n")),
        alias("asks for extra under an odd name, underscored", Passes(&[ROOT]), plain(b"Impersonate-User: root\r\nImpersonate-Extra_Scopes: eve\r\n")),
        row("comes with an identity for a front proxy", Passes(&[]), plain(b"X-Remote-User: root\r\nX.Remote.Group: system:masters\r\n")),
        row("nominates what it asks for", Passes(&[MASTERS]), plain(b"Impersonate-User: root\r\nImpersonate-Group: system:masters\r\nConnection: Impersonate-User\r\n")),
        row("nominates its own token", Status(401), plain(b"Connection: Authorization\r\n")),
        row("an upgrade", Passes(&[ROOT]), spdy(b"Connection: Upgrade\r\nImpersonate-User: root\r\n")),
        row("an upgrade that nominates", Status(400), spdy(b"Connection: Upgrade, Impersonate-User\r\nImpersonate-User: root\r\n")),
        row("over HTTP/2", Passes(&[ROOT]), two(&[ROOT, ("impersonate.user", "eve"), ("x-remote-user", "eve")])),
        row("with trailers", Passes(&[ROOT]), post(b"Impersonate-User: root\r\nTransfer-Encoding: chunked\r\n", b"3\r\nabc\r\n0\r\nImpersonate-User: eve\r\nImpersonate_Group: system:masters\r\nAuthorization: Bearer {token}\r\n\r\n")),
        trailers("with trailers over HTTP/2", Passes(&[ROOT]), with_trailers(POST, &[("impersonate-user", "eve"), ("impersonate_group", "eve"), ("authorization", "Bearer {token}")])),
        row("with our token too", Status(401), plain(b"Authorization: Bearer upstream-token-1\r\n")),
        row("with our token alone", Status(401), bare(b"Authorization: Bearer upstream-token-1\r\nImpersonate-User: root\r\n")),
        row("with its token twice", Status(401), plain(b"Authorization: Bearer {token}\r\n")),
        row("with the sidecar's token", Status(401), bare(b"Authorization: Bearer token-of-the-sidecars-own-account\r\n")),
    ]
}
