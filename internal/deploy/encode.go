package deploy

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/snapshot"
)

// snapshotVersion is the version of the stored form of a snapshot. It is API:
// old releases must stay readable.
const snapshotVersion = 1

// maxObjects bounds what is read back from a record.
const maxObjects = 100_000

// storedSnapshot is a snapshot as a release keeps it.
type storedSnapshot struct {
	Version     int               `json:"version"`
	App         string            `json:"app"`
	Env         string            `json:"env,omitempty"`
	Namespace   string            `json:"namespace"`
	Revision    snapshot.Revision `json:"revision,omitzero"`
	KubeVersion string            `json:"kubeVersion,omitempty"`
	Generated   map[string]string `json:"generated,omitempty"`
	// Sensitive are the values in Objects that were encrypted in the repository:
	// what is shown later of this release, or of the next one's differences from
	// it, must not hold them.
	Sensitive []string       `json:"sensitive,omitempty"`
	Objects   []storedObject `json:"objects"`
}

type storedObject struct {
	Source object.Source  `json:"source,omitzero"`
	Hidden bool           `json:"hidden,omitempty"`
	Object map[string]any `json:"object"`
}

// encodeSnapshot is the stored form of s. It holds the values of Secrets: the
// trust boundary of a record is its namespace (cluster-semantics.md 6.4).
func encodeSnapshot(s *snapshot.Snapshot) ([]byte, error) {
	stored := storedSnapshot{
		Version: snapshotVersion, App: s.App, Env: s.Env, Namespace: s.Namespace,
		Revision: s.Revision, KubeVersion: s.KubeVersion, Generated: s.Generated,
		Sensitive: s.Sensitive.Found(s.Objects), Objects: make([]storedObject, 0, len(s.Objects)),
	}
	for _, o := range s.Objects {
		stored.Objects = append(stored.Objects, storedObject{Source: o.Source, Hidden: o.Hidden, Object: o.Fields})
	}
	data, err := json.Marshal(stored)
	if err != nil {
		return nil, fmt.Errorf("encode snapshot: %w", err)
	}
	return data, nil
}

// decodeSnapshot reads what encodeSnapshot wrote. Numbers come back in the
// shapes object.Object documents: int64 where they fit, else their text.
func decodeSnapshot(data []byte) (*snapshot.Snapshot, error) {
	var version struct{ Version *int }
	if err := json.Unmarshal(data, &version); err != nil {
		return nil, fault.New(fault.Invalid, "decode snapshot: %w", err)
	}
	if version.Version == nil || *version.Version != snapshotVersion {
		return nil, fault.New(fault.Invalid, "snapshot has another format version than %d", snapshotVersion).
			Hint("use the version of tug that wrote it, or a newer one")
	}
	var stored storedSnapshot
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(&stored); err != nil {
		return nil, fault.New(fault.Invalid, "decode snapshot: %w", err)
	}
	if len(stored.Objects) > maxObjects {
		return nil, fault.New(fault.Invalid, "snapshot has %d objects, more than %d", len(stored.Objects), maxObjects)
	}
	s := &snapshot.Snapshot{
		App: stored.App, Env: stored.Env, Namespace: stored.Namespace, Revision: stored.Revision,
		KubeVersion: stored.KubeVersion, Generated: stored.Generated,
	}
	if len(stored.Sensitive) > 0 {
		s.Sensitive = object.NewSensitive(stored.Sensitive...)
	}
	for i, o := range stored.Objects {
		obj := &object.Object{Fields: object.Numbers(o.Object), Source: o.Source, Hidden: o.Hidden}
		if obj.GVK().Kind == "" || obj.Name() == "" {
			return nil, fault.New(fault.Invalid, "object %d of the snapshot has no kind or name", i)
		}
		s.Objects = append(s.Objects, obj)
	}
	return s, nil
}
