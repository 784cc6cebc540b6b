package notify

import (
	"strings"

	"github.com/tugops/tug/internal/event"
)

// Kinds beside those of package event.
const (
	// KindTest is sent by tug notify test alone.
	KindTest event.Kind = "test"
	// KindLeftOut counts facts that a channel could not take.
	KindLeftOut event.Kind = "left-out"
)

// Kinds are all kinds that a route and a template can name.
func Kinds() []string {
	names := []string{}
	for _, k := range event.Kinds() {
		names = append(names, string(k))
	}
	return append(names, string(KindLeftOut), string(KindTest))
}

// PhaseOf says whether facts of a kind begin a trouble or end it.
func PhaseOf(k event.Kind) Phase {
	switch k {
	case event.KindFailed, event.KindBlocked, event.KindFighting, event.KindDegraded, event.KindSourceFailed:
		return Begins
	case event.KindDeployed, event.KindRecovered, event.KindDeleted, event.KindSourceReady:
		return Ends
	}
	return Plain
}

// title is the usual title of a kind.
func title(k event.Kind) string {
	switch k {
	case event.KindDeployed:
		return "{{.name}}: release {{.release}} is deployed"
	case event.KindFailed:
		return "{{.name}}: the deploy failed"
	case event.KindBlocked:
		return "{{.name}}: waits for consent"
	case event.KindDriftDetected:
		return "{{.name}}: {{.object}} changed{{.by}}, and left so"
	case event.KindDriftHealed:
		return "{{.name}}: {{.object}} changed{{.by}}, and put back"
	case event.KindFighting:
		return "{{.name}}: {{.object}} changed again and again{{.by}}"
	case event.KindDegraded:
		return "{{.name}}: degraded"
	case event.KindRecovered:
		return "{{.name}}: as it should be again"
	case event.KindRolledBack:
		return "{{.name}}: rolled back, release {{.release}} runs"
	case event.KindQuarantined:
		return "{{.name}}: commit {{.commit}} is not tried again"
	case event.KindPruned:
		return "{{.name}}: {{.object}} pruned"
	case event.KindDeleted:
		return "{{.name}}: deleted"
	case event.KindSuspended:
		return "{{.name}}: taken from the agent"
	case event.KindResumed:
		return "{{.name}}: the agent has it again"
	case event.KindSourceFailed:
		return "{{.repository}} cannot be used"
	case event.KindSourceReady:
		return "{{.repository}} can be used again"
	case KindTest:
		return "A test of tug's notifications"
	case KindLeftOut:
		return "More happened than this channel takes"
	}
	return "{{.name}}: {{.event}}"
}

// name is the app with its environment: shop/prod.
func name(f event.Fact) string {
	if f.Env == "" {
		return f.App
	}
	return f.App + "/" + f.Env
}

// trouble is what a fact begins or ends: an app has one at most, and so has a
// repository.
func trouble(f event.Fact) string {
	if f.App == "" {
		return strings.Join([]string{"tug", f.Cluster, f.Repository, f.Ref}, "/")
	}
	return strings.Join([]string{"tug", f.Cluster, f.Namespace, f.Env, f.App}, "/")
}
