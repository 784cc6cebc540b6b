package kustomize

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/object"
)

func TestAnnotate(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ text, want string }{
		"block": {"# a comment\napiVersion: v1\nkind: A\nmetadata:\n  name: a\n", "# a comment\napiVersion: v1\nkind: A\nmetadata:\n  annotations:\n    tug.dev/build-source: '2 f.yaml'\n  name: a\n"},
		"with annotations": {"kind: A\nmetadata:\n  annotations:\n      # why\n      x: y\n  name: a\n",
			"kind: A\nmetadata:\n  annotations:\n      # why\n      tug.dev/build-source: '1 f.yaml'\n      x: y\n  name: a\n"},
		"flow":                  {"{kind: A, metadata: {name: a}}\n", "{kind: A, metadata: {'annotations': {'tug.dev/build-source': '1 f.yaml'}, name: a}}\n"},
		"flow with annotations": {"kind: ä\nmetadata: {annotations: {x: ü}, name: a}\n", "kind: ä\nmetadata: {annotations: {'tug.dev/build-source': '1 f.yaml', x: ü}, name: a}\n"},
		"documents": {"kind: A\nmetadata:\n  name: a\n---\n---\nkind: B\nmetadata:\n  name: b\n",
			"kind: A\nmetadata:\n  annotations:\n    tug.dev/build-source: '1 f.yaml'\n  name: a\n---\n---\nkind: B\nmetadata:\n  annotations:\n    tug.dev/build-source: '6 f.yaml'\n  name: b\n"},
		"list":          {"kind: List\nitems:\n- kind: A\n  metadata: {name: a}\n", "kind: List\nitems:\n- kind: A\n  metadata: {'annotations': {'tug.dev/build-source': '3 f.yaml'}, name: a}\n"},
		"no metadata":   {"a: b\n", "a: b\n"},
		"null":          {"kind: A\nmetadata:\n  annotations:\n  name: a\n", "kind: A\nmetadata:\n  annotations:\n  name: a\n"},
		"an anchor":     {"kind: A\nmetadata: &m\n  name: a\n", "kind: A\nmetadata: &m\n  annotations:\n    tug.dev/build-source: '1 f.yaml'\n  name: a\n"},
		"no YAML":       {"a: b: c\n", "a: b: c\n"},
		"empty":         {"", ""},
		"only comments": {"# nothing\n", "# nothing\n"},
	} {
		if d := cmp.Diff(tc.want, string(annotate("f.yaml", []byte(tc.text), false))); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

// Marks change nothing but the annotations of objects, and come off again.
func FuzzAnnotate(f *testing.F) {
	for _, seed := range []string{
		"kind: A\nmetadata:\n  name: a\n", "{kind: A, metadata: {name: a, annotations: {b: c}}}", "kind: List\nitems: [{metadata: {name: a}}]\n",
		"metadata:\n  ? a\n  : b\n", "metadata: &a\n  name: x\nspec: *a\n", "metadata: !!map {name: a}", "a: |\n  metadata:\n   name: b\nmetadata:\n  name: c\n",
		"metadata:\r\n  name: a\r\n", "metadata:\n  <<: {a: b}\n  name: x\n", "- metadata: {name: a}\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		before, err := object.ReadDocuments("f.yaml", []byte(text))
		if err != nil {
			return
		}
		for _, staged := range []bool{false, true} {
			out := annotate("f.yaml", []byte(text), staged)
			after, err := object.ReadDocuments("f.yaml", out)
			if err != nil {
				t.Fatalf("%v in\n%s", err, out)
			}
			if d := cmp.Diff(fieldsOf(before), fieldsOf(after)); d != "" {
				t.Fatalf("%s\n%s", d, out)
			}
		}
	})
}

// fieldsOf gives documents without marks and without empty annotations.
func fieldsOf(docs []object.Document) []any {
	var list []any
	for _, d := range docs {
		list = append(list, bare(d.Fields))
	}
	return list
}

func bare(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, value := range v {
			value = bare(value)
			if m, ok := value.(map[string]any); key == sourceMark || key == wasMark || key == "annotations" && ok && len(m) == 0 {
				continue
			}
			out[key] = value
		}
		return out
	case []any:
		out := []any{}
		for _, item := range v {
			out = append(out, bare(item))
		}
		return out
	}
	return v
}
