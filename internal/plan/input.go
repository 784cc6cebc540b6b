package plan

import (
	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/object"
)

// Input is everything that a plan is decided from.
type Input struct {
	App, Env, Namespace string
	// Desired is the placed and labelled object set (Place), hooks included.
	// For a delete only its hooks count: those of pre-delete and post-delete.
	Desired []*object.Object
	// Deleting says that the app itself is to go.
	Deleting bool
	// Record is what the cluster remembers; nil for a first deploy.
	Record *inventory.Record
	// Live holds what the metadata lists showed: every object that carries
	// our label, and every desired or recorded one that exists without it.
	Live map[object.Ref]object.Live
	// Compared holds GET and dry-run results for the refs that Unclear named.
	Compared map[object.Ref]Comparison
	// Unserved lists objects of Desired or of the inventory whose group/kind
	// the cluster does not serve and that no CRD in Desired brings. It must
	// come from a complete discovery: an aggregated API that does not answer
	// is an error, not an unserved one.
	Unserved []object.Ref
	// ServerVersion is that of the cluster, "v1.36.1"; it tells which API
	// versions are gone before anything is sent. May be empty.
	ServerVersion string
	// Others says which app of the environment declares an object at the same
	// commit; asked for prune candidates only. Values are app keys. May be nil.
	Others map[object.Ref]string
	// Tenants has the keys of the other apps whose records stand in a Namespace
	// that the plan deletes, by its name.
	Tenants map[string][]string
	// Release is the number of the release that is deployed again; 0 when the
	// desired objects come from the repository. Only reasons tell it.
	Release int
	// HandedToUs has the objects that other apps' records hand to this app,
	// and the key of the app that hands them over.
	HandedToUs map[object.Ref]string
	// Humans lists, by name or prefix ending in "*", the managers whose fields
	// may be taken over; DefaultHumans when nil.
	Humans []string
	// Policy says what becomes of drift, Ignore which fields are left to
	// others.
	Policy Policy
	Ignore []Ignore
	// Sensitive is what was decrypted for Desired; nil when nothing was.
	Sensitive *object.Sensitive
}

// Comparison is what the server said about one object.
type Comparison struct {
	// Live is the full object, Result what a dry-run apply with Force would
	// make of it, both with managedFields. Result is nil when Err or NoDryRun
	// is set. Err with kind NotFound means that the object has just gone.
	Live, Result *object.Object
	// Err is the server's refusal of the dry run (a fault), e.g. Immutable.
	Err error
	// NoDryRun says why the server could not make a dry run at all: a webhook
	// without dry-run support (cluster-semantics.md 9.3).
	NoDryRun string
}
