package kube_test

import (
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/kube"
	"github.com/tugops/tug/internal/kubetest"
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// kubeconfig for a server and a user.
func kubeconfig(t *testing.T, cluster *clientcmdapi.Cluster, user *clientcmdapi.AuthInfo) string {
	t.Helper()
	config := clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{"c": cluster},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{"u": user},
		Contexts:       map[string]*clientcmdapi.Context{"ctx": {Cluster: "c", AuthInfo: "u"}},
		CurrentContext: "ctx",
	}
	path := filepath.Join(t.TempDir(), "config")
	if err := clientcmd.WriteToFile(config, path); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestConnectRefusesBadKubeconfigs(t *testing.T) {
	t.Parallel()
	good := `{apiVersion: v1, kind: Config, current-context: a,
clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}], users: [{name: u, user: {}}],
contexts: [{name: a, context: {cluster: c, user: u}}, {name: b, context: {cluster: c, user: u, namespace: shop}}]}`
	tests := []struct {
		name    string
		options kube.Options
		kind    fault.Kind
		parts   []string
	}{
		{"missing file", kube.Options{Kubeconfig: filepath.Join(t.TempDir(), "none")}, fault.NotFound, []string{"none: no such file", "--kubeconfig"}},
		{"empty file", kube.Options{Kubeconfig: write(t, "")}, fault.NotFound, []string{"no kubeconfig", "KUBECONFIG"}},
		{"no YAML", kube.Options{Kubeconfig: write(t, "{a: [")}, fault.Invalid, []string{"kubeconfig", "yaml"}},
		{"unknown context", kube.Options{Kubeconfig: write(t, good), Context: "x"}, fault.NotFound, []string{`no context "x"`, "--context: a, b"}},
		{"unknown cluster", kube.Options{Kubeconfig: write(t, strings.Replace(good, "name: c,", "name: d,", 1))}, fault.Invalid, []string{`context "a"`, `cluster "c"`}},
		{"missing CA file", kube.Options{Kubeconfig: write(t, strings.Replace(good, `:1"`, `:1", certificate-authority: none.crt`, 1))}, fault.Invalid, []string{"none.crt"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := kube.Connect(test.options)
			wantFault(t, err, test.kind, test.parts...)
		})
	}
	t.Run("good", func(t *testing.T) {
		t.Parallel()
		c, err := kube.Connect(kube.Options{Kubeconfig: write(t, good), Context: "b"})
		if err != nil {
			t.Fatal(err)
		}
		if c.Namespace() != "shop" || c.Context() != "b" || c.Host() != "https://127.0.0.1:1" {
			t.Errorf("client of %s, %s, %s", c.Namespace(), c.Context(), c.Host())
		}
	})
	t.Run("list of missing files", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		list := filepath.Join(dir, "none") + string(filepath.ListSeparator) + filepath.Join(dir, "nor-this")
		_, err := kube.Connect(kube.Options{Kubeconfig: list})
		wantFault(t, err, fault.NotFound, "no kubeconfig in "+filepath.Join(dir, "none")+", "+filepath.Join(dir, "nor-this"))
	})
	t.Run("list of files", func(t *testing.T) {
		t.Parallel()
		list := filepath.Join(t.TempDir(), "none") + string(filepath.ListSeparator) + write(t, good)
		c, err := kube.Connect(kube.Options{Kubeconfig: list})
		if err != nil {
			t.Fatal(err)
		}
		if c.Namespace() != "default" || c.Context() != "a" {
			t.Errorf("client of %s, %s", c.Namespace(), c.Context())
		}
	})
}

// A port on which nothing listens any more.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestServersThatDoNotAnswer(t *testing.T) {
	t.Parallel()
	block := make(chan struct{})
	silent := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-block }))
	t.Cleanup(silent.Close)
	t.Cleanup(func() { close(block) })
	busy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	t.Cleanup(busy.Close)
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Write([]byte("<html>hello</html>"))
	}))
	t.Cleanup(page.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: silent.Certificate().Raw})
	none := &clientcmdapi.AuthInfo{}
	plugin := &clientcmdapi.AuthInfo{Exec: &clientcmdapi.ExecConfig{
		Command: "tug-no-such-plugin", APIVersion: "client.authentication.k8s.io/v1", InteractiveMode: clientcmdapi.NeverExecInteractiveMode}}
	tests := []struct {
		name    string
		cluster *clientcmdapi.Cluster
		user    *clientcmdapi.AuthInfo
		parts   []string
	}{
		{"refused", &clientcmdapi.Cluster{Server: "https://" + freePort(t)}, none, []string{"connection refused", `context "ctx"`}},
		{"unknown authority", &clientcmdapi.Cluster{Server: silent.URL}, none, []string{"authority", "kubeconfig again"}},
		{"other host", &clientcmdapi.Cluster{Server: silent.URL, CertificateAuthorityData: ca, TLSServerName: "other.test"}, none, []string{"other.test", "tls-server-name"}},
		{"silent", &clientcmdapi.Cluster{Server: silent.URL, CertificateAuthorityData: ca}, none, []string{"no answer", "within 500ms"}},
		{"no TLS", &clientcmdapi.Cluster{Server: strings.Replace(busy.URL, "http:", "https:", 1)}, none, []string{"does not speak TLS"}},
		{"503", &clientcmdapi.Cluster{Server: busy.URL}, none, []string{"server version", "try again"}},
		{"no API server", &clientcmdapi.Cluster{Server: page.URL}, none, []string{"cannot be read", "proxies"}},
		{"missing plugin", &clientcmdapi.Cluster{Server: silent.URL, CertificateAuthorityData: ca}, plugin, []string{"tug-no-such-plugin", "PATH"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			timeout := time.Duration(0) // the default
			if test.name == "silent" {
				timeout = 500 * time.Millisecond
			}
			c, err := kube.Connect(kube.Options{Kubeconfig: kubeconfig(t, test.cluster, test.user), Timeout: timeout})
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.Version(t.Context())
			wantFault(t, err, fault.Unavailable, test.parts...)
		})
	}
}

func TestRejectedCredentials(t *testing.T) {
	t.Parallel()
	admin, err := clientcmd.LoadFromFile(kubetest.Config(t))
	if err != nil {
		t.Fatal(err)
	}
	cluster := admin.Clusters[admin.Contexts[admin.CurrentContext].Cluster]
	c, err := kube.Connect(kube.Options{Kubeconfig: kubeconfig(t, cluster, &clientcmdapi.AuthInfo{Token: "expired"})})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Get(t.Context(), configMaps, "default", "x")
	wantFault(t, err, fault.Denied, "credentials", "log in again")
}

func TestVersionAndIdentity(t *testing.T) {
	t.Parallel()
	c := kubetest.Client(t)
	if v, err := c.Version(t.Context()); err != nil || !strings.HasPrefix(v, "v1.") {
		t.Errorf("version %q, %v", v, err)
	}
	u := kubetest.User(t, kubetest.Namespace(t))
	if got := u.Client.Identity(t.Context()); got != u.Name {
		t.Errorf("identity %q, want %q", got, u.Name)
	}
	as, err := c.As(u.Name)
	if err != nil {
		t.Fatal(err)
	}
	if got := as.Identity(t.Context()); got != u.Name {
		t.Errorf("identity as another user %q, want %q", got, u.Name)
	}
	if w := slices.Concat(u.Client.Warnings(), as.Warnings()); len(w) > 0 {
		t.Errorf("our own questions make the server warn: %q", w)
	}
}
