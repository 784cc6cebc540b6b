package imagelock

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"
)

// Registry answers what a Resolver has to ask. References are full names
// ("index.docker.io/library/nginx:1.27"); implementations bound time, size and
// repetitions of every request. They are called from several goroutines.
type Registry interface {
	// Digest is what a tag means now ("sha256:…"). Every call is a request.
	Digest(ctx context.Context, image string) (string, error)
	// Tags lists all tags of a repository.
	Tags(ctx context.Context, repository string) ([]string, error)
	// Children lists the images of an index by platform; index is false for
	// an image that is none.
	Children(ctx context.Context, image string) (children []Child, index bool, err error)
	// Exists is nil when the registry has the image, a fault otherwise.
	Exists(ctx context.Context, image string) error
}

// Child is one image of an index.
type Child struct {
	Platform Platform
	Digest   string
}

// Resolver finds the digests of image references. It follows the rules of
// kbld (carvel-dev/kbld da01feb, pkg/kbld/image), but builds nothing.
type Resolver struct {
	// Registry is asked; nil makes every question an error (--hermetic).
	Registry Registry
	// Platform is chosen from every index; nil keeps indexes.
	Platform *Platform
	// Pushed says that images with a source have been built and pushed to
	// their destination, so that the digest there is theirs.
	Pushed bool
	// Verify asks the registry for every digest that it did not give itself:
	// an image that is locked can be gone.
	Verify bool
	// Parallel is how many images are resolved at a time; 16 when zero.
	Parallel int
	// Root is the folder that absolute paths in origins are made relative to,
	// with slashes; others are left out. Empty leaves all out.
	Root string

	asked *questions // shared by all calls, so that each is asked once
}

// Resolved is an image reference and what it stands for.
type Resolved struct {
	Image    string
	NewImage string
	// Origins says how NewImage came to be, in the form of kbld's lock files.
	Origins []map[string]any
	// Lock is the lock or override that matched, if any; Fresh tells that a
	// registry gave the digest.
	Lock  *Lock
	Fresh bool
}

// Resolve gives what each image stands for, each once and sorted. Of the
// errors none hides another: a fault has a line for each image.
//
// What was asked once is not asked again in a later call; calls must not
// overlap.
func (r *Resolver) Resolve(ctx context.Context, set Set, images []string) ([]Resolved, error) {
	images = slices.Compact(slices.Sorted(slices.Values(images)))
	if r.asked == nil {
		r.asked = newQuestions(r.Registry)
	}
	c := &chain{Resolver: r, set: set, locks: newPinner(set)}
	resolved := make([]Resolved, len(images))
	errs := make([]error, len(images))
	var group errgroup.Group
	group.SetLimit(r.parallel())
	for i, image := range images {
		group.Go(func() error {
			resolved[i], errs[i] = c.image(ctx, image)
			return nil
		})
	}
	_ = group.Wait() // errors are kept by image
	if err := resolveFault(images, errs); err != nil {
		return nil, err
	}
	return resolved, nil
}

func (r *Resolver) parallel() int {
	if r.Parallel > 0 {
		return r.Parallel
	}
	return 16
}

// build is the first source that matches.
func (s Set) build(image string) *Build {
	for i, b := range s.Builds {
		if matchesImage(image, b.Image, b.Repo) {
			return &s.Builds[i]
		}
	}
	return nil
}

// destination is the first one that matches.
func (s Set) destination(image string) *Destination {
	for i, d := range s.Destinations {
		if matchesImage(image, d.Image, d.Repo) {
			return &s.Destinations[i]
		}
	}
	return nil
}

// matchesImage compares as text; nothing is filled in.
func matchesImage(image, with string, repo bool) bool {
	if repo {
		return repositoryOf(image) == with
	}
	return image == with
}
