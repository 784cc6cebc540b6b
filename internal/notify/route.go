package notify

import (
	"cmp"
	"path"
	"slices"

	"github.com/tugops/tug/internal/event"
)

// Route says which facts go to which channels. Every condition that is given
// must hold; an empty one always does.
type Route struct {
	// To are names of channels.
	To []string
	// Apps and Environments are patterns as in path.Match: shop-*.
	Apps, Environments []string
	// Events are kinds.
	Events []event.Kind
	// Severity is the least one.
	Severity event.Severity
}

// Matches reports whether a fact takes the route.
func (r Route) Matches(f event.Fact) bool {
	return cmp.Or(f.Severity, f.Kind.Severity()).AtLeast(r.Severity) &&
		(len(r.Events) == 0 || slices.Contains(r.Events, f.Kind)) &&
		anyLike(r.Apps, f.App) && anyLike(r.Environments, f.Env)
}

func anyLike(patterns []string, name string) bool {
	return len(patterns) == 0 || slices.ContainsFunc(patterns, func(p string) bool {
		ok, err := path.Match(p, name)
		return ok && err == nil
	})
}

// Channels are the channels that hear of a fact, each once, in the order of
// the routes.
func Channels(routes []Route, f event.Fact) []string {
	var names []string
	for _, r := range routes {
		if !r.Matches(f) {
			continue
		}
		for _, name := range r.To {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}
