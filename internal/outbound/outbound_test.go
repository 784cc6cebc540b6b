package outbound_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/outbound"
)

const secret = "s3cr3t-c4n4ry"

// recorder notes what each request carries.
type recorder struct {
	*httptest.Server
	mu   sync.Mutex
	seen []string // "path authorization"
}

func record(t *testing.T, answer http.HandlerFunc) *recorder {
	t.Helper()
	r := &recorder{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		user, password, _ := q.BasicAuth()
		r.mu.Lock()
		r.seen = append(r.seen, q.URL.Path+" "+user+":"+password)
		r.mu.Unlock()
		answer(w, q)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *recorder) all() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.seen, "\n")
}

func ok(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("content")) }

func quick() outbound.Policy {
	return outbound.Policy{Silence: 300 * time.Millisecond, Pause: time.Millisecond}
}

func get(t *testing.T, c *outbound.Client, url string) (string, error) {
	t.Helper()
	data, _, err := c.Data(t.Context(), outbound.Request{URL: url, Limit: 1 << 20})
	return string(data), err
}

// A credential goes below its prefix and nowhere else (Helm CVE-2021-32690,
// Fleet GHSA-hx4v).
func TestCredentialsStay(t *testing.T) {
	t.Parallel()
	other := record(t, ok)
	var first *recorder
	first = record(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/team/away":
			http.Redirect(w, r, other.URL+"/caught", http.StatusFound)
		case "/team/out":
			http.Redirect(w, r, "/outside", http.StatusFound)
		case "/team/inside":
			http.Redirect(w, r, "/team/chart", http.StatusFound)
		case "/team/back":
			http.Redirect(w, r, other.URL+"/bounce?to="+url.QueryEscape(first.URL+"/team/chart"), http.StatusFound)
		default:
			ok(w, r)
		}
	})
	bounce := record(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, first.URL+"/team/chart", http.StatusFound)
	})
	creds := outbound.Credentials{{Prefix: first.URL + "/team", User: "ci", Password: secret}, {Prefix: bounce.URL, User: "own", Password: "x"}}
	c := outbound.New(quick(), creds)
	for _, path := range []string{"/team", "/team/chart", "/team/away", "/team/out", "/team/inside", "/teamwork", "/", "/team/../outside", "/team/%2e%2e/outside"} {
		if _, err := get(t, c, first.URL+path); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := get(t, c, bounce.URL+"/x"); err != nil {
		t.Error(err)
	}
	if got := other.all(); strings.Contains(got, secret) || got == "" {
		t.Errorf("the other host saw %q", got)
	}
	for _, line := range strings.Split(first.all(), "\n") {
		path, cred, _ := strings.Cut(line, " ")
		should := path == "/team" || strings.HasPrefix(path, "/team/") && !strings.Contains(path, "..")
		if had := strings.Contains(cred, secret); had && !should {
			t.Errorf("%s carried the credential", path)
		}
	}
	if !strings.Contains(first.all(), "/team/chart ci:"+secret) {
		t.Errorf("the credential was not used: %q", first.all())
	}
	// Led back by another host, the request is that host's, not ours.
	lines := strings.Split(first.all(), "\n")
	if last := lines[len(lines)-1]; last != "/team/chart :" {
		t.Errorf("after a foreign redirect: %q", last)
	}
}

func TestOtherPortsAndSchemes(t *testing.T) {
	t.Parallel()
	list := outbound.Credentials{
		{Prefix: "https://charts.example.com/team/", User: "team"},
		{Prefix: "https://charts.example.com", User: "all"},
		{Prefix: "https://charts.example.com:8443/", User: "port"},
		{Prefix: "oci://registry.example.com/a", User: "oci"},
		{Prefix: "https://charts.example.com", User: "second"},
	}
	for address, want := range map[string]string{
		"https://charts.example.com/team/x":        "team",
		"https://charts.example.com:443/team":      "team",
		"https://CHARTS.example.com/teams":         "all",
		"https://charts.example.com/x/../team/y":   "team",
		"https://charts.example.com/team/../x":     "all",
		"https://charts.example.com:8443/team":     "port",
		"http://charts.example.com/team":           "",
		"https://charts.example.com.evil.org/team": "",
		"https://evil.org/charts.example.com":      "",
		"https://sub.charts.example.com/":          "",
		"https://charts.example.com:444/":          "",
		"oci://registry.example.com/a/b":           "oci",
		"oci://registry.example.com/ab":            "",
		"https://registry.example.com/a":           "",
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if c, _ := list.For(u); c.User != want {
			t.Errorf("%s: %q, want %q", address, c.User, want)
		}
	}
}

// No way of showing a credential shows what is secret in it.
func TestCredentialsHide(t *testing.T) {
	t.Parallel()
	c := outbound.Credential{Prefix: "https://u:" + secret + "@x.example/y?z=" + secret, User: "ci-user", Password: secret, Token: secret}
	var text bytes.Buffer
	fmt.Fprintf(&text, "%v %+v %#v %s %q\n", c, c, c, c, c)
	slog.New(slog.NewJSONHandler(&text, nil)).Info("x", "credential", c, "list", outbound.Credentials{c})
	data, err := json.Marshal(map[string]any{"c": c, "list": outbound.Credentials{c}})
	if err != nil {
		t.Fatal(err)
	}
	text.Write(data)
	if strings.Contains(text.String(), secret) || strings.Contains(text.String(), "ci-user") {
		t.Errorf("shown: %s", text.String())
	}
	if !strings.Contains(text.String(), "x.example/y") {
		t.Errorf("nothing is shown: %s", text.String())
	}
}

func TestForbiddenAddresses(t *testing.T) {
	t.Parallel()
	for _, host := range []string{
		"169.254.169.254", "169.254.1.1", "[fe80::1]", "[fd00:ec2::254]", "[::ffff:169.254.169.254]", "0.0.0.0", "[::]",
		"100.100.100.200", "168.63.129.16", "192.0.0.192", "224.0.0.1",
	} {
		_, err := get(t, outbound.New(quick(), nil), "http://"+host+"/latest/meta-data")
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "metadata service") {
			t.Errorf("%s: %v", host, err)
		}
	}
	// A proxy would connect out of our sight: the name in the request counts.
	p := quick()
	p.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse("http://127.0.0.1:1") }
	if _, err := get(t, outbound.New(p, nil), "http://169.254.169.254/"); !fault.Is(err, fault.Invalid) {
		t.Errorf("through a proxy: %v", err)
	}
	// A name that resolves to one is seen when the connection is made.
	if _, err := quick().Dial(t.Context(), "tcp", "169.254.169.254:80"); err == nil || !strings.Contains(err.Error(), "metadata service") {
		t.Errorf("dial: %v", err)
	}
	allowed := quick()
	allowed.LinkLocal = true
	if err := allowed.CheckHost("169.254.169.254"); err != nil {
		t.Error(err)
	}
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	plain := httptest.NewServer(http.HandlerFunc(ok))
	defer plain.Close()
	safe := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, plain.URL, http.StatusFound)
	}))
	defer safe.Close()
	p := quick()
	p.Roots = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: safe.Certificate().Raw})
	_, err := get(t, outbound.New(p, nil), safe.URL)
	if err == nil || !strings.Contains(err.Error(), "redirects to unprotected") {
		t.Errorf("downgrade: %v", err)
	}
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.HandlerFunc(ok))
	defer server.Close()
	root := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	host := strings.TrimPrefix(server.URL, "https://")
	_, err := get(t, outbound.New(quick(), nil), server.URL)
	if err == nil || !strings.Contains(strings.Join(fault.HintsOf(err), "\n"), "TUG_CA_FILE") {
		t.Errorf("unknown authority: %v, %q", err, fault.HintsOf(err))
	}
	for name, change := range map[string]func(*outbound.Policy){
		"all hosts":         func(p *outbound.Policy) { p.Roots = root },
		"host and port":     func(p *outbound.Policy) { p.HostRoots = map[string][]byte{host: root} },
		"host":              func(p *outbound.Policy) { p.HostRoots = map[string][]byte{"127.0.0.1": root} },
		"not looked at":     func(p *outbound.Policy) { p.Unverified = map[string]bool{host: true} },
		"of another host":   func(p *outbound.Policy) { p.HostRoots = map[string][]byte{"x.example": root} },
		"other not checked": func(p *outbound.Policy) { p.Unverified = map[string]bool{"x.example": true} },
		"no certificate":    func(p *outbound.Policy) { p.Roots = []byte("hello") },
	} {
		p := quick()
		change(&p)
		_, err := get(t, outbound.New(p, nil), server.URL)
		if bad := strings.Contains(name, "other") || strings.HasPrefix(name, "no "); (err != nil) != bad {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A server that wants to know who asks.
	var asked atomic.Bool
	mutual := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Store(len(r.TLS.PeerCertificates) == 1)
		ok(w, r)
	}))
	mutual.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	mutual.StartTLS()
	defer mutual.Close()
	p := quick()
	p.Unverified = map[string]bool{strings.TrimPrefix(mutual.URL, "https://"): true}
	p.Certificates = map[string]tls.Certificate{strings.TrimPrefix(mutual.URL, "https://"): server.TLS.Certificates[0]}
	if _, err := get(t, outbound.New(p, nil), mutual.URL); err != nil || !asked.Load() {
		t.Errorf("client certificate: %v, %v", err, asked.Load())
	}
}

// Passing faults are tried again, a bounded number of times; others are not.
func TestRetries(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer func(n int, w http.ResponseWriter)
		want   string
		tries  int32
	}{
		"at once":      {func(_ int, w http.ResponseWriter) { _, _ = w.Write([]byte("content")) }, "", 1},
		"second time":  {func(n int, w http.ResponseWriter) { flaky(n, w, http.StatusServiceUnavailable) }, "", 2},
		"breaks off":   {func(n int, w http.ResponseWriter) { cut(n, w) }, "", 2},
		"always":       {func(_ int, w http.ResponseWriter) { w.WriteHeader(http.StatusBadGateway) }, "the server says 502", 3},
		"not found":    {func(_ int, w http.ResponseWriter) { w.WriteHeader(http.StatusNotFound) }, "the server says 404", 1},
		"unauthorized": {func(_ int, w http.ResponseWriter) { w.WriteHeader(http.StatusUnauthorized) }, "the server says 401", 1},
		"too large":    {func(_ int, w http.ResponseWriter) { _, _ = w.Write(make([]byte, 2<<20)) }, "larger than 1 MiB", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var tries atomic.Int32
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				tc.answer(int(tries.Add(1)), w)
			}))
			defer server.Close()
			_, err := get(t, outbound.New(quick(), nil), server.URL)
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
			if n := tries.Load(); n != tc.tries {
				t.Errorf("%d tries, want %d", n, tc.tries)
			}
		})
	}
}

func flaky(n int, w http.ResponseWriter, status int) {
	if n == 1 {
		w.WriteHeader(status)
		return
	}
	_, _ = w.Write([]byte("content"))
}

func cut(n int, w http.ResponseWriter) {
	if n == 1 {
		w.Header().Set("Content-Length", "100")
	}
	_, _ = w.Write([]byte("content"))
}

// A server that sends a byte now and then is given up in bounded time.
func TestSlowServer(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-r.Context().Done():
				return
			case <-tick.C:
				_, _ = w.Write([]byte("x"))
				_ = http.NewResponseController(w).Flush()
			}
		}
	}))
	defer server.Close()
	p := quick()
	p.Total = 200 * time.Millisecond
	_, err := get(t, outbound.New(p, nil), server.URL)
	if !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "takes too long") {
		t.Errorf("got %v", err)
	}
}

// A port that accepts and says nothing, and a context that ends.
func TestSilence(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, err = get(t, outbound.New(quick(), nil), "http://"+listener.Addr().String())
	if !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "does not answer") {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err = outbound.New(quick(), nil).Data(ctx, outbound.Request{URL: "http://" + listener.Addr().String(), Limit: 1})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestURLsWithPasswords(t *testing.T) {
	t.Parallel()
	_, err := get(t, outbound.New(quick(), nil), "https://ci:"+secret+"@charts.example.com/x?token="+secret)
	if !fault.Is(err, fault.Invalid) || strings.Contains(err.Error(), secret) {
		t.Errorf("got %v", err)
	}
}
