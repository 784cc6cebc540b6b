package source

import (
	"context"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/tugops/tug/internal/fault"
)

// version chooses a version, by Helm's rules: the one that is named exactly,
// else the newest that fits the range; pre-releases only where the range names
// one. In a registry an exact version is not looked for among the tags.
func (r *Resolver) version(ctx context.Context, want LockedChart) (string, error) {
	asked := want.Constraint
	if strings.HasPrefix(want.Repository, "oci://") {
		_, err := semver.NewVersion(asked)
		if err == nil || strings.HasPrefix(asked, "sha256:") || strings.Contains(asked, "@") || named(want.Repository) {
			return asked, nil
		}
	}
	versions, err := r.options.Charts.Versions(ctx, want.Repository, want.Name)
	if err != nil {
		return "", err
	}
	best, err := Newest(versions, asked)
	if err != nil {
		return "", fault.New(fault.Invalid, "%s: version %q: %w", describe(want), asked, err).
			Hint("write an exact version, or a range like ^1.2.0 or >=1.2.0 <2.0.0")
	}
	if best == "" {
		e := fault.New(fault.NotFound, "%s: no version fits", describe(want))
		if newest, _ := Newest(versions, ""); newest != "" {
			e.Hint("the newest is %s", newest)
		}
		return "", e
	}
	return best, nil
}

// named reports whether an oci:// address has a tag or digest itself.
func named(repository string) bool {
	rest := strings.TrimPrefix(repository, "oci://")
	slash := strings.LastIndexByte(rest, '/')
	return slash >= 0 && strings.ContainsAny(rest[slash:], ":@")
}

// Newest is the newest of versions that fits a range, empty when none does. An
// empty range stands for any release.
func Newest(versions []string, asked string) (string, error) {
	if asked != "" && slices.Contains(versions, asked) {
		return asked, nil
	}
	if asked == "" {
		asked = "*"
	}
	constraint, err := semver.NewConstraint(asked)
	if err != nil {
		return "", err
	}
	best, text := (*semver.Version)(nil), ""
	for _, v := range versions {
		parsed, err := semver.NewVersion(v)
		if err != nil || !constraint.Check(parsed) {
			continue
		}
		// Of equal versions, which differ in build metadata, the text decides,
		// so that the order of an index does not.
		if best == nil || parsed.GreaterThan(best) || parsed.Equal(best) && v > text {
			best, text = parsed, v
		}
	}
	return text, nil
}
