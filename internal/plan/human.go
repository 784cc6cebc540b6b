package plan

import (
	"strings"

	"github.com/tugops/tug/internal/object"
)

// beforeFirstApply is the manager that the API server invents for what an
// object held before its first server-side apply, or before the first one
// after its managedFields were wiped.
const beforeFirstApply = "before-first-apply"

// DefaultHumans names the managers that stand for a person's hand: their
// fields are taken back without asking (cluster-semantics.md 2.2). Browsers
// ("Mozilla") are dashboards that pass their user agent on.
func DefaultHumans() []string {
	return []string{
		"kubectl*", "oc", "k9s*", "lens*", "openlens*", "freelens*", "node-fetch", "headlamp*", "dashboard*",
		"kubernetes-dashboard*", "octant*", "aptakube*", "kubenav*", "mozilla*",
	}
}

// human reports whether fields of manager may be taken over. Upper and lower
// case count as the same.
func (c *computer) human(manager string) bool {
	if manager == beforeFirstApply || manager == object.Manager {
		return true
	}
	manager = strings.ToLower(manager)
	for _, h := range c.humans {
		h = strings.ToLower(h)
		if prefix, ok := strings.CutSuffix(h, "*"); ok {
			if strings.HasPrefix(manager, prefix) {
				return true
			}
			continue
		}
		if manager == h {
			return true
		}
	}
	return false
}
