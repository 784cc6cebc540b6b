package kubetest

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"testing"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/tugops/tug/internal/kube"
)

// Proxied is a client with the administrator's rights whose requests go
// through see on their way to the API server. see may answer one itself, and
// then gives true.
func Proxied(t testing.TB, see func(http.ResponseWriter, *http.Request) bool) *kube.Client {
	t.Helper()
	config := Rest(t)
	transport, err := rest.TransportFor(config)
	if err != nil {
		t.Fatalf("transport: %v", err)
	}
	target, err := url.Parse(config.Host)
	if err != nil {
		t.Fatalf("API server: %v", err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport:     transport,
		FlushInterval: -1, // watches
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !see(w, r) {
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.CloseClientConnections)
	t.Cleanup(server.Close)
	kubeconfig := clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{"lab": {Server: server.URL}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{"proxy": {}},
		Contexts:       map[string]*clientcmdapi.Context{"lab": {Cluster: "lab", AuthInfo: "proxy"}},
		CurrentContext: "lab",
	}
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(kubeconfig, path); err != nil {
		t.Fatalf("write kubeconfig: %v", err)
	}
	return connect(t, path)
}
