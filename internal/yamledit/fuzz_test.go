package yamledit_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/tugops/tug/internal/yamledit"
)

// FuzzSet: whatever the text is, an edit is refused or changes the data at its
// path and nowhere else.
func FuzzSet(f *testing.F) {
	for _, text := range []string{
		"a: v1 # c\n", "a: {b: 1, c: [x, \"y\"]}", "- a\n- b: c\n", "a: &x v\nb: *x\n", "a: |\n  x\nb: 'q'\r\n", "\ufeffé: x", "a:\n---\nb: 1\n...\n", "? a\n: b\n", "a: !t x\n", "{\"a\": \"b\"}",
	} {
		for _, path := range []string{"a", "a.b", "[0]", "x[name=y].z"} {
			f.Add(text, path, "v2")
		}
	}
	f.Fuzz(func(t *testing.T, text, path, value string) {
		p, err := yamledit.ParsePath(path)
		if err != nil || len(text) > 4096 {
			return
		}
		out, err := yamledit.Set("f", []byte(text), yamledit.Edit{Path: p, Value: yamledit.String(value)})
		if err != nil {
			return
		}
		again, err := yamledit.Set("f", out, yamledit.Edit{Path: p, Value: yamledit.String(value)})
		if err != nil || !bytes.Equal(again, out) {
			t.Fatalf("%q set to %q in %q gives %q, and again %q, %v", path, value, text, out, again, err)
		}
		before, after := scalars(t, text), scalars(t, string(out))
		for at, v := range before {
			if got, ok := after[at]; (!ok || got != v) && !covers(at, p) {
				t.Fatalf("%q set to %q in %q gives %q: %s was %q and is %q", path, value, text, out, at, v, got)
			}
		}
	})
}

// covers reports whether a place in the data is that of a path, or above it: a
// null that becomes a map.
func covers(at string, p yamledit.Path) bool {
	_, at, _ = strings.Cut(at, "/")
	var b strings.Builder
	if at == "" {
		return true
	}
	for _, s := range p {
		if s.Kind == yamledit.Key {
			fmt.Fprintf(&b, ".%q", s.Key)
		} else {
			b.WriteString("[")
			if strings.HasPrefix(at, b.String()) {
				return true // an item: which one is not looked into
			}
			return false
		}
		if at == b.String() {
			return true
		}
	}
	return false
}

// scalars are the values of a stream by their place, as written.
func scalars(t *testing.T, text string) map[string]string {
	t.Helper()
	found := map[string]string{}
	dec := yaml.NewDecoder(strings.NewReader(text))
	for doc := 0; ; doc++ {
		var n yaml.Node
		if dec.Decode(&n) != nil {
			return found
		}
		var walk func(string, *yaml.Node)
		walk = func(at string, n *yaml.Node) {
			switch n.Kind {
			case yaml.MappingNode:
				for i := 0; i+1 < len(n.Content); i += 2 {
					walk(fmt.Sprintf("%s.%q", at, n.Content[i].Value), n.Content[i+1])
				}
			case yaml.SequenceNode:
				for i, c := range n.Content {
					walk(fmt.Sprintf("%s[%d]", at, i), c)
				}
			default:
				found[at] = n.ShortTag() + n.Value
			}
		}
		walk(fmt.Sprintf("%d/", doc), n.Content[0])
	}
}
