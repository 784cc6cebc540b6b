package imagelock

import (
	"cmp"
	"slices"

	"github.com/tugops/tug/internal/object"
)

// Use is one place of an object that names an image.
type Use struct {
	Image  string
	Ref    object.Ref
	Source object.Source // of the object
	Path   string        // of the value in the object
	// Runs says that the kubelet runs or mounts it, or that a lock file
	// declares it to be an image; otherwise it only stands under a key "image".
	Runs bool
	// Lock covers the image; nil when none does.
	Lock *Lock
	// Digest is that of the image as it stands or as it is locked; "" without.
	Digest string
}

// Confidential reports whether the text may be a secret: it stands in a Secret,
// and nothing but the name of its key says that it is an image.
func (u Use) Confidential() bool {
	return u.Ref.Kind == "Secret" && u.Ref.Group == "" && !u.Runs && u.Lock == nil
}

// Uses lists the image references of objects, in the order of the objects and
// by place in each. Placeholders of a lock that needs a registry are listed
// with that lock and without a digest.
func Uses(objects []*object.Object, set Set) []Use {
	p := newPinner(set)
	var all []Use
	for _, o := range objects {
		all = append(all, p.uses(o)...)
	}
	return all
}

func (p *pinner) uses(o *object.Object) []Use {
	var found []Use
	s := searcher{rules: p.rules, visit: func(ref reference) (string, bool) {
		u := Use{Image: ref.image, Ref: o.Ref(), Source: o.Source, Path: ref.place, Runs: ref.runs, Lock: p.lock(ref.image)}
		switch {
		case u.Lock != nil && u.Lock.Pending == "":
			u.Digest = DigestOf(u.Lock.NewImage)
		case u.Lock == nil:
			u.Digest = DigestOf(u.Image)
		}
		found = append(found, u)
		return "", false
	}}
	s.value(o.Fields)
	slices.SortFunc(found, func(a, b Use) int { return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Image, b.Image)) })
	return found
}

// DigestOf is the digest of a reference ("sha256:…"), or "".
func DigestOf(image string) string {
	if !hasDigest(image) {
		return ""
	}
	return image[lastAt(image)+1:]
}

func lastAt(image string) int {
	for i := len(image) - 1; i >= 0; i-- {
		if image[i] == '@' {
			return i
		}
	}
	return -1
}
