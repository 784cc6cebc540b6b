package imagelock

import (
	"slices"
	"strings"

	"github.com/tugops/tug/internal/fault"
)

// Platform is what an image runs on, in the words of the OCI image index.
type Platform struct {
	OS, Architecture, Variant, OSVersion string
	OSFeatures, Features                 []string
}

// ParsePlatform reads os/arch[/variant][:osversion].
func ParsePlatform(text string) (*Platform, error) {
	p := &Platform{}
	name, version, _ := strings.Cut(text, ":")
	parts := strings.Split(name, "/")
	if len(parts) < 2 || len(parts) > 3 || slices.Contains(parts, "") {
		return nil, fault.New(fault.Usage, "platform %q is not os/arch[/variant][:osversion]", text).
			Hint("write it like linux/amd64 or linux/arm/v7")
	}
	p.OS, p.Architecture, p.OSVersion = parts[0], parts[1], version
	if len(parts) == 3 {
		p.Variant = parts[2]
	}
	return p, nil
}

// String is what ParsePlatform reads.
func (p Platform) String() string {
	text := p.OS + "/" + p.Architecture
	if p.Variant != "" {
		text += "/" + p.Variant
	}
	if p.OSVersion != "" {
		text += ":" + p.OSVersion
	}
	return text
}

// admits reports whether an image for other is what p asks for: system and
// architecture must be equal, version and variant where p names them, and
// what features p names must be there.
func (p Platform) admits(other Platform) bool {
	return p.OS == other.OS && p.Architecture == other.Architecture &&
		(p.OSVersion == "" || p.OSVersion == other.OSVersion) &&
		(p.Variant == "" || p.Variant == other.Variant) &&
		contains(other.OSFeatures, p.OSFeatures) && contains(other.Features, p.Features)
}

func contains(all, some []string) bool {
	for _, s := range some {
		if !slices.Contains(all, s) {
			return false
		}
	}
	return true
}
