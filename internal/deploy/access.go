package deploy

import "github.com/tugops/tug/internal/object"

// RecordAccess are the accesses that every deploy to a namespace needs, whatever
// the app consists of: the record and the Lease.
func RecordAccess(namespace string) []object.Access {
	n := &needs{seen: map[object.Access]bool{}}
	n.addRecord(namespace, true)
	return n.wanted
}
