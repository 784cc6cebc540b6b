package kube

import (
	"slices"

	"github.com/tugops/tug/internal/object"
)

// rules is the status of a SelfSubjectRulesReview.
type rules struct {
	ResourceRules   []rule
	Incomplete      bool
	EvaluationError string
}

type rule struct {
	Verbs         []string
	APIGroups     []string
	Resources     []string
	ResourceNames []string
}

// open reports whether something may be allowed that the rules do not say.
func (r *rules) open() bool { return r.Incomplete || r.EvaluationError != "" }

// allows reports whether a rule grants a.
func (r *rules) allows(a object.Access) bool {
	return slices.ContainsFunc(r.ResourceRules, func(r rule) bool { return r.allows(a) })
}

func (r rule) allows(a object.Access) bool {
	return has(r.Verbs, a.Verb) && has(r.APIGroups, a.Group) && r.covers(a) && r.names(a)
}

// covers compares resources: "pods", "pods/log", "*/scale" and "*", which
// stands for all resources and subresources.
func (r rule) covers(a object.Access) bool {
	if a.Subresource == "" {
		return has(r.Resources, a.Resource)
	}
	return has(r.Resources, a.Resource+"/"+a.Subresource) || slices.Contains(r.Resources, "*/"+a.Subresource)
}

// names compares object names. A rule with names grants nothing to a question
// about any object.
func (r rule) names(a object.Access) bool {
	return len(r.ResourceNames) == 0 || a.Name != "" && slices.Contains(r.ResourceNames, a.Name)
}

func has(list []string, want string) bool {
	return slices.Contains(list, "*") || slices.Contains(list, want)
}
