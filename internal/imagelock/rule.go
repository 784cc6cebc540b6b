package imagelock

import (
	"cmp"
	"reflect"
	"strconv"
	"strings"
)

// Rule finds image references: a value matches when its place and the value
// itself do.
type Rule struct {
	// Key matches any place when it is nil, Image and Repo any value when
	// they are empty.
	Key         *Key
	Image, Repo string
	Update      Update
	// Nested are the rules inside a value that is text of JSON or YAML. The
	// built-in rules do not hold there.
	Nested []Rule

	order int // keys before search rules
}

// Key matches the place of a value: the name of its map key, or, when Name is
// empty, its whole path from the root of the object.
type Key struct {
	Name string
	Path []Step
}

// Step is one step of a path: a map key, one element of a list, or all of its
// elements.
type Step struct {
	Name  string
	Index int // of a list element; -1 for all, meaningful when Name is empty
}

// Update says what to do with a value that a rule matches.
type Update string

// The update strategies. The zero value is UpdateValue.
const (
	UpdateNone  Update = "none" // leave the value alone: no image
	UpdateValue Update = "entireValue"
	UpdateJSON  Update = "json" // search inside the text
	UpdateYAML  Update = "yaml"
)

const (
	orderKey = iota
	orderSearchRule
	orderBuiltin
	orderVolume // the built-in rule that asks for more than the key
)

func compareRules(a, b Rule) int { return cmp.Compare(a.order, b.order) }

func uniqueRules(rules []Rule) []Rule {
	var unique []Rule
	for _, r := range rules {
		if !containsRule(unique, r) {
			unique = append(unique, r)
		}
	}
	return unique
}

func containsRule(rules []Rule, r Rule) bool {
	for _, o := range rules {
		o.order = r.order
		if reflect.DeepEqual(o, r) {
			return true
		}
	}
	return false
}

// matches reports whether r finds the value at a place.
func (r *Rule) matches(at place, value any) bool {
	if r.Key != nil && !r.Key.matches(at) {
		return false
	}
	if r.Image == "" && r.Repo == "" {
		return true
	}
	text, ok := value.(string)
	if !ok {
		return false
	}
	if r.Image != "" {
		return text == r.Image
	}
	return repositoryOf(text) == r.Repo
}

func (k *Key) matches(at place) bool {
	if k.Name != "" {
		return len(at) > 0 && at[len(at)-1].Name == k.Name
	}
	if len(at) != len(k.Path) {
		return false
	}
	for i, want := range k.Path {
		all := want.Name == "" && want.Index == -1 && at[i].Name == ""
		if !all && at[i] != want {
			return false
		}
	}
	return true
}

// place is where a value stands in an object.
type place []Step

// String is "spec.containers[0].image"; keys with dots or brackets are quoted.
func (p place) String() string {
	var b strings.Builder
	for _, s := range p {
		switch {
		case s.Name == "":
			b.WriteString("[" + strconv.Itoa(s.Index) + "]")
		case strings.ContainsAny(s.Name, `.[]" `):
			b.WriteString("[" + strconv.Quote(s.Name) + "]")
		case b.Len() == 0:
			b.WriteString(s.Name)
		default:
			b.WriteString("." + s.Name)
		}
	}
	return b.String()
}

// endsWith reports whether the last steps are these; "*" stands for any list
// element.
func (p place) endsWith(steps ...string) bool {
	if len(p) < len(steps) {
		return false
	}
	for i, s := range p[len(p)-len(steps):] {
		if steps[i] == "*" && s.Name != "" || steps[i] != "*" && s.Name != steps[i] {
			return false
		}
	}
	return true
}

// runsImage reports whether the kubelet runs or mounts what stands there.
func (p place) runsImage() bool {
	return p.endsWith("containers", "*", "image") ||
		p.endsWith("initContainers", "*", "image") ||
		p.endsWith("ephemeralContainers", "*", "image") ||
		p.endsWith("volumes", "*", "image", "reference")
}
