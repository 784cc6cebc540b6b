package plan

import (
	"maps"
	"strings"

	"github.com/tugops/tug/internal/object"
)

// replicas is where workloads keep their scale, in the words of managedFields.
var replicas = []string{"f:spec", "f:replicas"}

// autoscaler reports whether an entry is that of a scaler that is no person:
// what it owns stays as it is (cluster-semantics.md 3.5).
func (c *computer) autoscaler(o owner) bool {
	return o.Subresource == "scale" && !c.human(o.Manager)
}

// leftAlone are the fields that autoscalers own.
func (c *computer) leftAlone(before []owner) [][]string {
	var out [][]string
	for _, o := range before {
		if c.autoscaler(o) {
			out = append(out, o.fields.leaves()...)
		}
	}
	return out
}

// leave takes fields out of what is sent and out of the entry it would give.
// Only plain fields can be: scale has no others.
func leave(o *object.Object, is fieldSet, left [][]string) (*object.Object, fieldSet) {
	for _, keys := range left {
		is = is.without(keys)
		o = withoutField(o, keysAsPath(keys))
	}
	return o, is
}

func withoutField(o *object.Object, at path) *object.Object {
	m := o.Fields
	for _, name := range at[:len(at)-1] {
		m, _ = m[name].(map[string]any)
	}
	if _, has := m[at[len(at)-1]]; !has {
		return o
	}
	c := o.Copy()
	m = c.Fields
	for _, name := range at[:len(at)-1] {
		m, _ = m[name].(map[string]any)
	}
	delete(m, at[len(at)-1])
	return c
}

// held reports whether spec.replicas is about to be given up to an autoscaler
// that has not taken it yet: we alone own it and no longer declare it. Leaving
// it out now would reset it to 1 (cluster-semantics.md 4.4).
func (c *computer) held(d *desired, before []owner, was fieldSet) bool {
	if !c.scaled[d.ref] || !was.has(replicas) {
		return false
	}
	spec, _ := d.o.Fields["spec"].(map[string]any)
	if _, declared := spec["replicas"]; declared {
		return false
	}
	for _, o := range before {
		if !o.mine() && o.fields.has(replicas) {
			return false
		}
	}
	return true
}

// hold sends the live value along.
func hold(o, live *object.Object) *object.Object {
	spec, _ := live.Fields["spec"].(map[string]any)
	n, has := spec["replicas"]
	if !has {
		return o
	}
	c := o.Copy()
	m, ok := c.Fields["spec"].(map[string]any)
	if !ok {
		m = map[string]any{}
		c.Fields["spec"] = m
	}
	m["replicas"] = n
	return c
}

// scaleTargets are the objects that the autoscalers of a set scale.
func scaleTargets(list []desired) map[object.Ref]bool {
	out := map[object.Ref]bool{}
	for _, d := range list {
		if d.ref.GroupKind() != hpaKind && !strings.HasPrefix(d.ref.Group, "keda.") {
			continue
		}
		spec, _ := d.o.Fields["spec"].(map[string]any)
		target, _ := spec["scaleTargetRef"].(map[string]any)
		if target == nil {
			continue
		}
		ref := object.Ref{Namespace: d.ref.Namespace}
		ref.Name, _ = target["name"].(string)
		ref.Kind, _ = target["kind"].(string)
		version, _ := target["apiVersion"].(string)
		ref.Group = groupOf(version)
		if ref.Kind == "" { // KEDA's defaults
			ref.Kind = "Deployment"
		}
		if version == "" {
			ref.Group = "apps"
		}
		out[ref] = true
	}
	return out
}

// overlay is live with the fields of o put over it, for servers that make no
// dry run. Items of lists are matched by name where they have one.
func overlay(live, o *object.Object) *object.Object {
	fields, _ := over(live.Fields, o.Fields).(map[string]any)
	return &object.Object{Fields: fields, Source: o.Source, Stable: o.Stable, Hidden: o.Hidden}
}

func over(live, o any) any {
	switch o := o.(type) {
	case map[string]any:
		l, _ := live.(map[string]any)
		out := maps.Clone(l)
		if out == nil {
			out = make(map[string]any, len(o))
		}
		for k, v := range o {
			out[k] = over(l[k], v)
		}
		return out
	case []any:
		return overList(items(live), o)
	}
	return o
}

func overList(live, o []any) []any {
	keys := []string{"name"}
	names, ok := named(live, keys, false)
	wanted, okToo := named(o, keys, false)
	out := make([]any, 0, len(o))
	for i, item := range o {
		var old any
		switch {
		case ok && okToo:
			for j, n := range names {
				if n == wanted[i] {
					old = live[j]
				}
			}
		case i < len(live):
			old = live[i]
		}
		out = append(out, over(old, item))
	}
	return out
}
