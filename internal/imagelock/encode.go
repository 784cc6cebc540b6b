package imagelock

import (
	"cmp"
	"slices"

	"sigs.k8s.io/yaml"

	"github.com/tugops/tug/internal/fault"
)

// minimumKbld is the version that written kbld locks ask for: what Deus'
// repository has, and old enough for any installed kbld.
const minimumKbld = "0.25.0"

// Format is one of the three forms of a lock file.
type Format string

// The formats.
const (
	FormatTug    Format = "tug"    // ImageLock
	FormatKbld   Format = "kbld"   // Config, as kbld --lock-output writes it
	FormatImgpkg Format = "imgpkg" // ImagesLock, as kbld --imgpkg-lock-output writes it
)

// Formats are all of them, for flags.
func Formats() []string {
	return []string{string(FormatTug), string(FormatKbld), string(FormatImgpkg)}
}

// kbldConfig is kbld's lock file; sigs.k8s.io/yaml sorts the keys.
type kbldConfig struct {
	APIVersion             string         `json:"apiVersion"`
	Kind                   string         `json:"kind"`
	MinimumRequiredVersion string         `json:"minimumRequiredVersion"`
	Overrides              []kbldOverride `json:"overrides,omitempty"`
	SearchRules            []any          `json:"searchRules,omitempty"`
}

type kbldOverride struct {
	Image       string           `json:"image,omitempty"`
	ImageRepo   string           `json:"imageRepo,omitempty"`
	NewImage    string           `json:"newImage"`
	Preresolved bool             `json:"preresolved"`
	Origins     []map[string]any `json:"origins,omitempty"`
}

// EncodeKbld writes locks as a kbld Config, sorted by image, so that the same
// locks give the same bytes. Origins are made portable: no absolute paths and
// no credentials. App and environment of the locks are lost: kbld has none.
// Rules are those of the lock files, without the built-in ones.
func EncodeKbld(locks []Lock, rules []Rule) ([]byte, error) {
	c := kbldConfig{APIVersion: kbldVersion, Kind: "Config", MinimumRequiredVersion: minimumKbld}
	for _, l := range locks {
		if err := settled(l); err != nil {
			return nil, err
		}
		o := kbldOverride{Image: l.Image, NewImage: l.NewImage, Preresolved: true}
		if l.Repo {
			o.Image, o.ImageRepo = "", l.Image
		}
		for _, origin := range l.Origins {
			if origin = portable(origin, ""); origin != nil {
				o.Origins = append(o.Origins, origin)
			}
		}
		c.Overrides = append(c.Overrides, o)
	}
	slices.SortFunc(c.Overrides, func(a, b kbldOverride) int {
		return cmp.Or(cmp.Compare(a.Image, b.Image), cmp.Compare(a.ImageRepo, b.ImageRepo), cmp.Compare(a.NewImage, b.NewImage))
	})
	for _, r := range rules {
		c.SearchRules = append(c.SearchRules, r.encode())
	}
	return yaml.Marshal(c)
}

// settled refuses a lock that needs a registry first.
func settled(l Lock) error {
	if l.Pending == "" {
		return nil
	}
	return fault.New(fault.Invalid, "%s: lock of %q %s", l.Source, l.Image, l.Pending)
}

// encode is r in the words of kbld's search rules.
func (r Rule) encode() map[string]any {
	out := map[string]any{}
	if k := r.Key; k != nil && k.Name != "" {
		out["keyMatcher"] = map[string]any{"name": k.Name}
	} else if k != nil {
		out["keyMatcher"] = map[string]any{"path": k.encodePath()}
	}
	value := map[string]any{}
	if r.Image != "" {
		value["image"] = r.Image
	}
	if r.Repo != "" {
		value["imageRepo"] = r.Repo
	}
	if len(value) > 0 {
		out["valueMatcher"] = value
	}
	switch r.Update {
	case UpdateNone:
		out["updateStrategy"] = map[string]any{"none": map[string]any{}}
	case UpdateJSON, UpdateYAML:
		nested := map[string]any{}
		var rules []any
		for _, n := range r.Nested {
			rules = append(rules, n.encode())
		}
		if len(rules) > 0 {
			nested["searchRules"] = rules
		}
		out["updateStrategy"] = map[string]any{string(r.Update): nested}
	}
	return out
}

func (k Key) encodePath() []any {
	path := make([]any, len(k.Path))
	for i, s := range k.Path {
		switch {
		case s.Name != "":
			path[i] = s.Name
		case s.Index < 0:
			path[i] = map[string]any{"allIndexes": true}
		default:
			path[i] = map[string]any{"index": s.Index}
		}
	}
	return path
}
