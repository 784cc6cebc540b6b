package krm

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/render"
)

// The ResourceList of the specification, and the annotation by which an object
// is known again after a program read and wrote it.
const (
	listVersion  = "config.kubernetes.io/v1"
	listKind     = "ResourceList"
	idAnnotation = "config.k8s.io/id"
)

// maxItems bounds what a function may give, maxListed the lines of an error.
const (
	maxItems  = 100_000
	maxListed = 20
)

// output is what a function wrote, before it is judged.
type output struct {
	objects []*object.Object
	from    []int
	results []any
}

// encode writes the ResourceList for a program.
func encode(f *Function, objects []*object.Object) ([]byte, error) {
	items := make([]any, len(objects))
	for i, o := range objects {
		o = o.Copy()
		o.SetAnnotation(idAnnotation, strconv.Itoa(i))
		items[i] = o.Fields
	}
	list := &object.Object{Fields: map[string]any{
		"apiVersion": listVersion, "kind": listKind, "items": items, "functionConfig": f.Config.Fields,
	}}
	var buf bytes.Buffer
	if err := object.WriteYAML(&buf, []*object.Object{list}); err != nil {
		return nil, fmt.Errorf("%s: write its input: %w", f.title(), err)
	}
	return buf.Bytes(), nil
}

// decode reads what a program wrote: a ResourceList, or bare objects as some
// older functions give them.
func decode(f *Function, data []byte, before []*object.Object) (output, error) {
	docs, err := object.ReadDocuments("output of "+f.title(), data)
	if err != nil {
		return output{}, err
	}
	var items []any
	var out output
	for _, d := range docs {
		if kind, _ := d.Fields["kind"].(string); kind != listKind && kind != "List" {
			items = append(items, d.Fields)
			continue
		}
		list, _ := d.Fields["items"].([]any)
		items = append(items, list...)
		results, _ := d.Fields["results"].([]any)
		out.results = append(out.results, results...)
	}
	for i, item := range items {
		o, err := f.item(i, item)
		if err != nil {
			return output{}, err
		}
		var origin *object.Object
		from := -1
		if n, err := strconv.Atoi(o.Annotation(idAnnotation)); err == nil && n >= 0 && n < len(before) {
			from, origin = n, before[n]
		}
		dropAnnotation(o, idAnnotation)
		out.objects, out.from = append(out.objects, render.Settle(o, origin)), append(out.from, from)
	}
	return out, nil
}

// item makes an object of an item of a list.
func (f *Function) item(i int, item any) (*object.Object, error) {
	fields, ok := item.(map[string]any)
	if !ok {
		return nil, fault.New(fault.Invalid, "%s gave item %d, which is not an object", f.title(), i+1)
	}
	o := &object.Object{Fields: fields, Source: f.Config.Source}
	if o.GVK().Kind == "" || fields["apiVersion"] == nil {
		return nil, fault.New(fault.Invalid, "%s gave item %d without apiVersion or kind", f.title(), i+1).
			Hint("every item of resource_list needs apiVersion, kind and metadata.name")
	}
	return o, nil
}

// dropAnnotation takes an annotation off, and the map with it when it was the
// only one.
func dropAnnotation(o *object.Object, key string) {
	annotations, _ := o.Meta()["annotations"].(map[string]any)
	if _, ok := annotations[key]; !ok {
		return
	}
	delete(annotations, key)
	if len(annotations) == 0 {
		delete(o.Meta(), "annotations")
	}
}

// result judges an output: results of severity error, or of none, are a fault.
func (out output) result(f *Function) (Result, error) {
	if len(out.objects) > maxItems {
		return Result{}, fault.New(fault.Invalid, "%s gave more than %d objects", f.title(), maxItems)
	}
	var errors, warnings []string
	for _, r := range out.results {
		text, severity := describe(r)
		switch severity {
		case "info", "warning":
			warnings = append(warnings, f.title()+": "+text)
		default:
			errors = append(errors, text)
		}
	}
	if len(errors) > 0 {
		shown := errors[:min(len(errors), maxListed)]
		if len(errors) > maxListed {
			shown = append(shown[:maxListed:maxListed], fmt.Sprintf("and %d more", len(errors)-maxListed))
		}
		return Result{}, fault.New(fault.Invalid, "%s: %s", f.title(), strings.Join(shown, "\n"))
	}
	return Result{Objects: out.objects, From: out.from, Warnings: warnings}, nil
}

// describe puts a result of a function on one line: what, where, which value.
func describe(result any) (text, severity string) {
	m, ok := result.(map[string]any)
	if !ok {
		return fmt.Sprint(result), ""
	}
	severity = textOf(m, "severity")
	text = strings.TrimSpace(textOf(m, "message"))
	if text == "" {
		text = "no message"
	}
	if ref := mapOf(m, "resourceRef"); ref != nil {
		name := textOf(ref, "name")
		if ns := textOf(ref, "namespace"); ns != "" {
			name = ns + "/" + name
		}
		text = fmt.Sprintf("%s %s: %s", textOf(ref, "kind"), name, text)
	}
	if field := mapOf(m, "field"); field != nil {
		text += fmt.Sprintf(" (%s", textOf(field, "path"))
		if v, has := field["proposedValue"]; has {
			text += fmt.Sprintf(", should be %v", v)
		}
		text += ")"
	}
	if file := mapOf(m, "file"); file != nil {
		text = textOf(file, "path") + ": " + text
	}
	return text, strings.ToLower(severity)
}

func textOf(m map[string]any, key string) string {
	s, _ := m[key].(string)
	return s
}

func mapOf(m map[string]any, key string) map[string]any {
	below, _ := m[key].(map[string]any)
	return below
}
