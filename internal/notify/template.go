package notify

import (
	"regexp"
	"slices"
	"strings"

	"github.com/tugops/tug/internal/event"
)

// Template is how a kind of fact is worded. Placeholders are {{.name}}; a line
// of Text whose placeholders are all empty is left out. There is nothing else:
// no loops, no conditions, so that no template of a repository can run long.
type Template struct {
	Title, Text string
	// NoRows leaves out the rows below the text.
	NoRows bool
}

// Templates are worded by kind; "default" stands for all others.
type Templates map[string]Template

// DefaultTemplate is the key of the template for all other kinds.
const DefaultTemplate = "default"

var placeholderExp = regexp.MustCompile(`\{\{\s*\.([A-Za-z]*)\s*\}\}`)

// Placeholders are the names that a template may use, sorted.
func Placeholders() []string {
	var names []string
	for name := range placeholders(event.Fact{}) {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// fill puts values in place of names, line by line.
func fill(text string, values map[string]string) string {
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		filled, names, empty := line, 0, 0
		filled = placeholderExp.ReplaceAllStringFunc(line, func(found string) string {
			value := values[placeholderExp.FindStringSubmatch(found)[1]]
			names++
			if value == "" {
				empty++
			}
			return value
		})
		if names > 0 && names == empty {
			continue
		}
		lines = append(lines, filled)
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

// of is the template for a kind.
func (t Templates) of(k event.Kind) (Template, bool) {
	if found, ok := t[string(k)]; ok {
		return found, true
	}
	found, ok := t[DefaultTemplate]
	return found, ok
}
