// Package plan decides what has to change in a cluster: it compares a snapshot
// with what the cluster was seen to hold and gives ordered changes with
// per-field differences. It is pure: no cluster, no clock, no random values
// (cluster-semantics.md sections 1 to 4, 7 and 8).
package plan

import (
	"github.com/tugops/tug/internal/object"
)

// Action says what a change does to one object.
type Action string

// The actions.
const (
	Create Action = "create"
	Update Action = "update"
	// Reown applies again although no value differs, because ownership of a
	// field was lost or a managedFields entry is missing. Shown only in JSON.
	Reown Action = "re-own"
	Keep  Action = "keep"
	// Take is an update of an object handed over by another app.
	Take   Action = "take-over"
	Delete Action = "delete"
	// Drop forgets an object without deleting it: it was handed to another
	// app, is gone already, or carries helm.sh/resource-policy: keep.
	Drop Action = "drop"
	// Run runs a hook.
	Run Action = "run-hook"
)

// Change is one step of a plan.
type Change struct {
	Action Action     `json:"action"`
	Ref    object.Ref `json:"ref"`
	// Version is the API version it is applied or deleted in.
	Version string `json:"version"`
	// Stage orders changes; changes of one stage run in parallel. See Stage.
	Stage Stage `json:"stage"`
	// Group orders changes before their stage does: everything of a group is
	// ready, its post hooks included, before the next one starts
	// (object.AnnotationGroup). Deletions come after all groups.
	Group int `json:"group,omitempty"`
	// Wave orders the changes of one stage: hooks by weight, deletions from
	// webhooks back to Namespaces. A wave is done before the next one starts.
	Wave int `json:"wave,omitempty"`
	// Reason says why in a few words: "new", "changed in the repository",
	// "drift", "no longer in the repository", "handed to shop/web".
	Reason string  `json:"reason,omitempty"`
	Fields []Field `json:"fields,omitempty"`
	// Hook is set for Run.
	Hook *Hook `json:"hook,omitempty"`
	// Source is where the desired object stands in the repository.
	Source object.Source `json:"source,omitzero"`
	// UID and ResourceVersion are those of the live object that was compared:
	// the preconditions of the write. Not part of the plan's hash.
	UID             string `json:"uid,omitempty"`
	ResourceVersion string `json:"-"`
	// Entry is the hash of our own managedFields entry in that live object
	// (object.EntryHash), "" when there was none. A write that meets a newer
	// resourceVersion is repeated without a new plan while UID, owner and
	// Entry are still these: then only fields of others changed.
	Entry string `json:"-"`
	// Force says that fields may be taken from other managers.
	Force bool `json:"force,omitempty"`
	// HandedTo is the key of the app a Drop hands the object to. The item
	// stays in the record, marked, until that app has taken the object.
	HandedTo string `json:"handedTo,omitempty"`
	// From is the key of the app that a Take takes the object from.
	From string `json:"from,omitempty"`
	// Strip names managers whose Update entries are to be removed from
	// managedFields once the apply went through (one JSON patch guarded by
	// resourceVersion), so that what they own together with us is ours alone
	// and a later removal takes effect. What only they own becomes nobody's
	// and stays (cluster-semantics.md 4.1 and 11).
	Strip []string `json:"strip,omitempty"`
	// Absorb names managers whose Update entries are moved into ours before the
	// apply (one JSON patch guarded by resourceVersion), so that the apply
	// removes what they added (cluster-semantics.md 4.2).
	Absorb []string `json:"absorb,omitempty"`
	// Desired is the object to apply, placed and labelled; nil for Delete and
	// Drop. It lacks fields that are left to an autoscaler, and has the live
	// value of those that are about to be.
	Desired *object.Object `json:"-"`
	// Applied is the hash to record: that of the object as the repository has
	// it, which Desired.Hash() need not be.
	Applied string `json:"-"`

	diffs  []difference // what Fields shows, unmasked
	hidden bool         // no value of the object may be shown
}

// Field is one difference. From or To is nil when the field is absent on that
// side. Values of Secrets, and what was decrypted, are replaced by a mask; equal
// masks mean equal values within one report only.
type Field struct {
	// Path is like "spec.template.spec.containers[name=web].image".
	Path string `json:"path"`
	From any    `json:"from,omitempty"`
	To   any    `json:"to,omitempty"`
	// Manager is who set From, when it was not tug.
	Manager string `json:"manager,omitempty"`
}

// BrakeKind tells brakes apart.
type BrakeKind string

// The brakes (cluster-semantics.md 7.1, 2.3).
const (
	// BrakeEmpty: the repository declares no object at all.
	BrakeEmpty BrakeKind = "empty"
	// BrakeShrink: more than 30 % and more than 5 of the objects would go.
	BrakeShrink BrakeKind = "shrink"
	// BrakeDefinitions: a Namespace, CRD or PersistentVolumeClaim would be
	// deleted, and what it holds with it. `tug delete` lists these and asks.
	BrakeDefinitions BrakeKind = "definitions"
	// BrakeUnrecorded: the record is lost, and a delete would rely on labels
	// alone.
	BrakeUnrecorded BrakeKind = "unrecorded"
	// BrakeTenants: a Namespace would be deleted in which records of other apps
	// stand. Even `tug delete` needs consent to it.
	BrakeTenants BrakeKind = "tenants"
)

// Brake is a reason why a plan is not executed without consent to its hash.
type Brake struct {
	Kind   BrakeKind    `json:"kind"`
	Reason string       `json:"reason"` // one sentence
	Refs   []object.Ref `json:"refs,omitempty"`
	// Apps are the keys of the other apps that the brake is about.
	Apps []string `json:"apps,omitempty"`
}

// Plan is the ordered set of changes of one app.
type Plan struct {
	App       string `json:"app"`
	Env       string `json:"env,omitempty"`
	Namespace string `json:"namespace"`
	// From says where the files come from, when that is not what is checked
	// out: "branch prod at 4f2e…". Not part of the hash.
	From string `json:"from,omitempty"`
	// Hash identifies the changes: same app, actions, objects and field
	// differences, same hash. Consent and `deploy --plan` name it.
	Hash    string   `json:"hash"`
	Changes []Change `json:"changes"` // every action but Keep, in order of execution
	Kept    int      `json:"kept"`    // objects that are as they should be
	// Drift is what PolicyDetect reports and leaves: differences that only the
	// cluster has brought. Its objects count as kept.
	Drift    []Change `json:"drift,omitempty"`
	Brakes   []Brake  `json:"brakes,omitempty"`
	Warnings []string `json:"warnings,omitempty"`
	// Unfinished says that the last recorded release was not completed: even
	// an empty plan then leaves something to wait for and to record.
	Unfinished bool `json:"unfinished,omitempty"`
}

// Empty reports whether executing p would change nothing, in the cluster or in
// the record.
func (p *Plan) Empty() bool { return len(p.Changes) == 0 }
