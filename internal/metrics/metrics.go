// Package metrics counts what the agent does and shows it in Prometheus' text
// format. The families are declared in one place (agent.go), with names and
// labels that are API: docs/metrics.md, the dashboard and the alerts are held
// against them by tests.
//
// It is an own registry of 200 lines. prometheus/client_golang is linked anyway,
// by k8s.io/apiserver, but does not bound the series of a family: labels here
// hold names that others choose (apps, managers, channels).
package metrics

import (
	"slices"
	"strings"
	"sync"
)

// Kind is the type of a family.
type Kind string

// The kinds.
const (
	CounterKind   Kind = "counter"
	GaugeKind     Kind = "gauge"
	HistogramKind Kind = "histogram"
)

// Family is a metric with its labels.
type Family struct {
	Name, Help string
	Kind       Kind
	Labels     []string
	// Buckets are the upper bounds of a histogram, rising.
	Buckets []float64
}

// maxSeries bounds the series of one family: what comes beyond is counted as
// one, with "other" for every label.
const maxSeries = 20_000

// family is a Family with its series, by label values.
type family struct {
	Family
	mu     sync.Mutex
	series map[string]*series
}

type series struct {
	labels []string
	value  float64 // of counters and gauges; the sum of a histogram
	count  uint64
	within []uint64 // by bucket, not added up
}

// with is the series with some label values; f.mu is held.
func (f *family) with(labels []string) *series {
	if len(labels) != len(f.Labels) {
		// A mistake of the caller that a test finds: no series is right.
		panic("metrics: " + f.Name + " has other labels")
	}
	key := strings.Join(labels, "\x00")
	if s, ok := f.series[key]; ok {
		return s
	}
	if len(f.series) >= maxSeries {
		labels = slices.Repeat([]string{"other"}, len(f.Labels))
		key = strings.Join(labels, "\x00")
		if s, ok := f.series[key]; ok {
			return s
		}
	}
	s := &series{labels: slices.Clone(labels), within: make([]uint64, len(f.Buckets))}
	f.series[key] = s
	return s
}

// Counter only rises.
type Counter struct{ f *family }

// Add adds to the series with these label values, in the order of the family.
func (c Counter) Add(n float64, labels ...string) {
	c.f.mu.Lock()
	defer c.f.mu.Unlock()
	if n > 0 {
		c.f.with(labels).value += n
	}
}

// Gauge is what it is set to.
type Gauge struct{ f *family }

// Set sets the series with these label values.
func (g Gauge) Set(v float64, labels ...string) {
	g.f.mu.Lock()
	defer g.f.mu.Unlock()
	g.f.with(labels).value = v
}

// Histogram counts observations by size.
type Histogram struct{ f *family }

// Observe counts one.
func (h Histogram) Observe(v float64, labels ...string) {
	h.f.mu.Lock()
	defer h.f.mu.Unlock()
	s := h.f.with(labels)
	s.value += v
	s.count++
	if i := slices.IndexFunc(h.f.Buckets, func(bound float64) bool { return v <= bound }); i >= 0 {
		s.within[i]++
	}
}

// Registry holds families.
type Registry struct{ families []*family }

func (r *Registry) add(f Family) *family {
	made := &family{Family: f, series: map[string]*series{}}
	r.families = append(r.families, made)
	return made
}

// Families are those that are exposed, in order.
func (r *Registry) Families() []Family {
	list := make([]Family, len(r.families))
	for i, f := range r.families {
		list[i] = f.Family
	}
	return list
}

// Drop removes every series with a label value, such as those of an app that
// was deleted.
func (r *Registry) Drop(match map[string]string) {
	for _, f := range r.families {
		f.mu.Lock()
		for key, s := range f.series {
			if s.matches(f.Labels, match) {
				delete(f.series, key)
			}
		}
		f.mu.Unlock()
	}
}

func (s *series) matches(names []string, match map[string]string) bool {
	for name, value := range match {
		i := slices.Index(names, name)
		if i < 0 || s.labels[i] != value {
			return false
		}
	}
	return len(match) > 0
}
