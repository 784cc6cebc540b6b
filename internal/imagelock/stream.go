package imagelock

import (
	"bytes"
	"strings"

	"github.com/tugops/tug/internal/object"
)

// File is one file of a stream.
type File struct {
	Name string
	Data []byte
}

// Stream is what kbld reads and writes: objects of any kind, and between them
// the configuration that says how their images are resolved.
type Stream struct {
	// Objects in the order of the files; they need neither kind nor name.
	Objects []*object.Object
	Set     Set
}

// ReadStream reads manifests and lock files together. Empty documents are
// dropped and Lists flattened.
func ReadStream(files []File) (Stream, error) {
	var s Stream
	var sets []Set
	for _, f := range files {
		if err := s.read(f); err != nil {
			return Stream{}, err
		}
		if !mayConfigure(f.Data) {
			continue
		}
		set, err := parse(f.Name, f.Data)
		if err != nil {
			return Stream{}, err
		}
		sets = append(sets, set)
	}
	var err error
	s.Set, err = Join(sets...)
	return s, err
}

// read adds the objects of a file.
func (s *Stream) read(f File) error {
	docs, err := object.ReadDocuments(f.Name, f.Data)
	if err != nil {
		return err
	}
	for _, d := range docs {
		switch {
		case len(d.Fields) == 0 || isLockDocument(d.Fields):
		case d.Fields["apiVersion"] == nil || d.Fields["kind"] == nil:
			// kbld takes any mapping: {image: app} alone asks for an image.
			s.Objects = append(s.Objects, &object.Object{Fields: d.Fields, Source: d.Source})
		default:
			objects, err := d.Objects()
			if err != nil {
				return err
			}
			s.Objects = append(s.Objects, objects...)
		}
	}
	return nil
}

// isLockDocument reports whether parse reads a document.
func isLockDocument(fields map[string]any) bool {
	version, _ := fields["apiVersion"].(string)
	kind, _ := fields["kind"].(string)
	return version != "" && isLockGroup(version) && kind != ""
}

func isLockGroup(version string) bool {
	group, _, _ := strings.Cut(version, "/")
	return group == "tug.dev" || group == "kbld.k14s.io" || group == "imgpkg.carvel.dev"
}

// mayConfigure spares files without a lock a second reading.
func mayConfigure(data []byte) bool {
	for _, group := range []string{"tug.dev", "kbld.k14s.io", "imgpkg.carvel.dev"} {
		if bytes.Contains(data, []byte(group)) {
			return true
		}
	}
	return false
}

// Images are the references in the objects that kbld would resolve: whatever
// a rule finds, each once. One thing is left out: text in a Secret that only
// stands under a key "image" would be sent to a registry, for nothing.
func (s Stream) Images() []string {
	seen := map[string]bool{}
	var images []string
	for _, u := range Uses(s.Objects, s.Set) {
		if !seen[u.Image] && !u.Confidential() {
			seen[u.Image] = true
			images = append(images, u.Image)
		}
	}
	return images
}

// Replace writes resolved images into the objects, which stay as they are:
// the result holds copies. Where annotate is set, objects get kbld's
// annotation of the images that have origins.
func (s Stream) Replace(images []Resolved, annotate bool) ([]*object.Object, error) {
	r := replacer{rules: newPinner(s.Set).rules, images: map[string]*Resolved{}, entries: map[*Resolved]string{}}
	for i := range images {
		r.images[images[i].Image] = &images[i]
	}
	out := make([]*object.Object, 0, len(s.Objects))
	for _, o := range s.Objects {
		replaced, err := r.object(o, annotate)
		if err != nil {
			return nil, err
		}
		out = append(out, replaced)
	}
	return out, nil
}
