//! `kubectl --as`, allowed and denied by the API server's own RBAC.

use serde_json::{Value, json};

use crate::cluster::{ALICE, BOB, Cluster};

/// What alice may act as: by name, and nothing else.
const RIGHTS: &str = "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: act-as}
rules:
- {apiGroups: [''], resources: [users], verbs: [impersonate], resourceNames: [jane]}
- {apiGroups: [''], resources: [groups], verbs: [impersonate], resourceNames: ['dev', 'acme:ops']}
- {apiGroups: [authentication.k8s.io], resources: [uids], verbs: [impersonate], resourceNames: [u-7]}
- apiGroups: [authentication.k8s.io]
  resources: ['userextras/acme.com/project']
  verbs: [impersonate]
  resourceNames: [moon]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: alice-acts}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: act-as}
subjects:
- {kind: User, name: 'dex:alice@example.com'}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: act-as-robot, namespace: default}
rules:
- {apiGroups: [''], resources: [serviceaccounts], verbs: [impersonate], resourceNames: [robot]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: alice-acts, namespace: default}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: act-as-robot}
subjects:
- {kind: User, name: 'dex:alice@example.com'}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: jane-reads, namespace: default}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects:
- {kind: User, name: jane}
---
# RBAC has no wildcard for extra keys: the gateway's account needs each that somebody may use.
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: upstream-project}
rules:
- {apiGroups: [authentication.k8s.io], resources: ['userextras/acme.com/project'], verbs: [impersonate]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: upstream-project}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: upstream-project}
subjects:
- {kind: ServiceAccount, name: upstream, namespace: kube-oidc-filter}
";

const ROBOT: &str = "system:serviceaccount:default:robot";
/// What the gateway tells of alice, whoever she acts as.
const ORIGINAL_USER: &str = "originaluser.jetstack.io-user";

#[tokio::test]
async fn rbac_says_who_may_act_as_whom() {
    let cluster = Cluster::start().await;
    cluster.server.admin().apply(RIGHTS).await;
    let (alice, bob) = (cluster.dex.token(ALICE).await, cluster.dex.token(BOB).await);
    let (alice, bob) = (cluster.kubectl(&alice).await, cluster.kubectl(&bob).await);
    let whoami = ["auth", "whoami", "--output", "json"];

    // Allowed: who the API server then sees.
    for (flags, user, groups) in [
        (&["--as=jane"][..], "jane", &["system:authenticated"][..]),
        (
            &["--as=jane", "--as-group=acme:ops", "--as-group=dev"],
            "jane",
            &["acme:ops", "dev", "system:authenticated"],
        ),
        (&["--as=jane", "--as-uid=u-7"], "jane", &["system:authenticated"]),
        (&["--as=jane", "--as-user-extra=acme.com/project=moon"], "jane", &["system:authenticated"]),
        (
            &["--as", ROBOT],
            ROBOT,
            &["system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"],
        ),
    ] {
        let text = alice.ok(&[&whoami, flags].concat()).await;
        let seen = serde_json::from_str::<Value>(&text).expect("JSON")["status"]["userInfo"].clone();
        assert_eq!((&seen["username"], &seen["groups"]), (&json!(user), &json!(groups)), "{flags:?}");
        assert_eq!(seen["extra"][ORIGINAL_USER], json!(["dex:alice@example.com"]), "{flags:?}");
        let (uid, project) = (flags.contains(&"--as-uid=u-7"), flags.concat().contains("moon"));
        assert_eq!(seen["uid"], if uid { json!("u-7") } else { Value::Null }, "{flags:?}");
        assert_eq!(
            seen["extra"]["acme.com/project"],
            if project { json!(["moon"]) } else { Value::Null },
            "{flags:?}"
        );
    }
    // The rights are the target's, not alice's: jane may read pods, the robot may not.
    assert_eq!(alice.run(&["get", "pods", "--as=jane"]).await.code, Some(0));
    let event = cluster.audited("jane", "list", 200).await;
    assert_eq!(event["impersonatedUser"]["extra"][ORIGINAL_USER], json!(["dex:alice@example.com"]));
    let robot = alice.run(&["get", "--raw", "/api/v1/namespaces/default/pods", "--as", ROBOT]).await;
    assert_eq!(robot.code, Some(1));
    assert!(robot.stderr.contains(&format!("User \"{ROBOT}\" cannot list")), "{}", robot.stderr);

    // Denied: what kubectl prints, of the first that is not allowed.
    let raw = ["get", "--raw", "/api/v1/namespaces/default/pods"];
    for (flags, what) in [
        (&["--as=admin"][..], "user 'admin'"),
        (&["--as=admin", "--as-group=system:masters"], "user 'admin'"),
        (&["--as=jane", "--as-group=dev", "--as-group=system:masters"], "group 'system:masters'"),
        (&["--as=jane", "--as-uid=u-8"], "uid 'u-8'"),
        (&["--as=jane", "--as-user-extra=acme.com/project=mars"], "extra info 'acme.com/project=mars'"),
        (&["--as=jane", "--as-user-extra=acme.com/other=moon"], "extra info 'acme.com/other=moon'"),
        (
            &["--as=system:serviceaccount:default:other"],
            "serviceaccount 'system:serviceaccount:default:other'",
        ),
        (
            &["--as=system:serviceaccount:kube-system:robot"],
            "serviceaccount 'system:serviceaccount:kube-system:robot'",
        ),
        (
            &["--as=jane", "--as-user-extra=originaluser.jetstack.io-user=root"],
            "extra info 'originaluser.jetstack.io-user=root'",
        ),
    ] {
        let denied = alice.run(&[&raw, flags].concat()).await;
        let message = format!("dex:alice@example.com is not allowed to impersonate {what}");
        assert_eq!(denied.code, Some(1), "{flags:?}");
        assert!(denied.stderr.contains(&message), "{flags:?}: {}", denied.stderr);
    }
    let denied = bob.run(&[&raw[..], &["--as=jane"]].concat()).await;
    assert!(
        denied.stderr.contains("dex:bob@example.com is not allowed to impersonate user 'jane'"),
        "{}",
        denied.stderr
    );
}
