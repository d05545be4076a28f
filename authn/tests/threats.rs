//! The catalogue of attacks on JWTs, and the odd tokens that Envoy's own `jwt_authn` takes: what becomes of them here.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

mod support;

use authn::algorithm::{Algorithm, AlgorithmSet};
use authn::base64url;
use authn::issuer::Issuer;
use authn::keys::Key;
use authn::request::Request;
use authn::signature::Portable;
use authn::snapshot::{Generation, Snapshot};
use serde_json::json;
use support::*;

/// Each attack of the catalogue and the file that has its rows.
const CATALOGUE: [(&str, &str); 22] = [
    ("alg-none", HERE),
    ("rs-hs-confusion", HERE),
    ("alg-key-mismatch", HERE),
    ("kid-injection", HERE),
    ("embedded-keys", HERE),
    ("duplicate-members", HERE),
    ("crit-and-b64", HERE),
    ("wrong-claim-type", HERE),
    ("exp-saturation", HERE),
    ("control-characters", HERE),
    ("huge-tokens", HERE),
    ("base64-malleability", HERE),
    ("psychic-signatures", HERE),
    ("ecdsa-der", HERE),
    ("jwks-key-use", SUPPLY),
    ("jwe-and-nesting", HERE),
    ("cross-jwt", HERE),
    ("cross-issuer", HERE),
    ("ssrf", SUPPLY),
    ("ssrf-by-claim-source", HERE),
    ("refetch-storm", "the sidecar's own tests"),
    ("cached-past-exp", HERE),
];
/// Rows of the catalogue about users rather than tokens.
const CATALOGUE_OF_USERS: [(&str, &str); 2] = [
    ("system-masters", HERE),
    ("unverified-email", "kubernetes_semantics.rs, and CEL type checking in the sidecar"),
];

const HERE: &str = "threats.rs";
const SUPPLY: &str = "threats_supply.rs";

#[test]
fn every_attack_has_a_row() {
    let (here, supply) = (include_str!("threats.rs"), include_str!("threats_supply.rs"));
    for (name, place) in CATALOGUE.into_iter().chain(CATALOGUE_OF_USERS) {
        let row = format!("threat(\"{name}\")");
        assert_eq!(here.contains(&row), place == HERE, "{name}");
        assert_eq!(supply.contains(&row), place == SUPPLY, "{name}");
    }
}

/// A row of the catalogue.
#[track_caller]
fn threat(name: &'static str) -> Case {
    let mut known = CATALOGUE.iter().chain(&CATALOGUE_OF_USERS);
    assert!(known.any(|(known, _)| *known == name), "{name}");
    case(name)
}

fn with_signature(token: &str, signature: &[u8]) -> String {
    format!("{}.{}", token.rsplit_once('.').unwrap().0, base64url::encode(signature))
}

fn signature_of(token: &str) -> Vec<u8> {
    base64url::decode(token.rsplit_once('.').unwrap().1.as_bytes()).unwrap()
}

// --- the catalogue

/// A token that sends whoever believes it to a place of its own choice.
#[test]
fn ssrf_by_claim_source() {
    let leading_to = |endpoint: &str| {
        let sources = json!({"s": {"endpoint": endpoint, "access_token": "t"}});
        threat("ssrf-by-claim-source")
            .claims(json!({"_claim_names": {"groups": "s"}, "_claim_sources": sources}))
            .issuer(|issuer| issuer.claim_hosts = ["claims.example".to_owned()].into_iter().collect())
    };
    assert!(matches!(leading_to("https://claims.example/").outcome(), Outcome::Ask(_)));
    for endpoint in [
        "https://169.254.169.254/latest/meta-data",
        "https://127.0.0.1:8091/metrics",
        "https://localhost/",
        "https://kubernetes.default.svc/api",
        "http://claims.example/",
        "https://claims.example:6443/",
        "https://claims.example@169.254.169.254/",
        "https://claims.example%40169.254.169.254/",
        "https://169.254.169.254#@claims.example/",
        "https://169.254.169.254\\@claims.example/",
        "https://claims.example.evil.example/",
        "https://claims.example./",
        "https://CLAIMS.example/",
        "https://cl\u{430}ims.example/",
        "https:claims.example/",
        "unix:///run/kube-oidc-filter/jwks-sync.sock",
        "file:///var/run/secrets/kubernetes.io/serviceaccount/token",
    ] {
        leading_to(endpoint).rejects("distributed_groups");
    }
}

#[test]
fn alg_none() {
    for name in ["none", "None", "NONE", "nOnE"] {
        threat("alg-none").header(json!({"alg": name})).rejects("token_algorithm");
        threat("alg-none")
            .header(json!({"alg": name}))
            .mangled(|token| with_signature(&token, b""))
            .rejects("token_algorithm");
    }
    threat("alg-none")
        .header_text("{}")
        .mangled(|token| with_signature(&token, b""))
        .rejects("token_algorithm");
}

#[test]
fn rs_hs_confusion() {
    for name in ["HS256", "HS384", "HS512", "hs256"] {
        let rsa = || threat("rs-hs-confusion").keys([Pair::Rsa.key(KID)]).header(json!({"alg": name}));
        rsa().rejects("token_algorithm");
        // The MAC under the public key's own text.
        rsa()
            .mangled(|token| {
                use hmac_free::hmac_sha256;
                let input = token.rsplit_once('.').unwrap().0.to_owned();
                with_signature(&token, &hmac_sha256(&Pair::Rsa.spki(), input.as_bytes()))
            })
            .rejects("token_algorithm");
    }
}

/// HMAC (RFC 2104) in a few lines, so that no HMAC is compiled in anywhere.
mod hmac_free {
    use sha2::{Digest as _, Sha256};

    pub(crate) fn hmac_sha256(key: &[u8], text: &[u8]) -> Vec<u8> {
        let mut block = [0; 64];
        block[..32].copy_from_slice(&Sha256::digest(key));
        let inner = Sha256::new().chain_update(block.map(|byte| byte ^ 0x36)).chain_update(text).finalize();
        Sha256::new().chain_update(block.map(|byte| byte ^ 0x5c)).chain_update(inner).finalize().to_vec()
    }
}

#[test]
fn alg_key_mismatch() {
    // Each algorithm over each other kind of key, signed by that key as well as it can.
    for algorithm in Algorithm::ALL {
        for pair in [Pair::Rsa, Pair::P256, Pair::P384, Pair::P521] {
            if pair.algorithms().contains(algorithm) {
                continue;
            }
            threat("alg-key-mismatch")
                .algorithm(algorithm)
                .signed_by(pair)
                .keys([pair.key(KID)])
                .rejects("signature");
            // Even if the key set said that it fits: the key itself does not.
            let lying = Key { algorithms: AlgorithmSet::all(), ..pair.key(KID) };
            threat("alg-key-mismatch")
                .algorithm(algorithm)
                .signed_by(pair)
                .keys([lying])
                .rejects("signature");
        }
    }
    // A key that is pinned to one algorithm of RSA is good for no other.
    for algorithm in Algorithm::RSA {
        for pinned in Algorithm::RSA.into_iter().filter(|pinned| *pinned != algorithm) {
            let case = threat("alg-key-mismatch").algorithm(algorithm);
            case.keys([Pair::Rsa.pinned(KID, pinned)]).rejects("signature");
        }
    }
    // The header says one thing, the signature is another.
    for (said, made) in
        [("RS256", Algorithm::Ps256), ("PS256", Algorithm::Rs256), ("RS512", Algorithm::Rs256)]
    {
        let case = threat("alg-key-mismatch").keys([Pair::Rsa.key(KID)]).algorithm(made);
        case.header(json!({"alg": said})).rejects("signature");
    }
}

#[test]
fn kid_injection() {
    let kids = [
        "../../../../dev/null",
        "/dev/null",
        "k1' UNION SELECT 'x",
        "k1; sleep 10",
        "|curl evil.example",
        "https://evil.example/jwks.json",
        "k1\0",
        " k1",
        "k1 ",
        "%6b1",
        "*",
    ];
    for kid in kids {
        threat("kid-injection").header(json!({"kid": kid})).refreshes(kid);
    }
    threat("kid-injection").header(json!({"kid": "x".repeat(300)})).rejects("token_kid_too_long");
    threat("kid-injection").header(json!({"kid": {"$ne": ""}})).rejects("token_header");
    threat("kid-injection").header(json!({"kid": true})).rejects("token_header");
}

#[test]
fn embedded_keys() {
    let attacker = json!({"kty": "EC", "crv": "P-256", "kid": KID,
        "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"});
    let theirs = || threat("embedded-keys").signed_by(Pair::OtherP256);
    theirs().header(json!({"jwk": attacker})).rejects("token_embedded_key");
    theirs().header(json!({"jwk": "x"})).rejects("token_embedded_key");
    theirs().header(json!({"x5c": ["MIIB"]})).rejects("token_embedded_key");
    theirs().header(json!({"jku": "https://evil.example/jwks.json"})).rejects("signature");
    theirs().header(json!({"x5u": "https://evil.example/cert.pem"})).rejects("signature");
    theirs().header(json!({"jku": "https://evil.example", "kid": "evil"})).refreshes("evil");
}

#[test]
fn duplicate_members() {
    threat("duplicate-members").members("\"sub\":\"admin\"").rejects("token_payload");
    threat("duplicate-members").members("\"\\u0073ub\":\"admin\"").rejects("token_payload");
    threat("duplicate-members").members("\"aud\":\"x\"").rejects("token_payload");
    threat("duplicate-members").members("\"a\":{\"b\":[{\"c\":1,\"c\":2}]}").rejects("token_payload");
    let header = |text: &'static str| threat("duplicate-members").header_text(text);
    header("{\"alg\":\"none\",\"alg\":\"ES256\"}").rejects("token_header");
    header("{\"alg\":\"ES256\",\"kid\":\"x\",\"kid\":\"k1\"}").rejects("token_header");
    header("{\"alg\":\"ES256\",\"\\u0061lg\":\"none\"}").rejects("token_header");
}

#[test]
fn crit_and_b64() {
    let crit = |header| threat("crit-and-b64").header(header);
    crit(json!({"crit": ["http://example.com/UNDEFINED"], "http://example.com/UNDEFINED": true}))
        .rejects("token_critical");
    crit(json!({"crit": ["b64"], "b64": false})).rejects("token_critical");
    crit(json!({"crit": ["exp"]})).rejects("token_critical");
    crit(json!({"crit": "b64"})).rejects("token_critical");
    crit(json!({"b64": false})).rejects("token_critical");
    crit(json!({"b64": null})).rejects("token_critical");
    // RFC 7797: signed over the payload as it is, not over its encoding.
    crit(json!({"crit": ["b64"], "b64": false}))
        .mangled(|token| {
            let (header, rest) = token.split_once('.').unwrap();
            let payload = base64url::decode(rest.split_once('.').unwrap().0.as_bytes()).unwrap();
            let input = [header.as_bytes(), b".", &payload].concat();
            with_signature(&token, &Pair::P256.sign(Algorithm::Es256, &input))
        })
        .rejects("token_critical");
}

#[test]
fn wrong_claim_types() {
    threat("wrong-claim-type").claims(json!({"exp": "never"})).rejects("time_claim");
    threat("wrong-claim-type").claims(json!({"exp": {}})).rejects("time_claim");
    threat("wrong-claim-type").claims(json!({"nbf": "never"})).rejects("time_claim");
    threat("wrong-claim-type").claims(json!({"nbf": [0]})).rejects("time_claim");
    threat("wrong-claim-type").claims(json!({"aud": {"kubernetes": 1}})).rejects("claim_type");
    threat("wrong-claim-type").claims(json!({"sub": ["alice", "admin"]})).rejects("claim_type");
    // kube-apiserver reads a number in a string, so it is one here too.
    threat("wrong-claim-type").claims(json!({"exp": (NOW + 1).to_string()})).accepts(user("alice"));
}

#[test]
fn exp_saturation() {
    for exp in [
        json!(i64::MAX),
        json!(u64::MAX),
        json!(1e19),
        json!(-1e19),
        json!(1e308),
        json!("1e400"),
        json!("9e99"),
    ] {
        threat("exp-saturation").claims(json!({"exp": exp})).rejects("time_claim");
    }
    for text in ["1e400", "-1e400", "18446744073709551616", "99999999999999999999999999999999"] {
        let outcome = threat("exp-saturation").without("exp").members(&format!("\"exp\":{text}")).outcome();
        assert!(
            matches!(outcome, Outcome::Reject("time_claim" | "token_payload", 401)),
            "{text}: {outcome:?}"
        );
    }
    threat("exp-saturation").without("exp").rejects("expired");
    threat("exp-saturation").claims(json!({"exp": NOW + 1, "nbf": u64::MAX})).rejects("time_claim");
}

#[test]
fn control_characters() {
    for text in [
        "alice\0",
        "alice\r\nimpersonate-group: system:masters",
        "alice\n",
        "al\u{b}ice",
        "alice\u{7f}",
        "\u{1b}[0m",
    ] {
        threat("control-characters").claims(json!({"sub": text})).answers(403, "username_not_header_safe");
        threat("control-characters").claims(json!({"groups": [text]})).answers(403, "group_not_header_safe");
        threat("control-characters").claims(json!({"jti": text})).answers(403, "extra_not_header_safe");
    }
    threat("control-characters").claims(json!({"groups": ["admins "]})).answers(403, "group_not_header_safe");
    threat("control-characters").username("sub", " ").answers(403, "username_not_header_safe");
}

#[test]
fn huge_tokens() {
    threat("huge-tokens").claims(json!({"x": "y".repeat(13_000)})).answers(431, "token_too_long");
    threat("huge-tokens").mangled(|token| token + &"A".repeat(20_000)).answers(431, "token_too_long");
    threat("huge-tokens").mangled(|_| ".".repeat(20_000)).answers(431, "token_too_long");
    threat("huge-tokens").mangled(|_| ".".repeat(16_000)).rejects("not_a_jwt");
    for (algorithm, length) in [
        (Algorithm::Es256, 64),
        (Algorithm::Es384, 96),
        (Algorithm::Es512, 132),
        (Algorithm::Rs256, 256),
        (Algorithm::Ps512, 256),
    ] {
        let good = threat("huge-tokens").algorithm(algorithm).keys([Pair::of(algorithm).key(KID)]);
        assert_eq!(signature_of(&good.token()).len(), length, "{algorithm}");
        good.accepts(user("alice"));
        for change in [
            |signature: &[u8]| [signature, &[0]].concat(),
            |signature: &[u8]| [&[0], signature].concat(),
            |signature: &[u8]| signature[1..].to_vec(),
            |signature: &[u8]| signature[..signature.len() - 1].to_vec(),
            |signature: &[u8]| [signature, signature].concat(),
            |_: &[u8]| Vec::new(),
            |_: &[u8]| vec![0; 8_000],
        ] {
            let case = threat("huge-tokens").algorithm(algorithm).keys([Pair::of(algorithm).key(KID)]);
            let token = case.token();
            let changed = with_signature(&token, &change(&signature_of(&token)));
            assert_eq!(
                decided(&case_snapshot(algorithm), &changed),
                Outcome::Reject("signature", 401),
                "{algorithm}"
            );
        }
    }
}

fn case_snapshot(algorithm: Algorithm) -> Snapshot {
    let mut issuer = issuer();
    issuer.keys = Some(keys([Pair::of(algorithm).key(KID)]));
    snapshot([issuer])
}

fn decided(snapshot: &Snapshot, token: &str) -> Outcome {
    let authorization = format!("Bearer {token}");
    let lines = [("authorization", authorization.as_bytes())];
    judge(&mut authenticator(snapshot.clone()), &Request::read(&lines), at(NOW), &Portable).into()
}

#[test]
fn base64_malleability() {
    threat("base64-malleability").mangled(|token| token + "=").rejects("token_signature_encoding");
    threat("base64-malleability").mangled(|token| token + "==").rejects("token_signature_encoding");
    threat("base64-malleability").mangled(|token| token.replacen('.', "=.", 1)).rejects("token_header");
    threat("base64-malleability").mangled(|token| token.replace('.', "..")).rejects("not_a_jwt");
    threat("base64-malleability").mangled(|token| format!(".{token}")).rejects("not_a_jwt");
    threat("base64-malleability")
        .mangled(|token| format!("..{}..", token.replace('.', "..")))
        .rejects("not_a_jwt");
    // Every other last character that decodes to the same bytes.
    let token = good_token();
    let snapshot = snapshot([issuer()]);
    for last in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=".chars() {
        let other = format!("{}{last}", &token[..token.len() - 1]);
        if other != token {
            assert!(matches!(decided(&snapshot, &other), Outcome::Reject(_, 401)), "{last}");
        }
    }
    let standard = token.replace('-', "+").replace('_', "/");
    assert!(standard == token || matches!(decided(&snapshot, &standard), Outcome::Reject(_, 401)));
    for blank in ["\n", "\r\n", " ", "\t", "%20"] {
        let other = token.replacen('.', &format!("{blank}."), 1);
        assert!(matches!(decided(&snapshot, &other), Outcome::Reject(_, 401)), "{blank:?}");
    }
}

#[test]
fn psychic_signatures() {
    const ORDER: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa,
        0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    let (zero, one) = ([0; 32], {
        let mut one = [0; 32];
        one[31] = 1;
        one
    });
    let token = threat("psychic-signatures").token();
    for (r, s) in [
        (zero, zero),
        (zero, one),
        (one, zero),
        (ORDER, ORDER),
        (ORDER, one),
        (one, ORDER),
        (zero, ORDER),
        ([0xff; 32], [0xff; 32]),
        (one, one),
    ] {
        let forged = with_signature(&token, &[r, s].concat());
        assert_eq!(decided(&snapshot([issuer()]), &forged), Outcome::Reject("signature", 401));
    }
    for algorithm in Algorithm::ALL {
        let token = threat("psychic-signatures").algorithm(algorithm).token();
        for byte in [0, 1, 0xff] {
            let forged = with_signature(&token, &vec![byte; signature_of(&token).len()]);
            assert_eq!(
                decided(&case_snapshot(algorithm), &forged),
                Outcome::Reject("signature", 401),
                "{algorithm}"
            );
        }
    }
}

#[test]
fn ecdsa_der() {
    for algorithm in [Algorithm::Es256, Algorithm::Es384, Algorithm::Es512] {
        let token = threat("ecdsa-der").algorithm(algorithm).token();
        let der = authn::signature::ecdsa_signature_der(algorithm, &signature_of(&token)).unwrap();
        let forged = with_signature(&token, der.as_slice());
        assert_eq!(
            decided(&case_snapshot(algorithm), &forged),
            Outcome::Reject("signature", 401),
            "{algorithm}"
        );
    }
}

#[test]
fn jwe_and_nesting() {
    threat("jwe-and-nesting")
        .mangled(|_| "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkExMjhHQ00ifQ.a.b.c.d".to_owned())
        .rejects("not_a_jwt");
    let jwe = json!({"alg": "PBES2-HS512+A256KW", "enc": "A128GCM", "p2c": 2_147_483_647, "p2s": "AAAA"});
    threat("jwe-and-nesting").header(jwe).rejects("token_algorithm");
    threat("jwe-and-nesting").payload(good_token()).header(json!({"cty": "JWT"})).rejects("token_payload");
    threat("jwe-and-nesting")
        .payload(format!("\"{}\"", good_token()))
        .header(json!({"cty": "JWT"}))
        .rejects("token_payload");
    // What `zip` names is not done: the payload is read as it stands.
    threat("jwe-and-nesting").header(json!({"zip": "DEF"})).accepts(user("alice"));
    threat("jwe-and-nesting")
        .header(json!({"zip": "DEF"}))
        .payload([0x78, 0x9c, 0x03, 0x00])
        .rejects("token_payload");
    threat("jwe-and-nesting")
        .mangled(|_| "{\"payload\":\"e30\",\"signatures\":[]}".to_owned())
        .rejects("not_one_token");
}

#[test]
fn cross_jwt() {
    // kube-apiserver has no policy for `typ` and `azp`; the audience is what keeps tokens apart.
    threat("cross-jwt").header(json!({"typ": "at+jwt"})).accepts(user("alice"));
    threat("cross-jwt").claims(json!({"azp": "another-client"})).accepts(user("alice"));
    threat("cross-jwt").claims(json!({"aud": "another-client", "azp": AUDIENCE})).rejects("audience");
    threat("cross-jwt").claims(json!({"aud": ["another-client"], "client_id": AUDIENCE})).rejects("audience");
    threat("cross-jwt").without("aud").rejects("audience");
}

#[test]
fn cross_issuer() {
    let other = || Issuer {
        url: "https://other.example".to_owned(),
        keys: Some(keys([Pair::OtherP256.key("k2")])),
        ..issuer()
    };
    threat("cross-issuer").beside(other()).signed_by(Pair::OtherP256).rejects("signature");
    threat("cross-issuer")
        .beside(other())
        .signed_by(Pair::OtherP256)
        .header(json!({"kid": "k2"}))
        .refreshes("k2");
    threat("cross-issuer").beside(other()).signed_by(Pair::OtherP256).no_kid().rejects("signature");
    // The same key at two issuers makes no user of the one a user of the other.
    let twin = || Issuer {
        url: "https://twin.example".to_owned(),
        claim_mappings: authn::issuer::ClaimMappings {
            username: prefixed("sub", "twin:"),
            groups: None,
            uid: None,
            extra: Vec::new(),
        },
        ..issuer()
    };
    threat("cross-issuer").beside(twin()).accepts(user("alice"));
    threat("cross-issuer")
        .beside(twin())
        .claims(json!({"iss": "https://twin.example"}))
        .accepts(user("twin:alice"));
}

#[test]
fn cached_past_exp() {
    let token = threat("cached-past-exp").claims(json!({"exp": NOW + 5})).token();
    let authorization = format!("Bearer {token}");
    let lines = [("authorization", authorization.as_bytes())];
    let request = Request::read(&lines);
    let mut authenticator = authenticator(snapshot([issuer()]));
    let alice = Outcome::Forward(user("alice").headers());
    assert_eq!(Outcome::from(judge(&mut authenticator, &request, at(NOW), &Portable)), alice);
    assert_eq!(Outcome::from(judge(&mut authenticator, &request, at(NOW + 4), &Portable)), alice);
    assert_eq!(
        Outcome::from(judge(&mut authenticator, &request, at(NOW + 5), &Portable)),
        Outcome::Reject("expired", 401)
    );
    assert_eq!(Outcome::from(judge(&mut authenticator, &request, at(NOW + 4), &Portable)), alice);
    let emptied = Snapshot {
        generation: Generation { epoch: 1, counter: 2 },
        ..snapshot([Issuer { keys: None, ..issuer() }])
    };
    assert!(authenticator.adopt(emptied, at(NOW)));
    assert_eq!(
        Outcome::from(judge(&mut authenticator, &request, at(NOW), &Portable)),
        Outcome::Reject("no_keys", 503)
    );
}

#[test]
fn system_masters() {
    threat("system-masters").claims(json!({"groups": ["system:masters"]})).answers(403, "reserved_group");
    threat("system-masters").claims(json!({"groups": "system:masters"})).answers(403, "reserved_group");
    threat("system-masters")
        .claims(json!({"sub": "system:serviceaccount:kube-system:default"}))
        .answers(403, "reserved_username");
    threat("system-masters")
        .claims(json!({"sub": "system:kube-controller-manager"}))
        .answers(403, "reserved_username");
    // A list in a string is one odd group, not two.
    threat("system-masters")
        .claims(json!({"groups": "a,system:masters"}))
        .accepts(user("alice").groups(["a,system:masters"]));
}

// --- what Envoy's jwt_authn takes

#[test]
fn odd_spellings_that_jwt_authn_takes_are_refused() {
    case("extra dots").mangled(|token| format!("..{}..", token.replace('.', ".."))).rejects("not_a_jwt");
    case("padding on the signature").mangled(|token| token + "==").rejects("token_signature_encoding");
    case("non-zero trailing bits")
        .mangled(|token| {
            // 64 bytes leave four bits of the last character unused: A, Q, g and w are the canonical ones.
            let last = token.chars().last().unwrap();
            format!(
                "{}{}",
                &token[..token.len() - 1],
                match last {
                    'A' => 'B',
                    'Q' => 'R',
                    'g' => 'h',
                    _ => 'x',
                }
            )
        })
        .rejects("token_signature_encoding");
    case("no exp").without("exp").rejects("expired");
    case("exp 0").claims(json!({"exp": 0})).rejects("expired");
    case("expired 30 s ago").claims(json!({"exp": NOW - 30})).rejects("expired");
    case("unknown crit").header(json!({"crit": ["x"]})).rejects("token_critical");
    case("b64 false").header(json!({"crit": ["b64"], "b64": false})).rejects("token_critical");
    case("RS256 over an EC key").header(json!({"alg": "RS256"})).rejects("signature");
    case("HS256 over an EC key").header(json!({"alg": "HS256"})).rejects("token_algorithm");
    case("ES256 of 66 bytes")
        .mangled(|token| {
            let signature = signature_of(&token);
            with_signature(&token, &[&[0], &signature[..32], &[0], &signature[32..]].concat())
        })
        .rejects("signature");
}

#[test]
fn what_the_rfcs_allow_is_decided_as_kube_apiserver_does() {
    case("no kid").no_kid().accepts(user("alice"));
    case("iat far ahead").claims(json!({"iat": NOW + 400_000_000})).accepts(user("alice"));
    case("NUL in a sub that is not the name")
        .username("email", "")
        .claims(json!({"email": "a@b", "sub": "x\0y"}))
        .accepts(user("a@b"));
    case("NUL in the name").claims(json!({"sub": "x\0y"})).answers(403, "username_not_header_safe");
}

#[test]
fn what_jwt_authn_refuses_is_refused_or_is_kube_apiservers() {
    case("exp in a string is kube-apiserver's")
        .claims(json!({"exp": (NOW + 60).to_string()}))
        .accepts(user("alice"));
    case("duplicate header member")
        .header_text("{\"alg\":\"ES256\",\"x\":1,\"x\":1}")
        .rejects("token_header");
    case("duplicate payload member").members("\"x\":1,\"x\":1").rejects("token_payload");
    case("trailing JSON").payload(format!("{{\"iss\":\"{ISSUER}\"}} {{}}")).rejects("token_payload");
    case("alg none").header(json!({"alg": "none"})).rejects("token_algorithm");
    case("blank in a segment").mangled(|token| token.replacen('.', " .", 1)).rejects("not_one_token");
    case("standard alphabet")
        .payload(b"{\"iss\":\"\xc3\xbf\xc3\xbe\"}")
        .mangled(|token| token.replace('-', "+").replace('_', "/"))
        .rejects("token_payload");
}
