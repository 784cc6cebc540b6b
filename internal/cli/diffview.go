package cli

import (
	"fmt"
	"strings"

	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/plan"
	"github.com/tugops/tug/internal/preview"
)

// diffText shows a diff to a person: how far it reaches, then the apps, the
// riskiest first.
func diffText(s style, r *preview.Report, summary bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", s.head(r.Base+" → "+r.Head))
	fmt.Fprintf(&b, "%s\n", r.Reach())
	for _, env := range r.Elsewhere {
		fmt.Fprintf(&b, "%s\n", s.note("not compared: environment "+env+" is rendered from a branch or repository of its own"))
	}
	for _, a := range r.Apps {
		b.WriteString("\n")
		writeDiffApp(&b, s, a, summary)
	}
	for _, f := range r.Failures {
		fmt.Fprintf(&b, "\n%s at %s\n  %s\n", s.bad("cannot be rendered"), f.Revision, strings.ReplaceAll(f.Error, "\n", "\n  "))
		for _, h := range f.Hints {
			fmt.Fprintf(&b, "  hint: %s\n", h)
		}
	}
	return b.String()
}

func writeDiffApp(b *strings.Builder, s style, a preview.App, summary bool) {
	title := a.Title()
	switch a.Status {
	case preview.Added:
		title += " (new app)"
	case preview.Removed:
		title += " (app removed)"
	}
	fmt.Fprintf(b, "%s  %s\n", s.head(title), s.dim(a.Counts.String()))
	for _, r := range a.Risks {
		fmt.Fprintf(b, "  %s %s\n", s.bad("!"), r.Text+refsText(r.Refs))
	}
	for _, w := range a.Warnings {
		fmt.Fprintf(b, "  %s %s\n", s.note("new warning:"), w)
	}
	if summary {
		return
	}
	for _, c := range a.Changes {
		writeChange(b, s, c)
		if c.Action != plan.Update && c.Source.File != "" {
			fmt.Fprintf(b, "      %s\n", s.dim(c.Source.String()))
		}
	}
}

// maxRefs is how many objects a line of a diff names.
const maxRefs = 5

func refsText(refs []object.Ref) string {
	if len(refs) == 0 {
		return ""
	}
	names := make([]string, 0, maxRefs)
	for i, ref := range refs {
		if i == maxRefs {
			names = append(names, fmt.Sprintf("and %d more", len(refs)-maxRefs))
			break
		}
		names = append(names, ref.String())
	}
	return ": " + strings.Join(names, ", ")
}
