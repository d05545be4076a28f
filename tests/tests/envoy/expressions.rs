//! Users that the AuthenticationConfiguration maps and checks by expressions (CEL).

use serde_json::{Value, json};
use tests::{ApiServer, Gateway, GatewayOptions, Issuer, Token, gateway};

use crate::answers::NOT_VALID;
use crate::assert_status;
use crate::contract::contract;

/// A gateway whose issuer has these members in its `jwt[]` entry.
async fn gateway_with(members: Value) -> (Issuer, ApiServer, Gateway) {
    let (issuer, api) = (Issuer::start().await, ApiServer::start().await);
    let mut configuration = gateway::configuration(&[&issuer]);
    for (name, value) in members.as_object().expect("an object") {
        configuration["jwt"][0][name] = value.clone();
    }
    let gateway = GatewayOptions::new(&api, configuration).start().await;
    (issuer, api, gateway)
}

#[tokio::test]
async fn users_by_expressions() {
    contract("expression-user");
    let (issuer, api, gateway) = gateway_with(json!({
        "claimValidationRules": [{"expression": "claims.email_verified == true"}],
        "claimMappings": {
            "username": {"expression": "'corp:' + claims.email"},
            "groups": {"expression": "claims.realm_access.roles.map(role, 'corp:' + role)"},
            "uid": {"expression": "claims.sub"},
            "extra": [{"key": "example.com/tenant", "valueExpression": "claims.kubernetes__dot__io.tenants"}],
        },
        "userValidationRules": [{"expression": "!user.username.endsWith('.org')"}],
    }))
    .await;
    let token = Token::of(&issuer)
        .sub("7")
        .claim("email", json!("alice@example.com"))
        .claim("email_verified", json!(true))
        .claim("realm_access", json!({"roles": ["dev", "ops"]}))
        .claim("kubernetes.io", json!({"tenants": ["a", "b"]}))
        .sign(&issuer.key());
    // The second is decided by what is remembered of the first.
    for _ in 0..2 {
        assert_eq!(gateway.client().get("/api").bearer(&token).send().await.status, 200);
        let received = api.last_request();
        assert_eq!(received.values("impersonate-user"), ["corp:alice@example.com"]);
        assert_eq!(received.values("impersonate-uid"), ["7"]);
        let groups = ["corp:dev", "corp:ops", "system:authenticated"];
        assert_eq!(received.values("impersonate-group"), groups);
        assert_eq!(received.values("impersonate-extra-example.com%2Ftenant"), ["a", "b"]);
    }
}

#[tokio::test]
async fn rules_that_are_not_true_and_expressions_without_a_value() {
    let members = json!({
        "claimValidationRules": [
            {"expression": "claims.?tier.orValue(1.0) < 3", "message": "not for this tier"},
            {"expression": "dyn(claims.?list.orValue([])).all(a, dyn(claims.list).all(b, dyn(claims.list).all(c, \
                            dyn(claims.list).all(d, a + b + c + d >= 0.0))))"},
        ],
        "userValidationRules": [{"expression": "user.username != 'mallory'"}],
    });
    let (issuer, api, gateway) = gateway_with(members).await;
    let send = async |change: fn(Token) -> Token| {
        let token = change(Token::of(&issuer).sub("alice")).sign(&issuer.key());
        gateway.client().get("/api").bearer(&token).send().await
    };
    assert_eq!(send(|token| token).await.status, 200);
    assert_eq!(send(|token| token.claim("tier", json!(2))).await.status, 200);
    api.clear();

    contract("expression-rule");
    assert_status(&send(|token| token.claim("tier", json!(3))).await, 401, NOT_VALID);
    assert_status(&send(|token| token.sub("mallory")).await, 401, NOT_VALID);

    contract("expression-no-value");
    assert_status(&send(|token| token.claim("tier", json!("x"))).await, 401, NOT_VALID);
    // Over the budget: 400 times as many steps as the one after it.
    assert_status(&send(|token| token.claim("list", json!(vec![0; 200]))).await, 401, NOT_VALID);
    assert_eq!(api.requests(), []);
    assert_eq!(send(|token| token.claim("list", json!(vec![0; 5]))).await.status, 200);
}
