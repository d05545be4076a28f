//! The table of what clients try with `kubectl --as`, sent by alice, who may act as some (`policy.rs`).

use super::{
    Acts, Arrives, Refused, Row, Status, alias, plain, post, row, spdy, trailers, two, websocket,
    with_trailers,
};

const EVE: (&str, &str) = ("impersonate-user", "eve");
const BOB: (&str, &str) = ("impersonate-user", "bob");

// A line a row: bytes on the wire can't be broken into lines.
#[rustfmt::skip]
pub(super) fn rows() -> Vec<Row> {
    let eve = Acts(&[EVE]);
    vec![
        row("acts as who is allowed", eve, plain(b"Impersonate-User: eve\r\n")),
        row("acts with all there is", Acts(&[EVE, ("impersonate-group", "x y"), ("impersonate-group", "a,b"), ("impersonate-uid", "u-9"), ("impersonate-extra-scopes", "x")]), plain(b"impersonate-user: eve\r\nImpersonate-Group: x y\r\nIMPERSONATE-GROUP: a,b\r\nImpersonate-Uid: u-9\r\nImpersonate-Extra-Scopes: x\r\n")),
        row("acts as a service account", Acts(&[("impersonate-user", "system:serviceaccount:ci:deployer")]), plain(b"Impersonate-User: system:serviceaccount:ci:deployer\r\n")),
        row("acts as who is denied", Status(403), plain(b"Impersonate-User: root\r\n")),
        row("acts with a group that is denied", Status(403), plain(b"Impersonate-User: eve\r\nImpersonate-Group: dev\r\nImpersonate-Group: system:masters\r\n")),
        row("acts with a uid that is denied", Status(403), plain(b"Impersonate-User: eve\r\nImpersonate-Uid: 0\r\n")),
        row("acts with an extra value that is denied", Status(403), plain(b"Impersonate-User: eve\r\nImpersonate-Extra-Scopes: all\r\n")),
        row("acts as who is allowed, and has been denied more", eve, plain(b"Impersonate-User: eve\r\n")),
        // Nominations: on a plain request Envoy takes away what is named before anybody is asked.
        row("nominates whom it acts as", Arrives, plain(b"Impersonate-User: eve\r\nConnection: close, Impersonate-User\r\n")),
        row("nominates whom it acts as, who is denied", Arrives, plain(b"Connection: Impersonate-User\r\nImpersonate-User: root\r\n")),
        row("nominates whom it acts as, but not their group", Status(400), plain(b"Impersonate-User: eve\r\nImpersonate-Group: dev\r\nConnection: Impersonate-User\r\n")),
        row("nominates the group that would be denied", eve, plain(b"Impersonate-User: eve\r\nImpersonate-Group: system:masters\r\nConnection: Impersonate-Group\r\n")),
        row("nominates whom it acts as by Keep-Alive and Proxy-Connection", eve, plain(b"Impersonate-User: eve\r\nKeep-Alive: Impersonate-User\r\nProxy-Connection: Impersonate-User\r\n")),
        row("nominates whom it acts as in quotes", eve, plain(b"Impersonate-User: eve\r\nConnection: \"Impersonate-User\"\r\n")),
        row("nominates the person behind it", eve, plain(b"Impersonate-User: eve\r\nConnection: Impersonate-Extra-originaluser.jetstack.io-user\r\n")),
        row("nominates what the gateway adds", eve, plain(b"Impersonate-User: eve\r\nConnection: Impersonate-Extra-Stage, Impersonate-Extra-Remote-Client-Ip\r\n")),
        // Upgrades.
        row("SPDY as somebody else", eve, spdy(b"Connection: Upgrade\r\nImpersonate-User: eve\r\n")),
        row("a WebSocket as somebody else", Acts(&[EVE, ("impersonate-group", "dev")]), websocket(b"Impersonate-User: eve\r\nConnection: keep-alive, Upgrade\r\nImpersonate-Group: dev\r\n")),
        row("SPDY as who is denied", Status(403), spdy(b"Connection: Upgrade\r\nImpersonate-User: root\r\n")),
        row("a WebSocket as who is denied", Status(403), websocket(b"Connection: Upgrade\r\nImpersonate-User: root\r\n")),
        row("SPDY that nominates whom it acts as", Status(400), spdy(b"Connection: Upgrade, Impersonate-User\r\nImpersonate-User: eve\r\n")),
        row("a WebSocket that nominates whom it acts as", Status(400), websocket(b"Impersonate-User: eve\r\nConnection: Impersonate-User, Upgrade\r\n")),
        row("SPDY that nominates whom it acts as on a second line", Status(400), spdy(b"Connection: Upgrade\r\nImpersonate-User: eve\r\nConnection: Impersonate-User\r\n")),
        row("SPDY that nominates the person behind it", Status(400), spdy(b"Impersonate-User: eve\r\nConnection: Upgrade, Impersonate-Extra-originaluser.jetstack.io-user\r\n")),
        row("SPDY that nominates behind a semicolon", eve, spdy(b"Impersonate-User: eve\r\nConnection: Upgrade; Impersonate-User\r\n")),
        row("SPDY that nominates by Keep-Alive and Proxy-Connection", eve, spdy(b"Impersonate-User: eve\r\nConnection: Upgrade\r\nKeep-Alive: Impersonate-User\r\nProxy-Connection: Impersonate-User\r\n")),
        row("Upgrade: h2c as somebody else", eve, plain(b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nImpersonate-User: eve\r\n")),
        row("SPDY over HTTP/2 as somebody else", eve, two(&[(":method", "CONNECT"), (":protocol", "SPDY/3.1"), EVE])),
        row("SPDY over HTTP/2 as who is denied", Refused, two(&[(":method", "CONNECT"), (":protocol", "SPDY/3.1"), ("impersonate-user", "root")])),
        // Twice, and by another name, beside what is allowed.
        row("acts as one twice", Status(400), plain(b"Impersonate-User: eve\r\nImpersonate-User: eve\r\n")),
        row("acts as two, in two cases", Status(400), plain(b"Impersonate-User: eve\r\nIMPERSONATE-USER: root\r\n")),
        row("acts as two, apart", Status(400), plain(b"Impersonate-User: eve\r\nX-Other: a\r\nImpersonate-User: root\r\n")),
        row("acts as a list", Status(403), plain(b"Impersonate-User: eve, root\r\n")),
        row("acts as two by an obs-fold", Status(403), plain(b"Impersonate-User: eve\r\n root\r\n")),
        row("acts as two by a bare line feed", Status(400), plain(b"Impersonate-User: eve\nImpersonate-User: root\r\n")),
        // Envoy makes a blank of it.
        row("acts as two by a bare carriage return", Status(403), plain(b"Impersonate-User: eve\rImpersonate-User: root\r\n")),
        row("acts as nobody", Status(400), plain(b"Impersonate-User: \r\n")),
        row("acts with two uids", Status(400), plain(b"Impersonate-User: eve\r\nImpersonate-Uid: u-9\r\nImpersonate-Uid: u-9\r\n")),
        row("acts with an empty group", Status(400), plain(b"Impersonate-User: eve\r\nImpersonate-Group:\r\n")),
        row("acts with an alias of the user", Status(400), plain(b"Impersonate-User: eve\r\nImpersonate.User: root\r\n")),
        alias("acts with an alias of the user, underscored", Status(400), plain(b"Impersonate_User: root\r\nImpersonate-User: eve\r\n")),
        row("acts with an alias of a group", Status(400), plain(b"Impersonate-User: eve\r\nImpersonate-Group: dev\r\nImpersonate.Group: system:masters\r\n")),
        alias("acts with an alias of a group, underscored", Status(400), plain(b"Impersonate-User: eve\r\nImpersonate-Group: dev\r\nimpersonate_group: system:masters\r\n")),
        row("acts with an alias of an extra", Status(400), plain(b"Impersonate-User: eve\r\nImpersonate.Extra.Scopes: x\r\n")),
        row("acts with a kind that nobody knows", Status(400), plain(b"Impersonate-User: eve\r\nImpersonate-Groups: system:masters\r\n")),
        row("acts with an identity for a front proxy", eve, plain(b"Impersonate-User: eve\r\nX-Remote-User: root\r\nX.Remote-Group: system:masters\r\n")),
        row("acts with a percent-encoded name", eve, plain(b"Impersonate-User: eve\r\nImpersonate%2DGroup: system:masters\r\n")),
        row("acts with a tab behind the value", eve, plain(b"Impersonate-User: eve\t \r\n")),
        row("acts over HTTP/2", Acts(&[EVE, ("impersonate-group", "dev")]), two(&[("impersonate-group", "dev"), EVE])),
        row("acts over HTTP/2 as who is denied", Refused, two(&[("impersonate-user", "root")])),
        row("acts over HTTP/2 as two", Refused, two(&[EVE, ("impersonate-user", "root")])),
        row("acts over HTTP/2 with an alias", Refused, two(&[EVE, ("impersonate.user", "root")])),
        row("acts over HTTP/2 with Connection", Refused, two(&[EVE, ("connection", "impersonate-user")])),
        // Extra that only the gateway sets. The cluster would allow all of it.
        row("names the person behind it", Status(403), plain(b"Impersonate-User: eve\r\nImpersonate-Extra-originaluser.jetstack.io-user: x\r\n")),
        row("names the person behind it in odd case", Status(403), plain(b"Impersonate-User: eve\r\nIMPERSONATE-EXTRA-ORIGINALUSER.JETSTACK.IO-GROUPS: x\r\n")),
        row("names the person behind it by an escaped letter", Status(403), plain(b"Impersonate-User: eve\r\nImpersonate-Extra-%6friginaluser.jetstack.io-user: x\r\n")),
        row("names the person behind it by escaped dots", Status(403), plain(b"Impersonate-User: eve\r\nImpersonate-Extra-originaluser%2ejetstack%2Eio-uid: x\r\n")),
        row("names the person behind it by an escaped capital", Status(400), plain(b"Impersonate-User: eve\r\nImpersonate-Extra-%4friginaluser.jetstack.io-user: x\r\n")),
        row("names the person behind it with half an escape", Status(403), plain(b"Impersonate-User: eve\r\nImpersonate-Extra-originaluser.jetstack.io-user%2: x\r\n")),
        row("names the person behind it by an alias", Status(400), plain(b"Impersonate-User: eve\r\nImpersonate-Extra.originaluser.jetstack.io-user: x\r\n")),
        row("names another key, escaped twice", Acts(&[EVE, ("impersonate-extra-originaluser%252ejetstack.io-user", "x")]), plain(b"Impersonate-User: eve\r\nImpersonate-Extra-originaluser%252ejetstack.io-user: x\r\n")),
        row("names another key, which can't be unescaped", Acts(&[EVE, ("impersonate-extra-%6friginaluser.jetstack.io-user%zz", "x")]), plain(b"Impersonate-User: eve\r\nImpersonate-Extra-%6friginaluser.jetstack.io-user%zz: x\r\n")),
        row("names another key, with a long s", Acts(&[EVE, ("impersonate-extra-%c5%bftage", "x")]), plain(b"Impersonate-User: eve\r\nImpersonate-Extra-%C5%BFtage: x\r\n")),
        alias("names another key, underscored", Acts(&[EVE, ("impersonate-extra-originaluser_jetstack.io-user", "x")]), plain(b"Impersonate-User: eve\r\nImpersonate-Extra-originaluser_jetstack.io-user: x\r\n")),
        row("names what the gateway adds", Status(403), plain(b"Impersonate-User: eve\r\nImpersonate-Extra-Stage: test\r\n")),
        row("names what the gateway adds, escaped", Status(403), plain(b"Impersonate-User: eve\r\nImpersonate-Extra-%72emote-client-ip: x\r\n")),
        row("names a key that is none", Status(400), plain(b"Impersonate-User: eve\r\nImpersonate-Extra-: x\r\n")),
        // Body and trailers that come while the request waits for its leave: they lie in the same TLS record as the
        // head, so Envoy has them before it can have an answer. Nobody has asked for these targets before.
        row("identity trailers behind a wait", Acts(&[BOB, ("impersonate-uid", "u-9")]), post(b"Impersonate-User: bob\r\nImpersonate-Uid: u-9\r\nTransfer-Encoding: chunked\r\n", b"3\r\nabc\r\n0\r\nImpersonate-User: root\r\nImpersonate-Group: system:masters\r\nImpersonate_Group: system:masters\r\nX-Remote-User: root\r\nAuthorization: Bearer {token}\r\n\r\n")),
        row("identity trailers behind a wait that is over", Acts(&[BOB, ("impersonate-uid", "u-9")]), post(b"Impersonate-User: bob\r\nImpersonate-Uid: u-9\r\nTransfer-Encoding: chunked\r\n", b"3\r\nabc\r\n0\r\nImpersonate-User: root\r\nAuthorization: Bearer {token}\r\n\r\n")),
        row("identity trailers behind a wait, announced and nominated", Acts(&[BOB, ("impersonate-group", "dev")]), post(b"Impersonate-User: bob\r\nImpersonate-Group: dev\r\nTransfer-Encoding: chunked\r\nTrailer: Impersonate-Group, Impersonate-Extra-originaluser.jetstack.io-user\r\nTE: trailers\r\nConnection: TE, Trailer\r\n", b"3\r\nabc\r\n0\r\nImpersonate-Group: system:masters\r\nImpersonate-Extra-originaluser.jetstack.io-user: root\r\n\r\n")),
        row("identity trailers behind a wait that ends in a denial", Status(403), post(b"Impersonate-User: root\r\nTransfer-Encoding: chunked\r\n", b"3\r\nabc\r\n0\r\nImpersonate-User: eve\r\nAuthorization: Bearer {token}\r\n\r\n")),
        row("who it acts as comes in the trailers", Arrives, post(b"Transfer-Encoding: chunked\r\nTrailer: Impersonate-User\r\n", b"3\r\nabc\r\n0\r\nImpersonate-User: eve\r\n\r\n")),
        row("a request as the body behind a wait", Acts(&[BOB, ("impersonate-group", "x y")]), post(b"Impersonate-User: bob\r\nImpersonate-Group: x y\r\nContent-Length: 39\r\n", b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")),
        row("a request as the body behind a wait that ends in a denial", Status(403), post(b"Impersonate-User: bob\r\nImpersonate-Group: system:masters\r\nContent-Length: 35\r\n", b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")),
        row("an expectation behind a wait", Acts(&[BOB, ("impersonate-group", "a,b")]), post(b"Impersonate-User: bob\r\nImpersonate-Group: a,b\r\nContent-Length: 3\r\nExpect: 100-continue\r\n", b"abc")),
        trailers("identity trailers over HTTP/2 behind a wait", Acts(&[BOB, ("impersonate-extra-a", "x")]), with_trailers(&[(":method", "POST"), ("te", "trailers"), BOB, ("impersonate-extra-a", "x")], &[("impersonate-user", "root"), ("impersonate_group", "system:masters"), ("impersonate-extra-a", "view"), ("authorization", "Bearer {token}"), ("x.remote.user", "root")])),
        row("plain identity trailers over HTTP/2 behind a wait", Acts(&[BOB, ("impersonate-extra-b", "x")]), with_trailers(&[(":method", "POST"), ("te", "trailers"), BOB, ("impersonate-extra-b", "x")], &[("impersonate-user", "root"), ("impersonate-group", "system:masters"), ("impersonate-extra-b", "view"), ("x-sum", "1")])),
    ]
}
