package helm

import (
	"fmt"
	"slices"
	"strings"

	chart "helm.sh/helm/v4/pkg/chart/v2"

	"github.com/tugops/tug/internal/render"
)

func (s *source) warn(format string, args ...any) {
	s.warnings = append(s.warnings, fmt.Sprintf(format, args...))
}

// allWarnings adds what only the finished run knows.
func (r *run) allWarnings() []string {
	if r.random.lookups > 0 {
		files := r.templatesNaming("lookup")
		r.warn("lookup finds nothing, since a render never reads a cluster (%s)", strings.Join(files, ", "))
	}
	return r.warnings
}

// randomUse lists the random functions that were called.
func (r *run) randomUse() []render.RandomUse {
	var uses []render.RandomUse
	for name, n := range r.random.used {
		uses = append(uses, render.RandomUse{Function: name, Calls: n, Templates: r.templatesNaming(name)})
	}
	slices.SortFunc(uses, func(a, b render.RandomUse) int { return strings.Compare(a.Function, b.Function) })
	return uses
}

// templatesNaming gives the templates whose text has a word. The engine does
// not tell functions which template calls them, so this is the best there is;
// a name in a comment counts too.
func (r *run) templatesNaming(word string) []string {
	var files []string
	var visit func(c *chart.Chart)
	visit = func(c *chart.Chart) {
		for _, t := range c.Templates {
			if hasWord(string(t.Data), word) {
				files = append(files, r.origin[t])
			}
		}
		for _, d := range c.Dependencies() {
			visit(d)
		}
	}
	visit(r.chart)
	slices.Sort(files)
	return slices.Compact(files)
}

func hasWord(text, word string) bool {
	for {
		i := strings.Index(text, word)
		if i < 0 {
			return false
		}
		before := i == 0 || !wordByte(text[i-1])
		after := i+len(word) == len(text) || !wordByte(text[i+len(word)])
		if before && after {
			return true
		}
		text = text[i+len(word):]
	}
}

func wordByte(b byte) bool {
	return b == '_' || b == '.' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
}
