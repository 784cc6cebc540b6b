package registry

import (
	"context"
	"strings"
	"sync"

	"gocloud.dev/blob"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/outbound"
)

// maxChart bounds a packed chart, in bytes.
const maxChart = 64 << 20

// ChartOptions are what Charts work with.
type ChartOptions struct {
	// HTTP makes the connections; its credentials with the scheme oci are for
	// registries.
	HTTP *outbound.Client
	// Dir keeps parsed indexes between runs; empty to keep them for one.
	Dir string
	// Logins are asked for registries that HTTP has no credential for: the
	// Docker configuration with its helpers, where they are switched on.
	Logins []Logins
	// PlainHTTP are registries ("host:port") that speak no TLS; those on
	// loopback always may.
	PlainHTTP map[string]bool
	// OpenBucket opens a bucket by URL; the clouds' own libraries when nil.
	OpenBucket func(ctx context.Context, url string) (*blob.Bucket, error)
}

// Charts fetches charts. It is safe for concurrent use; an index is read once
// in the life of a Charts.
type Charts struct {
	options ChartOptions
	mu      sync.Mutex
	indexes map[string]*indexCall
}

// indexCall is the one reading of an index.
type indexCall struct {
	once  sync.Once
	index *index
	err   error
}

// NewCharts makes a client; nothing is asked yet.
func NewCharts(o ChartOptions) *Charts {
	return &Charts{options: o, indexes: map[string]*indexCall{}}
}

// Versions lists the versions of a chart in a repository, in no order. For a
// registry these are its tags, "_" read as "+".
func (c *Charts) Versions(ctx context.Context, repository, name string) ([]string, error) {
	if isOCI(repository) {
		return c.tags(ctx, repository, name)
	}
	entries, err := c.entries(ctx, repository, name)
	if err != nil {
		return nil, err
	}
	var versions []string
	for _, e := range entries {
		if len(e.URLs) > 0 {
			versions = append(versions, e.Version)
		}
	}
	return versions, nil
}

// Pull gives a packed chart at one version. A registry also takes a digest
// ("sha256:…", with a version and "@" before it or alone); digest is that of
// the manifest there, and empty for other repositories.
func (c *Charts) Pull(ctx context.Context, repository, name, version string) (data []byte, digest string, err error) {
	if isOCI(repository) {
		return c.pullOCI(ctx, repository, name, version)
	}
	entries, err := c.entries(ctx, repository, name)
	if err != nil {
		return nil, "", err
	}
	for _, e := range entries {
		if e.Version == version && len(e.URLs) > 0 {
			return c.pullEntry(ctx, repository, name, e)
		}
	}
	return nil, "", fault.New(fault.NotFound, "chart repository %s has no version %s of chart %q", outbound.Clean(repository), version, name)
}

// entries are the versions of a chart in an index.
func (c *Charts) entries(ctx context.Context, repository, name string) ([]entry, error) {
	x, err := c.index(ctx, repository)
	if err != nil {
		return nil, err
	}
	entries, err := x.chart(name)
	if err != nil {
		return nil, fault.New(fault.Invalid, "index of %s: chart %q: %w", outbound.Clean(repository), name, err)
	}
	if entries == nil {
		e := fault.New(fault.NotFound, "chart repository %s has no chart %q", outbound.Clean(repository), name)
		for _, near := range fault.Nearest(name, x.names(), 3) {
			e.Hint("did you mean %q?", near)
		}
		return nil, e
	}
	return entries, nil
}

// index reads the index of a repository once.
func (c *Charts) index(ctx context.Context, repository string) (*index, error) {
	key := strings.TrimSuffix(repository, "/")
	c.mu.Lock()
	call := c.indexes[key]
	if call == nil {
		call = &indexCall{}
		c.indexes[key] = call
	}
	c.mu.Unlock()
	call.once.Do(func() { call.index, call.err = c.loadIndex(ctx, key) })
	return call.index, call.err
}

func isOCI(repository string) bool { return strings.HasPrefix(repository, "oci://") }
