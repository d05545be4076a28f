"""Prints the bootstrap of a gateway as Istio would make it, with the patches of envoyfilter.yaml put in.

    patched-listener.py DIRECTORY_OF_MANIFESTS WASM CERTIFICATE KEY

For `envoy --mode validate`: a patch that Envoy would refuse is otherwise seen first in a cluster. What Istio makes is
reduced to what the patches touch. `istio/validate --istiod` has Istio's own code do the same.
"""
import json
import pathlib
import re
import sys

import yaml

HCM = "envoy.filters.network.http_connection_manager"
HCM_TYPE = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
ROUTER = "envoy.filters.http.router"


def load(directory, name):
    documents = yaml.safe_load_all((directory / name).read_text(encoding="utf-8"))
    return {document["kind"]: document for document in documents if document}


def gateway(directory):
    """What Istio makes of gateway.yaml, before any patch: (route configuration, API server's cluster)."""
    kinds = load(directory, "gateway.yaml")
    gateway, service = kinds["Gateway"], kinds["VirtualService"]
    [server] = gateway["spec"]["servers"]
    port = server["port"]
    [rule] = service["spec"]["http"]
    [destination] = rule["route"]
    destination = destination["destination"]
    assert rule["retries"] == {"attempts": 0} and "timeout" not in rule, "the route must do a request once, in its time"
    assert set(rule) == {"route", "retries"}, "the route must send requests to the API server and nowhere else"
    assert service["spec"]["gateways"] == [gateway["metadata"]["name"]]
    assert kinds["DestinationRule"]["spec"]["host"] == destination["host"]
    cluster = f"outbound|{destination['port']['number']}||{destination['host']}"
    name = f"https.{port['number']}.{port['name']}.{gateway['metadata']['name']}.{gateway['metadata']['namespace']}"
    routes = {
        "name": name,
        "virtual_hosts": [{
            "name": "kubernetes",
            "domains": service["spec"]["hosts"],
            "routes": [{"match": {"prefix": "/"}, "route": {"cluster": cluster, "timeout": "0s"}}],
        }],
    }
    return routes, cluster


def apply(patches, clusters, filters):
    """The operations that envoyfilter.yaml uses. Another one fails here, so that nobody takes it for tested."""
    for entry in patches:
        target, operation, value = entry["applyTo"], entry["patch"]["operation"], entry["patch"]["value"]
        if (target, operation) == ("CLUSTER", "ADD"):
            clusters.append(value)
        elif (target, operation) == ("NETWORK_FILTER", "REPLACE"):
            wanted = entry["match"]["listener"]["filterChain"]["filter"]["name"]
            [position] = [i for i, item in enumerate(filters) if item["name"] == wanted]
            filters[position] = value
        elif (target, operation) == ("HTTP_FILTER", "INSERT_BEFORE"):
            wanted = entry["match"]["listener"]["filterChain"]["filter"]["subFilter"]["name"]
            http_filters = filters[0]["typed_config"]["http_filters"]
            [position] = [i for i, item in enumerate(http_filters) if item["name"] == wanted]
            http_filters.insert(position, value)
        else:
            raise SystemExit(f"patched-listener.py: no {operation} of {target} here")


def hold_against_plain_envoy(manager, directory):
    """The connection manager is that of ../envoy/envoy.yaml, written again: what holds there must hold here."""
    text = (directory.parent / "envoy" / "envoy.yaml").read_text(encoding="utf-8")
    names = re.compile(r"\$\{[A-Z_]+\}")
    plain = yaml.safe_load(names.sub("0", text))["static_resources"]["listeners"][0]
    plain = plain["filter_chains"][0]["filters"][0]["typed_config"]
    # Routes and the filter's clusters have other names here; codec and request id are Istio's defaults.
    apart = {"rds", "route_config", "http_filters", "codec_type", "generate_request_id"}
    for name in sorted((plain.keys() | manager.keys()) - apart):
        here, there = manager.get(name), plain.get(name)
        assert here == there, f"{name} differs from envoy/envoy.yaml: {here} is not {there}"


def main(directory, wasm, certificate, key):
    directory = pathlib.Path(directory)
    routes, api_server = gateway(directory)
    clusters = [{"name": api_server, "type": "STATIC", "load_assignment": {"cluster_name": api_server}}]
    filters = [{"name": HCM, "typed_config": {"@type": HCM_TYPE, "http_filters": [{"name": ROUTER}]}}]
    apply(load(directory, "envoyfilter.yaml")["EnvoyFilter"]["spec"]["configPatches"], clusters, filters)

    manager = filters[0]["typed_config"]
    hold_against_plain_envoy(manager, directory)
    asked = manager.pop("rds")["route_config_name"]
    assert asked == routes["name"], f"the patch asks for routes {asked}, gateway.yaml makes {routes['name']}"
    manager["route_config"] = routes | {"validate_clusters": True}

    plugin = manager["http_filters"][-2]["typed_config"]["config"]
    plugin["vm_config"]["code"]["local"]["filename"] = wasm
    settings = json.loads(plugin["configuration"]["value"])
    assert settings["upstreamClusters"] == [api_server], "the filter must know the cluster of the route"
    names = {cluster["name"] for cluster in clusters}
    assert set(settings["sidecar"].values()) <= names, "the filter must know the clusters of the sidecar"

    files = {"certificate_chain": {"filename": certificate}, "private_key": {"filename": key}}
    tls = {
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        "common_tls_context": {"tls_certificates": [files]},
    }
    listener = {
        "name": "0.0.0.0_8443",
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": 8443}},
        "filter_chains": [{
            "filters": filters,
            "transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": tls},
        }],
    }
    print(json.dumps({"static_resources": {"listeners": [listener], "clusters": clusters}}, indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:])
