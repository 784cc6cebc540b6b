package krm

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/big"
	"slices"
	"strconv"

	"go.starlark.net/starlark"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/render"
)

// maxValues and maxNesting bound what comes out of a program: a list that
// holds itself, or the same large list many times.
const (
	maxValues  = 5_000_000
	maxNesting = 200
)

// toDict makes a dict of a map, keys in order.
func toDict(m map[string]any) *starlark.Dict {
	d := starlark.NewDict(len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		// A new dict of strings takes any key.
		_ = d.SetKey(starlark.String(key), toValue(m[key]))
	}
	return d
}

func toValue(v any) starlark.Value {
	switch v := v.(type) {
	case map[string]any:
		return toDict(v)
	case []any:
		list := make([]starlark.Value, len(v))
		for i, item := range v {
			list[i] = toValue(item)
		}
		return starlark.NewList(list)
	case string:
		return starlark.String(v)
	case bool:
		return starlark.Bool(v)
	case int64:
		return starlark.MakeInt64(v)
	case float64:
		return starlark.Float(v)
	case json.Number:
		if n, ok := new(big.Int).SetString(v.String(), 10); ok {
			return starlark.MakeBigInt(n)
		}
		f, err := v.Float64()
		if err != nil {
			return starlark.String(v.String())
		}
		return starlark.Float(f)
	}
	return starlark.None
}

// reader makes data of values within the limits above.
type reader struct {
	left int
}

func (r *reader) data(v starlark.Value, depth int) (any, error) {
	if r.left--; r.left < 0 {
		return nil, fmt.Errorf("it gave more than %d values", maxValues)
	}
	if depth > maxNesting {
		return nil, fmt.Errorf("values are nested more than %d deep", maxNesting)
	}
	switch v := v.(type) {
	case starlark.NoneType:
		return nil, nil
	case starlark.String:
		return string(v), nil
	case starlark.Bool:
		return bool(v), nil
	case starlark.Int:
		if i, ok := v.Int64(); ok {
			return i, nil
		}
		return json.Number(v.String()), nil
	case starlark.Float:
		return number(float64(v))
	case *starlark.Dict:
		return r.mapping(v, depth)
	case *starlark.List:
		return r.list(v, depth)
	case starlark.Tuple:
		return r.list(v, depth)
	}
	return nil, fmt.Errorf("a %s has no form in YAML", v.Type())
}

// number writes a float with the text that a YAML author would: integral
// values stay floats.
func number(f float64) (any, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, fmt.Errorf("%v has no form in YAML", f)
	}
	return json.Number(strconv.FormatFloat(f, 'g', -1, 64)), nil
}

func (r *reader) mapping(d *starlark.Dict, depth int) (any, error) {
	m := make(map[string]any, d.Len())
	for _, item := range d.Items() {
		key, ok := starlark.AsString(item[0])
		if !ok {
			return nil, fmt.Errorf("key %s is not text", item[0].Type())
		}
		value, err := r.data(item[1], depth+1)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		m[key] = value
	}
	return m, nil
}

func (r *reader) list(l starlark.Indexable, depth int) (any, error) {
	out := make([]any, 0, min(l.Len(), r.left))
	for i := range l.Len() {
		value, err := r.data(l.Index(i), depth+1)
		if err != nil {
			return nil, fmt.Errorf("%d: %w", i, err)
		}
		out = append(out, value)
	}
	return out, nil
}

// output reads the list that a program leaves.
func (s *script) output(list *starlark.Dict, known map[*starlark.Dict]int, objects []*object.Object) (output, error) {
	r := &reader{left: maxValues}
	var out output
	items, err := entries(list, "items")
	if err != nil {
		return output{}, fault.New(fault.Invalid, "%s: %w", s.f.title(), err)
	}
	for i, item := range items {
		fields, err := r.data(item, 0)
		if err != nil {
			return output{}, fault.New(fault.Invalid, "%s: item %d: %w", s.f.title(), i+1, err)
		}
		o, err := s.f.item(i, fields)
		if err != nil {
			return output{}, err
		}
		d, _ := item.(*starlark.Dict)
		from, before := -1, (*object.Object)(nil)
		if n, ok := known[d]; ok {
			from, before = n, objects[n]
		}
		out.objects, out.from = append(out.objects, render.Settle(o, before)), append(out.from, from)
	}
	results, err := entries(list, "results")
	if err != nil {
		return output{}, fault.New(fault.Invalid, "%s: %w", s.f.title(), err)
	}
	for _, result := range results {
		data, err := r.data(result, 0)
		if err != nil {
			return output{}, fault.New(fault.Invalid, "%s: results: %w", s.f.title(), err)
		}
		out.results = append(out.results, data)
	}
	return out, nil
}

// entries gives the members of a list in a dict; none when it is not there.
func entries(d *starlark.Dict, key string) ([]starlark.Value, error) {
	v, found, err := d.Get(starlark.String(key))
	if err != nil || !found || v == starlark.None {
		return nil, err
	}
	list, ok := v.(starlark.Indexable)
	if _, text := v.(starlark.String); !ok || text {
		return nil, fmt.Errorf("resource_list[%q] is a %s where a list is needed", key, v.Type())
	}
	out := make([]starlark.Value, list.Len())
	for i := range out {
		out[i] = list.Index(i)
	}
	return out, nil
}
