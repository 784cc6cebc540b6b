package plan

import (
	"slices"
	"strconv"
	"strings"

	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/object"
)

// Hook is a Helm hook as far as its execution needs it.
type Hook struct {
	Events []string `json:"events"` // pre-install, post-upgrade, ...
	Weight int      `json:"weight"`
	// Delete holds the policies: before-hook-creation (default),
	// hook-succeeded, hook-failed.
	Delete []string `json:"delete"`
}

const hookSucceeded = "hook-succeeded"

// hookEvents are the events Helm knows; an object with any other one is
// skipped, as Helm does.
var hookEvents = []string{
	"pre-install", "post-install", "pre-upgrade", "post-upgrade",
	"pre-delete", "post-delete", "pre-rollback", "post-rollback",
	"test", "test-success",
}

// HookOf reads the hook annotations of o. It is nil for a plain object, and
// for Helm 2's crd-install, which means a plain object today. A weight that is
// no number counts as 0, as in Helm.
func HookOf(o *object.Object) *Hook {
	events := list(o.Annotation(object.AnnotationHook))
	if len(events) == 0 || slices.Equal(events, []string{"crd-install"}) {
		return nil
	}
	h := &Hook{Events: events, Delete: list(o.Annotation(object.AnnotationHookDelete))}
	if w, err := strconv.Atoi(strings.TrimSpace(o.Annotation(object.AnnotationHookWeight))); err == nil {
		h.Weight = w
	}
	if len(h.Delete) == 0 {
		h.Delete = []string{"before-hook-creation"}
	}
	return h
}

// known reports whether Helm would run the hook at all.
func (h *Hook) known() bool {
	return !slices.ContainsFunc(h.Events, func(e string) bool { return !slices.Contains(hookEvents, e) })
}

func (h *Hook) on(event string) bool { return slices.Contains(h.Events, event) }

// hookPhase is the second half of the hook events of this deploy: install when
// no release of the app was ever deployed, or it was deleted since.
func hookPhase(in Input) string {
	if in.Deleting {
		return "delete"
	}
	if in.Record == nil {
		return "install"
	}
	for _, r := range in.Record.Head.Releases {
		switch r.Status {
		case inventory.Deployed, inventory.Superseded:
			return "upgrade"
		case inventory.Deleted:
			return "install"
		default: // this one never stood: look at the one before
		}
	}
	return "install"
}

func list(s string) []string {
	var out []string
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.ToLower(strings.TrimSpace(part)); part != "" {
			out = append(out, part)
		}
	}
	return out
}
