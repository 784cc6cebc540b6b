// Package deploy is the use case around a plan: observe, plan, ask for
// consent, lock, apply, record. Delete is a deploy of nothing, rollback a
// deploy of a recorded snapshot: one code path.
package deploy

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tugops/tug/internal/apply"
	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/plan"
)

// Cluster is what a deploy needs of a cluster; kube.Client is one.
type Cluster interface {
	apply.Cluster
	inventory.Objects
	// Scope says whether a kind is served and namespaced. The answer comes
	// from cached discovery; Refresh forgets it.
	Scope(ctx context.Context, gk schema.GroupKind) (namespaced, served bool, err error)
	Refresh()
	// Kinds are all served kinds, some of which cannot be listed.
	Kinds(ctx context.Context) ([]schema.GroupVersionKind, error)
	// Resource is the plural resource name of a served kind.
	Resource(ctx context.Context, gk schema.GroupKind) (schema.GroupVersionResource, error)
	// Denied answers which of the accesses the identity does not have, by one
	// SelfSubjectRulesReview per namespace and SelfSubjectAccessReviews only
	// for what those leave open.
	Denied(ctx context.Context, wanted []object.Access) ([]object.Access, error)
	// Version is the server's version, "v1.36.1".
	Version(ctx context.Context) (string, error)
	// Identity is the user name as the cluster sees it, "" when it does not
	// say.
	Identity(ctx context.Context) string
}

// Options of a plan and its execution.
type Options struct {
	NoWait          bool
	Timeout         time.Duration // of all waiting; 5 minutes when zero
	CreateNamespace bool          // create the app's namespace when it is missing
	TakeOver        bool          // suspend the agent that controls the app
	// Agent says that the agent deploys: the app is its own from now on, unless
	// a person suspended it.
	Agent bool
	// Quarantine is noted in the record with a rollback: what failed.
	Quarantine           *inventory.Quarantine
	AssumeClusterObjects bool     // cluster-scoped objects need no permission if they exist as declared
	Consent              string   // plan hash that brakes are released for
	ExpectHash           string   // plan hash from a plan file; another hash is a conflict
	History              int      // releases to keep; 10 when zero
	KeepHistory          bool     // delete: keep the record with its releases
	Message              string   // overrides the commit's message in the release ("rollback to 3")
	Humans               []string // managers whose fields are taken over; plan.DefaultHumans when nil
	// Policy says what becomes of drift, Ignore which fields are left to others
	// (cluster-semantics.md section 4).
	Policy plan.Policy
	Ignore []plan.Ignore
	// Before are objects of apps that are deployed before this one in the same
	// run: a plan that is made before they are counts on the kinds and
	// Namespaces they bring.
	Before []*object.Object
	// Handed says which app hands over an object by a plan that is carried out
	// before this one in the same run.
	Handed map[object.Ref]string
	// Left says which apps (by app key) are gone from the project and may be
	// deleted (Abandoned without a reason to keep them). What they own and this
	// app declares is taken over from them, as if they had handed it over:
	// nobody deploys them again who could. It is asked for foreign objects only.
	Left func(ctx context.Context) (map[string]bool, error)
	// Others says which app of the environment (by app key) declares an
	// object at the same commit. It is called for prune candidates only.
	Others func(ctx context.Context) (map[object.Ref]string, error)
	Sink   event.Sink
	// Verify is called once everything is ready; its error fails the release.
	// Not for deletes, nor with NoWait. May be nil.
	Verify func(ctx context.Context) error
	// Rest is called when a wait begins, and what it gives when the wait is
	// over: who bounds how many deploys work at once need not count those that
	// wait. May be nil.
	Rest func() (resume func())

	again int // the release that is deployed again, when it is a rollback
}
