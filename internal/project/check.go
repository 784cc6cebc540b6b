package project

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// check finds what types alone do not say: references, cycles, templates and
// keys that exclude each other.
func (p *Project) check() Problems {
	var ps Problems
	for _, name := range slices.Sorted(maps.Keys(p.Apps)) {
		ps = append(ps, p.checkApp(name, p.Apps[name])...)
	}
	if len(p.Apps) == 0 && p.source.locate("apps") != nil {
		ps = append(ps, Problem{At: p.at("apps"), Text: "there are no apps", Hint: "add an app with chart, kustomize or manifests"})
	}
	ps = append(ps, p.checkNotify()...)
	return append(ps, p.checkCycles()...)
}

func (p *Project) checkApp(name string, a App) Problems {
	ps := p.checkSource(name, a)
	for i, dep := range a.DependsOn {
		if _, ok := p.Apps[dep]; !ok {
			ps = append(ps, Problem{
				At:   p.at("apps", name, "dependsOn", i),
				Text: fmt.Sprintf("app %q depends on app %q, which does not exist", name, dep),
				Hint: didYouMean(dep, slices.Collect(maps.Keys(p.Apps)), "apps: "),
			})
		}
	}
	for i, env := range a.Environments.names() {
		if _, ok := p.Environments[env]; !ok {
			ps = append(ps, Problem{
				At:   p.placeAt(name, env, i),
				Text: fmt.Sprintf("environment %q does not exist", env),
				Hint: didYouMean(env, slices.Collect(maps.Keys(p.Environments)), "environments: "),
			})
		}
	}
	if a.Environments != nil && len(a.Environments) == 0 {
		ps = append(ps, Problem{
			At:   p.at("apps", name, "environments"),
			Text: fmt.Sprintf("app %q is in no environment", name),
			Hint: "name one, or remove the key for all of them",
		})
	}
	ps = append(ps, p.checkSteps(name, a)...)
	ps = append(ps, p.checkVerify(name, a)...)
	for at, text := range p.templates(name, a) {
		if wrong, hint := p.checkTemplate(text); wrong != "" {
			ps = append(ps, Problem{At: at, Text: wrong, Hint: hint})
		}
	}
	return ps
}

// checkSource checks that an app has exactly one source, and values only where
// there is a chart to take them.
func (p *Project) checkSource(name string, a App) Problems {
	var sources []string
	for key, set := range map[string]bool{"chart": a.Chart != "", "kustomize": a.Kustomize != "", "flux": a.Flux != "", "manifests": len(a.Manifests) > 0} {
		if set {
			sources = append(sources, key)
		}
	}
	slices.Sort(sources)
	var ps Problems
	switch {
	case len(sources) == 0 && !p.mentions(name, "chart", "kustomize", "manifests", "flux"):
		ps = append(ps, Problem{At: p.keyAt("apps", name), Text: fmt.Sprintf("app %q has no source", name), Hint: "add chart, kustomize, flux or manifests"})
	case len(sources) > 1:
		ps = append(ps, Problem{
			At:   p.keyAt("apps", name, sources[1]),
			Text: fmt.Sprintf("app %q has both %s", name, strings.Join(sources, " and ")),
			Hint: "keep one of them, or make two apps",
		})
	}
	if a.Chart != "" || len(sources) == 0 {
		return ps
	}
	for _, at := range p.chartOnly(name, a) {
		ps = append(ps, Problem{
			At:   at,
			Text: fmt.Sprintf("app %q has values but no chart", name),
			Hint: fmt.Sprintf("values and set are for charts; %s takes none", sources[0]),
		})
	}
	return ps
}

// chartOnly gives the places of values of an app.
func (p *Project) chartOnly(name string, a App) []Position {
	var found []Position
	if len(a.Values) > 0 {
		found = append(found, p.keyAt("apps", name, "values"))
	}
	if len(a.Set) > 0 {
		found = append(found, p.keyAt("apps", name, "set"))
	}
	for _, env := range a.Environments.names() {
		if len(a.Environments[env].Values) > 0 {
			found = append(found, p.keyAt("apps", name, "environments", env, "values"))
		}
		if len(a.Environments[env].Set) > 0 {
			found = append(found, p.keyAt("apps", name, "environments", env, "set"))
		}
	}
	return found
}

// templates gives every text of an app that may hold templates.
func (p *Project) templates(name string, a App) func(yield func(Position, string) bool) {
	type text struct {
		trail []any
		value string
	}
	var texts []text
	add := func(value string, trail ...any) {
		if strings.Contains(value, "{{") || strings.Contains(value, "}}") {
			texts = append(texts, text{append([]any{"apps", name}, trail...), value})
		}
	}
	add(a.Chart, "chart")
	add(a.Kustomize, "kustomize")
	add(a.Flux, "flux")
	lists := map[string][]string{"manifests": a.Manifests, "values": a.Values, "locks": a.Locks}
	for key, list := range lists {
		for i, value := range list {
			add(value, key, i)
		}
	}
	for i, c := range a.Verify {
		add(c.HTTP, "verify", i, "http")
		add(c.TCP, "verify", i, "tcp")
		add(c.Job, "verify", i, "job")
	}
	addSteps(a.Then, add, "then")
	for env, place := range a.Environments {
		addSteps(place.Then, add, "environments", env, "then")
		for i, value := range place.Values {
			add(value, "environments", env, "values", i)
		}
		for i, value := range place.Locks {
			add(value, "environments", env, "locks", i)
		}
	}
	return func(yield func(Position, string) bool) {
		for _, t := range texts {
			if !yield(p.at(t.trail...), t.value) {
				return
			}
		}
	}
}

// at is the position of a value, found by the keys and indexes that lead to
// it; as far as they lead.
func (p *Project) at(trail ...any) Position { return p.position(false, trail) }

// keyAt is the position of the last key of the trail instead of its value.
func (p *Project) keyAt(trail ...any) Position { return p.position(true, trail) }

// mentions reports whether an app has one of the keys, with whatever value:
// then its own problem is reported already.
func (p *Project) mentions(app string, keys ...string) bool {
	for _, key := range keys {
		if p.source.locate("apps", app, key) != nil {
			return true
		}
	}
	return false
}

// placeAt finds an environment of an app in either form of the key.
func (p *Project) placeAt(app, env string, index int) Position {
	n := p.source.locate("apps", app, "environments")
	if n != nil && n.Kind == yaml.SequenceNode {
		for i, item := range n.Content {
			if resolved(item).Value == env {
				index = i
			}
		}
		return p.at("apps", app, "environments", index)
	}
	return p.keyAt("apps", app, "environments", env)
}
