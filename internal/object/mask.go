package object

import (
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
)

// Masked stands in for a value that must not be shown.
const Masked = "(masked)"

// AnnotationLastApplied is where kubectl keeps a copy of what it applied,
// secret values included.
const AnnotationLastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// Closed reports whether no value of o may be shown: it is a Secret, or Hidden.
// The kind is read from the object, never from a caller (compare CVE-2026-42880
// and its two incomplete fixes).
func (o *Object) Closed() bool { return o.IsSecret() || o.Hidden }

// Mask gives o as it may be shown: without the values of s wherever they turn
// up, and when it is closed without any value but those of OpenField. What
// identifies it (type, name and namespace) and the names of fields stay. An
// object with nothing to mask is returned as it is.
func (o *Object) Mask(s *Sensitive) *Object {
	closed := o.Closed()
	if !closed && !reveals(o.Fields, s) {
		return o
	}
	c := &Object{Fields: make(map[string]any, len(o.Fields)), Source: o.Source, Stable: o.Stable, Hidden: o.Hidden}
	for key, v := range o.Fields {
		switch {
		case key == "apiVersion" || key == "kind":
			c.Fields[key] = v
		case key == "metadata":
			c.Fields[key] = maskMeta(v, s, closed)
		case closed && !OpenField(key):
			c.Fields[key] = maskAll(v)
		default:
			c.Fields[key] = MaskValue(v, s)
		}
	}
	return c
}

// OpenField reports whether a field of a closed object may be shown: one that
// holds no data. A field that is not known here may not.
func OpenField(name string) bool {
	switch name {
	case "apiVersion", "kind", "metadata", "type", "immutable":
		return true
	}
	return false
}

func maskMeta(v any, s *Sensitive, closed bool) any {
	meta, ok := v.(map[string]any)
	if !ok {
		return MaskValue(v, s)
	}
	out := make(map[string]any, len(meta))
	for key, v := range meta {
		switch key {
		case "name", "namespace", "generateName", "uid":
			out[key] = v
		default:
			out[key] = MaskValue(v, s)
		}
	}
	if a, ok := out["annotations"].(map[string]any); ok && closed {
		if _, has := a[AnnotationLastApplied]; has {
			a = maps.Clone(a)
			a[AnnotationLastApplied] = Masked
			out["annotations"] = a
		}
	}
	return out
}

// MaskValue is a copy of v without the values of s; names of fields stay.
func MaskValue(v any, s *Sensitive) any {
	switch v := v.(type) {
	case string:
		return s.Mask(v)
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, item := range v {
			out[k] = MaskValue(item, s)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = MaskValue(item, s)
		}
		return out
	case int64, float64, json.Number:
		if s.Reveals(numberText(v)) {
			return Masked
		}
	}
	return v
}

// maskAll masks every value in v, text or not, and keeps the names.
func maskAll(v any) any {
	block, ok := v.(map[string]any)
	if !ok {
		if v == nil {
			return nil
		}
		return Masked
	}
	out := make(map[string]any, len(block))
	for key, item := range block {
		out[key] = maskAll(item)
	}
	return out
}

// RevealsIn reports whether a text in v holds a value of s.
func (s *Sensitive) RevealsIn(v any) bool { return reveals(v, s) }

func reveals(v any, s *Sensitive) bool {
	if s == nil {
		return false
	}
	switch v := v.(type) {
	case string:
		return s.Reveals(v)
	case map[string]any:
		for _, item := range v {
			if reveals(item, s) {
				return true
			}
		}
	case []any:
		for _, item := range v {
			if reveals(item, s) {
				return true
			}
		}
	case int64, float64, json.Number:
		return s.Reveals(numberText(v))
	}
	return false
}

// numberText is a number as a file has it.
func numberText(v any) string {
	if f, ok := v.(float64); ok {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}
