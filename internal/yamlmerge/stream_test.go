package yamlmerge_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/yamlmerge"
)

func TestMark(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, text, want string }{
		{
			"both marks", "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web # kpt-set: ${name}\nspec: {}\n",
			"apiVersion: apps/v1\nkind: Deployment\nmetadata: # kpt-merge: /web\n  name: web # kpt-set: ${name}\n  annotations:\n    internal.kpt.dev/upstream-identifier: apps|Deployment|default|web\nspec: {}\n",
		},
		{
			"marked before, by kpt", "apiVersion: v1\nkind: Service\nmetadata: # kpt-merge: a/web\n  name: mine\n  annotations:\n    x: y # kpt-set: ${y}\n",
			"apiVersion: v1\nkind: Service\nmetadata: # kpt-merge: a/web\n  name: mine\n  annotations:\n    x: y # kpt-set: ${y}\n    internal.kpt.dev/upstream-identifier: '|Service|a|web'\n",
		},
		{"flow style stays", "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n", "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n"},
		{"no resource", "a: b\n", "a: b\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := yamlmerge.Mark([]byte(tc.text))
			if diff := cmp.Diff(tc.want, string(got)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if again := yamlmerge.Mark(got); string(again) != string(got) {
				t.Errorf("marked twice:\n%s", again)
			}
		})
	}
}

func TestResources(t *testing.T) {
	t.Parallel()
	file := "# licence\n---\napiVersion: v1\nkind: A\nmetadata:\n  name: x\n  namespace: n\n--- # b\napiVersion: g/v1\nkind: B\nmetadata: # kpt-merge: old/y\n  name: z\n---\n"
	list, tail, ok := yamlmerge.Resources([]byte(file))
	if !ok || len(list) != 2 || string(tail) != "---\n" {
		t.Fatalf("%v %q %v", list, tail, ok)
	}
	if diff := cmp.Diff([]yamlmerge.ID{{Kind: "A", Namespace: "n", Name: "x"}, {Group: "g", Kind: "B", Namespace: "old", Name: "y"}}, []yamlmerge.ID{list[0].ID, list[1].ID}); diff != "" {
		t.Error(diff)
	}
	if list[1].Line != 8 {
		t.Errorf("line %d", list[1].Line)
	}
	if got := yamlmerge.Join([][]byte{list[0].Text, list[1].Text}, tail); string(got) != file {
		t.Errorf("joined %q", got)
	}
	for _, other := range []string{"", "# nothing\n", "a: b\n", "{{ if }}\napiVersion: v1\n{{ end }}\n", "apiVersion: v1\nkind: A\n---\n- x\n"} {
		if _, _, ok := yamlmerge.Resources([]byte(other)); ok {
			t.Errorf("%q is taken for resources", other)
		}
	}
}

func TestDrop(t *testing.T) {
	t.Parallel()
	got := yamlmerge.Drop([]byte("a: 1\n# about b\nb:\n  c: 2\nd: 3 # d\n"), "b", "x")
	if string(got) != "a: 1\nd: 3 # d\n" {
		t.Errorf("%q", got)
	}
}
