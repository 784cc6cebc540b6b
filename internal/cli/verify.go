package cli

import (
	"context"
	"time"

	"github.com/tugops/tug/internal/project"
	"github.com/tugops/tug/internal/verify"
)

// verifier asks what tug.yaml wants to be asked after a deploy; nil for
// nothing. Addresses of metadata services are refused as for sources.
func (e *Env) verifier(spec project.Spec) func(context.Context) error {
	var checks []verify.Check
	for _, c := range spec.Verify {
		if c.HTTP == "" && c.TCP == "" {
			continue // a Job is a hook
		}
		within, err := time.ParseDuration(c.Within)
		if err != nil {
			within = 0 // not given: it was checked when tug.yaml was read
		}
		checks = append(checks, verify.Check{HTTP: c.HTTP, TCP: c.TCP, Status: c.Status, Contains: c.Contains, Within: within})
	}
	if len(checks) == 0 {
		return nil
	}
	return func(ctx context.Context) error {
		n, err := e.network()
		if err != nil {
			return err
		}
		p := verify.Prober{Transport: n.http.Transport(), Dial: n.http.Policy().Dial}
		return p.Run(ctx, checks)
	}
}
