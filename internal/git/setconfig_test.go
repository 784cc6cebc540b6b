package git

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSetSection(t *testing.T) {
	t.Parallel()
	const core = "[core]\n\tbare = false # no\n"
	options := []Option{{"textconv", `tug "x" \y`}}
	const text = "[diff \"tug\"]\n\ttextconv = \"tug \\\"x\\\" \\\\y\"\n"
	for name, c := range map[string]struct{ in, want string }{
		"empty":       {"", text},
		"added":       {core, core + text},
		"no line end": {core[:len(core)-1], core + text},
		"replaced":    {"[diff \"tug\"]\n\told = 1\n\tmore = 2\n" + core, text + core},
		"twice":       {"[diff \"tug\"]\n\told = 1\n" + core + "[diff \"tug\"]\n\told = 2\n", text + core},
		"others":      {"[diff \"other\"]\n\ta = 1\n", "[diff \"other\"]\n\ta = 1\n" + text},
		"again":       {core + text, core + text},
	} {
		if diff := cmp.Diff(c.want, string(setSection([]byte(c.in), "diff", "tug", options))); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
}
