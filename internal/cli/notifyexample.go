package cli

import (
	"time"

	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/notify"
	"github.com/tugops/tug/internal/notify/service"
	"github.com/tugops/tug/internal/object"
)

// kubernetesEvents is the type of channel that needs a cluster.
const kubernetesEvents = service.TypeEvents

// example is a fact of a kind that did not happen, and says so.
func example(k event.Kind, now time.Time) event.Fact {
	f := event.Fact{Time: now, Kind: k, Severity: k.Severity(), By: event.ByPush, Message: "this is a test, nothing happened"}
	web := object.Ref{Group: "apps", Kind: "Deployment", Name: "example"}
	replicas := event.Altered{Path: "spec.replicas", From: int64(0), To: int64(3)}
	switch k {
	case event.KindDeployed, event.KindRolledBack:
		f.Release, f.Changes, f.Took = 1, "1 created, 2 updated, 0 deleted", 12*time.Second
	case event.KindDriftDetected, event.KindDriftHealed, event.KindFighting:
		f.Objects = []event.Touched{{Ref: web, Manager: "kubectl-edit", Operation: "Update", At: now, Fields: []event.Altered{replicas}}}
	case event.KindFailed, event.KindDegraded:
		f.Objects, f.Cause = []event.Touched{{Ref: web}}, "0 of 3 pods are ready: the image cannot be pulled"
	case event.KindBlocked:
		f.Plan = "0123456789abcdef"
	case event.KindPruned:
		f.Objects = []event.Touched{{Ref: web, Action: "delete"}}
	case notify.KindLeftOut:
		f.Message = "left out: 3 drift-healed (this is a test, nothing happened)"
	}
	return f
}
