package cluster

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/tugops/tug/lab/cluster/internal/component"
)

// prober asks components for their health over HTTP.
type prober struct {
	client *http.Client
	ports  Ports
}

func newProber(f Folder, p Ports) (*prober, error) {
	authority, err := os.ReadFile(f.pki(authorityName + ".crt"))
	if err != nil {
		return nil, fmt.Errorf("cluster authority: %w", err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	return &prober{ports: p, client: &http.Client{
		Timeout:   2 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}},
	}}, nil
}

// check returns nil once the component says that it is ready.
func (p *prober) check(ctx context.Context, name string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url(name), nil)
	if err != nil {
		return fmt.Errorf("health of %s: %w", name, err)
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return fmt.Errorf("health of %s: %w", name, err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 4096))
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("health of %s: %s: %s", name, resp.Status, body)
	}
	return nil
}

func (p *prober) url(name string) string {
	switch name {
	case component.Etcd:
		return fmt.Sprintf("http://%s:%d/health", loopback, p.ports.Etcd)
	case component.APIServer:
		return p.ports.Server() + "/readyz"
	case component.ControllerManager:
		return fmt.Sprintf("https://%s:%d/healthz", loopback, p.ports.ControllerManager)
	case component.Scheduler:
		return fmt.Sprintf("https://%s:%d/readyz", loopback, p.ports.Scheduler)
	default:
		return fmt.Sprintf("https://%s:%d/healthz", loopback, p.ports.Kwok)
	}
}
