package snapshot

import (
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/project"
)

// finish makes of what the engines gave what is to run: images pinned, the
// configuration of workloads hashed into them, and what was encrypted marked.
func finish(in Input, s *Snapshot, rendered []*object.Object) ([]*object.Object, error) {
	objects, err := pin(in, s, rendered)
	if err != nil {
		return nil, err
	}
	for _, o := range objects {
		if in.Ciphertext {
			dropMetadata(o)
		}
		o.Hidden = o.Hidden || in.Sensitive.Wholly(o)
	}
	if in.Spec.RestartOn == project.RestartOnConfig {
		err = hashConfig(s, objects)
	}
	return objects, err
}

// dropMetadata removes what SOPS notes about a file that stays encrypted: it is
// no field of the object, and is not there once the file is decrypted.
func dropMetadata(o *object.Object) {
	if notes, ok := o.Fields["sops"].(map[string]any); ok && notes["mac"] != nil {
		delete(o.Fields, "sops")
	}
}
