package promote

import (
	"fmt"
	"strings"

	"github.com/tugops/tug/internal/git"
)

// maxRows bounds the tables of a body, which forges cut at some length.
const maxRows = 100

// body is the text of a pull request: what it moves, what changes, and what it
// took the place of.
func body(r Result) string {
	var b strings.Builder
	b.WriteString("| app | from | to | built from |\n|---|---|---|---|\n")
	all := r.All()
	for i, o := range all {
		if i == maxRows {
			fmt.Fprintf(&b, "| and %d more | | | |\n", len(all)-maxRows)
			break
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", cell(o.Intent.Subject()), code(o.Was), code(o.Intent.what()), built(o.Intent.Source))
	}
	b.WriteString("\n")
	rows := 0
	for _, o := range all {
		for _, c := range o.Changes {
			if rows++; rows <= maxRows {
				fmt.Fprintf(&b, "- %s %s: %s → %s\n", code(c.File), cell(c.What), code(c.From), code(c.To))
			}
		}
		for _, w := range o.Warnings {
			fmt.Fprintf(&b, "- ⚠ %s\n", cell(w))
		}
	}
	if rows > maxRows {
		fmt.Fprintf(&b, "- and %d more\n", rows-maxRows)
	}
	if n := len(r.Superseded); n > 0 {
		shown := r.Superseded[max(0, n-maxRows):]
		b.WriteString("\nSuperseded before they were merged:\n\n")
		for _, s := range shown {
			fmt.Fprintf(&b, "- ~~%s~~\n", cell(s))
		}
	}
	b.WriteString("\ntug writes this branch anew for every newer build, and leaves it alone once somebody else commits to it. The text is tug's as well.\n")
	return b.String()
}

// cell is text that means nothing to Markdown.
func cell(text string) string {
	return strings.NewReplacer("|", "\\|", "<", "&lt;", "\n", " ", "\r", " ", "`", "'", "[", "\\[", "@", "&#64;", "*", "\\*", "_", "\\_").Replace(text)
}

func code(text string) string {
	if text == "" {
		return ""
	}
	return "`" + strings.NewReplacer("`", "'", "\n", " ", "\r", " ", "|", "\\|").Replace(text) + "`"
}

func built(s Source) string {
	commit := s.Commit[:min(12, len(s.Commit))]
	if s.Repository == "" {
		return code(commit)
	}
	return strings.TrimSpace(code(git.WithoutCredentials(s.Repository)) + " " + code(commit))
}
