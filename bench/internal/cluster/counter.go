package cluster

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Requests are numbers of API requests by what they do: get, list and watch,
// review (asks what is allowed), dry-run, write.
type Requests map[string]int

// Counted runs do with a kubeconfig that leads through a proxy, and counts
// what is asked.
func (l *Lab) Counted(ctx context.Context, kubeconfig string, do func() error) (Requests, error) {
	transport, err := rest.TransportFor(l.config)
	if err != nil {
		return nil, fmt.Errorf("proxy: %w", err)
	}
	target, err := url.Parse(l.config.Host)
	if err != nil {
		return nil, fmt.Errorf("proxy: %w", err)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("proxy: %w", err)
	}
	var mu sync.Mutex
	seen := Requests{}
	forward := &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: transport, FlushInterval: -1,
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		seen[classify(r.Method, r.URL)]++
		mu.Unlock()
		forward.ServeHTTP(w, r)
	})}
	go func() { _ = server.Serve(listener) }()
	defer func() { _ = server.Close() }()
	if err := writeKubeconfig(kubeconfig, "http://"+listener.Addr().String()); err != nil {
		return nil, err
	}
	defer os.Remove(kubeconfig)
	err = do()
	mu.Lock()
	defer mu.Unlock()
	return seen, err
}

func writeKubeconfig(path, server string) error {
	config := clientcmdapi.NewConfig()
	config.Clusters["proxy"] = &clientcmdapi.Cluster{Server: server}
	config.AuthInfos["proxy"] = &clientcmdapi.AuthInfo{}
	config.Contexts["proxy"] = &clientcmdapi.Context{Cluster: "proxy", AuthInfo: "proxy"}
	config.CurrentContext = "proxy"
	return clientcmd.WriteToFile(*config, path)
}

// classify says what a request does. A POST to authorization.k8s.io or
// authentication.k8s.io asks a question and stores nothing.
func classify(method string, u *url.URL) string {
	switch {
	case method == http.MethodGet && isTrue(u.Query().Get("watch")):
		return "watch"
	case method == http.MethodGet || method == http.MethodHead:
		return read(u.Path)
	case u.Query().Get("dryRun") != "":
		return "dry-run"
	case strings.HasPrefix(u.Path, "/apis/authorization.k8s.io/"), strings.HasPrefix(u.Path, "/apis/authentication.k8s.io/"):
		return "review"
	default:
		return "write"
	}
}

func isTrue(value string) bool { return value == "true" || value == "1" }

// read tells a list from the read of one thing (an object, a version, a page
// of discovery) by the shape of the path.
func read(path string) string {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	switch {
	case parts[0] == "api" && len(parts) > 2:
		parts = parts[2:]
	case parts[0] == "apis" && len(parts) > 3:
		parts = parts[3:]
	default:
		return "discovery"
	}
	if parts[0] == "namespaces" && len(parts) > 2 {
		parts = parts[2:]
	}
	if len(parts) == 1 {
		return "list"
	}
	return "get"
}
