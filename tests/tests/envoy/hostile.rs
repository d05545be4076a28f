//! Input that would kill a careless filter.

use tests::{Algorithm, Response, SigningKey};

use crate::contract::contract;
use crate::{Chain, chain_with};

/// Envoy with its own limits raised and underscores allowed, so that everything reaches the filter.
async fn open_chain() -> Chain {
    chain_with(|options| {
        options
            .alter("max_request_headers_kb: 96", "max_request_headers_kb: 8192")
            .alter("max_headers_count: 200", "max_headers_count: 2000")
            .alter(
                "headers_with_underscores_action: REJECT_REQUEST",
                "headers_with_underscores_action: ALLOW",
            )
    })
    .await
}

/// Sends `lines`, without and then with a good token, and holds the answers and the filter's own counters against
/// what they must be.
async fn survives(chain: &Chain, what: &str, lines: &[(&str, &[u8])]) {
    // The header block of one HTTP/2 request may not be as long as what some rows send.
    let size: usize = lines.iter().map(|(name, value)| name.len() + value.len()).sum();
    let two = (size < 64 * 1024).then(|| chain.gateway.client().http2());
    for client in [chain.gateway.client()].into_iter().chain(two) {
        let before = chain.gateway.counter("no_credential").await;
        let request =
            lines.iter().fold(client.get("/api"), |request, (name, value)| request.header(name, value));
        assert_eq!(request.clone().send().await.status, 401, "{what}");
        // The filter itself said so: the request reached it.
        assert_eq!(chain.gateway.counter("no_credential").await, before + 1, "{what}");
        let answer: Response = request.bearer(&chain.alice()).send().await;
        assert_eq!(answer.status, 200, "{what}: {}", answer.text());
        assert_eq!(chain.api.last_request().values("impersonate-user"), ["alice"], "{what}");
    }
    assert_eq!(chain.gateway.vm_reloads().await, 0, "{what}");
}

#[tokio::test]
async fn no_header_kills_a_vm() {
    let chain = open_chain().await;
    survives(&chain, "a value that is not UTF-8", &[("x-a", b"\xff\xfe\x80"), ("cookie", b"\xc3\x28")]).await;
    survives(&chain, "a header of 1 MB", &[("x-a", &vec![b'a'; 1024 * 1024])]).await;
    let names: Vec<_> = (0..500).map(|number| format!("x_a-{number}")).collect();
    let lines: Vec<_> = names.iter().map(|name| (name.as_str(), &b"value"[..])).collect();
    survives(&chain, "500 headers", &lines).await;
    let names: Vec<_> = (0..500).map(|number| format!("x-remote-extra-{number}")).collect();
    let lines: Vec<_> = names.iter().map(|name| (name.as_str(), &b"value"[..])).collect();
    survives(&chain, "500 identity headers", &lines).await;
    survives(
        &chain,
        "the tests' kill switch, which the shipped filter does not have",
        &[("x-kill-vm", b"now")],
    )
    .await;
    survives(&chain, "an empty value", &[("x-remote-user", b""), ("x-a", b"")]).await;
}

/// A made-up PS256 token costs its sender nothing and the worker a millisecond for each key, so such failures are rationed.
/// Without a `kid` it costs all of eight keys: so few requests are enough, however slow the machine is.
#[tokio::test]
async fn a_flood_of_slow_signatures_is_rationed() {
    contract("reply-throttled");
    let chain = open_chain().await;
    let key = SigningKey::shared(Algorithm::PS256).with_kid("slow");
    let more: Vec<_> = (1..8).map(|at| key.clone().with_kid(&format!("slow-{at}"))).collect();
    let own = chain.issuer.key();
    chain.issuer.publish(&more.iter().chain([&key, &own]).collect::<Vec<_>>());
    let good = chain.token(|token| token);
    let slow = tests::Token::of(&chain.issuer).sub("alice").sign(&key);
    let served = async || chain.get(&slow).await.status == 200;
    tests::wait::until(std::time::Duration::from_secs(30), "the key is known", served).await;
    let forger = SigningKey::generate_rsa(Algorithm::PS256, 2048).without_kid();
    let flood: Vec<_> = (0..8)
        .map(|_| {
            let token = tests::Token::of(&chain.issuer).sub("forged").sign(&forger);
            let client = chain.gateway.client();
            tokio::spawn(async move {
                let mut codes = std::collections::BTreeSet::new();
                for _ in 0..500 {
                    codes.insert(client.get("/api").bearer(&token).send().await.status);
                    if codes.contains(&503) {
                        break;
                    }
                }
                codes
            })
        })
        .collect();
    let mut codes = std::collections::BTreeSet::new();
    for client in flood {
        codes.extend(client.await.expect("a client"));
    }
    assert_eq!(codes, [401, 503].into());
    // Who is known already, and whose signature is cheap to check, comes in as ever.
    assert_eq!(chain.get(&slow).await.status, 200);
    assert_eq!(chain.get(&good).await.status, 200);
}

#[tokio::test]
async fn no_token_kills_a_vm() {
    let chain = open_chain().await;
    let good = chain.alice();
    let (head, signature) = good.rsplit_once('.').expect("a token");
    let deep = format!("{{\"iss\":{}{}}}", "[".repeat(6000), "]".repeat(6000));
    let rows = [
        "..".to_owned(),
        "...".to_owned(),
        ".".repeat(16 * 1024),
        format!("{head}."),
        format!("{head}.{}", "A".repeat(4096)),
        format!("{head}.{signature}."),
        format!(
            "{}.{}.{signature}",
            tests::mint::encode(br#"{"alg":"ES256"}"#),
            tests::mint::encode(deep.as_bytes())
        ),
        format!("{}.{signature}", good.split('.').next().unwrap_or_default()),
        "a".repeat(16 * 1024),
    ];
    for token in rows {
        assert_eq!(chain.get(&token).await.status, 401, "{token:.40}");
    }
    assert_eq!(chain.get(&good).await.status, 200);
    assert_eq!(chain.gateway.vm_reloads().await, 0);
}
