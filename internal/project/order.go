package project

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// checkCycles reports each cycle of dependsOn once, at the entry that closes
// it.
func (p *Project) checkCycles() Problems {
	var ps Problems
	p.walk(slices.Sorted(maps.Keys(p.Apps)), func(cycle []string) {
		from, to := cycle[len(cycle)-2], cycle[len(cycle)-1]
		ps = append(ps, Problem{
			At:   p.at("apps", from, "dependsOn", slices.Index(p.Apps[from].DependsOn, to)),
			Text: fmt.Sprintf("apps depend on each other: %s", strings.Join(cycle, " -> ")),
			Hint: "remove one of these dependencies",
		})
	})
	return ps
}

// walk orders names so that what an app depends on, directly or through apps
// that are not among the names, comes before it. Apps that do not depend on
// each other are in the order of names. Each cycle is given to onCycle and
// cut where it closes.
func (p *Project) walk(names []string, onCycle func(cycle []string)) []string {
	wanted := make(map[string]bool, len(names))
	for _, name := range names {
		wanted[name] = true
	}
	const inProgress, done = 1, 2
	state := make(map[string]int, len(p.Apps))
	var order, trail []string
	var visit func(name string)
	visit = func(name string) {
		switch state[name] {
		case done:
			return
		case inProgress:
			onCycle(append(slices.Clone(trail[slices.Index(trail, name):]), name))
			return
		}
		state[name] = inProgress
		trail = append(trail, name)
		for _, dep := range slices.Sorted(slices.Values(p.Apps[name].DependsOn)) {
			if _, known := p.Apps[dep]; known {
				visit(dep)
			}
		}
		trail = trail[:len(trail)-1]
		state[name] = done
		if wanted[name] {
			order = append(order, name)
		}
	}
	for _, name := range names {
		visit(name)
	}
	return order
}
