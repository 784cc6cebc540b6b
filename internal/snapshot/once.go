package snapshot

import (
	"slices"
	"strings"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

// checkOnce makes sure that no object is there twice. Objects without a
// namespace count as in the app's: whether their kind is namespaced is known
// by a cluster only, and a cluster-scoped one has no namespace either way.
//
// Hooks of different events may share a name, since Helm deletes one before it
// creates the next.
func (s *Snapshot) checkOnce() error {
	seen := make(map[object.Ref][]*object.Object, len(s.Objects))
	for _, o := range s.Objects {
		ref := o.Ref()
		if ref.Namespace == "" {
			ref.Namespace = s.Namespace
		}
		for _, other := range seen[ref] {
			if apart(hookEvents(o), hookEvents(other)) {
				continue
			}
			return fault.New(fault.Invalid, "%s is there twice: %s and %s", o.Ref(), place(other), place(o)).
				Hint("remove or rename one of them; an object belongs to one file of one app")
		}
		seen[ref] = append(seen[ref], o)
	}
	return nil
}

// place is where an object comes from.
func place(o *object.Object) string {
	if text := o.Source.String(); text != "" {
		return text
	}
	return "an unknown place"
}

// hookEvents are the events that an object is a hook of; none for plain
// objects.
func hookEvents(o *object.Object) []string {
	var events []string
	for event := range strings.SplitSeq(o.Annotation(object.AnnotationHook), ",") {
		if event = strings.TrimSpace(event); event != "" {
			events = append(events, event)
		}
	}
	return events
}

// apart reports whether both are hooks and no event runs both.
func apart(a, b []string) bool {
	if len(a) == 0 || len(b) == 0 {
		return false
	}
	return !slices.ContainsFunc(a, func(event string) bool { return slices.Contains(b, event) })
}
