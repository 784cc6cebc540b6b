package kube

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tugops/tug/internal/fault"
)

// resourceList is the part that tug reads of an APIResourceList.
type resourceList struct {
	Resources []struct {
		Name       string
		Namespaced bool
		Kind       string
		Group      string
	}
}

// discoverPlain reads group by group what a server without aggregated
// discovery lists. A group that does not answer is noted as broken.
func (c *Client) discoverPlain(ctx context.Context, out *catalogue, core, groups groupList) error {
	versions := plainVersions(core, groups)
	lists := make([]resourceList, len(versions))
	errs := make([]error, len(versions))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(16)
	for i, gv := range versions {
		g.Go(func() error {
			errs[i] = c.discoverVersion(gctx, gv, &lists[i])
			return gctx.Err()
		})
	}
	if err := g.Wait(); err != nil {
		return c.fault(ctx, subject{text: "API discovery"}, err)
	}
	for i, gv := range versions {
		if errs[i] != nil {
			out.broken[gv.Group] = errs[i].Error()
			continue
		}
		out.addPlain(gv, lists[i])
	}
	return nil
}

// plainVersions lists the group versions of a server's plain answers, the
// preferred version of a group first; none for aggregated answers.
func plainVersions(core, groups groupList) []schema.GroupVersion {
	var all []schema.GroupVersion
	for _, v := range core.Versions {
		all = append(all, schema.GroupVersion{Version: v})
	}
	for _, g := range groups.Groups {
		preferred := g.PreferredVersion.Version
		if preferred != "" {
			all = append(all, schema.GroupVersion{Group: g.Name, Version: preferred})
		}
		for _, v := range g.Versions {
			if v.Version != preferred {
				all = append(all, schema.GroupVersion{Group: g.Name, Version: v.Version})
			}
		}
	}
	return all
}

func (c *Client) discoverVersion(ctx context.Context, gv schema.GroupVersion, into *resourceList) error {
	path := "/apis/" + gv.String()
	if gv.Group == "" {
		path = "/api/" + gv.Version
	}
	body, err := c.do(ctx, call{method: http.MethodGet, path: path, what: subject{text: "API discovery"}})
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fault.New(fault.Unavailable, "API discovery: %s: %w", path, err)
	}
	return nil
}

// addPlain takes one version; subresources and kinds of other groups (Scale)
// are left out.
func (k *catalogue) addPlain(gv schema.GroupVersion, list resourceList) {
	for _, r := range list.Resources {
		if strings.Contains(r.Name, "/") || r.Group != "" && r.Group != gv.Group {
			continue
		}
		gk := schema.GroupKind{Group: gv.Group, Kind: r.Kind}
		k.kinds[gk] = append(k.kinds[gk], resource{version: gv.Version, name: r.Name, namespaced: r.Namespaced})
	}
}
