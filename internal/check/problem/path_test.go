package problem

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPathText(t *testing.T) {
	t.Parallel()
	for want, p := range map[string]Path{
		"":                                      nil,
		"spec.containers[0].image":              {"spec", "containers", 0, "image"},
		`metadata.annotations["example.com/a"]`: {"metadata", "annotations", "example.com/a"},
		`["a.b"].c`:                             {"a.b", "c"},
	} {
		if got := p.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		if d := cmp.Diff(p, ParsePath(want)); d != "" {
			t.Errorf("%s read back: %s", want, d)
		}
	}
	if d := cmp.Diff(Path{"spec", "hosts", "a.example", 3}, ParsePath("spec.hosts[a.example][3]")); d != "" {
		t.Error(d)
	}
}

func TestGetAndStable(t *testing.T) {
	t.Parallel()
	v := map[string]any{"list": []any{map[string]any{"name": "web", "port": int64(1)}, "x"}}
	if got, ok := (Path{"list", 0, "port"}).Get(v); !ok || got != int64(1) {
		t.Errorf("got %v, %v", got, ok)
	}
	for _, p := range []Path{{"list", 2}, {"list", "a"}, {"none"}, {"list", 1, "a"}} {
		if got, ok := p.Get(v); ok {
			t.Errorf("%s gives %v", p, got)
		}
	}
	if got := (Path{"list", 0, "port"}).Stable(v); got != `list["name=web"].port` {
		t.Errorf("stable path %s", got)
	}
	if got := (Path{"list", 1}).Stable(v); got != "list[1]" {
		t.Errorf("stable path %s", got)
	}
}

func FuzzParsePath(f *testing.F) {
	for _, s := range []string{"a.b[0]", `a["x.y"]`, "[", "[]]", `["`, "..", "a[b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p := ParsePath(s)
		if d := cmp.Diff(p.String(), ParsePath(p.String()).String()); d != "" {
			t.Errorf("%q: %s", s, d)
		}
	})
}
