// Package inventory is what tug keeps in a cluster about an app: the objects
// it owns, its releases and who may write. A record is one small head Secret
// over immutable, content-addressed chunk Secrets; a Lease keeps writers
// apart (cluster-semantics.md sections 3, 5 and 6).
package inventory

import (
	"time"

	"github.com/tugops/tug/internal/object"
)

// Item is one owned object.
type Item struct {
	object.Ref
	// Version is the API version it was last applied in.
	Version string `json:"version,omitempty"`
	// UID, Applied and Entry are empty until an apply was confirmed (the item
	// is write-ahead). Applied is the hash of the applied normal form, Entry
	// that of our own managedFields entry, both from the apply response.
	UID     string `json:"uid,omitempty"`
	Applied string `json:"applied,omitempty"`
	Entry   string `json:"entry,omitempty"`
	// Generation is metadata.generation of the apply response; 0 where the
	// kind has none.
	Generation int64 `json:"generation,omitempty"`
	// Handed is the app key this object was handed to and who has not taken
	// it yet; it is never deleted by this app.
	Handed string `json:"handed,omitempty"`
}

// Status of a release.
type Status string

// The statuses.
const (
	Pending     Status = "pending"     // being applied, or its writer died
	Deployed    Status = "deployed"    // applied, ready, pruned
	Failed      Status = "failed"      // an apply, hook or wait failed
	Superseded  Status = "superseded"  // a later release was deployed
	Interrupted Status = "interrupted" // found pending by a later writer
	Deleted     Status = "deleted"     // kept by delete --keep-history
)

// Release is one executed plan. Its snapshot is in chunks.
type Release struct {
	Number   int       `json:"number"`
	Status   Status    `json:"status"`
	Env      string    `json:"env,omitempty"`
	Commit   string    `json:"commit,omitempty"`
	Dirty    bool      `json:"dirty,omitempty"`
	Message  string    `json:"message,omitempty"` // first line of the commit, or "rollback to 3"
	PlanHash string    `json:"planHash"`
	Changes  string    `json:"changes"` // "3 created, 1 updated, 0 deleted"
	Error    string    `json:"error,omitempty"`
	By       string    `json:"by,omitempty"` // identity as the cluster sees it, if known
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished,omitzero"`
	// Snapshot names the chunks that hold the deployed snapshot, in order.
	Snapshot []string `json:"snapshot,omitempty"`
}

// Who keeps an app in line with its repository, besides `tug deploy`.
const (
	// ControllerAgent: the agent; only it writes.
	ControllerAgent = "agent"
	// ControllerSuspended: the agent, but a person took over until `tug resume`.
	ControllerSuspended = "suspended"
)

// Head is the small part of a record that is flipped by compare-and-swap.
type Head struct {
	App        string `json:"app"`
	Env        string `json:"env,omitempty"`
	Namespace  string `json:"namespace"`
	Controller string `json:"controller,omitempty"` // "", ControllerAgent or ControllerSuspended
	// Prune is what tug.yaml said last about the app itself being removed.
	Prune bool `json:"prune,omitempty"`
	// Project is the path of the tug.yaml that named the app last, in its
	// repository; empty for an app without one. A repository may have several,
	// and none of them knows the apps of the others.
	Project string `json:"project,omitempty"`
	// Sensitive says that a release holds values that were decrypted; it stays.
	Sensitive bool `json:"sensitive,omitempty"`
	// Quarantine is what the agent does not deploy again by itself.
	Quarantine *Quarantine `json:"quarantine,omitempty"`
	// Epoch is that of the Lease that wrote last.
	Epoch    int64     `json:"epoch"`
	Items    []string  `json:"items"`    // chunks of the inventory, in order
	Releases []Release `json:"releases"` // newest first
	// ResourceVersion of the head Secret as read; "" for a new record.
	ResourceVersion string `json:"-"`
	// Annotations of the head Secret as read (consent stands here). Save
	// writes them back.
	Annotations map[string]string `json:"-"`
	// stored is the encoded head as it stands in the cluster, so that a change
	// to the metadata of the Secret alone is told from a change by a writer.
	stored []byte
}

// Quarantine is a state of an app that failed and was rolled back. It stands
// until the repository has another one, or somebody asks for it again.
type Quarantine struct {
	// Content is the hash of the objects (snapshot.Snapshot.Content), Commit
	// where they came from first.
	Content string    `json:"content"`
	Commit  string    `json:"commit,omitempty"`
	Release int       `json:"release,omitempty"` // that failed
	Reason  string    `json:"reason"`            // masked
	Since   time.Time `json:"since"`
}

// Record is a head with its inventory.
type Record struct {
	Head  Head
	Items []Item // sorted by Ref
}
