package check

import (
	"strings"
	"testing"

	"github.com/tugops/tug/internal/check/problem"
	"github.com/tugops/tug/internal/object"
)

// FuzzSourceLines looks for a field in any text, which may be YAML or a
// template.
func FuzzSourceLines(f *testing.F) {
	f.Add("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: {{ .x }}\n", "spec.containers[0].name")
	f.Add("kind: Pod\nmetadata: {name: p}\nspec: *a\n", "spec.containers[0]")
	f.Add("a: &a [*a]\nkind: Pod\n", "a[0][0]")
	f.Add("{{- range }}\n- kind: Pod\n--- # {{\n", "spec[0][1].a")
	f.Fuzz(func(t *testing.T, text, path string) {
		p := problem.ParsePath(path)
		o := &object.Object{Fields: map[string]any{
			"apiVersion": "v1", "kind": "Pod", "metadata": map[string]any{"name": "p"}, "spec": map[string]any{"containers": []any{map[string]any{"name": "x"}}},
		}, Source: object.Source{File: "t.yaml", Line: 1}}
		file := newSourceFile([]byte(text))
		lines := strings.Count(text, "\n") + 1
		line, depth := file.find(o, p)
		if line < 0 || line > lines || depth > len(p) {
			t.Errorf("line %d of %d, depth %d of %d", line, lines, depth, len(p))
		}
		file.differs(o, p)
		if line, _ := file.findPatch(o, p); line < 0 || line > lines {
			t.Errorf("patch at line %d of %d", line, lines)
		}
	})
}

func TestLikeness(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		text, want string
		fit        int
	}{
		{"web", "web", 3}, {`"web"`, "web", 3}, {"web # note", "web", 3}, {"web", "api", 0},
		{"{{ .Release.Name }}", "web", 1}, {"{{ .Release.Name }}-web", "shop-web", 2}, {"{{ .a }}-x-{{ .b }}", "1-x-2", 2}, {"{{ .a }}-x", "shop-web", 0},
	} {
		if got := likeness(tc.text, tc.want); got != tc.fit {
			t.Errorf("%q for %q: %d, want %d", tc.text, tc.want, got, tc.fit)
		}
	}
}
