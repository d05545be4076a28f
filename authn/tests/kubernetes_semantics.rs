//! What kube-apiserver 1.36 makes of a token, row by row: the same user, or no user. Rows marked `stricter` are where
//! we refuse on purpose what kube-apiserver takes.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

mod support;

use authn::algorithm::{Algorithm, AlgorithmSet};
use authn::policy::RequestPolicy;
use authn::request::Request;
use authn::signature::Portable;
use authn::snapshot::{Generation, Snapshot, UpstreamCredential};
use serde_json::{Value, json};
use support::*;

#[test]
fn a_good_token_is_its_user() {
    case("plain").accepts(user("alice"));
    for algorithm in Algorithm::ALL {
        case(algorithm.name())
            .algorithm(algorithm)
            .keys([Pair::of(algorithm).pinned(KID, algorithm)])
            .accepts(user("alice"));
    }
    case("an RSA key without alg verifies PS384 too")
        .algorithm(Algorithm::Ps384)
        .keys([Pair::Rsa.key(KID)])
        .accepts(user("alice"));
    case("one with alg does not")
        .algorithm(Algorithm::Ps384)
        .keys([Pair::Rsa.pinned(KID, Algorithm::Rs256)])
        .stricter("jwk-alg")
        .rejects("signature");
}

#[test]
fn tokens_of_an_independent_signer_are_read() {
    use jwt_simple::prelude::*;
    let pem = include_str!("data/rsa-2048-test-only.pem");
    let claims = || {
        let mut claims = Claims::create(Duration::from_secs(600))
            .with_issuer(ISSUER)
            .with_audience(AUDIENCE)
            .with_subject("alice");
        claims.issued_at = Some(Duration::from_secs(NOW));
        claims.invalid_before = Some(Duration::from_secs(NOW));
        claims.expires_at = Some(Duration::from_secs(NOW + 600));
        claims
    };
    macro_rules! signed {
        ($pair:expr) => {
            $pair.with_key_id(KID).sign(claims()).unwrap()
        };
    }
    let es256 = ES256KeyPair::from_bytes(&[7; 32]).unwrap();
    let es384 = ES384KeyPair::from_bytes(&[7; 48]).unwrap();
    let tokens = [
        (Pair::Rsa, signed!(RS256KeyPair::from_pem(pem).unwrap())),
        (Pair::Rsa, signed!(RS384KeyPair::from_pem(pem).unwrap())),
        (Pair::Rsa, signed!(RS512KeyPair::from_pem(pem).unwrap())),
        (Pair::Rsa, signed!(PS256KeyPair::from_pem(pem).unwrap())),
        (Pair::Rsa, signed!(PS384KeyPair::from_pem(pem).unwrap())),
        (Pair::Rsa, signed!(PS512KeyPair::from_pem(pem).unwrap())),
        (Pair::P256, signed!(es256)),
        (Pair::P384, signed!(es384)),
    ];
    for (pair, token) in tokens {
        let mut issuer = issuer();
        issuer.keys = Some(keys([pair.key(KID)]));
        assert_eq!(decide(&mut authenticator(snapshot([issuer])), &token, NOW), alice(), "{token}");
    }
}

// --- 2.2 step 0: which issuer

#[test]
fn the_issuer_is_matched_exactly() {
    case("another issuer").claims(json!({"iss": "https://other.example"})).rejects("unknown_issuer");
    case("trailing slash").claims(json!({"iss": format!("{ISSUER}/")})).rejects("unknown_issuer");
    case("other letters").claims(json!({"iss": ISSUER.to_uppercase()})).rejects("unknown_issuer");
    case("no iss").without("iss").rejects("unknown_issuer");
    case("iss null").claims(json!({"iss": null})).rejects("unknown_issuer");
    case("iss number").claims(json!({"iss": 5})).rejects("unknown_issuer");
    case("iss list").claims(json!({"iss": [ISSUER]})).rejects("unknown_issuer");
    case("iss empty").claims(json!({"iss": ""})).rejects("unknown_issuer");
}

#[test]
fn what_is_no_jwt_has_no_issuer() {
    case("payload null").payload("null").rejects("token_payload");
    case("payload list").payload("[]").rejects("token_payload");
    case("payload string").payload("\"x\"").rejects("token_payload");
    case("payload empty").payload("").rejects("token_payload");
    case("text after the object").payload(format!("{{\"iss\":\"{ISSUER}\"}}x")).rejects("token_payload");
    case("a second object").payload(format!("{{\"iss\":\"{ISSUER}\"}}{{}}")).rejects("token_payload");
    case("one part").mangled(|_| "abc".to_owned()).rejects("not_a_jwt");
    case("two parts").mangled(|token| token.rsplit_once('.').unwrap().0.to_owned()).rejects("not_a_jwt");
    case("four parts").mangled(|token| format!("{token}.")).rejects("not_a_jwt");
    case("JWS JSON").mangled(|_| "{\"payload\":\"\"}".to_owned()).rejects("not_a_jwt");
    case("padding").mangled(|token| token.replacen('.', "=.", 2)).rejects("token_payload");
}

#[test]
fn google_may_leave_its_scheme_out_and_nobody_else() {
    let google = |issuer: &mut authn::issuer::Issuer| issuer.url = "https://accounts.google.com".to_owned();
    case("without scheme")
        .issuer(google)
        .claims(json!({"iss": "accounts.google.com"}))
        .accepts(user("alice"));
    case("with scheme")
        .issuer(google)
        .claims(json!({"iss": "https://accounts.google.com"}))
        .accepts(user("alice"));
    case("http")
        .issuer(google)
        .claims(json!({"iss": "http://accounts.google.com"}))
        .rejects("unknown_issuer");
    case("not configured").claims(json!({"iss": "accounts.google.com"})).rejects("unknown_issuer");
    case("another without scheme").claims(json!({"iss": "issuer.example/realm"})).rejects("unknown_issuer");
}

#[test]
fn each_issuer_judges_its_own_tokens() {
    let other = || {
        let mut other = issuer();
        other.url = "https://other.example".to_owned();
        other.claim_mappings.username = prefixed("email", "other:");
        other.audiences = vec!["other-audience".to_owned()];
        other.keys = Some(keys([Pair::OtherP256.key(KID)]));
        other
    };
    let theirs = json!({"iss": "https://other.example", "aud": "other-audience", "email": "a@b"});
    case("ours").beside(other()).accepts(user("alice"));
    case("theirs")
        .beside(other())
        .signed_by(Pair::OtherP256)
        .claims(theirs.clone())
        .accepts(user("other:a@b"));
    case("their key, our name").beside(other()).signed_by(Pair::OtherP256).rejects("signature");
    case("our key, their name").beside(other()).claims(theirs.clone()).rejects("signature");
    case("their audience, our name")
        .beside(other())
        .claims(json!({"aud": "other-audience"}))
        .rejects("audience");
    case("one without keys harms nobody else")
        .beside(authn::issuer::Issuer { keys: None, ..other() })
        .accepts(user("alice"));
    case("one without keys")
        .beside(authn::issuer::Issuer { keys: None, ..other() })
        .claims(theirs)
        .answers(503, "no_keys");
}

// --- 2.2 step 2: parse, algorithm, signature

#[test]
fn the_header_is_read_as_go_jose_reads_it() {
    case("unknown members")
        .header(json!({"typ": "at+jwt", "cty": 5, "zip": "DEF", "x": [1]}))
        .accepts(user("alice"));
    case("typ is nobody's business").header(json!({"typ": "logout+jwt"})).accepts(user("alice"));
    case("jku and x5u are never fetched")
        .header(json!({"jku": "https://evil.example", "x5u": "https://evil.example"}))
        .accepts(user("alice"));
    case("names are case-sensitive").header(json!({"KID": "other", "ALG": "none"})).accepts(user("alice"));
    case("null members").header(json!({"jwk": null, "x5c": null, "nonce": null})).accepts(user("alice"));
    case("kid null").header(json!({"kid": null})).accepts(user("alice"));
    case("kid empty").header(json!({"kid": ""})).accepts(user("alice"));
    case("kid number").header(json!({"kid": 1})).rejects("token_header");
    case("kid list").header(json!({"kid": [KID]})).rejects("token_header");
    case("nonce number").header(json!({"nonce": 1})).rejects("token_header");
    case("alg number").header(json!({"alg": 256})).rejects("token_header");
    case("alg missing").header(json!({"alg": null})).rejects("token_algorithm");
    case("alg empty").header(json!({"alg": ""})).rejects("token_algorithm");
    case("header no object").header_text("[]").rejects("token_header");
    case("header null").header_text("null").rejects("token_header");
    case("header empty").header_text("").rejects("token_header");
    case("text after it")
        .header_text(format!("{{\"alg\":\"ES256\",\"kid\":\"{KID}\"}}x"))
        .rejects("token_header");
    case("number beyond a double").header_text("{\"alg\":\"ES256\",\"x\":1e400}").rejects("token_header");
    case("escapes are read").header_text("{\"\\u0061lg\":\"\\u0045S256\"}").accepts(user("alice"));
}

#[test]
fn stricter_in_the_header() {
    case("crit").stricter("crit-b64").header(json!({"crit": ["b64"], "b64": true})).rejects("token_critical");
    case("crit empty").stricter("crit-b64").header(json!({"crit": []})).rejects("token_critical");
    case("crit null").stricter("crit-b64").header(json!({"crit": null})).rejects("token_critical");
    case("b64").stricter("crit-b64").header(json!({"b64": true})).rejects("token_critical");
    case("jwk").stricter("embedded-key").header(json!({"jwk": public_jwk()})).rejects("token_embedded_key");
    case("x5c").stricter("embedded-key").header(json!({"x5c": []})).rejects("token_embedded_key");
    case("twice").header_text("{\"alg\":\"ES256\",\"alg\":\"ES256\"}").rejects("token_header");
    let long = |length: usize| json!({"kid": "k".repeat(length)});
    case("kid of 256 bytes").header(long(256)).refreshes(&"k".repeat(256));
    case("kid of 257 bytes").stricter("kid-length").header(long(257)).rejects("token_kid_too_long");
    case("invalid UTF-8")
        .stricter("invalid-utf8")
        .header_text(b"{\"alg\":\"ES256\",\"x\":\"\xff\"}")
        .rejects("token_header");
    case("nesting")
        .stricter("nesting")
        .header_text(format!("{{\"alg\":\"ES256\",\"x\":{}{}}}", "[".repeat(127), "]".repeat(127)))
        .rejects("token_header");
}

fn public_jwk() -> Value {
    json!({"kty": "EC", "crv": "P-256", "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
           "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"})
}

#[test]
fn only_allowed_algorithms() {
    for name in
        ["none", "None", "HS256", "HS384", "HS512", "EdDSA", "ES256K", "es256", "RSA-OAEP", "dir", "ES256 "]
    {
        case(name).header(json!({"alg": name})).rejects("token_algorithm");
    }
    let rs256_only = |issuer: &mut authn::issuer::Issuer| {
        issuer.algorithms = [Algorithm::Rs256].into_iter().collect::<AlgorithmSet>();
    };
    case("not the issuer's").issuer(rs256_only).rejects("algorithm_not_allowed");
    case("the issuer's")
        .algorithm(Algorithm::Rs256)
        .keys([Pair::Rsa.key(KID)])
        .issuer(rs256_only)
        .accepts(user("alice"));
}

#[test]
fn keys_are_chosen_by_kid() {
    let key = || Pair::P256.key(KID);
    case("unknown kid").header(json!({"kid": "k2"})).refreshes("k2");
    case("kid by case").header(json!({"kid": "K1"})).refreshes("K1");
    case("kid of the other key")
        .keys([key(), Pair::OtherP256.key("k2")])
        .header(json!({"kid": "k2"}))
        .rejects("signature");
    case("no kid tries all")
        .no_kid()
        .keys([Pair::OtherP256.key("k2"), Pair::Rsa.key("k3"), key()])
        .accepts(user("alice"));
    case("no kid and no such key").no_kid().signed_by(Pair::OtherP256).rejects("signature");
    case("a key without kid is not every kid's").keys([Pair::P256.key("")]).refreshes(KID);
    case("neither has one").no_kid().keys([Pair::P256.key("")]).accepts(user("alice"));
    case("two keys of one kid").keys([Pair::OtherP256.key(KID), key()]).accepts(user("alice"));
    case("no keys at all").keys([]).refreshes(KID);
    case("no keys at all, no kid").keys([]).no_kid().rejects("signature");
    let crowd =
        |others: usize| (0..others).map(|_| Pair::OtherP256.key("other")).chain([Pair::P256.key(KID)]);
    case("the eighth key").no_kid().keys(crowd(7)).accepts(user("alice"));
    case("the ninth key").stricter("many-keys").no_kid().keys(crowd(8)).rejects("signature");
    let of_no_use = (0..20).map(|_| Pair::Rsa.key("other")).chain([Pair::P256.key(KID)]);
    case("keys of another kind do not count").no_kid().keys(of_no_use).accepts(user("alice"));
}

#[test]
fn the_signature_covers_header_and_payload() {
    fn alter(token: String, part: usize) -> String {
        let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
        let text = String::from_utf8(authn::base64url::decode(parts[part].as_bytes()).unwrap()).unwrap();
        parts[part] = authn::base64url::encode(text.replacen('{', "{ ", 1).as_bytes());
        parts.join(".")
    }
    case("header").mangled(|token| alter(token, 0)).rejects("signature");
    case("payload").mangled(|token| alter(token, 1)).rejects("signature");
    case("no signature").mangled(|token| token[..=token.rfind('.').unwrap()].to_owned()).rejects("signature");
    case("a byte more").mangled(|token| format!("{token}AAAA")).rejects("signature");
}

#[test]
fn stricter_in_signature_and_text() {
    case("PS256, salt of 20")
        .stricter("pss-salt")
        .keys([Pair::Rsa.key(KID)])
        .algorithm(Algorithm::Ps256)
        .mangled(|token| {
            let input = token.rsplit_once('.').unwrap().0;
            format!("{input}.{}", authn::base64url::encode(&sign_pss_with_salt(input.as_bytes(), 20)))
        })
        .rejects("signature");
    case("PS256, salt of 32")
        .keys([Pair::Rsa.key(KID)])
        .algorithm(Algorithm::Ps256)
        .mangled(|token| {
            let input = token.rsplit_once('.').unwrap().0;
            format!("{input}.{}", authn::base64url::encode(&sign_pss_with_salt(input.as_bytes(), 32)))
        })
        .accepts(user("alice"));
    // 64 bytes of signature end in a character of which four bits count.
    case("trailing bits")
        .stricter("base64-canonical")
        .mangled(other_trailing_bits)
        .rejects("token_signature_encoding");
    case("text after the token")
        .stricter("trailing-text")
        .mangled(|token| token + " x")
        .rejects("not_one_token");
    case("blank after the token is HTTP's").mangled(|token| token + "  ").accepts(user("alice"));
}

fn other_trailing_bits(token: String) -> String {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let last = ALPHABET.find(token.chars().last().unwrap()).unwrap();
    format!("{}{}", &token[..token.len() - 1], ALPHABET.as_bytes()[last + 1] as char)
}

#[test]
fn a_token_has_at_most_16_kib() {
    /// A token of exactly this length: padding in the header reaches what base64 leaves out of the payload's.
    fn padded(length: usize) -> Case {
        let with = |header: usize, payload: usize| {
            case("padded").header(json!({"x": "x".repeat(header)})).claims(json!({"x": "x".repeat(payload)}))
        };
        let payload = (length - with(0, 0).token().len()) / 4 * 3 - 6;
        let sizes = (0..3).flat_map(|header| (payload..payload + 12).map(move |payload| (header, payload)));
        let mut cases = sizes.map(|(header, payload)| with(header, payload));
        cases.find(|case| case.token().len() == length).unwrap()
    }
    padded(16_384).accepts(user("alice"));
    padded(16_385).stricter("token-length").answers(431, "token_too_long");
}

// --- claims: types, sources, audience, times

#[test]
fn registered_claims_have_their_types_even_when_unused() {
    let by_email = |name| case(name).username("email", "").claims(json!({"email": "a@b"}));
    for claim in ["sub", "nonce", "at_hash"] {
        for value in [json!(5), json!(true), json!(["x"]), json!({"a": "b"})] {
            by_email("wrong type").claims(json!({claim: value})).rejects("claim_type");
        }
        by_email("null").claims(json!({claim: null})).accepts(user("a@b"));
        by_email("empty").claims(json!({claim: ""})).accepts(user("a@b"));
    }
    by_email("missing").without("sub").accepts(user("a@b"));
    for value in [json!(true), json!({}), json!([]), json!("soon"), json!(""), json!(null)] {
        case("iat").claims(json!({"iat": value})).rejects("time_claim");
    }
    case("iat long ahead").claims(json!({"iat": NOW + 1_000_000_000})).accepts(user("alice"));
    case("iat a fraction").claims(json!({"iat": 1.5})).accepts(user("alice"));
    case("azp is nobody's business").claims(json!({"azp": ["someone", 5]})).accepts(user("alice"));
    case("jti, auth_time, amr of any type")
        .claims(json!({"jti": {}, "auth_time": "x", "amr": 1, "email": 5, "email_verified": "no"}))
        .accepts(user("alice"));
}

#[test]
fn expiry_has_no_leeway() {
    let exp = |name, value: Value| case(name).claims(json!({"exp": value}));
    exp("a second ahead", json!(NOW + 1)).accepts(user("alice"));
    exp("this very second", json!(NOW)).stricter("exp-second").rejects("expired");
    exp("a second ago", json!(NOW - 1)).rejects("expired");
    exp("zero", json!(0)).rejects("expired");
    exp("minus five", json!(-5)).rejects("expired");
    case("missing").without("exp").rejects("expired");
    exp("null", json!(null)).rejects("time_claim");
    exp("in a string", json!((NOW + 1).to_string())).accepts(user("alice"));
    exp("in a string, past", json!("123")).rejects("expired");
    exp("a double in a string", json!("1.9e9")).accepts(user("alice"));
    exp("1.9e3", json!(1.9e3)).rejects("expired");
    exp("1.9e9", json!(1.9e9)).accepts(user("alice"));
    exp("fraction dropped", json!(1_800_000_000.9)).rejects("expired");
    exp("fraction dropped, ahead", json!(1_800_000_001.9)).accepts(user("alice"));
    for text in [
        "",
        "abc",
        " 1900000000",
        "1900000000 ",
        "+1900000000",
        "01900000000",
        "0x7fffffff",
        "NaN",
        "1e400",
        "\"1\"",
        "null",
    ] {
        exp("no number in the string", json!(text)).rejects("time_claim");
    }
    for value in [json!(true), json!([NOW + 1]), json!({}), json!([])] {
        exp("wrong type", value).rejects("time_claim");
    }
    case("1e400").members("\"exp\":1e400").rejects("token_payload");
    exp("9e18", json!(9.0e18)).accepts(user("alice"));
    exp("beyond 9e18", json!(9.1e18)).stricter("time-range").rejects("time_claim");
    exp("int64 max", json!(i64::MAX)).stricter("time-range").rejects("time_claim");
    exp("int64 min", json!(i64::MIN)).stricter("time-range").rejects("time_claim");
    exp("uint64 max", json!(u64::MAX)).stricter("time-range").rejects("time_claim");
    exp("1e300", json!(1e300)).stricter("time-range").rejects("time_claim");
}

#[test]
fn not_before_has_a_minute_of_leeway() {
    let nbf = |name, value: Value| case(name).claims(json!({"nbf": value}));
    nbf("a minute ahead", json!(NOW + 60)).accepts(user("alice"));
    nbf("a minute and a second ahead", json!(NOW + 61)).rejects("not_yet_valid");
    nbf("fraction dropped", json!(1_800_000_060.9)).accepts(user("alice"));
    nbf("in a string", json!((NOW + 61).to_string())).rejects("not_yet_valid");
    nbf("null", json!(null)).accepts(user("alice"));
    nbf("long ago", json!(-9.0e18)).accepts(user("alice"));
    nbf("empty", json!("")).rejects("time_claim");
    nbf("no number", json!([])).rejects("time_claim");
    nbf("beyond 9e18", json!(-9.1e18)).stricter("time-range").rejects("time_claim");
    nbf("expired as well", json!(NOW + 61)).claims(json!({"exp": NOW - 1})).rejects("expired");
}

#[test]
fn times_are_read_as_go_reads_them() {
    // The nearest double of this text is 1800000001, so the token has expired a second later, not two.
    let text = |name, exp: &str| case(name).without("exp").members(&format!("\"exp\":{exp}"));
    text("nearest double above", "1800000000.99999999999999").accepts(user("alice"));
    text("nearest double below", "1800000000.9999998").rejects("expired");
    text("many digits", "1800000000.99999988079071044921874999999").rejects("expired");
    text("exponent", "18000000009999998e-7").rejects("expired");
    text("long exponent", "0.0000018000000009999998e15").rejects("expired");
}

#[test]
fn the_audience_is_any_of_the_configured() {
    let aud = |name, value: Value| case(name).claims(json!({"aud": value}));
    aud("a string", json!(AUDIENCE)).accepts(user("alice"));
    aud("one of a list", json!(["x", AUDIENCE])).accepts(user("alice"));
    aud("another", json!("x")).rejects("audience");
    aud("others", json!(["x", "y"])).rejects("audience");
    aud("other letters", json!("KUBERNETES")).rejects("audience");
    aud("beginning alike", json!("kubernetes2")).rejects("audience");
    aud("both in one string", json!("x kubernetes")).rejects("audience");
    aud("empty", json!("")).rejects("audience");
    aud("empty list", json!([])).rejects("audience");
    aud("null", json!(null)).rejects("audience");
    aud("a null in a list", json!([null])).rejects("audience");
    aud("a null beside it", json!([null, AUDIENCE])).accepts(user("alice"));
    case("missing").without("aud").rejects("audience");
    aud("number", json!(5)).rejects("claim_type");
    aud("number in a list", json!([AUDIENCE, 5])).rejects("claim_type");
    aud("list in a list", json!([[AUDIENCE]])).rejects("claim_type");
    aud("object", json!({AUDIENCE: true})).rejects("claim_type");
    let several =
        |issuer: &mut authn::issuer::Issuer| issuer.audiences = vec!["a".to_owned(), "b".to_owned()];
    aud("second of several", json!("b")).issuer(several).accepts(user("alice"));
    aud("none of several", json!(["c", AUDIENCE])).issuer(several).rejects("audience");
    aud("null among several", json!([null])).issuer(several).rejects("audience");
}

#[test]
fn distributed_claims_are_consistent() {
    let names = |name, names: Value, sources: Value| {
        case(name).claims(json!({"groups": ["dev"], "_claim_names": names, "_claim_sources": sources}))
    };
    let dev = || user("alice").groups(["dev"]);
    names("a source", json!({"x": "s"}), json!({"s": {"endpoint": "https://x"}})).accepts(dev());
    names("an unused source", json!({}), json!({"s": {}})).accepts(dev());
    names("nulls", json!(null), json!(null)).accepts(dev());
    names("a null source", json!({"x": "s"}), json!({"s": null})).accepts(dev());
    names("null endpoint", json!({"x": "s"}), json!({"s": {"endpoint": null, "access_token": null}}))
        .accepts(dev());
    names("no such source", json!({"x": "t"}), json!({"s": {}})).rejects("claim_source");
    names("no sources", json!({"x": "s"}), json!(null)).rejects("claim_source");
    names("empty source name", json!({"x": ""}), json!({"": {}})).rejects("claim_source");
    names("null source name", json!({"x": null}), json!({"s": {}})).rejects("claim_source");
    for wrong in [json!("s"), json!(5), json!([]), json!(true)] {
        names("names of a wrong type", wrong.clone(), json!({})).rejects("claim_type");
        names("sources of a wrong type", json!({}), wrong.clone()).rejects("claim_type");
        names("a source of a wrong type", json!({}), json!({"s": wrong})).rejects("claim_type");
    }
    names("a source's name of a wrong type", json!({"x": 5}), json!({"s": {}})).rejects("claim_type");
    names("endpoint of a wrong type", json!({}), json!({"s": {"endpoint": 5}})).rejects("claim_type");
    names("token of a wrong type", json!({}), json!({"s": {"access_token": []}})).rejects("claim_type");
    names("the groups stand in the token: JWT is not looked at", json!({"x": "s"}), json!({"s": {"JWT": 5}}))
        .accepts(dev());
    case("names alone, groups in the token")
        .claims(json!({"groups": "dev", "_claim_names": {}}))
        .accepts(dev());
}

#[test]
fn groups_in_a_distributed_claim() {
    let names = |name, source: Value| {
        case(name).claims(json!({"_claim_names": {"groups": "s"}, "_claim_sources": {"s": source}}))
    };
    names("distributed", json!({"endpoint": "https://x"}))
        .stricter("distributed-groups")
        .rejects("distributed_groups");
    names("aggregated is ignored", json!({"JWT": "a.b.c"})).accepts(user("alice"));
    names("null source", json!(null)).accepts(user("alice"));
    names("empty endpoint", json!({"endpoint": ""})).accepts(user("alice"));
    names("groups not mapped", json!({"endpoint": "https://x"}))
        .issuer(|issuer| issuer.claim_mappings.groups = None)
        .accepts(user("alice"));
    names("groups there as well", json!({"endpoint": "https://x"}))
        .claims(json!({"groups": null}))
        .accepts(user("alice"));
}

/// kube-apiserver's own resolver reads names and sources once more when the groups claim is missing.
#[test]
fn the_resolver_of_distributed_claims_has_its_own_rules() {
    case("names without sources").claims(json!({"_claim_names": {}})).rejects("claim_source");
    case("null names without sources").claims(json!({"_claim_names": null})).rejects("claim_source");
    case("names and null sources")
        .claims(json!({"_claim_names": {}, "_claim_sources": null}))
        .accepts(user("alice"));
    case("sources without names").claims(json!({"_claim_sources": {"s": {"JWT": 5}}})).accepts(user("alice"));
    case("names without sources, groups not mapped")
        .claims(json!({"_claim_names": {}}))
        .issuer(|issuer| issuer.claim_mappings.groups = None)
        .accepts(user("alice"));
}

/// Its claim source has a member more than go-oidc's: `JWT`, a string.
#[test]
fn an_aggregated_claim_is_a_string() {
    let names = |name, source: Value| {
        case(name).claims(json!({"_claim_names": {"x": "s"}, "_claim_sources": {"s": source}}))
    };
    names("a string", json!({"JWT": "a.b.c"})).accepts(user("alice"));
    names("null", json!({"JWT": null})).accepts(user("alice"));
    names("a number", json!({"JWT": 5})).rejects("claim_type");
    names("an object", json!({"JWT": {}})).rejects("claim_type");
}

// --- 2.3: Go's JSON

#[test]
fn stricter_in_json() {
    for name in [
        "ISS",
        "Sub",
        "AUD",
        "Exp",
        "nBf",
        "IAT",
        "Nonce",
        "AT_HASH",
        "_Claim_Names",
        "_CLAIM_SOURCES",
        "i\u{17f}s",
    ] {
        let members = format!("\"{name}\":null");
        case("case variant").stricter("case-variant-claims").members(&members).rejects("claim_case_variant");
    }
    case("in a source")
        .stricter("case-variant-claims")
        .claims(json!({"groups": [], "_claim_sources": {"s": {"Endpoint": ""}}}))
        .rejects("claim_case_variant");
    case("other names may differ by case")
        .claims(json!({"GROUPS": 5, "Email": 5, "JTI": 5}))
        .accepts(user("alice"));
    case("twice").stricter("duplicate-members").members("\"iss\":\"x\"").rejects("token_payload");
    case("twice, deep")
        .stricter("duplicate-members")
        .members("\"o\":{\"a\":1,\"a\":1}")
        .rejects("token_payload");
    case("twice, escaped")
        .stricter("duplicate-members")
        .members("\"su\\u0062\":\"bob\"")
        .rejects("token_payload");
    let mut payload = format!("{{\"iss\":\"{ISSUER}\",\"x\":\"").into_bytes();
    payload.extend(b"\xff\"}");
    case("invalid UTF-8").stricter("invalid-utf8").payload(payload).rejects("token_payload");
    case("lone surrogate").stricter("lone-surrogates").members("\"x\":\"\\ud800\"").rejects("token_payload");
    case("surrogates the wrong way")
        .stricter("lone-surrogates")
        .members("\"x\":\"\\udc00\\ud800\"")
        .rejects("token_payload");
    case("a pair of surrogates").members("\"x\":\"\\ud83d\\ude00\"").accepts(user("alice"));
    let nested = |levels: usize| format!("\"x\":{}{}", "[".repeat(levels), "]".repeat(levels));
    case("126 levels in the object").members(&nested(126)).accepts(user("alice"));
    case("127 levels in the object").stricter("nesting").members(&nested(127)).rejects("token_payload");
    case("10,000 levels").members(&nested(5_900)).rejects("token_payload");
    case("number beyond a double")
        .stricter("numbers-beyond-double")
        .members("\"x\":1e400")
        .rejects("token_payload");
    case("number below a double").members("\"x\":1e-400").accepts(user("alice"));
}

#[test]
fn what_both_read_alike_in_json() {
    case("blanks")
        .payload(format!(
            " {{ \"iss\" :\r\n\"{ISSUER}\",\t\"aud\":\"{AUDIENCE}\",\"sub\":\"alice\",\"exp\":{} }} \n",
            NOW + 1
        ))
        .accepts(user("alice"));
    case("escapes").members("\"\\u0067roups\":[\"d\\u0065v\"]").accepts(user("alice").groups(["dev"]));
    case("byte order mark").payload(format!("\u{feff}{{\"iss\":\"{ISSUER}\"}}")).rejects("token_payload");
    case("control character in a string").members("\"x\":\"\n\"").rejects("token_payload");
    case("comment").members("\"x\":1/**/").rejects("token_payload");
    case("leading zero").members("\"x\":01").rejects("token_payload");
    case("single quotes").members("'x':1").rejects("token_payload");
    case("trailing comma").payload(format!("{{\"iss\":\"{ISSUER}\",}}")).rejects("token_payload");
}

// --- steps 4 to 8: the user

#[test]
fn the_username_is_a_string_claim_with_its_prefix() {
    case("prefix").username("sub", "oidc:").accepts(user("oidc:alice"));
    case("another claim")
        .username("preferred_username", "")
        .claims(json!({"preferred_username": "bob"}))
        .accepts(user("bob"));
    case("a claim with a dot").username("a.b/c", "").claims(json!({"a.b/c": "bob"})).accepts(user("bob"));
    case("no path").username("a.b", "").claims(json!({"a": {"b": "bob"}})).rejects("username_claim");
    case("missing").username("name", "").rejects("username_claim");
    case("other letters").username("name", "").claims(json!({"Name": "bob"})).rejects("username_claim");
    for value in [json!(5), json!(true), json!(["bob"]), json!({})] {
        case("wrong type").username("name", "").claims(json!({"name": value})).rejects("username_claim");
    }
    case("null")
        .stricter("empty-username")
        .username("name", "")
        .claims(json!({"name": null}))
        .answers(403, "empty_username");
    case("empty")
        .stricter("empty-username")
        .username("name", "")
        .claims(json!({"name": ""}))
        .answers(403, "empty_username");
    case("null with a prefix").username("name", "oidc:").claims(json!({"name": null})).accepts(user("oidc:"));
    case("empty with a prefix").username("name", "oidc:").claims(json!({"name": ""})).accepts(user("oidc:"));
    case("not ASCII").claims(json!({"sub": "zoë"})).accepts(user("zoë"));
    case("blank within, comma").claims(json!({"sub": "alice b, c"})).accepts(user("alice b, c"));
    case("iss as the name").username("iss", "").accepts(user(ISSUER));
    case("exp as the name").username("exp", "").rejects("username_claim");
    case("exp in a string as the name")
        .username("exp", "")
        .claims(json!({"exp": "1900000000"}))
        .accepts(user("1900000000"));
}

#[test]
fn an_email_is_verified_or_nothing_is_said_of_it() {
    let email = |name| case(name).username("email", "").claims(json!({"email": "a@b"}));
    email("nothing said").accepts(user("a@b"));
    email("verified").claims(json!({"email_verified": true})).accepts(user("a@b"));
    for value in [json!(false), json!(null), json!("true"), json!(1), json!([]), json!({})] {
        email("not true").claims(json!({"email_verified": value})).rejects("email_not_verified");
    }
    email("other letters").claims(json!({"Email_Verified": false})).accepts(user("a@b"));
    case("another claim").claims(json!({"email": "a@b", "email_verified": false})).accepts(user("alice"));
    case("a claim that begins alike")
        .username("email2", "")
        .claims(json!({"email2": "a@b", "email_verified": false}))
        .accepts(user("a@b"));
    case("no email").username("email", "").claims(json!({"email_verified": true})).rejects("username_claim");
}

#[test]
fn groups_are_a_string_or_strings() {
    let groups = |name, value: Value| case(name).claims(json!({"groups": value}));
    groups("one", json!("dev")).accepts(user("alice").groups(["dev"]));
    groups("several, in order", json!(["b", "a", "b"])).accepts(user("alice").groups(["b", "a", "b"]));
    groups("none", json!([])).accepts(user("alice"));
    groups("null", json!(null)).accepts(user("alice"));
    case("missing").accepts(user("alice"));
    groups("empty string", json!("")).accepts(user("alice").groups([""]));
    groups("null in a list", json!([null])).accepts(user("alice").groups([""]));
    groups("empty in a list", json!(["", "a"])).accepts(user("alice").groups(["", "a"]));
    groups("not split", json!("a,b c")).accepts(user("alice").groups(["a,b c"]));
    groups("number", json!(5)).rejects("groups_claim");
    groups("bool", json!(true)).rejects("groups_claim");
    groups("object", json!({"a": "b"})).rejects("groups_claim");
    groups("number in a list", json!(["a", 1])).rejects("groups_claim");
    groups("list in a list", json!([["a"]])).rejects("groups_claim");
    groups("object in a list", json!(["a", {}])).rejects("groups_claim");
    let prefix =
        |issuer: &mut authn::issuer::Issuer| issuer.claim_mappings.groups = Some(prefixed("groups", "o:"));
    groups("prefix", json!(["a", null, ""]))
        .issuer(prefix)
        .accepts(user("alice").groups(["o:a", "o:", "o:"]));
    groups("prefix, one", json!("a")).issuer(prefix).accepts(user("alice").groups(["o:a"]));
    groups("prefix, null", json!(null)).issuer(prefix).accepts(user("alice"));
    groups("not mapped", json!(5))
        .issuer(|issuer| issuer.claim_mappings.groups = None)
        .accepts(user("alice"));
    groups("another claim", json!(5))
        .issuer(|issuer| issuer.claim_mappings.groups = Some(prefixed("roles", "")))
        .claims(json!({"roles": ["r"]}))
        .accepts(user("alice").groups(["r"]));
}

/// A prefix without a claim is legal in a configuration and means no groups.
#[test]
fn a_group_prefix_without_a_claim_means_no_groups() {
    case("a claim whose name is empty")
        .issuer(|issuer| issuer.claim_mappings.groups = Some(prefixed("", "o:")))
        .claims(json!({"": ["admins"]}))
        .accepts(user("alice"));
    case("of a wrong type")
        .issuer(|issuer| issuer.claim_mappings.groups = Some(prefixed("", "o:")))
        .claims(json!({"": 5}))
        .accepts(user("alice"));
}

#[test]
fn the_uid_is_a_string_claim() {
    let uid = |name| {
        case(name).issuer(|issuer| {
            issuer.claim_mappings.uid = Some(authn::issuer::Mapping::Claim("uid".to_owned()))
        })
    };
    uid("there").claims(json!({"uid": "u-1"})).accepts(user("alice").uid("u-1"));
    uid("empty").claims(json!({"uid": ""})).accepts(user("alice"));
    uid("null").claims(json!({"uid": null})).accepts(user("alice"));
    uid("missing").rejects("uid_claim");
    for value in [json!(5), json!(["u"]), json!({}), json!(false)] {
        uid("wrong type").claims(json!({"uid": value})).rejects("uid_claim");
    }
    case("not mapped").claims(json!({"uid": 5})).accepts(user("alice"));
}

#[test]
fn jti_becomes_the_credential_id() {
    let jti = |name, value: Value| case(name).claims(json!({"jti": value}));
    jti("a string", json!("j-1")).accepts(user("alice").credential_id("JTI=j-1"));
    for value in [json!(""), json!(null), json!(5), json!(["j"]), json!({})] {
        jti("anything else is skipped", value).accepts(user("alice"));
    }
}

#[test]
fn required_claims_have_their_values() {
    let hd = |name| case(name).issuer(|issuer| issuer.required_claims = vec![required("hd", "example.com")]);
    hd("right").claims(json!({"hd": "example.com"})).accepts(user("alice"));
    hd("missing").rejects("required_claim_missing");
    for value in [
        json!("other"),
        json!("Example.com"),
        json!(""),
        json!(null),
        json!(5),
        json!(["example.com"]),
        json!({}),
    ] {
        hd("wrong").claims(json!({"hd": value})).rejects("required_claim_value");
    }
    let empty = |name| case(name).issuer(|issuer| issuer.required_claims = vec![required("hd", "")]);
    empty("required to be empty").claims(json!({"hd": ""})).accepts(user("alice"));
    empty("null is empty").claims(json!({"hd": null})).accepts(user("alice"));
    empty("must be there all the same").rejects("required_claim_missing");
    empty("other").claims(json!({"hd": "x"})).rejects("required_claim_value");
    case("all of several")
        .issuer(|issuer| issuer.required_claims = vec![required("a", "1"), required("b", "2")])
        .claims(json!({"a": "1", "b": "3"}))
        .rejects("required_claim_value");
}

#[test]
fn reserved_names_are_refused_unless_allowed() {
    let reserved = |name, claims: Value| case(name).stricter("system-names").claims(claims);
    reserved("user", json!({"sub": "system:admin"})).answers(403, "reserved_username");
    reserved("node", json!({"sub": "system:node:n1"})).answers(403, "reserved_username");
    reserved("service account", json!({"sub": "system:serviceaccount:kube-system:x"}))
        .answers(403, "reserved_username");
    reserved("anonymous", json!({"sub": "system:anonymous"})).answers(403, "reserved_username");
    reserved("the bare prefix", json!({"sub": "system:"})).answers(403, "reserved_username");
    reserved("group", json!({"groups": ["dev", "system:masters"]})).answers(403, "reserved_group");
    reserved("unauthenticated", json!({"groups": ["system:unauthenticated"]})).answers(403, "reserved_group");
    case("authenticated gives nothing, and is not added again")
        .claims(json!({"groups": ["system:authenticated", "a"]}))
        .accepts(user("alice").groups(["system:authenticated", "a"]).nothing_added());
    reserved("by way of the prefix", json!({"sub": "tem:admin"}))
        .username("sub", "sys")
        .answers(403, "reserved_username");
    case("other letters are other names")
        .claims(json!({"sub": "System:admin", "groups": ["SYSTEM:masters"]}))
        .accepts(user("System:admin").groups(["SYSTEM:masters"]));
    case("prefixed away")
        .username("sub", "o:")
        .claims(json!({"sub": "system:admin"}))
        .accepts(user("o:system:admin"));

    let allow = |name| {
        case(name).issuer(|issuer| {
            let names = ["system:serviceaccount:ns:bot", "system:anonymous"];
            issuer.guard.allowed_usernames = names.map(str::to_owned).into();
            let groups = ["system:masters", "system:authenticated", "system:unauthenticated"];
            issuer.guard.allowed_groups = groups.map(str::to_owned).into();
        })
    };
    allow("user by name")
        .claims(json!({"sub": "system:serviceaccount:ns:bot"}))
        .accepts(user("system:serviceaccount:ns:bot"));
    allow("another user")
        .claims(json!({"sub": "system:serviceaccount:ns:bot2"}))
        .answers(403, "reserved_username");
    allow("anonymous never").claims(json!({"sub": "system:anonymous"})).answers(403, "reserved_username");
    allow("group by name")
        .claims(json!({"groups": ["system:masters"]}))
        .accepts(user("alice").groups(["system:masters"]));
    allow("a user's name is no group's")
        .claims(json!({"groups": ["system:serviceaccount:ns:bot"]}))
        .answers(403, "reserved_group");
    allow("authenticated is added once")
        .claims(json!({"groups": ["system:authenticated", "a"]}))
        .accepts(user("alice").groups(["system:authenticated", "a"]).nothing_added());
    allow("not beside unauthenticated")
        .claims(json!({"groups": ["system:unauthenticated"]}))
        .accepts(user("alice").groups(["system:unauthenticated"]).nothing_added());
}

#[test]
fn values_that_a_header_would_change_are_refused() {
    for text in ["a\nb", "a\rb", "a\0b", "a\tb", " a", "a ", "\ta", "a\t", "\u{7f}", "\u{1}", " "] {
        let unsafe_value = |name| case(name).stricter("header-unsafe");
        unsafe_value("user").claims(json!({"sub": text})).answers(403, "username_not_header_safe");
        unsafe_value("group").claims(json!({"groups": ["a", text]})).answers(403, "group_not_header_safe");
        unsafe_value("jti").claims(json!({"jti": format!("{text}\n")})).answers(403, "extra_not_header_safe");
        unsafe_value("uid")
            .issuer(|issuer| {
                issuer.claim_mappings.uid = Some(authn::issuer::Mapping::Claim("uid".to_owned()))
            })
            .claims(json!({"uid": text}))
            .answers(403, "uid_not_header_safe");
        unsafe_value("user, prefixed")
            .username("sub", "o:")
            .claims(json!({"sub": format!("{text}\0")}))
            .answers(403, "username_not_header_safe");
        case("claims that go nowhere").claims(json!({"name": text, "nonce": text})).accepts(user("alice"));
    }
}

// --- keys, credential, snapshot

#[test]
fn what_the_gateway_lacks_is_503() {
    case("no keys yet").issuer(|issuer| issuer.keys = None).answers(503, "no_keys");
    case("a second before the keys' end")
        .at(NOW + 3_599)
        .claims(json!({"exp": NOW + 9_999}))
        .accepts(user("alice"));
    case("keys too old").at(NOW + 3_600).claims(json!({"exp": NOW + 9_999})).answers(503, "keys_too_old");
    case("keys too old, token forged")
        .at(NOW + 3_600)
        .signed_by(Pair::OtherP256)
        .answers(503, "keys_too_old");
    let credential = |credential| Snapshot { upstream_credential: credential, ..snapshot([issuer()]) };
    let until = |end| Some(UpstreamCredential::new(CREDENTIAL.to_owned(), Some(at(end))).unwrap());
    let decided = |snapshot| decide(&mut authenticator(snapshot), &good_token(), NOW);
    assert_eq!(decided(credential(None)), Outcome::Reject("no_upstream_credential", 503));
    assert_eq!(decided(credential(until(NOW))), Outcome::Reject("credential_expired", 503));
    assert_eq!(decided(credential(until(NOW + 1))), alice());
    let mut nothing = authn::authenticator::Authenticator::new(
        RequestPolicy::default(),
        1 << 20,
        authn::cache::HashKey::new([7; 16]),
    );
    assert_eq!(decide(&mut nothing, &good_token(), NOW), Outcome::Reject("no_snapshot", 503));
    let none: Outcome = judge(&mut nothing, &Request::read(&[]), at(NOW), &Portable).into();
    assert_eq!(none, Outcome::Reject("no_snapshot", 503));
}

#[test]
fn our_own_credential_is_nobody() {
    let mut authenticator = authenticator(snapshot([issuer()]));
    assert_eq!(decide(&mut authenticator, CREDENTIAL, NOW), Outcome::Reject("own_credential", 401));
    assert_eq!(decide(&mut authenticator, &CREDENTIAL[1..], NOW), Outcome::Reject("token_payload", 401));
    // Even when the issuer of our credential is configured and would take it.
    let token = good_token();
    let credential = Some(UpstreamCredential::new(token.clone(), None).unwrap());
    let snapshot = Snapshot { upstream_credential: credential, ..snapshot([issuer()]) };
    assert_eq!(
        decide(&mut support::authenticator(snapshot), &token, NOW),
        Outcome::Reject("own_credential", 401)
    );
}

// --- the cache

#[test]
fn a_second_call_verifies_nothing_again() {
    let mut authenticator = authenticator(snapshot([issuer()]));
    let verifier = Counting::default();
    for _ in 0..3 {
        assert_eq!(decide_with(&mut authenticator, &good_token(), NOW, &verifier), alice());
    }
    assert_eq!(verifier.calls.get(), 1);
    let other = case("bob").claims(json!({"sub": "bob"})).token();
    assert_eq!(
        decide_with(&mut authenticator, &other, NOW, &verifier),
        Outcome::Forward(user("bob").headers())
    );
    assert_eq!(verifier.calls.get(), 2);
}

#[test]
fn times_are_checked_on_every_hit() {
    let token = case("short").claims(json!({"exp": NOW + 10, "nbf": NOW})).token();
    let mut authenticator = authenticator(snapshot([issuer()]));
    assert_eq!(decide(&mut authenticator, &token, NOW), alice());
    assert_eq!(decide(&mut authenticator, &token, NOW - 61), Outcome::Reject("not_yet_valid", 401));
    assert_eq!(decide(&mut authenticator, &token, NOW + 9), alice());
    assert_eq!(decide(&mut authenticator, &token, NOW + 10), Outcome::Reject("expired", 401));
    assert_eq!(decide(&mut authenticator, &token, NOW + 9), alice());
    assert_eq!(decide(&mut authenticator, &token, u64::MAX), Outcome::Reject("keys_too_old", 503));
}

#[test]
fn the_age_of_the_keys_is_checked_on_every_hit() {
    let token = case("long").claims(json!({"exp": NOW + 100_000})).token();
    let mut authenticator = authenticator(snapshot([issuer()]));
    assert_eq!(decide(&mut authenticator, &token, NOW + 3_599), alice());
    assert_eq!(decide(&mut authenticator, &token, NOW + 3_600), Outcome::Reject("keys_too_old", 503));
}

#[test]
fn the_credential_is_checked_on_every_hit() {
    let credential = Some(UpstreamCredential::new(CREDENTIAL.to_owned(), Some(at(NOW + 5))).unwrap());
    let mut authenticator =
        authenticator(Snapshot { upstream_credential: credential, ..snapshot([issuer()]) });
    assert_eq!(decide(&mut authenticator, &good_token(), NOW), alice());
    assert_eq!(
        decide(&mut authenticator, &good_token(), NOW + 5),
        Outcome::Reject("credential_expired", 503)
    );
}

#[test]
fn a_later_generation_forgets_what_was_verified() {
    let generation =
        |epoch, counter, issuers| Snapshot { generation: Generation { epoch, counter }, ..snapshot(issuers) };
    let mut authenticator = authenticator(snapshot([issuer()]));
    let token = good_token();
    assert_eq!(decide(&mut authenticator, &token, NOW), alice());
    // The same or an earlier one is not taken.
    assert!(!authenticator.adopt(generation(1, 1, vec![]), at(NOW)));
    assert!(!authenticator.adopt(generation(0, 9, vec![]), at(NOW)));
    assert_eq!(decide(&mut authenticator, &token, NOW), alice());
    // The key was withdrawn.
    let mut other = issuer();
    other.keys = Some(keys([Pair::OtherP256.key(KID)]));
    assert!(authenticator.adopt(generation(1, 2, vec![other]), at(NOW)));
    assert_eq!(decide(&mut authenticator, &token, NOW), Outcome::Reject("signature", 401));
    // The issuer was withdrawn.
    assert!(authenticator.adopt(generation(2, 0, vec![]), at(NOW)));
    assert_eq!(decide(&mut authenticator, &token, NOW), Outcome::Reject("unknown_issuer", 401));
    // The mapping changed.
    let mut mapped = issuer();
    mapped.claim_mappings.username = prefixed("sub", "new:");
    assert!(authenticator.adopt(generation(2, 1, vec![mapped]), at(NOW)));
    assert_eq!(decide(&mut authenticator, &token, NOW), Outcome::Forward(user("new:alice").headers()));
    assert_eq!(authenticator.generation(), Some(Generation { epoch: 2, counter: 1 }));
}

#[test]
fn failures_are_not_kept() {
    let forged = case("forged").signed_by(Pair::OtherP256).token();
    let mut authenticator = authenticator(snapshot([issuer()]));
    let verifier = Counting::default();
    for calls in 1..=3 {
        assert_eq!(
            decide_with(&mut authenticator, &forged, NOW, &verifier),
            Outcome::Reject("signature", 401)
        );
        assert_eq!(verifier.calls.get(), calls);
    }
    let early = case("early").claims(json!({"nbf": NOW + 100})).token();
    assert_eq!(decide(&mut authenticator, &early, NOW), Outcome::Reject("not_yet_valid", 401));
    assert_eq!(decide(&mut authenticator, &early, NOW + 40), alice());
}

#[test]
fn a_cached_token_is_its_own_text_alone() {
    let token = good_token();
    let mut authenticator = authenticator(snapshot([issuer()]));
    assert_eq!(decide(&mut authenticator, &token, NOW), alice());
    for other in
        [other_trailing_bits(token.clone()), format!("{token}="), token[..token.len() - 1].to_owned()]
    {
        assert!(matches!(decide(&mut authenticator, &other, NOW), Outcome::Reject(_, 401)), "{other}");
    }
}

#[test]
fn no_room_in_the_cache_is_no_failure() {
    let mut authenticator = authn::authenticator::Authenticator::new(
        RequestPolicy::default(),
        0,
        authn::cache::HashKey::new([7; 16]),
    );
    assert!(authenticator.adopt(snapshot([issuer()]), at(NOW)));
    let verifier = Counting::default();
    for _ in 0..2 {
        assert_eq!(decide_with(&mut authenticator, &good_token(), NOW, &verifier), alice());
    }
    assert_eq!(verifier.calls.get(), 2);
}

// --- slow checks

#[test]
fn slow_failures_are_rationed_by_issuer() {
    let mut other = issuer();
    other.url = "https://other.example".to_owned();
    let mut authenticator = authenticator(snapshot([issuer(), other]));
    let verifier = Counting { is_slow: true, ..Counting::default() };
    let forged = |number: u64| case("forged").signed_by(Pair::OtherP256).claims(json!({"n": number})).token();
    let cached = good_token();
    assert_eq!(decide_with(&mut authenticator, &cached, NOW, &verifier), alice());
    for number in 0..200 {
        let outcome = decide_with(&mut authenticator, &forged(number), NOW, &verifier);
        assert_eq!(outcome, Outcome::Reject("signature", 401), "{number}");
    }
    let calls = verifier.calls.get();
    assert_eq!(
        decide_with(&mut authenticator, &forged(200), NOW, &verifier),
        Outcome::Reject("throttled", 503)
    );
    assert_eq!(verifier.calls.get(), calls, "nothing is checked any more");
    assert_eq!(decide_with(&mut authenticator, &cached, NOW, &verifier), alice(), "a cached token goes on");
    let theirs = case("theirs").claims(json!({"iss": "https://other.example"})).token();
    assert_eq!(decide_with(&mut authenticator, &theirs, NOW, &verifier), alice(), "the other issuer goes on");
    let fresh = case("fresh").claims(json!({"n": 1})).token();
    assert_eq!(
        decide_with(&mut authenticator, &fresh, NOW + 1, &verifier),
        alice(),
        "a second gives some back"
    );
}

#[test]
fn fast_failures_are_not_rationed() {
    let mut authenticator = authenticator(snapshot([issuer()]));
    let verifier = Counting::default();
    for number in 0..60 {
        let forged = case("forged").signed_by(Pair::OtherP256).claims(json!({"n": number})).token();
        assert_eq!(
            decide_with(&mut authenticator, &forged, NOW, &verifier),
            Outcome::Reject("signature", 401)
        );
    }
}

#[test]
fn good_tokens_and_dull_failures_cost_nothing_of_the_ration() {
    let mut authenticator = authenticator(snapshot([issuer()]));
    let verifier = Counting { is_slow: true, ..Counting::default() };
    for number in 0..60 {
        let bad_claims = case("bad").claims(json!({"aud": "x", "n": number})).token();
        assert_eq!(
            decide_with(&mut authenticator, &bad_claims, NOW, &verifier),
            Outcome::Reject("audience", 401)
        );
        let no_key = case("no key")
            .algorithm(Algorithm::Rs256)
            .claims(json!({"n": number}))
            .header(json!({"alg": "RS256"}));
        assert_eq!(
            decide_with(&mut authenticator, &no_key.token(), NOW, &verifier),
            Outcome::Reject("signature", 401)
        );
        let good = case("good").claims(json!({"n": number})).token();
        assert_eq!(decide_with(&mut authenticator, &good, NOW, &verifier), alice());
    }
}

#[test]
fn every_stricter_choice_has_a_row() {
    let rows = [include_str!("kubernetes_semantics.rs"), include_str!("expressions.rs")].concat();
    for id in STRICTER {
        assert!(rows.contains(&format!(".stricter(\"{id}\")")), "{id}");
    }
}

fn decide(authenticator: &mut authn::authenticator::Authenticator, token: &str, now: u64) -> Outcome {
    decide_with(authenticator, token, now, &Portable)
}

fn decide_with(
    authenticator: &mut authn::authenticator::Authenticator,
    token: &str,
    now: u64,
    verifier: &impl authn::signature::VerifySignature,
) -> Outcome {
    let authorization = format!("Bearer {token}");
    let lines = [("authorization", authorization.as_bytes())];
    judge(authenticator, &Request::read(&lines), at(now), verifier).into()
}

fn alice() -> Outcome {
    Outcome::Forward(user("alice").headers())
}

#[test]
fn the_page_of_deviations_lists_these_and_no_others() {
    let page =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/deviations.md")).unwrap();
    let (_, tokens) = page.split_once("<!-- begin tokens").unwrap();
    let (tokens, _) = tokens.split_once("<!-- end tokens").unwrap();
    let cells =
        tokens.lines().filter(|line| line.starts_with("| `")).filter_map(|line| line.split('|').nth(1));
    let mut listed: Vec<_> = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
    listed.sort_unstable();
    assert_eq!(listed, STRICTER);
}
