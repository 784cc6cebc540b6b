package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/tugops/tug/internal/check"
	checked "github.com/tugops/tug/internal/check/problem"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/forge"
	"github.com/tugops/tug/internal/preview"
)

// posted is what --post and --report add to the JSON form of a diff.
type posted struct {
	*preview.Report
	Findings []preview.Finding `json:"findings,omitempty"`
	// Comment is the address of the comment; Changed is false when it said the
	// same before. Cut says that the report did not fit.
	Comment string `json:"comment,omitempty"`
	Changed bool   `json:"changed,omitempty"`
	Cut     bool   `json:"cut,omitempty"`
}

// runPreview compares two revisions, checks the head and tells the pull request.
// When it cannot compare, the status says so: silence would read as consent.
func runPreview(ctx context.Context, env *Env, o diffOptions) error {
	d, err := env.openDiff(o)
	if err != nil {
		return err
	}
	var to *poster
	if o.post {
		if to, err = env.openPost(ctx, o, d); err != nil {
			return err
		}
	}
	c, failing, err := o.preview(ctx, env, d)
	if err != nil {
		if to != nil {
			err = errors.Join(err, to.status(context.WithoutCancel(ctx), forge.Errored, "no preview: "+env.sensitive.Mask(err.Error()), ""))
		}
		return err
	}
	out := posted{Report: c.Report, Findings: c.Findings}
	if o.report != "" {
		whole, _ := c.Markdown(wholeReport)
		if err := replaceFile(o.report, []byte(env.sensitive.Mask(whole))); err != nil {
			return err
		}
	}
	if to != nil {
		state := forge.Success
		if failing > 0 || len(c.Report.Failures) > 0 {
			state = forge.Failure
		}
		comment, cut, err := to.write(ctx, c, state)
		if err != nil {
			return err
		}
		out.Comment, out.Changed, out.Cut = comment.URL, comment.Changed, cut
	}
	if err := o.showPosted(env, out); err != nil {
		return err
	}
	if failing > 0 && len(c.Report.Failures) == 0 {
		return fault.New(fault.Findings, "%s", plural(failing, "finding")+" to mend").Hint("\"tug check\" shows each with its fix")
	}
	return diffOutcome(c.Report, o.exitCode)
}

// wholeReport is more than any report has, in characters.
const wholeReport = 1 << 30

// preview compares and checks; failing is how many findings fail the checks.
func (o *diffOptions) preview(ctx context.Context, env *Env, d *diff) (c preview.Comment, failing int, err error) {
	c.Full, c.Base, c.Head = o.report, d.base.short(), d.head.short()
	if c.Report, err = d.compare(ctx); err != nil || o.noCheck {
		return c, 0, err
	}
	look := checkOptions{input: o.input}
	look.Rev = o.head
	in, src, err := look.read(env)
	if err != nil {
		return c, 0, err
	}
	r, err := look.look(ctx, env, src, in)
	if err != nil {
		return c, 0, err
	}
	c.Checked = true
	for i := range r.Findings {
		f := &r.Findings[i]
		if in.Config.FailOn.Fails(f.Severity) {
			failing++
		}
		if f.Severity != checked.Info && f.Rule != check.RuleRender { // failures are listed with the diff
			c.Findings = append(c.Findings, findingOf(f))
		}
	}
	preview.SortFindings(c.Findings)
	return c, failing, nil
}

func findingOf(f *check.Finding) preview.Finding {
	out := preview.Finding{Severity: string(f.Severity), Rule: f.Rule, Place: f.File, Message: f.Message}
	if f.Line > 0 {
		out.Place += ":" + strconv.Itoa(f.Line)
	}
	return out
}

func (o *diffOptions) showPosted(env *Env, p posted) error {
	if env.Global.JSON() {
		return env.writeJSON(o.out, p)
	}
	if err := o.show(env, p.Report); err != nil {
		return err
	}
	text := ""
	switch {
	case p.Comment != "" && p.Changed:
		text = "comment written: " + p.Comment + "\n"
	case p.Comment != "":
		text = "the comment says the same already: " + p.Comment + "\n"
	}
	if p.Cut && o.report == "" {
		text += "it was cut to what the forge takes; --report FILE has all of it\n"
	}
	_, err := fmt.Fprint(env.Stderr, text)
	return err
}
