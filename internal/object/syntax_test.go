package object_test

import (
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/tugops/tug/internal/object"
)

func TestSyntaxErrorNamesThePlace(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		in           string
		line, column int
	}{
		"second colon":        {"a: 1\nb:\n  c: d: e\nf: 2\n", 3, 3},
		"open list":           {"a: 1\nb: [x\nc: 2\nd: 3\n", 2, 1},
		"open list at end":    {"a: 1\nb: 2\nc: [x\n", 3, 1},
		"open quote":          {"a: 1\n\n# why\nb: \"x\nc: 2\n", 4, 1},
		"less indented":       {"a:\n  b: 1\n c: 2\nd: 3\n", 3, 2},
		"more indented":       {"a: 1\n   b: 2\n", 2, 4},
		"tab":                 {"a:\n  b: 1\n\tc: 2\n", 3, 1},
		"list in a map":       {"a: 1\n- b\nc: 2\n", 2, 1},
		"in a second text":    {"a: 1\n---\nb: 2\nc: ]\n", 4, 1},
		"after a long list":   {"a: [\n  1,\n  2\n]\nb: }\n", 5, 1},
		"on the first line":   {"a: [x", 1, 1},
		"template left as is": {"a: 1\nb: {{ .x }}y\nc: 3\n", 2, 1},
	} {
		var v any
		err := yaml.NewDecoder(strings.NewReader(tc.in)).Decode(&v)
		for dec := yaml.NewDecoder(strings.NewReader(tc.in)); err == nil; {
			err = dec.Decode(&v)
		}
		line, column, text := object.SyntaxError([]byte(tc.in), err)
		if line != tc.line || column != tc.column || text == "" {
			t.Errorf("%s: %d:%d %q, want %d:%d (the parser says: %v)", name, line, column, text, tc.line, tc.column, err)
		}
	}
}
