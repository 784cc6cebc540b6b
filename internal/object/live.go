package object

import "time"

// Live is what a metadata-only read says of an object in a cluster.
type Live struct {
	Ref             Ref
	Version         string // API version it was read in
	UID             string
	ResourceVersion string
	Generation      int64
	Labels          map[string]string
	Annotations     map[string]string
	OwnerRefs       []OwnerRef
	Deleting        bool // has a deletionTimestamp
	Finalizers      []string
	Created         time.Time
	Managers        []ManagerEntry
}

// OwnerRef is one entry of metadata.ownerReferences.
type OwnerRef struct {
	Kind, Name, UID string
	Controller      bool
}

// ManagerEntry is one entry of metadata.managedFields.
type ManagerEntry struct {
	Manager     string
	Operation   string // Apply or Update
	Subresource string
	APIVersion  string
	Time        time.Time
	FieldsV1    []byte // raw JSON of the field set
}

// Write holds the conditions of one write.
type Write struct {
	// DryRun asks the server for the result without keeping it.
	DryRun bool
	// Force takes fields over from other managers.
	Force bool
	// UID and ResourceVersion, when set, must be those of the live object.
	UID             string
	ResourceVersion string
	// Orphan leaves dependents alone on delete; otherwise they go in the
	// background.
	Orphan bool
}

// Change is one watch event: the object as it is now, or as it last was when
// Deleted is set. Synced marks the end of the initial state and has no Object.
type Change struct {
	Object  *Object
	Deleted bool
	Synced  bool
}

// LiveChange is a Change of metadata alone. Of a Deleted one that was found by
// a list, only Ref and UID are known.
type LiveChange struct {
	Live    Live
	Deleted bool
	Synced  bool
}

// Access is one question to the authorizer, or one answer "no".
type Access struct {
	Verb        string
	Group       string
	Resource    string // plural, lower case
	Subresource string
	Namespace   string // empty for cluster scope
	Name        string // empty for any
}

// LogOptions selects a part of a container's log.
type LogOptions struct {
	Follow   bool
	Previous bool  // of the instance before the last restart
	Tail     int64 // last lines only; 0 for all
}
