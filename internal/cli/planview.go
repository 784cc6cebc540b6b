package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/plan"
)

// imagesPath is the field that records the origins of pinned images.
const imagesPath = `metadata.annotations["` + object.AnnotationImages + `"]`

// writePlan shows a plan to a person: one block per change in order of
// execution, differences by field, then brakes and the summary.
// byName says that it is a delete that somebody asks for by name.
func writePlan(w io.Writer, s style, p *plan.Plan, byName bool) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", s.head(planTitle(p)))
	stage, group := plan.Stage(-1), 0
	for _, c := range p.Changes {
		if c.Action == plan.Reown {
			continue
		}
		if c.Stage != stage || c.Group != group {
			stage, group = c.Stage, c.Group
			fmt.Fprintf(&b, "\n  %s\n", s.dim(stageTitle(c)))
		}
		writeChange(&b, s, c)
	}
	fmt.Fprintf(&b, "\n%s\n", p.Summary())
	if p.Unfinished && p.Empty() {
		b.WriteString(s.note("the last release was not completed: a deploy waits for every object and records that it is") + "\n")
	}
	for _, brake := range p.Brakes {
		title := "needs consent:"
		if byName && brake.Kind != plan.BrakeTenants {
			title = "note:"
		}
		fmt.Fprintf(&b, "%s %s\n", s.bad(title), brake.Reason)
		for _, ref := range brake.Refs {
			fmt.Fprintf(&b, "  %s\n", ref)
		}
	}
	if !p.Empty() {
		fmt.Fprintf(&b, "%s\n", s.dim("plan "+p.Hash))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func planTitle(p *plan.Plan) string {
	title := p.App
	if p.Env != "" {
		title += "/" + p.Env
	}
	title += " in namespace " + p.Namespace
	if p.From != "" {
		title += ", from " + p.From
	}
	return title
}

func writeChange(b *strings.Builder, s style, c plan.Change) {
	mark, name := "~", c.Ref.String()
	paint := s.note
	switch c.Action {
	case plan.Create:
		mark, paint = "+", s.good
	case plan.Delete:
		mark, paint = "-", s.bad
	case plan.Drop:
		mark, paint = "·", s.dim
	case plan.Run:
		mark, paint = ">", s.head
	case plan.Take:
		mark = "<"
	}
	reason, verb := c.Reason, string(c.Action)
	switch c.Action {
	case plan.Create:
		if reason == "new" {
			reason = ""
		}
	case plan.Run:
		reason, verb = "", "run hook"
	}
	if reason != "" {
		reason = "  " + s.dim("("+reason+")")
	}
	fmt.Fprintf(b, "  %s%s\n", paint(mark+" "+verb+" "+name), reason)
	for _, f := range c.Fields {
		// Where an image comes from changes with the image, which is shown.
		if f.Path != imagesPath {
			writeField(b, s, f)
		}
	}
}

func writeField(b *strings.Builder, s style, f plan.Field) {
	from, to := plan.ShortValue(f.From), plan.ShortValue(f.To)
	by := ""
	if f.Manager != "" {
		by = "  " + s.dim("set by "+f.Manager)
	}
	switch {
	case f.From == nil:
		fmt.Fprintf(b, "      %s: %s%s\n", f.Path, s.good(to), by)
	case f.To == nil:
		fmt.Fprintf(b, "      %s: %s → %s%s\n", f.Path, s.bad(from), s.dim("(removed)"), by)
	default:
		fmt.Fprintf(b, "      %s: %s → %s%s\n", f.Path, s.bad(from), s.good(to), by)
	}
}

// stageTitle is the heading over the changes of one stage.
func stageTitle(c plan.Change) string {
	if c.Group == 0 {
		return c.Stage.String()
	}
	return fmt.Sprintf("%s of group %d", c.Stage, c.Group)
}
