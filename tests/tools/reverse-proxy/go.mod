module kube-oidc-filter.invalid/tools/reverse-proxy

go 1.26
