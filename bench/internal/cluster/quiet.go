package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/wait"
)

// still is how many looks in a row have to show no write before the cluster
// counts as quiet.
const still = 5

// Quiet waits until controllers are done with what was measured before: every
// Deployment is observed, and the API server has had no write for a second
// (but for the Leases, node statuses and events of a cluster at rest).
func (l *Lab) Quiet(ctx context.Context) error {
	last, calm := -1.0, 0
	err := wait.PollUntilContextTimeout(ctx, poll, patience, true, func(ctx context.Context) (bool, error) {
		now, err := l.writes(ctx)
		if err != nil {
			return false, err
		}
		if calm++; now != last {
			calm = 0
		}
		last = now
		if calm < still {
			return false, nil
		}
		return l.observed(ctx)
	})
	if err != nil {
		return fmt.Errorf("wait until the cluster is quiet: %w", err)
	}
	return nil
}

// observed reports whether the controller has seen every Deployment.
func (l *Lab) observed(ctx context.Context) (bool, error) {
	data, err := l.client.Get().AbsPath("/apis/apps/v1/deployments").DoRaw(ctx)
	if err != nil {
		return false, fmt.Errorf("list deployments: %w", err)
	}
	var list struct {
		Items []struct {
			Metadata struct{ Generation int64 }
			Status   struct{ ObservedGeneration int64 }
		}
	}
	if err := json.Unmarshal(data, &list); err != nil {
		return false, fmt.Errorf("list deployments: %w", err)
	}
	for _, d := range list.Items {
		if d.Status.ObservedGeneration < d.Metadata.Generation {
			return false, nil
		}
	}
	return true, nil
}

// writes is how many writes that matter to Quiet the API server has answered
// since it started.
func (l *Lab) writes(ctx context.Context) (float64, error) {
	return l.metric(ctx, func(line string) bool {
		return strings.HasPrefix(line, "apiserver_request_total{") && !restless(line)
	})
}

// restless reports whether a metric counts reads, or what is written all the
// time.
func restless(line string) bool {
	for _, label := range [...]string{
		`verb="GET"`, `verb="LIST"`, `verb="WATCH"`, `verb="CONNECT"`,
		`resource="leases"`, `resource="events"`, `resource="nodes"`,
	} {
		if strings.Contains(line, label) {
			return true
		}
	}
	return false
}
