package imagelock

import (
	"fmt"
	"slices"
	"strings"

	"github.com/blang/semver/v4"
)

// TagSelection chooses the tag with the highest version. Tags are versions
// when they are such in full (1.2.3, v1.2.3-rc.1); others are passed over.
type TagSelection struct {
	// Constraints is a range like ">=1.2.0 <2.0.0 || 3.0.0"; empty for any.
	Constraints string
	// Prereleases admits pre-releases; with Identifiers only those with one of
	// these words in them (1.0.0-rc.1 has "rc" and "1").
	Prereleases bool
	Identifiers []string
}

// Highest is the tag of the highest version that t admits. Of tags for the
// same version (1.0.0 and v1.0.0) the last one given wins, as with kbld.
func (t TagSelection) Highest(tags []string) (string, error) {
	admits := func(semver.Version) bool { return true }
	if t.Constraints != "" {
		r, err := semver.ParseRange(t.Constraints)
		if err != nil {
			return "", fmt.Errorf("constraints %q: %w", t.Constraints, err)
		}
		admits = r
	}
	best, highest, versions := "", semver.Version{}, 0
	for _, tag := range tags {
		v, err := semver.Parse(strings.TrimPrefix(tag, "v"))
		if err != nil {
			continue
		}
		versions++
		if t.admitsPrerelease(v.Pre) && admits(v) && (best == "" || v.GE(highest)) {
			best, highest = tag, v
		}
	}
	if best == "" {
		return "", fmt.Errorf("none of %d tags is a version that is asked for (%d are versions)", len(tags), versions)
	}
	return best, nil
}

func (t TagSelection) admitsPrerelease(pre []semver.PRVersion) bool {
	if len(pre) == 0 || t.Prereleases && len(t.Identifiers) == 0 {
		return true
	}
	if !t.Prereleases {
		return false
	}
	for _, part := range pre {
		if slices.Contains(t.Identifiers, part.String()) {
			return true
		}
	}
	return false
}
