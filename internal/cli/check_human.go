package cli

import (
	"fmt"
	"strings"

	"github.com/tugops/tug/internal/check"
	checked "github.com/tugops/tug/internal/check/problem"
)

// findingsText shows findings grouped by file, each with its fix, and a line
// that sums up.
func findingsText(st style, r *check.Result, info bool) string {
	var b strings.Builder
	file, shown := "", 0
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.Severity == checked.Info && !info {
			continue
		}
		if f.File != file || shown == 0 {
			if shown > 0 {
				b.WriteByte('\n')
			}
			file = f.File
			b.WriteString(st.head(orText(file, "(no file)")) + "\n")
		}
		shown++
		writeFinding(&b, st, f)
	}
	if shown > 0 {
		b.WriteByte('\n')
	}
	b.WriteString(findingsLine(r, info) + "\n")
	return b.String()
}

func orText(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

func writeFinding(b *strings.Builder, st style, f *check.Finding) {
	line := "-"
	if f.Line > 0 {
		line = fmt.Sprint(f.Line)
	}
	fmt.Fprintf(b, "  %4s  %s  %s\n", line, paintSeverity(st, f.Severity), f.Message)
	const indent = "        "
	about := f.Rule
	if subject := f.Subject(); subject != "" {
		about += "  " + subject
	}
	if f.Path != "" {
		about += "  " + f.Path
	}
	fmt.Fprintf(b, "%s%s\n", indent, st.dim(about))
	if f.Hint != "" {
		fmt.Fprintf(b, "%s%s %s\n", indent, st.note("hint:"), f.Hint)
	}
	if f.Fix != "" {
		fmt.Fprintf(b, "%s%s %s\n", indent, st.note("fix:"), f.Fix)
	}
}

func paintSeverity(st style, s checked.Severity) string {
	text := fmt.Sprintf("%-7s", s)
	switch s {
	case checked.Error:
		return st.bad(text)
	case checked.Warning:
		return st.note(text)
	}
	return st.dim(text)
}

// findingsLine sums up.
func findingsLine(r *check.Result, info bool) string {
	what := fmt.Sprintf("%s with %s", plural(r.Apps, "app"), plural(r.Objects, "object"))
	errors, warnings, notes := r.Count("error"), r.Count("warning"), r.Count("info")
	var text string
	if errors+warnings+notes == 0 {
		text = "no findings in " + what
	} else {
		text = fmt.Sprintf("%s, %s, %s in %s", plural(errors, "error"), plural(warnings, "warning"), plural(notes, "note"), what)
	}
	if notes > 0 && !info {
		text += " (--info shows the notes)"
	}
	if r.Known > 0 {
		text += fmt.Sprintf("; %d more in the baseline", r.Known)
	}
	if r.Excepted > 0 {
		text += fmt.Sprintf("; %d left out by exceptions and comments", r.Excepted)
	}
	return text
}

// plural is a number with its word: "1 app", "2 apps".
func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
