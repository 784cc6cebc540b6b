package check

import (
	"context"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/tugops/tug/internal/check/problem"
	"github.com/tugops/tug/internal/check/schema"
	"github.com/tugops/tug/internal/object"
)

// checker is one run.
type checker struct {
	in       Input
	store    *schema.Store
	rules    map[string]Rule
	locators map[*Repository]*locator
	// definitions are the problems of CustomResourceDefinitions, by hash.
	definitions map[string][]problem.Problem
	mu          sync.Mutex
	found       []Finding
}

// Run looks at apps and repository and gives the findings that are left after
// exceptions, annotations, comments and baseline, in order of their place. An
// error means that the check itself could not be done.
func Run(ctx context.Context, in Input) (Result, error) {
	c := &checker{in: in, store: schema.NewStore(), rules: map[string]Rule{}, locators: map[*Repository]*locator{}, definitions: map[string][]problem.Problem{}}
	for _, r := range Rules() {
		c.rules[r.ID] = r
	}
	crds := map[*Repository][]*schema.CRD{}
	for i := range in.Apps {
		if r := in.Apps[i].Repository; c.locators[r] == nil {
			c.locators[r] = newLocator(r.Files)
			crds[r] = c.scan(ctx, r)
		}
	}
	envs, err := c.environments(ctx, crds)
	if err != nil {
		return Result{}, err
	}
	if err := c.parallel(ctx, envs); err != nil {
		return Result{}, err
	}
	return c.result(), nil
}

// parallel looks at every app, on all processors.
func (c *checker) parallel(ctx context.Context, envs map[string]*environment) error {
	work := make(chan *App)
	errs := make(chan error, len(c.in.Apps))
	var wait sync.WaitGroup
	done := 0
	for range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for app := range work {
				errs <- c.app(ctx, envs[app.Env], app)
				c.mu.Lock()
				done++
				if c.in.Progress != nil {
					c.in.Progress(done, len(c.in.Apps))
				}
				c.mu.Unlock()
			}
		})
	}
	for i := range c.in.Apps {
		work <- &c.in.Apps[i]
	}
	close(work)
	wait.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// app runs all rules over one app.
func (c *checker) app(ctx context.Context, env *environment, app *App) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if app.Err != nil {
		c.renderFailed(app)
		return nil
	}
	l := &look{checker: c, env: env, app: app, set: env.sets[app.Name]}
	for _, step := range []func(context.Context) error{
		l.schemas, l.scores, l.metadata, l.demands, l.pods, l.services, l.selectors, l.references, l.schedules, l.images, l.randoms,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// look is the look at one app.
type look struct {
	*checker
	env *environment
	app *App
	set *appSet
}

// report adds a problem of an object.
func (l *look) report(o *object.Object, p problem.Problem) {
	if !l.wanted(p.Rule) {
		return
	}
	ref := o.Ref()
	at := l.locators[l.app.Repository].place(l.app.Paths, o, p.Path)
	l.add(l.app.Repository, o, Finding{
		Severity: p.Severity, Rule: p.Rule, File: at.File, Line: at.Line, App: l.app.Name, env: l.app.Env,
		Object: &ref, Path: p.Path.String(), Message: p.Text, Hint: p.Hint, stable: p.Path.Stable(o.Fields),
	})
}

// wanted reports whether a rule was chosen and is not off.
func (c *checker) wanted(id string) bool {
	named := func(list []string) bool {
		return slices.ContainsFunc(list, func(word string) bool { return aliases(word) == id })
	}
	if len(c.in.Only) > 0 && !named(c.in.Only) || named(c.in.Skip) {
		return false
	}
	r := c.rules[id]
	r.Optional = false // who reports has looked at that
	_, on := c.in.Config.severity(r, "")
	return on
}

// add keeps a finding unless its source or object says not to.
func (c *checker) add(r *Repository, o *object.Object, f Finding) {
	severity, on := c.in.Config.severity(Rule{ID: f.Rule, Severity: c.rules[f.Rule].Severity}, f.Severity)
	if !on || !c.wanted(f.Rule) {
		return
	}
	f.Severity = severity
	f.mark()
	silenced := o != nil && ignoredBy(o, f.Rule) || c.locators[r].silenced(f.File, f.Line, f.Rule)
	c.mu.Lock()
	defer c.mu.Unlock()
	if silenced {
		f.Severity = ""
	}
	c.found = append(c.found, f)
}

// AnnotationIgnore lists the rules that do not look at an object.
const AnnotationIgnore = "tug.dev/check-ignore"

func ignoredBy(o *object.Object, rule string) bool {
	return slices.Contains(splitRules(o.Annotation(AnnotationIgnore)), rule)
}

// result sorts out what was found.
func (c *checker) result() Result {
	r := Result{Apps: len(c.in.Apps)}
	for i := range c.in.Apps {
		r.Objects += len(c.in.Apps[i].Objects)
	}
	var left []Finding
	for _, f := range c.found {
		switch {
		case f.Severity == "" || c.excepted(&f):
			r.Excepted++
			continue
		}
		r.Baseline.add(&f)
		if c.in.Baseline.has(&f) {
			r.Known++
			continue
		}
		left = append(left, f)
	}
	r.Baseline.sort()
	left = append(left, c.aboutExceptions()...)
	r.Findings = join(left)
	if r.Findings == nil {
		r.Findings = []Finding{}
	}
	return r
}

func (c *checker) excepted(f *Finding) bool {
	found := false
	for i := range c.in.Config.Exceptions {
		e := &c.in.Config.Exceptions[i]
		if e.matches(f, c.in.Now) {
			e.used, found = true, true
		}
	}
	return found
}

// aboutExceptions reports those that have expired or match nothing any more.
// Whether one is unused can be told only when everything was looked at.
func (c *checker) aboutExceptions() []Finding {
	var found []Finding
	report := func(rule, message, hint string, line int) {
		severity, on := c.in.Config.severity(c.rules[rule], "")
		if !on || !c.wanted(rule) {
			return
		}
		f := Finding{Severity: severity, Rule: rule, File: c.in.Config.source.File, Line: line, Message: message, Hint: hint}
		f.mark()
		found = append(found, f)
	}
	for i := range c.in.Config.Exceptions {
		e := &c.in.Config.Exceptions[i]
		switch {
		case e.expired(c.in.Now):
			report(RuleException, "the exception \""+e.Reason+"\" has expired on "+e.Until.Format("2006-01-02"), "mend what it left out, or agree on a new date", e.line)
		case !e.used && c.in.All && len(c.in.Only)+len(c.in.Skip) == 0:
			report(RuleUnused, "the exception \""+e.Reason+"\" matches nothing", "remove it", e.line)
		}
	}
	return found
}

// names lists keys in order, for hints.
func names[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// some lists the first of many words.
func some(words []string) string {
	const most = 5
	if len(words) > most {
		return strings.Join(words[:most], ", ") + ", …"
	}
	return strings.Join(words, ", ")
}
