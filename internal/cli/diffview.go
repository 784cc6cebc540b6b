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
	if len(r.Apps) == 0 {
		fmt.Fprintf(&b, "nothing differs in %s\n", number(r.Compared(), "app"))
	} else {
		fmt.Fprintf(&b, "%s\n", reach(r))
	}
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

// reach says how far a change reaches: its blast radius.
func reach(r *preview.Report) string {
	verb := "differ"
	if len(r.Apps) == 1 {
		verb = "differs"
	}
	text := fmt.Sprintf("%d of %s %s", len(r.Apps), number(r.Checked, "app"), verb)
	if len(r.Environments) > 0 {
		text += " in " + strings.Join(r.Environments, ", ")
	}
	return text + ": " + countsText(r.Total)
}

func countsText(c preview.Counts) string {
	var parts []string
	for _, p := range []struct {
		n    int
		word string
	}{{c.Deleted, "deleted"}, {c.Changed, "changed"}, {c.Created, "new"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.word))
		}
	}
	if len(parts) == 0 {
		return "no objects"
	}
	return strings.Join(parts, ", ")
}

func number(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

func writeDiffApp(b *strings.Builder, s style, a preview.App, summary bool) {
	title := a.App
	if a.Env != "" {
		title += "/" + a.Env
	}
	switch a.Status {
	case preview.Added:
		title += " (new app)"
	case preview.Removed:
		title += " (app removed)"
	}
	fmt.Fprintf(b, "%s  %s\n", s.head(title), s.dim(countsText(a.Counts)))
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
