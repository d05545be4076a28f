// Gives the manifests on standard input to Istio's own code, as they would reach istiod, and writes the Envoy
// bootstrap that the gateway gets by it. The kinds of Istio are validated on the way, as `istioctl validate` does.
//
// What istiod sends apart from listeners and clusters (routes, endpoints, certificates) is put into the bootstrap, so
// that Envoy can run it: the API server is APISERVER, the listener has the certificate of TLS_DIRECTORY.
package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	bootstrap "github.com/envoyproxy/go-control-plane/envoy/config/bootstrap/v3"
	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	hcm "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	tls "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"istio.io/istio/pilot/pkg/config/kube/crd"
	"istio.io/istio/pilot/pkg/model"
	"istio.io/istio/pilot/pkg/networking/core"
	"istio.io/istio/pkg/config/host"
	"istio.io/istio/pkg/config/protocol"
	"istio.io/istio/pkg/config/schema/collections"
	"istio.io/istio/pkg/test"
)

const (
	namespace   = "kube-oidc-filter"
	apiServer   = "kubernetes.default.svc.cluster.local"
	httpManager = "envoy.filters.network.http_connection_manager"
)

// The labels by which gateway.yaml and envoyfilter.yaml find the gateway.
var labels = map[string]string{"app.kubernetes.io/name": namespace, "app.kubernetes.io/component": "gateway"}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: istiod BOOTSTRAP <MANIFESTS")
		os.Exit(2)
	}
	manifests, err := io.ReadAll(os.Stdin)
	if err == nil {
		err = run(string(manifests), os.Args[1])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "istiod:", err)
		os.Exit(1)
	}
}

func run(manifests, output string) error {
	configs, err := validate(manifests)
	if err != nil {
		return err
	}
	var boot *bootstrap.Bootstrap
	err = test.Wrap(func(t test.Failer) {
		if boot, err = generate(t, configs); err != nil {
			t.Fatal(err)
		}
	})
	if err != nil {
		return err
	}
	out, err := protojson.MarshalOptions{Indent: " ", UseProtoNames: true}.Marshal(boot)
	if err != nil {
		return err
	}
	// Not to standard output, where Istio's code logs.
	return os.WriteFile(output, append(out, '\n'), 0o644)
}

// validate returns the documents of Istio's kinds, as one text.
func validate(manifests string) (string, error) {
	var ours []string
	for _, document := range strings.Split(manifests, "\n---\n") {
		if strings.Contains(document, "\napiVersion: networking.istio.io/") || strings.HasPrefix(document, "apiVersion: networking.istio.io/") {
			ours = append(ours, document)
		}
	}
	all := strings.Join(ours, "\n---\n")
	configs, unknown, err := crd.ParseInputs(all)
	if err != nil {
		return "", err
	}
	if len(unknown) > 0 || len(configs) == 0 {
		return "", fmt.Errorf("%d documents of Istio, %d of unknown kind", len(configs), len(unknown))
	}
	var problems []error
	for _, c := range configs {
		schema, found := collections.PilotGatewayAPI().FindByGroupVersionAliasesKind(c.GroupVersionKind)
		if !found {
			return "", fmt.Errorf("no schema for %v", c.GroupVersionKind)
		}
		warning, err := schema.ValidateConfig(c)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s %s: %w", c.GroupVersionKind.Kind, c.Name, err))
		}
		if warning != nil {
			fmt.Fprintf(os.Stderr, "%s %s: warning: %v\n", c.GroupVersionKind.Kind, c.Name, warning)
		}
	}
	return all, errors.Join(problems...)
}

func generate(t test.Failer, configs string) (*bootstrap.Bootstrap, error) {
	api := service(apiServer, "kubernetes", "default")
	gateway := service("gateway."+namespace+".svc.cluster.local", "gateway", namespace)
	const address = "10.0.0.1"
	istiod := core.NewConfigGenTest(t, core.TestOptions{
		ConfigString: configs,
		Services:     []*model.Service{api, gateway},
		Instances: []*model.ServiceInstance{{
			Service:     gateway,
			ServicePort: gateway.Ports[0],
			Endpoint:    &model.IstioEndpoint{Addresses: []string{address}, EndpointPort: 8443, ServicePortName: "https", Labels: labels},
		}},
	})
	proxy := istiod.SetupProxy(&model.Proxy{
		Type:            model.Router,
		IPAddresses:     []string{address},
		ID:              "gateway." + namespace,
		ConfigNamespace: namespace,
		DNSDomain:       namespace + ".svc.cluster.local",
		Labels:          labels,
		Metadata:        &model.NodeMetadata{IstioVersion: "1.31.0", Namespace: namespace, Labels: labels},
	})

	boot := &bootstrap.Bootstrap{
		Node:            &corev3.Node{Id: "gateway", Cluster: "gateway"},
		StaticResources: &bootstrap.Bootstrap_StaticResources{},
	}
	routes := map[string]*routev3.RouteConfiguration{}
	for _, r := range istiod.Routes(proxy) {
		routes[r.Name] = r
		if found := forbidden(r); found != "" {
			return nil, fmt.Errorf("route %s has %s", r.Name, found)
		}
	}
	for _, l := range istiod.Listeners(proxy) {
		for _, chain := range l.FilterChains {
			if err := inline(chain, routes); err != nil {
				return nil, err
			}
		}
		boot.StaticResources.Listeners = append(boot.StaticResources.Listeners, l)
	}
	for _, c := range istiod.Clusters(proxy) {
		// Of all clusters only those that a request to the API server needs.
		if !strings.HasPrefix(c.Name, "jwks_sync_") && c.Name != "outbound|443||"+apiServer {
			continue
		}
		if err := reachable(c); err != nil {
			return nil, err
		}
		boot.StaticResources.Clusters = append(boot.StaticResources.Clusters, c)
	}
	if l, c := len(boot.StaticResources.Listeners), len(boot.StaticResources.Clusters); l != 1 || c != 3 {
		return nil, fmt.Errorf("%d listeners and %d clusters, not 1 and 3", l, c)
	}
	return boot, nil
}

func service(name, short, ns string) *model.Service {
	return &model.Service{
		Hostname:   host.Name(name),
		Attributes: model.ServiceAttributes{Name: short, Namespace: ns},
		Ports:      model.PortList{{Name: "https", Port: 443, Protocol: protocol.HTTPS}},
		Resolution: model.ClientSideLB,
	}
}

// forbidden names what a route to the API server must not have, wherever it comes from.
func forbidden(m proto.Message) string {
	text := protojson.Format(m)
	for _, field := range []string{"retryPolicy", "requestMirrorPolicies", "internalRedirectPolicy", "\"redirect\"", "Rewrite"} {
		if strings.Contains(text, field) {
			return field
		}
	}
	return ""
}

// inline puts the routes and the certificate where Istio says who sends them.
func inline(chain *listenerv3.FilterChain, routes map[string]*routev3.RouteConfiguration) error {
	for _, f := range chain.Filters {
		if f.Name != httpManager {
			continue
		}
		manager := &hcm.HttpConnectionManager{}
		if err := f.GetTypedConfig().UnmarshalTo(manager); err != nil {
			return err
		}
		name := manager.GetRds().GetRouteConfigName()
		route, found := routes[name]
		if !found {
			return fmt.Errorf("the connection manager wants routes %q, Istio has %q", name, slices.Collect(maps.Keys(routes)))
		}
		manager.RouteSpecifier = &hcm.HttpConnectionManager_RouteConfig{RouteConfig: route}
		typed, err := anypb.New(manager)
		if err != nil {
			return err
		}
		f.ConfigType = &listenerv3.Filter_TypedConfig{TypedConfig: typed}
	}
	context := &tls.DownstreamTlsContext{}
	if err := chain.GetTransportSocket().GetTypedConfig().UnmarshalTo(context); err != nil {
		return err
	}
	directory := os.Getenv("TLS_DIRECTORY")
	context.CommonTlsContext.TlsCertificateSdsSecretConfigs = nil
	context.CommonTlsContext.TlsCertificates = []*tls.TlsCertificate{{
		CertificateChain: file(filepath.Join(directory, "tls.crt")),
		PrivateKey:       file(filepath.Join(directory, "tls.key")),
	}}
	typed, err := anypb.New(context)
	chain.TransportSocket.ConfigType = &corev3.TransportSocket_TypedConfig{TypedConfig: typed}
	return err
}

// reachable gives the cluster of the API server the endpoint that Istio would send.
func reachable(c *clusterv3.Cluster) error {
	if c.GetEdsClusterConfig() == nil {
		return nil
	}
	c.Filters = nil // Istio's own, unknown to other builds of Envoy
	name, portText, err := net.SplitHostPort(os.Getenv("APISERVER"))
	if err != nil {
		return fmt.Errorf("APISERVER: %w", err)
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return fmt.Errorf("APISERVER: %w", err)
	}
	c.EdsClusterConfig = nil
	c.ClusterDiscoveryType = &clusterv3.Cluster_Type{Type: clusterv3.Cluster_STATIC}
	c.LoadAssignment = &endpointv3.ClusterLoadAssignment{
		ClusterName: c.Name,
		Endpoints: []*endpointv3.LocalityLbEndpoints{{LbEndpoints: []*endpointv3.LbEndpoint{{
			HostIdentifier: &endpointv3.LbEndpoint_Endpoint{Endpoint: &endpointv3.Endpoint{Address: &corev3.Address{
				Address: &corev3.Address_SocketAddress{SocketAddress: &corev3.SocketAddress{
					Address:       name,
					PortSpecifier: &corev3.SocketAddress_PortValue{PortValue: uint32(port)},
				}},
			}}},
		}}}},
	}
	context := &tls.UpstreamTlsContext{}
	if err := c.GetTransportSocket().GetTypedConfig().UnmarshalTo(context); err != nil {
		return fmt.Errorf("the API server has no TLS: %w", err)
	}
	combined := context.GetCommonTlsContext().GetCombinedValidationContext()
	if combined.GetValidationContextSdsSecretConfig() == nil || len(combined.GetDefaultValidationContext().GetMatchSubjectAltNames()) == 0 { //nolint:staticcheck
		return errors.New("the API server's certificate is not checked for both CA and name")
	}
	validation := combined.GetDefaultValidationContext()
	validation.TrustedCa = file(os.Getenv("APISERVER_CA"))
	context.CommonTlsContext.ValidationContextType = &tls.CommonTlsContext_ValidationContext{ValidationContext: validation}
	typed, err := anypb.New(context)
	c.TransportSocket.ConfigType = &corev3.TransportSocket_TypedConfig{TypedConfig: typed}
	return err
}

func file(path string) *corev3.DataSource {
	return &corev3.DataSource{Specifier: &corev3.DataSource_Filename{Filename: path}}
}
