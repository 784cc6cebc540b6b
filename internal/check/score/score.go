// Package score rates workloads by the checks of kube-score 1.20: the same IDs,
// the same verdicts, the same annotations (kube-score/ignore and
// kube-score/enable). The implementation is tug's own; where kube-score is
// known to be wrong, the check says so and does better.
package score

import (
	"strings"

	"github.com/tugops/tug/internal/check/problem"
	"github.com/tugops/tug/internal/check/workload"
	"github.com/tugops/tug/internal/object"
)

// Grade is the verdict of one check on one object.
type Grade string

// The grades, as kube-score calls them.
const (
	OK       Grade = "OK"
	Warning  Grade = "WARNING"
	Critical Grade = "CRITICAL"
	// Skipped: the check does not apply, or was switched off.
	Skipped Grade = "SKIPPED"
)

// Check describes one check.
type Check struct {
	ID, Target, Title string
	// Optional checks run only where they are switched on.
	Optional bool
	// Refused says that an API server refuses what this check finds.
	Refused bool
	// Mild checks are a matter of taste or of the cluster's set-up.
	Mild bool
}

// Options are thresholds and switches.
type Options struct {
	// MinReplicas of a Deployment behind a Service, and of an autoscaler; 2
	// when zero.
	MinReplicas, MinReplicasAutoscaler int
	// NoCPULimit and NoMemoryLimit do not ask for limits.
	NoCPULimit, NoMemoryLimit bool
	// Minor of Kubernetes 1 that the objects are for.
	Minor int
	// On holds the optional checks to run.
	On map[string]bool
}

// Verdict is what a check says about an object.
type Verdict struct {
	Check    string
	Object   *object.Object
	Grade    Grade
	Problems []problem.Problem // none for OK and Skipped
}

// Run rates the objects of own. What they look for may be anywhere in all.
func Run(own *workload.Set, all *workload.Finder, o Options) []Verdict {
	r := &run{own: own, all: all, set: all.All, options: o.filled(), checks: map[string]Check{}}
	for _, c := range Checks() {
		r.checks[c.ID] = c
	}
	r.pods()
	r.deployments()
	r.statefulSets()
	r.services()
	r.networkPolicies()
	r.ingresses()
	r.cronJobs()
	r.budgets()
	r.autoscalers()
	return r.verdicts
}

func (o Options) filled() Options {
	if o.MinReplicas == 0 {
		o.MinReplicas = 2
	}
	if o.MinReplicasAutoscaler == 0 {
		o.MinReplicasAutoscaler = 2
	}
	return o
}

// run is one use of Run.
type run struct {
	own, set *workload.Set
	all      *workload.Finder
	options  Options
	checks   map[string]Check
	verdicts []Verdict
}

// verdict collects what a check finds; the worst finding is the grade.
type verdict struct {
	grade    Grade
	problems []problem.Problem
}

func (v *verdict) critical(path problem.Path, text, hint string) { v.add(Critical, path, text, hint) }
func (v *verdict) warning(path problem.Path, text, hint string)  { v.add(Warning, path, text, hint) }

func (v *verdict) add(g Grade, path problem.Path, text, hint string) {
	if v.grade != Critical {
		v.grade = g
	}
	v.problems = append(v.problems, problem.Problem{Path: path, Text: text, Hint: hint})
}

// skip ends a check that does not apply.
func (v *verdict) skip() { v.grade = Skipped }

// check runs one check on one object. template are the annotations of its
// pods: they go before those of the object.
func (r *run) check(id string, o *object.Object, template map[string]string, look func(*verdict)) {
	c := r.checks[id]
	if !r.enabled(c, o, template) {
		r.verdicts = append(r.verdicts, Verdict{Check: id, Object: o, Grade: Skipped})
		return
	}
	v := verdict{grade: OK}
	look(&v)
	for i := range v.problems {
		v.problems[i].Rule = id
		v.problems[i].Severity = c.severity(v.grade)
	}
	r.verdicts = append(r.verdicts, Verdict{Check: id, Object: o, Grade: v.grade, Problems: v.problems})
}

// severity translates a grade: only what a server refuses is an error, since
// the rest is advice that a running application can do without.
func (c Check) severity(g Grade) problem.Severity {
	switch {
	case c.Refused:
		return problem.Error
	case g == Critical && !c.Mild:
		return problem.Warning
	}
	return problem.Info
}

// Annotations that switch checks off and on, for one object.
const (
	AnnotationIgnore = "kube-score/ignore"
	AnnotationEnable = "kube-score/enable"
)

func (r *run) enabled(c Check, o *object.Object, template map[string]string) bool {
	switch {
	case names(template[AnnotationIgnore], c.ID):
		return false
	case names(template[AnnotationEnable], c.ID):
		return true
	case names(o.Annotation(AnnotationIgnore), c.ID):
		return false
	case names(o.Annotation(AnnotationEnable), c.ID), r.options.On[c.ID]:
		return true
	}
	return !c.Optional
}

// names reports whether a list of IDs has one. To ignore container-resources
// is to ignore its part for storage, too.
func names(list, id string) bool {
	for entry := range strings.SplitSeq(list, ",") {
		entry = strings.TrimSpace(entry)
		if entry == id || entry == "container-resources" && id == "container-ephemeral-storage-request-and-limit" {
			return true
		}
	}
	return false
}
