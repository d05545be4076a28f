use super::*;

#[test]
fn the_message_of_a_refusal_is_bounded() {
    assert_eq!(message(br#"{"kind": "Status", "message": "no"}"#), "no");
    assert_eq!(message(b"<html>"), "");
    let long = serde_json::json!({"message": "x".repeat(1_000)}).to_string();
    assert_eq!(message(long.as_bytes()).len(), MAX_MESSAGE);
}

#[tokio::test]
async fn what_an_exec_plugin_says_is_not_told() {
    for script in [
        "echo SECRET; exit 3",
        "echo '{SECRET'",
        "echo SECRET",
        "echo '{\"status\": {\"token\": [\"SECRET\"]}}'",
    ] {
        let mut config = Config::new("https://a".parse().unwrap());
        let exec = serde_json::json!({"apiVersion": "client.authentication.k8s.io/v1", "command": "sh",
            "args": ["-c", script], "interactiveMode": "Never"});
        config.auth_info = AuthInfo { exec: serde_json::from_value(exec).ok(), ..AuthInfo::default() };
        let told = made(config, String::new()).await.map(|_| ()).unwrap_err().to_string();
        assert!(!told.contains("SECRET") && !told.contains('\n'), "{script}: {told}");
    }
}
