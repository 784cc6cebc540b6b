package api_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tugops/tug/internal/api"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/metrics"
)

// pair writes a certificate for 127.0.0.1 and its key.
func pair(t *testing.T, cert, key string, serial int64, modified time.Time) *x509.Certificate {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "tug"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, modified, modified); err != nil {
			t.Fatal(err)
		}
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// TestServe: TLS with a certificate that is renewed in place, plain requests
// refused, and an end that does not wait for streams.
func TestServe(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	if _, err := api.TLS(cert, key); !fault.Is(err, fault.Invalid) {
		t.Errorf("no certificate: %v", err)
	}
	first := pair(t, cert, key, 1, time.Now().Add(-time.Minute))
	config, err := api.TLS(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	server := api.New(api.Config{State: state{"one", "two"}, Callers: everyone(), Feed: api.NewFeed(), Ready: func() error { return nil }, Log: log})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- api.Serve(ctx, l, server, config, log) }()

	seen := func(root *x509.Certificate) int64 {
		t.Helper()
		pool := x509.NewCertPool()
		pool.AddCert(root)
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true}
		res, err := (&http.Client{Transport: transport}).Get("https://" + l.Addr().String() + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		return res.TLS.PeerCertificates[0].SerialNumber.Int64()
	}
	if got := seen(first); got != 1 {
		t.Errorf("certificate %d", got)
	}
	if got := seen(pair(t, cert, key, 2, time.Now())); got != 2 {
		t.Errorf("certificate %d after it was renewed", got)
	}
	if res, err := http.Get("http://" + l.Addr().String() + "/healthz"); err == nil {
		if res.Body.Close(); res.StatusCode == http.StatusOK {
			t.Error("plain HTTP is answered")
		}
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(read(t, cert))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+l.Addr().String()+"/api/v1/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer viewer")
	stream, err := (&http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("serve: %v", err)
	}
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestProbes(t *testing.T) {
	t.Parallel()
	m := metrics.New()
	m.Leader.Set(1)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	server := api.New(api.Config{Ready: func() error { return nil }, Log: log})
	go func() { _ = api.Serve(t.Context(), l, server.Probes(m), nil, log) }()
	for path, want := range map[string]string{"/healthz": "ok", "/readyz": "ok", "/metrics": "tug_leader 1"} {
		res, err := http.Get("http://" + l.Addr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(res.Body)
		if res.Body.Close(); err != nil || !strings.Contains(string(data), want) {
			t.Errorf("%s: %s, %v", path, data, err)
		}
	}
}
