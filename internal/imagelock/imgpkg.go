package imagelock

import (
	"go.yaml.in/yaml/v3"
)

// Annotations that kbld writes into the entries of imgpkg's ImagesLock.
const (
	annotationID      = "kbld.carvel.dev/id"
	annotationOrigins = "kbld.carvel.dev/origins"
)

// imagesLock reads imgpkg's ImagesLock as kbld writes it: each entry pins the
// image named in its annotation.
func (r *reader) imagesLock(n *yaml.Node, set *Set) {
	f := r.fields(n, "ImagesLock", "apiVersion", "kind", "images")
	for _, item := range r.items(f["images"], "images") {
		set.Locks = append(set.Locks, r.imgpkgImage(item))
	}
}

func (r *reader) imgpkgImage(n *yaml.Node) Lock {
	f := r.fields(n, "image of an ImagesLock", "image", "annotations")
	annotations := map[string]string{}
	r.anything(f["annotations"], &annotations, "annotations")
	l := Lock{
		Image:    annotations[annotationID],
		NewImage: r.text(f["image"], "image"),
		Source:   r.source(n),
	}
	switch {
	case r.err != nil:
	case !hasDigest(l.NewImage):
		r.fail(n, "image %q without a digest", l.NewImage).Hint("an ImagesLock holds references like registry/name@sha256:…")
	case l.Image == "":
		r.fail(n, "image without the annotation %s", annotationID).
			Hint("without it nobody knows which image of the manifests is meant; kbld --imgpkg-lock-output writes it")
	}
	l.NewImage = fullName(l.NewImage)
	if text := annotations[annotationOrigins]; text != "" {
		if err := yaml.Unmarshal([]byte(text), &l.Origins); err != nil {
			r.fail(n, "annotation %s: %s", annotationOrigins, err)
		}
	}
	return l
}
