package agent

import "sync/atomic"

// counters are what the agent did since it started.
type counters struct {
	polls, sourceFailures, renders, syncs, failures, heals atomic.Int64
}

// Counts are the counters at one moment.
type Counts struct {
	Polls          int64 `json:"polls"`
	SourceFailures int64 `json:"sourceFailures"`
	// Renders counts apps that had to be rendered: those whose inputs changed.
	Renders  int64 `json:"renders"`
	Syncs    int64 `json:"syncs"`
	Failures int64 `json:"failures"`
	Heals    int64 `json:"heals"`
}

// Counts are what the agent did so far.
func (a *Agent) Counts() Counts {
	c := &a.count
	return Counts{
		Polls: c.polls.Load(), SourceFailures: c.sourceFailures.Load(), Renders: c.renders.Load(),
		Syncs: c.syncs.Load(), Failures: c.failures.Load(), Heals: c.heals.Load(),
	}
}
