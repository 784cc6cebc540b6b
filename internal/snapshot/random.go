package snapshot

import (
	"context"
	"fmt"

	"github.com/tugops/tug/internal/render"
)

// Random says what random template functions give (design.md section 4).
type Random int

const (
	// Placeholders are the same each time: for render, check and diff.
	Placeholders Random = iota
	// Record keeps the values of the last release and makes those that are
	// missing: for plan and deploy. Snapshot.Generated has them all.
	Record
)

// random is the source of random values of one build.
type random struct {
	generate  render.Generator
	generated map[string]string
	previous  map[string]string // what was recorded
	err       error             // of asking for the recorded values
}

// made are the keys of values that were not recorded, or not used again.
func (r *random) made() map[string]bool {
	keys := map[string]bool{}
	for key, value := range r.generated {
		if old, ok := r.previous[key]; !ok || old != value {
			keys[key] = true
		}
	}
	return keys
}

func (in Input) random(ctx context.Context) *random {
	if in.Random == Placeholders {
		return &random{generate: render.Placeholders()}
	}
	r := &random{generated: map[string]string{}}
	var recorded render.Generator
	r.generate = func(key string, fresh func() (string, error)) (string, error) {
		if recorded == nil {
			if in.Recorded != nil && r.err == nil {
				r.previous, r.err = in.Recorded(ctx)
			}
			if r.err != nil {
				return "", r.err
			}
			recorded = render.Recorded(r.previous, r.generated)
		}
		return recorded(key, fresh)
	}
	return r
}

// placeholderWarnings says which values will differ in a deploy. The time of
// the commit, which stands in for now, needs no word: it looks like no secret
// and is none.
func placeholderWarnings(uses []render.RandomUse) []string {
	var warnings []string
	for _, u := range uses {
		if u.Function == "now" {
			continue
		}
		warnings = append(warnings, fmt.Sprintf("%s shows a placeholder (%s); a deploy uses a real value and keeps it", u.Function, joinSome(u.Templates)))
	}
	return warnings
}
