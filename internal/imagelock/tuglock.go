package imagelock

import (
	"regexp"

	"go.yaml.in/yaml/v3"
)

// imageLock reads tug's own lock: a file that machines write, one per app and
// environment, so that promotions of different apps never touch the same file.
//
//	apiVersion: tug.dev/v1alpha1
//	kind: ImageLock
//	app: shop              # optional: whose references it pins; any app without it
//	environment: prod      # optional, likewise
//	images:
//	- image: shop          # the reference as it stands in the manifests, or
//	  imageRepo: shop      # all tags and digests of this repository
//	  newImage: registry.example/team/shop@sha256:…   # what it becomes, or
//	  digest: sha256:…     # only the digest: the repository stays
//	  tag: 1.4.2           # optional: the tag that had this digest when it was locked
//	  source:              # optional: what it was built from
//	    repository: https://git.example/team/shop
//	    commit: 1f0c…
//	    path: services/shop
//	promotions:            # optional: which builds these are (see Promotion)
//	- of: shop
//	  sequence: 57
//
// Exactly one of image and imageRepo and one of newImage and digest is set.
func (r *reader) imageLock(n *yaml.Node, set *Set) {
	f := r.fields(n, "ImageLock", "apiVersion", "kind", "app", "environment", "images", "promotions")
	app, env := r.text(f["app"], "app"), r.text(f["environment"], "environment")
	for _, item := range r.items(f["images"], "images") {
		l := r.lockedImage(item)
		l.App, l.Environment = app, env
		set.Locks = append(set.Locks, l)
	}
	for _, item := range r.items(f["promotions"], "promotions") {
		set.Promotions = append(set.Promotions, r.promotion(item))
	}
}

// bareDigest is a digest alone, without a repository.
var bareDigest = regexp.MustCompile(`\Asha256:[0-9a-f]{64}\z`)

func (r *reader) lockedImage(n *yaml.Node) Lock {
	f := r.fields(n, "image of an ImageLock", "image", "imageRepo", "newImage", "digest", "tag", "source")
	repo, digest := r.text(f["imageRepo"], "imageRepo"), r.text(f["digest"], "digest")
	l := Lock{Image: r.text(f["image"], "image"), NewImage: r.text(f["newImage"], "newImage"), Source: r.source(n)}
	switch {
	case r.err != nil:
		return l
	case (l.Image == "") == (repo == ""):
		r.fail(n, "locked image needs one of image and imageRepo")
		return l
	case (l.NewImage == "") == (digest == ""):
		r.fail(n, "locked image needs one of newImage and digest")
		return l
	}
	if repo != "" {
		l.Image, l.Repo = repo, true
	}
	if digest != "" {
		if !bareDigest.MatchString(digest) {
			r.fail(f["digest"], "digest %q is not sha256: and 64 hex digits", digest)
		}
		l.NewImage = repositoryOf(l.Image) + "@" + digest
	}
	if !hasDigest(l.NewImage) {
		r.fail(n, "newImage %q without a digest", l.NewImage).Hint("write it as registry/name@sha256:…")
	}
	l.Origins = r.tugOrigins(f["tag"], f["source"], l.NewImage)
	return l
}

// tugOrigins says the same as the entry in the words of kbld's origins.
func (r *reader) tugOrigins(tag, source *yaml.Node, url string) []map[string]any {
	var origins []map[string]any
	f := r.fields(source, "source", "repository", "commit", "path")
	git := map[string]any{}
	for key, name := range map[string]string{"repository": "remoteURL", "commit": "sha", "path": "path"} {
		if v := r.text(f[key], key); v != "" {
			git[name] = v
		}
	}
	if len(git) > 0 {
		origins = append(origins, map[string]any{"git": git})
	}
	if t := r.text(tag, "tag"); t != "" {
		origins = append(origins, map[string]any{"resolved": map[string]any{"tag": t, "url": repositoryOf(url) + ":" + t}})
	}
	return origins
}
