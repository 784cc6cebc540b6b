package cli

import (
	"fmt"
	"time"

	"github.com/tugops/tug/internal/deploy"
	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/object"
)

// deployed is the JSON result of deploy, rollback and delete for one app.
type deployed struct {
	App       string `json:"app"`
	Env       string `json:"env,omitempty"`
	Namespace string `json:"namespace"`
	// Unchanged says that nothing was written at all.
	Unchanged bool `json:"unchanged,omitempty"`
	// Removed says that the record is gone with the app.
	Removed bool `json:"removed,omitempty"`
	// Release is the one that was recorded, or the last one when unchanged.
	Release *inventory.Release `json:"release,omitempty"`
	Changes []changed          `json:"changes,omitempty"`
	Seconds float64            `json:"seconds,omitempty"`
	// Notes is what the chart says to whoever deployed it (NOTES.txt).
	Notes string `json:"notes,omitempty"`
	Error string `json:"error,omitempty"`
}

// changed is what became of one change.
type changed struct {
	Action  string     `json:"action"`
	Ref     object.Ref `json:"ref"`
	State   string     `json:"state"` // done, unchanged, accepted, refused or skipped
	Tries   int        `json:"tries,omitempty"`
	Seconds float64    `json:"seconds,omitempty"`
	Error   string     `json:"error,omitempty"`
}

// take fills in what an execution did.
func (d *deployed) take(o deploy.Outcome) {
	d.Unchanged, d.Removed, d.Seconds = o.Unchanged, o.Removed, seconds(o.Result.Took)
	if o.Release.Number > 0 {
		d.Release = &o.Release
	}
	for _, c := range o.Result.Outcomes {
		one := changed{Action: string(c.Action), Ref: c.Ref, State: string(c.State), Tries: c.Tries, Seconds: seconds(c.Took)}
		if c.Err != nil {
			one.Error = c.Err.Error()
		}
		d.Changes = append(d.Changes, one)
	}
}

// seconds to the millisecond.
func seconds(d time.Duration) float64 { return float64(d.Milliseconds()) / 1000 }

// outcomeLine is the result of an execution in one line.
func outcomeLine(p *deploy.Prepared, o deploy.Outcome) string {
	name := p.Plan.App
	if p.Plan.Env != "" {
		name += "/" + p.Plan.Env
	}
	switch {
	case o.Unchanged:
		return fmt.Sprintf("%s: nothing to change, release %d runs", name, o.Release.Number)
	case o.Removed:
		return fmt.Sprintf("%s: deleted, %s", name, o.Result)
	}
	return fmt.Sprintf("%s: release %d %s, %s", name, o.Release.Number, o.Release.Status, o.Result)
}
