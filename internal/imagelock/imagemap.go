package imagelock

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

// ReadImageMap reads kbld's --image-map-file, which CNAB bundles come with: a
// JSON object from references to what they become.
func ReadImageMap(name string, data []byte) (Set, error) {
	var images map[string]string
	if err := json.Unmarshal(data, &images); err != nil {
		return Set{}, fault.New(fault.Invalid, "%s: image map: %w", name, err).
			Hint("it is a JSON object: {\"nginx:1\": \"registry.example.com/nginx@sha256:…\"}")
	}
	var s Set
	for _, image := range slices.Sorted(maps.Keys(images)) {
		if image == "" || images[image] == "" {
			return Set{}, fault.New(fault.Invalid, "%s: image map: an empty reference (%q: %q)", name, image, images[image])
		}
		s.Locks = append(s.Locks, Lock{Image: image, NewImage: images[image], Source: object.Source{File: name}})
	}
	return s, nil
}

// LocksOf are the locks that say what was resolved.
func LocksOf(images []Resolved) []Lock {
	locks := make([]Lock, len(images))
	for i, r := range images {
		locks[i] = Lock{Image: r.Image, NewImage: r.NewImage, Origins: r.Origins}
	}
	return locks
}
