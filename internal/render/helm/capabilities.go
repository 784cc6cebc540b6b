package helm

import (
	"slices"

	"helm.sh/helm/v4/pkg/chart/common"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/render"
)

// defaultKubeVersion is the Kubernetes version of the linked libraries. Helm
// works it out from build information, and differently in tests; a constant
// (held to go.mod by a test) is the same everywhere.
const defaultKubeVersion = "1.37.0"

// capabilities is .Capabilities: the environment's Kubernetes version, and the
// APIs that Helm takes for granted plus the environment's own.
func capabilities(r render.Request) (*common.Capabilities, error) {
	version := r.KubeVersion
	if version == "" {
		version = defaultKubeVersion
	}
	parsed, err := common.ParseKubeVersion(version)
	if err != nil {
		return nil, fault.New(fault.Invalid, "kubernetes version %q: %w", version, err).
			Hint(`write it as "1.36" or "v1.36.2"`)
	}
	if parsed.Version == "v"+parsed.Major+"."+parsed.Minor {
		if parsed, err = common.ParseKubeVersion(parsed.Version + ".0"); err != nil {
			return nil, err
		}
	}
	caps := common.DefaultCapabilities.Copy()
	caps.KubeVersion = *parsed
	caps.APIVersions = slices.Concat(caps.APIVersions, r.APIVersions)
	slices.Sort(caps.APIVersions)
	caps.APIVersions = slices.Compact(caps.APIVersions)
	return caps, nil
}
