package project

import (
	"slices"
	"strings"

	"github.com/tugops/tug/internal/fault"
)

// didYouMean is a hint: the nearest candidate, else all of them under the
// given heading.
func didYouMean(word string, candidates []string, heading string) string {
	if n := nearest(word, candidates); n != "" {
		return `did you mean "` + n + `"?`
	}
	if len(candidates) == 0 {
		return ""
	}
	return heading + strings.Join(slices.Sorted(slices.Values(candidates)), ", ")
}

// nearest is the candidate that word was most likely meant to be, or "".
func nearest(word string, candidates []string) string {
	for _, n := range fault.Nearest(word, candidates, 1) {
		return n
	}
	return ""
}
