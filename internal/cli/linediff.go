package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tugops/tug/internal/textmerge"
)

// diffContext is how many lines are shown around a change.
const diffContext = 2

// writeLineDiff shows which lines of a file change, with a few lines around
// them.
func writeLineDiff(b *strings.Builder, name string, before, after []byte) {
	old, now := slices.Collect(strings.Lines(string(before))), slices.Collect(strings.Lines(string(after)))
	from := name
	if before == nil {
		from = "/dev/null"
	}
	fmt.Fprintf(b, "--- %s\n+++ %s\n", from, name)
	chunks := textmerge.Chunks(old, now, old)
	for i, c := range chunks {
		if c.Kind == textmerge.Same {
			writeAround(b, old[c.Origin.From:c.Origin.To], i == 0, i == len(chunks)-1)
			continue
		}
		writeMarked(b, "-", old[c.Origin.From:c.Origin.To])
		writeMarked(b, "+", now[c.Our.From:c.Our.To])
	}
}

// writeAround shows the ends of an unchanged stretch that touch changes.
func writeAround(b *strings.Builder, lines []string, first, last bool) {
	head, tail := diffContext, diffContext
	if first {
		head = 0
	}
	if last {
		tail = 0
	}
	if len(lines) <= head+tail {
		writeMarked(b, " ", lines)
		return
	}
	writeMarked(b, " ", lines[:head])
	b.WriteString("@@\n")
	writeMarked(b, " ", lines[len(lines)-tail:])
}

func writeMarked(b *strings.Builder, mark string, lines []string) {
	for _, l := range lines {
		b.WriteString(mark + strings.TrimSuffix(l, "\n") + "\n")
	}
}
