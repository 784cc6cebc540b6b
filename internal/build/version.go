package build

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/Masterminds/semver/v3"

	"github.com/tugops/tug/internal/fault"
)

// Commit is what is built: a commit, its place among the tags, and whether the
// files are those of the commit.
type Commit struct {
	Hash   string // 40 hex digits; empty outside of Git
	Time   time.Time
	Branch string // empty when detached
	// Tags name the commit; Nearest those of the nearest tagged commit behind
	// it, Distance commits ago. Only version tags are listed.
	Tags, Nearest []string
	Distance      int
	Dirty         bool
	// Repository is the URL of the remote, Shallow says that history ends early.
	Repository string
	Shallow    bool
}

// shortHash is as much of a hash as versions carry.
const shortHash = 12

// Short is the beginning of the hash.
func (c Commit) Short() string { return c.Hash[:min(len(c.Hash), shortHash)] }

// VersionTag gives the version that a tag names: prefix, an optional "v", and a
// semantic version. ok is false for other tags.
func VersionTag(prefix, tag string) (version *semver.Version, ok bool) {
	text, ok := strings.CutPrefix(tag, prefix)
	if !ok {
		return nil, false
	}
	v, err := semver.StrictNewVersion(strings.TrimPrefix(text, "v"))
	return v, err == nil
}

// Version says which version a commit is. It depends on the commit and its tags
// alone:
//
//   - with a version tag, the version of the highest
//   - behind one, the next version before its release: 1.2.3 and four commits
//     make 1.2.4-dev.4.gHASH, and 1.3.0-rc.1 makes 1.3.0-rc.1.dev.4.gHASH
//   - without one, 0.0.0-BRANCH.TIME.gHASH
//
// Each is higher than those of the commits before it. Files that differ from
// the commit add ".dirty".
func Version(c Commit, prefix string) (string, error) {
	if c.Hash == "" {
		return "", fault.New(fault.Invalid, "there is no commit to take a version from").
			Hint("commit, or name the version with --version 1.2.3")
	}
	tagged := highest(prefix, c.Tags)
	switch {
	case tagged != nil && !c.Dirty:
		return tagged.String(), nil
	case tagged != nil:
		return after(tagged, 0, c), nil
	}
	if behind := highest(prefix, c.Nearest); behind != nil {
		return after(behind, c.Distance, c), nil
	}
	parts := []string{c.Time.UTC().Format("20060102150405"), "g" + c.Short()}
	if branch := identifier(c.Branch); branch != "" {
		parts = append([]string{branch}, parts...)
	}
	return "0.0.0-" + strings.Join(dirty(parts, c), "."), nil
}

// after is a version between one that was released and the next.
func after(v *semver.Version, distance int, c Commit) string {
	parts := dirty([]string{"dev", fmt.Sprint(distance), "g" + c.Short()}, c)
	if pre := v.Prerelease(); pre != "" {
		return fmt.Sprintf("%d.%d.%d-%s.%s", v.Major(), v.Minor(), v.Patch(), pre, strings.Join(parts, "."))
	}
	return fmt.Sprintf("%d.%d.%d-%s", v.Major(), v.Minor(), v.Patch()+1, strings.Join(parts, "."))
}

func dirty(parts []string, c Commit) []string {
	if c.Dirty {
		return append(parts, "dirty")
	}
	return parts
}

func highest(prefix string, tags []string) *semver.Version {
	var versions []*semver.Version
	for _, tag := range tags {
		if v, ok := VersionTag(prefix, tag); ok {
			versions = append(versions, v)
		}
	}
	if len(versions) == 0 {
		return nil
	}
	return slices.MaxFunc(versions, func(a, b *semver.Version) int { return a.Compare(b) })
}

var noIdentifier = regexp.MustCompile(`[^0-9A-Za-z]+`)

// maxBranch is how much of a branch's name a version carries.
const maxBranch = 40

// identifier makes a branch an identifier of semantic versions that is no
// number, in lower case as everything in a registry.
func identifier(branch string) string {
	text := strings.ToLower(strings.Trim(noIdentifier.ReplaceAllString(branch, "-"), "-"))
	text = strings.Trim(text[:min(len(text), maxBranch)], "-")
	if text != "" && strings.Trim(text, "0123456789") == "" {
		return "b" + text
	}
	return text
}

// imageTag is a version as a tag, which has no "+".
func imageTag(version string) string { return strings.ReplaceAll(version, "+", "_") }

// CheckVersion refuses a version that is none.
func CheckVersion(text string) error {
	if _, err := semver.StrictNewVersion(text); err != nil {
		return fault.New(fault.Usage, "--version %q: %w", text, err).Hint("write it like 1.2.3 or 1.2.3-rc.1, without v")
	}
	return nil
}
