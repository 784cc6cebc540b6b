package cli

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/tugops/tug/internal/forge"
	"github.com/tugops/tug/internal/promote"
)

// promoted is what became of one group.
type promoted struct {
	*writing
	repository string
	result     promote.Result
	pull       forge.PullRequest
	open       bool
}

// promotedJSON is one intent in JSON output.
type promotedJSON struct {
	promote.Done
	Repository  string           `json:"repository"`
	Branch      string           `json:"branch"`
	Base        string           `json:"base"`
	Pushed      bool             `json:"pushed"`
	PullRequest *pullRequestJSON `json:"pullRequest,omitempty"`
	Diff        string           `json:"diff,omitempty"`
}

type pullRequestJSON struct {
	Number int    `json:"number"`
	URL    string `json:"url"`
}

// report shows what became of all groups.
func (p *promotion) report(results []promoted) error {
	for _, r := range results {
		for _, d := range r.result.Outcomes {
			for _, w := range d.Warnings {
				p.env.warn(d.Intent.Subject() + ": " + w)
			}
		}
	}
	if p.env.Global.JSON() {
		list := []promotedJSON{}
		for _, r := range results {
			list = append(list, p.json(r)...)
		}
		return p.env.writeJSON("", list)
	}
	var b strings.Builder
	for _, r := range results {
		p.human(&b, r)
	}
	return p.env.write("", []byte(b.String()))
}

func (p *promotion) json(r promoted) []promotedJSON {
	var list []promotedJSON
	for i, d := range r.result.Outcomes {
		j := promotedJSON{
			Done: d, Repository: r.repository, Branch: r.result.Branch, Base: r.result.Base, Pushed: !p.o.dryRun && r.result.Changed() && d.Action == promote.Promoted,
		}
		if r.open {
			j.PullRequest = &pullRequestJSON{r.pull.Number, r.pull.URL}
		}
		if p.o.dryRun {
			if j.Commit = ""; i == 0 {
				j.Diff = r.diff()
			}
		}
		list = append(list, j)
	}
	return list
}

func (p *promotion) human(b *strings.Builder, r promoted) {
	st := p.env.style(p.env.OutTTY)
	for _, d := range r.result.Outcomes {
		subject := st.head(d.Intent.Subject())
		switch d.Action {
		case promote.Promoted:
			fmt.Fprintf(b, "%s: %s%s\n", subject, d.Moved(), p.where(r, d))
			for _, c := range d.Changes {
				fmt.Fprintf(b, "  %s\n", c)
			}
		case promote.Superseded:
			fmt.Fprintf(b, "%s: %s, %s\n", subject, st.note(string(d.Action)), d.Why)
		default:
			fmt.Fprintf(b, "%s: %s, %s\n", subject, d.Action, d.Why)
		}
	}
	if r.writing.pull != "" {
		p.pullLine(b, r)
	}
	if p.o.dryRun {
		b.WriteString(r.diff())
	}
}

// where says which commit has it.
func (p *promotion) where(r promoted, d promote.Done) string {
	switch {
	case p.o.dryRun && r.writing.pull != "":
		return ", would be in a pull request into " + r.result.Base
	case p.o.dryRun:
		return ", would be committed to " + r.result.Branch
	}
	return ", commit " + d.Commit[:min(12, len(d.Commit))] + " on " + r.result.Branch
}

// pullLine says where the pull request is.
func (p *promotion) pullLine(b *strings.Builder, r promoted) {
	switch {
	case p.o.dryRun:
	case r.open:
		fmt.Fprintf(b, "pull request %s\n", r.pull.URL)
	case r.result.Deleted:
		fmt.Fprintf(b, "nothing is left in %s: the branch and its pull request are closed\n", r.result.Branch)
	}
	if r.result.Foreign && !p.o.dryRun {
		fmt.Fprintf(b, "branch %s has commits of others, which stay: tug adds to them\n", r.result.Branch)
	}
}

// diff is the difference of the files that change.
func (r promoted) diff() string {
	files := map[string]bool{}
	for _, o := range r.result.All() {
		for name := range o.Files {
			files[name] = true
		}
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(files)) {
		before, _ := fs.ReadFile(r.result.Old, name)
		after, _ := fs.ReadFile(r.result.New, name)
		writeLineDiff(&b, name, before, after)
	}
	return b.String()
}
