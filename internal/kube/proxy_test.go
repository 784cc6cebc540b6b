package kube_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"

	"k8s.io/client-go/rest"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/tugops/tug/internal/kube"
	"github.com/tugops/tug/internal/kubetest"
)

// proxy passes requests on to the real API server with the rights of config.
func proxy(t testing.TB, config *rest.Config) *httputil.ReverseProxy {
	t.Helper()
	transport, err := rest.TransportFor(config)
	if err != nil {
		t.Fatal(err)
	}
	target, err := url.Parse(config.Host)
	if err != nil {
		t.Fatal(err)
	}
	return &httputil.ReverseProxy{
		Transport:     transport,
		FlushInterval: -1,
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ErrorHandler:  func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
}

// through is a client of the administrator before whose API server answer
// sees every request; it says whether it answered itself.
func through(t *testing.T, answer func(http.ResponseWriter, *http.Request) bool) *kube.Client {
	t.Helper()
	return clientOf(t, kubetest.Rest(t), answer)
}

func clientOf(t *testing.T, config *rest.Config, answer func(http.ResponseWriter, *http.Request) bool) *kube.Client {
	t.Helper()
	proxy := proxy(t, config)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !answer(w, r) {
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	c, err := kube.Connect(kube.Options{Kubeconfig: kubeconfig(t, &clientcmdapi.Cluster{Server: server.URL}, &clientcmdapi.AuthInfo{})})
	if err != nil {
		t.Fatal(err)
	}
	return c
}
