package imagelock

import (
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// claimedKbld is the kbld release whose configuration is read: a lock that
// requires a later one is refused.
const claimedKbld = "0.46.0"

// configKinds are kbld's kinds. All of them share one structure.
func configKinds() []string {
	return []string{"Config", "Sources", "ImageOverrides", "ImageDestinations", "ImageKeys"}
}

func isConfigKind(kind string) bool { return slices.Contains(configKinds(), kind) }

// config reads kbld's configuration. Only its overrides pin; sources and
// destinations say how images are built and where they go, which a Resolver
// asks for.
func (r *reader) config(n *yaml.Node, set *Set) {
	f := r.fields(n, "kbld configuration", "apiVersion", "kind", "metadata", "minimumRequiredVersion",
		"sources", "overrides", "destinations", "keys", "searchRules")
	r.minimumVersion(f["minimumRequiredVersion"])
	for _, s := range r.items(f["sources"], "sources") {
		set.Builds = append(set.Builds, r.build(s))
	}
	for _, o := range r.items(f["overrides"], "overrides") {
		if l, ok := r.override(o); ok {
			if !hasDigest(l.NewImage) && l.Pending == "" {
				set.Warnings = append(set.Warnings, l.Source.String()+": image "+l.NewImage+" is preresolved without a digest and may change")
			}
			set.Locks = append(set.Locks, l)
		}
	}
	for _, d := range r.items(f["destinations"], "destinations") {
		set.Destinations = append(set.Destinations, r.destination(d))
	}
	for _, k := range r.items(f["keys"], "keys") {
		name := r.text(k, "key")
		if name == "" {
			r.fail(k, "empty key")
		}
		set.Rules = append(set.Rules, Rule{Key: &Key{Name: name}, Update: UpdateValue, order: orderKey})
	}
	set.Rules = append(set.Rules, r.rules(f["searchRules"], maxRuleDepth)...)
}

func (r *reader) minimumVersion(n *yaml.Node) {
	text := r.text(n, "minimumRequiredVersion")
	if text == "" || r.err != nil {
		return
	}
	if strings.HasPrefix(text, "v") {
		r.fail(n, "minimumRequiredVersion %q starts with v", text).Hint("write %s", text[1:])
		return
	}
	required, ok := parseVersion(text)
	if !ok {
		r.fail(n, "minimumRequiredVersion %q is no version", text).Hint("write it like 0.25.0")
		return
	}
	if claimed, _ := parseVersion(claimedKbld); slices.Compare(required, claimed) > 0 {
		r.fail(n, "minimumRequiredVersion %s is later than kbld %s, whose configuration tug reads", text, claimedKbld).
			Hint("lower it to %s when the file uses nothing newer, or update tug", claimedKbld)
	}
}

// parseVersion gives the numbers of a version like 0.25.0; a pre-release counts
// as its release.
func parseVersion(text string) ([]int, bool) {
	core, _, _ := strings.Cut(text, "-")
	var numbers []int
	for part := range strings.SplitSeq(core, ".") {
		n, err := strconv.Atoi(part)
		if err != nil || n < 0 {
			return nil, false
		}
		numbers = append(numbers, n)
	}
	return numbers, true
}
