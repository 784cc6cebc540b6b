// Package preview says what a change from one revision of a config repository
// to another would do: which apps change where, what is deleted, what restarts.
// It compares rendered objects and needs no cluster.
package preview

import (
	"cmp"
	"slices"

	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/plan"
)

// Report is the difference between two revisions. Its JSON form is API.
type Report struct {
	Base string `json:"base"`
	Head string `json:"head"`
	// Apps are those that differ, the riskiest first.
	Apps []App `json:"apps"`
	// Total counts all objects of Apps.
	Total Counts `json:"total"`
	// Environments are those of Apps, by name; Checked is how many apps were
	// compared, in all environments.
	Environments []string `json:"environments,omitempty"`
	Checked      int      `json:"checked"`
	// Elsewhere are environments that were left out: their files come from
	// another branch or repository.
	Elsewhere []string `json:"elsewhere,omitempty"`
	// Rendered is how many renders it took; the others were known.
	Rendered int `json:"rendered"`
	// Failures are apps that could not be rendered. Nothing is known of what
	// changes in them.
	Failures []Failure `json:"failures,omitempty"`
}

// Status says what happens to an app as a whole.
type Status string

// What can happen to an app.
const (
	Changed Status = "changed"
	Added   Status = "added"   // not in the base
	Removed Status = "removed" // not in the head
)

// App is one app in one environment that differs.
type App struct {
	App       string        `json:"app"`
	Env       string        `json:"env,omitempty"`
	Namespace string        `json:"namespace"`
	Status    Status        `json:"status"`
	Changes   []plan.Change `json:"changes"`
	Counts    Counts        `json:"counts"`
	Risks     []Risk        `json:"risks,omitempty"`
	// Warnings are those that the head has and the base has not.
	Warnings []string `json:"warnings,omitempty"`
}

// Counts are numbers of objects.
type Counts struct {
	Deleted int `json:"deleted"`
	Changed int `json:"changed"`
	Created int `json:"created"`
}

// Failure is an app that could not be rendered at a revision.
type Failure struct {
	App      string `json:"app,omitempty"`
	Env      string `json:"env,omitempty"`
	Revision string `json:"revision"`
	Error    string `json:"error"`
	// Hints are ways out.
	Hints []string `json:"hints,omitempty"`
}

// Side is one app at one revision; nil objects where it does not exist.
type Side struct {
	Exists    bool
	Namespace string
	Objects   []*object.Object
	Warnings  []string
	// Sensitive is what was decrypted for either side; nil when nothing was.
	Sensitive *object.Sensitive
}

// Compare gives how an app differs, and whether it does.
func Compare(app, env string, base, head Side) (App, bool) {
	a := App{App: app, Env: env, Namespace: head.Namespace, Status: Changed}
	switch {
	case !base.Exists && !head.Exists:
		return a, false
	case !base.Exists:
		a.Status = Added
	case !head.Exists:
		a.Status, a.Namespace = Removed, base.Namespace
	}
	a.Changes = plan.Between(a.Namespace, base.Objects, head.Objects, cmp.Or(head.Sensitive, base.Sensitive))
	for _, w := range head.Warnings {
		if !slices.Contains(base.Warnings, w) {
			a.Warnings = append(a.Warnings, w)
		}
	}
	moved := base.Exists && head.Exists && base.Namespace != head.Namespace
	if moved {
		a.Risks = append(a.Risks, Risk{Level: Destroys, Text: "moves from namespace " + base.Namespace + " to " + head.Namespace})
	}
	a.Counts, a.Risks = count(a.Changes), append(a.Risks, risks(a.Changes)...)
	slices.SortStableFunc(a.Risks, func(x, y Risk) int { return cmp.Compare(x.Level.rank(), y.Level.rank()) })
	return a, len(a.Changes) > 0 || a.Status != Changed || moved
}

func count(changes []plan.Change) (c Counts) {
	for _, ch := range changes {
		switch ch.Action {
		case plan.Delete:
			c.Deleted++
		case plan.Create:
			c.Created++
		default:
			c.Changed++
		}
	}
	return c
}

// Compared is how many apps both revisions could be rendered of.
func (r *Report) Compared() int {
	type app struct{ app, env string }
	failed := map[app]bool{}
	for _, f := range r.Failures {
		failed[app{f.App, f.Env}] = true
	}
	return r.Checked - len(failed)
}

// Finish brings the apps of r into order and counts them.
func (r *Report) Finish() {
	slices.SortStableFunc(r.Apps, func(x, y App) int {
		return cmp.Or(cmp.Compare(x.level(), y.level()), cmp.Compare(y.Counts.Deleted, x.Counts.Deleted),
			cmp.Compare(x.Env, y.Env), cmp.Compare(x.App, y.App))
	})
	slices.SortStableFunc(r.Failures, func(x, y Failure) int {
		return cmp.Or(cmp.Compare(x.Env, y.Env), cmp.Compare(x.App, y.App), cmp.Compare(x.Revision, y.Revision))
	})
	r.Total, r.Environments = Counts{}, nil
	for _, a := range r.Apps {
		r.Total.Deleted += a.Counts.Deleted
		r.Total.Changed += a.Counts.Changed
		r.Total.Created += a.Counts.Created
		if a.Env != "" && !slices.Contains(r.Environments, a.Env) {
			r.Environments = append(r.Environments, a.Env)
		}
	}
	slices.Sort(r.Environments)
}

// level is the rank of the worst that happens to an app.
func (a App) level() int {
	if a.Status == Removed {
		return -1
	}
	if len(a.Risks) == 0 {
		return len(levels())
	}
	return a.Risks[0].Level.rank()
}
