package snapshot

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"

	"github.com/tugops/tug/internal/object"
)

// WriteYAML writes the snapshot as one YAML stream in apply order, hooks and
// CRDs included, each object headed by where it comes from. What is secret is
// masked unless showSecrets is set; only then can the stream be read back as
// the same objects.
func (s *Snapshot) WriteYAML(w io.Writer, showSecrets bool) error {
	objects := s.Objects
	if !showSecrets {
		objects = s.Masked()
	}
	return object.WriteYAML(w, objects)
}

// Masked are the objects as they may be shown.
func (s *Snapshot) Masked() []*object.Object {
	objects := make([]*object.Object, len(s.Objects))
	for i, o := range s.Objects {
		objects[i] = o.Mask(s.Sensitive)
	}
	return objects
}

// HoldsDecrypted reports whether something in s was encrypted in the
// repository.
func (s *Snapshot) HoldsDecrypted() bool {
	for _, o := range s.Objects {
		if o.Hidden || s.Sensitive.RevealsIn(o.Fields) {
			return true
		}
	}
	return false
}

// Hash identifies what is to run where: app, environment, namespace and
// objects. Where it comes from is not part of it, so that two commits that
// render to the same objects have the same hash. 32 hex digits.
func (s *Snapshot) Hash() string {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q\n", s.App, s.Env, s.Namespace)
	for _, o := range s.Objects {
		fmt.Fprintln(h, o.Hash())
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
