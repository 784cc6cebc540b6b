package project

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxNodes bounds what aliases may expand to.
const maxNodes = 1_000_000

// decoder turns YAML nodes into the types of this package. It is stricter
// than a YAML library: unknown and repeated keys, other types and nulls are
// problems with a position, and all of them are collected.
type decoder struct {
	file     string
	problems Problems
	nodes    int
}

// shaped is a type with a form of its own in YAML.
type shaped interface {
	decode(d *decoder, n *yaml.Node, f field)
	schema() map[string]any
}

func (d *decoder) at(n *yaml.Node) Position {
	return Position{File: d.file, Line: n.Line, Column: n.Column}
}

func (d *decoder) report(n *yaml.Node, hint, format string, args ...any) {
	d.problems = append(d.problems, Problem{At: d.at(n), Text: fmt.Sprintf(format, args...), Hint: hint})
}

// resolve follows an alias and counts the node; it is false when there are
// too many of them.
func (d *decoder) resolve(n *yaml.Node) (*yaml.Node, bool) {
	if d.nodes++; d.nodes > maxNodes {
		if d.nodes == maxNodes+1 {
			d.report(n, "write fewer aliases", "aliases make more than %d values", maxNodes)
		}
		return n, false
	}
	if n.Kind == yaml.AliasNode {
		return n.Alias, true
	}
	return n, true
}

func (d *decoder) value(n *yaml.Node, v reflect.Value, f field) {
	n, ok := d.resolve(n)
	if !ok {
		return
	}
	if s, ok := v.Addr().Interface().(shaped); ok {
		s.decode(d, n, f)
		return
	}
	switch v.Kind() {
	case reflect.String:
		if text, ok := d.text(n, f); ok {
			v.SetString(text)
		}
	case reflect.Bool:
		if d.isTag(n, "!!bool", f.name, "true or false") {
			v.SetBool(strings.EqualFold(n.Value, "true"))
		}
	case reflect.Int:
		d.number(n, v, f)
	case reflect.Slice:
		d.list(n, v, f)
	case reflect.Map:
		d.entries(n, v, f)
	case reflect.Struct:
		d.fields(n, v, f.name)
	}
}

// text reads a scalar that is text and holds the rule and enum of f.
func (d *decoder) text(n *yaml.Node, f field) (string, bool) {
	if !d.isTag(n, "!!str", f.name, "text") {
		return "", false
	}
	if len(f.enum) > 0 {
		if slices.Contains(f.enum, n.Value) {
			return n.Value, true
		}
		d.report(n, didYouMean(n.Value, f.enum, "allowed: "), "%s %q is not known", f.name, n.Value)
		return "", false
	}
	if wrong, hint := f.rule.check(n.Value); wrong != "" {
		d.report(n, hint, "%s: %s", f.name, wrong)
		return "", false
	}
	return n.Value, true
}

func (d *decoder) number(n *yaml.Node, v reflect.Value, f field) {
	if !d.isTag(n, "!!int", f.name, "a whole number") {
		return
	}
	i, err := strconv.Atoi(n.Value)
	if err != nil || (f.rule == positiveRule && (i < 1 || i > maxHistory)) {
		d.report(n, "", "%s: %s is not a number from 1 to %d", f.name, n.Value, maxHistory)
		return
	}
	v.SetInt(int64(i))
}

func (d *decoder) list(n *yaml.Node, v reflect.Value, f field) {
	if n.Kind != yaml.SequenceNode {
		hint := ""
		if n.ShortTag() == "!!str" {
			hint = fmt.Sprintf("write %s: [%s]", f.name, n.Value)
		}
		d.report(n, hint, "%s is %s where a list is needed", f.name, describe(n))
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, item := range n.Content {
		d.value(item, v.Index(i), f)
	}
}

// entries reads a map whose keys are names of apps or environments.
func (d *decoder) entries(n *yaml.Node, v reflect.Value, f field) {
	if !d.isMap(n, f.name) {
		return
	}
	v.Set(reflect.MakeMapWithSize(v.Type(), len(n.Content)/2))
	for key, value := range d.pairs(n) {
		if wrong, hint := nameRule.check(key.Value); wrong != "" {
			d.report(key, hint, "name %s", wrong)
		}
		entry := reflect.New(v.Type().Elem()).Elem()
		d.value(value, entry, field{name: key.Value})
		v.SetMapIndex(reflect.ValueOf(key.Value), entry)
	}
}

// fields reads a map with known keys. Null stands for no keys at all.
func (d *decoder) fields(n *yaml.Node, v reflect.Value, name string) {
	known := fieldsOf(v.Type())
	if n.ShortTag() == "!!null" && !anyRequired(known) {
		return
	}
	if !d.isMap(n, name) {
		return
	}
	seen := map[string]bool{}
	for key, value := range d.pairs(n) {
		seen[key.Value] = true
		if f, ok := find(known, key.Value); ok {
			d.value(value, v.Field(f.index), f)
			continue
		}
		d.unknown(key, v, known)
	}
	for _, f := range known {
		if f.required && !seen[f.name] {
			d.report(n, missingHint(f), "%s is missing", f.name)
		}
	}
}

func (d *decoder) unknown(key *yaml.Node, v reflect.Value, known []field) {
	d.report(key, didYouMean(key.Value, names(known), "keys here: "), "unknown key %q", key.Value)
}

// pairs gives keys and values of a map; a key that stands twice is a problem
// and left out, as is one that is not text.
func (d *decoder) pairs(n *yaml.Node) func(yield func(key, value *yaml.Node) bool) {
	return func(yield func(key, value *yaml.Node) bool) {
		first := make(map[string]*yaml.Node, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, ok := d.resolve(n.Content[i])
			if !ok {
				return
			}
			if key.ShortTag() == "!!merge" {
				d.report(key, "write the keys out", "merge keys (<<) are not supported")
				continue
			}
			if key.ShortTag() != "!!str" {
				d.report(key, "put the key in quotes", "a key is %s where text is needed", describe(key))
				continue
			}
			if before := first[key.Value]; before != nil {
				d.report(key, "keep one of them", "key %q stands twice, first on line %d", key.Value, before.Line)
				continue
			}
			first[key.Value] = key
			if !yield(key, n.Content[i+1]) {
				return
			}
		}
	}
}

func (d *decoder) isMap(n *yaml.Node, name string) bool {
	if n.Kind == yaml.MappingNode {
		return true
	}
	d.report(n, "", "%s is %s where a map is needed", name, describe(n))
	return false
}

func (d *decoder) isTag(n *yaml.Node, tag, name, needed string) bool {
	if n.Kind == yaml.ScalarNode && n.ShortTag() == tag {
		return true
	}
	hint := ""
	if needed == "text" && n.Kind == yaml.ScalarNode && n.Value != "" && n.ShortTag() != "!!null" {
		hint = fmt.Sprintf("put it in quotes: %q", n.Value)
	}
	d.report(n, hint, "%s is %s where %s is needed", name, describe(n), needed)
	return false
}

func find(fields []field, name string) (field, bool) {
	for _, f := range fields {
		if f.name == name {
			return f, true
		}
	}
	return field{}, false
}

func anyRequired(fields []field) bool {
	for _, f := range fields {
		if f.required {
			return true
		}
	}
	return false
}

func missingHint(f field) string {
	if len(f.enum) == 1 {
		return fmt.Sprintf("add %s: %s", f.name, f.enum[0])
	}
	return fmt.Sprintf("add %s", f.name)
}

func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a map"
	case yaml.SequenceNode:
		return "a list"
	}
	switch n.ShortTag() {
	case "!!null":
		return "empty"
	case "!!bool":
		return "true or false"
	case "!!int", "!!float":
		return "a number"
	case "!!timestamp":
		return "a date"
	case "!!str":
		return "text"
	}
	return n.ShortTag()
}
