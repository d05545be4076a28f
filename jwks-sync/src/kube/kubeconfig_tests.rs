use super::*;

fn config(server: &str) -> Config {
    let mut config = Config::new(server.parse().unwrap());
    config.auth_info.token = Some("secret".to_owned().into());
    config
}

#[test]
fn the_url_of_a_webhook_is_taken_as_kube_apiserver_takes_it() {
    for (server, origin, path) in [
        ("https://a/authenticate", "https://a/", "/authenticate"),
        ("https://a:8443/x/y", "https://a:8443/", "/x/y"),
        ("https://a/x/", "https://a/", "/x"),
        ("https://a", "https://a/", "/"),
        ("https://[::1]:1/%2f", "https://[::1]:1/", "/%2f"),
    ] {
        let (config, at) = split(config(server)).unwrap();
        assert_eq!((config.cluster_url.to_string().as_str(), at.as_str()), (origin, path), "{server}");
        assert!(config.auth_info.token.is_some());
    }
    for bad in ["https://a/x?y=z", "ftp://a/x", "https://user@a/x", "a:443", "/x"] {
        assert!(split(config(bad)).is_err(), "{bad}");
    }
    let (plain, path) = split(config("http://127.0.0.1:1/x")).unwrap();
    assert_eq!(path, "/x");
    assert!(plain.auth_info.token.is_none(), "no credential without TLS");
}

#[test]
fn loopback_never_goes_through_a_proxy() {
    for url in ["https://127.0.0.1:6443", "https://localhost/x", "https://[::1]:6443"] {
        assert!(!goes_through_a_proxy(&url.parse().unwrap()), "{url}");
    }
}

#[test]
fn a_change_of_any_file_is_seen() {
    let directory = std::env::temp_dir().join(format!("jwks-sync-kubeconfig-{}", std::process::id()));
    fs::create_dir_all(&directory).unwrap();
    let path = directory.join("config");
    let text = "clusters: [{name: a, cluster: {server: 'https://a', certificate-authority: ca}}]
users: [{name: u, user: {client-certificate: cert, client-key: key, tokenFile: token}}]
contexts: [{name: c, context: {cluster: a, user: u}}]
current-context: c
";
    fs::write(&path, text).unwrap();
    let hasher = RandomState::new();
    let mut seen = read(&path, &hasher).unwrap().files;
    assert_eq!(read(&path, &hasher).unwrap().files, seen);
    for (file, content) in [
        ("ca", "1"),
        ("cert", "1"),
        ("key", "1"),
        ("token", "1"),
        ("token", "2"),
        ("config", &format!("{text}\n")),
    ] {
        fs::write(directory.join(file), content).unwrap();
        let now = read(&path, &hasher).unwrap().files;
        assert_ne!(now, seen, "{file}");
        seen = now;
    }
    fs::write(&path, "a: [").unwrap();
    assert!(matches!(read(&path, &hasher), Err(KubeError::Kubeconfig { .. })));
    fs::remove_dir_all(&directory).unwrap();
}

#[tokio::test]
async fn a_cluster_that_contradicts_itself_is_refused_when_it_is_the_current_one() {
    for (current, is_good) in [("odd", false), ("plain", true)] {
        let text = format!(
            r#"{{"clusters": [{{"name": "odd", "cluster": {{"server": "https://a", "insecure-skip-tls-verify": true,
            "certificate-authority-data": "eA=="}}}}, {{"name": "plain", "cluster": {{"server": "https://b"}}}}],
            "contexts": [{{"name": "odd", "context": {{"cluster": "odd"}}}},
            {{"name": "plain", "context": {{"cluster": "plain"}}}}], "current-context": "{current}"}}"#
        );
        let kubeconfig = Kubeconfig::from_yaml(&text).unwrap();
        match configuration(Path::new("file"), kubeconfig).await {
            Ok(config) => assert!(is_good && config.cluster_url == "https://b/"),
            Err(refused) => {
                assert!(!is_good && refused.to_string().contains("exclude each other"), "{refused}")
            }
        }
    }
}

#[tokio::test]
async fn a_file_that_is_missing_is_named() {
    let text = "clusters: [{name: a, cluster: {server: 'https://a', certificate-authority: /no/such/ca}}]
contexts: [{name: a, context: {cluster: a}}]
current-context: a
";
    let kubeconfig = Kubeconfig::from_yaml(text).unwrap();
    let refused = configuration(Path::new("file"), kubeconfig).await.unwrap_err().to_string();
    assert!(refused.starts_with("kubeconfig file: /no/such/ca: "), "{refused}");
}

#[test]
fn what_stands_in_a_bad_kubeconfig_is_not_told() {
    let path = std::env::temp_dir().join(format!("jwks-sync-bad-kubeconfig-{}", std::process::id()));
    for text in [
        "users: [{name: a, user: {token: SECRET, exec: [SECRET",
        "users:\n- name: a\n  user:\n    token: {a: SECRET}\n",
        "users:\n- name: a\n  user:\n    token: SECRET\n    exec: SECRET\n",
        "users: SECRET",
        "users: [SECRET]",
        "clusters: [{name: a, cluster: {insecure-skip-tls-verify: SECRET}}]",
        "users: [{name: a, user: {as-groups: SECRET}}]",
        "SECRET",
        "users: *SECRET",
        "a: SECRET\na: SECRET",
    ] {
        fs::write(&path, text).unwrap();
        let told = read(&path, &RandomState::new()).map(|_| ()).unwrap_err().to_string();
        assert!(!told.contains("SECRET") && !told.contains('\n'), "{text}: {told}");
    }
    fs::remove_file(&path).unwrap();
}
