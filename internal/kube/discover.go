package kube

import (
	"context"
	"encoding/json"
	"net/http"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tugops/tug/internal/fault"
)

// acceptDiscovery asks for aggregated discovery (KEP-3352; Kubernetes 1.30,
// as v2beta1 since 1.26); servers that have none answer with plain lists.
const acceptDiscovery = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList," +
	"application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json"

// groupList is the part that tug reads of an APIGroupDiscoveryList, an
// APIGroupList (Groups) and an APIVersions (Versions).
type groupList struct {
	Kind  string
	Items []struct {
		Metadata struct{ Name string }
		Versions []struct {
			Version   string
			Freshness string
			Resources []struct {
				Resource     string
				Scope        string
				ResponseKind struct{ Group, Version, Kind string }
			}
		}
	}
	Groups []struct {
		Name             string
		PreferredVersion struct{ Version string }
		Versions         []struct{ Version string }
	}
	Versions []string
}

// discover reads both roots of the API.
func (c *Client) discover(ctx context.Context) (*catalogue, error) {
	var core, groups groupList
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return c.discoverRoot(gctx, "/api", &core) })
	g.Go(func() error { return c.discoverRoot(gctx, "/apis", &groups) })
	if err := g.Wait(); err != nil {
		return nil, err
	}
	out := &catalogue{kinds: map[schema.GroupKind][]resource{}, broken: map[string]string{}}
	for _, list := range []groupList{core, groups} {
		out.add(list)
	}
	return out, c.discoverPlain(ctx, out, core, groups)
}

func (c *Client) discoverRoot(ctx context.Context, path string, into *groupList) error {
	what := subject{text: "API discovery"}
	body, err := c.do(ctx, call{method: http.MethodGet, path: path, accept: acceptDiscovery, what: what})
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fault.New(fault.Unavailable, "API discovery: %s of %s is no answer of a Kubernetes API server: %w", path, c.host, err).
			Hint("check the server address in the kubeconfig, and proxies on the way")
	}
	return nil
}

// add takes the aggregated form. Stale versions are kept as they were last
// seen by the server, as it does itself; a version without resources is
// broken.
func (k *catalogue) add(list groupList) {
	for _, group := range list.Items {
		for _, v := range group.Versions {
			if v.Freshness == "Stale" && len(v.Resources) == 0 {
				k.broken[group.Metadata.Name] = "its API server does not answer"
			}
			for _, r := range v.Resources {
				gk := schema.GroupKind{Group: group.Metadata.Name, Kind: r.ResponseKind.Kind}
				k.kinds[gk] = append(k.kinds[gk],
					resource{version: v.Version, name: r.Resource, namespaced: r.Scope == "Namespaced"})
			}
		}
	}
}
