package workload

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Finder finds what selects what in a set, without a look at every pair: each
// is filed under one of its labels. It may be used by several goroutines.
type Finder struct {
	// All is the set.
	All *Set

	services map[label][]*Of[corev1.Service]
	pods     map[label][]*Pods
	byName   map[string][]*Pods // by namespace
}

// label is one label of something in a namespace.
type label struct{ namespace, key, value string }

// NewFinder files a set.
func NewFinder(all *Set) *Finder {
	f := &Finder{All: all, services: map[label][]*Of[corev1.Service]{}, pods: map[label][]*Pods{}, byName: map[string][]*Pods{}}
	for _, s := range all.Services {
		if l, ok := oneOf(s.Namespace, s.Typed.Spec.Selector); ok {
			f.services[l] = append(f.services[l], s)
		}
	}
	for _, p := range all.Pods {
		f.byName[p.Namespace] = append(f.byName[p.Namespace], p)
		for k, v := range p.Template.Labels {
			l := label{p.Namespace, k, v}
			f.pods[l] = append(f.pods[l], p)
		}
	}
	return f
}

// oneOf is the first label in order, which whatever is selected must have.
func oneOf(namespace string, labels map[string]string) (label, bool) {
	if len(labels) == 0 {
		return label{}, false
	}
	key := slices.Min(slices.Collect(maps.Keys(labels)))
	return label{namespace, key, labels[key]}, true
}

// Behind reports whether a Service selects the pods.
func (f *Finder) Behind(p *Pods) bool {
	for k, v := range p.Template.Labels {
		for _, s := range f.services[label{p.Namespace, k, v}] {
			if MatchesMap(s.Typed.Spec.Selector, p.Template.Labels) {
				return true
			}
		}
	}
	return false
}

// Served are the pods that a Service selects.
func (f *Finder) Served(s *Of[corev1.Service]) []*Pods {
	l, ok := oneOf(s.Namespace, s.Typed.Spec.Selector)
	if !ok {
		return nil
	}
	var found []*Pods
	for _, p := range f.pods[l] {
		if MatchesMap(s.Typed.Spec.Selector, p.Template.Labels) {
			found = append(found, p)
		}
	}
	return found
}

// Selects reports whether a selector chooses any pods of a namespace.
func (f *Finder) Selects(namespace string, s *metav1.LabelSelector) bool {
	candidates := f.byName[namespace]
	if s != nil {
		if l, ok := oneOf(namespace, s.MatchLabels); ok {
			candidates = f.pods[l]
		}
	}
	return slices.ContainsFunc(candidates, func(p *Pods) bool { return Matches(s, p.Template.Labels) })
}
