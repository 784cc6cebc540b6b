package kustomize

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"path"

	sigsyaml "sigs.k8s.io/yaml"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/render"
)

// values are those of valuesFile and valuesInline as valuesMerge says, then
// additionalValuesFiles. The chart's own values.yaml stands for a valuesFile
// that is not named: Helm takes it anyway, but "merge" looks into it.
func (i *inflation) values(r render.Request) ([]render.NamedValues, error) {
	c := i.chart
	inline, err := jsonMap(c.ValuesInline)
	if err != nil {
		return nil, fault.New(fault.Invalid, "%s: valuesInline: %w", i.at, err)
	}
	var named map[string]any
	switch {
	case c.ValuesFile != "":
		named, err = i.valuesFile(c.ValuesFile)
	case c.ValuesMerge == "merge" && len(inline) > 0:
		named, err = ownValues(r)
	}
	if err != nil {
		return nil, err
	}
	name := first(c.ValuesFile, i.at.String())
	if len(inline) > 0 {
		name = i.at.String()
		switch c.ValuesMerge {
		case "", "override":
			named = over(named, inline)
		case "merge":
			named = over(inline, named)
		case "replace":
			named = inline
		default:
			return nil, fault.New(fault.Invalid, "%s: valuesMerge %q is not known", i.at, c.ValuesMerge).Hint("write merge, override or replace")
		}
	}
	var list []render.NamedValues
	if named != nil {
		data, err := json.Marshal(named)
		if err != nil {
			return nil, fmt.Errorf("values of %s: %w", i.at, err)
		}
		list = append(list, render.NamedValues{Name: name, Data: data})
	}
	for _, file := range c.AdditionalValuesFiles {
		p, data, err := i.file("additionalValuesFiles", file)
		if err != nil {
			return nil, err
		}
		list = append(list, render.NamedValues{Name: p.String(), Data: data})
	}
	return list, nil
}

// file reads a file that the chart's entry names.
func (i *inflation) file(field, name string) (place, []byte, error) {
	if err := i.checkFile(i.n, reference{field: field, value: name}); err != nil {
		return place{}, nil, err
	}
	p, _ := i.n.at.join(name)
	data, err := i.load(p)
	return p, data, err
}

func (i *inflation) valuesFile(name string) (map[string]any, error) {
	p, data, err := i.file("valuesFile", name)
	if err != nil {
		return nil, err
	}
	return parseValues(p.String(), data)
}

// ownValues reads the values.yaml of an unpacked chart.
func ownValues(r render.Request) (map[string]any, error) {
	name := path.Join(r.Path, "values.yaml")
	if info, err := fs.Stat(r.Files, r.Path); err != nil || !info.IsDir() {
		return nil, fault.New(fault.Invalid, "%s: valuesMerge: merge needs the values of the chart, and it is packed", r.Path).
			Hint("name a valuesFile")
	}
	if _, err := fs.Stat(r.Files, name); err != nil {
		return nil, nil //nolint:nilerr,nilnil // a chart need not have values
	}
	data, err := (&render.Tree{Files: r.Files}).ReadFile(name)
	if err != nil {
		return nil, err
	}
	return parseValues(name, data)
}

func parseValues(name string, data []byte) (map[string]any, error) {
	docs, err := object.ReadDocuments(name, data)
	if err != nil || len(docs) == 0 {
		return map[string]any{}, err
	}
	return docs[0].Fields, nil
}

// over lays values over others: maps are joined, all else is replaced, and a
// null takes the key away.
func over(below, above map[string]any) map[string]any {
	out := maps.Clone(below)
	if out == nil {
		out = map[string]any{}
	}
	for key, value := range above {
		more, isMap := value.(map[string]any)
		old, both := out[key].(map[string]any)
		switch {
		case value == nil:
			delete(out, key)
		case isMap && both:
			out[key] = over(old, more)
		case isMap:
			out[key] = over(nil, more)
		default:
			out[key] = value
		}
	}
	return out
}

// jsonMap gives a map the types of a file that was read.
func jsonMap(m map[string]any) (map[string]any, error) {
	if len(m) == 0 {
		return nil, nil //nolint:nilnil // no values are none
	}
	data, err := sigsyaml.Marshal(m)
	if err != nil {
		return nil, err
	}
	return parseValues("valuesInline", data)
}
