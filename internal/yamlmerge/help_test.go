package yamlmerge_test

import (
	"slices"
	"strings"
)

func count(text, part string) int { return strings.Count(text, part) }

func replace(text, old, with string) string { return strings.Replace(text, old, with, 1) }

// sorted makes text comparable whose lines may stand in any order.
func sorted(text string) string {
	lines := strings.Split(text, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
