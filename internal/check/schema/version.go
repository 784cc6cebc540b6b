package schema

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Version are the built-in kinds of one Kubernetes minor. It may be used by
// several goroutines.
type Version struct {
	// Minor of Kubernetes 1, and the patch release the schemas are from.
	Minor   int
	Release string

	contents *contents
	index    versionIndex
	mu       sync.Mutex
	nodes    map[string]*node // definitions that were parsed, by name
}

// node is one schema of the OpenAPI documents, as far as validation needs it.
type node struct {
	Type       string           `json:"type"`
	Format     string           `json:"format"`
	Properties map[string]*node `json:"properties"`
	Required   []string         `json:"required"`
	Additional *node            `json:"additionalProperties"`
	Items      *node            `json:"items"`
	AllOf      []*node          `json:"allOf"`
	Ref        string           `json:"$ref"`
	Enum       []string         `json:"enum"`
	Default    any              `json:"default"`
	ListType   string           `json:"x-kubernetes-list-type"`
	MapKeys    []string         `json:"x-kubernetes-list-map-keys"`

	name string // of the definition; empty for schemas inside of one
}

func keyOf(k schema.GroupVersionKind) string {
	return k.Group + "/" + k.Version + "/" + k.Kind
}

// Has reports whether the version serves a kind, and whether its objects live
// in namespaces.
func (v *Version) Has(k schema.GroupVersionKind) (namespaced, ok bool) {
	kind, ok := v.index.Kinds[keyOf(k)]
	return kind.Namespaced, ok
}

// Served are the versions of a kind that this Kubernetes version serves.
func (v *Version) Served(k schema.GroupKind) []string {
	var versions []string
	for key := range v.index.Kinds {
		group, rest, _ := strings.Cut(key, "/")
		version, kind, _ := strings.Cut(rest, "/")
		if group == k.Group && kind == k.Kind {
			versions = append(versions, version)
		}
	}
	slices.Sort(versions)
	return versions
}

// BuiltinGroup reports whether a group belongs to Kubernetes itself.
func (v *Version) BuiltinGroup(group string) bool {
	for key := range v.index.Kinds {
		if strings.HasPrefix(key, group+"/") {
			return true
		}
	}
	for key := range v.contents.index.Lifecycle {
		if strings.HasPrefix(key, group+"/") {
			return true
		}
	}
	return false
}

// Kinds are the names of all kinds of a group and version, for hints.
func (v *Version) Kinds(gv schema.GroupVersion) []string {
	var kinds []string
	prefix := gv.Group + "/" + gv.Version + "/"
	for _, key := range slices.Sorted(maps.Keys(v.index.Kinds)) {
		if kind, ok := strings.CutPrefix(key, prefix); ok {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

// KindVersions are the "group/version" in which a kind of any group is served.
func (v *Version) KindVersions(kind string) []string {
	var found []string
	for _, key := range slices.Sorted(maps.Keys(v.index.Kinds)) {
		if gv, ok := strings.CutSuffix(key, "/"+kind); ok {
			found = append(found, strings.TrimPrefix(gv, "/"))
		}
	}
	return found
}

// Lifecycle says when a kind goes away: by the markers of its type, or since a
// later embedded minor lacks it.
func (v *Version) Lifecycle(k schema.GroupVersionKind) Lifecycle {
	l := v.contents.index.Lifecycle[keyOf(k)]
	if l.Removed != 0 {
		return l
	}
	if _, here := v.index.Kinds[keyOf(k)]; !here {
		return l
	}
	for name, other := range v.contents.index.Versions {
		minor := minorOf(name)
		if _, there := other.Kinds[keyOf(k)]; !there && minor > v.Minor && (l.Removed == 0 || minor < l.Removed) {
			l.Removed = minor
		}
	}
	return l
}

const refPrefix = "#/components/schemas/"

// resolve follows references; allOf of one reference is how OpenAPI gives a
// reference a default of its own.
func (v *Version) resolve(n *node) (*node, error) {
	for range 8 {
		switch {
		case n.Ref != "":
			next, err := v.definition(strings.TrimPrefix(n.Ref, refPrefix))
			if err != nil {
				return nil, err
			}
			n = next
		case len(n.AllOf) == 1 && n.Type == "":
			n = n.AllOf[0]
		default:
			return n, nil
		}
	}
	return nil, fmt.Errorf("embedded schemas: references of %s lead nowhere", n.Ref)
}

func (v *Version) definition(name string) (*node, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if n := v.nodes[name]; n != nil {
		return n, nil
	}
	at, ok := slices.BinarySearch(v.contents.index.Names, name)
	if !ok || v.index.Lines[at] < 0 {
		return nil, fmt.Errorf("embedded schemas: %s has no definition", name)
	}
	n := &node{name: name}
	if err := json.Unmarshal(v.contents.lines[v.index.Lines[at]], n); err != nil {
		return nil, fmt.Errorf("embedded schemas: %s: %w", name, err)
	}
	v.nodes[name] = n
	return n, nil
}
