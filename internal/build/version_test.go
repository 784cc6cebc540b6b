package build_test

import (
	"testing"
	"time"

	"github.com/Masterminds/semver/v3"

	"github.com/tugops/tug/internal/build"
	"github.com/tugops/tug/internal/fault"
)

const hash = "0123456789abcdef0123456789abcdef01234567"

func commit() build.Commit {
	return build.Commit{Hash: hash, Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Branch: "main", Repository: "https://git.example/team/shop"}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*build.Commit)
		prefix string
		want   string
	}{
		"tag":              {func(c *build.Commit) { c.Tags = []string{"v1.2.3"} }, "", "1.2.3"},
		"tag without v":    {func(c *build.Commit) { c.Tags = []string{"1.2.3"} }, "", "1.2.3"},
		"highest of tags":  {func(c *build.Commit) { c.Tags = []string{"v1.10.0", "v1.9.0", "v1.10.0-rc.1"} }, "", "1.10.0"},
		"dirty tag":        {func(c *build.Commit) { c.Tags = []string{"v1.2.3"}; c.Dirty = true }, "", "1.2.4-dev.0.g0123456789ab.dirty"},
		"behind":           {func(c *build.Commit) { c.Nearest, c.Distance = []string{"v1.2.3"}, 4 }, "", "1.2.4-dev.4.g0123456789ab"},
		"behind candidate": {func(c *build.Commit) { c.Nearest, c.Distance = []string{"v1.3.0-rc.1"}, 4 }, "", "1.3.0-rc.1.dev.4.g0123456789ab"},
		"no tag":           {func(*build.Commit) {}, "", "0.0.0-main.20260102030405.g0123456789ab"},
		"odd branch":       {func(c *build.Commit) { c.Branch = "feature/ABC_1" }, "", "0.0.0-feature-abc-1.20260102030405.g0123456789ab"},
		"number branch":    {func(c *build.Commit) { c.Branch = "007" }, "", "0.0.0-b007.20260102030405.g0123456789ab"},
		"detached":         {func(c *build.Commit) { c.Branch = ""; c.Dirty = true }, "", "0.0.0-20260102030405.g0123456789ab.dirty"},
		"prefix":           {func(c *build.Commit) { c.Tags = []string{"v9.0.0", "shop/v1.2.3"} }, "shop/", "1.2.3"},
		"no version tag":   {func(c *build.Commit) { c.Tags = []string{"latest"} }, "", "0.0.0-main.20260102030405.g0123456789ab"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := commit()
			tc.change(&c)
			got, err := build.Version(c, tc.prefix)
			if err != nil || got != tc.want {
				t.Errorf("%q, %v, want %q", got, err, tc.want)
			}
			if _, err := semver.StrictNewVersion(got); err != nil {
				t.Errorf("%q is no semantic version: %v", got, err)
			}
		})
	}
	if _, err := build.Version(build.Commit{}, ""); !fault.Is(err, fault.Invalid) {
		t.Errorf("without a commit: %v", err)
	}
}

// TestVersionsRise compares the versions of commits in their order.
func TestVersionsRise(t *testing.T) {
	t.Parallel()
	last := semver.MustParse("0.0.0-0")
	for _, c := range []build.Commit{
		{Tags: []string{"v1.0.0-rc.1"}},
		{Nearest: []string{"v1.0.0-rc.1"}, Distance: 2},
		{Nearest: []string{"v1.0.0-rc.1"}, Distance: 10},
		{Tags: []string{"v1.0.0"}},
		{Nearest: []string{"v1.0.0"}, Distance: 9},
		{Nearest: []string{"v1.0.0"}, Distance: 11},
		{Tags: []string{"v1.0.1"}},
	} {
		c.Hash = hash
		text, err := build.Version(c, "")
		if err != nil {
			t.Fatal(err)
		}
		v := semver.MustParse(text)
		if !v.GreaterThan(last) {
			t.Errorf("%s is not above %s", v, last)
		}
		last = v
	}
}
