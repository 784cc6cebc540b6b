package apply

import (
	"fmt"
	"strings"
	"time"

	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/plan"
)

// Outcome is what became of one change.
type Outcome struct {
	Ref    object.Ref  `json:"ref"`
	Action plan.Action `json:"action"`
	State  State       `json:"state"`
	// Tries counts the writes that were sent; more than one after conflicts
	// and passing errors.
	Tries int           `json:"tries,omitempty"`
	Took  time.Duration `json:"took"`
	Err   error         `json:"-"`
}

// State of one change after a run.
type State string

// The states.
const (
	// Done: the cluster confirmed the step.
	Done State = "done"
	// Unchanged: decided again, and nothing was left to do.
	Unchanged State = "unchanged"
	// Accepted: a delete the cluster took but has not finished.
	Accepted State = "accepted"
	// Refused: the step failed; Err says why.
	Refused State = "refused"
	// Skipped: the run ended before the step was sent.
	Skipped State = "skipped"
)

// StageTime says how long one stage took, its barrier included.
type StageTime struct {
	Stage plan.Stage    `json:"stage"`
	Took  time.Duration `json:"took"`
}

// Result is what a run did. It is complete also when Run gives an error.
type Result struct {
	// Outcomes has one entry per change, in the order of execution.
	Outcomes []Outcome     `json:"outcomes"`
	Stages   []StageTime   `json:"stages"`
	Took     time.Duration `json:"took"`
}

// Count is the number of changes with one of the actions that are done.
func (r Result) Count(actions ...plan.Action) int {
	n := 0
	for _, o := range r.Outcomes {
		for _, a := range actions {
			if o.Action == a && o.State == Done {
				n++
			}
		}
	}
	return n
}

// Left is the number of changes that were refused, skipped or are not
// confirmed yet.
func (r Result) Left() int {
	n := 0
	for _, o := range r.Outcomes {
		if o.State == Refused || o.State == Skipped || o.State == Accepted {
			n++
		}
	}
	return n
}

func hooksRun(n int) string {
	if n == 1 {
		return "hook run"
	}
	return "hooks run"
}

// String is the line of a release: "3 created, 1 updated, 0 deleted", and what
// else happened when it did.
func (r Result) String() string {
	parts := []string{
		fmt.Sprintf("%d created", r.Count(plan.Create)),
		fmt.Sprintf("%d updated", r.Count(plan.Update, plan.Take)),
		fmt.Sprintf("%d deleted", r.Count(plan.Delete)),
	}
	for _, more := range []struct {
		n    int
		word string
	}{
		{r.Count(plan.Reown), "re-owned"},
		{r.Count(plan.Drop), "released"},
		{r.Count(plan.Run), hooksRun(r.Count(plan.Run))},
		{r.Left(), "not done"},
	} {
		if more.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", more.n, more.word))
		}
	}
	return strings.Join(parts, ", ")
}
