package schema

import (
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tugops/tug/internal/check/problem"
	"github.com/tugops/tug/internal/fault"
)

// IDs of the rules of this package.
const (
	RuleUnknownField = "schema-unknown-field"
	RuleType         = "schema-type"
	RuleRequired     = "schema-required"
	RuleValue        = "schema-value"
	RuleDuplicate    = "schema-duplicate"
	RuleCEL          = "crd-rule"
	RuleCRD          = "crd-invalid"
)

// Validate compares an object with the schema of its kind. The kind must be
// one that the version has.
func (v *Version) Validate(fields map[string]any, k schema.GroupVersionKind) ([]problem.Problem, error) {
	kind, ok := v.index.Kinds[keyOf(k)]
	if !ok {
		return nil, nil
	}
	root, err := v.definition(v.contents.index.Names[kind.Definition])
	if err != nil {
		return nil, err
	}
	w := walk{version: v}
	w.value(nil, root, root, fields, true)
	return w.problems, w.err
}

// ValidateMeta compares the metadata of an object of any kind with the schema
// of metadata: the definitions of custom resources say nothing about it.
func (v *Version) ValidateMeta(fields map[string]any) ([]problem.Problem, error) {
	n, err := v.definition("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta")
	if err != nil {
		return nil, err
	}
	w := walk{version: v}
	w.value(problem.Path{"metadata"}, n, n, fields["metadata"], true)
	return w.problems, w.err
}

// walk is one validation.
type walk struct {
	version  *Version
	problems []problem.Problem
	err      error
}

func (w *walk) add(p problem.Problem) { w.problems = append(w.problems, p) }

// value compares v with a schema. outer is the schema before references were
// followed: it may have values of its own. A null counts as nothing, as it does
// for the API server.
func (w *walk) value(at problem.Path, outer, n *node, v any, required bool) {
	if w.err != nil || v == nil {
		return
	}
	if w.special(at, n, v) {
		return
	}
	switch n.Type {
	case "object":
		w.object(at, n, v)
	case "array":
		w.list(at, n, v)
	case "string":
		w.text(at, outer, n, v, required)
	case "integer":
		w.integer(at, n, v)
	case "number":
		if _, ok := number(v); !ok {
			w.add(wrongType(at, "a number", v))
		}
	case "boolean":
		if _, ok := v.(bool); !ok {
			w.add(wrongType(at, "true or false", v))
		}
	}
}

// child validates a value below an object or list.
func (w *walk) child(at problem.Path, outer *node, v any, required bool) {
	if w.err != nil || outer == nil {
		return
	}
	n, err := w.version.resolve(outer)
	if err != nil {
		w.err = err
		return
	}
	w.value(at, outer, n, v, required)
}

func (w *walk) object(at problem.Path, n *node, v any) {
	m, ok := v.(map[string]any)
	if !ok {
		w.add(wrongType(at, "a map", v))
		return
	}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if p := n.Properties[key]; p != nil {
			w.child(at.At(key), p, m[key], slices.Contains(n.Required, key))
			continue
		}
		switch {
		case n.Additional != nil:
			w.child(at.At(key), n.Additional, m[key], true)
		case len(n.Properties) > 0:
			w.unknown(at, n, key)
		}
	}
	for _, key := range n.Required {
		if m[key] == nil && !tolerated(n.name, key) {
			w.add(problem.New(RuleRequired, at.At(key), "%s is missing", last(at.At(key))))
		}
	}
}

// tolerated are fields that the schemas require and the API server does not,
// since a null is as good as an empty list there, or since it fills them in.
// Each was found by comparing with a server (the agreement test).
func tolerated(definition, key string) bool {
	switch definition + "." + key {
	case "io.k8s.api.apps.v1.StatefulSetSpec.serviceName",
		"io.k8s.api.rbac.v1.Role.rules", "io.k8s.api.rbac.v1.ClusterRole.rules":
		return true
	}
	return false
}

func (w *walk) unknown(at problem.Path, n *node, key string) {
	known := slices.Sorted(maps.Keys(n.Properties))
	p := problem.New(RuleUnknownField, at.At(key), "unknown field %q", key)
	if near := fault.Nearest(key, known, 1); len(near) > 0 {
		p = p.WithHint("did you mean %q?", near[0])
	} else if len(known) <= 12 {
		p = p.WithHint("fields here: %s", joined(known))
	}
	w.add(p)
}

func (w *walk) list(at problem.Path, n *node, v any) {
	l, ok := v.([]any)
	if !ok {
		w.add(wrongType(at, "a list", v))
		return
	}
	for i, item := range l {
		if item == nil && n.Items != nil {
			if items, err := w.version.resolve(n.Items); err == nil && items.Type == "object" && len(items.Required) > 0 {
				w.add(problem.New(RuleType, at.At(i), "null where a map is needed").WithHint("remove the empty list item"))
			}
			continue
		}
		w.child(at.At(i), n.Items, item, true)
	}
	switch n.ListType {
	case "map":
		w.mapKeys(at, n, l)
	case "set":
		w.set(at, l)
	}
}
