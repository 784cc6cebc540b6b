package git

import (
	"maps"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"

	"github.com/tugops/tug/internal/fault"
)

// Tip says which commit of a repository is followed: that of a branch, of a
// tag, or of the tag with the highest version in a range. The zero value is
// the default branch. At most one field is set.
type Tip struct {
	Branch, Tag string
	// Semver is a range as Helm writes it: ">=1.2 <2". Tags may begin with v;
	// pre-releases count where the range names one.
	Semver string
}

// Check reports a Tip that cannot be followed.
func (t Tip) Check() error {
	set := 0
	for _, text := range []string{t.Branch, t.Tag, t.Semver} {
		if text != "" {
			set++
		}
	}
	if set > 1 {
		return fault.New(fault.Usage, "a branch, a tag and a range of versions exclude each other").Hint("give one of them")
	}
	if t.Semver != "" {
		if _, err := semver.NewConstraint(t.Semver); err != nil {
			return fault.New(fault.Usage, "range of versions %q: %w", t.Semver, err).Hint("for example: >=1.2 <2")
		}
		return nil
	}
	return checkRef(t.ref())
}

// ref is the full name of a branch or tag; "" for the default branch.
func (t Tip) ref() string {
	switch {
	case t.Branch != "":
		return "refs/heads/" + strings.TrimPrefix(t.Branch, "refs/heads/")
	case t.Tag != "":
		return "refs/tags/" + strings.TrimPrefix(t.Tag, "refs/tags/")
	}
	return ""
}

// String is for people.
func (t Tip) String() string {
	switch {
	case t.Branch != "":
		return "branch " + shortName(t.Branch)
	case t.Tag != "":
		return "tag " + shortName(t.Tag)
	case t.Semver != "":
		return "tags " + t.Semver
	}
	return "default branch"
}

// among finds the tip among the refs that a server offers.
func (t Tip) among(where remote, offered *packp.AdvRefs) (want, string, error) {
	name := t.ref()
	if t.Semver != "" {
		var tags []string
		for _, ref := range slices.Sorted(maps.Keys(offered.References)) {
			if plumbing.ReferenceName(ref).IsTag() {
				tags = append(tags, shortName(ref))
			}
		}
		tag, err := newest(where, t.Semver, tags)
		if err != nil {
			return want{}, "", err
		}
		name = "refs/tags/" + tag
	}
	w, err := wanted(where, offered, name)
	if name == "" {
		name = "HEAD"
	}
	return w, shortName(name), err
}

// newest is the tag with the highest version in a range.
func newest(where remote, span string, tags []string) (string, error) {
	constraint, err := semver.NewConstraint(span)
	if err != nil {
		return "", fault.New(fault.Invalid, "range of versions %q: %w", span, err)
	}
	var best *semver.Version
	found := ""
	for _, tag := range tags {
		v, err := semver.StrictNewVersion(strings.TrimPrefix(tag, "v"))
		if err == nil && constraint.Check(v) && (best == nil || v.GreaterThan(best)) {
			best, found = v, tag
		}
	}
	if found == "" {
		return "", fault.New(fault.NotFound, "repository %s has no tag with a version in %q", where, span).
			Hint("tags are named like v1.2.3 or 1.2.3")
	}
	return found, nil
}
