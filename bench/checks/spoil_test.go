package checks

import (
	"maps"
	"slices"
	"strings"

	"github.com/tugops/tug/internal/check/problem"
	"github.com/tugops/tug/internal/object"
)

// spoil adds to samples copies with one fault each, of the first two objects
// of every kind: a field that is not there, a wrong type, a missing field, a
// null, at each of its places.
func spoil(samples []sample) []sample {
	all := slices.Clone(samples)
	done := map[string]int{}
	for _, s := range samples {
		kind := s.object.GVK().String()
		if done[kind]++; done[kind] > 2 || s.object.GVK().Kind == "CustomResourceDefinition" {
			continue
		}
		n := 0
		walk(s.object.Fields, nil, func(at problem.Path, v any) {
			if n > 60 || len(at) == 0 || at[0] == "apiVersion" || at[0] == "kind" || at.String() == "metadata.name" || at.String() == "metadata.namespace" {
				return
			}
			for _, how := range faults(v) {
				if c := with(s.object, at, how); c != nil {
					n++
					all = append(all, sample{object: c, chart: s.chart, spoilt: how + " at " + at.String()})
				}
			}
		})
	}
	return all
}

// faults are the ways to spoil a value.
func faults(v any) []string {
	switch v.(type) {
	case map[string]any:
		return []string{"extra field", "text instead"}
	case []any:
		return []string{"text instead", "removed"}
	case string:
		return []string{"number instead", "removed"}
	case bool:
		return []string{"text instead"}
	case nil:
		return nil
	}
	return []string{"text instead", "removed"}
}

func with(o *object.Object, at problem.Path, how string) *object.Object {
	c := o.Copy()
	parent, ok := at[:len(at)-1].Get(c.Fields)
	if !ok {
		return nil
	}
	if how == "extra field" {
		v, _ := at.Get(c.Fields)
		v.(map[string]any)["notAFieldOfIt"] = "x"
		return c
	}
	var value any = "some text"
	if how == "number instead" {
		value = int64(17)
	}
	switch p := parent.(type) {
	case map[string]any:
		if how == "removed" {
			delete(p, at[len(at)-1].(string))
			return c
		}
		p[at[len(at)-1].(string)] = value
	case []any:
		if how == "removed" {
			return nil
		}
		p[at[len(at)-1].(int)] = value
	}
	return c
}

// walk visits every value, maps in the order of their keys; labels and
// annotations are passed over but for their maps.
func walk(v any, at problem.Path, visit func(problem.Path, any)) {
	visit(at, v)
	switch t := v.(type) {
	case map[string]any:
		if n := len(at); n > 0 && (at[n-1] == "annotations" || strings.Contains(at.String(), "atchLabels") || at[n-1] == "data") {
			return
		}
		for _, k := range slices.Sorted(maps.Keys(t)) {
			walk(t[k], at.At(k), visit)
		}
	case []any:
		for i := range t {
			if i < 1 {
				walk(t[i], at.At(i), visit)
			}
		}
	}
}
