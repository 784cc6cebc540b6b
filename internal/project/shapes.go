package project

import (
	"maps"
	"reflect"
	"slices"

	"go.yaml.in/yaml/v3"
)

// Paths is one path or a list of them.
type Paths []string

func (p *Paths) decode(d *decoder, n *yaml.Node, f field) {
	if n.Kind != yaml.SequenceNode {
		if text, ok := d.text(n, f); ok {
			*p = Paths{text}
		}
		return
	}
	if len(n.Content) == 0 {
		d.report(n, "name a folder or file", "%s is an empty list", f.name)
		return
	}
	var list []string
	d.list(n, reflect.ValueOf(&list).Elem(), f)
	*p = list
}

func (*Paths) schema() map[string]any {
	text := map[string]any{"type": "string", "minLength": 1}
	return map[string]any{"oneOf": []any{text, map[string]any{"type": "array", "items": text, "minItems": 1}}}
}

// Places are the environments of an app: a list of names, or a map from name
// to what the app has of its own there. Nil means every environment.
type Places map[string]Place

func (p *Places) decode(d *decoder, n *yaml.Node, f field) {
	f.rule = nameRule
	if n.Kind != yaml.SequenceNode {
		places := map[string]Place{}
		d.entries(n, reflect.ValueOf(&places).Elem(), f)
		*p = places
		return
	}
	*p = make(Places, len(n.Content))
	for _, item := range n.Content {
		item, ok := d.resolve(item)
		if !ok {
			return
		}
		name, ok := d.text(item, f)
		if !ok {
			continue
		}
		if _, twice := (*p)[name]; twice {
			d.report(item, "keep one of them", "environment %q stands twice", name)
		}
		(*p)[name] = Place{}
	}
}

func (*Places) schema() map[string]any {
	name := nameRule.schema()
	item := maps.Clone(name)
	item["type"] = "string"
	return map[string]any{"oneOf": []any{
		map[string]any{"type": "array", "items": item, "uniqueItems": true},
		map[string]any{"type": "object", "propertyNames": name, "additionalProperties": map[string]any{"$ref": "#/$defs/Place"}},
	}}
}

// names are the environments in order.
func (p Places) names() []string { return slices.Sorted(maps.Keys(p)) }
