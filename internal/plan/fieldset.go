package plan

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/tugops/tug/internal/object"
)

// fieldSet is a set of fields in the shape of managedFields' FieldsV1: keys
// are "f:name", `k:{"name":"web"}`, `v:"x"` or "i:0", "." says that the node
// itself is a member, and so does a node without children. The server writes
// keys in one way only, so that equal keys are equal text.
type fieldSet map[string]any

// parseFields reads FieldsV1. What is no field set gives an empty one: it
// names no field.
func parseFields(data []byte) fieldSet {
	var s fieldSet
	if json.Unmarshal(data, &s) != nil {
		return nil
	}
	return s
}

func (s fieldSet) child(key string) (fieldSet, bool) {
	c, ok := s[key].(map[string]any)
	return c, ok
}

// leaf reports whether s owns all there is at and below its node.
func (s fieldSet) leaf() bool { return len(s) == 0 }

func (s fieldSet) member() bool {
	_, ok := s["."]
	return ok || s.leaf()
}

// minus gives the members of s that are none of o, as paths of keys. The
// existence of a list item or of a map (".") carries no value and does not
// count.
func (s fieldSet) minus(o fieldSet) [][]string {
	var out [][]string
	s.collect(o, o != nil, nil, &out)
	slices.SortFunc(out, func(a, b []string) int { return strings.Compare(strings.Join(a, "\x00"), strings.Join(b, "\x00")) })
	return out
}

func (s fieldSet) collect(o fieldSet, inOther bool, at []string, out *[][]string) {
	if s.leaf() {
		if len(at) > 0 && (!inOther || !o.member()) {
			*out = append(*out, slices.Clone(at))
		}
		return
	}
	for key := range s {
		c, ok := s.child(key)
		if key == "." || !ok {
			continue
		}
		oc, in := o.child(key)
		c.collect(oc, in, append(at, key), out)
	}
}

// leaves are the paths of all leaf members.
func (s fieldSet) leaves() [][]string { return s.minus(nil) }

// has reports whether the node at keys is in s, or below a leaf of s.
func (s fieldSet) has(keys []string) bool {
	node := s
	for i, key := range keys {
		if i > 0 && node.leaf() {
			return true
		}
		next, ok := node.child(key)
		if !ok {
			return false
		}
		node = next
	}
	return len(keys) > 0
}

// without is s less the node at keys; parents that hold nothing else go too.
func (s fieldSet) without(keys []string) fieldSet {
	out := make(fieldSet, len(s))
	maps.Copy(out, s)
	if len(keys) == 0 {
		return out
	}
	c, ok := s.child(keys[0])
	if !ok {
		return out
	}
	rest := c.without(keys[1:])
	if len(keys) == 1 || len(rest) == 0 {
		delete(out, keys[0])
		return out
	}
	out[keys[0]] = map[string]any(rest)
	return out
}

// with is s and a leaf at keys.
func (s fieldSet) with(keys []string) fieldSet {
	out := make(fieldSet, len(s)+1)
	maps.Copy(out, s)
	if len(keys) > 0 {
		c, _ := s.child(keys[0])
		out[keys[0]] = map[string]any(c.with(keys[1:]))
	}
	return out
}

func (s fieldSet) equal(o fieldSet) bool {
	return len(s) == len(o) && (len(s) == 0 || reflect.DeepEqual(map[string]any(s), map[string]any(o)))
}

// keysAsPath is how people are shown the path of a field set.
func keysAsPath(keys []string) path {
	p := make(path, 0, len(keys))
	for _, key := range keys {
		p = append(p, keyAsElement(key))
	}
	return p
}

func keyAsElement(key string) string {
	kind, body, _ := strings.Cut(key, ":")
	switch kind {
	case "f":
		return body
	case "k":
		var m map[string]any
		if json.Unmarshal([]byte(body), &m) != nil {
			return "[" + body + "]"
		}
		names := slices.Sorted(maps.Keys(m))
		for i, k := range names {
			names[i] = k + "=" + text(m[k])
		}
		return "[" + strings.Join(names, ",") + "]"
	case "v":
		var v any
		if json.Unmarshal([]byte(body), &v) == nil {
			return "[" + text(v) + "]"
		}
	}
	return "[" + body + "]"
}

// owner is one entry of managedFields with its fields read.
type owner struct {
	object.ManagerEntry
	fields fieldSet
}

func (o owner) mine() bool {
	return o.Manager == object.Manager && o.Operation == "Apply" && o.Subresource == ""
}

// same reports whether two entries stand for one manager. The API version may
// differ: a manager that writes in another one keeps one entry for each, and
// the server converts.
func (o owner) same(p owner) bool {
	return o.Manager == p.Manager && o.Operation == p.Operation && o.Subresource == p.Subresource &&
		o.APIVersion == p.APIVersion
}

// owners reads the entries that own anything but status.
func owners(entries []object.ManagerEntry) []owner {
	out := make([]owner, 0, len(entries))
	for _, e := range entries {
		if e.Subresource == "status" {
			continue
		}
		out = append(out, owner{e, parseFields(e.FieldsV1)})
	}
	return out
}

// ours is the field set of our own entry; nil when there is none.
func ours(list []owner) fieldSet {
	for _, o := range list {
		if o.mine() {
			return o.fields
		}
	}
	return nil
}
