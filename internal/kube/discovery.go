package kube

import (
	"context"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tugops/tug/internal/fault"
)

const (
	// rediscover is the least age of a catalogue that is read again because a
	// kind is missing from it.
	rediscover = time.Second
	// learnedGrace is how long an API server may take to route a kind whose
	// CRD was applied.
	learnedGrace = 15 * time.Second
)

// resource is one kind as served in one version.
type resource struct {
	version    string
	name       string // plural
	namespaced bool
	learned    time.Time // of an applied CRD; zero when discovered
}

// path of the collection of r.
func (r resource) path(group, namespace string) string {
	var b strings.Builder
	if group == "" {
		b.WriteString("/api/" + r.version)
	} else {
		b.WriteString("/apis/" + group + "/" + r.version)
	}
	if r.namespaced && namespace != "" {
		b.WriteString("/namespaces/" + namespace)
	}
	b.WriteString("/" + r.name)
	return b.String()
}

// catalogue is what a cluster serves.
type catalogue struct {
	read  time.Time
	kinds map[schema.GroupKind][]resource // preferred version first
	// broken groups are registered but do not answer, with the reason.
	broken map[string]string
}

// Scope says whether a kind is served, and namespaced. Kinds of a group whose
// own API server does not answer give an Unavailable fault; they do not
// disturb other groups.
func (c *Client) Scope(ctx context.Context, gk schema.GroupKind) (namespaced, served bool, err error) {
	found, err := c.versions(ctx, gk)
	if err != nil || len(found) == 0 {
		return false, false, err
	}
	return found[0].namespaced, true, nil
}

// Resource is the plural name of a served kind, in its preferred version; a
// Gone fault when it is not served.
func (c *Client) Resource(ctx context.Context, gk schema.GroupKind) (schema.GroupVersionResource, error) {
	r, err := c.find(ctx, subject{gvk: gk.WithVersion(""), text: gk.String()})
	return schema.GroupVersionResource{Group: gk.Group, Version: r.version, Resource: r.name}, err
}

// Serves says in which versions a kind is served, preferred first.
func (c *Client) Serves(ctx context.Context, gk schema.GroupKind) ([]string, error) {
	found, err := c.versions(ctx, gk)
	var names []string
	for _, r := range found {
		names = append(names, r.version)
	}
	return names, err
}

// Refresh forgets what was discovered; the next question asks the cluster.
func (c *Client) Refresh() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known = nil
}

// find is the resource of a kind: in the version asked for, or the preferred
// one when none is.
func (c *Client) find(ctx context.Context, s subject) (resource, error) {
	found, err := c.versions(ctx, s.gvk.GroupKind())
	if err != nil {
		return resource{}, err
	}
	var served []string
	for _, r := range found {
		if s.gvk.Version == "" || r.version == s.gvk.Version {
			return r, nil
		}
		served = append(served, schema.GroupVersion{Group: s.gvk.Group, Version: r.version}.String())
	}
	return resource{}, notServed(s, served)
}

func notServed(s subject, served []string) error {
	gone := fault.New(fault.Gone, "%s: the cluster does not serve kind %s of %s", s, s.gvk.Kind, groupVersion(s.gvk))
	if len(served) > 0 {
		return gone.Hint("it serves this kind as %s: change apiVersion", strings.Join(served, ", "))
	}
	return gone.Hint("install the CRD or API that brings this kind, or correct apiVersion and kind")
}

func groupVersion(gvk schema.GroupVersionKind) string {
	switch {
	case gvk.Version != "":
		return gvk.GroupVersion().String()
	case gvk.Group != "":
		return gvk.Group
	default:
		return "the core API"
	}
}

// versions in which a kind is served, preferred first; none when it is not
// served. A kind that is missing makes the catalogue be read again unless it
// is fresh, since CRDs may have come meanwhile.
func (c *Client) versions(ctx context.Context, gk schema.GroupKind) ([]resource, error) {
	known, err := c.catalogue(ctx, 0)
	if err != nil {
		return nil, err
	}
	found := c.withLearned(gk, known.kinds[gk])
	if len(found) > 0 {
		return found, nil
	}
	if known, err = c.catalogue(ctx, rediscover); err != nil {
		return nil, err
	}
	found = c.withLearned(gk, known.kinds[gk])
	if reason, broken := known.broken[gk.Group]; broken && len(found) == 0 {
		return nil, fault.New(fault.Unavailable, "API group %s: %s", gk.Group, reason).
			Hint("look at the APIService objects of this group and the service behind them")
	}
	return found, nil
}

// catalogue gives the cached catalogue, read anew when it is older than
// maxAge (0 for any age will do). Concurrent callers share one reading.
func (c *Client) catalogue(ctx context.Context, maxAge time.Duration) (*catalogue, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known != nil && (maxAge == 0 || time.Since(c.known.read) < maxAge) {
		return c.known, nil
	}
	known, err := c.discover(ctx)
	if err != nil {
		return nil, err
	}
	known.read = time.Now()
	c.known = known
	return known, nil
}

// withLearned adds the versions that an applied CRD brings and that discovery
// does not show yet: it lags behind the condition Established.
func (c *Client) withLearned(gk schema.GroupKind, found []resource) []resource {
	c.learnedMu.Lock()
	defer c.learnedMu.Unlock()
	for _, l := range c.learned[gk] {
		if !slices.ContainsFunc(found, func(r resource) bool { return r.version == l.version }) {
			found = append(slices.Clip(found), l)
		}
	}
	return found
}
