//! Each row is what `RequestInfoFactory.NewRequestInfo` of k8s.io/apiserver v0.36.3 says.

use super::*;

/// Holds a request against `VERB`, or `VERB group/version namespace/resource/name/subresource` with `-` for what is
/// empty.
#[track_caller]
fn row(request: &str, expected: &str) {
    let (method, path) = request.split_once(' ').unwrap();
    let info = RequestInfo::new(method.as_bytes(), path.as_bytes());
    assert_eq!(text(&info), expected, "{request}");
}

fn text(info: &RequestInfo) -> String {
    let or = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
    let verb = or(&info.verb);
    let Some(Object { resource, namespace, name, api_group, api_version, subresource }) = &info.object else {
        return verb;
    };
    let [resource, namespace, name, group, version, subresource] =
        [resource, namespace, name, api_group, api_version, subresource].map(|text| or(text));
    format!("{verb} {group}/{version} {namespace}/{resource}/{name}/{subresource}")
}

#[test]
fn requests_for_objects() {
    row("GET /api/v1/namespaces/a/pods/b", "get -/v1 a/pods/b/-");
    row("HEAD /api/v1/namespaces/a/pods/b", "get -/v1 a/pods/b/-");
    row("GET /apis/apps/v1/namespaces/a/deployments/b/scale", "get apps/v1 a/deployments/b/scale");
    row("POST /api/v1/namespaces/a/pods", "create -/v1 a/pods/-/-");
    row("POST /api/v1/namespaces/a/pods/b/exec?command=sh", "create -/v1 a/pods/b/exec");
    row("GET /api/v1/namespaces/a/pods/b/log/more/yet", "get -/v1 a/pods/b/log");
    row("PUT /api/v1/nodes/n/status", "update -/v1 -/nodes/n/status");
    row("PATCH /api/v1/nodes/n", "patch -/v1 -/nodes/n/-");
    row("DELETE /api/v1/nodes/n", "delete -/v1 -/nodes/n/-");
    row("DELETE /api/v1/nodes", "deletecollection -/v1 -/nodes/-/-");
    row("DELETE /api/v1/nodes?fieldSelector=metadata.name=n", "deletecollection -/v1 -/nodes/-/-");
    row("OPTIONS /api/v1/nodes/n", "- -/v1 -/nodes/n/-");
    row("get /api/v1/nodes/n", "- -/v1 -/nodes/n/-");
}

#[test]
fn namespaces_are_objects_and_places() {
    row("GET /api/v1/namespaces", "list -/v1 -/namespaces/-/-");
    row("GET /api/v1/namespaces/a", "get -/v1 a/namespaces/a/-");
    row("PUT /api/v1/namespaces/a/finalize", "update -/v1 a/namespaces/a/finalize");
    row("PATCH /api/v1/namespaces/a/status", "patch -/v1 a/namespaces/a/status");
    row("GET /api/v1/namespaces/a/status/b", "get -/v1 a/namespaces/a/status");
    row("GET /api/v1/namespaces/a/pods", "list -/v1 a/pods/-/-");
    row("GET /api/v1/namespaces//pods/b", "get -/v1 -/pods/b/-");
    row("GET /api/v1/namespaces/a//b", "get -/v1 a/-/b/-");
}

#[test]
fn requests_for_no_resource() {
    for path in
        ["/", "//", "/healthz", "/api", "/api/v1", "/api/v1/", "/apis", "/apis/apps", "/apis/apps/v1", "*"]
    {
        row(&format!("GET {path}"), "get");
    }
    row("HEAD /livez/etcd?verbose", "head");
    row("PURGE /logs/a/b/c", "purge");
    row("GET /API/v1/pods", "get");
    row("GET //api//v1//pods", "list -/- -/v1/-/pods");
    row("GET /apis//v1/pods", "list -/v1 -/pods/-/-");
}

#[test]
fn the_old_verbs_in_the_path() {
    row("GET /api/v1/watch/pods", "watch -/v1 -/pods/-/-");
    row("POST /apis/apps/v1/watch/namespaces/a/deployments/b", "watch apps/v1 a/deployments/b/-");
    row("GET /api/v1/watch/namespaces/a/status", "watch -/v1 a/namespaces/a/status");
    row("GET /apis/g/v1/watch/namespaces/a/pods/b/log/c/d/e", "watch g/v1 a/pods/b/log");
    row("GET /api/v1/proxy/nodes/n/metrics", "proxy -/v1 -/nodes/n/-");
    row("GET /api/v1/proxy/namespaces/a/services/s/x/y", "proxy -/v1 a/services/s/-");
    row("GET /api/v1/watch", "get -/v1 -/-/-/-");
    row("DELETE /api/v1/proxy/", "delete -/v1 -/-/-/-");
}

#[test]
fn lists_and_watches() {
    for watch in
        ["watch=true", "watch=1", "watch=", "watch", "watch=yes", "x=;&watch=1&watch=0", "w%61tch=%31"]
    {
        row(&format!("GET /api/v1/pods?{watch}"), "watch -/v1 -/pods/-/-");
    }
    for list in
        ["", "watch=false", "watch=FALSE", "watch=0", "watch=0&watch=1", "Watch=1", "watch=1;", "watch=%zz"]
    {
        row(&format!("GET /api/v1/pods?{list}"), "list -/v1 -/pods/-/-");
    }
    row("GET /api/v1/pods/p?watch=1", "get -/v1 -/pods/p/-");
    row("POST /api/v1/pods?watch=1", "create -/v1 -/pods/-/-");
    let many = "&".repeat(MAX_PARAMETERS);
    row(&format!("GET /api/v1/pods?watch=1{many}"), "list -/v1 -/pods/-/-");
}

#[test]
fn one_name_by_field_selector() {
    for (query, name) in [
        ("fieldSelector=metadata.name%3Dp", "p"),
        ("fieldSelector=metadata.name=p", "p"),
        ("fieldSelector=metadata.name==p", "p"),
        ("fieldSelector=spec.nodeName=n,metadata.name=p", "p"),
        ("fieldSelector=metadata.name=q,metadata.name=p", "p"),
        ("fieldSelector=metadata.name=a+b", "a b"),
        (r"fieldSelector=metadata.name=a\,b\=c\\", r"a,b=c\"),
        ("fieldSelector=,metadata.name=p,", "p"),
        ("fieldSelector=metadata.name=p&labelSelector=a+in+(b)&limit=500&timeoutSeconds=-1", "p"),
        ("fieldSelector=metadata.name=p&fieldSelector=metadata.name=q", "p"),
        ("fieldSelector=metadata.name!=p", "-"),
        ("fieldSelector=metadata.name=", "-"),
        ("fieldSelector=metadata.name=..", "-"),
        ("fieldSelector=metadata.name=a/b", "-"),
        ("fieldSelector=metadata.name=a%2525", "-"),
        // What can't be parsed takes everything else along.
        ("fieldSelector=metadata.name=p,x", "-"),
        (r"fieldSelector=metadata.name=p\x", "-"),
        ("fieldSelector=metadata.name=p===", "-"),
        ("fieldSelector=metadata.name=p&labelSelector=a!!!", "-"),
        ("fieldSelector=metadata.name=p&limit=many", "-"),
        ("fieldSelector=metadata.name=p&timeoutSeconds=", "-"),
    ] {
        row(&format!("GET /api/v1/pods?{query}"), &format!("list -/v1 -/pods/{name}/-"));
    }
    row("GET /api/v1/pods?fieldSelector=metadata.name=p&watch=1", "watch -/v1 -/pods/p/-");
    row("GET /api/v1/pods?labelSelector=!!&watch=1", "watch -/v1 -/pods/-/-");
    row("GET /api/v1/pods?labelSelector=!!&watch=0", "list -/v1 -/pods/-/-");
    // Only where the options can be read do the letters of `false` fold by Unicode.
    row("GET /api/v1/pods?watch=fal%C5%BFe", "list -/v1 -/pods/-/-");
    row("GET /api/v1/pods?watch=fal%C5%BFe&limit=x", "watch -/v1 -/pods/-/-");
}

#[test]
fn paths_are_decoded_and_never_kill() {
    row("GET /api/v1/namespaces/a%2Fb/pods", "get -/v1 a/b/pods/-");
    row("GET /%61pi/v1/p%6Fds/x%20y", "get -/v1 -/pods/x y/-");
    row("GET /api/v1/pods/%zz", "get");
    row("GET /api/v1/pods/%4", "get");
    row("GET /api/v1/pods/+", "get -/v1 -/pods/+/-");
    row("GET api/v1/pods", "get");
    row("GET /api/v1/pods/a\u{1}", "get");
    let info = RequestInfo::new(b"G\xffT", b"/api/v1/pods/\xff%FE");
    assert_eq!(text(&info), "- -/v1 -/pods/\u{fffd}\u{fffd}/-");
    assert_eq!(text(&RequestInfo::new(b"", b"")), "-");
}
