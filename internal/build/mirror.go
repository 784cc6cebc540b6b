package build

import (
	"strings"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/imagelock"
)

// Mirrors say by host of a registry which other one stands in for it: with
// docker.io=registry.example/hub, busybox is registry.example/hub/library/busybox.
type Mirrors map[string]string

// ParseMirrors reads FROM=TO.
func ParseMirrors(list []string) (Mirrors, error) {
	m := Mirrors{}
	for _, text := range list {
		from, to, ok := strings.Cut(text, "=")
		if !ok || from == "" || to == "" || strings.ContainsAny(to, "@ ") {
			return nil, fault.New(fault.Usage, "--map-registry %q is not FROM=TO", text).
				Hint("for example --map-registry docker.io=registry.example/hub")
		}
		if from == "docker.io" {
			from = "index.docker.io"
		}
		m[from] = strings.TrimSuffix(to, "/")
	}
	return m, nil
}

// Of is a reference where it really is; itself when nothing stands in.
func (m Mirrors) Of(ref string) string {
	if len(m) == 0 {
		return ref
	}
	host, rest, _ := strings.Cut(imagelock.FullName(ref), "/")
	to, ok := m[host]
	if !ok {
		return ref
	}
	return to + "/" + rest
}
