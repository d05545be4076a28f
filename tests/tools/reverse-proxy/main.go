// Command reverse-proxy is net/http/httputil.ReverseProxy between two ends of TLS, and nothing more: what many
// gateways written in Go are at heart. It heeds hop-by-hop headers as RFC 9110 7.6.1 asks, which a client may try to
// turn against the headers that a proxy before it has set.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"flag"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
)

func main() {
	listen := flag.String("listen", "", "address to listen on")
	certificate := flag.String("certificate", "", "PEM file of the certificate")
	key := flag.String("key", "", "PEM file of its key")
	upstream := flag.String("upstream", "", "URL of the API server")
	upstreamCA := flag.String("upstream-ca", "", "PEM file of the API server's CA")
	upstreamName := flag.String("upstream-name", "", "name in the API server's certificate")
	flag.Parse()

	target, err := url.Parse(*upstream)
	if err != nil {
		log.Fatal(err)
	}
	pem, err := os.ReadFile(*upstreamCA)
	if err != nil {
		log.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		log.Fatalf("no certificate in %s", *upstreamCA)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(request *httputil.ProxyRequest) {
			request.SetURL(target)
			request.Out.Host = request.In.Host
			// Announced trailers are known at the end of the body. Sharing the map lets them go on.
			request.Out.Trailer = request.In.Trailer
		},
		// A configuration of its own keeps the transport at HTTP/1.1, so that upgrades pass.
		Transport: &http.Transport{
			TLSClientConfig:     &tls.Config{RootCAs: roots, ServerName: *upstreamName},
			DisableCompression:  true,
			MaxIdleConnsPerHost: 16,
		},
	}
	server := &http.Server{
		Addr: *listen,
		Handler: http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
			response.Header().Set("X-Hop", "reverse-proxy")
			proxy.ServeHTTP(response, request)
		}),
		TLSConfig: &tls.Config{NextProtos: []string{"http/1.1"}},
	}
	log.Fatal(server.ListenAndServeTLS(*certificate, *key))
}
